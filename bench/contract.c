/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contract.c: a tunnel's contract, nftables as a kill switch, bare hooks and no
 * filter -> a lab for each, where it is in force.
 *
 * A filter that lets a bound socket past is not in force, and no figure of it
 * is told.
 */
#include "contract.h"

#include <errno.h>
#include <stdio.h>

#include "stream.h"

/* rules/vpn.nfr with the lab's addresses. */
static const char policy_text[] =
	"table <lan> const { 10.99.0.0/24 fd99::/64 }\n"
	"tunnel tun0 over any {\n"
	"	transport proto udp to " LAB_FAR4 " port " LAB_TUNNEL_PORT "\n"
	"	exclude to <lan>\n"
	"	dns " LAB_FAR_TUNNEL4 "\n"
	"	link arp ndp dhcp\n"
	"}\n";

/* The kill switch of tests/leak/columns.sh, with the lab's addresses. */
#define NFT_OUTPUT                                                             \
	"chain allowed { oif lo accept; oif tun0 accept; "                     \
	"ip daddr " LAB_FAR4 " udp dport " LAB_TUNNEL_PORT " accept; "         \
	"ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept; "          \
	"icmpv6 type { nd-router-solicit, nd-neighbor-solicit, "               \
	"nd-neighbor-advert } ip6 hoplimit 255 accept; "                       \
	"meta l4proto { tcp, udp } th dport { 53, 853 } reject; "              \
	"ip daddr 10.99.0.0/24 accept; ip6 daddr fd99::/64 accept; reject; "   \
	"}; "                                                                  \
	"chain output { type filter hook output priority 0; policy drop; "     \
	"jump allowed; }; "

static char nft_text[] =
	"table inet killswitch { "
	"chain before { type filter hook prerouting priority -300; "
	"policy accept; "
	"iif != tun0 ip daddr " LAB_NEAR_TUNNEL4
	" fib saddr type != local drop; "
	"iif != tun0 ip6 daddr " LAB_NEAR_TUNNEL6
	" fib saddr type != local drop; }; "
	"chain input { type filter hook input priority 0; policy drop; "
	"iif lo accept; iif tun0 ct state established,related accept; "
	"ip saddr " LAB_FAR4 " udp dport " LAB_TUNNEL_PORT " accept; "
	"udp sport 67 udp dport 68 accept; "
	"icmpv6 type { nd-router-advert, nd-neighbor-solicit, "
	"nd-neighbor-advert } ip6 hoplimit 255 accept; "
	"ip saddr 10.99.0.0/24 accept; ip6 saddr fd99::/64 accept; "
	"}; " NFT_OUTPUT "}\n";
static char nft_out_text[] = "table inet killswitch { " NFT_OUTPUT "}\n";

static const enum lab_peer plans[CONTRACT_LABS] = {[CONTRACT_NONE] = LAB_NONE,
						   [CONTRACT_NFR] = LAB_NFR_TC,
						   LAB_NFT,
						   LAB_NFT_OUT,
						   LAB_BARE};

bool contract_has(const struct contract *c, size_t lab)
{
	if (plans[lab] == LAB_BARE)
		return !c->has_no_bare;
	return (plans[lab] != LAB_NFT && plans[lab] != LAB_NFT_OUT) ||
	       (c->settings->peers & BENCH_PEER_NFT);
}

static int check_force(const struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	bool escapes;
	int ret = stream_escapes(lab, &escapes, error);

	if (ret || escapes == (lab->peer == LAB_NONE || lab->peer == LAB_BARE))
		return ret;
	snprintf(error, MEASURE_ERROR_MAX,
		 escapes ? "%s is not in force: a socket bound to near0 "
			   "reaches a host outside"
			 : "%s: a socket bound to near0 reaches nobody: the "
			   "lab is broken",
		 lab->engine_name);
	return -EBADE;
}

static int open_lab(struct contract *c, size_t number, contract_ready *ready,
		    void *who, char error[MEASURE_ERROR_MAX])
{
	const struct lab_rules rules = {.policy = policy_text,
					.nft = nft_text,
					.nft_out = nft_out_text,
					.has_tunnel = true};
	struct lab *lab = &c->labs[number];
	int ret = lab_new(plans[number], LAB_NEAR, c->settings->loop,
			  (unsigned)number, &rules, lab, error);

	if (ret == -EINVAL && lab->peer == LAB_BARE) {
		fprintf(stderr, "nfbench: no bare hooks: %s\n", error);
		c->has_no_bare = true;
		return 0;
	}
	if (!ret)
		ret = check_force(lab, error);
	return ret ? ret : ready(who, lab, number, error);
}

/* From the end: a peer that is missing says so before nfr is loaded. */
int contract_open(struct contract *c, const struct settings *settings,
		  contract_ready *ready, void *who,
		  char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	*c = (struct contract){.settings = settings};
	for (size_t i = 0; i < CONTRACT_LABS; i++)
		c->labs[i].ns[0] = c->labs[i].ns[1] = -1;
	for (size_t i = CONTRACT_LABS; i-- > 0 && !ret;)
		if (contract_has(c, i))
			ret = open_lab(c, i, ready, who, error);
	return ret;
}

void contract_close(struct contract *c)
{
	for (size_t i = 0; i < CONTRACT_LABS; i++)
		lab_free(&c->labs[i]);
}
