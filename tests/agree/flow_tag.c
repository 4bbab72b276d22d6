/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_tag.c: a packet that is forwarded -> the tag that the rules gave to its
 * flow where it came in. Without a flow there it has none.
 */
#include "flow_model.h"

#include "compiler/tag.h"

/* Is it the flow, of this device or floating, of what the host sees so? */
static bool is_inward(const struct flow *f, unsigned device,
		      enum addr_family family, uint8_t proto,
		      const struct trace_ends *stack)
{
	struct trace_ends own = f->stack;

	if (f->dir == NFR_DIR_OUT)
		own = trace_swapped(&own);
	return f->family == family && f->proto == proto &&
	       (f->is_floating || f->device == device) &&
	       trace_same_ends(&own, stack);
}

/* Those of the device before floating ones, plain before translated ones. */
static const struct flow *inward(const struct flow_model *m, unsigned device,
				 enum addr_family family, uint8_t proto,
				 const struct trace_ends *stack)
{
	for (unsigned rank = 0; rank < 4; rank++)
		for (size_t i = 0; i < m->count; i++) {
			const struct flow *f = &m->flows[i];

			if (f->is_floating == rank / 2 &&
			    f->is_translated == rank % 2 &&
			    is_inward(f, device, family, proto, stack))
				return f;
		}
	return NULL;
}

bool flow_tag_of(const struct flow_model *m, const struct flow_hook *h,
		 const struct trace_packet *p, uint32_t *tag)
{
	const struct flow *f;

	*tag = TAG_NONE;
	if (!m->asks_tags || h->dir != NFR_DIR_OUT || h->ingress == FLOW_HERE ||
	    flow_role(p) == FLOW_NONE)
		return true;
	f = inward(m, h->ingress, p->family, p->proto, &p->ends);
	if (!f)
		return true;
	*tag = f->given;
	return flow_is_current(m, f);
}

bool flow_tag_again(const struct flow_model *m, const struct flow *f,
		    uint32_t *tag)
{
	const struct flow *g;

	*tag = f->tag;
	if (!m->asks_tags || f->dir != NFR_DIR_OUT || f->ingress == FLOW_HERE)
		return true;
	g = inward(m, f->ingress, f->family, f->proto, &f->stack);
	if (!g)
		return true;
	if (!flow_is_current(m, g))
		return false;
	*tag = g->given;
	return true;
}
