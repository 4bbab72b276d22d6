/* SPDX-License-Identifier: BSD-2-Clause */
/* rules_code.c: an image -> its rules as eBPF in the kernel, for many keys. */
#include "rules_code.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "runtime/embed.h"
#include "runtime/hole_fill.h"
#include "runtime/native_load.h"
#include "runtime/table_build.h"
#include "runtime/table_map.h"

#define REPEAT 200

static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int load(struct rules_code *c, const struct native_code *inlined,
		size_t tables_len)
{
	size_t len;
	const void *elf = embed_native_keys(&len);
	int ret = hole_open(elf, len, inlined, &c->object);

	if (ret)
		return ret;
	c->hole = inlined ? hole_number(inlined) : 0;
	ret = table_map_size(c->object, tables_len);
	return ret ? ret : bpf_object__load(c->object);
}

static int fill_config(struct rules_code *c)
{
	int fd = bpf_object__find_map_fd_by_name(c->object, "nfr_config");
	struct nfr_config config = {.generation = ++c->generation,
				    .flags = native_config(&c->about),
				    .hole = c->used};
	__u32 zero = 0;

	return bpf_map_update_elem(fd, &zero, &config, BPF_ANY) ? -errno : 0;
}

static int load_code(struct rules_code *c, struct native_code *code)
{
	struct bpf_object *o = c->object;
	const struct native_maps maps = {
		.scratch = bpf_object__find_map_fd_by_name(o, "nfr_scratch"),
		.tables = bpf_object__find_map_fd_by_name(o, "nfr_tables"),
		.added = bpf_object__find_map_fd_by_name(o, "nfr_added"),
		.xdp = bpf_object__find_map_fd_by_name(o, "nfr_native_xdp"),
		.tc = -1,
	};
	uint64_t begun = now_ns();
	int ret = native_load(code, &maps);

	c->load_ns = now_ns() - begun;
	return ret;
}

static int find(struct rules_code *c)
{
	struct bpf_program *run =
		bpf_object__find_program_by_name(c->object, "native_rules");
	struct bpf_program *idle =
		bpf_object__find_program_by_name(c->object, "native_nothing");
	int keys = bpf_object__find_map_fd_by_name(c->object, "native_keys");

	c->next = bpf_object__find_map_fd_by_name(c->object, "native_next");
	if (!run || !idle || keys < 0 || c->next < 0)
		return -ENOENT;
	c->run = bpf_program__fd(run);
	c->idle = bpf_program__fd(idle);
	c->entries = mmap(NULL, NATIVE_KEYS * sizeof(*c->entries),
			  PROT_READ | PROT_WRITE, MAP_SHARED, keys, 0);
	if (c->entries == MAP_FAILED) {
		c->entries = NULL;
		return -errno;
	}
	return 0;
}

int rules_code_open(const struct image *image, struct rules_code *c)
{
	libbpf_print_fn_t print = libbpf_set_print(silent);
	struct native_code code, inlined = {0};
	struct native_about about;
	__u8 *tables = NULL;
	size_t tables_len;
	int ret;

	memset(c, 0, sizeof(*c));
	ret = native_compile(image, &code, &c->about);
	if (!ret)
		ret = table_build(image, TABLE_BYTES_MAX, &tables, &tables_len);
	if (!ret)
		ret = native_compile_inline(image, &inlined, &about)
			      ? load(c, NULL, tables_len)
			      : load(c, &inlined, tables_len);
	if (!ret)
		ret = load_code(c, &code);
	native_free(&code);
	native_free(&inlined);
	if (!ret)
		ret = find(c);
	if (!ret)
		ret = table_map_fill(bpf_object__find_map_fd_by_name(
					     c->object, "nfr_tables"),
				     tables, tables_len);
	if (!ret)
		ret = fill_config(c);
	free(tables);
	libbpf_set_print(print);
	if (ret)
		rules_code_close(c);
	return ret;
}

static int run(const struct rules_code *c, int prog, unsigned runs, double *ns)
{
	unsigned char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame), .repeat = (int)runs);
	__u32 zero = 0;

	if (bpf_map_update_elem(c->next, &zero, &zero, BPF_ANY) ||
	    bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	if (ns)
		*ns = opts.duration;
	return opts.retval == XDP_PASS ? 0 : -EBADE;
}

int rules_code_judge(struct rules_code *c)
{
	return run(c, c->run, NATIVE_KEYS, NULL);
}

int rules_code_inline(struct rules_code *c, bool is_inline)
{
	c->used = is_inline ? c->hole : 0;
	return fill_config(c);
}

int rules_code_forget(struct rules_code *c)
{
	c->used = c->hole ? c->hole + 1 : 0;
	return fill_config(c);
}

int rules_code_stop(struct rules_code *c)
{
	const struct native_maps maps = {.xdp = bpf_object__find_map_fd_by_name(
						 c->object, "nfr_native_xdp"),
					 .tc = -1};

	return native_unload(&maps);
}

int rules_code_time(struct rules_code *c, double *ns, double *idle_ns)
{
	double best = 1e9, best_idle = 1e9;

	for (int i = 0; i < 9; i++) {
		double took = 0, idle = 0;
		int ret = run(c, c->run, REPEAT * NATIVE_KEYS, &took);

		if (!ret)
			ret = run(c, c->idle, REPEAT * NATIVE_KEYS, &idle);
		if (ret)
			return ret;
		best = took < best ? took : best;
		best_idle = idle < best_idle ? idle : best_idle;
	}
	*idle_ns = best_idle;
	*ns = best - best_idle;
	return 0;
}

void rules_code_close(struct rules_code *c)
{
	if (c->entries)
		munmap(c->entries, NATIVE_KEYS * sizeof(*c->entries));
	bpf_object__close(c->object);
	memset(c, 0, sizeof(*c));
}
