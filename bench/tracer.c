/* SPDX-License-Identifier: BSD-2-Clause */
/* tracer.c: a trace's headers -> frames in front of a subject's program. */
#include "tracer.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft.h"
#include "runtime/embed.h"

#define PROTO_AT4 (CRAFT_ETHER + 9)
#define PROTO_AT6 (CRAFT_ETHER + 6)
#define ECHO4 8
#define ECHO6 128
#define TOLD 4 /* bytes of ICMP's header that mean something */

static int tracer_fail(int err, const char *what, char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

/* ---- frames ------------------------------------------------------------ */

static bool is_packet(const struct bench_header4 *h, bool is_ipv6)
{
	static const __u8 headers6[] = {0, 43, 44, 51, 60, 135, 139, 140};
	__u8 proto = is_ipv6 ? filters_wide(h).proto : h->proto;

	if (!is_ipv6)
		return h->src >> 24 != 127 && h->dst >> 24 != 127;
	return !memchr(headers6, proto, sizeof(headers6));
}

size_t tracer_sift(struct filters *set, bool is_ipv6)
{
	size_t kept = 0, before = set->trace_count;

	for (size_t i = 0; i < before; i++)
		if (is_packet(&set->trace[i], is_ipv6))
			set->trace[kept++] = set->trace[i];
	set->trace_count = kept;
	return before - kept;
}

static void put_addr(__u8 *at, const __u32 *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		__u32 be = __builtin_bswap32(words[i]);

		memcpy(at + 4 * i, &be, sizeof(be));
	}
}

/* Of other protocols than TCP and UDP all is zero, or an echo request. */
static void put_other(__u8 *frame, const struct craft *c, __u8 proto)
{
	bool is_v4 = c->family == NFR_FAMILY_IPV4;
	__u8 *transport = frame + CRAFT_ETHER + craft_transport(c);

	frame[is_v4 ? PROTO_AT4 : PROTO_AT6] = proto;
	memset(transport, 0, TOLD);
	if (proto == (is_v4 ? 1 : 58))
		transport[0] = is_v4 ? ECHO4 : ECHO6;
}

static void frame_of(const struct bench_header4 *h, bool is_ipv6,
		     struct bench_packet *out)
{
	struct bench_header6 wide = filters_wide(h);
	struct craft c = {.family = is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
			  .proto = CRAFT_UDP,
			  .sport = h->sport,
			  .dport = h->dport,
			  .flags = CRAFT_ACK};
	__u8 frame[CRAFT_MAX];

	put_addr(c.src, is_ipv6 ? wide.src : &h->src, is_ipv6 ? 4 : 1);
	put_addr(c.dst, is_ipv6 ? wide.dst : &h->dst, is_ipv6 ? 4 : 1);
	if (h->proto == CRAFT_TCP)
		c.proto = CRAFT_TCP;
	c.data_len = craft_fill(&c, BENCH_PACKET_LEN);
	craft_frame(&c, frame);
	if (h->proto != CRAFT_TCP && h->proto != CRAFT_UDP)
		put_other(frame, &c, is_ipv6 ? wide.proto : h->proto);
	memcpy(out->words, frame, sizeof(out->words));
}

/* ---- programs ---------------------------------------------------------- */

static int fill(struct tracer *t, const struct filters *set, bool is_ipv6)
{
	int fd = bpf_object__find_map_fd_by_name(t->object, "bench_packets");

	for (uint32_t i = 0; i < t->count; i++) {
		struct bench_packet packet;

		frame_of(&set->trace[i], is_ipv6, &packet);
		if (bpf_map_update_elem(fd, &i, &packet, BPF_ANY))
			return -errno;
	}
	frame_of(&set->trace[0], is_ipv6, &t->first);
	return 0;
}

static int load(struct tracer *t)
{
	struct bpf_map *packets =
		bpf_object__find_map_by_name(t->object, "bench_packets");
	int ret = bpf_map__set_max_entries(packets, t->count);

	return ret ? ret : bpf_object__load(t->object);
}

int tracer_open(const struct subject *s, enum measure_hook hook,
		const struct filters *set, bool is_ipv6, struct tracer *t,
		char error[MEASURE_ERROR_MAX])
{
	bool is_xdp = hook == MEASURE_XDP;
	size_t len;
	const void *elf = embed_bench(&len);
	uint32_t zero = 0;
	int slot, ret;

	*t = (struct tracer){.hook = hook, .count = (uint32_t)set->trace_count};
	if (t->count == 0)
		return tracer_fail(-ENODATA, "a trace", error);
	t->object = bpf_object__open_mem(elf, len, NULL);
	ret = t->object ? load(t) : -errno;
	if (!ret)
		ret = fill(t, set, is_ipv6);
	if (ret)
		return tracer_fail(ret, "load what writes a trace", error);
	t->prog = bpf_program__fd(bpf_object__find_program_by_name(
		t->object, is_xdp ? "nfr_trace_xdp" : "nfr_trace_in"));
	t->cursor = bpf_object__find_map_fd_by_name(t->object, "bench_cursor");
	slot = bpf_object__find_map_fd_by_name(t->object, is_xdp ? "bench_xdp"
								 : "bench_in");
	if (bpf_map_update_elem(slot, &zero, &s->prog[hook], BPF_ANY))
		return tracer_fail(-errno, "fill a map", error);
	return 0;
}

void tracer_close(struct tracer *t)
{
	bpf_object__close(t->object);
	t->object = NULL;
}

/* ---- running ----------------------------------------------------------- */

static int go(const struct tracer *t, uint32_t next, uint32_t count,
	      uint32_t repeat, double *ns, bool *passes,
	      char error[MEASURE_ERROR_MAX])
{
	struct bench_cursor cursor = {.next = next, .count = count};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = t->first.words,
		    .data_size_in = BENCH_PACKET_LEN, .repeat = (int)repeat);
	bool is_xdp = t->hook == MEASURE_XDP;
	uint32_t pass = is_xdp ? (uint32_t)XDP_PASS : (uint32_t)TC_ACT_UNSPEC;
	uint32_t drop = is_xdp ? (uint32_t)XDP_DROP : (uint32_t)TC_ACT_SHOT;
	uint32_t zero = 0;

	if (bpf_map_update_elem(t->cursor, &zero, &cursor, BPF_ANY) ||
	    bpf_prog_test_run_opts(t->prog, &opts))
		return tracer_fail(-errno, "run a trace", error);
	*ns = opts.duration;
	*passes = opts.retval == pass;
	if (opts.retval == pass || opts.retval == drop)
		return 0;
	snprintf(error, MEASURE_ERROR_MAX,
		 "a frame of the trace: the program returned %u", opts.retval);
	return -EBADE;
}

int tracer_judge(const struct tracer *t, uint32_t i, bool *passes,
		 char error[MEASURE_ERROR_MAX])
{
	double ns;

	return go(t, i, t->count, 1, &ns, passes, error);
}

int tracer_run(const struct tracer *t, bool is_one, uint32_t repeat, double *ns,
	       char error[MEASURE_ERROR_MAX])
{
	bool passes;

	return go(t, 0, is_one ? 1 : t->count, repeat, ns, &passes, error);
}
