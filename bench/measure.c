/* SPDX-License-Identifier: BSD-2-Clause */
/* measure.c: objects into the kernel, frames through them, time out. */
#include "measure.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "runtime/config.h"
#include "runtime/embed.h"
#include "runtime/hash_map.h"
#include "runtime/hole_fill.h"
#include "runtime/native.h"
#include "runtime/native_load.h"
#include "runtime/poolset.h"

#define LOOPBACK 1  /* the device of a test run */
#define POOLS_MAX 8 /* of an image measured here, and addresses in them */

const char *const measure_hook_names[MEASURE_HOOKS] = {
	[MEASURE_XDP] = "xdp",
	[MEASURE_IN] = "tc-in",
	[MEASURE_OUT] = "tc-out",
};

const char *measure_loop_engine(enum measure_loop loop)
{
	if (loop == MEASURE_LOOP_AUTO)
		return "none";
	return loop == MEASURE_LOOP_MAY_GOTO ? "vm" : "vm-bpf_loop";
}

/* libbpf's last line, for an error. */
static char last_line[MEASURE_ERROR_MAX / 2];

static int keep_line(enum libbpf_print_level level, const char *fmt,
		     va_list args)
{
	if (level == LIBBPF_WARN) {
		vsnprintf(last_line, sizeof(last_line), fmt, args);
		last_line[strcspn(last_line, "\n")] = '\0';
	}
	return 0;
}

static int measure_fail(int err, const char *what,
			char error[MEASURE_ERROR_MAX])
{
	if (err == -EPERM || err == -EACCES)
		snprintf(error, MEASURE_ERROR_MAX,
			 "the kernel refused to %s: run as root, or with "
			 "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
			 what);
	else
		snprintf(error, MEASURE_ERROR_MAX,
			 "the kernel refused to %s: %s%s%s", what,
			 strerror(-err), *last_line ? "; " : "", last_line);
	return err;
}

/* ---- loading ----------------------------------------------------------- */

static int object_open(const void *elf, size_t len,
		       const struct native_code *inlined,
		       struct bpf_object **out, char error[MEASURE_ERROR_MAX])
{
	int ret;

	*last_line = '\0';
	libbpf_set_print(keep_line);
	ret = hole_open(elf, len, inlined, out);
	return ret ? measure_fail(ret, "open an object", error) : 0;
}

/* Programs of these names, one a hook, without those of hooks not asked for. */
static int object_leave(const struct subject *s,
			const char *const names[MEASURE_HOOKS], unsigned hooks)
{
	int ret = 0;

	for (unsigned i = 0; i < MEASURE_HOOKS && !ret; i++) {
		struct bpf_program *prog =
			bpf_object__find_program_by_name(s->object, names[i]);

		if (!(hooks >> i & 1))
			ret = prog ? bpf_program__set_autoload(prog, false)
				   : -ENOENT;
	}
	return ret;
}

/* The object's programs of these names; -ENOENT in place of those left. */
static int object_programs(const struct bpf_object *object,
			   const char *const names[MEASURE_HOOKS],
			   int out[MEASURE_HOOKS],
			   char error[MEASURE_ERROR_MAX])
{
	for (unsigned i = 0; i < MEASURE_HOOKS; i++) {
		struct bpf_program *prog =
			bpf_object__find_program_by_name(object, names[i]);

		if (!prog)
			return measure_fail(-ENOENT, "find a program", error);
		out[i] = bpf_program__fd(prog);
	}
	return 0;
}

static int object_load(struct subject *s,
		       const char *const names[MEASURE_HOOKS],
		       char error[MEASURE_ERROR_MAX])
{
	int ret = bpf_object__load(s->object);

	if (ret)
		return measure_fail(ret, "load a program", error);
	return object_programs(s->object, names, s->prog, error);
}

static int map_fill(const struct subject *s, const char *name,
		    const void *items, uint32_t count, size_t len)
{
	int fd = bpf_object__find_map_fd_by_name(s->object, name);

	if (fd < 0)
		return fd;
	for (uint32_t i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, &i, (const char *)items + i * len,
					BPF_ANY))
			return -errno;
	return 0;
}

static uint32_t no_device(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 0;
}

static int pools_fill(const struct subject *s, const struct image *image)
{
	struct poolset *pools = NULL;
	int ret = poolset_new(image, no_device, NULL, NULL, &pools);

	if (!ret)
		ret = map_fill(s, "nfr_actions", image->actions,
			       image->action_count, sizeof(*image->actions));
	if (!ret)
		ret = map_fill(s, "nfr_pools", pools->pools,
			       (uint32_t)pools->pool_count,
			       sizeof(*pools->pools));
	if (!ret)
		ret = map_fill(s, "nfr_pool_addrs", pools->addrs,
			       (uint32_t)pools->addr_count,
			       sizeof(*pools->addrs));
	poolset_free(&pools);
	return ret;
}

static int image_fill(const struct subject *s, const struct image *image)
{
	struct nfr_config config;
	struct nfr_iface iface = {.link = NFR_LINK_ETHER};
	uint32_t loopback = LOOPBACK;
	int ret, fd = bpf_object__find_map_fd_by_name(s->object, "nfr_ifaces");

	config_of_image(image, 1, 1000, &config);
	if (fd < 0 || bpf_map_update_elem(fd, &loopback, &iface, BPF_ANY))
		return -errno;
	fd = bpf_object__find_map_fd_by_name(s->object, "nfr_near");
	if (fd < 0 || bpf_map_update_elem(fd, &loopback, &iface, BPF_ANY))
		return -errno;
	ret = map_fill(s, "nfr_code", image->code, image->insn_count,
		       sizeof(*image->code));
	if (!ret)
		ret = map_fill(s, "nfr_rules", image->rules, image->rule_count,
			       sizeof(*image->rules));
	if (!ret)
		ret = pools_fill(s, image);
	if (!ret)
		ret = hash_map_fill(
			bpf_object__find_map_fd_by_name(s->object, "nfr_hash"),
			image);
	return ret ? ret
		   : map_fill(s, "nfr_config", &config, 1, sizeof(config));
}

static int image_sizes(const struct subject *s, const struct image *image)
{
	const struct {
		const char *name;
		uint32_t entries;
	} sizes[] = {{"nfr_code", image->insn_count},
		     {"nfr_rules", image->rule_count},
		     {"nfr_rule_counts", image->rule_count},
		     {"nfr_actions", image->action_count},
		     {"nfr_pools", POOLS_MAX},
		     {"nfr_pool_addrs", POOLS_MAX}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(s->object, sizes[i].name);

		if (!map || (sizes[i].entries &&
			     bpf_map__set_max_entries(map, sizes[i].entries)))
			return -ENOENT;
	}
	return hash_map_size(s->object, image->hash_len);
}

/* The object's configuration, with such flags too, and such code. */
static int add_flags(const struct bpf_object *o, __u32 flags, __u64 hole)
{
	int fd = bpf_object__find_map_fd_by_name(o, "nfr_config");
	struct nfr_config config;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, &config))
		return -errno;
	config.flags |= flags;
	config.hole = hole;
	return bpf_map_update_elem(fd, &zero, &config, BPF_ANY) ? -errno : 0;
}

int measure_use(const struct bpf_object *o, uint64_t hole)
{
	return add_flags(o, NFR_CONFIG_NATIVE, hole);
}

static int image_load(const struct image *image,
		      const struct native_code *inlined, unsigned hooks,
		      struct subject *s, char error[MEASURE_ERROR_MAX])
{
	static const char *const programs[] = {"nfr_xdp", "nfr_in", "nfr_out"};
	uint64_t start = clock_now_ns();
	size_t len;
	const void *elf = s->loop == MEASURE_LOOP_MAY_GOTO
				  ? embed_datapath(&len)
				  : embed_datapath_loop(&len);
	int ret = object_open(elf, len, inlined, &s->object, error);

	if (ret)
		return ret;
	ret = object_leave(s, programs, hooks);
	if (ret)
		return measure_fail(ret, "leave a program", error);
	ret = image_sizes(s, image);
	if (ret)
		return measure_fail(ret, "size a map", error);
	ret = object_load(s, programs, error);
	if (ret)
		return ret;
	ret = image_fill(s, image);
	if (!ret && inlined)
		ret = measure_use(s->object, hole_number(inlined));
	if (ret)
		return measure_fail(ret, "fill a map", error);
	s->load_ms = clock_ms_since(start);
	s->bytes = image->insn_count * sizeof(*image->code) +
		   image->rule_count * sizeof(*image->rules) + image->hash_len;
	return 0;
}

int measure_native(const struct bpf_object *o, const struct image *image,
		   bool has_tc, size_t *bytes, char why[MEASURE_ERROR_MAX])
{
	const struct native_maps maps = {
		.scratch = bpf_object__find_map_fd_by_name(o, "nfr_scratch"),
		.tables = bpf_object__find_map_fd_by_name(o, "nfr_tables"),
		.added = bpf_object__find_map_fd_by_name(o, "nfr_added"),
		.xdp = bpf_object__find_map_fd_by_name(o, "nfr_native_xdp"),
		.tc = has_tc ? bpf_object__find_map_fd_by_name(o,
							       "nfr_native_tc")
			     : -1,
	};
	struct native_code code;
	struct native_about about;
	int ret = native_compile(image, &code, &about);

	if (ret) {
		snprintf(why, MEASURE_ERROR_MAX, "it is not made (%s)",
			 strerror(-ret));
	} else {
		ret = native_load(&code, &maps);
		if (!ret)
			ret = add_flags(o, native_config(&about), 0);
		if (ret)
			snprintf(why, MEASURE_ERROR_MAX,
				 "the kernel does not take %zu instructions "
				 "(%s)",
				 code.count, strerror(-ret));
	}
	if (!ret)
		*bytes = code.count * sizeof(*code.insns);
	native_free(&code);
	return ret;
}

int measure_inline(const struct image *image, struct native_code *code,
		   char why[MEASURE_ERROR_MAX])
{
	struct native_about about;
	int ret = native_compile_inline(image, code, &about);

	if (ret == -E2BIG)
		snprintf(why, MEASURE_ERROR_MAX,
			 "the datapath has no room for %zu instructions",
			 about.insns);
	else if (ret)
		snprintf(why, MEASURE_ERROR_MAX, "it is not made (%s)",
			 strerror(-ret));
	if (ret)
		native_free(code);
	return ret;
}

void subject_free(struct subject *s)
{
	bpf_object__close(s->writer);
	bpf_object__close(s->object);
	memset(s, 0, sizeof(*s));
}

int subject_floor(struct subject *out, char error[MEASURE_ERROR_MAX])
{
	static const char *const programs[] = {"nfr_bench_xdp", "nfr_bench_in",
					       "nfr_bench_out"};
	size_t len;
	const void *elf = embed_bench(&len);
	uint64_t start = clock_now_ns();
	int ret;

	memset(out, 0, sizeof(*out));
	ret = object_open(elf, len, NULL, &out->object, error);
	if (!ret)
		ret = object_load(out, programs, error);
	out->load_ms = clock_ms_since(start);
	if (ret)
		subject_free(out);
	return ret;
}

int subject_inline(const struct image *image, const struct native_code *inlined,
		   unsigned hooks, enum measure_loop loop, struct subject *out,
		   char error[MEASURE_ERROR_MAX])
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->loop = loop == MEASURE_LOOP_AUTO ? MEASURE_LOOP_MAY_GOTO : loop;
	ret = image_load(image, inlined, hooks, out, error);
	/* A kernel before 6.9 does not know the instruction. */
	if (ret == -EINVAL && loop == MEASURE_LOOP_AUTO) {
		subject_free(out);
		out->loop = MEASURE_LOOP_BPF;
		ret = image_load(image, inlined, hooks, out, error);
	}
	if (ret)
		subject_free(out);
	return ret;
}

int subject_image(const struct image *image, enum measure_loop loop,
		  struct subject *out, char error[MEASURE_ERROR_MAX])
{
	return subject_inline(image, NULL, MEASURE_HOOKS_ALL, loop, out, error);
}

int subject_add_writer(struct subject *s, char error[MEASURE_ERROR_MAX])
{
	static const char *const names[] = {"nfr_write_xdp", "nfr_write_in",
					    "nfr_write_out"};
	static const char *const slots[] = {"bench_xdp", "bench_in",
					    "bench_out"};
	uint32_t zero = 0;
	size_t len;
	const void *elf = embed_bench(&len);
	int ret = object_open(elf, len, NULL, &s->writer, error);

	if (!ret) {
		ret = bpf_object__load(s->writer);
		if (ret)
			return measure_fail(ret, "load a program", error);
		ret = object_programs(s->writer, names, s->write, error);
	}
	for (unsigned i = 0; i < MEASURE_HOOKS && !ret; i++) {
		int fd = bpf_object__find_map_fd_by_name(s->writer, slots[i]);

		if (bpf_map_update_elem(fd, &zero, &s->prog[i], BPF_ANY))
			ret = measure_fail(-errno, "fill a map", error);
	}
	s->frame = bpf_object__find_map_fd_by_name(s->writer, "bench_frame");
	return ret;
}

/* ---- running ----------------------------------------------------------- */

uint32_t measure_repeat(unsigned ms, double ns)
{
	double runs = ms * 1e6 / (ns < 1 ? 1 : ns);

	return runs < 1 ? 1 : runs > 1e8 ? 100000000 : (uint32_t)runs;
}

static int run(int prog, enum measure_hook hook, struct bpf_test_run_opts *opts,
	       double *ns, char error[MEASURE_ERROR_MAX])
{
	uint32_t pass = hook == MEASURE_XDP ? (uint32_t)XDP_PASS
					    : (uint32_t)TC_ACT_UNSPEC;

	*last_line = '\0';
	if (bpf_prog_test_run_opts(prog, opts))
		return measure_fail(-errno, "run a program", error);
	if (opts->retval != pass) {
		snprintf(error, MEASURE_ERROR_MAX,
			 "a frame did not pass: the program returned %u",
			 opts->retval);
		return -EBADE;
	}
	*ns = opts->duration;
	return 0;
}

int subject_run(const struct subject *s, enum measure_hook hook,
		const void *frame, size_t len, uint32_t repeat, double *ns,
		void *out, char error[MEASURE_ERROR_MAX])
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = (uint32_t)len, .data_out = out,
		    .data_size_out = out ? (uint32_t)len : 0,
		    .repeat = (int)repeat);

	return run(s->prog[hook], hook, &opts, ns, error);
}

int subject_write(const struct subject *s, enum measure_hook hook,
		  struct bench_frame *frame, uint32_t repeat, double *ns,
		  char error[MEASURE_ERROR_MAX])
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->words,
		    .data_size_in = sizeof(frame->words),
		    .repeat = (int)repeat);
	uint32_t zero = 0;
	int ret;

	if (bpf_map_update_elem(s->frame, &zero, frame, BPF_ANY))
		return measure_fail(-errno, "fill a map", error);
	ret = run(s->write[hook], hook, &opts, ns, error);
	if (!ret && bpf_map_lookup_elem(s->frame, &zero, frame))
		return measure_fail(-errno, "read a map", error);
	return ret;
}

int subject_by_state(const struct subject *s, uint64_t *by_state, uint64_t *all,
		     char error[MEASURE_ERROR_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	struct nfr_count *counts = calloc((size_t)cpus, sizeof(*counts));
	int fd = bpf_object__find_map_fd_by_name(s->object, "nfr_reasons");
	int ret = counts ? 0 : -ENOMEM;

	*by_state = *all = 0;
	for (uint32_t i = 0; i < 2 * NFR_REASON_COUNT && !ret; i++) {
		if (bpf_map_lookup_elem(fd, &i, counts))
			ret = measure_fail(-errno, "read a map", error);
		for (int cpu = 0; cpu < cpus && !ret; cpu++) {
			*all += counts[cpu].packets;
			if (i % NFR_REASON_COUNT == NFR_REASON_STATE)
				*by_state += counts[cpu].packets;
		}
	}
	free(counts);
	return ret;
}
