/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel.h: a checked tunnel block, between its two readers: the default rules
 * (tunnel.c) and the sealed guard (tunnel_guard.c).
 */
#ifndef NFR_TUNNEL_H
#define NFR_TUNNEL_H

#include "check_internal.h"

/* A clause with its match expanded; link and dns clauses have no matches. */
struct tunnel_clause {
	const struct ast_clause *ast;
	struct check_lists lists;
	struct check_match *matches;
	size_t match_count;
	struct check_iface *on; /* of portal */
	size_t on_count;
};

struct tunnel {
	struct check *check;
	const struct ast_node *node;
	const struct ast_tunnel *ast;
	const char *title; /* "tunnel wg0 over any" */
	struct check_iface device;
	/* The interfaces outside: those of "over", or "! device" for any. */
	struct check_iface *outside;
	size_t outside_count;
	/* The same by their names, where a clause is about each of them. */
	struct check_iface *uplinks;
	size_t uplink_count;
	struct check_iface *loopbacks;
	size_t loopback_count;
	struct tunnel_clause *clauses;
	size_t clause_count;
	const struct ast_clause *dns; /* the first, or NULL */
	bool is_include;
};

/* What a generated rule says beside its match. */
struct tunnel_say {
	enum check_stage stage;
	bool is_pass;
	bool keeps_state;
	bool is_side_door; /* the guard's own: no rule breaks it */
	bool is_any_frame; /* also what is not IP */
	bool allows_opts;  /* also packets with IP options */
	uint8_t origin;	   /* NFR_ORIGIN_*, all of which it must have ... */
	uint8_t lacks;	   /* ... and none of these */
	uint8_t dirs;
	int ethertype;			   /* 0: IP */
	int ttl;			   /* 0: any */
	const struct addr_range *within;   /* of the destination, or NULL */
	const struct policy_match *inside; /* all of these match too */
	size_t inside_count;
	struct span span;
	const char *why; /* the words in brackets */
};

#define TUNNEL_IN (1u << NFR_DIR_IN)
#define TUNNEL_OUT (1u << NFR_DIR_OUT)
#define TUNNEL_BOTH (TUNNEL_IN | TUNNEL_OUT)

/* Which end is on the link, by the table of tables_link(). */
enum tunnel_end { TUNNEL_ANYWHERE, TUNNEL_TO_LINK, TUNNEL_FROM_LINK };

/* One kind of frame or packet that a word of "link" lets by. */
struct tunnel_link {
	const char *word, *why;
	uint8_t dirs;
	enum tunnel_end end;
	uint8_t origin; /* NFR_ORIGIN_* */
	int ethertype;	/* or 0 and: */
	enum addr_family family;
	int proto, sport, dport, icmp_type; /* -1: any */
};

extern const struct tunnel_link tunnel_links[];
extern const size_t tunnel_link_count;

/* on NULL: every interface. match NULL: everything. */
void tunnel_emit(struct tunnel *, const struct tunnel_say *,
		 const struct check_iface *on, const struct check_match *);
void tunnel_emit_outside(struct tunnel *, const struct tunnel_say *,
			 const struct check_match *);
/*
 * tunnel_exclude.c. The same, but of what an exclude clause takes from an
 * interface only what is private, unless the clause is trusted.
 */
void tunnel_emit_exclude(struct tunnel *, const struct tunnel_say *,
			 const struct tunnel_clause *,
			 const struct check_match *);
/* The destinations for printing: what is cut by its name. */
struct ast_host *tunnel_exclude_printable(struct tunnel *,
					  const struct tunnel_clause *);
/* False after saying that all of a family would go outside. */
bool tunnel_exclude_is_sound(struct tunnel *);

/* All matches of a clause, or of the clauses of one kind. */
void tunnel_emit_clause(struct tunnel *, const struct tunnel_clause *,
			const struct tunnel_say *, const char *why);
void tunnel_emit_clauses(struct tunnel *, enum ast_clause_kind,
			 const struct tunnel_say *, const char *why);
/* DNS and DNS over TLS or QUIC, to the tunnel's resolvers or to anywhere. */
void tunnel_emit_dns(struct tunnel *, const struct tunnel_say *,
		     const struct check_iface *on, bool to_resolvers);
/* The match of tunnel_links[i]. */
struct check_match tunnel_link_match(struct tunnel *,
				     const struct tunnel_link *);
/* A protocol, and of ICMP a type, whatever its code; -1: any. */
struct check_match tunnel_proto_match(struct tunnel *, enum addr_family,
				      int proto, int icmp_type);
/* Of TCP or UDP; first -1: any. */
void tunnel_match_ports(struct tunnel *, struct check_match *, int sport_first,
			int sport_last, int dport_first, int dport_last);
/* From, or to, the addresses that a device, or "self", has at the time. */
struct check_match tunnel_own_match(struct tunnel *, const char *device,
				    bool is_source);
bool tunnel_has_link(const struct tunnel_clause *, const char *word);

/* tunnel_lan.c: says what is wrong with a clause's words. */
bool tunnel_discovery_is_sound(struct tunnel *, const struct tunnel_clause *);
/* Fills uplinks; outside is filled. */
void tunnel_uplinks_resolve(struct tunnel *);
/* "exclude lan" and "exclude discovery", in the order of the stage. */
void tunnel_emit_lan(struct tunnel *, const struct tunnel_say *);

/* From, or to, what a device has by modifiers (enum ast_modifier). */
void tunnel_match_device(struct tunnel *, struct check_match *,
			 const char *device, unsigned modifiers,
			 bool is_source);
/*
 * What the tunnel has, its networks and its resolvers, on one interface or, on
 * NULL, on all outside. match is what else a packet must be.
 */
void tunnel_emit_own(struct tunnel *, const struct tunnel_say *,
		     const struct check_iface *on, const struct check_match *);
/* The same of its resolvers alone. */
void tunnel_emit_resolvers(struct tunnel *, const struct tunnel_say *,
			   const struct check_iface *on,
			   const struct check_match *);

/* tunnel_portal.c: fills on, or says what is wrong with it. */
bool tunnel_portal_is_sound(struct tunnel *, struct tunnel_clause *);
void tunnel_emit_portals(struct tunnel *, const struct tunnel_say *);

/* tunnel_peer.c: notes the keys of a peer clause, or says what is wrong. */
bool tunnel_peer_is_sound(struct tunnel *, const struct tunnel_clause *);

void tunnel_guard(struct tunnel *);

#endif
