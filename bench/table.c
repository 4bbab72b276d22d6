/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c: random networks, and random addresses in and outside of them -> ns
 * an address, by the structure of tables and by the kernel's LPM_TRIE, above a
 * run without either. Both have to say the same.
 */
#include "table.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "compiler/image_layout.h"
#include "line.h"
#include "runtime/embed.h"
#include "runtime/object.h"
#include "runtime/table_bench.h"
#include "runtime/table_build.h"
#include "runtime/table_find.h"
#include "runtime/table_map.h"
#include "series.h"

enum structure { NONE, LEVELS, TRIE, STRUCTURES };
enum trace { HIT, MISS, TRACES };

static const char *const programs[STRUCTURES] = {
	"nfr_bench_none", "nfr_bench_levels", "nfr_bench_trie"};
static const char *const engines[STRUCTURES] = {"parse-only", "table",
						"lpm-trie"};
static const char *const traces[TRACES] = {"hit", "miss"};

struct bench {
	const struct settings *settings;
	const struct machine *machine;
	char *error;
	bool is_ipv6;
	unsigned networks;
	__u64 random;
	struct image_table table;
	struct image image;
	struct image_entry *entries;
	__u8 *bytes;
	size_t len, trie_bytes;
	double build_ms, trie_ms;
	struct bpf_object *object;
	int prog[STRUCTURES], trie, next;
	struct table_bench *asked;
	struct series ns[TRACES][STRUCTURES];
};

static int fail(const struct bench *b, int ret, const char *what)
{
	snprintf(b->error, MEASURE_ERROR_MAX, "can not %s: %s", what,
		 strerror(-ret));
	return ret;
}

/* SplitMix64, the same each time. */
static __u64 draw(struct bench *b)
{
	__u64 x = b->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* ---- networks ------------------------------------------------------------ */

/* Global unicast, 2000::/3, or anything of IPv4. */
static void draw_address(struct bench *b, __u8 addr[16])
{
	__u64 halves[2] = {draw(b), draw(b)};

	memcpy(addr, halves, 16);
	addr[0] = (__u8)(0x20 | (addr[0] & 0x1f));
	if (!b->is_ipv6) {
		memset(addr, 0, 10);
		memset(addr + 10, 0xff, 2);
	}
}

static void cut(__u8 addr[16], unsigned len)
{
	for (; len < 128; len++)
		addr[len / 8] &= (__u8) ~(0x80u >> len % 8);
}

/* Half are of the length that routes mostly have, others around it. */
static struct image_entry draw_network(struct bench *b)
{
	static const __u8 ipv4[] = {24, 24, 24, 24, 20, 22, 28, 32};
	static const __u8 ipv6[] = {48, 48, 48, 48, 32, 40, 64, 128};
	unsigned kind = draw(b) % 8;
	struct image_entry e = {
		.family = b->is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
		.prefix_len = b->is_ipv6 ? ipv6[kind] : ipv4[kind],
	};

	draw_address(b, e.addr);
	cut(e.addr, e.prefix_len + (b->is_ipv6 ? 0u : 96u));
	return e;
}

static int by_order(const void *a, const void *b)
{
	return image_entry_compare(a, b);
}

static int make_networks(struct bench *b)
{
	__u32 kept = 0;

	b->entries = calloc(b->networks, sizeof(*b->entries));
	if (!b->entries)
		return fail(b, -ENOMEM, "draw networks");
	for (unsigned i = 0; i < b->networks; i++)
		b->entries[i] = draw_network(b);
	qsort(b->entries, b->networks, sizeof(*b->entries), by_order);
	for (unsigned i = 0; i < b->networks; i++)
		if (!kept || by_order(&b->entries[kept - 1], &b->entries[i]))
			b->entries[kept++] = b->entries[i];
	b->image = (struct image){.tables = &b->table,
				  .entries = b->entries,
				  .table_count = 1,
				  .entry_count = kept};
	return 0;
}

/* ---- maps ---------------------------------------------------------------- */

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int load(struct bench *b)
{
	size_t len;
	const void *elf = embed_bench_table(&len);
	struct bpf_map *trie;
	int ret;

	libbpf_set_print(quiet);
	b->object = bpf_object__open_mem(elf, len, NULL);
	if (!b->object)
		return fail(b, -errno, "open an object");
	trie = bpf_object__find_map_by_name(b->object, "bench_trie");
	ret = trie ? bpf_map__set_max_entries(trie, b->networks) : -ENOENT;
	if (!ret)
		ret = table_map_size(b->object, b->len);
	if (!ret)
		ret = bpf_object__load(b->object);
	if (ret)
		return fail(b, ret, "load a program");
	for (unsigned i = 0; i < STRUCTURES; i++)
		b->prog[i] = bpf_program__fd(bpf_object__find_program_by_name(
			b->object, programs[i]));
	b->trie = bpf_map__fd(trie);
	b->next = bpf_object__find_map_fd_by_name(b->object, "bench_next");
	b->asked = mmap(
		NULL, TABLE_BENCH_ASKED * sizeof(*b->asked),
		PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_object__find_map_fd_by_name(b->object, "bench_asked"), 0);
	if (b->asked != MAP_FAILED)
		return 0;
	b->asked = NULL;
	return fail(b, -errno, "map what is asked");
}

static int fill(struct bench *b)
{
	uint64_t start = clock_now_ns();
	int ret = table_map_fill(
		bpf_object__find_map_fd_by_name(b->object, "nfr_tables"),
		b->bytes, b->len);

	if (ret)
		return fail(b, ret, "fill nfr_tables");
	b->build_ms += clock_ms_since(start);
	start = clock_now_ns();
	for (__u32 i = 0; i < b->image.entry_count; i++) {
		struct nfr_table_key key;
		__u32 value = image_table_key(&b->entries[i], &key);

		if (bpf_map_update_elem(b->trie, &key, &value, BPF_ANY))
			return fail(b, -errno, "fill an LPM_TRIE");
	}
	b->trie_ms = clock_ms_since(start);
	b->trie_bytes = object_bytes(b->trie);
	return 0;
}

/* ---- addresses ----------------------------------------------------------- */

/* In a network, or anywhere, which mostly is in none. */
static void ask(struct bench *b, enum trace trace, struct table_bench *asked)
{
	__u8 addr[16];
	__u32 w[4];

	draw_address(b, addr);
	if (trace == HIT) {
		const struct image_entry *e =
			&b->entries[draw(b) % b->image.entry_count];
		unsigned len = e->prefix_len + (b->is_ipv6 ? 0u : 96u);

		for (unsigned bit = 0; bit < len; bit++) {
			__u8 mask = (__u8)(0x80u >> bit % 8);

			addr[bit / 8] = (__u8)((addr[bit / 8] & ~mask) |
					       (e->addr[bit / 8] & mask));
		}
	}
	asked->key.prefix_len = 32 + 128;
	asked->key.table_be = 0;
	memcpy(asked->key.addr, addr, sizeof(addr));
	memcpy(w, addr, sizeof(w));
	for (unsigned i = 0; i < 4; i++)
		w[i] = ntohl(w[i]);
	asked->family = b->is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4;
	asked->upper = b->is_ipv6 ? TABLE_UPPER(w) : (__u64)w[3] << 32;
	asked->lower = b->is_ipv6 ? TABLE_LOWER(w) : 0;
}

static int run(struct bench *b, enum structure structure, unsigned times,
	       double *ns)
{
	unsigned char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame),
		    .repeat = (int)(times * TABLE_BENCH_ASKED));
	__u32 zero = 0;

	if (bpf_map_update_elem(b->next, &zero, &zero, BPF_ANY) ||
	    bpf_prog_test_run_opts(b->prog[structure], &opts))
		return fail(b, -errno, "run a program");
	*ns = opts.duration;
	return 0;
}

static int compare(struct bench *b)
{
	__u32 *said = calloc(TABLE_BENCH_ASKED, sizeof(*said));
	double ns;
	int ret = said ? run(b, TRIE, 1, &ns) : -ENOMEM;

	for (unsigned i = 0; i < TABLE_BENCH_ASKED && !ret; i++)
		said[i] = b->asked[i].said;
	if (!ret)
		ret = run(b, LEVELS, 1, &ns);
	for (unsigned i = 0; i < TABLE_BENCH_ASKED && !ret; i++)
		if (said[i] != b->asked[i].said)
			ret = fail(b, -EBADE,
				   "find the same by both structures");
	free(said);
	return ret;
}

/* A run of the structures in turn; the first round compares. */
static int measure(struct bench *b, enum trace trace)
{
	unsigned times = 1 + b->settings->ms / 2; /* some 100 ns an address */
	int ret = 0;

	for (unsigned i = 0; i < TABLE_BENCH_ASKED; i++)
		ask(b, trace, &b->asked[i]);
	ret = compare(b);
	for (unsigned round = 0; round < b->settings->rounds && !ret; round++)
		for (unsigned s = 0; s < STRUCTURES && !ret; s++) {
			double ns;

			ret = run(b, s, times, &ns);
			series_add(&b->ns[trace][s], ns);
		}
	return ret;
}

/* ---- what is said -------------------------------------------------------- */

static int print(const struct bench *b, enum trace trace, enum structure s)
{
	const struct series *ns = &b->ns[trace][s];
	const struct series *floor = &b->ns[trace][NONE];
	struct line line = {
		.set = "table",
		.rules = b->networks,
		.family = b->is_ipv6 ? "inet6" : "inet",
		.engine = engines[s],
		.hook = "test-run",
		.trace = traces[trace],
		.floor = floor,
		.ns = ns,
		.rounds = b->settings->rounds,
		.load_ms = s == LEVELS ? b->build_ms
			   : s == TRIE ? b->trie_ms
				       : 0,
		.bytes = s == LEVELS ? b->len
			 : s == TRIE ? b->trie_bytes
				     : 0,
	};

	return line_print(&line, b->settings->is_json, b->machine);
}

static int one_size(struct bench *b)
{
	uint64_t start;
	int ret = make_networks(b);

	if (ret)
		return ret;
	start = clock_now_ns();
	ret = table_build(&b->image, TABLE_BYTES_MAX, &b->bytes, &b->len);
	if (ret)
		return fail(b, ret, "lay out a table");
	b->build_ms = clock_ms_since(start);
	ret = load(b);
	if (!ret)
		ret = fill(b);
	for (unsigned trace = 0; trace < TRACES && !ret; trace++) {
		ret = measure(b, trace);
		for (unsigned s = 0; s < STRUCTURES && !ret; s++)
			ret = print(b, trace, s);
	}
	return ret;
}

static int run_size(const struct settings *settings,
		    const struct machine *machine, unsigned networks,
		    bool is_ipv6, char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	*b = (struct bench){.settings = settings,
			    .machine = machine,
			    .networks = networks,
			    .is_ipv6 = is_ipv6,
			    .error = error};
	ret = one_size(b);
	if (b->asked)
		munmap(b->asked, TABLE_BENCH_ASKED * sizeof(*b->asked));
	bpf_object__close(b->object);
	free(b->bytes);
	free(b->entries);
	free(b);
	return ret;
}

int bench_table(const struct settings *settings, const struct machine *machine,
		char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	if (!settings->is_json)
		line_print_header(false);
	for (unsigned i = 0; i < settings->rules_count && !ret; i++)
		for (unsigned family = 0; family < 2 && !ret; family++)
			if (settings->family < 0 ||
			    (unsigned)settings->family == family)
				ret = run_size(settings, machine,
					       settings->rules[i], family == 1,
					       error);
	return ret;
}
