/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.h: policy -> bytecode. pf's last match and quick become first match;
 * rules are split by direction and family into the image's entry points.
 */
#ifndef NFR_LOWER_H
#define NFR_LOWER_H

#include "policy.h"

/* What one assert speaks of, in one direction and family. */
struct code_assert {
	uint32_t assert; /* index in policy.asserts */
	uint32_t start;	 /* in assert_insns */
	enum nfr_dir dir;
	enum nfr_family family;
};

struct code {
	struct nfr_insn *insns;
	size_t count;
	uint32_t entry[NFR_ENTRIES];
	struct nfr_insn *assert_insns;
	size_t assert_insn_count;
	struct code_assert *asserts;
	size_t assert_count;
	uint8_t *hash; /* the data form (hash.h); hash_len 0: none */
	size_t hash_len;
	bool takes_hash;   /* it is malloc'd, and image_finish() takes it */
	bool is_too_large; /* for a data form, in some direction and family */
};

/*
 * 0, or -E2BIG when the policy does not fit NFR_INSN_MAX or NFR_RULE_MAX, or
 * one rule's tests, its anchors' included, are longer than a jump.
 */
int lower_policy(struct arena *, const struct policy *, struct code *out);
/*
 * The same in steps, for whom memory is short: the policy may end behind
 * lower_begin(). Of what lower_finish() gives, the data form is malloc'd and
 * the caller's, the rest the arena's. The lowering is freed whatever they
 * return.
 */
struct lowering;
int lower_begin(struct arena *, const struct policy *, struct lowering **out);
void lower_finish(struct lowering *, struct code *out);
void lower_free(struct lowering **);
/* lower_assert.c: fills in the asserts' part. 0 or -E2BIG. */
int lower_asserts(struct arena *, const struct policy *, struct code *out);

#endif
