/* SPDX-License-Identifier: BSD-2-Clause */
/* option_table.h: the verbs and options of nfbench. */
#ifndef NFR_BENCH_OPTION_TABLE_H
#define NFR_BENCH_OPTION_TABLE_H

#include "runtime/option.h"

/* Indexes in nfbench_options.verbs. */
enum bench_verb {
	BENCH_RUN,
	BENCH_STATE,
	BENCH_PATH,
	BENCH_THROUGHPUT,
	BENCH_TABLE,
	BENCH_COMPARE,
	BENCH_PLOT,
	BENCH_HELP,
	BENCH_VERBS
};

enum bench_option {
	BENCH_OPT_RULES,
	BENCH_OPT_SET,
	BENCH_OPT_TRACE,
	BENCH_OPT_FAMILY,
	BENCH_OPT_HOOK,
	BENCH_OPT_LOOP,
	BENCH_OPT_METHOD,
	BENCH_OPT_PEERS,
	BENCH_OPT_FLOWS,
	BENCH_OPT_ROUNDS,
	BENCH_OPT_MS,
	BENCH_OPT_SHARE,
	BENCH_OPT_OUTPUT,
	BENCH_OPT_JSON,
	BENCH_OPT_VERSION,
	BENCH_OPT_HELP
};

/* Words of these options, in the order of what they choose. */
#define BENCH_FAMILY_WORDS "inet inet6"
#define BENCH_HOOK_WORDS "xdp tc tc-in tc-out test-run"
#define BENCH_LOOP_WORDS "auto may_goto bpf_loop" /* enum measure_loop */
#define BENCH_METHOD_WORDS "all test-run veth"
#define BENCH_PEER_WORDS "nft none iptables all dpdk"
#define BENCH_PEER_NFT 1u
#define BENCH_PEER_IPTABLES 2u
#define BENCH_PEER_DPDK 4u /* in place, not on veth */
#define BENCH_PEER_IF_THERE 8u

extern const struct option_table nfbench_options;

#endif
