/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.c: agree_kernel: frames through the eBPF programs by
 * BPF_PROG_TEST_RUN.
 *
 * Both objects (may_goto, bpf_loop) are loaded once, with private maps; a
 * policy is loaded by writing the maps. A frame in goes through nfr_xdp and
 * nfr_in, a frame out through nfr_out, each in both objects. They must say the
 * same, else the answer is -EBADE. Every run is on the loopback device, which
 * the map of interfaces makes the device that the frame came from.
 */
#include "agree.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "kmod-linux/marks.h"
#include "runtime/config.h"
#include "runtime/embed.h"
#include "runtime/hash_map.h"
#include "runtime/rodata.h"
#include "runtime/hole_fill.h"
#include "runtime/table_map.h"
#include "runtime/native.h"
#include "runtime/native_load.h"
#include "runtime/poolset.h"
#include "runtime/scratch.h"

#define KERNEL_LOOPBACK 1
#define KERNEL_INSNS NFR_INSN_MAX
#define KERNEL_RULES NFR_RULE_MAX
#define KERNEL_TABLES ((size_t)1 << 20) /* bytes */
#define KERNEL_ACTIONS 1024u
#define KERNEL_POOL_ADDRS 4096u
#define KERNEL_HASH ((size_t)4 << 20) /* of a random policy, at most */
#define KERNEL_FRAME_MAX 2048
#define KERNEL_NATIVE 8 /* of so many policies, one is native code ... */
#define KERNEL_INLINE                                                          \
	256 /* ... or inside of the datapath, in the other object */
#define KERNEL_OBJECTS AGREE_KERNEL_OBJECTS
/* Where frames came in: other devices than the loopback is now. */
#define KERNEL_INGRESS 1000u
/*
 * A test run refuses shorter frames, and as an skb also those whose EtherType
 * (or what is at its place) promises an IP header that is cut off.
 */
#define KERNEL_FRAME_MIN 14
#define KERNEL_FRAME_SURE (14 + 40)

static const char *const map_names[] = {
	"nfr_config",	   "nfr_code",	     "nfr_rules",     "nfr_tables",
	"nfr_added",	   "nfr_ifaces",     "nfr_states",    "nfr_scratch",
	"nfr_rule_counts", "nfr_tunnels",    "nfr_fragments", "nfr_actions",
	"nfr_pools",	   "nfr_pool_addrs", "nfr_aliases",   "nfr_control",
	"nfr_counted",	   "nfr_native_xdp", "nfr_native_tc", "nfr_sweep",
	"nfr_copy"};
enum kernel_map {
	MAP_CONFIG,
	MAP_CODE,
	MAP_RULES,
	MAP_TABLES,
	MAP_ADDED,
	MAP_IFACES,
	MAP_STATES,
	MAP_SCRATCH,
	MAP_RULE_COUNTS,
	MAP_TUNNELS,
	MAP_FRAGMENTS,
	MAP_ACTIONS,
	MAP_POOLS,
	MAP_POOL_ADDRS,
	MAP_ALIASES,
	MAP_CONTROL,
	MAP_COUNTED,
	MAP_NATIVE_XDP,
	MAP_NATIVE_TC,
	MAP_SWEEP,
	MAP_COPY,
	MAPS
};

static const char *const prog_names[] = {"nfr_xdp", "nfr_in", "nfr_out"};
enum kernel_prog { PROG_XDP, PROG_IN, PROG_OUT, PROGS };

struct kernel_object {
	struct bpf_object *object;
	int map[MAPS];
	int prog[PROGS];
	int marked, marked_out; /* a program before nfr_out, and its map */
	struct statemap states;
	bool is_native; /* all its rules are */
};

struct kernel {
	struct kernel_object objects[KERNEL_OBJECTS];
	cpu_set_t cpus; /* to go back to */
	int cpu;
	int cpu_count;
	char *scratch; /* of all CPUs */
	size_t scratch_len;
	uint32_t generation;
	uint32_t inline_from; /* see object_inline() */
	bool keeps_flows;
	struct agree_device *devices;
	uint16_t *ifids;
	size_t device_count;
	/* What the loopback is now. */
	uint32_t bound_ifindex;
	enum nfr_link bound_link;
	/* See agree_kernel_on_devices(). */
	bool is_on_devices, is_by_xdp;
	unsigned object;
	uint8_t out[KERNEL_FRAME_MAX];
	size_t out_len;
	struct nfr_hop hop, copy; /* of the last frame */
};

static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* ---- loading the programs ---------------------------------------------- */

static int object_size_maps(struct bpf_object *object)
{
	static const struct {
		const char *name;
		uint32_t entries;
	} sizes[] = {{"nfr_code", KERNEL_INSNS},
		     {"nfr_rules", KERNEL_RULES},
		     {"nfr_rule_counts", KERNEL_RULES},
		     {"nfr_added", NFR_ADDED_MAX},
		     {"nfr_actions", KERNEL_ACTIONS},
		     {"nfr_pools", KERNEL_ACTIONS},
		     {"nfr_pool_addrs", KERNEL_POOL_ADDRS}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(object, sizes[i].name);
		int ret = map ? bpf_map__set_max_entries(map, sizes[i].entries)
			      : -ENOENT;

		if (ret)
			return ret;
	}
	if (table_map_size(object, KERNEL_TABLES))
		return -EPROTO;
	return hash_map_size(object, KERNEL_HASH);
}

/*
 * A test run can not set tc_index, so a program does, from cb[0], and goes on
 * to nfr_out.
 */
static int object_mark(struct kernel_object *o)
{
	uint32_t zero = 0;

	o->marked_out = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "marked_out", 4,
				       4, 1, NULL);
	if (o->marked_out < 0 ||
	    bpf_map_update_elem(o->marked_out, &zero, &o->prog[PROG_OUT],
				BPF_ANY))
		return -errno;

	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_REG_1,
		 .off = offsetof(struct __sk_buff, cb)},
		{.code = BPF_STX | BPF_MEM | BPF_W,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_REG_2,
		 .off = offsetof(struct __sk_buff, tc_index)},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = o->marked_out},
		{.code = 0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = BPF_REG_0,
		 .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	o->marked =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "marked", "Dual BSD/GPL",
			      insns, sizeof(insns) / sizeof(*insns), NULL);
	return o->marked < 0 ? -errno : 0;
}

static int object_load(struct kernel_object *out, const void *elf, size_t len,
		       const struct native_code *inlined)
{
	/* As good as the loader's random one, and the same each time: without
	 * it a name meets its mirror (flows.bpf.h). */
	static const __u32 seed[5] = {0x243f6a88, 0x85a308d3, 0x13198a2e,
				      0x03707344, 0xa4093822};
	int ret;

	out->marked = out->marked_out = -1;
	ret = hole_open(elf, len, inlined, &out->object);
	if (!ret)
		ret = object_size_maps(out->object);
	if (!ret)
		ret = rodata_set(out->object, ".rodata.seed", seed,
				 sizeof(seed));
	if (!ret)
		ret = bpf_object__load(out->object);
	if (ret)
		return ret;
	for (unsigned i = 0; i < MAPS; i++) {
		out->map[i] = bpf_object__find_map_fd_by_name(out->object,
							      map_names[i]);
		if (out->map[i] < 0)
			return -ENOENT;
	}
	for (unsigned i = 0; i < PROGS; i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(
			out->object, prog_names[i]);

		if (!prog)
			return -ENOENT;
		out->prog[i] = bpf_program__fd(prog);
	}
	ret = object_mark(out);
	return ret ? ret : statemap_open(out->map[MAP_STATES], &out->states);
}

/* The scratch map is per CPU: stay on one, to know where the answer is. */
static int kernel_pin(struct kernel *k)
{
	cpu_set_t one;

	if (sched_getaffinity(0, sizeof(k->cpus), &k->cpus))
		return -errno;
	k->cpu = sched_getcpu();
	CPU_ZERO(&one);
	CPU_SET(k->cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

static void object_close(struct kernel_object *o)
{
	statemap_close(&o->states);
	bpf_object__close(o->object);
	if (o->marked > 0)
		close(o->marked);
	if (o->marked_out > 0)
		close(o->marked_out);
	memset(o, 0, sizeof(*o));
}

static void kernel_close(void **self)
{
	struct kernel *k = *self;

	if (!k)
		return;
	for (unsigned i = 0; i < KERNEL_OBJECTS; i++)
		object_close(&k->objects[i]);
	if (CPU_COUNT(&k->cpus))
		sched_setaffinity(0, sizeof(k->cpus), &k->cpus);
	free(k->scratch);
	free(k->devices);
	free(k->ifids);
	free(k);
	*self = NULL;
}

static int kernel_scratch(struct kernel *k)
{
	struct bpf_map *map = bpf_object__find_map_by_name(k->objects[0].object,
							   "nfr_scratch");

	k->cpu_count = libbpf_num_possible_cpus();
	if (k->cpu_count < 0)
		return k->cpu_count;
	k->scratch_len = (bpf_map__value_size(map) + 7u) / 8 * 8;
	k->scratch = calloc((size_t)k->cpu_count, k->scratch_len);
	return k->scratch ? 0 : -ENOMEM;
}

static int kernel_open(void **self, const char **why)
{
	struct kernel *k = calloc(1, sizeof(*k));
	libbpf_print_fn_t print = libbpf_set_print(silent);
	size_t len = 0, loop_len = 0;
	const void *elf = embed_datapath(&len);
	const void *loop_elf = embed_datapath_loop(&loop_len);
	int ret = k ? object_load(&k->objects[0], elf, len, NULL) : -ENOMEM;

	if (!ret)
		ret = object_load(&k->objects[1], loop_elf, loop_len, NULL);
	libbpf_set_print(print);
	if (!ret)
		ret = kernel_scratch(k);
	if (!ret)
		ret = kernel_pin(k);
	if (!ret) {
		*self = k;
		return 0;
	}
	kernel_close((void **)&k);
	if ((ret == -EPERM || ret == -EACCES) && geteuid() != 0) {
		*why = "loading eBPF programs needs root";
		return -ENOTSUP;
	}
	*why = "the kernel does not load the datapath";
	return ret;
}

/* ---- a policy into the maps -------------------------------------------- */

static int fill(int fd, const void *items, uint32_t count, size_t len)
{
	for (uint32_t i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, &i, (const char *)items + i * len,
					BPF_ANY))
			return -errno;
	return 0;
}

/* No key of the maps that are emptied is longer. */
static void empty(int fd)
{
	unsigned char key[64];

	while (bpf_map_get_next_key(fd, NULL, key) == 0)
		if (bpf_map_delete_elem(fd, key))
			return;
}

static void forget_flows(const struct kernel_object *o)
{
	const struct nfr_control none = {0};
	const uint64_t never = 0;
	uint32_t zero = 0;

	statemap_clear(&o->states);
	empty(o->map[MAP_ALIASES]);
	bpf_map_update_elem(o->map[MAP_CONTROL], &zero, &none, BPF_ANY);
	empty(o->map[MAP_FRAGMENTS]);
	empty(o->map[MAP_COUNTED]);
	for (uint32_t i = 0; i < 2; i++)
		bpf_map_update_elem(o->map[MAP_SWEEP], &i, &never, BPF_ANY);
}

static uint32_t device_named(void *arg, const char *name)
{
	const struct kernel *k = arg;

	for (size_t i = 0; i < k->device_count; i++)
		if (strcmp(k->devices[i].name, name) == 0)
			return k->devices[i].ifindex;
	return 0;
}

static int fill_pools(struct kernel *k, const struct kernel_object *o,
		      const struct image *image)
{
	struct poolset *pools = NULL;
	int ret = poolset_new(image, device_named, k, NULL, &pools);

	if (ret)
		return ret;
	ret = pools->addr_count > KERNEL_POOL_ADDRS ? -E2BIG : 0;
	if (!ret)
		ret = fill(o->map[MAP_POOLS], pools->pools,
			   (uint32_t)pools->pool_count, sizeof(*pools->pools));
	if (!ret)
		ret = fill(o->map[MAP_POOL_ADDRS], pools->addrs,
			   (uint32_t)pools->addr_count, sizeof(*pools->addrs));
	poolset_free(&pools);
	return ret;
}

/*
 * The rules as native code, of some policies in one of the objects, whatever
 * other forms they have: NFR_CONFIG_*; 0: they are not.
 */
static int object_native(const struct kernel *k, struct kernel_object *o,
			 const struct image *image)
{
	const struct native_maps maps = {
		.scratch = o->map[MAP_SCRATCH],
		.tables = o->map[MAP_TABLES],
		.added = o->map[MAP_ADDED],
		.xdp = o->map[MAP_NATIVE_XDP],
		.tc = o->map[MAP_NATIVE_TC],
	};
	struct native_code code;
	struct native_about about;
	bool has_none;
	int ret;

	if (o != &k->objects[1])
		return 0;
	o->is_native = false;
	if (k->generation % KERNEL_NATIVE ||
	    image->config->flags & NFR_CONFIG_TAGS)
		return 0;
	ret = native_compile(image, &code, &about);
	has_none = ret == -EOPNOTSUPP;
	if (!ret)
		ret = native_load(&code, &maps);
	native_free(&code);
	o->is_native =
		!ret && about.entries == NFR_ENTRY(NFR_STAGE_GUARD, 0, 0);
	return has_none ? 0 : ret ? ret : (int)native_config(&about);
}

/*
 * The same inside of the datapath, which is loaded anew for it, now and then;
 * policies that come then find code that is not theirs. *hole is nfr_config's.
 */
static int object_inline(struct kernel *k, struct kernel_object *o,
			 const struct image *image, __u64 *hole)
{
	struct native_code code;
	struct native_about about;
	const void *elf;
	size_t len;
	int ret;

	*hole = 0;
	if (o != &k->objects[0])
		return 0;
	o->is_native = false;
	if (k->keeps_flows || k->generation < k->inline_from ||
	    image->config->flags & NFR_CONFIG_TAGS)
		return 0;
	ret = native_compile_inline(image, &code, &about);
	if (ret == -EOPNOTSUPP || ret == -E2BIG)
		ret = 0;
	else if (!ret) {
		k->inline_from = k->generation + KERNEL_INLINE;
		elf = embed_datapath(&len);
		object_close(o);
		ret = object_load(o, elf, len, &code);
		*hole = hole_number(&code);
		o->is_native =
			about.entries == NFR_ENTRY(NFR_STAGE_GUARD, 0, 0) &&
			!about.has_tables;
	}
	native_free(&code);
	return ret;
}

static int object_fill(struct kernel *k, struct kernel_object *o,
		       const struct image *image)
{
	struct nfr_config config;
	uint32_t zero = 0;
	int ret;

	config_of_image(image, k->generation, 250, &config);
	ret = object_inline(k, o, image, &config.hole);
	if (config.hole)
		config.flags |= NFR_CONFIG_NATIVE;
	if (!ret)
		ret = fill(o->map[MAP_CODE], image->code, image->insn_count,
			   sizeof(*image->code));
	if (!ret)
		ret = fill(o->map[MAP_RULES], image->rules, image->rule_count,
			   sizeof(*image->rules));
	if (!ret)
		ret = fill(o->map[MAP_ACTIONS], image->actions,
			   image->action_count, sizeof(*image->actions));
	/* Nobody looks into it unless the config says so. */
	if (!ret && image->hash_len)
		ret = hash_map_fill(
			bpf_object__find_map_fd_by_name(o->object, "nfr_hash"),
			image);
	if (!ret)
		ret = fill_pools(k, o, image);
	if (!ret)
		ret = table_map_image(o->map[MAP_TABLES], image);
	empty(o->map[MAP_ADDED]);
	if (!ret) {
		ret = object_native(k, o, image);
		config.flags |= ret > 0 ? (__u32)ret : 0;
		ret = ret < 0 ? ret : 0;
	}
	if (!ret &&
	    bpf_map_update_elem(o->map[MAP_CONFIG], &zero, &config, BPF_ANY))
		ret = -errno;
	if (!k->keeps_flows)
		forget_flows(o);
	return ret;
}

/* The devices that frames can have come in on. */
static int fill_ingress(struct kernel *k, int fd)
{
	empty(fd);
	for (size_t i = 0; i < k->device_count; i++) {
		struct nfr_iface iface = {.ifid = k->ifids[i],
					  .link = (uint8_t)k->devices[i].link};
		uint32_t ifindex = k->devices[i].ifindex;

		if (!k->is_on_devices)
			ifindex += KERNEL_INGRESS;
		if (bpf_map_update_elem(fd, &ifindex, &iface, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int kernel_load(void *self, const struct image *image,
		       const struct agree_device *devices, size_t count)
{
	struct kernel *k = self;

	if (image->insn_count > KERNEL_INSNS ||
	    image->rule_count > KERNEL_RULES ||
	    image->action_count > KERNEL_ACTIONS ||
	    image->pool_count > KERNEL_ACTIONS)
		return -E2BIG;
	free(k->devices);
	free(k->ifids);
	k->devices = calloc(count + 1, sizeof(*devices));
	k->ifids = calloc(count + 1, sizeof(*k->ifids));
	k->device_count = 0;
	if (!k->devices || !k->ifids)
		return -ENOMEM;
	if (count)
		memcpy(k->devices, devices, count * sizeof(*devices));
	k->device_count = count;
	for (size_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < image->iface_count; j++)
			if (strcmp(devices[i].name,
				   image_string(image,
						image->ifaces[j].name)) == 0)
				k->ifids[i] = (uint16_t)(j + 1);
	k->bound_ifindex = 0;
	k->generation++;
	for (unsigned i = 0; i < KERNEL_OBJECTS; i++) {
		int ret;

		if (k->is_on_devices && i != k->object)
			continue;
		ret = object_fill(k, &k->objects[i], image);
		if (!ret)
			ret = fill_ingress(k, k->objects[i].map[MAP_IFACES]);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- a frame ------------------------------------------------------------ */

/* From now on the loopback is the frame's device, or an unknown one. */
static int kernel_bind(struct kernel *k, const struct agree_frame *frame)
{
	uint32_t loopback = KERNEL_LOOPBACK;

	if (k->bound_ifindex == frame->ifindex && k->bound_link == frame->link)
		return 0;
	for (unsigned i = 0; i < KERNEL_OBJECTS; i++)
		bpf_map_delete_elem(k->objects[i].map[MAP_IFACES], &loopback);
	k->bound_ifindex = frame->ifindex;
	k->bound_link = frame->link;
	for (size_t d = 0; d < k->device_count; d++) {
		struct nfr_iface iface = {.ifid = k->ifids[d],
					  .link = (uint8_t)frame->link};

		if (k->devices[d].ifindex != frame->ifindex)
			continue;
		if (strcmp(k->devices[d].name, "lo") == 0)
			iface.flags = NFR_IFACE_LOOPBACK;
		for (unsigned i = 0; i < KERNEL_OBJECTS; i++)
			if (bpf_map_update_elem(k->objects[i].map[MAP_IFACES],
						&loopback, &iface, BPF_ANY))
				return -errno;
	}
	return 0;
}

/* What the program returned must be what it left in the scratch map. */
static int is_told(enum kernel_prog prog, uint32_t retval,
		   const struct agree_frame *frame, const struct verdict *v)
{
	const struct nfr_result *told = &v->result;
	/* Where it is, and was sent to: it goes on. A copy is sent there. */
	int is_there = prog == PROG_OUT && frame->mark & ENV_HOPS &&
		       v->apply.hop.ifindex == frame->ifindex;
	int is_sent = (told->action & NFR_RESULT_REDIRECTED && !is_there) ||
		      frame->mark & ENV_IS_COPY;

	if (prog == PROG_XDP)
		return retval ==
		       (told->verdict == NFR_PASS ? XDP_PASS : XDP_DROP);
	if (told->verdict != NFR_PASS)
		return retval == TC_ACT_SHOT;
	return retval == (uint32_t)(is_sent ? TC_ACT_REDIRECT : TC_ACT_UNSPEC);
}

/* What the hook that made a copy leaves for that of its device. */
static int object_copying(const struct kernel *k, const struct kernel_object *o,
			  const struct agree_frame *frame)
{
	const struct datapath_copying copying = {
		.hop.ifindex = frame->ifindex,
		.is_on = 1,
		.has_come_in = frame->has_come_in,
	};
	size_t stride = (sizeof(copying) + 7) / 8 * 8;
	char *copies = calloc((size_t)k->cpu_count, stride);
	uint32_t zero = 0;
	int ret = -ENOMEM;

	if (copies) {
		memcpy(copies + (size_t)k->cpu * stride, &copying,
		       sizeof(copying));
		ret = bpf_map_update_elem(o->map[MAP_COPY], &zero, copies,
					  BPF_ANY)
			      ? -errno
			      : 0;
	}
	free(copies);
	return ret;
}

/*
 * Where all rules are native code, no other form found one. A later piece goes
 * by the rule of its first, or bytecode judges that again.
 */
static bool is_by_native(const struct kernel_object *o, const struct verdict *v)
{
	bool is_rule = v->result.reason == NFR_REASON_RULE ||
		       v->result.reason == NFR_REASON_DEFAULT;

	return !o->is_native || !is_rule || v->result.from_state ||
	       v->packet.key.w[NFR_F_BITS] & NFR_BIT_LATER ||
	       v->native != NATIVE_NONE;
}

static int object_run(struct kernel *k, struct kernel_object *o,
		      enum kernel_prog prog, const struct agree_frame *frame,
		      struct nfr_result *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
		    .data_size_in = (uint32_t)frame->len, .data_out = k->out,
		    .data_size_out = sizeof(k->out), .repeat = 1);
	struct __sk_buff skb = {.ingress_ifindex = 0};
	struct xdp_md xdp = {.data_end = (uint32_t)frame->len,
			     .ingress_ifindex = frame->ifindex};
	const struct verdict *v;
	uint32_t zero = 0;
	int fd = o->prog[prog], ret = 0;

	if (frame->ingress)
		skb.ingress_ifindex = k->is_on_devices
					      ? frame->ingress
					      : KERNEL_INGRESS + frame->ingress;
	if (k->is_on_devices)
		skb.ifindex = frame->ifindex;
	if (prog != PROG_XDP) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	} else if (k->is_on_devices) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	}
	if (prog == PROG_OUT && frame->mark) {
		skb.cb[0] = frame->mark;
		fd = o->marked;
	}
	if (frame->mark & ENV_IS_COPY)
		ret = object_copying(k, o, frame);
	if (ret)
		return ret;
	if (bpf_prog_test_run_opts(fd, &opts)) {
		if (errno == EINVAL && prog != PROG_XDP &&
		    frame->len < KERNEL_FRAME_SURE)
			return -ENOTSUP;
		return -errno;
	}
	if (bpf_map_lookup_elem(o->map[MAP_SCRATCH], &zero, k->scratch))
		return -errno;
	k->out_len = opts.data_size_out;
	v = (const struct verdict *)(k->scratch +
				     (size_t)k->cpu * k->scratch_len);
	*out = v->result;
	k->hop = v->apply.hop;
	k->copy = v->apply.copy;
	if (!is_by_native(o, v))
		return -EBADE;
	if (out->verdict == NFR_PASS && !k->keeps_flows)
		forget_flows(o);
	return is_told(prog, opts.retval, frame, v) ? 0 : -EBADE;
}

static void complain(enum kernel_prog prog, unsigned object,
		     const struct nfr_result *a, const struct nfr_result *b)
{
	fprintf(stderr,
		"kernel: %s of object %u says %u/%u/%u/%u, before %u/%u/%u/%u "
		"(verdict/reason/state/rule)\n",
		prog_names[prog], object, a->verdict, a->reason, a->from_state,
		a->rule, b->verdict, b->reason, b->from_state, b->rule);
}

/* Of nfr_xdp and nfr_in, each object has one when flows are kept. */
static bool is_other_ones(enum kernel_prog first, enum kernel_prog prog,
			  unsigned object)
{
	return first == PROG_XDP && (unsigned)prog != object;
}

static int kernel_judge(void *self, const struct agree_frame *frame,
			struct nfr_result *out)
{
	struct kernel *k = self;
	enum kernel_prog first = frame->dir == NFR_DIR_IN ? PROG_XDP : PROG_OUT;
	enum kernel_prog last = frame->dir == NFR_DIR_IN ? PROG_IN : PROG_OUT;
	bool has_one = false;
	int ret;

	if (frame->len < KERNEL_FRAME_MIN)
		return -ENOTSUP;
	if (k->is_on_devices)
		return object_run(k, &k->objects[k->object],
				  frame->dir == NFR_DIR_OUT ? PROG_OUT
				  : k->is_by_xdp	    ? PROG_XDP
							    : PROG_IN,
				  frame, out);
	ret = kernel_bind(k, frame);
	if (ret)
		return ret;
	for (enum kernel_prog prog = first; prog <= last; prog++)
		for (unsigned i = 0; i < KERNEL_OBJECTS; i++) {
			struct nfr_result result;

			if (k->keeps_flows && is_other_ones(first, prog, i))
				continue;
			ret = object_run(k, &k->objects[i], prog, frame,
					 &result);
			if (ret == -ENOTSUP)
				continue;
			if (ret)
				return ret;
			if (has_one &&
			    memcmp(&result, out, sizeof(result)) != 0) {
				complain(prog, i, &result, out);
				return -EBADE;
			}
			*out = result;
			has_one = true;
		}
	return has_one ? 0 : -ENOTSUP;
}

void agree_kernel_keep_flows(void *self, bool on)
{
	((struct kernel *)self)->keeps_flows = on;
}

void agree_kernel_forget(void *self)
{
	for (unsigned i = 0; i < KERNEL_OBJECTS; i++)
		forget_flows(&((struct kernel *)self)->objects[i]);
}

void agree_kernel_on_devices(void *self, unsigned object, bool is_by_xdp)
{
	struct kernel *k = self;

	k->is_on_devices = k->keeps_flows = true;
	k->object = object;
	k->is_by_xdp = is_by_xdp;
}

const uint8_t *agree_kernel_output(void *self, size_t *len)
{
	const struct kernel *k = self;

	*len = k->out_len;
	return k->out;
}

void agree_kernel_orders(void *self, struct nfr_hop *hop, struct nfr_hop *copy)
{
	const struct kernel *k = self;

	*hop = k->hop;
	*copy = k->copy;
}

struct bpf_object *agree_kernel_object(void *self, unsigned object)
{
	return ((struct kernel *)self)->objects[object].object;
}

const struct statemap *agree_kernel_states(void *self, unsigned object)
{
	return &((struct kernel *)self)->objects[object].states;
}

const struct agree_engine agree_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.load = kernel_load,
	.judge = kernel_judge,
	.close = kernel_close,
};
