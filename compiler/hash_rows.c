/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_rows.c: the tuples' prefixes -> for each address a row of bits.
 *
 * Two tables an address. One is by 16 bits of it: which tuples have a prefix
 * that agrees in these. One is by a hash of its first L bits: tuples with
 * shorter prefixes are always in, of the others those that have a prefix with
 * that hash. Rows may so have bits too many. Which 16 bits and which L leave
 * the fewest is tried with addresses out of the rules.
 */
#include "hash_tuple.h"

#include <string.h>

#define SAMPLES 512u
#define FILTER_BITS_MIN 6u
#define FILTER_BITS_MAX 16u
#define WINDOW 65536u

struct rows_side {
	const struct hash_tuples *t;
	enum hash_end end;
	uint32_t (*samples)[4];
	size_t sample_count;
	uint64_t *window, *filter; /* rows, as they are tried */
};

static uint32_t noise(uint64_t *seed)
{
	*seed += HASH_K0;
	return (uint32_t)(hash_finish(*seed) >> 16);
}

/* Addresses within prefixes of the rules, the same each time. */
static void sample(struct rows_side *s)
{
	const struct hash_tuples *t = s->t;
	uint64_t seed = s->end;

	s->sample_count = t->rule_count < SAMPLES ? t->rule_count : SAMPLES;
	s->samples = arena_alloc(t->arena,
				 (s->sample_count + 1) * sizeof(*s->samples));
	for (size_t i = 0; i < s->sample_count; i++) {
		size_t at = i * t->rule_count / s->sample_count;
		const struct hash_rule *r = &t->rules[at];
		const struct hash_tuple *tuple = &t->items[r->tuple];
		const uint32_t *mask =
			s->end == HASH_SRC ? tuple->src_mask : tuple->dst_mask;

		for (uint32_t w = 0; w < t->words; w++)
			s->samples[i][w] =
				r->addr[s->end][w] | (noise(&seed) & ~mask[w]);
	}
}

static uint32_t window_index(const struct hash_side *side,
			     const uint32_t addr[4])
{
	return addr[side->window_word] >> side->window_shift & 0xffff;
}

static uint32_t filter_index(const struct hash_tuples *t,
			     const struct hash_side *side,
			     const uint32_t addr[4])
{
	return (uint32_t)(hash_filter(addr, side->mask, t->words) >>
			  (64 - side->filter_bits));
}

/* Bits that a table of rows would leave for the samples, all together. */
static uint64_t cost(const struct rows_side *s, const struct hash_side *side,
		     bool has_filter)
{
	size_t words = s->t->row_words;
	uint64_t sum = 0;

	for (size_t i = 0; i < s->sample_count; i++) {
		const uint32_t *addr = s->samples[i];
		const uint64_t *w =
			s->window + window_index(side, addr) * words;
		const uint64_t *f =
			has_filter
				? s->filter +
					  filter_index(s->t, side, addr) * words
				: w;

		for (size_t k = 0; k < words; k++)
			sum += (unsigned)__builtin_popcountll(w[k] & f[k]);
	}
	return sum;
}

/* ---- by 16 bits -------------------------------------------------------- */

static void window_fill(struct rows_side *s, const struct hash_side *side)
{
	const struct hash_tuples *t = s->t;
	size_t words = t->row_words;
	unsigned from = 32 * side->window_word + 16 - side->window_shift;

	memset(s->window, 0, WINDOW * words * sizeof(*s->window));
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct hash_rule *r = &t->rules[i];
		unsigned len = r->len[s->end];
		unsigned known = len < from	   ? 0
				 : len - from > 16 ? 16
						   : len - from;
		uint32_t first =
			known ? window_index(side, r->addr[s->end]) : 0;
		uint32_t count = 1u << (16 - known);
		uint64_t *row = s->window + first * words;

		if (hash_bit_is_set(row, r->tuple))
			continue; /* it has one length: all of it is there */
		for (uint32_t k = 0; k < count; k++)
			hash_bit_set(row + k * words, r->tuple);
	}
}

static void window_choose(struct rows_side *s, struct hash_side *side)
{
	static const uint8_t places[][2] = {{0, 0}, {1, 16}, {1, 0}};
	struct hash_side best = *side;
	uint64_t least = UINT64_MAX;

	if (s->t->words == 1) {
		side->window_shift = 16;
		window_fill(s, side);
		return;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		uint64_t now;

		side->window_word = places[i][0];
		side->window_shift = places[i][1];
		window_fill(s, side);
		now = cost(s, side, false);
		if (now < least)
			best = *side;
		least = now < least ? now : least;
	}
	*side = best;
	window_fill(s, side);
}

/* ---- by a hash --------------------------------------------------------- */

static void filter_mask(const struct hash_tuples *t, unsigned len,
			uint32_t mask[4])
{
	for (uint32_t i = 0; i < 4; i++) {
		unsigned bits = len > 32 * i ? len - 32 * i : 0;

		mask[i] = i >= t->words || !bits ? 0
			  : bits >= 32		 ? UINT32_MAX
						 : UINT32_MAX << (32 - bits);
	}
}

static void filter_fill(struct rows_side *s, const struct hash_side *side,
			unsigned len)
{
	const struct hash_tuples *t = s->t;
	size_t words = t->row_words, count = (size_t)1 << side->filter_bits;

	memset(s->filter, 0, count * words * sizeof(*s->filter));
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < count && t->len[i][s->end] < len; k++)
			hash_bit_set(s->filter + k * words, i);
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct hash_rule *r = &t->rules[i];

		if (r->len[s->end] >= len)
			hash_bit_set(s->filter + filter_index(t, side,
							      r->addr[s->end]) *
							 words,
				     r->tuple);
	}
}

static void filter_choose(struct rows_side *s, struct hash_side *side)
{
	static const uint8_t lens4[] = {20, 24, 26, 28, 30, 32};
	static const uint8_t lens6[] = {32, 40, 48, 56, 64, 96, 128};
	bool is_long = s->t->words > 1;
	const uint8_t *lens = is_long ? lens6 : lens4;
	size_t count = is_long ? sizeof(lens6) : sizeof(lens4);
	unsigned best = lens[0];
	uint64_t least = UINT64_MAX;

	side->filter_bits = FILTER_BITS_MIN;
	while (side->filter_bits < FILTER_BITS_MAX &&
	       (size_t)1 << side->filter_bits < 4 * s->t->rule_count)
		side->filter_bits++;
	for (size_t i = 0; i < count; i++) {
		uint64_t now;

		filter_mask(s->t, lens[i], side->mask);
		filter_fill(s, side, lens[i]);
		now = cost(s, side, true);
		best = now < least ? lens[i] : best;
		least = now < least ? now : least;
	}
	filter_mask(s->t, best, side->mask);
	filter_fill(s, side, best);
}

/* ---- both -------------------------------------------------------------- */

/* Row 0 has all bits: what has no number of its own gets it. */
static uint16_t *intern(struct hash_tuples *t, const uint64_t *rows,
			size_t count)
{
	uint16_t *out = arena_alloc(t->arena, count * sizeof(*out));

	for (size_t i = 0; i < count; i++) {
		uint32_t row = 0;

		if (t->rows.count < HASH_CLASSES_MAX)
			row = hash_bits_add(&t->rows, rows + i * t->row_words);
		out[i] = (uint16_t)row;
	}
	return out;
}

void hash_rows_make(struct hash_tuples *t)
{
	size_t words = t->row_words;
	uint64_t *all = arena_alloc(t->arena, words * sizeof(*all));
	struct rows_side s = {.t = t};
	struct arena *tried = arena_new();

	memset(all, 0xff, words * sizeof(*all));
	hash_bits_begin(&t->rows, t->arena, words);
	hash_bits_add(&t->rows, all);
	s.window = arena_alloc(tried, WINDOW * words * sizeof(*s.window));
	s.filter = arena_alloc(tried, ((size_t)1 << FILTER_BITS_MAX) * words *
					      sizeof(*s.filter));
	for (unsigned end = 0; end < 2; end++) {
		struct hash_side *side = &t->side[end];

		s.end = (enum hash_end)end;
		sample(&s);
		window_choose(&s, side);
		filter_choose(&s, side);
		t->window[end] = intern(t, s.window, WINDOW);
		t->filter[end] =
			intern(t, s.filter, (size_t)1 << side->filter_bits);
	}
	arena_free(&tried);
}
