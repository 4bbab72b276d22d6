/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * datapath_user.h: the datapath in user space: an image and frames in, verdicts
 * out. The same headers as in the kernel, with memory for maps.
 */
#ifndef NFR_DATAPATH_USER_H
#define NFR_DATAPATH_USER_H

#include <stdbool.h>
#include <stddef.h>

#include "../compiler/image.h"
#include "abi.h"

#define DATAPATH_STATES_DEFAULT NFR_STATES_MAX
#define DATAPATH_HZ 1000 /* the clock that callers give is in milliseconds */

/* A device that frames may come from; its name binds to the image's. */
struct datapath_device {
	const char *name;
	__u32 ifindex;
	enum nfr_link link;
	bool is_impostor; /* has the tunnel's name, but is not the tunnel */
};

/* Whose socket sent the frame, or would get it. A capture does not say. */
struct datapath_owner {
	bool has_socket; /* else what follows does not count */
	__u32 uid, gid;	 /* NFR_NO_ID: not known */
	__u32 cgroup;	 /* as NFR_F_CGROUP has it */
};

struct datapath_frame {
	const void *bytes;
	/*
	 * The same bytes, or a copy: what is rewritten is changed here. NULL:
	 * it is lost, the result still says so.
	 */
	void *writable;
	size_t caplen; /* what is there */
	size_t len;    /* what was on the wire, at least caplen */
	__u32 ifindex;
	__u32 ingress; /* of what goes out: where it came in; 0: made here */
	enum nfr_dir dir;
	__u64 now_ms; /* any epoch; need not be monotonic */
	struct datapath_owner owner;
	__u32 origin; /* NFR_ORIGIN_*: who made it, when it goes out; a capture
			 does not say */
	/* Nobody sends frames of a capture elsewhere. */
	__u32 hops;    /* how often the datapath did, since it came in */
	bool was_here; /* the last time to this device, where it was */
};

struct datapath;

/* Blocks every frame until the first switch. 0, -EINVAL or -ENOMEM. */
int datapath_new(size_t state_max, struct datapath **out);
void datapath_free(struct datapath **); /* NULL is fine */

/*
 * From now on image judges, as a new generation; flows go on and are judged
 * again at their next packet. Rule counters start at 0, reasons go on. The
 * image must live until the next switch or datapath_free(); devices are
 * copied. On failure (-ENOMEM, -E2BIG) nothing changed.
 */
int datapath_switch(struct datapath *, const struct image *,
		    const struct datapath_device *, size_t count);

/*
 * In place of the image's, until the next switch; all must live as long. flags:
 * NFR_CONFIG_*. For tests of what no policy text says.
 */
struct datapath_actions {
	const struct nfr_action *actions;
	size_t action_count;
	const struct nfr_pool *pools;
	size_t pool_count;
	const struct nfr_pool_addr *pool_addrs;
	size_t pool_addr_count;
	__u32 flags;
};
void datapath_set_actions(struct datapath *, const struct datapath_actions *);

/*
 * The verdict on one frame. key and event (both may be NULL) are filled in
 * whatever the verdict is; after a doubt, with what was read before it.
 */
struct nfr_result datapath_judge(struct datapath *,
				 const struct datapath_frame *,
				 struct nfr_key *key, struct nfr_event *event);

/*
 * Of the last frame: where it goes, and its copy, if its result's action says
 * so. The caller may send them, or not.
 */
struct datapath_orders {
	struct nfr_hop hop, copy;
};
struct datapath_orders datapath_orders(const struct datapath *);

/* Called for each frame that the kernel side would send to the ring buffer. */
void datapath_on_event(struct datapath *,
		       void (*hook)(void *arg, const struct nfr_event *),
		       void *arg);
void datapath_trace_block(struct datapath *, bool on);

__u32 datapath_generation(const struct datapath *); /* 0 before the first */
/* Zero for a rule that the image does not have. */
struct nfr_count datapath_rule_count(const struct datapath *, __u32 rule);
/* Of the entry with that slot (image_entry_slots()). */
struct nfr_count datapath_table_count(const struct datapath *, __u32 slot,
				      enum nfr_dir, enum nfr_verdict);
struct nfr_count datapath_reason_count(const struct datapath *, enum nfr_dir,
				       enum nfr_reason);
size_t datapath_state_count(const struct datapath *);
/* The state of a flow, or NULL; lives until the next frame. */
const struct nfr_state *datapath_state(struct datapath *,
				       const struct nfr_state_key *);
/* Every state, dead ones too; visit may not change anything. */
void datapath_each_state(struct datapath *,
			 void (*visit)(void *arg, const struct nfr_state_key *,
				       const struct nfr_state *),
			 void *arg);
/* And what is known of datagrams in pieces, and of sources. */
void datapath_forget_states(struct datapath *);

#endif
