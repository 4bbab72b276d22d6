/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_model.h: what a stateful firewall makes of a sequence of packets,
 * written to be read: a list of flows, searched from the start.
 *
 *   flow_model.c      which flow a packet is of, fragments, ICMP errors
 *   flow_begin.c      new flows: rules, translation, names that are free
 *   flow_limit.c      how many of them a rule allows
 *   flow_overload.c   what happens to a source that was too many
 *   flow_route.c      where packets are sent, whatever the route table says
 *   flow_tag.c        the tags of packets that are forwarded
 *   flow_tcp.c        whether a segment belongs to a connection
 *
 * It follows pf.conf(5), RFC 791, 792, 4443, 9293, 5961, 7323 and 1858, and
 * shares no code with runtime/. The rules' meaning is compiler/model.h's.
 *
 * Where an engine draws at random, the model is told what came out and says
 * whether that was allowed; from then on it holds the engine to it.
 */
#ifndef NFR_FLOW_MODEL_H
#define NFR_FLOW_MODEL_H

#include "compiler/model.h"
#include "trace_packet.h"

#define FLOW_MAX 512
#define FLOW_PIECES 256
#define FLOW_POOLS 8
#define FLOW_TABLES 64	/* lists and pools make some, too */
#define FLOW_ENTRIES 64 /* of a table, with those that were added */
#define FLOW_SOURCES 64
#define FLOW_HERE UINT32_MAX	/* ingress: made here */
#define FLOW_NOWHERE UINT32_MAX /* no hop */
#define FLOW_COPY 2		/* where a copy goes, in hop[] */
#define FLOW_HOPS 3

/* Where a packet is. Devices are numbers of the caller, below 32. */
struct flow_hook {
	const char *const *names; /* of devices */
	unsigned device;
	uint32_t ingress; /* of what goes out: a device, or FLOW_HERE */
	enum nfr_dir dir;
	uint64_t now_ms;
	size_t frame_len;
	/* Of what goes out: what was done to it since it came in. */
	unsigned hops;	  /* how often it was sent to another device */
	bool was_here;	  /* the last time to this one, where it was */
	bool is_copy;	  /* made at another hook, and not seen since; ... */
	bool has_come_in; /* ... where what was copied came in */
};

enum flow_phase { /* as NFR_STATE_* */
		  FLOW_OPENING,
		  FLOW_HALF,
		  FLOW_ESTABLISHED,
		  FLOW_CLOSING,
		  FLOW_FINWAIT,
		  FLOW_CLOSED
};

/* One side of a connection; sequence numbers. */
struct flow_side {
	bool is_seen;
	bool has_scale;
	unsigned scale;
	uint32_t sent;	 /* behind the last that it sent */
	uint32_t may;	 /* behind the last that it may send */
	uint32_t window; /* the largest that it offered, in bytes */
};

struct flow {
	unsigned device;  /* where it began */
	bool is_floating; /* of every device */
	bool is_translated;
	enum nfr_dir dir; /* of its first packet */
	enum addr_family family;
	uint8_t proto;
	struct trace_ends wire, stack; /* of its first packet's direction */
	struct nfr_key first;	       /* the first packet, as rules saw it */
	uint32_t ingress;
	const struct policy *policy; /* that judged it last, ... */
	unsigned loaded;	     /* ... as the n-th, ... */
	unsigned epoch;		     /* ... with such tables */
	uint32_t rule;		     /* for the packet at hand */
	uint32_t kept_rule;	     /* of the judgement that is final */
	uint32_t tag;	/* of its first packet, as that came here */
	uint32_t given; /* by the rules: what leaves elsewhere comes with it */
	enum flow_phase phase;
	bool has_fin[2]; /* [0]: of the side that began */
	bool is_loose, is_sloppy;
	/* Of the rule that made it, if that has limits: what counts it. */
	bool is_counted, is_connection;
	enum ast_track track; /* whose flows count as its source's */
	uint64_t counted_by;
	bool gives_way; /* to the flow that is about to begin */
	struct flow_side side[2];
	uint64_t began_ms, seen_ms, timeout_ms;
	uint64_t packets[2], bytes[2]; /* by enum nfr_dir */
	/* By enum nfr_dir, and of a copy: a device, or FLOW_NOWHERE. */
	unsigned hop[FLOW_HOPS];
	struct addr hop_at[FLOW_HOPS];
	/* route-to, reply-to, dup-to */
	const struct policy_pool *ways[FLOW_HOPS];
	bool has_answers; /* are they found on other devices? */
	/* Of the rules that translated it, in their order. */
	const struct policy_pool *pools[FLOW_POOLS];
	size_t pool_count;
};

/* What is known of a datagram whose first piece passed. */
struct flow_piece {
	unsigned device;
	enum nfr_dir dir;
	struct trace_packet first;
	struct nfr_key key;
	uint32_t ingress;
	uint32_t end;
	uint64_t seen_ms;
	bool has_flow;
	struct flow flow; /* its name alone counts */
	uint32_t rule;
	unsigned loaded, epoch;
};

/* What is known of a source beside its flows; of all rules: rule 0. */
struct flow_source {
	uint64_t rule;
	enum addr_family family;
	struct addr addr;
	uint32_t rate; /* thousandths of connections, when ... */
	uint64_t rate_ms;
	bool is_flushed;
	uint64_t flushed_ms; /* flows until then are to end */
};

struct flow_model {
	const struct policy *loaded_policy;
	/* The same with the tables as they are by now. */
	const struct policy *policy;
	struct policy own;
	struct policy_table tables[FLOW_TABLES];
	struct policy_table_entry entries[FLOW_TABLES][FLOW_ENTRIES];
	bool asks_tags; /* some rule that may decide does */
	unsigned loaded;
	unsigned epoch; /* of tables: grows when a packet changes one */
	struct flow_source sources[FLOW_SOURCES];
	size_t source_count;
	bool has_swept;
	uint64_t swept_ms;
	bool has_flushed; /* since the caller looked */
	struct flow flows[FLOW_MAX];
	size_t count;
	struct flow_piece pieces[FLOW_PIECES];
	size_t piece_count;
};

/* What an engine said, where the model leaves a choice. */
struct flow_seen {
	bool passes;
	enum nfr_reason reason;
	uint32_t rule;
	struct trace_ends ends; /* of the frame that left */
};

struct flow_answer {
	struct nfr_result result; /* but for its action */
	struct trace_frame out;	  /* if it passes */
	unsigned hop;		  /* to which it is sent, or FLOW_NOWHERE */
	struct addr hop_at;
	unsigned copy; /* the same of a copy of what leaves */
	struct addr copy_at;
};

/* No flows, pieces and sources. */
void flow_model_begin(struct flow_model *);
/* asks_tags: of the image, which has no rule behind which others decide. */
void flow_model_load(struct flow_model *, const struct policy *,
		     bool asks_tags);
void flow_model_judge(struct flow_model *, const struct flow_hook *,
		      const struct trace_frame *, const struct flow_seen *,
		      struct flow_answer *);

/* ---- of the model's files -------------------------------------------------
 */

/* How a packet is of flows. */
enum flow_role { FLOW_NONE, FLOW_ANY, FLOW_ASKS, FLOW_ANSWERS };
enum flow_role flow_role(const struct trace_packet *);
struct nfr_result flow_blocks(enum nfr_reason, uint32_t rule);
void flow_place_key(const struct policy *, const struct flow_hook *,
		    struct nfr_key *);
/* Have both the same wire, or the same host's view of it? */
bool flow_same_wire(const struct flow *, const struct flow *);
bool flow_same_stack(const struct flow *, const struct flow *);
void flow_end(struct flow_model *, struct flow *);
/* flow_begin.c: a packet that continues nothing. The new flow, or NULL. */
struct flow *flow_begin(struct flow_model *, const struct flow_hook *,
			const struct trace_frame *, const struct nfr_key *,
			const struct flow_seen *, struct flow_answer *);
/* Would the policy in force begin the same flow? Then its rule is changed. */
bool flow_holds(const struct flow_model *, const struct flow_hook *,
		struct flow *);
uint64_t flow_timeout_ms(const struct policy *, const struct flow *);

/* Was it judged by the policy and the tables in force? */
bool flow_is_current(const struct flow_model *, const struct flow *);

/* flow_tag.c */
/* The tag with which a packet of no flow comes; false: it is of before. */
bool flow_tag_of(const struct flow_model *, const struct flow_hook *,
		 const struct trace_packet *, uint32_t *tag);
/* The same of a flow's first packet, were it to come now. */
bool flow_tag_again(const struct flow_model *, const struct flow *,
		    uint32_t *tag);

/* flow_route.c */
bool flow_routes(const struct policy *);
/* What the rule's pools say of the new flow. */
void flow_route(struct flow *, const struct flow_hook *,
		const struct model_outcome *);
/* NFR_REASON_NONE, or why the flow's packet can not go where it is sent. */
enum nfr_reason flow_doubt(const struct flow *, const struct flow_hook *,
			   const struct trace_packet *);
/* A passed packet goes where its flow says; false: it can not. */
bool flow_send(const struct flow *, const struct flow_hook *,
	       struct flow_answer *);
/* Would they still? */
bool flow_same_ways(const struct policy *, const struct model_outcome *,
		    const struct flow *);
/* It is the one that is found by answers of its name, on any device. */
void flow_take_answers(struct flow_model *, struct flow *);
bool flow_same_pool(const struct policy *, const struct policy_pool *,
		    const struct policy *, const struct policy_pool *);

/* flow_overload.c */
void flow_tables_load(struct flow_model *);
bool flow_overloads(const struct policy *);
const struct addr *flow_source(const struct flow *);
bool flow_is_flushed(const struct flow_model *, const struct flow *);
/* One connection more of its source: thousandths in the time. */
uint32_t flow_rate(struct flow_model *, const struct flow_hook *,
		   const struct flow *, uint32_t seconds);
/* Its source is too many: table, flush. */
void flow_overload(struct flow_model *, const struct flow_hook *,
		   const struct flow *);
/* Those that are over end; once a second. *keep, which does not, may move. */
void flow_sweep(struct flow_model *, const struct flow_hook *,
		struct flow **keep);

/* flow_limit.c: marks the new flow as counted; false when it is too many. */
bool flow_limit_begin(const struct flow_model *, struct flow *);
/* The packet made a connection of the flow: false when it is too many. */
bool flow_limit_connect(struct flow_model *, const struct flow_hook *,
			struct flow **);

/* flow_tcp.c */
enum flow_fit { FLOW_MISFIT, FLOW_FITS, FLOW_PASSES_BY };
/* Does any host send a segment with such flags? */
bool flow_tcp_is_sent(const struct trace_packet *);
void flow_tcp_begin(struct flow *, const struct trace_packet *);
/* back: 1 when the segment is against the first's way. */
enum flow_fit flow_tcp_segment(struct flow *, unsigned back,
			       const struct trace_packet *);
/* May the side have sent this, which an error quotes? */
bool flow_tcp_was_sent(const struct flow *, unsigned back, uint32_t seq);

#endif
