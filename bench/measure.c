/* SPDX-License-Identifier: BSD-2-Clause */
/* measure.c: objects into the kernel, frames through them, time out. */
#include "measure.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/config.h"
#include "runtime/embed.h"

#define LOOPBACK 1 /* the device of a test run */

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

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
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

static int object_open(const void *elf, size_t len, struct subject *s,
		       char error[MEASURE_ERROR_MAX])
{
	*last_line = '\0';
	libbpf_set_print(keep_line);
	s->object = bpf_object__open_mem(elf, len, NULL);
	return s->object ? 0 : measure_fail(-errno, "open an object", error);
}

static int object_program(const struct subject *s, const char *name)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(s->object, name);

	return prog ? bpf_program__fd(prog) : -ENOENT;
}

static int object_load(struct subject *s, const char *xdp, const char *tc,
		       char error[MEASURE_ERROR_MAX])
{
	int ret = bpf_object__load(s->object);

	if (ret)
		return measure_fail(ret, "load a program", error);
	s->prog[MEASURE_XDP] = object_program(s, xdp);
	s->prog[MEASURE_TC] = object_program(s, tc);
	for (unsigned i = 0; i < MEASURE_HOOKS; i++)
		if (s->prog[i] < 0)
			return measure_fail(s->prog[i], "find a program",
					    error);
	return 0;
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
		     {"nfr_rule_counts", image->rule_count}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(s->object, sizes[i].name);

		if (!map || bpf_map__set_max_entries(map, sizes[i].entries))
			return -ENOENT;
	}
	return 0;
}

static int image_load(const struct image *image, struct subject *s,
		      char error[MEASURE_ERROR_MAX])
{
	double start = now_ms();
	size_t len;
	const void *elf = s->loop == MEASURE_LOOP_MAY_GOTO
				  ? embed_datapath(&len)
				  : embed_datapath_loop(&len);
	int ret = object_open(elf, len, s, error);

	if (ret)
		return ret;
	ret = image_sizes(s, image);
	if (ret)
		return measure_fail(ret, "size a map", error);
	ret = object_load(s, "nfr_xdp", "nfr_out", error);
	if (ret)
		return ret;
	ret = image_fill(s, image);
	if (ret)
		return measure_fail(ret, "fill a map", error);
	s->load_ms = now_ms() - start;
	s->bytes = image->insn_count * sizeof(*image->code) +
		   image->rule_count * sizeof(*image->rules);
	return 0;
}

void subject_free(struct subject *s)
{
	bpf_object__close(s->object);
	memset(s, 0, sizeof(*s));
}

int subject_floor(struct subject *out, char error[MEASURE_ERROR_MAX])
{
	size_t len;
	const void *elf = embed_bench(&len);
	double start = now_ms();
	int ret;

	memset(out, 0, sizeof(*out));
	ret = object_open(elf, len, out, error);
	if (!ret)
		ret = object_load(out, "nfr_bench_xdp", "nfr_bench_tc", error);
	out->load_ms = now_ms() - start;
	if (ret)
		subject_free(out);
	return ret;
}

int subject_image(const struct image *image, enum measure_loop loop,
		  struct subject *out, char error[MEASURE_ERROR_MAX])
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->loop = loop == MEASURE_LOOP_AUTO ? MEASURE_LOOP_MAY_GOTO : loop;
	ret = image_load(image, out, error);
	/* A kernel before 6.9 does not know the instruction. */
	if (ret == -EINVAL && loop == MEASURE_LOOP_AUTO) {
		subject_free(out);
		out->loop = MEASURE_LOOP_BPF;
		ret = image_load(image, out, error);
	}
	if (ret)
		subject_free(out);
	return ret;
}

/* ---- running ----------------------------------------------------------- */

int subject_run(const struct subject *s, enum measure_hook hook,
		const void *frame, size_t len, uint32_t repeat, double *ns,
		char error[MEASURE_ERROR_MAX])
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = (uint32_t)len, .repeat = (int)repeat);
	uint32_t pass = hook == MEASURE_XDP ? (uint32_t)XDP_PASS
					    : (uint32_t)TC_ACT_UNSPEC;

	*last_line = '\0';
	if (bpf_prog_test_run_opts(s->prog[hook], &opts))
		return measure_fail(-errno, "run a program", error);
	if (opts.retval != pass) {
		snprintf(error, MEASURE_ERROR_MAX,
			 "a frame did not pass: the program returned %u",
			 opts.retval);
		return -EBADE;
	}
	*ns = opts.duration;
	return 0;
}
