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
	__u64 left;    /* bits of tuples of this word */
	__u32 rows[5]; /* places of the next words of rows */
	__u32 words;   /* of rows, left */
	__u32 tuple;   /* of the first bit */
	__u32 best;    /* the least rank found, or HASH_NONE */
	__u32 class;   /* of the packet's service */
	__u32 item;    /* of a list; number, how many */
	__u32 items;
	__u32 line; /* that the key goes on in, or HASH_NONE */
	__u32 a, b; /* of that key */
	__u32 now;  /* its tuple */
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

/*
 * IPv6: the slot's key itself. No two keys of a tuple have one fingerprint,
 * so no other slot can be meant.
 */
NFR_INLINE int hash_is_exact(const struct hash_walk *w, __u32 number)
{
	const struct hash_exact *e =
		env_hash(w->env, w->head->exact + number * sizeof(*e));
	const struct hash_tuple *t =
		env_hash(w->env, w->head->tuples + w->now * sizeof(*t));
	const __u32 *src = &w->key->w[NFR_F_SRC0],
		    *dst = &w->key->w[NFR_F_DST0];
	__u32 differ = 0;

	differ = e->tuple ^ w->now;
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		differ |= (e->src[i] ^ (src[i] & t->src_mask[i])) |
			  (e->dst[i] ^ (dst[i] & t->dst_mask[i]));
	return differ == 0;
}

/* Up to HASH_ITEMS_AT_ONCE items, without asking which is the first. */
NFR_INLINE void hash_short_list(struct hash_walk *w, __u32 item, __u32 count)
{
	const struct hash_item *items =
		env_hash(w->env, w->head->lists + item * sizeof(*items));
	__u32 best = w->best;

#pragma GCC unroll 3
	for (__u32 i = 0; i < HASH_ITEMS_AT_ONCE; i++) {
		__u32 is_one = hash_asks(w, items[i].service) & (i < count);
		__u32 rank = items[i].rank | (is_one - 1);

		best = rank < best ? rank : best;
	}
	w->best = best;
}

/* What the slot of the wanted key says; a long list is left to more turns. */
NFR_INLINE void hash_hit(struct hash_walk *w, __u32 rank, __u32 service)
{
	__u32 count = service & HASH_LOWER;

	if (!(service & HASH_LIST)) {
		hash_take(w, rank, count);
	} else if (count == 0) {
		rank = hash_u32(
			w->env,
			w->head->firsts +
				4 * (rank * w->head->class_count + w->class));
		w->best = rank < w->best ? rank : w->best;
	} else if (count <= HASH_ITEMS_AT_ONCE) {
		hash_short_list(w, rank, count);
	} else {
		w->item = rank;
		w->items = count;
	}
}

/*
 * A line of slots, for the key a, b. One question a slot: an empty one has no
 * tuple's number.
 */
NFR_INLINE void hash_look(struct hash_walk *w, __u32 line)
{
	const struct hash_line *l =
		env_hash(w->env, w->head->lines + line * sizeof(*l));
	__u32 rank = HASH_NONE, service = 0, exact = 0;

	w->line = HASH_NONE;
#pragma GCC unroll 4
	for (int i = 0; i < (int)HASH_SLOTS; i++) {
		const struct hash_slot *s = &l->slot[i];
		__u32 tuple = (s->service & ~HASH_LIST) >> HASH_TUPLE;

		if ((s->a ^ w->a) | ((s->b ^ w->b) & w->head->key_mask) |
		    (tuple ^ w->now))
			continue;
		rank = s->rank;
		service = s->service;
		exact = s->b;
	}
	if (rank == HASH_NONE) {
		if (l->slot[HASH_SLOTS - 1].rank != HASH_NONE)
			w->line = (line + 1) &
				  ((1u << (w->head->line_bits & 31)) - 1);
		return;
	}
	if (w->head->words == 1 || hash_is_exact(w, exact))
		hash_hit(w, rank, service);
}

NFR_INLINE int hash_next_word(struct hash_walk *w)
{
	if (w->words == 0) {
		w->is_over = 1;
		return 1;
	}
	w->words--;
	w->left = ~0ull;
#pragma GCC unroll 5
	for (int i = 0; i < 5; i++) {
		w->left &= hash_u64(w->env, w->rows[i]);
		w->rows[i] += 8;
	}
	w->tuple += 64;
	return 0;
}

NFR_INLINE int hash_next_tuple(struct hash_walk *w)
{
	const __u32 *src = &w->key->w[NFR_F_SRC0],
		    *dst = &w->key->w[NFR_F_DST0];
	const struct hash_tuple *t;
	__u64 bit = w->left & -w->left, hash;

	w->left ^= bit;
	w->now =
		w->tuple + hash_u8(w->env, HASH_LOW_BITS + hash_bit_index(bit));
	t = env_hash(w->env, w->head->tuples + w->now * sizeof(*t));
	if (t->best >= w->best) {
		w->is_over = 1;
		return 1;
	}
	if (w->head->words > 1) {
		__u32 s[4], d[4];

#pragma GCC unroll 4
		for (int i = 0; i < 4; i++) {
			s[i] = src[i] & t->src_mask[i];
			d[i] = dst[i] & t->dst_mask[i];
		}
		hash = hash_long(s, d, t->seed);
		w->a = (__u32)hash;
	} else {
		w->a = src[0] & t->src_mask[0];
		w->b = dst[0] & t->dst_mask[0];
		hash = hash_short(w->a, w->b, t->seed);
	}
	hash_look(w, (__u32)(hash >> (64 - (w->head->line_bits & 31))));
	return 0;
}

/* Nonzero when the walk ends. */
NFR_INLINE int hash_turn(struct hash_walk *w)
{
	if (w->items) {
		const struct hash_item *item = env_hash(
			w->env, w->head->lists + w->item * sizeof(*item));

		w->item++;
		w->items--;
		if (item->rank >= w->best)
			w->items = 0;
		else if (hash_asks(w, item->service)) {
			w->best = item->rank;
			w->items = 0;
		}
		return 0;
	}
	if (w->line != HASH_NONE) {
		hash_look(w, w->line);
		return 0;
	}
	if (!w->left && hash_next_word(w))
		return 1;
	return w->left ? hash_next_tuple(w) : 0;
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

/* The class of the key's service. */
NFR_INLINE __u32 hash_class(struct env *env, const struct hash_head *h,
			    const struct nfr_key *key)
{
	__u32 ifid = key->w[NFR_F_IFID];
	__u32 sport =
		hash_u16(env, h->sports + 2 * (key->w[NFR_F_SPORT] & 0xffff));
	__u32 dport =
		hash_u16(env, h->dports + 2 * (key->w[NFR_F_DPORT] & 0xffff));
	__u32 c = hash_u8(env,
			  h->field[HASH_PROTO] + (key->w[NFR_F_PROTO] & 0xff));

	if (h->field_count[HASH_TCPFLAGS] > 1)
		c = c * h->field_count[HASH_TCPFLAGS] +
		    hash_u8(env, h->field[HASH_TCPFLAGS] +
					 (key->w[NFR_F_TCPFLAGS] & 0xff));
	if (h->field_count[HASH_IFID] > 1)
		c = c * h->field_count[HASH_IFID] +
		    hash_u8(env, h->field[HASH_IFID] +
					 (ifid < HASH_IFIDS ? ifid : 0));
	c = hash_u16(env, h->combine + 2 * c);
	c = (c * h->sport_count + sport) * h->dport_count + dport;
	return hash_u16(env, h->classes + 2 * c);
}

/* Places of the two rows of an address. */
NFR_INLINE void hash_rows(struct env *env, const struct hash_head *h,
			  const struct hash_side *side, const __u32 *addr,
			  __u32 rows[2])
{
	__u32 at, size = h->row_words * 8;

	/* Words by constant indexes, as the verifier wants them. */
	at = addr[0];
	if (side->window_word == 1)
		at = addr[1];
	at = at >> (side->window_shift & 31) & 0xffff;
	rows[0] = h->rows + size * hash_u16(env, side->window + 2 * at);
	at = (__u32)(hash_filter(addr, side->mask, h->words) >>
		     (64 - (side->filter_bits & 31)));
	rows[1] = h->rows + size * hash_u16(env, side->filter + 2 * at);
}

NFR_INLINE void hash_start(struct env *env, const struct nfr_key *key,
			   const struct hash_head *h, struct hash_walk *w)
{
	__u32 class = hash_class(env, h, key);

	*w = (struct hash_walk){
		.env = env,
		.key = key,
		.head = h,
		.words = h->row_words,
		.tuple = h->before,
		.best = HASH_NONE,
		.line = HASH_NONE,
		.class = class,
	};

	hash_rows(env, h, &h->src, &key->w[NFR_F_SRC0], &w->rows[0]);
	hash_rows(env, h, &h->dst, &key->w[NFR_F_DST0], &w->rows[2]);
	w->rows[4] = h->class_rows + class * h->row_words * 8;
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
