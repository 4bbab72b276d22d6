/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agree_follow.c [--seed N] [--policies N] [--packets N]: random policies, a
 * packet, and what follows it: fragments and ICMP errors -> TAP lines that say
 * whether model, native datapath and kernel say the same of all of them.
 *
 * The model of flows is here, and small: what a first packet passed by, its
 * later fragments and the errors about it pass by, too.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "compiler/model.h"
#include "kernel.h"
#include "packet_spec.h"
#include "matches.h"
#include "policy_case.h"
#include "pool.h"
#include "random_policy.h"
#include "runtime/datapath_user.h"

#define HOST_PROFILE "tests/agree/host.json"
#define DEVICE 1 /* as agree_kernel_keep_flows() wants it */
#define COMPLAINTS_MAX 10
#define FIRST_LEN 40 /* of the IP payload of a first fragment */

/* What is sent, and in which order. */
enum follow {
	FOLLOW_LATER,	/* the next fragment */
	FOLLOW_OVERLAP, /* a fragment over the first */
	FOLLOW_OPTIONS, /* the next one, with options of its own */
	FOLLOW_EARLY,	/* the next one, before the first */
	FOLLOW_ERROR,	/* an ICMP error about the packet */
	FOLLOW_ASTRAY,	/* the same, for another than its sender */
	FOLLOW_KINDS
};

enum { ENGINE_NATIVE, ENGINE_KERNEL, ENGINES };

struct run {
	uint64_t seed, policies, packets;
	void *kernel;
	const char *why_not; /* no kernel */
	struct datapath *native;
	uint64_t compared[ENGINES], differ[ENGINES];
	uint64_t passed[FOLLOW_KINDS], blocked[FOLLOW_KINDS];
};

/* A frame and what the model says of it. */
struct step {
	struct packet_spec spec;
	enum nfr_dir dir;
	struct nfr_key key;
	bool is_unread; /* an ICMP error that quotes nothing */
	struct nfr_result want;
	uint8_t bytes[PACKET_SPEC_MAX];
	size_t len;
};

static void step_build(struct step *s, uint32_t ifid)
{
	struct packet_expected expected;

	packet_expect(&s->spec, &expected);
	s->key = expected.key;
	s->is_unread = expected.is_unread;
	s->key.w[NFR_F_IFID] = ifid;
	s->key.w[NFR_F_DIR] = s->dir;
	s->key.w[NFR_F_RECEIVED] = s->dir == NFR_DIR_OUT ? 0
				   : ifid		 ? ifid
							 : NFR_RECEIVED_OTHER;
	s->len = packet_build(&s->spec, s->bytes);
	packet_expect_origin(s->bytes, s->len, 0, &s->key);
	s->want = (struct nfr_result){.reason = expected.doubt,
				      .rule = NFR_NO_RULE};
}

/* An address that blocks wherever it is: of the loopback, or IPv4-mapped. */
static bool is_odd(unsigned ip, const struct addr *a)
{
	if (ip == 4)
		return a->w[0] >> 24 == 127;
	return a->w[2] == 0xffff ||
	       (!a->w[0] && !a->w[1] && !a->w[2] && a->w[3] == 1);
}

/* A sound packet, whole or as a first fragment. */
static void draw_first(struct random *r, struct step *s, bool is_piece)
{
	struct packet_spec *p = &s->spec;

	do
		random_packet(r, p);
	while (p->ip == 0 || is_odd(p->ip, &p->src) || is_odd(p->ip, &p->dst));
	p->link = NFR_LINK_ETHER;
	p->tag_count = 0;
	p->ethertype = p->ip == 4 ? 0x0800 : 0x86dd;
	p->version = (uint8_t)p->ip;
	p->ihl = 5;
	p->doff = 5;
	p->fragment_offset = p->ext_count = 0;
	p->more_fragments = false;
	p->length_error = p->udp_error = 0;
	p->padding = p->data_len = 0;
	p->cut = PACKET_UNCUT;
	if (is_piece && p->ip == 4)
		p->more_fragments = true;
	if (is_piece && p->ip == 6) {
		p->ext_count = 1;
		p->ext[0] = (struct packet_ext){
			.type = 44, .len = 8, .more_fragments = true};
	}
	p->data_len = (uint16_t)(FIRST_LEN - packet_transport_len(p));
	s->dir = random_once_in(r, 2) ? NFR_DIR_IN : NFR_DIR_OUT;
}

/* Does it make a state, when it passes? */
static bool makes_state(const struct policy *p, const struct step *first)
{
	uint32_t proto = first->key.w[NFR_F_PROTO];
	uint32_t family = first->key.w[NFR_F_FAMILY];
	uint32_t type = first->key.w[NFR_F_ICMP] >> 8;

	if (first->want.verdict != NFR_PASS ||
	    !p->rules[first->want.rule].keeps_state)
		return false;
	if (family == NFR_FAMILY_IPV4 && proto == 1)
		return type == 8;
	if (family == NFR_FAMILY_IPV6 && proto == 58)
		return type == 128;
	return true;
}

/* ---- what the model says ------------------------------------------------ */

static void expect_later(const struct policy *p, const struct step *first,
			 struct step *s)
{
	static const unsigned of_first[] = {NFR_F_PROTO, NFR_F_SPORT,
					    NFR_F_DPORT, NFR_F_TCPFLAGS,
					    NFR_F_ICMP};
	struct nfr_key key = s->key;

	for (size_t i = 0; i < sizeof(of_first) / sizeof(*of_first); i++)
		key.w[of_first[i]] = first->key.w[of_first[i]];
	key.w[NFR_F_BITS] &= ~NFR_BIT_LATER;
	s->want = model_judge_flow(p, &key, first->want.rule);
	if (makes_state(p, first))
		return;
	s->want.from_state = 0;
	if (s->want.verdict == NFR_PASS)
		s->want.reason = first->want.reason;
}

/* As a packet that answers the first would be. */
static struct nfr_key answer_key(const struct step *first, const struct step *s)
{
	struct nfr_key key = s->key;
	uint32_t type = first->key.w[NFR_F_ICMP] >> 8;

	key.w[NFR_F_PROTO] = first->key.w[NFR_F_PROTO];
	key.w[NFR_F_SPORT] = first->key.w[NFR_F_DPORT];
	key.w[NFR_F_DPORT] = first->key.w[NFR_F_SPORT];
	key.w[NFR_F_ICMP] = type == 8 ? 0 : type == 128 ? 129 << 8 : 0;
	return key;
}

static void expect_error(const struct policy *p, const struct step *first,
			 struct step *s, bool is_for_sender)
{
	struct nfr_key answer = answer_key(first, s);

	s->want = matches_judge(p, &s->key);
	if (!is_for_sender || !makes_state(p, first))
		return;
	s->want = model_judge_flow(p, &s->key, first->want.rule);
	if (s->want.reason == NFR_REASON_GUARD)
		s->want = model_judge_flow(p, &answer, first->want.rule);
}

/* ---- what follows -------------------------------------------------------- */

static void make_later(enum follow kind, const struct step *first,
		       struct step *s)
{
	struct packet_spec *p = &s->spec;
	uint16_t offset = FIRST_LEN / 8 - (kind == FOLLOW_OVERLAP);

	*s = *first;
	p->data_len = 24;
	if (p->ip == 6) {
		p->ext[0].fragment_offset = offset;
		p->ext[0].more_fragments = false;
	} else {
		p->fragment_offset = offset;
		p->more_fragments = false;
	}
	if (kind != FOLLOW_OPTIONS)
		return;
	p->ihl = 6;
	if (p->ip == 6) {
		p->ext[1] = p->ext[0];
		p->ext[0] = (struct packet_ext){.type = 60, .len = 8};
		p->ext_count = 2;
	}
}

static void make_error(struct random *r, enum follow kind,
		       const struct step *first, struct step *s)
{
	static const uint8_t ipv4[] = {3, 4, 11, 12}, ipv6[] = {1, 2, 3, 4};
	struct packet_spec *p = &s->spec;
	enum addr_family family;

	*s = *first;
	family = p->ip == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
	p->ext_count = 0;
	p->more_fragments = false;
	p->proto = p->ip == 4 ? 1 : 58;
	p->icmp_type = p->ip == 4 ? random_pick(r, ipv4) : random_pick(r, ipv6);
	p->dst = first->spec.src;
	if (kind == FOLLOW_ASTRAY)
		p->dst.w[0] ^= 1;
	do
		p->src = pool_addr(r, family);
	while (is_odd(p->ip, &p->src));
	p->data_len = (uint16_t)(first->len - 14);
	s->dir = first->dir == NFR_DIR_IN ? NFR_DIR_OUT : NFR_DIR_IN;
}

static void make_follower(struct random *r, const struct policy *p,
			  enum follow kind, const struct step *first,
			  struct step *s)
{
	bool is_error = kind == FOLLOW_ERROR || kind == FOLLOW_ASTRAY;
	uint32_t ifid = first->key.w[NFR_F_IFID];

	if (is_error)
		make_error(r, kind, first, s);
	else
		make_later(kind, first, s);
	step_build(s, ifid);
	if (is_error) {
		memcpy(s->bytes + s->len - s->spec.data_len, first->bytes + 14,
		       s->spec.data_len);
		expect_error(p, first, s, kind == FOLLOW_ERROR);
		return;
	}
	s->want.reason = NFR_REASON_FRAGMENT;
	if (kind == FOLLOW_EARLY || first->want.verdict != NFR_PASS)
		return;
	if (kind == FOLLOW_OVERLAP)
		s->want.reason = NFR_REASON_OVERLAP;
	else
		expect_later(p, first, s);
}

/* ---- comparing ------------------------------------------------------------
 */

static void compare(struct run *run, unsigned engine, enum follow kind,
		    const struct step *s, const struct nfr_result *got)
{
	const struct nfr_result *w = &s->want;

	run->compared[engine]++;
	if (got->verdict == w->verdict && got->reason == w->reason &&
	    got->rule == w->rule && got->from_state == w->from_state)
		return;
	if (run->differ[engine]++ >= COMPLAINTS_MAX)
		return;
	printf("# engine %u, kind %u, %s: %u/%u/%u/%d, the model "
	       "%u/%u/%u/%d\n#",
	       engine, kind, s->dir == NFR_DIR_IN ? "in" : "out", got->verdict,
	       got->reason, got->from_state, (int)got->rule, w->verdict,
	       w->reason, w->from_state, (int)w->rule);
	for (size_t i = 0; i < s->len; i++)
		printf(" %02x", s->bytes[i]);
	printf("\n");
}

static void send_step(struct run *run, enum follow kind, const struct step *s)
{
	const struct datapath_frame own = {.bytes = s->bytes,
					   .caplen = s->len,
					   .len = s->len,
					   .ifindex = DEVICE,
					   .origin = s->key.w[NFR_F_ORIGIN],
					   .dir = s->dir};
	const struct agree_frame frame = {.bytes = s->bytes,
					  .len = s->len,
					  .ifindex = DEVICE,
					  .dir = s->dir,
					  .link = NFR_LINK_ETHER};
	struct nfr_result got = datapath_judge(run->native, &own, NULL, NULL);

	compare(run, ENGINE_NATIVE, kind, s, &got);
	if (run->why_not)
		return;
	memset(&got, 0xff, sizeof(got));
	if (agree_kernel.judge(run->kernel, &frame, &got) != 0)
		got.verdict = 255;
	compare(run, ENGINE_KERNEL, kind, s, &got);
}

static void try_packet(struct run *run, struct random *r,
		       const struct policy *p, uint32_t ifid)
{
	enum follow kind = (enum follow)random_below(r, FOLLOW_KINDS);
	struct step first, s;
	bool is_error = kind == FOLLOW_ERROR || kind == FOLLOW_ASTRAY;

	datapath_forget_states(run->native);
	if (!run->why_not)
		agree_kernel_forget(run->kernel);
	draw_first(r, &first, !is_error || random_once_in(r, 4));
	step_build(&first, ifid);
	if (first.want.reason != NFR_REASON_NONE)
		return;
	first.want = matches_judge(p, &first.key);
	if (first.is_unread && first.want.reason == NFR_REASON_DEFAULT) {
		first.want.reason = NFR_REASON_ICMP_INNER;
		first.want.verdict = NFR_BLOCK;
	}
	make_follower(r, p, kind, &first, &s);
	if (kind != FOLLOW_EARLY)
		send_step(run, FOLLOW_KINDS, &first);
	send_step(run, kind, &s);
	if (s.want.verdict == NFR_PASS)
		run->passed[kind]++;
	else
		run->blocked[kind]++;
}

static void try_policy(struct run *run, uint64_t number)
{
	static const char *const names[] = {"eth0", "eth1", "lo", "br7"};
	struct random r = random_fork(run->seed, number);
	char *text = random_policy(&r);
	const char *name = random_pick(&r, names);
	const struct agree_device device = {name, DEVICE, NFR_LINK_ETHER};
	const struct datapath_device own = {name, DEVICE, NFR_LINK_ETHER,
					    false};
	struct policy_case policy;
	uint32_t ifid = 0;

	if (policy_case_new(text, HOST_PROFILE, POLICY_FORM_AUTO, &policy) !=
	    0) {
		free(text); /* agree.c counts those */
		return;
	}
	for (uint32_t i = 0; i < policy.img.iface_count; i++)
		if (strcmp(image_string(&policy.img, policy.img.ifaces[i].name),
			   name) == 0)
			ifid = i + 1;
	if (datapath_switch(run->native, &policy.img, &own, 1) != 0)
		run->differ[ENGINE_NATIVE]++;
	if (!run->why_not &&
	    agree_kernel.load(run->kernel, &policy.img, &device, 1) != 0)
		run->differ[ENGINE_KERNEL]++;
	for (uint64_t i = 0; i < run->packets; i++)
		try_packet(run, &r, policy.policy, ifid);
	policy_case_free(&policy);
	free(text);
}

/* Exit status. */
static int report(const struct run *run)
{
	static const char *const names[] = {"native", "kernel"};
	bool is_wide = true;
	int status = 0;

	for (unsigned i = 0; i < ENGINES; i++) {
		bool is_ok = run->differ[i] == 0 && run->compared[i] != 0;

		if (i == ENGINE_KERNEL && run->why_not) {
			printf("ok %u - kernel # SKIP %s\n", i + 1,
			       run->why_not);
			continue;
		}
		printf("%sok %u - %s follows the model: %llu compared, %llu "
		       "differ\n",
		       is_ok ? "" : "not ", i + 1, names[i],
		       (unsigned long long)run->compared[i],
		       (unsigned long long)run->differ[i]);
		status |= !is_ok;
	}
	printf("# passed/blocked:");
	for (unsigned i = 0; i < FOLLOW_KINDS; i++) {
		bool never = i == FOLLOW_OVERLAP || i == FOLLOW_EARLY;

		printf(" %llu/%llu", (unsigned long long)run->passed[i],
		       (unsigned long long)run->blocked[i]);
		is_wide &=
			run->blocked[i] != 0 && (run->passed[i] == 0) == never;
	}
	printf("\n%sok 3 - every kind passes and blocks as it can\n",
	       is_wide ? "" : "not ");
	return status | !is_wide;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"policies", required_argument, NULL, 'p'},
		{"packets", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0}};
	struct run run = {.policies = 300, .packets = 100};
	int c, ret;

	run.seed = random_seed();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			run.seed = strtoull(optarg, NULL, 0);
		else if (c == 'p')
			run.policies = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			run.packets = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	printf("# seed %llu\n1..3\n", (unsigned long long)run.seed);
	ret = agree_kernel.open(&run.kernel, &run.why_not);
	if (ret && ret != -ENOTSUP) {
		fprintf(stderr, "kernel: %s: %s\n", run.why_not,
			strerror(-ret));
		return 1;
	}
	if (!ret) {
		run.why_not = NULL;
		agree_kernel_keep_flows(run.kernel, true);
	}
	if (datapath_new(64, &run.native) != 0)
		return 2;
	for (uint64_t i = 0; i < run.policies; i++)
		try_policy(&run, i);
	datapath_free(&run.native);
	if (!run.why_not)
		agree_kernel.close(&run.kernel);
	return report(&run);
}
