/* SPDX-License-Identifier: BSD-2-Clause */
/* state_view.h: a flow state and what explains it -> text, or JSON. */
#ifndef NFR_STATE_VIEW_H
#define NFR_STATE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../compiler/image.h"
#include "abi.h"

struct state_view {
	const struct nfr_state_key *name;
	const struct nfr_state *state;
	const char *ifname;	   /* "all" of a floating one */
	const struct image *image; /* of the state's generation; or NULL */
	uint32_t generation;	   /* in force; 0: none */
	uint64_t now;		   /* jiffies */
	uint32_t hz;
	/* Name of a hop's device; NULL: it is shown by its number. */
	const char *(*ifname_of)(void *arg, uint32_t ifindex);
	void *ifname_arg;
};

/* "ESTABLISHED", and of what is not TCP "SINGLE" or "MULTIPLE". */
const char *state_phase_name(unsigned proto, unsigned phase);
#define STATE_PHASE_WORDS                                                      \
	"opening half_open established closing fin_wait closed single "        \
	"multiple"

/* How the host sees the flow: the name's addresses unless translated. */
struct nfr_endpoints state_stack(const struct nfr_state_key *,
				 const struct nfr_state *);
/* Seconds until it expires; negative: it has. */
int64_t state_seconds_left(const struct state_view *);
bool state_is_expired(const struct state_view *);
/* NULL when its generation is no longer loaded. */
const struct image_ruleinfo *state_ruleinfo(const struct state_view *);
/* Name of the tag that the flow's packets have behind the rules (state.given),
 * or its number where its generation is no longer loaded. */
#define STATE_TAG_MAX 64
const char *state_tag(const struct state_view *, char out[STATE_TAG_MAX]);

/*
 * "eth0 tcp 192.0.2.1:50001 (10.0.0.2:4000) -> 9.9.9.9:443  ESTABLISHED": the
 * near side stands left; the arrow is the first packet's way; in parentheses
 * is what the host sees. With -v two lines more, with -v -v the rule's text.
 */
void state_print(const struct state_view *, unsigned verbose, FILE *);
/* A new object, of the fields "state" in json.def. */
json_t *state_json(const struct state_view *);

#endif
