/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_service.c: what rules ask beside addresses -> classes of packets.
 *
 * Values that no service tells apart have one class: first of each field
 * alone, then of protocol, flags and interface together, then with the ports.
 * Two values are told apart by the row of services that take them.
 */
#include "hash_service.h"

#include <errno.h>
#include <string.h>

#define PROTO_TCP 6
#define SERVICES_MAX 16384u
#define CELLS_MAX ((size_t)1 << 22) /* of classes, before they are joined */
#define WORK_MAX ((size_t)1 << 28)  /* words that are looked at */
#define SERVICE_SLOTS 1024u

void hash_services_begin(struct hash_services *s, struct arena *arena)
{
	memset(s, 0, sizeof(*s));
	s->arena = arena;
	s->slot_count = SERVICE_SLOTS;
	s->slots = arena_alloc(arena, s->slot_count * sizeof(*s->slots));
}

/* ---- services ---------------------------------------------------------- */

static bool meta_asks(const struct policy_meta *m)
{
	return m && (!m->user.is_any || !m->group.is_any || m->cgroup_count ||
		     m->mark_count || m->prio >= 0 || m->rdomain >= 0 ||
		     m->has_tagged || m->probability || m->rate_packets);
}

static bool is_service(const struct policy_match *m)
{
	return m->ethertype < 0 && m->ttl < 0 && m->tos < 0 && !m->origin &&
	       !m->lacks && !m->is_fragment && !m->has_received &&
	       m->icmp_type < 0 && m->icmp_code < 0 && !meta_asks(m->meta);
}

static bool port_is_equal(const struct policy_port *a,
			  const struct policy_port *b)
{
	return a->is_any == b->is_any && a->is_negated == b->is_negated &&
	       a->first == b->first && a->last == b->last;
}

static bool service_is_equal(const struct hash_service *a,
			     const struct hash_service *b)
{
	return a->proto == b->proto && a->flags_set == b->flags_set &&
	       a->flags_mask == b->flags_mask && a->on_any == b->on_any &&
	       a->on_negated == b->on_negated && a->ifid == b->ifid &&
	       port_is_equal(&a->sport, &b->sport) &&
	       port_is_equal(&a->dport, &b->dport);
}

static size_t service_hash(const struct hash_service *s)
{
	uint64_t x = (uint32_t)s->proto;

	x = x * 31 + s->flags_set + ((uint64_t)s->flags_mask << 8) +
	    ((uint64_t)s->ifid << 16) + ((uint64_t)s->on_any << 40);
	x = x * HASH_K0 + s->sport.first + ((uint64_t)s->sport.last << 16) +
	    ((uint64_t)s->dport.first << 32) + ((uint64_t)s->dport.last << 48);
	return (size_t)hash_finish(x);
}

static uint32_t *service_slot(const struct hash_services *s,
			      const struct hash_service *item)
{
	size_t at = service_hash(item) & (s->slot_count - 1);

	while (s->slots[at] &&
	       !service_is_equal(&s->items[s->slots[at] - 1], item))
		at = (at + 1) & (s->slot_count - 1);
	return &s->slots[at];
}

static void slots_grow(struct hash_services *s)
{
	s->slot_count *= 4;
	s->slots = arena_alloc(s->arena, s->slot_count * sizeof(*s->slots));
	for (size_t i = 0; i < s->count; i++)
		*service_slot(s, &s->items[i]) = (uint32_t)i + 1;
}

static struct policy_port port_of(const struct policy_port *from)
{
	const struct policy_port any = {.is_any = true};

	return from->is_any ? any : *from;
}

bool hash_services_add(struct hash_services *s, const struct policy_match *m,
		       uint32_t *number)
{
	struct hash_service item = {
		.proto = m->proto,
		.flags_set = m->flags_mask ? m->flags_set : 0,
		.flags_mask = m->flags_mask,
		.on_any = m->on_any,
		.on_negated = !m->on_any && m->on_negated,
		.ifid = m->on_any ? 0 : m->ifid,
		.sport = port_of(&m->sport),
		.dport = port_of(&m->dport),
	};
	uint32_t *slot;

	if (!is_service(m) || item.ifid >= HASH_IFIDS)
		return false;
	slot = service_slot(s, &item);
	if (*slot) {
		*number = *slot - 1;
		return true;
	}
	if (s->count == SERVICES_MAX)
		return false;
	s->items = arena_grow(s->arena, s->items, s->count, &s->capacity,
			      sizeof(*s->items));
	s->items[s->count] = item;
	*number = (uint32_t)s->count;
	*slot = (uint32_t)++s->count;
	if (s->count * 2 > s->slot_count)
		slots_grow(s);
	return true;
}

/* ---- fields ------------------------------------------------------------ */

static bool takes(const struct hash_service *s, uint32_t proto, uint32_t flags,
		  uint32_t ifid)
{
	if (s->proto >= 0 && (uint32_t)s->proto != proto)
		return false;
	if (!s->on_any && (s->ifid == ifid) == s->on_negated)
		return false;
	return s->flags_mask == 0 || proto != PROTO_TCP ||
	       (flags & s->flags_mask) == s->flags_set;
}

/* The same of a field alone, whatever the other ones are. */
static bool field_takes(const struct hash_service *s, enum hash_field field,
			uint32_t value)
{
	if (field == HASH_PROTO)
		return s->proto < 0 || (uint32_t)s->proto == value;
	if (field == HASH_TCPFLAGS)
		return (value & s->flags_mask) == s->flags_set;
	return s->on_any || (s->ifid == value) != s->on_negated;
}

/* Whether a protocol is TCP matters to flags, whatever is asked of it. */
static int field_class(struct hash_services *s, enum hash_field field,
		       uint32_t values, uint32_t reps[256])
{
	size_t words = s->count / 64 + 1;
	uint64_t *row = arena_alloc(s->arena, words * sizeof(*row));
	struct hash_bits rows;

	hash_bits_begin(&rows, s->arena, words);
	for (uint32_t value = 0; value < values; value++) {
		uint32_t class;

		memset(row, 0, words * sizeof(*row));
		for (size_t i = 0; i < s->count; i++)
			if (field_takes(&s->items[i], field, value))
				hash_bit_set(row, i);
		if (field == HASH_PROTO && value == PROTO_TCP)
			hash_bit_set(row, s->count);
		class = hash_bits_add(&rows, row);
		if (class > 255)
			return -E2BIG;
		if (class == rows.count - 1 && class == s->field_count[field]) {
			reps[class] = value;
			s->field_count[field]++;
		}
		s->field[field][value] = (uint8_t) class;
	}
	return 0;
}

/* Services by their protocol, flags and interface, for each combination. */
static void combine(struct hash_services *s, uint32_t reps[HASH_FIELDS][256],
		    struct hash_bits *rows)
{
	const uint32_t *n = s->field_count;
	uint64_t *row = arena_alloc(s->arena, rows->words * sizeof(*row));

	s->combine_len = (size_t)n[0] * n[1] * n[2];
	s->combine =
		arena_alloc(s->arena, s->combine_len * sizeof(*s->combine));
	for (size_t i = 0; i < s->combine_len; i++) {
		uint32_t ifid = reps[HASH_IFID][i % n[2]];
		uint32_t flags = reps[HASH_TCPFLAGS][i / n[2] % n[1]];
		uint32_t proto = reps[HASH_PROTO][i / n[2] / n[1]];

		memset(row, 0, rows->words * sizeof(*row));
		for (size_t k = 0; k < s->count; k++)
			if (takes(&s->items[k], proto, flags, ifid))
				hash_bit_set(row, k);
		s->combine[i] = (uint16_t)hash_bits_add(rows, row);
	}
	s->combine_count = (uint32_t)rows->count;
}

/* ---- ports ------------------------------------------------------------- */

static const struct policy_port *port_at(const struct hash_services *s,
					 size_t i, unsigned side)
{
	return side ? &s->items[i].dport : &s->items[i].sport;
}

static bool port_takes(const struct policy_port *p, uint32_t value)
{
	return p->is_any ||
	       (value >= p->first && value <= p->last) != p->is_negated;
}

/* Only where a range begins or ends can the class be another one. */
static int port_class(struct hash_services *s, unsigned side,
		      struct hash_bits *rows)
{
	uint8_t *is_edge = arena_alloc(s->arena, 65537);
	uint64_t *row = arena_alloc(s->arena, rows->words * sizeof(*row));
	size_t edges = 1;
	uint32_t class = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct policy_port *p = port_at(s, i, side);

		edges += p->is_any ? 0 : !is_edge[p->first];
		edges += p->is_any ? 0 : !is_edge[p->last + 1];
		if (!p->is_any)
			is_edge[p->first] = is_edge[p->last + 1] = 1;
	}
	if (edges * s->count > WORK_MAX)
		return -E2BIG;
	is_edge[0] = 1;
	s->ports[side] = arena_alloc(s->arena, 65536 * sizeof(uint16_t));
	for (uint32_t value = 0; value < 65536; value++) {
		if (is_edge[value]) {
			memset(row, 0, rows->words * sizeof(*row));
			for (size_t i = 0; i < s->count; i++)
				if (port_takes(port_at(s, i, side), value))
					hash_bit_set(row, i);
			class = hash_bits_add(rows, row);
		}
		if (class > HASH_CLASSES_MAX)
			return -E2BIG;
		s->ports[side][value] = (uint16_t) class;
	}
	s->port_count[side] = (uint32_t)rows->count;
	return 0;
}

/* ---- all together ------------------------------------------------------ */

static int join(struct hash_services *s, const struct hash_bits *fields,
		const struct hash_bits ports[2])
{
	size_t words = fields->words, cells = fields->count * ports[0].count;
	uint64_t *row = arena_alloc(s->arena, words * sizeof(*row));

	if (cells > CELLS_MAX || cells * ports[1].count > CELLS_MAX ||
	    cells * ports[1].count * words > WORK_MAX)
		return -E2BIG;
	cells *= ports[1].count;
	s->class_cells = cells;
	s->classes = arena_alloc(s->arena, cells * sizeof(*s->classes));
	for (size_t i = 0; i < cells; i++) {
		size_t d = i % ports[1].count;
		size_t p = i / ports[1].count % ports[0].count;
		size_t f = i / ports[1].count / ports[0].count;
		uint32_t class;

		for (size_t k = 0; k < words; k++)
			row[k] = fields->rows[f * words + k] &
				 ports[0].rows[p * words + k] &
				 ports[1].rows[d * words + k];
		class = hash_bits_add(&s->rows, row);
		if (class >= HASH_CLASSES_MAX)
			return -E2BIG;
		s->classes[i] = (uint16_t) class;
	}
	return 0;
}

int hash_services_class(struct hash_services *s)
{
	static const uint32_t values[HASH_FIELDS] = {256, 256, HASH_IFIDS};
	uint32_t reps[HASH_FIELDS][256] = {{0}};
	size_t words = s->count / 64 + 1;
	struct hash_bits fields, ports[2];
	int ret = 0;

	for (unsigned f = 0; f < HASH_FIELDS && !ret; f++)
		ret = field_class(s, (enum hash_field)f, values[f], reps[f]);
	if (ret)
		return ret;
	hash_bits_begin(&fields, s->arena, words);
	hash_bits_begin(&s->rows, s->arena, words);
	if ((size_t)s->field_count[0] * s->field_count[1] * s->field_count[2] *
		    s->count >
	    WORK_MAX)
		return -E2BIG;
	combine(s, reps, &fields);
	for (unsigned side = 0; side < 2 && !ret; side++) {
		hash_bits_begin(&ports[side], s->arena, words);
		ret = port_class(s, side, &ports[side]);
	}
	if (!ret && fields.count > HASH_CLASSES_MAX)
		ret = -E2BIG;
	return ret ? ret : join(s, &fields, ports);
}
