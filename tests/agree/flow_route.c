/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_route.c: route-to, reply-to and dup-to: a flow's rule -> where its
 * packets are sent in place of where the route table says, and copies of them.
 * pf.conf(5), "ROUTING". Pools have one hop, with its device.
 */
#include "flow_model.h"

#include <string.h>

#define HOPS_MAX 3 /* a packet that was sent on so often goes in circles */

static const struct policy_pool *way_of(const struct policy_rule *r,
					unsigned way)
{
	if (!r->effects || r->effects->is_no)
		return NULL;
	if (way == FLOW_COPY)
		return r->effects->dup_to;
	return way ? r->effects->reply_to : r->effects->route_to;
}

bool flow_routes(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		for (unsigned way = 0; way < FLOW_HOPS; way++)
			if (way_of(&p->rules[i], way))
				return true;
	return false;
}

static unsigned device_of(const struct flow_hook *h, const char *name)
{
	unsigned device = 0;

	while (strcmp(h->names[device], name) != 0)
		device++;
	return device;
}

void flow_route(struct flow *f, const struct flow_hook *h,
		const struct model_outcome *o)
{
	f->ways[0] = o->route_to;
	f->ways[1] = o->reply_to;
	f->ways[FLOW_COPY] = o->dup_to;
	for (unsigned way = 0; way < FLOW_HOPS; way++) {
		unsigned at = way == FLOW_COPY ? way : way ? !f->dir : f->dir;
		const struct policy_pool *pool = f->ways[way];

		f->hop[at] = FLOW_NOWHERE;
		if (!pool)
			continue;
		f->hop[at] = device_of(h, pool->targets[0].iface);
		f->hop_at[at] = pool->targets[0].first;
	}
}

/* What comes in goes on from here as from a router: a hop less is left. */
static bool is_at_end(const struct flow_hook *h, const struct trace_packet *p)
{
	return h->dir == NFR_DIR_IN && p->ttl <= 1;
}

enum nfr_reason flow_doubt(const struct flow *f, const struct flow_hook *h,
			   const struct trace_packet *p)
{
	if (f->hop[h->dir] == FLOW_NOWHERE)
		return NFR_REASON_NONE;
	if (is_at_end(h, p))
		return NFR_REASON_ROUTE;
	return h->hops >= HOPS_MAX ? NFR_REASON_LOOP : NFR_REASON_NONE;
}

/* What was sent to where it was has been copied there already. */
static bool copies(const struct flow *f, const struct flow_hook *h,
		   const struct trace_packet *p)
{
	return f->hop[FLOW_COPY] != FLOW_NOWHERE && !h->was_here &&
	       !is_at_end(h, p) && h->hops < HOPS_MAX;
}

bool flow_send(const struct flow *f, const struct flow_hook *h,
	       struct flow_answer *a)
{
	enum nfr_reason doubt = flow_doubt(f, h, &a->out.packet);

	if (doubt != NFR_REASON_NONE) {
		a->result.verdict = NFR_BLOCK;
		a->result.reason = (uint8_t)doubt;
		return false;
	}
	if (copies(f, h, &a->out.packet)) {
		a->copy = f->hop[FLOW_COPY];
		a->copy_at = f->hop_at[FLOW_COPY];
	}
	a->hop = f->hop[h->dir];
	a->hop_at = f->hop_at[h->dir];
	if (a->hop != FLOW_NOWHERE && h->dir == NFR_DIR_IN)
		a->out.packet.ttl--;
	return true;
}

bool flow_same_ways(const struct policy *p, const struct model_outcome *o,
		    const struct flow *f)
{
	const struct policy_rule *r = &p->rules[o->decider];

	for (unsigned way = 0; way < FLOW_HOPS; way++) {
		const struct policy_pool *now = way_of(r, way);

		if (!now != !f->ways[way] ||
		    (now && !flow_same_pool(p, now, f->policy, f->ways[way])))
			return false;
	}
	return true;
}

/* Of two flows that the host knows by one name, the later one. */
void flow_take_answers(struct flow_model *m, struct flow *f)
{
	f->has_answers =
		f->dir == NFR_DIR_IN && f->hop[NFR_DIR_OUT] != FLOW_NOWHERE;
	for (size_t i = 0; i < m->count && f->has_answers; i++) {
		struct flow *g = &m->flows[i];
		struct trace_ends ends =
			g->dir == f->dir ? g->stack : trace_swapped(&g->stack);

		if (g != f && g->family == f->family && g->proto == f->proto &&
		    trace_same_ends(&ends, &f->stack))
			g->has_answers = false;
	}
}
