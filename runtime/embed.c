/* SPDX-License-Identifier: BSD-2-Clause */
/* embed.c: build/bpf/<name>.bpf.o -> bytes inside the tools. */
#include "embed.h"

#define EMBED(name, file)                                                      \
	__asm__(".section .rodata\n"                                           \
		".balign 8\n"                                                  \
		"embed_" #name "_start:\n"                                     \
		".incbin \"build/bpf/" file "\"\n"                             \
		"embed_" #name "_end:\n"                                       \
		".byte 0\n"                                                    \
		".previous\n");                                                \
	extern const char embed_##name##_start[], embed_##name##_end[];        \
	const void *embed_##name(size_t *len)                                  \
	{                                                                      \
		*len = (size_t)(embed_##name##_end - embed_##name##_start);    \
		return embed_##name##_start;                                   \
	}

EMBED(stub, "stub.bpf.o")
EMBED(datapath, "datapath.bpf.o")
EMBED(datapath_loop, "datapath-loop.bpf.o")
EMBED(floor_stub, "floor_stub.bpf.o")
EMBED(floor, "floor.bpf.o")
EMBED(floor_loop, "floor-loop.bpf.o")
EMBED(socket, "socket.bpf.o")
EMBED(connect_stub, "connect_stub.bpf.o")
EMBED(connect, "connect.bpf.o")
EMBED(connect_loop, "connect-loop.bpf.o")
EMBED(bench, "bench.bpf.o")
EMBED(bench_rules, "bench_rules.bpf.o")
EMBED(bench_rules_loop, "bench_rules-loop.bpf.o")
EMBED(bench_table, "bench_table.bpf.o")
EMBED(native_keys, "native_keys.bpf.o")
EMBED(native_has, "native_has.bin")
