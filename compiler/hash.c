/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: the rules of an entry point -> its data form, and bytecode for the
 * rest.
 *
 * What fits asks prefixes, protocol, ports, TCP flags and interface, and
 * nothing else. The others stay in a program that runs behind the hash, where
 * what that found is the candidate: before each run of them "jrank" asks
 * whether it is an earlier rule. A program with rules that act without deciding
 * has no data form.
 */
#include "hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash_tuple.h"
#include "lower_match.h"

/* ---- which rules ------------------------------------------------------- */

static bool side_fits(const struct policy_host *host, uint32_t words,
		      struct hash_rule *rule, enum hash_end end)
{
	int len;

	if (host->kind == POLICY_HOST_ANY)
		return true;
	if (host->kind != POLICY_HOST_RANGE || host->is_negated)
		return false;
	len = hash_prefix_len(host->first.w, host->last.w, words);
	if (len < 0)
		return false;
	rule->len[end] = (uint8_t)len;
	memcpy(rule->addr[end], host->first.w, sizeof(rule->addr[end]));
	return true;
}

static bool fits(const struct lower_entry *at, const struct policy_rule *rule,
		 struct hash_services *services, struct hash_rule *out)
{
	uint32_t words = at->family == NFR_FAMILY_IPV6 ? 4 : 1;

	memset(out, 0, sizeof(*out));
	return rule->within_count == 0 &&
	       side_fits(&rule->match.src, words, out, HASH_SRC) &&
	       side_fits(&rule->match.dst, words, out, HASH_DST) &&
	       hash_services_add(services, &rule->match, &out->service);
}

struct hash_fit hash_count(const struct lower_entry *at)
{
	const struct policy *p = at->policy;
	struct hash_fit fit = {0, 0};
	struct hash_services services;
	struct hash_rule unused;

	if (lower_has_stops(at) || at->family == NFR_FAMILY_LINK)
		return fit;
	hash_services_begin(&services, at->emit->arena);
	for (size_t i = 0; i + 1 < p->rule_count; i++) {
		if (!lower_can_match(at, &p->rules[i]))
			continue;
		if (fits(at, &p->rules[i], &services, &unused))
			fit.inside++;
		else
			fit.outside++;
	}
	return fit;
}

/* ---- bytes ------------------------------------------------------------- */

/* A large one is not copied as it grows: the kernel moves its pages. */
static void blob_grow(struct hash_blob *blob, size_t len)
{
	size_t spare = len < (1u << 20) ? len : len / 16;

	blob->capacity = len + spare;
	blob->bytes = realloc(blob->bytes, blob->capacity);
	if (!blob->bytes)
		abort(); /* as the arena does */
}

uint32_t hash_blob_room(struct hash_blob *blob, size_t len)
{
	size_t at = (blob->len + 63) & ~(size_t)63;

	if (at + len > blob->capacity)
		blob_grow(blob, at + len);
	memset(blob->bytes + blob->len, 0, at + len - blob->len);
	blob->len = at + len;
	return (uint32_t)at;
}

uint32_t hash_blob_add(struct hash_blob *blob, const void *bytes, size_t len)
{
	uint32_t at = hash_blob_room(blob, len);

	if (len)
		memcpy(blob->bytes + at, bytes, len);
	return at;
}

void hash_blob_begin(struct hash_blob *blob)
{
	struct hash_index index = {.reserved = {0}};

	*blob = (struct hash_blob){.bytes = NULL};
	memset(index.head, 0xff, sizeof(index.head));
	hash_blob_add(blob, &index, sizeof(index));
}

void hash_blob_end(struct hash_blob *blob)
{
	static const uint8_t zero[HASH_READ_MAX];

	hash_blob_add(blob, zero, sizeof(zero));
}

void hash_share(struct hash_blob *blob, unsigned from, unsigned entry)
{
	struct hash_index *index = (struct hash_index *)(void *)blob->bytes;

	index->head[entry] = index->head[from];
}

/* ---- one entry --------------------------------------------------------- */

struct hash_build {
	struct arena *arena;   /* of what the policy's rules became */
	struct arena *work;    /* of rules, then of their keys */
	const uint32_t *order; /* of all rules; the lowering's */
	struct hash_blob *blob;
	struct hash_services services;
	struct hash_tuples tuples;
	uint32_t *outside; /* ranks */
	size_t outside_count, program_len;
	struct hash_head head;
};

/*
 * Where a field's values lead: classes become sums, so that those of the three
 * fields name a cell of combine; or, of the protocol alone, that cell's value.
 */
static uint32_t add_field(struct hash_build *b, enum hash_field field,
			  size_t values, uint32_t times, const uint32_t *of)
{
	const struct hash_services *s = &b->services;
	uint32_t sums[HASH_IFIDS];

	for (size_t i = 0; i < values; i++)
		sums[i] = of ? of[s->field[field][i]]
			     : s->field[field][i] * times;
	return hash_blob_add(b->blob, sums, values * sizeof(*sums));
}

static void add_fields(struct hash_build *b)
{
	const struct hash_services *s = &b->services;
	const uint32_t *n = s->field_count;
	struct hash_head *h = &b->head;
	uint32_t *combine =
		arena_alloc(s->arena, s->combine_len * sizeof(*combine));
	uint32_t flags = n[HASH_IFID], protos = flags * n[HASH_TCPFLAGS];

	for (size_t i = 0; i < s->combine_len; i++)
		combine[i] =
			s->combine[i] * s->port_count[0] * s->port_count[1];
	h->is_plain = protos == 1;
	h->protos = add_field(b, HASH_PROTO, 256, protos,
			      h->is_plain ? combine : NULL);
	h->flags = add_field(b, HASH_TCPFLAGS, 256, flags, NULL);
	h->ifids = add_field(b, HASH_IFID, HASH_IFIDS, 1, NULL);
	h->combine_count = (uint32_t)s->combine_len;
	h->combine = hash_blob_add(b->blob, combine,
				   s->combine_len * sizeof(*combine));
}

/* One class needs one cell. */
static uint32_t add_ports(struct hash_build *b, unsigned side, uint32_t *mask)
{
	const struct hash_services *s = &b->services;

	*mask = s->port_count[side] > 1 ? 65535 : 0;
	return hash_blob_add(b->blob, s->ports[side],
			     (*mask + 1) * sizeof(uint16_t));
}

static void add_services(struct hash_build *b)
{
	const struct hash_services *s = &b->services;
	struct hash_head *h = &b->head;
	size_t stride = (s->count / 64 + 1) * 8;
	struct hash_blob *blob = b->blob;

	h->services = (uint32_t)s->count;
	h->class_count = (uint32_t)s->rows.count;
	h->asks_stride = (uint32_t)stride;
	h->asks = hash_blob_add(blob, s->rows.rows, s->rows.count * stride);
	add_fields(b);
	h->sports = add_ports(b, 0, &h->sport_mask);
	h->dports = add_ports(b, 1, &h->dport_mask);
	h->dport_count = s->port_count[1];
	h->cell_count = (uint32_t)s->class_cells;
	h->classes = hash_blob_add(blob, s->classes,
				   s->class_cells * sizeof(*s->classes));
}

static void add_side(struct hash_build *b, enum hash_end end,
		     struct hash_side *out)
{
	struct hash_cells *cells = &b->tuples.cells[end];

	out->root = cells->root;
	out->cell_count = (uint32_t)cells->count;
	out->cells = hash_blob_add(b->blob, cells->items,
				   cells->count * sizeof(*cells->items));
	hash_cells_free(cells);
}

/* By their places; where no tuple is, none is better. */
static uint32_t place_tuples(struct hash_build *b)
{
	const struct hash_tuples *t = &b->tuples;
	size_t count = t->row_words * 64;
	struct hash_tuple *placed =
		arena_alloc(t->arena, count * sizeof(*placed));

	for (size_t i = 0; i < count; i++) {
		struct hash_tuple *to =
			&placed[i / 64 * 64 + hash_place((__u64)1 << i % 64)];

		if (i < t->count)
			*to = t->items[i];
		else
			to->best = HASH_NONE;
	}
	return hash_blob_add(b->blob, placed, count * sizeof(*placed));
}

static void add_tuples(struct hash_build *b)
{
	const struct hash_tuples *t = &b->tuples;
	struct hash_head *h = &b->head;
	size_t row = t->row_words * sizeof(uint64_t);

	h->words = t->words;
	h->row_words = (uint32_t)t->row_words;
	h->tuple_count = (uint32_t)t->count;
	h->class_rows = hash_blob_add(b->blob, t->class_rows,
				      b->services.rows.count * row);
	h->row_count = (uint32_t)t->rows.count;
	h->rows = hash_blob_add(b->blob, t->rows.rows, t->rows.count * row);
	add_side(b, HASH_SRC, &h->src);
	add_side(b, HASH_DST, &h->dst);
	hash_lines_add(b->blob, t, &b->services, h);
	h->tuples = place_tuples(b);
}

/* What the hash found decides, if it is before this rank. */
static void emit_found(struct emit *e, uint32_t rank, uint32_t otherwise)
{
	struct emit_label is_before = {.count = 0}, next = {.count = 0};

	emit_jump(e, NFR_OP_JRANK, 0, rank, &is_before);
	emit_skip(e, &next);
	emit_bind(e, &is_before);
	emit_op(e, NFR_OP_RETC, otherwise);
	emit_bind(e, &next);
}

/* The rules that do not fit, and where to ask for those that do. */
static void add_program(struct hash_build *b, const struct lower_entry *at)
{
	struct emit *e = at->emit;
	bool is_always = false;

	b->head.entry = (uint32_t)e->count;
	for (size_t i = 0; i < b->outside_count && !is_always; i++) {
		uint32_t rank = b->outside[i], rule = at->order[rank];

		if (i == 0 || rank != b->outside[i - 1] + 1)
			emit_found(e, rank, b->head.otherwise);
		is_always = lower_one(at, &at->policy->rules[rule], rule);
	}
	if (!is_always)
		emit_op(e, NFR_OP_RETC, b->head.otherwise);
	b->program_len = e->count - b->head.entry;
}

static void gather(struct hash_build *b, const struct lower_entry *at)
{
	const struct policy *p = at->policy;
	struct hash_tuples *t = &b->tuples;

	t->arena = b->arena;
	t->words = at->family == NFR_FAMILY_IPV6 ? 4 : 1;
	t->bits = t->words * 32;
	t->rules = arena_alloc(b->work, p->rule_count * sizeof(*t->rules));
	b->outside = arena_alloc(b->arena, p->rule_count * sizeof(*b->outside));
	for (uint32_t rank = 0; at->order[rank] + 1 != p->rule_count; rank++) {
		const struct policy_rule *rule = &p->rules[at->order[rank]];
		struct hash_rule *next = &t->rules[t->rule_count];

		if (!lower_can_match(at, rule))
			continue;
		if (fits(at, rule, &b->services, next)) {
			next->rank = rank;
			t->rule_count++;
		} else {
			b->outside[b->outside_count++] = rank;
		}
	}
}

struct hash_build *hash_build_begin(const struct lower_entry *at)
{
	struct hash_build *b = calloc(1, sizeof(*b));

	if (!b)
		abort(); /* as the arena does */
	b->arena = arena_new();
	b->work = arena_new();
	b->order = at->order;
	hash_services_begin(&b->services, b->arena);
	gather(b, at);
	b->head.rank_count = (uint32_t)at->policy->rule_count;
	b->head.otherwise = b->head.rank_count - 1;
	b->head.is_whole = b->outside_count == 0;
	b->head.entry = NFR_NO_ENTRY;
	if (!b->head.is_whole)
		add_program(b, at);
	return b;
}

size_t hash_build_program(const struct hash_build *b, size_t *len)
{
	*len = b->program_len;
	return b->program_len ? b->head.entry : 0;
}

void hash_build_move(struct hash_build *b, size_t by)
{
	if (b->program_len)
		b->head.entry -= (uint32_t)by;
}

/* Of the rules only the keys are needed further on. */
static int make_tuples(struct hash_build *b)
{
	struct arena *keys;
	int ret = hash_services_class(&b->services);

	if (!ret)
		ret = hash_tuples_make(&b->tuples, &b->services);
	if (ret)
		return ret;
	keys = arena_new();
	hash_keys_make(&b->tuples, keys);
	arena_free(&b->work);
	b->work = keys;
	return 0;
}

int hash_build_end(struct hash_build *b, unsigned entry, struct hash_blob *blob)
{
	size_t before = blob->len;
	struct hash_index *index;
	uint32_t place;
	int ret = make_tuples(b);

	if (ret)
		return ret;
	b->blob = blob;
	place = hash_blob_add(blob, &b->head, sizeof(b->head));
	b->head.rules = hash_blob_add(blob, b->order,
				      b->head.rank_count * sizeof(*b->order));
	add_services(b);
	add_tuples(b);
	if (blob->len > HASH_BLOB_MAX) {
		blob->len = before;
		return -E2BIG;
	}
	b->head.parts = (uint32_t)blob->len;
	memcpy(blob->bytes + place, &b->head, sizeof(b->head));
	index = (struct hash_index *)(void *)blob->bytes;
	index->head[entry] = place;
	return 0;
}

void hash_build_free(struct hash_build **build)
{
	struct hash_build *b = *build;

	if (!b)
		return;
	hash_cells_free(&b->tuples.cells[HASH_SRC]);
	hash_cells_free(&b->tuples.cells[HASH_DST]);
	arena_free(&b->arena);
	arena_free(&b->work);
	free(b);
	*build = NULL;
}
