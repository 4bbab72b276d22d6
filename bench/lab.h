/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h: two network namespaces with a cable between them, and a filter in one
 * of them. All of it belongs to this process and ends with it.
 */
#ifndef NFR_LAB_H
#define NFR_LAB_H

#include <stdint.h>

#include "bare.h"
#include "measure.h"

enum lab_peer {
	LAB_NONE,
	LAB_PARSE, /* XDP that parses: what the hook costs */
	LAB_NFR,
	LAB_NFR_TC,
	LAB_NFT,
	LAB_NFT_MAP,
	LAB_NFT_INGRESS, /* of the device, before IP */
	LAB_NFT_OUT,
	LAB_IPTABLES,
	LAB_BARE /* nfr's hooks under a contract, with nothing in them */
};
enum lab_side { LAB_NEAR, LAB_FAR };
/* The two ways from one side to the other. */
enum lab_net { LAB_CABLE, LAB_TUNNEL };

#define LAB_NEAR4 "10.99.0.1"
#define LAB_FAR4 "10.99.0.2"
#define LAB_NEAR4_NUMBER 0x0a630001u
#define LAB_FAR4_NUMBER 0x0a630002u
#define LAB_NEAR6 "fd99::1"
#define LAB_FAR6 "fd99::2"
/* Of tun0, a VXLAN over the cable, where there is one. */
#define LAB_NEAR_TUNNEL4 "10.98.0.1"
#define LAB_FAR_TUNNEL4 "10.98.0.2"
#define LAB_NEAR_TUNNEL6 "fd98::1"
#define LAB_FAR_TUNNEL6 "fd98::2"
#define LAB_TUNNEL_PORT "4789"
/* Behind far: near has a route by the cable. */
#define LAB_OUTSIDE4 "10.97.0.1"

/* What the filters are to hold; a NULL is not asked for. */
struct lab_rules {
	const struct image *image;
	const char *policy; /* in its place: it needs the lab's addresses */
	char *nft, *nft_map, *nft_ingress, *nft_out, *iptables;
	bool has_tunnel; /* the cable carries tun0 */
};

struct lab {
	enum lab_peer peer;
	enum lab_side side; /* whose packets are filtered: far's as they come
			       in, near's as they go out */
	int ns[2];	    /* by enum lab_side; -1: none */
	struct engine *engine;
	const char *engine_name; /* as it is in force, like hook */
	char hook[32];		 /* "tcx-out"; of nftables "input" */
	char hooks[32];		 /* of nfr, of both directions: "tcx/tcx" */
	double load_ms;
	size_t bytes; /* of bytecode and rules */
	struct bare bare;
};

/*
 * Once, before the others: a mount namespace for this process. All here: 0, or
 * -errno with error set.
 */
int lab_begin(char error[MEASURE_ERROR_MAX]);
/*
 * number: no two labs share one. rules NULL: all that is new passes with a
 * state. -ENOENT: the peer's program is not installed. Freed by lab_free() in
 * any case.
 */
int lab_new(enum lab_peer, enum lab_side, enum measure_loop, unsigned number,
	    const struct lab_rules *rules, struct lab *out,
	    char error[MEASURE_ERROR_MAX]);
void lab_free(struct lab *);
const char *lab_address(enum nfr_family, enum lab_net, enum lab_side);
/* The process goes over to one side. */
int lab_enter(const struct lab *, enum lab_side, char error[MEASURE_ERROR_MAX]);
/* How many flows the filter knows; 0 when there is none. */
int lab_states(const struct lab *, uint64_t *count,
	       char error[MEASURE_ERROR_MAX]);
/* The filter forgets all flows. */
int lab_forget(const struct lab *, char error[MEASURE_ERROR_MAX]);

#endif
