/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flows.h: flow states in user space: what the HASH map of the kernel side
 * does, with the same bound.
 */
#ifndef NFR_FLOWS_H
#define NFR_FLOWS_H

#include <stddef.h>

#include "abi.h"

struct flows;

/* At most max states, max > 0. 0 or -ENOMEM; *out untouched on failure. */
int flows_new(size_t max, struct flows **out);
void flows_free(struct flows **); /* NULL is fine */

/* NULL when there is none. Lives until the next insert or delete of its key. */
struct nfr_state *flows_find(struct flows *, const struct nfr_state_key *);
/* Replaces a state of the same key. 0, -E2BIG when full, -ENOMEM. */
int flows_insert(struct flows *, const struct nfr_state_key *,
		 const struct nfr_state *);
void flows_delete(struct flows *, const struct nfr_state_key *);
/* Deletes every state that is_dead says is. */
void flows_sweep(struct flows *,
		 int (*is_dead)(void *arg, const struct nfr_state_key *,
				const struct nfr_state *),
		 void *arg);
size_t flows_count(const struct flows *);

#endif
