/* SPDX-License-Identifier: BSD-2-Clause */
/* generation_code.c: an image's rules -> the datapath's object with them in. */
#include "generation_code.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "engine_error.h"

static const char *const opcode_names[] = {
#define NFR_OPCODE(sym, num, name, form, text) [num] = (name),
#include "opcodes.def"
#undef NFR_OPCODE
};

const char *engine_kind_name(enum engine_kind kind)
{
	static const char *const names[] = {"auto", "vm", "native", "hash"};

	return (unsigned)kind < 4 ? names[kind] : "unknown";
}

static void code_hash(struct generation_code *c)
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)c->code.insns,
		     c->code.count * sizeof(*c->code.insns));
	SHA256Final(c->hash, &ctx);
}

/* Why the rules, or some of them, are not code. */
static void code_explain(struct generation_code *c, int ret)
{
	const char *op =
		c->about.first ? opcode_names[c->about.first] : "shared code";

	if (ret == -E2BIG)
		snprintf(c->why, sizeof(c->why),
			 "more than %u eBPF instructions would be too many",
			 NATIVE_INSNS_MAX);
	else if (ret == -EOPNOTSUPP)
		snprintf(c->why, sizeof(c->why),
			 "each entry has \"%s\", which only the VM runs", op);
	else if (ret)
		snprintf(c->why, sizeof(c->why), "%s", strerror(-ret));
	else if (c->about.entries < NFR_ENTRY(NFR_STAGE_GUARD, 0, 0))
		snprintf(c->why, sizeof(c->why),
			 "the rules of %u of 6 entries are %zu eBPF "
			 "instructions; the others have \"%s\", which only the "
			 "VM runs",
			 c->about.entries, c->about.insns, op);
	else
		snprintf(c->why, sizeof(c->why),
			 "the rules are %zu eBPF instructions", c->about.insns);
}

int generation_code_make(struct generation_code *c, const struct image *image,
			 const struct engine_options *options,
			 struct engine_error *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->kind = image->hash_len ? ENGINE_KIND_HASH : ENGINE_KIND_VM;
	if (options->kind != ENGINE_KIND_NATIVE || image->hash_len) {
		snprintf(c->why, sizeof(c->why), "%s",
			 options->kind == ENGINE_KIND_AUTO
				 ? "by the number of rules; native code loads "
				   "slowly, and is made when asked for"
				 : "it was asked for");
		return 0;
	}
	ret = native_compile(image, &c->code, &c->about);
	code_explain(c, ret);
	c->is_there = ret == 0;
	c->is_refused = ret == -E2BIG;
	if (c->is_there)
		code_hash(c);
	else
		native_free(&c->code);
	if (ret && !c->is_refused) {
		error_set(err, -EOPNOTSUPP,
			  "the policy does not run natively: %s", c->why);
		error_hint(err, "without --engine=native the VM runs it");
		return -EOPNOTSUPP;
	}
	return 0;
}

int generation_code_object(const struct generation_code *c,
			   enum engine_loop loop, const void **bytes,
			   size_t *len, void **own)
{
	int ret;

	*own = NULL;
	*bytes = loop == ENGINE_LOOP_HELPER ? embed_datapath_loop(len)
					    : embed_datapath(len);
	if (!c->is_there)
		return 0;
	ret = native_link(*bytes, *len, &c->code, own, len);
	if (!ret)
		*bytes = *own;
	return ret;
}

void generation_code_drop(struct generation_code *c, int code)
{
	snprintf(c->why, sizeof(c->why),
		 "the kernel does not take the rules as %zu eBPF instructions "
		 "(%s)%s",
		 c->about.insns, strerror(-code),
		 c->about.has_long_jumps ? "; Linux 6.6 is needed for so many"
					 : "");
	c->is_refused = true;
	generation_code_free(c);
}

void generation_code_free(struct generation_code *c)
{
	native_free(&c->code);
	memset(c->hash, 0, sizeof(c->hash));
	c->is_there = false;
}
