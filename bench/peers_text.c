/* SPDX-License-Identifier: BSD-2-Clause */
/* peers_text.c: filters -> what nftables and iptables-restore read. */
#include "peers_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define NFT_BEGIN "table ip bench {\n"
#define NFT_INPUT                                                              \
	"chain bench { type filter hook input priority 0; policy drop;\n"
#define NFT_INGRESS                                                            \
	"table netdev bench {\nchain bench { type filter hook ingress device " \
	"far0 priority 0; policy drop;\n"
#define STRING(text) #text
#define PORT_TEXT(port) STRING(port)
#define NFT_LAST "udp dport " PORT_TEXT(BENCH_PORT) " accept\n}\n}\n"

/* "before A.B.C.D/len" */
static void put_host(FILE *out, const char *before, uint32_t addr, unsigned len)
{
	struct in_addr in = {.s_addr = htonl(addr)};
	char text[INET_ADDRSTRLEN];

	fprintf(out, "%s%s/%u", before,
		inet_ntop(AF_INET, &in, text, sizeof(text)), len);
}

static bool is_all(const uint16_t port[2])
{
	return port[0] == 0 && port[1] == UINT16_MAX;
}

/* nft refuses a range from a number to itself. */
static void put_ports(FILE *out, const char *before, const uint16_t port[2],
		      char to)
{
	fprintf(out, "%s%u", before, port[0]);
	if (port[0] != port[1])
		fprintf(out, "%c%u", to, port[1]);
}

static char *text_end(FILE *out, char **text)
{
	if (!fclose(out))
		return *text;
	free(*text);
	return NULL;
}

static char *nft_linear(const char *begin, const struct filters *set)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(begin, out);
	for (size_t i = 0; i < set->count; i++) {
		const struct filter *f = &set->items[i];

		if (f->src_len)
			put_host(out, "ip saddr ", f->src, f->src_len);
		if (f->dst_len)
			put_host(out, " ip daddr ", f->dst, f->dst_len);
		if (f->has_proto)
			fprintf(out, " meta l4proto %u", f->proto);
		if (!is_all(f->sport))
			put_ports(out, " th sport ", f->sport, '-');
		if (!is_all(f->dport))
			put_ports(out, " th dport ", f->dport, '-');
		fputs(i % 2 ? " accept\n" : " drop\n", out);
	}
	fputs(NFT_LAST, out);
	return text_end(out, &text);
}

char *peers_nft(const struct filters *set)
{
	return nft_linear(NFT_BEGIN NFT_INPUT, set);
}

char *peers_nft_ingress(const struct filters *set)
{
	return nft_linear(NFT_INGRESS, set);
}

static void put_element(FILE *out, const struct filter *f, bool is_pass)
{
	put_host(out, "", f->src, f->src_len);
	put_host(out, " . ", f->dst, f->dst_len);
	if (f->has_proto)
		fprintf(out, " . %u", f->proto);
	else
		fputs(" . 0-255", out);
	put_ports(out, " . ", f->sport, '-');
	put_ports(out, " . ", f->dport, '-');
	fputs(is_pass ? " : accept,\n" : " : drop,\n", out);
}

char *peers_nft_map(const struct filters *set)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(NFT_BEGIN "map rules { type ipv4_addr . ipv4_addr . inet_proto . "
			"inet_service . inet_service : verdict; flags interval;"
			"\n",
	      out);
	if (set->count)
		fputs("elements = {\n", out);
	for (size_t i = 0; i < set->count; i++)
		put_element(out, &set->items[i], i % 2);
	fputs(set->count ? "}\n}\n" : "}\n", out);
	fputs(NFT_INPUT "ip saddr . ip daddr . meta l4proto . th sport . th "
			"dport vmap @rules\n" NFT_LAST,
	      out);
	return text_end(out, &text);
}

char *peers_iptables(const struct filters *set)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("*filter\n:INPUT DROP [0:0]\n", out);
	for (size_t i = 0; i < set->count; i++) {
		const struct filter *f = &set->items[i];

		put_host(out, "-A INPUT -s ", f->src, f->src_len);
		put_host(out, " -d ", f->dst, f->dst_len);
		if (f->has_proto && (f->proto == 6 || f->proto == 17))
			fputs(f->proto == 6 ? " -p tcp" : " -p udp", out);
		else if (f->has_proto)
			fprintf(out, " -p %u", f->proto);
		if (!is_all(f->sport))
			put_ports(out, " --sport ", f->sport, ':');
		if (!is_all(f->dport))
			put_ports(out, " --dport ", f->dport, ':');
		fputs(i % 2 ? " -j ACCEPT\n" : " -j DROP\n", out);
	}
	fputs("-A INPUT -p udp --dport " PORT_TEXT(BENCH_PORT) " -j ACCEPT\n"
							       "COMMIT\n",
	      out);
	return text_end(out, &text);
}

char *peers_nfr(const struct filters *set, size_t *len)
{
	char *rules = filters_text(set, false, len), *text = NULL;
	FILE *out = rules ? open_memstream(&text, len) : NULL;

	if (out) {
		fputs(rules, out);
		fputs("pass quick proto udp to port " PORT_TEXT(
			      BENCH_PORT) " no state\n",
		      out);
	}
	free(rules);
	return out ? text_end(out, &text) : NULL;
}
