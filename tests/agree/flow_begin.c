/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_begin.c: a packet that continues no flow -> what the rules say, the
 * addresses that it gets, and a new flow. And the same again, when the policy
 * is another.
 *
 * What a pool gives is not foretold: every member is tried until one comes to
 * what the engine did. A port is the engine's choice too, as long as it is of
 * the pool's range and nobody has the name that it makes.
 */
#include "flow_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PICKS 64 /* of a policy's pools, more than they have members */
#define PORTS_TRIED 64
#define PORT_FIRST 50001 /* pf.conf(5), "nat-to" */
#define PORT_LAST 65535

struct attempt {
	struct nfr_result result;
	bool keeps;
	bool reserves;	 /* a name: who gives way has done so */
	bool is_limited; /* then those that are counted have given way */
	bool floats;
	struct flow flow;
};

/* ---- timeouts (pf.conf(5), "OPTIONS") -------------------------------------
 */

static enum nfr_timeout timeout_of(const struct flow *f)
{
	static const enum nfr_timeout tcp[] = {
		[FLOW_OPENING] = NFR_TIMEOUT_TCP_FIRST,
		[FLOW_HALF] = NFR_TIMEOUT_TCP_OPENING,
		[FLOW_ESTABLISHED] = NFR_TIMEOUT_TCP_ESTABLISHED,
		[FLOW_CLOSING] = NFR_TIMEOUT_TCP_CLOSING,
		[FLOW_FINWAIT] = NFR_TIMEOUT_TCP_FINWAIT,
		[FLOW_CLOSED] = NFR_TIMEOUT_TCP_CLOSED};
	static const enum nfr_timeout udp[] = {NFR_TIMEOUT_UDP_FIRST,
					       NFR_TIMEOUT_UDP_SINGLE,
					       NFR_TIMEOUT_UDP_MULTIPLE};
	static const enum nfr_timeout other[] = {NFR_TIMEOUT_OTHER_FIRST,
						 NFR_TIMEOUT_OTHER_SINGLE,
						 NFR_TIMEOUT_OTHER_MULTIPLE};

	if (f->proto == TRACE_TCP)
		return tcp[f->phase];
	assert(f->phase <= FLOW_ESTABLISHED);
	if (f->proto == TRACE_ICMP || f->proto == TRACE_ICMP6)
		return f->phase ? NFR_TIMEOUT_ICMP_ERROR
				: NFR_TIMEOUT_ICMP_FIRST;
	return f->proto == TRACE_UDP ? udp[f->phase] : other[f->phase];
}

uint64_t flow_timeout_ms(const struct policy *p, const struct flow *f)
{
	static const uint32_t defaults[] = {
#define NFR_TIMEOUT(sym, name, seconds) (seconds),
#include "runtime/timeouts.def"
#undef NFR_TIMEOUT
	};
	const struct policy_state *state = p->rules[f->rule].state;
	enum nfr_timeout t = timeout_of(f);
	uint32_t seconds = defaults[t];

	if (p->options.timeouts_given & 1u << t)
		seconds = p->options.timeouts[t];
	if (state && state->options->timeouts_given & 1u << t &&
	    state->options->timeouts[t])
		seconds = state->options->timeouts[t];
	return seconds * (uint64_t)1000;
}

/* ---- pools ----------------------------------------------------------------
 */

static void note_rule(struct flow *f, const struct policy_rule *r)
{
	const struct policy_effects *e = r->effects;

	if (!e || e->is_no || f->pool_count + 2 > FLOW_POOLS)
		return;
	if (e->rdr)
		f->pools[f->pool_count++] = e->rdr;
	if (e->nat)
		f->pools[f->pool_count++] = e->nat;
}

static void note_pools(struct flow *f, const struct policy *p,
		       const struct model_outcome *o)
{
	f->pool_count = 0;
	for (size_t i = 0; i < o->matched.count; i++)
		note_rule(f, &p->rules[o->matched.rules[i]]);
	note_rule(f, &p->rules[o->decider]);
}

static bool same_target(const struct policy *p, const struct policy_target *a,
			const struct policy *q, const struct policy_target *b)
{
	if (a->kind != b->kind || a->weight != b->weight)
		return false;
	if (a->kind == POLICY_TARGET_TABLE)
		return strcmp(p->tables[a->table].name,
			      q->tables[b->table].name) == 0;
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       addr_compare(&a->first, &b->first) == 0 &&
	       addr_compare(&a->last, &b->last) == 0;
}

bool flow_same_pool(const struct policy *p, const struct policy_pool *a,
		    const struct policy *q, const struct policy_pool *b)
{
	if (a->type != b->type || a->is_sticky != b->is_sticky ||
	    a->is_static_port != b->is_static_port ||
	    a->has_port != b->has_port || a->port_first != b->port_first ||
	    a->port_last != b->port_last || a->port_base != b->port_base ||
	    a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++)
		if (!same_target(p, &a->targets[i], q, &b->targets[i]))
			return false;
	return true;
}

/* ---- names that are free ---------------------------------------------------
 */

static bool is_taken(const struct flow_model *m, const struct flow *f)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct flow *g = &m->flows[i];

		if (g->gives_way)
			continue;
		if (flow_same_wire(g, f))
			return true;
		if (g->is_translated && f->is_translated &&
		    flow_same_stack(g, f))
			return true;
	}
	return false;
}

static void set_source_port(struct flow *f, uint32_t port)
{
	struct trace_ends *e = f->dir == NFR_DIR_OUT ? &f->wire : &f->stack;

	e->sport = (uint16_t)port;
	if (f->proto == TRACE_ICMP || f->proto == TRACE_ICMP6)
		e->dport = e->sport;
}

/* The engine's port, if that is one; false: there need not be any. */
static bool choose_port(const struct flow_model *m,
			const struct policy_pool *nat,
			const struct flow_seen *seen, struct flow *f)
{
	bool is_echo = f->proto == TRACE_ICMP || f->proto == TRACE_ICMP6;
	bool has_ports = f->proto == TRACE_TCP || f->proto == TRACE_UDP;
	uint32_t first = nat->has_port ? nat->port_first : PORT_FIRST;
	uint32_t last = nat->has_port ? nat->port_last : PORT_LAST;
	uint32_t taken = 0, size;

	if (nat->is_static_port || (!has_ports && !is_echo))
		return !is_taken(m, f);
	if (is_echo) {
		first = 1;
		last = 65535;
	}
	size = last - first + 1;
	if (seen->passes && seen->ends.sport >= first &&
	    seen->ends.sport <= last) {
		set_source_port(f, seen->ends.sport);
		return !is_taken(m, f);
	}
	for (uint32_t port = last; port >= first; port--) {
		set_source_port(f, port);
		taken += is_taken(m, f);
	}
	return taken < size && (seen->passes || taken < PORTS_TRIED);
}

/* ---- one choice of the pools -----------------------------------------------
 */

static struct trace_ends ends_of_key(const struct nfr_key *key,
				     const struct trace_packet *p)
{
	struct trace_ends e = p->ends;

	memcpy(e.src.w, &key->w[NFR_F_SRC0], 16);
	memcpy(e.dst.w, &key->w[NFR_F_DST0], 16);
	if (p->proto == TRACE_TCP || p->proto == TRACE_UDP)
		e.dport = (uint16_t)key->w[NFR_F_DPORT];
	return e;
}

static struct flow new_flow(const struct flow_model *m,
			    const struct flow_hook *h,
			    const struct trace_packet *p,
			    const struct nfr_key *key,
			    const struct model_outcome *o)
{
	const struct policy_rule *rule = &m->policy->rules[o->decider];
	struct flow f = {
		.device = h->device,
		.is_floating = rule->is_floating,
		.is_translated = o->nat || o->rdr,
		.dir = h->dir,
		.family = p->family,
		.proto = p->proto,
		.wire = p->ends,
		.stack = p->ends,
		.first = *key,
		.ingress = h->ingress,
		.policy = m->loaded_policy,
		.loaded = m->loaded,
		.epoch = m->epoch,
		.rule = o->decider,
		.kept_rule = o->decider,
		.tag = key->w[NFR_F_TAG],
		.given = o->seen.w[NFR_F_TAG],
		.began_ms = h->now_ms,
		.is_sloppy = rule->state && rule->state->options->is_sloppy,
		.seen_ms = h->now_ms,
	};

	note_pools(&f, m->policy, o);
	flow_route(&f, h, o);
	if (p->proto == TRACE_TCP) {
		flow_tcp_begin(&f, p);
		f.has_fin[0] = p->flags & TRACE_FIN;
		if (f.has_fin[0])
			f.phase = FLOW_CLOSING;
		if (p->flags & TRACE_RST)
			f.phase = FLOW_CLOSED;
	}
	f.timeout_ms = flow_timeout_ms(m->policy, &f);
	f.packets[h->dir] = 1;
	f.bytes[h->dir] = h->frame_len;
	return f;
}

/* How many there are, without those whose name a new flow takes. */
static size_t others(const struct flow_model *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++)
		count += !m->flows[i].gives_way;
	return count;
}

/* Would the packet be of the flow, had that not come to its end? */
static bool gives_way(const struct flow *f, const struct flow_hook *h,
		      const struct trace_packet *p)
{
	struct trace_ends e = h->dir == NFR_DIR_IN ? f->wire : f->stack;

	if (f->dir != h->dir)
		e = trace_swapped(&e);
	return f->family == p->family && f->proto == p->proto &&
	       (f->is_floating || f->device == h->device) &&
	       trace_same_ends(&e, &p->ends);
}

/* Those that give way to a flow which is found as they were; how many. */
static size_t mark_those(struct flow_model *m, const struct flow_hook *h,
			 const struct trace_packet *p, bool is_translated,
			 bool is_floating)
{
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct flow *f = &m->flows[i];

		f->gives_way = f->is_floating == is_floating &&
			       (h->dir == NFR_DIR_IN ||
				f->is_translated == is_translated) &&
			       gives_way(f, h, p);
		count += f->gives_way;
	}
	return count;
}

static void attempt(struct flow_model *m, const struct flow_hook *h,
		    const struct trace_packet *p, const struct nfr_key *key,
		    uint64_t pick, const struct flow_seen *seen,
		    struct attempt *out)
{
	struct model_context context = model_no_context();
	enum flow_role role = flow_role(p);
	struct trace_ends to;
	struct model_outcome o;
	uint32_t limit = m->policy->options.state_limit;
	bool is_free, is_few, is_late, keeps, leaves, has_room;
	size_t giving;

	context.pick = pick;
	context.tag = key->w[NFR_F_TAG];
	model_evaluate(m->policy, key, &context, &o);
	out->result = o.result;
	out->keeps = out->reserves = out->is_limited = false;
	note_pools(&out->flow, m->policy, &o);
	leaves = out->flow.pool_count && h->dir == NFR_DIR_OUT;
	out->floats = m->policy->rules[o.decider].is_floating;
	giving = mark_those(m, h, p, out->flow.pool_count, out->floats);
	has_room = !limit || others(m) < limit || (giving && !leaves);
	keeps = m->policy->rules[o.decider].keeps_state &&
		(role == FLOW_ANY || role == FLOW_ASKS);
	/*
	 * Without a flow there is no translation, and what should have one does
	 * not pass without. What leaves so never comes to the guard.
	 */
	if (!keeps && out->flow.pool_count &&
	    (o.result.verdict == NFR_PASS ||
	     (o.result.reason == NFR_REASON_GUARD && leaves)))
		out->result = flow_blocks(NFR_REASON_TRANSLATE, o.decider);
	/* What leaves translated takes its place before the guard sees it. */
	is_late = leaves && o.result.reason == NFR_REASON_GUARD;
	if (!keeps || (o.result.verdict != NFR_PASS && !is_late))
		return;
	out->flow = new_flow(m, h, p, key, &o);
	to = ends_of_key(is_late ? &o.seen : &o.key, p);
	if (h->dir == NFR_DIR_OUT)
		out->flow.wire = to;
	else
		out->flow.stack = to;
	is_free = o.nat ? choose_port(m, o.nat, seen, &out->flow)
			: !is_taken(m, &out->flow);
	is_few = flow_limit_begin(m, &out->flow);
	out->reserves = leaves || (has_room && is_few);
	out->is_limited = !is_few;
	if (!is_few)
		out->result = flow_blocks(NFR_REASON_LIMIT, o.decider);
	else if (!has_room)
		out->result = flow_blocks(NFR_REASON_STATE_FULL, o.decider);
	else if (!is_free)
		out->result = flow_blocks(NFR_REASON_TRANSLATE, o.decider);
	else if (!is_late && flow_doubt(&out->flow, h, p) != NFR_REASON_NONE)
		out->result =
			flow_blocks(flow_doubt(&out->flow, h, p), o.decider);
	out->keeps = out->result.verdict == NFR_PASS;
}

/* The ends of the packet that leaves. */
static struct trace_ends attempt_ends(const struct attempt *a,
				      const struct trace_packet *p)
{
	if (!a->keeps)
		return p->ends;
	return a->flow.dir == NFR_DIR_OUT ? a->flow.wire : a->flow.stack;
}

static bool is_seen(const struct attempt *a, const struct trace_packet *p,
		    const struct flow_seen *seen)
{
	struct trace_ends ends = attempt_ends(a, p);

	if (seen->passes != (a->result.verdict == NFR_PASS))
		return false;
	if (a->result.reason != seen->reason || a->result.rule != seen->rule)
		return false;
	return !seen->passes || trace_same_ends(&ends, &seen->ends);
}

struct flow *flow_begin(struct flow_model *m, const struct flow_hook *h,
			const struct trace_frame *frame,
			const struct nfr_key *packet,
			const struct flow_seen *seen, struct flow_answer *a)
{
	const struct trace_packet *p = &frame->packet;
	struct nfr_key tagged = *packet, *key = &tagged;
	struct attempt first, other;
	struct flow *f;

	if (!flow_tag_of(m, h, p, &tagged.w[NFR_F_TAG])) {
		a->result = flow_blocks(NFR_REASON_VM, NFR_NO_RULE);
		return NULL;
	}

	attempt(m, h, p, key, 0, seen, &first);
	for (uint64_t i = 1; i < PICKS && !is_seen(&first, p, seen); i++) {
		attempt(m, h, p, key, i, seen, &other);
		if (is_seen(&other, p, seen))
			first = other;
	}
	a->result = first.result;
	a->out.packet.ends = attempt_ends(&first, p);
	mark_those(m, h, p, first.flow.pool_count, first.floats);
	for (size_t i = m->count; i-- > 0;)
		if (m->flows[i].gives_way &&
		    (first.reserves ||
		     (first.is_limited && m->flows[i].is_counted)))
			flow_end(m, &m->flows[i]);
	if (!first.keeps)
		return NULL;
	if (m->count == FLOW_MAX)
		abort(); /* a trace has fewer */
	m->flows[m->count] = first.flow;
	f = &m->flows[m->count++];
	flow_take_answers(m, f);
	flow_send(f, h, a);
	return f;
}

/* ---- another policy --------------------------------------------------------
 */

static bool holds_as(const struct flow_model *m, const struct flow *f,
		     const struct nfr_key *key, uint64_t pick, uint32_t tag,
		     struct flow *again)
{
	struct model_context context = model_no_context();
	const struct trace_ends *had =
		f->dir == NFR_DIR_OUT ? &f->wire : &f->stack;
	const struct policy_rule *rule;
	struct model_outcome o;

	context.pick = pick;
	context.tag = tag;
	model_evaluate(m->policy, key, &context, &o);
	rule = &m->policy->rules[o.decider];
	*again = *f;
	again->rule = o.decider;
	again->kept_rule = o.decider;
	again->loaded = m->loaded;
	again->epoch = m->epoch;
	again->policy = m->loaded_policy;
	again->tag = tag;
	again->given = o.seen.w[NFR_F_TAG];
	if (!rule->is_pass || !rule->keeps_state ||
	    rule->is_floating != f->is_floating)
		return false;
	if (!flow_same_ways(m->policy, &o, f))
		return false;
	if (rule->effects) {
		again->ways[0] = rule->effects->route_to;
		again->ways[1] = rule->effects->reply_to;
		again->ways[FLOW_COPY] = rule->effects->dup_to;
	}
	note_pools(again, m->policy, &o);
	if (again->pool_count != f->pool_count)
		return false;
	for (size_t i = 0; i < f->pool_count; i++)
		if (!flow_same_pool(m->policy, again->pools[i], f->policy,
				    f->pools[i]))
			return false;
	return memcmp(&o.seen.w[NFR_F_SRC0], had->src.w, 16) == 0 &&
	       memcmp(&o.seen.w[NFR_F_DST0], had->dst.w, 16) == 0;
}

bool flow_holds(const struct flow_model *m, const struct flow_hook *h,
		struct flow *f)
{
	const struct flow_hook began = {.names = h->names,
					.device = f->device,
					.ingress = f->ingress,
					.dir = f->dir};
	struct nfr_key key = f->first;
	uint32_t tag;
	bool is_final = flow_tag_again(m, f, &tag);
	struct flow again;
	bool holds = false;

	flow_place_key(m->policy, &began, &key);
	for (uint64_t i = 0; i < PICKS && !holds; i++)
		holds = holds_as(m, f, &key, i, tag, &again);
	if (holds && is_final)
		*f = again;
	else if (holds)
		f->rule = again.rule; /* of this packet */
	return holds;
}
