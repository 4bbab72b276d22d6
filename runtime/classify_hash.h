/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * classify_hash.h: a key -> the earliest rule of a program's data form.
 *
 * One flat loop: a turn looks at one tuple, one more line of it, or one item of
 * a long list. compiler/hash.c says how long it may
 * take. An image that is damaged, or a loop that is cut short, finds no rule
 * at all, and the caller blocks: see hash_format.h.
 *
 * The environment gives env_hash_open(), which is asked first and is not 0 when
 * there is nothing to read, env_hash(), a place that HASH_READ_MAX bytes can be
 * read from whatever offset it is asked for, and in eBPF either NFR_BPF_LOOP or
 * VM_BREAK.
 */
#ifndef NFR_CLASSIFY_HASH_H
#define NFR_CLASSIFY_HASH_H

#include "abi.h"
#include "hash_format.h"
#include "packet.h"

#define HASH_TURNS_MAX 65536u

/*
 * What a verifier must not know is read from the head, also where it is a
 * constant: it would tell the turns apart by it, and look at each of them.
 */
struct hash_walk {
	struct env *env;
	const struct nfr_key *key;
	const struct hash_head *head;
	__u64 left;	 /* bits of tuples of this word */
	__u64 masked[4]; /* what is looked for; of IPv4 the first */
	__u32 rows[3];	 /* places of the next words of rows */
	__u32 words;	 /* of rows, left */
	__u32 tuples;	 /* place of this word's */
	__u32 best;	 /* the least rank found, or HASH_NONE */
	__u32 class;	 /* of the packet's service */
	__u32 item;	 /* of a list; number, how many */
	__u32 items;
	__u32 line; /* of its tuple's that the key goes on in, or HASH_NONE */
	__u32 now;  /* place of the tuple */
	__u32 is_over;
};

NFR_INLINE __u32 hash_u32(struct env *env, __u32 at)
{
	return *(const __u32 *)env_hash(env, at);
}

NFR_INLINE __u32 hash_u16(struct env *env, __u32 at)
{
	return *(const __u16 *)env_hash(env, at);
}

NFR_INLINE __u32 hash_u8(struct env *env, __u32 at)
{
	return *(const __u8 *)env_hash(env, at);
}

NFR_INLINE __u64 hash_u64(struct env *env, __u32 at)
{
	return *(const __u64 *)env_hash(env, at);
}

/* Does the packet's class have this service? */
NFR_INLINE int hash_asks(const struct hash_walk *w, __u32 service)
{
	__u32 bits = w->head->asks + w->class * w->head->asks_stride;

	return hash_u32(w->env, bits + (service >> 5) * 4) >> (service & 31) &
	       1;
}

NFR_INLINE void hash_take(struct hash_walk *w, __u32 rank, __u32 service)
{
	if (rank < w->best && hash_asks(w, service))
		w->best = rank;
}

/* Two words of a key's address; keys lie where wide words can. */
NFR_INLINE __u64 hash_wide(const __u32 *words)
{
#ifdef __bpf__
	return *(const __u64 *)(const void *)words;
#else
	__u64 wide;

	__builtin_memcpy(&wide, words, sizeof(wide));
	return wide;
#endif
}
_Static_assert(NFR_F_SRC0 % 2 == 0 && NFR_F_DST0 % 2 == 0, "wide words");

/* Item 0 is none, the others are numbered from 1. */
NFR_INLINE void hash_take_first(struct hash_walk *w, __u32 first, __u32 order)
{
	__u32 number = hash_u16(
		w->env,
		w->head->firsts + 2 * (order * w->head->order_len + w->class));
	__u32 rank;

	if (!number)
		return;
	rank = hash_u32(w->env,
			w->head->lists + (first + number -
					  1) * (__u32)sizeof(struct hash_item));
	w->best = rank < w->best ? rank : w->best;
}

/* What the slot of the wanted key says; a walk is left to more turns. */
NFR_INLINE void hash_hit(struct hash_walk *w, __u32 rank, __u32 service)
{
	if (service & HASH_LIST) {
		hash_take_first(w, rank, service & HASH_LOWER);
	} else if (service & HASH_WALK) {
		w->item = rank;
		w->items = service & HASH_LOWER;
	} else {
		hash_take(w, rank, service);
	}
}

/* A line of the tuple, for the masked key. */
NFR_INLINE void hash_look_short(struct hash_walk *w, const struct hash_tuple *t,
				__u32 line)
{
	const struct hash_line *l = env_hash(
		w->env, w->head->lines + (t->line + line) * sizeof(*l));
	const struct hash_slot *s = &l->slot[0];

	if (s->key != w->masked[0]) {
		s = &l->slot[1];
		if (s->rank == HASH_NONE)
			return;
		if (s->key != w->masked[0]) {
			w->line = line + 1;
			return;
		}
	}
	hash_hit(w, s->rank, s->service);
}

NFR_INLINE void hash_look_wide(struct hash_walk *w, const struct hash_tuple *t,
			       __u32 line)
{
	const struct hash_wide *l = env_hash(
		w->env, w->head->lines + (t->line + line) * sizeof(*l));

	if ((l->key[0] ^ w->masked[0]) | (l->key[1] ^ w->masked[1]) |
	    (l->key[2] ^ w->masked[2]) | (l->key[3] ^ w->masked[3])) {
		if (l->rank != HASH_NONE)
			w->line = line + 1;
		return;
	}
	hash_hit(w, l->rank, l->service);
}

NFR_INLINE void hash_look(struct hash_walk *w, __u32 line)
{
	const struct hash_tuple *t = env_hash(w->env, w->now);

	if (w->head->words > 1)
		hash_look_wide(w, t, line);
	else
		hash_look_short(w, t, line);
}

NFR_INLINE int hash_next_word(struct hash_walk *w)
{
	if (w->words == 0) {
		w->is_over = 1;
		return 1;
	}
	w->words--;
	w->left = ~0ull;
#pragma GCC unroll 3
	for (int i = 0; i < 3; i++) {
		w->left &= hash_u64(w->env, w->rows[i]);
		w->rows[i] += 8;
	}
	w->tuples += 64 * (__u32)sizeof(struct hash_tuple);
	return 0;
}

/* The line to look at first. */
NFR_INLINE __u32 hash_home(struct hash_walk *w, const struct hash_tuple *t)
{
	const __u32 *src = &w->key->w[NFR_F_SRC0],
		    *dst = &w->key->w[NFR_F_DST0];
	__u64 hash;

	if (w->head->words > 1) {
		w->masked[0] = hash_wide(src) & t->mask[0];
		w->masked[1] = hash_wide(src + 2) & t->mask[1];
		w->masked[2] = hash_wide(dst) & t->mask[2];
		w->masked[3] = hash_wide(dst + 2) & t->mask[3];
		hash = hash_long(w->masked, t->factor);
	} else {
		w->masked[0] = HASH_PAIR(src[0], dst[0]) & t->mask[0];
		hash = hash_short(w->masked[0], t->factor[0]);
	}
	return hash_line_of(hash, t->line_count);
}

/* Nonzero when the walk ends. */
NFR_INLINE int hash_next_tuple(struct hash_walk *w)
{
	__u64 bit = w->left & -w->left;
	const struct hash_tuple *t;

	w->left ^= bit;
	w->now = w->tuples + hash_place(bit) * (__u32)sizeof(*t);
	t = env_hash(w->env, w->now);
	if (t->best >= w->best) {
		w->is_over = 1;
		return 1;
	}
	w->line = hash_home(w, t);
	return 0;
}

NFR_INLINE void hash_next_item(struct hash_walk *w)
{
	const struct hash_item *item =
		env_hash(w->env, w->head->lists + w->item * sizeof(*item));

	w->item++;
	w->items--;
	if (item->rank >= w->best) {
		w->items = 0;
	} else if (hash_asks(w, item->service)) {
		w->best = item->rank;
		w->items = 0;
	}
}

/* Nonzero when the walk ends. */
NFR_INLINE int hash_turn(struct hash_walk *w)
{
	__u32 line;

	if (w->items) {
		hash_next_item(w);
		return 0;
	}
	if (w->line == HASH_NONE) {
		if (!w->left) {
			if (hash_next_word(w))
				return 1;
			if (!w->left)
				return 0;
		}
		if (hash_next_tuple(w))
			return 1;
	}
	line = w->line;
	w->line = HASH_NONE;
	hash_look(w, line);
	return 0;
}

#ifdef NFR_BPF_LOOP
static long hash_loop_turn(__u32 turn, void *w)
{
	(void)turn;
	return hash_turn(w);
}
#endif

NFR_INLINE void hash_loop(struct hash_walk *w)
{
#if defined(NFR_BPF_LOOP)
	bpf_loop(HASH_TURNS_MAX, hash_loop_turn, w, 0);
#elif defined(__bpf__)
	for (;;) {
		VM_BREAK;
		if (hash_turn(w))
			break;
	}
#else
	for (__u32 turn = 0; turn < HASH_TURNS_MAX; turn++)
		if (hash_turn(w))
			break;
#endif
}

/*
 * The class of the key's service: its protocol, or that with flags and
 * interface, says where the classes of these begin, by ports.
 */
NFR_INLINE __u32 hash_class(struct env *env, const struct hash_head *h,
			    const struct nfr_key *key)
{
	__u32 ifid = key->w[NFR_F_IFID];
	__u32 sport = hash_u16(
		env, h->sports + 2 * (key->w[NFR_F_SPORT] & h->sport_mask));
	__u32 dport = hash_u16(
		env, h->dports + 2 * (key->w[NFR_F_DPORT] & h->dport_mask));
	__u32 c = hash_u32(env, h->protos + 4 * (key->w[NFR_F_PROTO] & 0xff));

	if (!h->is_plain) {
		c += hash_u32(env,
			      h->flags + 4 * (key->w[NFR_F_TCPFLAGS] & 0xff));
		c += hash_u32(env,
			      h->ifids + 4 * (ifid < HASH_IFIDS ? ifid : 0));
		c = hash_u32(env, h->combine + 4 * c);
	}
	c += sport * h->dport_count + dport;
	return hash_u16(env, h->classes + 2 * c);
}

/*
 * A shift of 32 bits by the lower five of a number, which machines do by
 * themselves, and C does not.
 */
#ifdef __bpf__
#define HASH_SHIFT(op, x, by)                                                  \
	({                                                                     \
		__u32 shifted_ = (x);                                          \
		__asm__("%0 " #op "= %1" : "+w"(shifted_) : "w"(by));          \
		shifted_;                                                      \
	})
#else
#define HASH_SHIFT(op, x, by) ((x)op((by)&31))
#endif

/* The place of an address's row; words: 1 or 4, a constant. */
NFR_INLINE __u32 hash_row(struct env *env, const struct hash_head *h,
			  const struct hash_side *side, const __u32 *addr,
			  __u32 words)
{
	__u32 at = side->root;

#pragma GCC unroll 3
	for (__u32 i = 0; i < HASH_LEVELS; i++) {
		__u32 bits = words > 1 ? addr[HASH_NODE_WORD(at)] : addr[0];

		bits = HASH_SHIFT(<<, bits, HASH_NODE_LEFT(at));
		bits = HASH_SHIFT(>>, bits, HASH_NODE_RIGHT(at));
		at = hash_u32(env,
			      side->cells + HASH_NODE_PLACE(at) + 4 * bits);
	}
	return h->rows + at;
}

NFR_INLINE void hash_start(struct env *env, const struct nfr_key *key,
			   const struct hash_head *h, struct hash_walk *w)
{
	const __u32 *src = &key->w[NFR_F_SRC0], *dst = &key->w[NFR_F_DST0];
	__u32 class = hash_class(env, h, key);

	*w = (struct hash_walk){
		.env = env,
		.key = key,
		.head = h,
		.words = h->row_words,
		.tuples = h->tuples - 64 * (__u32)sizeof(struct hash_tuple),
		.best = HASH_NONE,
		.line = HASH_NONE,
		.class = class,
	};

	if (h->words > 1) {
		w->rows[0] = hash_row(env, h, &h->src, src, 4);
		w->rows[1] = hash_row(env, h, &h->dst, dst, 4);
	} else {
		w->rows[0] = hash_row(env, h, &h->src, src, 1);
		w->rows[1] = hash_row(env, h, &h->dst, dst, 1);
	}
	w->rows[2] = h->class_rows + class * h->row_words * 8;
}

/*
 * The rank of the first of the rules here that the key matches, or HASH_NONE;
 * *is_lost when nobody knows.
 */
NFR_INLINE __u32 hash_find(struct env *env, const struct nfr_key *key,
			   const struct hash_head *h, int *is_lost)
{
	struct hash_walk w;

	hash_start(env, key, h, &w);
	hash_loop(&w);
	*is_lost = !w.is_over;
	return w.best;
}

/* The head of a direction and family; NULL: it has no data form. */
NFR_INLINE const struct hash_head *hash_begin(struct env *env, __u32 dir,
					      __u32 family)
{
	__u32 at = NFR_ENTRY(NFR_STAGE_RULES, dir, family);

	if (env_hash_open(env) || at >= 6)
		return 0;
	at = hash_u32(env, 4 * at);
	return at == HASH_NONE ? 0 : env_hash(env, at);
}

/* The rule of a rank, or NFR_NO_RULE. */
NFR_INLINE __u32 hash_rule(struct env *env, const struct hash_head *h,
			   __u32 rank)
{
	return rank < h->rank_count ? hash_u32(env, h->rules + 4 * rank)
				    : NFR_NO_RULE;
}

#endif
