/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation_code.c: an image's rules -> native code, if that is the best form,
 * and into a generation.
 *
 * The choice is by what was measured (bench/README.md): native code is ahead of
 * both other forms up to 10,000 rules at least; but the verifier takes some 3
 * us for each instruction, twice, and large code is slow where caches are cold.
 * The data form is there anyway for what has many rules, and is what remains.
 *
 * Code of few rules goes into the datapath (hole.h) where that is loaded
 * anyway, or anew when it is asked for. Where programs are used again it is
 * called, unless they have this very code inside.
 */
#include "generation_code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpflog.h"
#include "engine_error.h"
#include "hole_fill.h"
#include "native_load.h"

/* More are left to the data form, where the image has one. */
#define CODE_AUTO_INSNS 150000u

static const char *const opcode_names[] = {
#define NFR_OPCODE(sym, num, name, form, text) [num] = (name),
#include "opcodes.def"
#undef NFR_OPCODE
};

const char *engine_kind_name(enum engine_kind kind)
{
	static const char *const names[] = {"auto", "vm", "native", "hash",
					    "inline"};

	return (unsigned)kind < 5 ? names[kind] : "unknown";
}

/* ---- why ---------------------------------------------------------------- */

static void code_explain_none(struct generation_code *c, int ret)
{
	const char *op =
		c->about.first ? opcode_names[c->about.first] : "shared code";

	if (ret == -E2BIG)
		snprintf(c->why, sizeof(c->why),
			 "the rules would be more than %u eBPF instructions",
			 NATIVE_INSNS_MAX);
	else if (ret == -EOPNOTSUPP)
		snprintf(c->why, sizeof(c->why),
			 "each entry has \"%s\", which only the VM runs", op);
	else
		snprintf(c->why, sizeof(c->why), "%s", strerror(-ret));
}

static void code_explain(struct generation_code *c)
{
	if (c->about.entries < NFR_ENTRY(NFR_STAGE_GUARD, 0, 0))
		snprintf(c->why, sizeof(c->why),
			 "the rules of %u of 6 entries are %zu eBPF "
			 "instructions; the others have \"%s\", which only the "
			 "VM runs",
			 c->about.entries, c->about.insns,
			 opcode_names[c->about.first]);
	else
		snprintf(c->why, sizeof(c->why),
			 "the rules are %zu eBPF instructions", c->about.insns);
}

/* One thing more about it. */
static void code_explain_too(struct generation_code *c, const char *what)
{
	size_t len = strlen(c->why);

	snprintf(c->why + len, sizeof(c->why) - len, "; %s", what);
}

/* ---- choice ------------------------------------------------------------- */

/* Tags of a forwarded packet are known only on the slow path (slow_tag()). */
static int code_compile(struct generation_code *c, const struct image *image)
{
	if (image->config->flags & NFR_CONFIG_TAGS) {
		snprintf(c->why, sizeof(c->why), "rules ask for tags");
		return -EOPNOTSUPP;
	}
	c->is_there = true;
	return native_compile(image, &c->code, &c->about);
}

static void code_choose(struct generation_code *c, const struct image *image)
{
	int ret = code_compile(c, image);

	if (ret && !*c->why)
		code_explain_none(c, ret);
	if (!ret && image->hash_len && c->about.insns > CODE_AUTO_INSNS) {
		snprintf(c->why, sizeof(c->why),
			 "the rules would be %zu eBPF instructions, slower to "
			 "load and to run",
			 c->about.insns);
		ret = -E2BIG;
	}
	if (!ret) {
		code_explain(c);
		return;
	}
	generation_code_free(c);
	if (ret == -E2BIG && c->kind == ENGINE_KIND_VM)
		c->refused = ENGINE_KIND_NATIVE;
}

static void code_leave(struct generation_code *c,
		       const struct engine_options *options)
{
	if (options->kind == ENGINE_KIND_HASH && c->kind != ENGINE_KIND_HASH)
		c->refused = ENGINE_KIND_HASH;
	snprintf(c->why, sizeof(c->why), "%s",
		 c->refused ? "they are too many, or too different, for a "
			      "data form"
			    : "it was asked for");
}

/* What does not fit into the datapath is called. */
static void code_inline(struct generation_code *c, const struct image *image,
			bool is_asked_for)
{
	struct native_about about;
	int ret = native_compile_inline(image, &c->inlined, &about);

	if (!ret) {
		c->hole = hole_number(&c->inlined);
		return;
	}
	native_free(&c->inlined);
	if (!is_asked_for)
		return;
	c->refused = ENGINE_KIND_INLINE;
	code_explain_too(c, "the datapath has no room for so many");
}

static bool code_is_asked_for(const struct engine_options *options)
{
	return options->kind == ENGINE_KIND_NATIVE ||
	       options->kind == ENGINE_KIND_INLINE;
}

int generation_code_make(struct generation_code *c, const struct image *image,
			 const struct engine_options *options,
			 struct engine_error *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->kind = image->hash_len ? ENGINE_KIND_HASH : ENGINE_KIND_VM;
	if (options->kind == ENGINE_KIND_AUTO) {
		code_choose(c, image);
		if (c->is_there)
			code_inline(c, image, false);
		return 0;
	}
	if (!code_is_asked_for(options)) {
		code_leave(c, options);
		return 0;
	}
	ret = code_compile(c, image);
	if (!ret) {
		code_explain(c);
		if (options->kind == ENGINE_KIND_INLINE)
			code_inline(c, image, true);
		return 0;
	}
	generation_code_free(c);
	if (!*c->why)
		code_explain_none(c, ret);
	if (ret == -E2BIG) {
		c->refused = options->kind;
		return 0;
	}
	error_set(err, -EOPNOTSUPP, "the policy does not run natively: %s",
		  c->why);
	error_hint(err, "without --engine=%s other forms run it",
		   engine_kind_name(options->kind));
	return -EOPNOTSUPP;
}

/* ---- the kernel --------------------------------------------------------- */

static void code_drop(struct generation_code *c, int code)
{
	snprintf(c->why, sizeof(c->why),
		 "the kernel does not take the rules as %zu eBPF instructions "
		 "(%s)%s",
		 c->about.insns, strerror(-code),
		 c->about.has_long_jumps ? "; Linux 6.6 is needed for so many"
					 : "");
	c->refused = ENGINE_KIND_NATIVE;
	generation_code_free(c);
}

/* Where native code finds the rules, nobody misses it. */
void generation_code_drop_hash(struct generation_code *c,
			       const struct image *image, int code)
{
	c->kind = ENGINE_KIND_VM;
	if (c->is_there)
		return;
	c->refused = ENGINE_KIND_HASH;
	snprintf(c->why, sizeof(c->why),
		 "the kernel has no room for a data form of %u bytes (%s)",
		 image->hash_len, strerror(-code));
}

/*
 * Programs that were used again have other code, or none. Those that were
 * loaded for it, and have it not, were refused with it.
 */
static bool code_is_inside(struct generation_code *c,
			   const struct generation *generation)
{
	if (!c->hole)
		return false;
	if (generation->hole == c->hole) {
		c->about.insns = c->inlined.count;
		code_explain(c);
		code_explain_too(c, c->about.has_tables
					    ? "the datapath has them inside, "
					      "but what asks tables is called"
					    : "the datapath has them inside");
		return true;
	}
	if (generation_is_reused(generation)) {
		code_explain_too(c, "called, as the datapath was not loaded "
				    "anew (--engine=inline)");
		return false;
	}
	c->refused = ENGINE_KIND_INLINE;
	code_explain_too(c, "the kernel does not take the datapath with them "
			    "inside");
	return false;
}

static void code_say(const struct generation_code *c, bool is_inside,
		     struct generation *generation)
{
	generation->kind = is_inside	 ? ENGINE_KIND_INLINE
			   : c->is_there ? ENGINE_KIND_NATIVE
					 : c->kind;
	generation->refused = c->refused;
	generation->hole_used = is_inside ? c->hole : 0;
	generation->code_insns = c->is_there ? (uint32_t)c->about.insns : 0;
	generation->code_flags = c->is_there ? native_config(&c->about) : 0;
	snprintf(generation->kind_why, sizeof(generation->kind_why), "%s",
		 c->why);
}

int generation_code_place(struct generation_code *c,
			  struct generation *generation,
			  const struct engine_options *options,
			  struct engine_error *err)
{
	const struct native_maps maps = {
		.scratch = generation->fd[PIN_SCRATCH],
		.tables = generation->fd[PIN_TABLES],
		.added = generation->fd[PIN_ADDED],
		.xdp = generation->fd[PIN_NATIVE_XDP],
		.tc = generation->fd[PIN_NATIVE_TC],
	};
	bool is_inside = code_is_inside(c, generation);
	bool is_called = c->is_there && (!is_inside || c->about.has_tables);
	int ret;

	if (is_called) {
		bpflog_begin(options);
		ret = native_load(&c->code, &maps);
		bpflog_end(NULL);
		if (ret) {
			code_drop(c, ret);
			is_inside = is_called = false;
		}
	}
	ret = is_called ? 0 : native_unload(&maps);
	if (ret)
		return error_kernel(err, ret, "take native code out of slot %u",
				    generation->slot);
	code_say(c, is_inside, generation);
	return 0;
}

void generation_code_free(struct generation_code *c)
{
	native_free(&c->code);
	native_free(&c->inlined);
	c->is_there = false;
	c->hole = 0;
}
