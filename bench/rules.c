/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c: an image and a trace into maps of the kernel; headers through. */
#include "rules.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "runtime/config.h"
#include "runtime/embed.h"
#include "runtime/hash_map.h"
#include "runtime/hole_fill.h"
#include "runtime/native.h"

const char *const rules_form_names[RULES_FORMS] = {"none", "vm", "native",
						   "inline", "hash"};

static int rules_fail(int err, const char *what, char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* ---- loading ----------------------------------------------------------- */

static int size_map(struct bpf_object *object, const char *name,
		    uint32_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		return -EPROTO;
	return bpf_map__set_max_entries(map, entries ? entries : 1);
}

static int fill_map(struct bpf_object *object, const char *name,
		    const void *items, uint32_t count, size_t len)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	for (uint32_t i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, &i, (const char *)items + i * len,
					BPF_ANY))
			return -errno;
	return fd < 0 ? -EPROTO : 0;
}

static int fill_trace(const struct rules *r)
{
	struct bpf_object *object = r->object;
	uint32_t count = (uint32_t)r->set->trace_count;
	struct bench_header6 *wide;
	int ret;

	if (!r->is_ipv6)
		return fill_map(object, "bench_trace4", r->set->trace, count,
				sizeof(*r->set->trace));
	wide = calloc(count, sizeof(*wide));
	if (!wide)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		wide[i] = filters_wide(&r->set->trace[i]);
	ret = fill_map(object, "bench_trace6", wide, count, sizeof(*wide));
	free(wide);
	return ret;
}

static int fill(struct rules *r, const struct image *image)
{
	struct nfr_config config;
	int ret;

	config_of_image(image, 1, 1000, &config);
	ret = fill_map(r->object, "nfr_config", &config, 1, sizeof(config));
	if (!ret)
		ret = fill_map(r->object, "nfr_code", image->code,
			       image->insn_count, sizeof(*image->code));
	if (!ret)
		ret = hash_map_fill(
			bpf_object__find_map_fd_by_name(r->object, "nfr_hash"),
			image);
	return ret ? ret : fill_trace(r);
}

/* The next run finds rules by code inside, or not. */
static int use(const struct rules *r, enum rules_form form)
{
	if (form != RULES_NATIVE && form != RULES_INLINE)
		return 0;
	return measure_use(r->object, form == RULES_INLINE ? r->hole : 0);
}

static int open_object(struct rules *r, const struct image *image,
		       const struct native_code *inlined)
{
	static const char *const names[RULES_FORMS] = {
		"nfr_rules_floor", "nfr_rules_vm", "nfr_rules_native",
		"nfr_rules_native", "nfr_rules_hash"};
	uint32_t count = (uint32_t)r->set->trace_count;
	size_t len;
	const void *elf = r->loop == MEASURE_LOOP_BPF
				  ? embed_bench_rules_loop(&len)
				  : embed_bench_rules(&len);
	int ret;

	libbpf_set_print(quiet);
	ret = hole_open(elf, len, inlined, &r->object);
	if (ret)
		return ret;
	ret = size_map(r->object, "nfr_code", image->insn_count);
	if (!ret)
		ret = size_map(r->object,
			       r->is_ipv6 ? "bench_trace6" : "bench_trace4",
			       count);
	if (!ret)
		ret = hash_map_size(r->object, image->hash_len);
	if (!ret)
		ret = bpf_object__load(r->object);
	for (unsigned i = 0; i < RULES_FORMS && !ret; i++)
		r->prog[i] = bpf_program__fd(
			bpf_object__find_program_by_name(r->object, names[i]));
	r->cursor = bpf_object__find_map_fd_by_name(r->object, "bench_cursor");
	return ret ? ret : fill(r, image);
}

/* A filter is a line of the policy. */
static int number(struct rules *r, const struct image *image)
{
	r->rule_of = calloc(r->set->count + 1, sizeof(*r->rule_of));
	if (!r->rule_of)
		return -ENOMEM;
	for (__u32 i = 0; i < image->header->guard_first; i++) {
		__u32 line = image->ruleinfo[i].line;

		if (line > 0 && line <= r->set->count)
			r->rule_of[line - 1] = i;
	}
	r->otherwise = image->header->guard_first - 1;
	return 0;
}

static int open_loop(struct rules *r, const struct image *image,
		     enum measure_loop loop, const struct native_code *inlined)
{
	int ret;

	r->loop = loop == MEASURE_LOOP_AUTO ? MEASURE_LOOP_MAY_GOTO : loop;
	ret = open_object(r, image, inlined);
	if (ret != -EINVAL || loop != MEASURE_LOOP_AUTO)
		return ret;
	bpf_object__close(r->object);
	r->loop = MEASURE_LOOP_BPF;
	return open_object(r, image, inlined);
}

int rules_load(const struct image *image, const struct filters *set,
	       bool is_ipv6, enum measure_loop loop, struct rules *r,
	       char error[MEASURE_ERROR_MAX])
{
	uint64_t start = clock_now_ns();
	struct native_code inlined;
	bool is_inlined;
	int ret;

	*r = (struct rules){.set = set, .is_ipv6 = is_ipv6};
	is_inlined = !measure_inline(image, &inlined, r->why_called);
	ret = open_loop(r, image, loop, is_inlined ? &inlined : NULL);
	if (is_inlined) {
		r->hole = hole_number(&inlined);
		r->bytes[RULES_INLINE] = inlined.count * sizeof(*inlined.insns);
		native_free(&inlined);
	}
	for (unsigned i = 0; i < RULES_FORMS; i++)
		r->load_ms[i] = clock_ms_since(start);
	if (!ret)
		ret = number(r, image);
	if (ret)
		return rules_fail(ret, "load the rules alone", error);
	start = clock_now_ns();
	/* Without it bytes stays 0. */
	measure_native(r->object, image, false, &r->bytes[RULES_NATIVE],
		       r->why_not);
	r->load_ms[RULES_NATIVE] += clock_ms_since(start);
	r->bytes[RULES_VM] = image->insn_count * sizeof(*image->code);
	if (image->hash_len)
		r->bytes[RULES_HASH] = hash_map_len(image->hash_len);
	return 0;
}

void rules_free(struct rules *r)
{
	bpf_object__close(r->object);
	free(r->rule_of);
	memset(r, 0, sizeof(*r));
}

/* ---- running ----------------------------------------------------------- */

static int set_cursor(const struct rules *r, uint32_t next, uint32_t count)
{
	struct bench_cursor cursor = {
		.next = next,
		.count = count,
		.family = r->is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
	};
	uint32_t zero = 0;

	return bpf_map_update_elem(r->cursor, &zero, &cursor, BPF_ANY) ? -errno
								       : 0;
}

static int go(const struct rules *r, enum rules_form form, uint32_t repeat,
	      double *ns)
{
	static const __u8 frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame), .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(r->prog[form], &opts))
		return -errno;
	*ns = opts.duration;
	return opts.retval == XDP_PASS ? 0 : -EBADE;
}

int rules_check(const struct rules *r, enum rules_form form,
		char error[MEASURE_ERROR_MAX])
{
	struct bench_cursor cursor;
	uint32_t zero = 0;
	double ns;

	for (uint32_t i = 0; i < r->set->trace_count; i++) {
		uint32_t want = filters_find(r->set, &r->set->trace[i]);
		int ret = set_cursor(r, i, (uint32_t)r->set->trace_count);

		if (!ret && !i)
			ret = use(r, form);
		want = want == FILTERS_NONE ? r->otherwise : r->rule_of[want];
		if (!ret)
			ret = go(r, form, 1, &ns);
		if (!ret && bpf_map_lookup_elem(r->cursor, &zero, &cursor))
			ret = -errno;
		if (ret)
			return rules_fail(ret, "run a header", error);
		if (cursor.rule == want)
			continue;
		snprintf(error, MEASURE_ERROR_MAX,
			 "%s finds rule %u for header %u, a walk over the "
			 "filters rule %u",
			 rules_form_names[form], cursor.rule, i, want);
		return -EBADE;
	}
	return 0;
}

int rules_run(const struct rules *r, enum rules_form form, bool is_one,
	      uint32_t repeat, double *ns, char error[MEASURE_ERROR_MAX])
{
	int ret = set_cursor(r, 0, is_one ? 1 : (uint32_t)r->set->trace_count);

	if (!ret)
		ret = use(r, form);
	if (!ret)
		ret = go(r, form, repeat, ns);
	return ret ? rules_fail(ret, "run a trace", error) : 0;
}
