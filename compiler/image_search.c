/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_search.c: an image -> a packet that breaks what it promises.
 *
 * Overview
 *   The image's own programs judge: rules, guard, and for each assert one that
 *   says whether it speaks of a packet. A program is blocks, each the tests of
 *   one rule and its RET, or SET. For an assert and the block of a rule that
 *   would break it, the corners (image_corners.h) of both are sifted: a value
 *   stays when neither objects to it, whatever else a packet is. Of what is
 *   left all packets are tried when these are few, else random ones, the same
 *   each time.
 *
 *   A transport is passed to who carries the tunnel alone, so packets out are
 *   tried as theirs: no promise can be broken by more than that, as the guard
 *   passes by an origin, and blocks only by the lack of one.
 *
 * Invariants
 *   - Sifting only chooses what to try. A packet is shown only after the
 *     programs, run as in the datapath, have said that it breaks a promise.
 *
 * Bound: PAIR_MAX steps for one assert and one rule, TOTAL_MAX for all.
 */
#include "image_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/packet.h"
#include "image_cover.h"
#include "image_judge.h"

#define PACKETS_MAX 4096
#define PAIR_MAX 4000000u
#define TOTAL_MAX 60000000u
#define TCP_SYN 0x02u

struct search {
	const struct image *img;
	struct judge *judge;
	uint64_t random;
	uint64_t left, left_here; /* steps */
	/* Of both families: usual and changed values, and those of all code. */
	struct corners front[2][DIMENSIONS], all[2][DIMENSIONS];
	struct corners tried[DIMENSIONS], here[DIMENSIONS]; /* of a pair */
};

/* What is looked for in one program. */
struct wanted {
	enum nfr_dir dir;
	enum nfr_family family;
	const struct image_assert *assert; /* or NULL: outside of the tunnel */
	struct block about; /* the assert's program, or nothing */
	struct block by;
};

/* Steps since the pair began are taken from both bounds. */
static bool is_spent(struct search *s)
{
	uint64_t steps = judge_steps(s->judge);

	s->left -= steps < s->left ? steps : s->left;
	s->left_here -= steps < s->left_here ? steps : s->left_here;
	return s->left == 0 || s->left_here == 0;
}

/* ---- sifting ----------------------------------------------------------- */

static void key_set(struct nfr_key *key, enum dimension d,
		    const struct addr *value)
{
	static const unsigned fields[DIMENSIONS] = {
		[DIM_IFID] = NFR_F_IFID,   [DIM_PROTO] = NFR_F_PROTO,
		[DIM_SRC] = NFR_F_SRC0,	   [DIM_DST] = NFR_F_DST0,
		[DIM_SPORT] = NFR_F_SPORT, [DIM_DPORT] = NFR_F_DPORT,
		[DIM_ICMP] = NFR_F_ICMP,   [DIM_TCPFLAGS] = NFR_F_TCPFLAGS,
		[DIM_TOS] = NFR_F_TOS,	   [DIM_TTL] = NFR_F_TTL,
		[DIM_MARK] = NFR_F_MARK,   [DIM_UID] = NFR_F_UID,
		[DIM_GID] = NFR_F_GID,	   [DIM_CGROUP] = NFR_F_CGROUP,
	};
	bool is_addr = d == DIM_SRC || d == DIM_DST;

	memcpy(&key->w[fields[d]], value->w,
	       is_addr ? sizeof(value->w) : sizeof(value->w[0]));
}

static bool is_tunnel(const struct image *img, __u32 ifid)
{
	return ifid && img->ifaces[ifid - 1].flags & IMAGE_IFACE_TUNNEL;
}

/* What fits of one dimension -> s->here. */
static void sift_one(struct search *s, const struct wanted *w, enum dimension d)
{
	const struct corners *tried = &s->tried[d];
	struct corners *fit = &s->here[d];

	fit->count = 0;
	for (size_t i = 0; i < tried->count && !is_spent(s); i++) {
		struct nfr_key key = {.w = {0}};

		key.w[NFR_F_FAMILY] = w->family;
		key.w[NFR_F_DIR] = w->dir;
		key_set(&key, d, &tried->items[i]);
		if (d == DIM_IFID && !w->assert &&
		    is_tunnel(s->img, key.w[NFR_F_IFID]))
			continue;
		if (judge_sift(s->judge, &w->about, d, &key) &&
		    judge_sift(s->judge, &w->by, d, &key))
			fit->items[fit->count++] = tried->items[i];
	}
}

/* False when a dimension has nothing that fits both blocks. */
static bool sift(struct search *s, const struct wanted *w)
{
	unsigned f = w->family - 1;

	for (int d = 0; d < DIMENSIONS; d++)
		s->tried[d] = s->front[f][d];
	corners_of_code(s->tried, s->img, w->about.first, w->about.count,
			w->family);
	corners_of_code(s->tried, s->img, w->by.first, w->by.count, w->family);
	for (int d = 0; d < DIMENSIONS; d++) {
		corners_merge(&s->tried[d], &s->all[f][d]);
		sift_one(s, w, (enum dimension)d);
		if (s->here[d].count == 0)
			return false;
	}
	return true;
}

/* ---- packets ----------------------------------------------------------- */

static void key_finish(struct nfr_key *key, const struct wanted *w)
{
	__u32 proto = key->w[NFR_F_PROTO], ifid = key->w[NFR_F_IFID];

	key->w[NFR_F_DIR] = w->dir;
	key->w[NFR_F_FAMILY] = w->family;
	key->w[NFR_F_ETHERTYPE] =
		w->family == NFR_FAMILY_IPV4 ? 0x0800 : 0x86dd;
	if (w->dir == NFR_DIR_IN)
		key->w[NFR_F_RECEIVED] = ifid ? ifid : NFR_RECEIVED_OTHER;
	else
		key->w[NFR_F_ORIGIN] = NFR_ORIGIN_ALL;
	if (proto != PACKET_TCP && proto != PACKET_UDP)
		key->w[NFR_F_SPORT] = key->w[NFR_F_DPORT] = 0;
	if (proto != PACKET_TCP)
		key->w[NFR_F_TCPFLAGS] = 0;
	if (proto != PACKET_ICMP && proto != PACKET_ICMP6)
		key->w[NFR_F_ICMP] = 0;
}

/* Only first packets of connections are asked to pass: the rest has a state. */
static bool is_broken(struct search *s, const struct wanted *w,
		      const struct nfr_key *key, struct image_finding *out)
{
	const struct image *img = s->img;
	bool is_pass;
	__u32 rule, classified;

	if (w->assert && w->assert->is_pass &&
	    key->w[NFR_F_PROTO] == PACKET_TCP &&
	    key->w[NFR_F_TCPFLAGS] != TCP_SYN)
		return false;
	if (w->assert && !judge_asserts(s->judge, w->assert, key))
		return false;
	rule = judge_packet(s->judge, key, &is_pass, &classified);
	if (rule < img->rule_count &&
	    img->ruleinfo[rule].flags & IMAGE_RULE_ADDRESS)
		return false;
	out->key = *key;
	out->rule = rule;
	if (w->assert) {
		out->promise = IMAGE_PROMISE_ASSERT;
		out->index = (__u32)(w->assert - img->asserts);
		return is_pass != w->assert->is_pass;
	}
	out->promise = IMAGE_PROMISE_RULE;
	out->index = w->by.rule;
	return classified == w->by.rule && !is_pass &&
	       !is_tunnel(img, key->w[NFR_F_IFID]);
}

static uint64_t random_next(struct search *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static bool is_few(const struct search *s)
{
	uint64_t product = 1;

	for (int d = 0; d < DIMENSIONS; d++)
		product *= product > PACKETS_MAX ? 1 : s->here[d].count;
	return product <= PACKETS_MAX;
}

static bool at_next(struct search *s, size_t at[DIMENSIONS], bool is_small)
{
	for (int d = 0; d < DIMENSIONS; d++) {
		if (!is_small) {
			at[d] = random_next(s) % s->here[d].count;
			continue;
		}
		if (++at[d] < s->here[d].count)
			return true;
		at[d] = 0;
	}
	return !is_small;
}

static bool search_packets(struct search *s, const struct wanted *w,
			   struct image_finding *out)
{
	size_t at[DIMENSIONS] = {0};
	bool is_small = is_few(s);

	for (unsigned i = 0; i < PACKETS_MAX && !is_spent(s); i++) {
		struct nfr_key key = {.w = {0}};

		for (int d = 0; d < DIMENSIONS; d++)
			key_set(&key, (enum dimension)d,
				&s->here[d].items[at[d]]);
		key_finish(&key, w);
		if (is_broken(s, w, &key, out))
			return true;
		if (!at_next(s, at, is_small))
			return false;
	}
	return false;
}

static bool search_pair(struct search *s, const struct wanted *w,
			struct image_finding *out)
{
	s->left_here = PAIR_MAX;
	return sift(s, w) && search_packets(s, w, out);
}

/* ---- programs ---------------------------------------------------------- */

/* Where the program that begins at start ends. */
static __u32 program_end(const struct image *img, __u32 start)
{
	__u32 end = img->insn_count;

	for (unsigned i = 0; i < NFR_ENTRIES; i++)
		if (img->header->entry[i] > start &&
		    img->header->entry[i] < end)
			end = img->header->entry[i];
	return end;
}

static bool ends_block(const struct nfr_insn *insn)
{
	return insn->op == NFR_OP_RET || insn->op == NFR_OP_RETC ||
	       insn->op == NFR_OP_SET;
}

/*
 * The next block of a program, from *at; false at the end. What leads out of it
 * before its tests is a tree's.
 */
static bool block_next(const struct image *img, __u32 *at, __u32 end,
		       struct block *out)
{
	__u32 i = *at, first = *at;

	while (i < end && !ends_block(&img->code[i]))
		i++;
	if (i == end)
		return false;
	for (__u32 j = first; j < i; j++)
		if (img->code[j].op == NFR_OP_RANK ||
		    (img->code[j].op == NFR_OP_JA &&
		     img->code[j].imm > i - j - 1))
			first = j + 1;
	*out = (struct block){&img->code[first], i + 1 - first,
			      img->code[i].imm};
	*at = i + 1;
	return true;
}

static bool is_suspect(const struct image *img, const struct wanted *w,
		       __u32 rule)
{
	bool is_pass = img->rules[rule].verdict == NFR_PASS;

	if (img->ruleinfo[rule].flags & IMAGE_RULE_ADDRESS)
		return false;
	if (!w->assert)
		return img->ruleinfo[rule].flags & IMAGE_RULE_OUTSIDE;
	return is_pass != w->assert->is_pass;
}

static bool search_program(struct search *s, struct wanted *w,
			   enum nfr_stage stage, struct image_finding *out)
{
	__u32 at = s->img->header->entry[NFR_ENTRY(stage, w->dir, w->family)];
	__u32 end;

	if (at == NFR_NO_ENTRY)
		return false;
	end = program_end(s->img, at);
	while (s->left && block_next(s->img, &at, end, &w->by))
		if (is_suspect(s->img, w, w->by.rule) && search_pair(s, w, out))
			return true;
	return false;
}

static bool search_assert(struct search *s, const struct image_assert *a,
			  struct image_finding *out)
{
	const struct nfr_insn *first = &s->img->assert_code[a->start];
	struct wanted w = {
		.dir = a->dir,
		.family = a->family,
		.assert = a,
		.about = {.first = first},
	};

	while (first[w.about.count].op != NFR_OP_RET)
		w.about.count++;
	w.about.count++;
	return search_program(s, &w, NFR_STAGE_RULES, out) ||
	       (a->is_pass && search_program(s, &w, NFR_STAGE_GUARD, out));
}

static bool search_outside(struct search *s, enum nfr_family family,
			   struct image_finding *out)
{
	struct wanted w = {.dir = NFR_DIR_OUT, .family = family};

	return search_program(s, &w, NFR_STAGE_RULES, out);
}

/* ---- all of it --------------------------------------------------------- */

static void collect(struct search *s, const struct image *before)
{
	const struct image *img = s->img;

	for (enum nfr_family f = NFR_FAMILY_IPV4; f <= NFR_FAMILY_IPV6; f++) {
		struct corners *front = s->front[f - 1], *all = s->all[f - 1];

		corners_usual(front, img, f);
		if (before)
			corners_of_change(front, before, img, f);
		for (unsigned i = NFR_ENTRIES; i-- > 0;) {
			__u32 at = img->header->entry[i];

			if (i % 3 == f && at != NFR_NO_ENTRY)
				corners_of_code(all, img, &img->code[at],
						program_end(img, at) - at, f);
		}
	}
}

static bool search_all(struct search *s, struct image_finding *out)
{
	const struct image *img = s->img;

	for (enum nfr_family f = NFR_FAMILY_IPV4; f <= NFR_FAMILY_IPV6; f++)
		if (search_outside(s, f, out))
			return true;
	for (__u32 i = 0; i < img->assert_count; i++)
		if (search_assert(s, &img->asserts[i], out))
			return true;
	return false;
}

int image_search(const struct image *before, const struct image *img,
		 struct image_finding *out)
{
	struct search *s;
	int found;

	if (image_covers_all(img, out))
		return 1;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->img = img;
	s->random = 0x9e3779b97f4a7c15u;
	s->left = TOTAL_MAX;
	found = judge_new(img, &s->judge);
	if (!found) {
		collect(s, before);
		found = search_all(s, out);
	}
	judge_free(&s->judge);
	free(s);
	return found;
}
