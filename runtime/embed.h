/* SPDX-License-Identifier: BSD-2-Clause */
/* embed.h: the eBPF objects that the tools carry with them. */
#ifndef NFR_EMBED_H
#define NFR_EMBED_H

#include <stddef.h>

/* ELF objects for bpf_object__open_mem(), 8-byte aligned, for the whole run. */
const void *embed_stub(size_t *len);
const void *embed_datapath(size_t *len);      /* may_goto: Linux 6.9 */
const void *embed_datapath_loop(size_t *len); /* bpf_loop: Linux 5.17 */
const void *embed_floor_stub(size_t *len);
const void *embed_floor(size_t *len);	   /* may_goto */
const void *embed_floor_loop(size_t *len); /* bpf_loop */
const void *embed_socket(size_t *len);
const void *embed_native_keys(size_t *len); /* keys -> rules, for tests */
const void *embed_native_has(size_t *len);  /* struct bpf_insn[] */
const void *embed_connect_stub(size_t *len);
const void *embed_connect(size_t *len);		 /* may_goto */
const void *embed_connect_loop(size_t *len);	 /* bpf_loop */
const void *embed_bench(size_t *len);		 /* parses, then passes */
const void *embed_bench_table(size_t *len);	 /* tables alone */
const void *embed_bench_rules(size_t *len);	 /* rules alone; may_goto */
const void *embed_bench_rules_loop(size_t *len); /* bpf_loop */

#endif
