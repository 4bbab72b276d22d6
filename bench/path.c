/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c: plain sockets under a tunnel's contract, under nftables as a kill
 * switch and under no filter -> a line a case.
 *
 * "lan" is what the contract excludes: out by the cable. "tunnel" is the whole
 * path: into tun0, and what the kernel wraps out by the cable. Each filter has
 * a lab of its own all of the time; every round runs each case in each lab, and
 * begins with another one. A filter that lets a bound socket past is not in
 * force, and no figure of it is told.
 */
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst.h"
#include "line.h"
#include "stream.h"

#define CALIBRATION 500u

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

static const enum lab_peer plans[] = {LAB_NONE, LAB_NFR_TC, LAB_NFT,
				      LAB_NFT_OUT, LAB_BARE};
#define LABS (sizeof(plans) / sizeof(*plans))
#define NFR_LAB 1

static const char *const kind_names[STREAMS] = {
	[STREAM_UDP] = "udp",		[STREAM_TCP] = "tcp",
	[STREAM_REQUEST] = "request",	[STREAM_UPLOAD] = "upload",
	[STREAM_DOWNLOAD] = "download",
};
static const char *const net_names[] = {"lan", "tunnel"};

struct path_case {
	unsigned count; /* a round; 0: not known yet */
	struct series ns, passed;
};

struct bench {
	const struct settings *settings;
	struct lab labs[LABS];
	struct stream streams[LABS][2][2]; /* by net, family */
	struct path_case cases[LABS][2][2][STREAMS];
	bool has_no_bare; /* the kernel lacks a hook */
	char *error;
};

/* A row: one number for net, family and kind. */
#define ROWS (2 * 2 * STREAMS)

static bool is_there(const struct bench *b, size_t lab)
{
	if (plans[lab] == LAB_BARE)
		return !b->has_no_bare;
	return (plans[lab] != LAB_NFT && plans[lab] != LAB_NFT_OUT) ||
	       (b->settings->peers & BENCH_PEER_NFT);
}

static bool is_wanted(const struct bench *b, unsigned family)
{
	return b->settings->family < 0 ||
	       (unsigned)b->settings->family == family;
}

/* ---- labs -------------------------------------------------------------- */

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

static int open_lab(struct bench *b, size_t i, const struct lab_rules *rules)
{
	struct lab *lab = &b->labs[i];
	int ret = lab_new(plans[i], LAB_NEAR, b->settings->loop, (unsigned)i,
			  rules, lab, b->error);

	if (!ret)
		ret = check_force(lab, b->error);
	for (unsigned n = 0; n < 4 && !ret; n++)
		if (is_wanted(b, n % 2))
			ret = stream_open(
				lab, n % 2 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
				n / 2 ? LAB_TUNNEL : LAB_CABLE,
				&b->streams[i][n / 2][n % 2], b->error);
	return ret;
}

/* From the end: a peer that is missing says so before nfr is loaded. */
static int open_labs(struct bench *b)
{
	struct lab_rules rules = {.policy = policy_text,
				  .nft = nft_text,
				  .nft_out = nft_out_text,
				  .has_tunnel = true};
	bool is_first;
	int ret = lab_begin(b->error);

	for (size_t i = LABS; i-- > 0 && !ret;) {
		if (is_there(b, i))
			ret = open_lab(b, i, &rules);
		if (ret == -EINVAL && plans[i] == LAB_BARE) {
			fprintf(stderr, "nfbench: no bare hooks: %s\n",
				b->error);
			b->has_no_bare = true;
			ret = 0;
		}
	}
	if (!ret)
		ret = burst_pin(&is_first, b->error);
	if (!ret && !is_first)
		fputs("nfbench: no SCHED_FIFO here: other programs take "
		      "turns\n",
		      stderr);
	return ret;
}

/* ---- rounds ------------------------------------------------------------ */

static void row_error(const struct bench *b, const struct lab *lab,
		      unsigned row, unsigned count, uint64_t passed,
		      const char *why)
{
	snprintf(b->error, MEASURE_ERROR_MAX,
		 "%s %s by the %s under %s (%s): of %u %llu arrived%s%.200s",
		 row / STREAMS % 2 ? "inet6" : "inet",
		 kind_names[row % STREAMS], net_names[row / STREAMS / 2],
		 lab->engine_name, *lab->hooks ? lab->hooks : lab->hook, count,
		 (unsigned long long)passed, *why ? "; " : "", why);
}

/* The round before the first one calibrates: as many as fill the time. */
static int measure_case(struct bench *b, size_t lab, unsigned row)
{
	unsigned net = row / STREAMS / 2, family = row / STREAMS % 2;
	enum stream_kind kind = (enum stream_kind)(row % STREAMS);
	struct path_case *c = &b->cases[lab][net][family][kind];
	unsigned count = c->count ? c->count : CALIBRATION;
	uint64_t elapsed_ns, passed;
	double ns;
	int ret = stream_run(&b->streams[lab][net][family], kind, count,
			     &elapsed_ns, &passed, b->error);

	if (ret || passed < count - count / 1000) {
		char why[MEASURE_ERROR_MAX] = "";

		if (ret)
			memcpy(why, b->error, sizeof(why));
		row_error(b, &b->labs[lab], row, count, passed, why);
		return ret ? ret : -EBADE;
	}
	ns = (double)elapsed_ns / count;
	if (c->count) {
		series_add(&c->ns, ns);
		series_add(&c->passed, (double)passed);
	} else {
		c->count = measure_repeat(b->settings->ms, ns);
	}
	return 0;
}

static int measure_round(struct bench *b, unsigned round)
{
	for (unsigned row = 0; row < ROWS; row++)
		for (size_t i = 0; i < LABS; i++) {
			size_t lab = (i + round) % LABS;
			int ret = 0;

			if (is_there(b, lab) && is_wanted(b, row / STREAMS % 2))
				ret = measure_case(b, lab, row);
			if (ret)
				return ret;
		}
	return 0;
}

/* ---- lines ------------------------------------------------------------- */

static const struct path_case *case_of(const struct bench *b, size_t lab,
				       unsigned row)
{
	return &b->cases[lab][row / STREAMS / 2][row / STREAMS % 2]
			[row % STREAMS];
}

static int print_case(const struct bench *b, const struct machine *m,
		      size_t lab, unsigned row)
{
	const struct path_case *c = case_of(b, lab, row);
	const struct path_case *none = case_of(b, 0, row);
	const struct lab *l = &b->labs[lab];
	struct line line = {
		.set = net_names[row / STREAMS / 2],
		.rules = lab ? 1 : 0,
		.family = row / STREAMS % 2 ? "inet6" : "inet",
		.engine = l->engine_name,
		.hook = *l->hooks ? l->hooks : l->hook,
		.trace = kind_names[row % STREAMS],
		.floor = &none->ns,
		.ns = &c->ns,
		.rounds = b->settings->rounds,
		.load_ms = l->load_ms,
		.bytes = l->bytes,
		.is_veth = true,
		.packets = c->count,
		.passed = series_spread(&c->passed).median,
	};

	return line_print(&line, b->settings->is_json, m);
}

/* How many times what the others get through a second. */
static void print_times(const struct bench *b, unsigned row)
{
	const struct path_case *nfr = case_of(b, NFR_LAB, row);

	printf("%-6s %-5s %-8s nfr has", net_names[row / STREAMS / 2],
	       row / STREAMS % 2 ? "inet6" : "inet", kind_names[row % STREAMS]);
	for (size_t i = 0; i < LABS; i++)
		if (i != NFR_LAB && is_there(b, i))
			printf(" %.3f of %s",
			       series_ratio(&case_of(b, i, row)->ns, &nfr->ns)
				       .median,
			       plans[i] == LAB_NONE ? "no filter"
						    : b->labs[i].engine_name);
	putchar('\n');
}

static int print(const struct bench *b, const struct machine *m)
{
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(true);
	for (unsigned i = 0; i < ROWS * LABS && !ret; i++)
		if (is_there(b, i % LABS) &&
		    is_wanted(b, i / LABS / STREAMS % 2))
			ret = print_case(b, m, i % LABS, i / LABS);
	for (unsigned row = 0; row < ROWS && !b->settings->is_json; row++)
		if (is_wanted(b, row / STREAMS % 2))
			print_times(b, row);
	return ret;
}

int bench_path(const struct settings *settings, const struct machine *m,
	       char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->settings = settings;
	b->error = error;
	for (size_t i = 0; i < LABS; i++) {
		b->labs[i].ns[0] = b->labs[i].ns[1] = -1;
		for (unsigned n = 0; n < 4; n++)
			b->streams[i][n / 2][n % 2] = (struct stream){
				.udp = -1, .sink = -1, .listener = -1};
	}
	ret = open_labs(b);
	for (unsigned round = 0; !ret && round <= settings->rounds; round++)
		ret = measure_round(b, round);
	if (!ret)
		ret = print(b, m);
	for (size_t i = 0; i < LABS; i++) {
		for (unsigned n = 0; n < 4; n++)
			stream_close(&b->streams[i][n / 2][n % 2]);
		lab_free(&b->labs[i]);
	}
	free(b);
	return ret;
}
