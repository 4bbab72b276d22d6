/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_match.c: what one rule matches -> tests on key words.
 *
 * A test jumps to the rule's miss label or goes on. Each function returns
 * false when its condition can never hold, so that the rule is left out, and
 * emits nothing when it always holds. Cheap and selective tests come first;
 * table look-ups, which are dear, come last.
 */
#include "lower_match.h"

#define PROTO_TCP 6
#define ALL_ONES UINT32_MAX

static bool all_words(const uint32_t *w, unsigned from, unsigned to,
		      uint32_t value)
{
	for (unsigned i = from; i < to; i++)
		if (w[i] != value)
			return false;
	return true;
}

/* The first word equals first's; the words behind it must not be below. */
static void tail_not_below(struct emit *e, unsigned field,
			   const uint32_t *first, unsigned words,
			   struct emit_label *miss, struct emit_label *hit)
{
	for (unsigned i = 1; i < words; i++) {
		if (first[i] > 0)
			emit_jump(e, NFR_OP_JLT, field + i, first[i], miss);
		if (all_words(first, i + 1, words, 0))
			break;
		if (first[i] < ALL_ONES)
			emit_jump(e, NFR_OP_JGT, field + i, first[i], hit);
	}
}

static void tail_not_above(struct emit *e, unsigned field, const uint32_t *last,
			   unsigned words, struct emit_label *miss,
			   struct emit_label *hit)
{
	for (unsigned i = 1; i < words; i++) {
		if (last[i] < ALL_ONES)
			emit_jump(e, NFR_OP_JGT, field + i, last[i], miss);
		if (all_words(last, i + 1, words, ALL_ONES))
			break;
		if (last[i] > 0)
			emit_jump(e, NFR_OP_JLT, field + i, last[i], hit);
	}
}

/*
 * A number of some words, most significant first: jumps to miss outside of
 * first..last; inside, jumps to hit or goes on. Equal words at the front are
 * compared as such, so a prefix needs one test a whole word and at most two
 * for the partial one. Nothing is emitted for the full range; else the last
 * instruction is a comparison that jumps to miss.
 */
static void range_test(struct emit *e, unsigned field, const uint32_t *first,
		       const uint32_t *last, unsigned words,
		       struct emit_label *miss, struct emit_label *hit)
{
	struct emit_label upper = {.count = 0};
	bool has_low_tail, has_high_tail;

	while (words > 0 && *first == *last) {
		emit_jump(e, NFR_OP_JNE, field, *first, miss);
		field++, first++, last++, words--;
	}
	if (words == 0)
		return;
	has_low_tail = !all_words(first, 1, words, 0);
	has_high_tail = !all_words(last, 1, words, ALL_ONES);
	if (*first > 0)
		emit_jump(e, NFR_OP_JLT, field, *first, miss);
	if (*last < ALL_ONES)
		emit_jump(e, NFR_OP_JGT, field, *last, miss);
	if (has_low_tail) {
		emit_jump(e, NFR_OP_JNE, field, *first,
			  has_high_tail ? &upper : hit);
		tail_not_below(e, field, first, words, miss, hit);
		emit_bind(e, &upper);
	}
	if (has_high_tail) {
		emit_jump(e, NFR_OP_JNE, field, *last, hit);
		tail_not_above(e, field, last, words, miss, hit);
	}
}

static bool lower_range(struct emit *e, unsigned field, const uint32_t *first,
			const uint32_t *last, unsigned words, bool is_negated,
			struct emit_label *miss)
{
	struct emit_label here = {.count = 0};
	size_t start = e->count;

	if (!is_negated) {
		range_test(e, field, first, last, words, miss, &here);
	} else {
		range_test(e, field, first, last, words, &here, miss);
		if (e->count == start)
			return false;
		emit_invert_last(e, &here, miss);
	}
	emit_bind(e, &here);
	return true;
}

static bool lower_number(struct emit *e, unsigned field, uint32_t value,
			 bool is_negated, struct emit_label *miss)
{
	return lower_range(e, field, &value, &value, 1, is_negated, miss);
}

static bool lower_port(struct emit *e, unsigned field,
		       const struct policy_port *port, struct emit_label *miss)
{
	uint32_t first = port->first, last = port->last;

	if (port->is_any)
		return true;
	/* A port never exceeds 65535, so the upper bound need not be tested. */
	if (last == UINT16_MAX && first != last)
		last = ALL_ONES;
	return lower_range(e, field, &first, &last, 1, port->is_negated, miss);
}

static bool lower_host(struct emit *e, unsigned field,
		       const struct policy_host *host, enum nfr_family family,
		       struct emit_label *miss)
{
	switch (host->kind) {
	case POLICY_HOST_ANY:
		return true;
	case POLICY_HOST_RANGE:
		return lower_range(e, field, host->first.w, host->last.w,
				   family == NFR_FAMILY_IPV6 ? 4 : 1,
				   host->is_negated, miss);
	case POLICY_HOST_TABLE:
		emit_jump(e, host->is_negated ? NFR_OP_JIN : NFR_OP_JNIN, field,
			  host->table, miss);
		return true;
	case POLICY_HOST_NO_ROUTE: /* refused before: features.def */
	case POLICY_HOST_URPF_FAILED:
	case POLICY_HOST_ROUTE:
		break;
	}
	return false;
}

static void lower_icmp(struct emit *e, const struct policy_match *m,
		       struct emit_label *miss)
{
	uint32_t type = (uint32_t)(uint8_t)m->icmp_type << 8;

	if (m->icmp_type < 0)
		return;
	if (m->icmp_code < 0)
		emit_jump(e, NFR_OP_JMNE, NFR_F_ICMP, 0xff000000u | type, miss);
	else
		emit_jump(e, NFR_OP_JNE, NFR_F_ICMP,
			  type | (uint8_t)m->icmp_code, miss);
}

/* Other protocols than TCP are not compared. */
static bool lower_flags(struct emit *e, const struct policy_match *m,
			struct emit_label *miss)
{
	uint32_t imm = (uint32_t)m->flags_mask << 16 | m->flags_set;
	struct emit_label not_tcp = {.count = 0};

	if (m->flags_mask == 0 || (m->proto >= 0 && m->proto != PROTO_TCP))
		return true;
	if (m->flags_set & ~m->flags_mask) {
		if (m->proto == PROTO_TCP)
			return false;
		emit_jump(e, NFR_OP_JEQ, NFR_F_PROTO, PROTO_TCP, miss);
		return true;
	}
	if (m->proto < 0)
		emit_jump(e, NFR_OP_JNE, NFR_F_PROTO, PROTO_TCP, &not_tcp);
	emit_jump(e, NFR_OP_JMNE, NFR_F_TCPFLAGS, imm, miss);
	emit_bind(e, &not_tcp);
	return true;
}

static bool lower_side(struct emit *e, const struct policy_match *m,
		       enum nfr_family family, enum policy_host_kind kind,
		       struct emit_label *miss)
{
	if (m->dst.kind == kind &&
	    !lower_host(e, NFR_F_DST0, &m->dst, family, miss))
		return false;
	return m->src.kind != kind ||
	       lower_host(e, NFR_F_SRC0, &m->src, family, miss);
}

/* The two addresses alone: all that ARP has. */
static bool lower_hosts(struct emit *e, const struct policy_match *m,
			enum nfr_family family, struct emit_label *miss)
{
	return lower_side(e, m, family, POLICY_HOST_RANGE, miss) &&
	       lower_side(e, m, family, POLICY_HOST_TABLE, miss);
}

static void lower_origin(struct emit *e, const struct policy_match *m,
			 struct emit_label *miss)
{
	uint32_t has = m->origin, asked = has | m->lacks;

	if (asked)
		emit_jump(e, NFR_OP_JMNE, NFR_F_ORIGIN, asked << 16 | has,
			  miss);
}

/* Id 0 in a rule is "any": whatever was not made here. */
static void lower_received(struct emit *e, const struct policy_match *m,
			   struct emit_label *miss)
{
	bool is_equal = m->received_ifid == 0 ? m->received_negated
					      : !m->received_negated;

	emit_jump(e, is_equal ? NFR_OP_JNE : NFR_OP_JEQ, NFR_F_RECEIVED,
		  m->received_ifid, miss);
}

/* ---- beside the headers ------------------------------------------------ */

/* Of the socket's owner; NFR_NO_ID is "unknown", and in no range. */
static bool lower_id(struct emit *e, unsigned field, const struct policy_id *id,
		     struct emit_label *miss)
{
	struct emit_label here = {.count = 0};
	uint32_t last = id->last == NFR_NO_ID ? NFR_NO_ID - 1 : id->last;
	bool has_range = id->first <= last, ok = true;

	if (id->is_any)
		return true;
	if (!has_range && id->takes_unknown == id->is_negated)
		return id->is_negated; /* all, or none */
	if (!has_range) {
		emit_jump(e, id->takes_unknown ? NFR_OP_JNE : NFR_OP_JEQ, field,
			  NFR_NO_ID, miss);
		return true;
	}
	if (id->takes_unknown != id->is_negated)
		emit_jump(e, NFR_OP_JEQ, field, NFR_NO_ID,
			  id->takes_unknown ? &here : miss);
	ok = lower_range(e, field, &id->first, &last, 1, id->is_negated, miss);
	emit_bind(e, &here);
	return ok;
}

/* Jumps when the mark is not this one; 16 bits of it are compared at once. */
static void lower_mark(struct emit *e, const struct policy_mark *mark,
		       struct emit_label *miss)
{
	uint32_t low = mark->mask & 0xffff, high = mark->mask >> 16;

	if (mark->mask == ALL_ONES) {
		emit_jump(e, NFR_OP_JNE, NFR_F_MARK, mark->value, miss);
		return;
	}
	if (low)
		emit_jump(e, NFR_OP_JMNE, NFR_F_MARK,
			  low << 16 | (mark->value & 0xffff), miss);
	if (high)
		emit_jump(e, NFR_OP_JHNE, NFR_F_MARK,
			  high << 16 | mark->value >> 16, miss);
}

static bool mark_is_possible(const struct policy_mark *mark)
{
	return !(mark->value & ~mark->mask);
}

static bool lower_marks(struct emit *e, const struct policy_meta *meta,
			struct emit_label *miss)
{
	struct emit_label here = {.count = 0};
	size_t left = 0;

	for (size_t i = 0; i < meta->mark_count; i++) {
		left += mark_is_possible(&meta->marks[i]);
		if (!meta->marks[i].mask && !meta->marks[i].value)
			return true; /* any mark is this one */
	}
	if (meta->mark_count && left == 0)
		return false;
	for (size_t i = 0; i < meta->mark_count; i++) {
		struct emit_label next = {.count = 0};

		if (!mark_is_possible(&meta->marks[i]))
			continue;
		left--;
		lower_mark(e, &meta->marks[i], left ? &next : miss);
		if (left)
			emit_skip(e, &here);
		emit_bind(e, &next);
	}
	emit_bind(e, &here);
	return true;
}

/* In one of the cgroups? Each is a range, see cgroup_class.c. */
static bool lower_cgroups(struct emit *e, const struct policy_meta *meta,
			  struct emit_label *miss)
{
	struct emit_label here = {.count = 0};

	for (size_t i = 0; i < meta->cgroup_count; i++) {
		const struct policy_class *class = &meta->classes[i];
		bool is_last = i + 1 == meta->cgroup_count;
		struct emit_label next = {.count = 0};

		if (!lower_range(e, NFR_F_CGROUP, &class->first, &class->last,
				 1, false, is_last ? miss : &next))
			return false;
		if (!is_last)
			emit_skip(e, &here);
		emit_bind(e, &next);
	}
	emit_bind(e, &here);
	return true;
}

/* A chance of nearly 1 is certain: pf.conf(5) says 100% for it. */
static void lower_chance(struct emit *e, const struct policy_meta *meta,
			 struct emit_label *miss)
{
	if (meta->probability == 0 || meta->probability == ALL_ONES)
		return;
	emit_op(e, NFR_OP_DRAW, meta->draw);
	emit_jump(e, NFR_OP_JRAND, 0, meta->probability, miss);
}

/* Prio, rdomain and rates are refused before: features.def. */
static bool lower_meta(struct emit *e, const struct policy_meta *meta,
		       struct emit_label *miss)
{
	if (!meta)
		return true;
	if (meta->prio >= 0 || meta->rdomain >= 0 || meta->rate_packets)
		return false;
	if (meta->has_tagged)
		lower_number(e, NFR_F_TAG, meta->tagged, meta->tagged_negated,
			     miss);
	if (!lower_id(e, NFR_F_UID, &meta->user, miss) ||
	    !lower_id(e, NFR_F_GID, &meta->group, miss) ||
	    !lower_cgroups(e, meta, miss) || !lower_marks(e, meta, miss))
		return false;
	lower_chance(e, meta, miss);
	return true;
}

static bool lower_headers(struct emit *e, const struct policy_match *m,
			  enum nfr_family family, struct emit_label *miss)
{
	if (!m->on_any)
		lower_number(e, NFR_F_IFID, m->ifid, m->on_negated, miss);
	if (m->has_received)
		lower_received(e, m, miss);
	if (m->ethertype >= 0)
		lower_number(e, NFR_F_ETHERTYPE, (uint32_t)m->ethertype, false,
			     miss);
	if (family == NFR_FAMILY_LINK) { /* the rest is only asked of IP */
		lower_origin(e, m, miss);
		return !m->is_fragment &&
		       (m->ethertype != ETHERTYPE_ARP ||
			lower_hosts(e, m, NFR_FAMILY_IPV4, miss));
	}
	if (m->is_fragment)
		emit_jump(e, NFR_OP_JMNE, NFR_F_BITS,
			  NFR_BIT_FRAGMENT << 16 | NFR_BIT_FRAGMENT, miss);
	if (m->proto >= 0)
		lower_number(e, NFR_F_PROTO, (uint32_t)m->proto, false, miss);
	if (!lower_port(e, NFR_F_DPORT, &m->dport, miss) ||
	    !lower_port(e, NFR_F_SPORT, &m->sport, miss))
		return false;
	lower_icmp(e, m, miss);
	lower_origin(e, m, miss);
	if (m->ttl >= 0)
		lower_number(e, NFR_F_TTL, (uint32_t)m->ttl, false, miss);
	if (m->tos >= 0)
		lower_number(e, NFR_F_TOS, (uint32_t)m->tos, false, miss);
	return lower_side(e, m, family, POLICY_HOST_RANGE, miss) &&
	       lower_flags(e, m, miss) &&
	       lower_side(e, m, family, POLICY_HOST_TABLE, miss);
}

bool lower_match(struct emit *e, const struct policy_match *m,
		 enum nfr_family family, struct emit_label *miss)
{
	return lower_headers(e, m, family, miss) &&
	       lower_meta(e, m->meta, miss);
}
