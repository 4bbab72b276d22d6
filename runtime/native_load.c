/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_load.c: native code -> programs in the kernel, in the maps that the
 * datapath calls them from.
 *
 * Nothing else is loaded or changed: the datapath was verified before, and a
 * failure leaves it without native code, which it knows how to do.
 */
#include "native_load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "table_map.h"

#define NATIVE_LARGE 4096u /* instructions, from which a thread is worth it */

/* What the verifier has to know of a subprogram to look at it once. */
struct native_types {
	struct btf *btf;
	struct bpf_func_info funcs[2];
};

static int types_add(struct native_types *types)
{
	struct btf *btf = types->btf;
	int word = btf__add_int(btf, "unsigned int", 4, 0);
	int ret = btf__add_func_proto(btf, word);

	if (ret > 0)
		ret = btf__add_func(btf, "native_rules", BTF_FUNC_GLOBAL, ret);
	if (ret < 0)
		return ret;
	types->funcs[0].type_id = (__u32)ret;
	ret = btf__add_func_proto(btf, word);
	if (ret < 0)
		return ret;
	word = btf__add_func_param(btf, "field", word);
	if (!word)
		word = btf__add_func_param(btf, "table", 1);
	if (word)
		return word;
	ret = btf__add_func(btf, "native_has", BTF_FUNC_GLOBAL, ret);
	types->funcs[1].type_id = (__u32)ret;
	return ret < 0 ? ret : btf__load_into_kernel(btf);
}

/* Only a program with a subprogram needs types. */
static int types_new(const struct native_code *code, struct native_types *types)
{
	types->btf = NULL;
	if (!code->has_at)
		return 0;
	types->btf = btf__new_empty();
	if (!types->btf)
		return -errno;
	types->funcs[0].insn_off = 0;
	types->funcs[1].insn_off = (__u32)code->has_at;
	return types_add(types);
}

/* A program that is loaded for one kind of hook. */
struct native_loading {
	const struct native_code *code;
	const struct native_types *types;
	enum bpf_prog_type type;
	const char *name;
	int map, ret;
};

/* Verifies the code as a program of the type, and puts it into the map. */
static int load_one(const struct native_loading *loading)
{
	const struct native_types *types = loading->types;
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	__u32 zero = 0;
	int fd, ret;

	if (loading->map < 0)
		return 0;
	if (loading->type == BPF_PROG_TYPE_XDP)
		opts.expected_attach_type = BPF_XDP;
	if (types->btf) {
		opts.prog_btf_fd = (__u32)btf__fd(types->btf);
		opts.func_info = types->funcs;
		opts.func_info_cnt = 2;
		opts.func_info_rec_size = sizeof(types->funcs[0]);
	}
	fd = bpf_prog_load(loading->type, loading->name, "Dual BSD/GPL",
			   loading->code->insns, loading->code->count, &opts);
	if (fd < 0)
		return fd;
	ret = bpf_map_update_elem(loading->map, &zero, &fd, BPF_ANY) ? -errno
								     : 0;
	close(fd);
	return ret;
}

static void *load_beside(void *arg)
{
	struct native_loading *loading = arg;

	loading->ret = load_one(loading);
	return NULL;
}

/* Both at once: of large policies the verifier takes longer than all else. */
static int load_both(struct native_loading *one, struct native_loading *other)
{
	pthread_t thread;
	int ret;

	if (one->map < 0 || one->code->count < NATIVE_LARGE ||
	    pthread_create(&thread, NULL, load_beside, one)) {
		ret = load_one(one);
		return ret ? ret : load_one(other);
	}
	ret = load_one(other);
	pthread_join(thread, NULL);
	return one->ret ? one->ret : ret;
}

/* What is named is known. */
static int native_name(struct native_code *code, const struct native_maps *maps)
{
	const int known[NATIVE_NAMES] = {
		[NATIVE_SCRATCH] = maps->scratch,
		[NATIVE_TABLES] = maps->tables,
		[NATIVE_ADDED] = maps->added,
		[NATIVE_LAST] = table_map_last(maps->tables),
	};

	for (size_t i = 0; i < code->place_count; i++) {
		enum native_name name = code->places[i].name;
		struct bpf_insn *insn = &code->insns[code->places[i].at];

		if (known[name] < 0)
			return known[name];
		insn[0].src_reg = name == NATIVE_LAST ? 0 : BPF_PSEUDO_MAP_FD;
		insn[0].imm = known[name];
		insn[1].imm = 0;
	}
	return 0;
}

int native_load(struct native_code *code, const struct native_maps *maps)
{
	struct native_types types;
	int ret = native_name(code, maps);

	if (ret)
		return ret;
	ret = types_new(code, &types);
	if (ret >= 0)
		ret = load_both(&(struct native_loading){code, &types,
							 BPF_PROG_TYPE_XDP,
							 "nfr_native_xdp",
							 maps->xdp, 0},
				&(struct native_loading){
					code, &types, BPF_PROG_TYPE_SCHED_CLS,
					"nfr_native_tc", maps->tc, 0});
	btf__free(types.btf);
	return ret;
}

/* Asked first: taking one out makes the kernel wait for all CPUs. */
static int unload_one(int map)
{
	__u32 zero = 0, id;

	if (map < 0 || bpf_map_lookup_elem(map, &zero, &id))
		return 0;
	return bpf_map_delete_elem(map, &zero) && errno != ENOENT ? -errno : 0;
}

int native_unload(const struct native_maps *maps)
{
	int ret = unload_one(maps->xdp);

	return ret ? ret : unload_one(maps->tc);
}
