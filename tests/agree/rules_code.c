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

static int load(struct rules_code *c, const void *elf, size_t len,
		uint32_t table_entries)
{
	struct bpf_map *tables;
	uint64_t begun;
	int ret;

	c->object = bpf_object__open_mem(elf, len, NULL);
	if (!c->object)
		return -errno;
	tables = bpf_object__find_map_by_name(c->object, "nfr_tables");
	if (tables)
		bpf_map__set_max_entries(tables, table_entries + 1);
	begun = now_ns();
	ret = bpf_object__load(c->object);
	c->load_ns = now_ns() - begun;
	return ret;
}

static int fill_tables(struct rules_code *c, const struct image *image)
{
	int fd = bpf_object__find_map_fd_by_name(c->object, "nfr_tables");

	for (uint32_t i = 0; i < image->entry_count; i++) {
		struct nfr_table_key key;
		uint32_t value = image_table_key(&image->entries[i], &key);

		if (bpf_map_update_elem(fd, &key, &value, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int find(struct rules_code *c)
{
	struct bpf_program *run =
		bpf_object__find_program_by_name(c->object, "native_rules");
	struct bpf_program *idle =
		bpf_object__find_program_by_name(c->object, "native_nothing");
	int keys = bpf_object__find_map_fd_by_name(c->object, "native_keys");

	if (!run || !idle || keys < 0)
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
	struct native_code code;
	const void *test;
	void *elf = NULL;
	size_t test_len, len = 0;
	int ret;

	memset(c, 0, sizeof(*c));
	test = embed_native_keys(&test_len);
	ret = native_compile(image, &code, &c->about);
	if (!ret)
		ret = native_link(test, test_len, &code, &elf, &len);
	native_free(&code);
	if (!ret)
		ret = load(c, elf, len, image->entry_count);
	if (!ret)
		ret = find(c);
	if (!ret)
		ret = fill_tables(c, image);
	free(elf);
	libbpf_set_print(print);
	if (ret)
		rules_code_close(c);
	return ret;
}

static int run(int prog, unsigned keys, unsigned repeat, uint32_t *ns)
{
	unsigned char frame[NATIVE_KEYS / 64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = keys / 64, .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	if (ns)
		*ns = opts.duration;
	return 0;
}

int rules_code_judge(struct rules_code *c)
{
	return run(c->run, NATIVE_KEYS, 1, NULL);
}

int rules_code_time(struct rules_code *c, unsigned keys, double *ns,
		    double *idle_ns)
{
	uint32_t best = UINT32_MAX, best_idle = UINT32_MAX;

	for (int i = 0; i < 9; i++) {
		uint32_t took = UINT32_MAX, idle = UINT32_MAX;
		int ret = run(c->run, keys, REPEAT, &took);

		if (!ret)
			ret = run(c->idle, keys, REPEAT, &idle);
		if (ret)
			return ret;
		best = took < best ? took : best;
		best_idle = idle < best_idle ? idle : best_idle;
	}
	*idle_ns = (double)best_idle / keys;
	*ns = ((double)best - best_idle) / keys;
	return 0;
}

void rules_code_close(struct rules_code *c)
{
	if (c->entries)
		munmap(c->entries, NATIVE_KEYS * sizeof(*c->entries));
	bpf_object__close(c->object);
	memset(c, 0, sizeof(*c));
}
