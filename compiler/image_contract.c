/* SPDX-License-Identifier: BSD-2-Clause */
/* image_contract.c: what a policy promises -> items of the image. */
#include "image_contract.h"

#include <string.h>

#include "image_layout.h"
#include "model.h"

void image_place(const struct sources *sources, struct span span, __u32 *file,
		 __u32 *line, __u32 *col)
{
	struct location loc = {.file = NULL};

	if (span.start)
		sources_locate(sources, span.start, &loc);
	*file = loc.file ? loc.file->index : IMAGE_NO_FILE;
	*line = loc.file ? loc.line : 0;
	*col = loc.file ? loc.col : 0;
}

struct image_assert image_make_assert(const struct policy *policy,
				      const struct code_assert *code,
				      const struct sources *sources,
				      struct string_pool *strings)
{
	const struct policy_assert *a = &policy->asserts[code->assert];
	struct image_assert out = {
		.start = code->start,
		.dir = (__u8)code->dir,
		.family = (__u8)code->family,
		.is_pass = a->is_pass,
		.text = pool_add(strings, a->text),
	};

	image_place(sources, a->span, &out.file, &out.line, &out.col);
	return out;
}

struct image_exclude image_make_exclude(const struct policy_exclude *x,
					const struct sources *sources)
{
	struct image_exclude out = {
		.table = IMAGE_NO_TABLE,
		.families = x->families,
		.is_negated = x->host.is_negated,
	};

	image_place(sources, x->span, &out.file, &out.line, &out.col);
	if (x->host.kind == POLICY_HOST_TABLE) {
		out.table = x->host.table;
		return out;
	}
	memcpy(out.first, x->host.first.w, sizeof(out.first));
	memcpy(out.last, x->host.last.w, sizeof(out.last));
	return out;
}

static const struct policy_iface *find_tunnel(const struct policy *p)
{
	for (size_t i = 0; i < p->iface_count; i++)
		if (p->ifaces[i].is_tunnel)
			return &p->ifaces[i];
	return NULL;
}

bool image_is_outside(const struct policy *p, const struct policy_rule *r)
{
	const struct policy_iface *tunnel = find_tunnel(p);
	uint32_t ifid;

	if (!tunnel || !r->is_pass || r->is_generated ||
	    !(r->match.dirs & 1u << NFR_DIR_OUT))
		return false;
	ifid = (uint32_t)(tunnel - p->ifaces) + 1;
	for (size_t i = 0; i < r->within_count; i++)
		if (!model_iface_matches(&r->within[i], ifid))
			return true;
	return !model_iface_matches(&r->match, ifid);
}
