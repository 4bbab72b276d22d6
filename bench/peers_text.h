/* SPDX-License-Identifier: BSD-2-Clause */
/* peers_text.h: filters -> what nftables and iptables-restore read. */
#ifndef NFR_PEERS_TEXT_H
#define NFR_PEERS_TEXT_H

#include "bench_frame.h"
#include "filters.h"

/*
 * IPv4, for packets that come in; in the order of the filters, which block and
 * pass in turn as filters_text() has them, behind them what passes
 * datagrams to BENCH_PORT, and the rest is blocked. malloc'd, or NULL.
 */
char *peers_nft(const struct filters *);
char *peers_nft_ingress(const struct filters *); /* before IP has it */
/* One lookup in a map of verdicts; nft refuses filters that overlap. */
char *peers_nft_map(const struct filters *);
char *peers_iptables(const struct filters *);
/* The policy of nfr. */
char *peers_nfr(const struct filters *, size_t *len);

#endif
