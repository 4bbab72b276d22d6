/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.h: statements in their order, of which rules are kept as packed bytes,
 * so that 100,000 of them are not in memory as nodes at once.
 */
#ifndef NFR_PACK_H
#define NFR_PACK_H

#include "arena.h"
#include "ast.h"

struct pack;

/* Nodes that are not packed, and what has no room, are in rest. */
struct pack *pack_new(struct arena *rest);
void pack_free(struct pack **);

/* Where a rule's node and all that belongs to it goes, to be packed. */
struct arena *pack_arena(struct pack *);
/* Appends a statement; with is_packed, all that is in pack_arena(). */
void pack_add(struct pack *, struct ast_node *, bool is_packed);
/* pack_arena() is empty again, for the next statement. */
void pack_clear(struct pack *);

/*
 * The statements from the first on, each once, then NULL. A packed one is there
 * until the next call.
 */
struct ast_node *pack_next(struct pack *);

#endif
