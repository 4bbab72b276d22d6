/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agree.c [--seed N] [--policies N] [--packets N] [--policy N]: random policies
 * and packets -> TAP lines that say whether everything that can judge a packet
 * says the same of it.
 *
 * The model judges the key that the packet's specification says it has. The
 * parser must find that key, the bytecode must reach the model's rule, and
 * every engine must come to the model's verdict, reason and rule. A seed gives
 * the same run again; --policy runs one of its policies alone.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "compiler/model.h"
#include "matches.h"
#include "policy_case.h"
#include "random_packet.h"
#include "random_policy.h"
#include "reference_vm.h"
#include "runtime/packet.h"
#include "runtime/vm_run.h"

#define HOST_PROFILE "tests/agree/host.json"
#define COMPLAINTS_MAX 10

/* The first four are the host profile's; no policy names the others. */
static const struct agree_device devices[] = {
	{"eth0", 2, NFR_LINK_ETHER},	{"eth1", 3, NFR_LINK_ETHER},
	{"wg0", 4, NFR_LINK_RAW},	{"lo", 1, NFR_LINK_ETHER},
	{"br7", 70, NFR_LINK_ETHER},	{"tun7", 71, NFR_LINK_RAW},
	{"odd7", 72, NFR_LINK_UNKNOWN},
};
#define DEVICE_COUNT (sizeof(devices) / sizeof(devices[0]))

static const struct agree_engine *const engines[] = {&agree_native,
						     &agree_kernel};
#define ENGINE_COUNT (sizeof(engines) / sizeof(engines[0]))

/* What is compared, beside the engines. */
enum { FACT_POLICIES, FACT_PARSER, FACT_BYTECODE, FACT_REASONS, FACTS_OWN };
#define FACT_COUNT (FACTS_OWN + ENGINE_COUNT)

struct run {
	uint64_t seed;
	uint64_t policies, packets;
	int64_t only; /* this policy alone, or -1 */
	void *engine[ENGINE_COUNT];
	const char *why_not[ENGINE_COUNT]; /* NULL: it runs */
	uint64_t compared[FACT_COUNT], differ[FACT_COUNT];
	uint64_t reasons[NFR_REASON_COUNT]; /* of the model's verdicts */
	unsigned complaints;
};

/* One packet under one policy. */
struct trial {
	const struct policy_case *policy;
	uint64_t policy_number, packet_number;
	struct packet_spec spec;
	struct packet_expected expected;
	struct nfr_result verdict; /* the model's */
	struct agree_frame frame;
	uint8_t bytes[PACKET_SPEC_MAX];
};

/* ---- complaints -------------------------------------------------------- */

static bool complain(struct run *run, unsigned fact)
{
	run->differ[fact]++;
	return run->complaints++ < COMPLAINTS_MAX;
}

static void print_result(const char *who, const struct nfr_result *r)
{
	printf("#   %s: verdict %u reason %u rule %d state %u\n", who,
	       r->verdict, r->reason, (int)r->rule, r->from_state);
}

static void print_trial(const struct run *run, const struct trial *t)
{
	printf("# --seed %llu --policy %llu, packet %llu: ifindex %u %s link "
	       "%u\n#  ",
	       (unsigned long long)run->seed,
	       (unsigned long long)t->policy_number,
	       (unsigned long long)t->packet_number, t->frame.ifindex,
	       t->frame.dir == NFR_DIR_IN ? "in" : "out",
	       (unsigned)t->frame.link);
	for (size_t i = 0; i < t->frame.len; i++)
		printf(" %02x", t->bytes[i]);
	printf("\n");
	print_result("model", &t->verdict);
}

/* ---- comparisons ------------------------------------------------------- */

static uint32_t find_ifid(const struct image *img, const char *name)
{
	for (uint32_t i = 0; i < img->iface_count; i++)
		if (strcmp(image_string(img, img->ifaces[i].name), name) == 0)
			return i + 1;
	return 0;
}

/* What goes out was made here, forwarded, or came from a device now gone. */
static void draw_ingress(struct random *r, struct trial *t)
{
	uint32_t *received = &t->expected.key.w[NFR_F_RECEIVED];
	const struct agree_device *device = &random_pick(r, devices);

	*received = t->expected.key.w[NFR_F_IFID];
	if (t->frame.dir == NFR_DIR_OUT) {
		if (random_once_in(r, 2))
			return (void)(*received = 0);
		t->frame.ingress = device->ifindex;
		*received = find_ifid(&t->policy->img, device->name);
		if (random_once_in(r, 16)) {
			t->frame.ingress = 999;
			*received = 0;
		}
	}
	if (*received == 0)
		*received = NFR_RECEIVED_OTHER;
}

/* 127/8 and ::1 are on no wire but the loopback's. */
static bool is_local(const struct nfr_key *key)
{
	bool is_v4 = key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV4;
	static const uint32_t one[4] = {0, 0, 0, 1};

	if (key->w[NFR_F_FAMILY] == NFR_FAMILY_LINK)
		return false;
	if (is_v4)
		return key->w[NFR_F_SRC0] >> 24 == 127 ||
		       key->w[NFR_F_DST0] >> 24 == 127;
	return memcmp(&key->w[NFR_F_SRC0], one, sizeof(one)) == 0 ||
	       memcmp(&key->w[NFR_F_DST0], one, sizeof(one)) == 0;
}

static void draw_trial(const struct run *run, struct trial *t)
{
	struct random of_policy = random_fork(~run->seed, t->policy_number);
	struct random r =
		random_fork(random_next(&of_policy), t->packet_number);
	const struct agree_device *device;

	random_packet(&r, &t->spec);
	packet_expect(&t->spec, &t->expected);
	do
		device = &random_pick(&r, devices);
	while (device->link != t->spec.link);
	t->frame = (struct agree_frame){
		.bytes = t->bytes,
		.len = packet_build(&t->spec, t->bytes),
		.ifindex = device->ifindex,
		.dir = random_once_in(&r, 2) ? NFR_DIR_IN : NFR_DIR_OUT,
		.link = device->link,
	};
	t->expected.key.w[NFR_F_IFID] =
		find_ifid(&t->policy->img, device->name);
	t->expected.key.w[NFR_F_DIR] = t->frame.dir;
	draw_ingress(&r, t);
	packet_expect_origin(t->bytes, t->frame.len, t->frame.ingress,
			     &t->expected.key);
	t->frame.origin = t->expected.key.w[NFR_F_ORIGIN];
	t->verdict = (struct nfr_result){.verdict = NFR_BLOCK,
					 .reason = t->expected.doubt,
					 .rule = NFR_NO_RULE};
	if (t->expected.doubt != NFR_REASON_NONE)
		return;
	if (strcmp(device->name, "lo") != 0 && is_local(&t->expected.key)) {
		t->verdict.reason = NFR_REASON_ADDRESS;
		return;
	}
	if (t->expected.piece_doubt != NFR_REASON_NONE) {
		t->verdict.reason = t->expected.piece_doubt;
		return;
	}
	t->verdict = matches_judge(t->policy->policy, &t->expected.key);
	/* Only a rule that says so passes what quotes nothing. */
	if (t->expected.is_unread && t->verdict.reason == NFR_REASON_DEFAULT) {
		t->verdict.reason = NFR_REASON_ICMP_INNER;
		t->verdict.verdict = NFR_BLOCK;
	}
}

/* A run in which some reason never came up has shown too little. */
static void check_reasons(struct run *run)
{
	static const enum nfr_reason wanted[] = {
		NFR_REASON_RULE,      NFR_REASON_DEFAULT,
		NFR_REASON_GUARD,     NFR_REASON_NEIGHBOUR,
		NFR_REASON_ETHERTYPE, NFR_REASON_IP_OPTIONS,
		NFR_REASON_FRAGMENT,  NFR_REASON_SHORT,
		NFR_REASON_HEADERS,   NFR_REASON_LINK,
		NFR_REASON_VLAN,      NFR_REASON_IP_VERSION,
		NFR_REASON_IP_LENGTH, NFR_REASON_EXTHDR,
		NFR_REASON_ROUTING,   NFR_REASON_L4_LENGTH,
		NFR_REASON_ADDRESS,   NFR_REASON_ICMP_INNER};
	static const char *const names[] = {
#define NFR_REASON(sym, name, doubt, text) name,
#include "runtime/reasons.def"
#undef NFR_REASON
	};

	printf("#");
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint64_t count = run->reasons[wanted[i]];

		printf(" %s %llu", names[wanted[i]], (unsigned long long)count);
		run->compared[FACT_REASONS]++;
		run->differ[FACT_REASONS] += count == 0;
	}
	printf("\n");
}

static void compare_parser(struct run *run, const struct trial *t)
{
	const struct packet_frame frame = {
		.start = t->bytes,
		.end = t->bytes + t->frame.len,
		.len = (uint32_t)t->frame.len,
		.dir = (uint8_t)t->frame.dir,
		.link = (uint8_t)t->frame.link,
		.received = (uint16_t)t->expected.key.w[NFR_F_RECEIVED],
	};
	struct packet packet;
	uint8_t doubt =
		packet_parse(&frame, &packet, t->expected.key.w[NFR_F_IFID]);

	packet.key.w[NFR_F_ORIGIN] = t->frame.origin; /* no frame says it */

	run->compared[FACT_PARSER]++;
	if (doubt == t->expected.doubt &&
	    (doubt != NFR_REASON_NONE ||
	     memcmp(&packet.key, &t->expected.key, sizeof(packet.key)) == 0))
		return;
	if (!complain(run, FACT_PARSER))
		return;
	print_trial(run, t);
	printf("#   parser: doubt %u, not %u\n", doubt, t->expected.doubt);
}

static void compare_bytecode(struct run *run, const struct trial *t)
{
	const struct nfr_key *key = &t->expected.key;
	const struct image *img = &t->policy->img;
	uint32_t rule, guard;

	if (t->expected.doubt != NFR_REASON_NONE)
		return;
	run->compared[FACT_BYTECODE]++;
	rule = reference_vm_run(img, NFR_STAGE_RULES, key);
	guard = reference_vm_run(img, NFR_STAGE_GUARD, key);
	if (guard == img->rule_count - 1)
		guard = NFR_NO_RULE; /* "no objection" */
	if (rule == model_classify(t->policy->policy, key) &&
	    guard == model_guard(t->policy->policy, key))
		return;
	if (!complain(run, FACT_BYTECODE))
		return;
	print_trial(run, t);
	printf("#   bytecode: rule %u guard %d\n", rule, (int)guard);
}

static void compare_engine(struct run *run, const struct trial *t, unsigned i)
{
	const struct agree_engine *engine = engines[i];
	struct nfr_result found = {.verdict = 255};
	int err;

	if (run->why_not[i])
		return;
	err = engine->judge(run->engine[i], &t->frame, &found);
	if (err == -ENOTSUP)
		return;
	run->compared[FACTS_OWN + i]++;
	if (!err && memcmp(&found, &t->verdict, sizeof(found)) == 0)
		return;
	if (!complain(run, FACTS_OWN + i))
		return;
	print_trial(run, t);
	if (err)
		printf("#   %s: %s\n", engine->name, strerror(-err));
	else
		print_result(engine->name, &found);
}

/* ---- the run ----------------------------------------------------------- */

static void open_engines(struct run *run)
{
	for (unsigned i = 0; i < ENGINE_COUNT; i++) {
		const char *why = "no reason given";

		int ret = engines[i]->open(&run->engine[i], &why);

		if (ret)
			run->why_not[i] = why;
		if (ret && ret != -ENOTSUP) {
			fprintf(stderr, "%s: %s: %s\n", engines[i]->name, why,
				strerror(-ret));
			exit(1);
		}
	}
}

static void load_engines(struct run *run, const struct image *img)
{
	for (unsigned i = 0; i < ENGINE_COUNT; i++) {
		int err;

		if (run->why_not[i])
			continue;
		err = engines[i]->load(run->engine[i], img, devices,
				       DEVICE_COUNT);
		if (err && complain(run, FACTS_OWN + i))
			printf("# %s: load: %s\n", engines[i]->name,
			       strerror(-err));
	}
}

static void close_engines(struct run *run)
{
	for (unsigned i = 0; i < ENGINE_COUNT; i++)
		if (!run->why_not[i])
			engines[i]->close(&run->engine[i]);
}

static void print_text(const char *text)
{
	printf("# ");
	for (; *text; text++)
		printf(*text == '\n' && text[1] ? "\n# " : "%c", *text);
}

static void try_policy(struct run *run, uint64_t number)
{
	struct random r = random_fork(run->seed, number);
	char *text = random_policy(&r);
	struct policy_case policy;
	unsigned before = run->complaints;
	struct trial t = {.policy = &policy, .policy_number = number};

	run->compared[FACT_POLICIES]++;
	/* The engines take the data form where an image has one. */
	if (policy_case_new(text, HOST_PROFILE,
			    number % 2 ? POLICY_FORM_HASH : POLICY_FORM_CODE,
			    &policy) != 0) {
		complain(run, FACT_POLICIES);
		print_text(text);
		free(text);
		return;
	}
	load_engines(run, &policy.img);
	for (; t.packet_number < run->packets; t.packet_number++) {
		draw_trial(run, &t);
		run->reasons[t.verdict.reason]++;
		compare_parser(run, &t);
		compare_bytecode(run, &t);
		for (unsigned i = 0; i < ENGINE_COUNT; i++)
			compare_engine(run, &t, i);
	}
	if (before < run->complaints && before < COMPLAINTS_MAX)
		print_text(text);
	policy_case_free(&policy);
	free(text);
}

/* Exit status. */
static int report(const struct run *run)
{
	static const char *const own[] = {
		"every random policy compiles",
		"the parser finds what the packet was made to hold",
		"the bytecode reaches the model's rule",
		"every reason comes up"};
	int status = 0;

	for (unsigned i = 0; i < FACT_COUNT; i++) {
		bool is_ok = run->differ[i] == 0;

		if (i >= FACTS_OWN && run->why_not[i - FACTS_OWN]) {
			printf("ok %u - %s # SKIP %s\n", i + 1,
			       engines[i - FACTS_OWN]->name,
			       run->why_not[i - FACTS_OWN]);
			continue;
		}
		printf("%sok %u - ", is_ok ? "" : "not ", i + 1);
		if (i < FACTS_OWN)
			printf("%s", own[i]);
		else
			printf("%s comes to the model's verdict",
			       engines[i - FACTS_OWN]->name);
		printf(": %llu compared, %llu differ\n",
		       (unsigned long long)run->compared[i],
		       (unsigned long long)run->differ[i]);
		status |= !is_ok;
	}
	return status;
}

static void parse_options(int argc, char **argv, struct run *run)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"policies", required_argument, NULL, 'p'},
		{"packets", required_argument, NULL, 'n'},
		{"policy", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			run->seed = strtoull(optarg, NULL, 0);
		else if (c == 'p')
			run->policies = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			run->packets = strtoull(optarg, NULL, 0);
		else if (c == 'o')
			run->only = strtoll(optarg, NULL, 0);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct run run = {.policies = 1000, .packets = 200, .only = -1};

	run.seed = random_seed();
	parse_options(argc, argv, &run);
	printf("# seed %llu, %llu policies, %llu packets each\n1..%u\n",
	       (unsigned long long)run.seed, (unsigned long long)run.policies,
	       (unsigned long long)run.packets, (unsigned)FACT_COUNT);
	open_engines(&run);
	for (uint64_t i = 0; i < run.policies; i++)
		if (run.only < 0 || (uint64_t)run.only == i)
			try_policy(&run, i);
	close_engines(&run);
	if (run.only < 0)
		check_reasons(&run);
	return report(&run);
}
