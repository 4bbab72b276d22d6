/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agree_native.c [--seed N] [--comparisons N] [--policy N] [--time]
 * [--rules N] [--rounds N] [--set SET ...] [FILE ...]:
 * the rules as code in the kernel (called, and inside of the program that asks)
 * = as data = bytecode = model, on policies of
 * many rules.
 *
 * Policies: shapes that broke other compilers; random ones of many rules, until
 * code was compared so often; those of the files; and sets of filters, each for
 * both families (bench/filters.h says which there are), cut to so many rules.
 * Keys lie at the corners of their rules. What the model says is the truth.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/filters.h"
#include "compiler/model.h"
#include "near_key.h"
#include "policy_case.h"
#include "random_policy.h"
#include "reference_vm.h"
#include "rules_code.h"
#include "rules_data.h"

#define HOST_PROFILE "tests/agree/host.json"
#define COMPLAINTS_MAX 10

#define SETS_MAX 8

enum {
	FACT_POLICIES,
	FACT_BYTECODE,
	FACT_CODE,
	FACT_INLINE,
	FACT_DATA,
	FACT_STEADY,
	FACT_COVERED,
	FACTS
};

struct run {
	uint64_t seed, comparisons;
	int64_t only;
	bool times;
	const char *sets[SETS_MAX];
	unsigned set_count, rules, rounds; /* of sets; keys so often */
	const char *why_not;		   /* the kernel is not asked */
	uint64_t compared[FACTS], differ[FACTS];
	uint64_t none; /* keys of entries that stay with the VM */
	unsigned complaints;
};

/* ---- policies ---------------------------------------------------------- */

static const char *const shapes[] = {
	/* A range inside of a port list. */
	"block\npass quick proto tcp to any port { 22, 80:90, 443 } no state\n"
	"pass quick proto udp from any port { 53 1000:2000 } no state\n",
	/* Two IPv6 addresses in a list. */
	"block\npass quick inet6 from { 2001:db8::1 2001:db8::2 } no state\n"
	"pass inet6 to { 2001:db8:1::/48 2001:db8:2:3::4 } no state\n",
	/* Negated lists and single negations. */
	"pass no state\nblock from { 10.0.0.0/8 ! 10.1.0.0/16 }\n"
	"block quick proto tcp to ! 192.0.2.0/24 port != 80\n"
	"block in on ! eth0 inet6 from ! 2001:db8::/32\n",
	/* Both in lists, and ranges that are no prefixes. */
	"block\npass from { 10.0.0.5 - 10.0.1.9 10.9.0.0/16 } "
	"to { 192.0.2.1 192.0.2.7 } no state\n"
	"pass quick inet6 from 2001:db8::5 - 2001:db8:1::9 no state\n"
	"table <t> { 10.0.0.0/8 ! 10.3.0.0/16 2001:db8::/32 }\n"
	"block quick from <t> to ! <t>\n",
};

static void put_net(struct random *r, bool is_v6, FILE *out)
{
	static const unsigned char lens[] = {8, 15, 20, 24, 28, 32, 32};
	static const unsigned char lens6[] = {16, 32, 47, 48, 64, 113, 128};

	if (random_once_in(r, 16))
		fputs("! ", out);
	if (is_v6)
		fprintf(out, "2001:db8:%x::%x/%u", random_below(r, 40),
			random_below(r, 500), random_pick(r, lens6));
	else
		fprintf(out, "10.%u.%u.%u/%u", random_below(r, 30),
			random_below(r, 4), random_below(r, 255),
			random_pick(r, lens));
}

static void put_side(struct random *r, const char *word, bool is_v6,
		     bool has_ports, FILE *out)
{
	fprintf(out, " %s ", word);
	if (random_once_in(r, 3))
		fputs("any", out);
	else
		put_net(r, is_v6, out);
	if (!has_ports || random_once_in(r, 2))
		return;
	if (random_once_in(r, 4))
		fprintf(out, " port { %u %u:%u }", random_below(r, 99),
			100 + random_below(r, 99), 200 + random_below(r, 900));
	else
		fprintf(out, " port %u", random_below(r, 2000));
}

static void put_rule(struct random *r, FILE *out)
{
	static const char *const ways[] = {"", "", " in", " out"};
	static const char *const devices[] = {
		"", "", "", " on eth0", " on ! eth1", " on wg0"};
	static const char *const protos[] = {"", " proto tcp", " proto udp"};
	const char *proto = random_pick(r, protos);
	bool is_pass = random_once_in(r, 2), is_v6 = random_once_in(r, 2);

	fprintf(out, "%s%s%s%s inet%s%s", is_pass ? "pass" : "block",
		random_pick(r, ways), random_once_in(r, 2) ? " quick" : "",
		random_pick(r, devices), is_v6 ? "6" : "", proto);
	put_side(r, "from", is_v6, *proto, out);
	put_side(r, "to", is_v6, *proto, out);
	fprintf(out, "%s\n", is_pass ? " no state" : "");
}

/* malloc'ed. */
static char *many_rules(struct random *r)
{
	uint32_t count =
		20 + random_below(r, random_once_in(r, 4) ? 1500 : 200);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	for (uint32_t i = 0; i < count; i++)
		put_rule(r, out);
	if (fclose(out))
		abort();
	return text;
}

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!in || getdelim(&text, &room, '\0', in) < 0) {
		fprintf(stderr, "agree_native: %s: %s\n", path,
			strerror(errno));
		exit(1);
	}
	fclose(in);
	return text;
}

/* ---- comparisons ------------------------------------------------------- */

/* One policy in all of its forms. */
struct trial {
	const char *name;
	struct policy_case policy, data;
	struct rules_code code;
};

static void complain(struct run *run, unsigned fact, const char *name,
		     const struct nfr_key *key, uint32_t wanted, uint32_t found)
{
	run->differ[fact]++;
	if (run->complaints++ >= COMPLAINTS_MAX)
		return;
	printf("# --seed %llu, %s: rule %d, not %d; key",
	       (unsigned long long)run->seed, name, (int)found, (int)wanted);
	for (unsigned i = 0; i <= NFR_F_LAST; i++)
		printf(" %x", key->w[i]);
	printf("\n");
}

static void compare_data(struct run *run, const struct trial *t,
			 const struct nfr_key *key, uint32_t wanted)
{
	uint32_t found = rules_data_find(&t->data.img, key);

	if (found == RULES_DATA_NONE)
		return;
	run->compared[FACT_DATA]++;
	if (found != wanted)
		complain(run, FACT_DATA, t->name, key, wanted, found);
}

static void compare(struct run *run, const struct trial *t)
{
	for (unsigned i = 0; i < NATIVE_KEYS; i++) {
		const struct native_entry *entry = &t->code.entries[i];
		uint32_t wanted = model_classify(t->policy.policy, &entry->key);
		uint32_t found = reference_vm_run(&t->policy.img,
						  NFR_STAGE_RULES, &entry->key);

		run->compared[FACT_BYTECODE]++;
		if (found != wanted)
			complain(run, FACT_BYTECODE, t->name, &entry->key,
				 wanted, found);
		compare_data(run, t, &entry->key, wanted);
		if (entry->rule == NATIVE_NONE) {
			run->none++;
			continue;
		}
		run->compared[FACT_CODE]++;
		if (entry->rule != wanted)
			complain(run, FACT_CODE, t->name, &entry->key, wanted,
				 entry->rule);
	}
}

/* compare() has seen what code that is called says of the same keys. */
static void compare_inline(struct run *run, struct trial *t)
{
	__u32 called[NATIVE_KEYS];

	if (!t->code.hole)
		return;
	for (unsigned i = 0; i < NATIVE_KEYS; i++)
		called[i] = t->code.entries[i].rule;
	if (rules_code_inline(&t->code, true) || rules_code_judge(&t->code) ||
	    rules_code_inline(&t->code, false)) {
		run->differ[FACT_INLINE]++;
		return;
	}
	for (unsigned i = 0; i < NATIVE_KEYS; i++) {
		const struct native_entry *entry = &t->code.entries[i];

		run->compared[FACT_INLINE]++;
		if (entry->rule != called[i])
			complain(run, FACT_INLINE, t->name, &entry->key,
				 called[i], entry->rule);
	}
}

static void say_time(struct run *run, struct rules_code *code, const char *name,
		     const struct image *img)
{
	double random, steady, idle;

	if (!run->times || rules_code_time(code, &random, &idle))
		return;
	for (unsigned i = 1; i < NATIVE_KEYS; i++)
		code->entries[i].key = code->entries[0].key;
	if (rules_code_time(code, &steady, &idle))
		return;
	printf("# %s: %u rules, %u instructions, %zu eBPF%s, load %.0f ms, "
	       "%.1f ns random, %.1f ns steady (beside %.1f)\n",
	       name, img->header->guard_first, img->insn_count,
	       code->about.insns, code->about.has_long_jumps ? " (gotol)" : "",
	       (double)code->load_ns / 1e6, random, steady, idle);
}

/* only: a family, or NFR_FAMILY_LINK for any. */
static void fill_keys(const struct policy *policy, struct random *r,
		      enum nfr_family only, struct rules_code *code)
{
	for (unsigned i = 0; i < NATIVE_KEYS; i++) {
		enum nfr_family family = random_once_in(r, 50) ? NFR_FAMILY_LINK
					 : random_once_in(r, 2)
						 ? NFR_FAMILY_IPV4
						 : NFR_FAMILY_IPV6;

		if (only != NFR_FAMILY_LINK && !random_once_in(r, 50))
			family = only;
		code->entries[i].key = near_key(policy, r, family);
	}
}

static int open_code(struct run *run, struct trial *t)
{
	int ret = t->policy.policy->rule_count > 1
			  ? rules_code_open(&t->policy.img, &t->code)
			  : -EOPNOTSUPP;

	if (ret == -EPERM)
		run->why_not = "loading eBPF programs needs root";
	if (ret && ret != -EOPNOTSUPP && ret != -EPERM) {
		run->differ[FACT_POLICIES]++;
		printf("# --seed %llu: %s does not load: %s\n",
		       (unsigned long long)run->seed, t->name, strerror(-ret));
	}
	return ret;
}

/* ---- keys of late (kmod-linux/steady.bpf.h) ----------------------------- */

static void fill_steady(struct rules_code *code, const struct nfr_key *key)
{
	for (unsigned i = 0; i < NATIVE_KEYS; i++)
		code->entries[i].key = *key;
}

/* All entries must have the rule. */
static void expect_all(struct run *run, unsigned fact, struct trial *t,
		       __u32 wanted)
{
	if (rules_code_judge(&t->code)) {
		run->differ[fact]++;
		return;
	}
	for (unsigned i = 0; i < NATIVE_KEYS; i++) {
		const struct native_entry *entry = &t->code.entries[i];

		run->compared[fact]++;
		if (entry->rule != wanted)
			complain(run, fact, t->name, &entry->key, wanted,
				 entry->rule);
	}
}

static void expect_steady(struct run *run, struct trial *t, __u32 wanted)
{
	expect_all(run, FACT_STEADY, t, wanted);
}

/* Words of a key that rules see; an IPv4 address has one. */
static bool is_asked(const struct nfr_key *key, unsigned word)
{
	return word < NFR_F_SRC0 || word >= NFR_F_DIR || word % 4 == 0 ||
	       key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6;
}

/* Of each second policy an IPv6 key, which has more words. */
static struct nfr_key choose_steady(const struct run *run,
				    const struct rules_code *code)
{
	enum nfr_family family = run->compared[FACT_POLICIES] & 1
					 ? NFR_FAMILY_IPV4
					 : NFR_FAMILY_IPV6;

	for (unsigned i = 0; i < NATIVE_KEYS; i++)
		if (code->entries[i].key.w[NFR_F_FAMILY] == family)
			return code->entries[i].key;
	return code->entries[0].key;
}

/*
 * Without code, who has a rule knows it from before. A key that differs in one
 * word has none, nor has any in the next generation, though the code of before
 * is still inside of the program.
 */
static void check_steady(struct run *run, struct trial *t)
{
	struct rules_code *code = &t->code;
	const struct nfr_key key = choose_steady(run, code);
	__u32 rule;

	fill_steady(code, &key);
	if (rules_code_judge(code) || rules_code_stop(code)) {
		run->differ[FACT_STEADY]++;
		return;
	}
	rule = code->entries[0].rule;
	expect_steady(run, t, code->about.is_steady ? rule : NATIVE_NONE);
	for (unsigned i = 0; i < NATIVE_KEYS; i++) {
		unsigned word = i % (NFR_F_FAMILY + 1);

		code->entries[i].key = key;
		code->entries[i].key.w[is_asked(&key, word) ? word : 0]++;
	}
	expect_steady(run, t, NATIVE_NONE);
	fill_steady(code, &key);
	if (rules_code_forget(code))
		run->differ[FACT_STEADY]++;
	expect_steady(run, t, NATIVE_NONE);
	if (!code->hole || code->about.has_tables) /* which needs nobody */
		return;
	if (rules_code_inline(code, true))
		run->differ[FACT_INLINE]++;
	expect_all(run, FACT_INLINE, t, rule);
}

static void try_policy(struct run *run, const char *text, const char *name,
		       struct random *r, enum nfr_family only, unsigned rounds)
{
	struct trial t = {.name = name};

	run->compared[FACT_POLICIES]++;
	if (policy_case_new(text, HOST_PROFILE, POLICY_FORM_CODE, &t.policy)) {
		run->differ[FACT_POLICIES]++;
		printf("# %s does not compile\n", name);
		return;
	}
	if (policy_case_new(text, HOST_PROFILE, POLICY_FORM_HASH, &t.data)) {
		run->differ[FACT_POLICIES]++;
		printf("# %s does not compile as data\n", name);
	} else if (!open_code(run, &t)) {
		for (unsigned i = 0; i < rounds; i++) {
			fill_keys(t.policy.policy, r, only, &t.code);
			if (rules_code_judge(&t.code)) {
				run->differ[FACT_POLICIES]++;
				break;
			}
			compare(run, &t);
			compare_inline(run, &t);
		}
		say_time(run, &t.code, name, &t.policy.img);
		check_steady(run, &t);
		rules_code_close(&t.code);
	}
	policy_case_free(&t.data);
	policy_case_free(&t.policy);
}

/* Odd ones are small, and match, tag and translate. */
static void try_random(struct run *run, uint64_t number)
{
	struct random r = random_fork(run->seed, number);
	char *text = number & 1 ? random_policy(&r) : many_rules(&r);
	char name[40];

	snprintf(name, sizeof(name), "--policy %llu",
		 (unsigned long long)number);
	try_policy(run, text, name, &r, NFR_FAMILY_LINK, 2);
	free(text);
}

static void try_shapes(struct run *run)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct random r = random_fork(run->seed, 1000000 + i);
		char name[32];

		snprintf(name, sizeof(name), "shape %zu", i);
		try_policy(run, shapes[i], name, &r, NFR_FAMILY_LINK, 2);
	}
}

static void try_file(struct run *run, const char *path)
{
	struct random r = random_fork(run->seed, 2000000);
	char *text = read_file(path);

	try_policy(run, text, path, &r, NFR_FAMILY_LINK, 2);
	free(text);
}

static void try_set(struct run *run, const char *name)
{
	char error[FILTERS_ERROR_MAX] = "", title[64];
	struct filters set;
	int ret = filters_read(name, run->rules, NULL, &set, error);

	if (ret == -ENOENT) {
		printf("SKIP set %s: %s (shared/peers)\n", name, error);
		filters_free(&set);
		return;
	}
	if (ret) {
		run->differ[FACT_POLICIES]++;
		printf("# set %s: %s\n", name, error);
	}
	for (unsigned family = 0; family < 2 && !ret; family++) {
		struct random r = random_fork(run->seed, 3000000 + family);
		size_t len;
		char *text = filters_text(&set, family, &len);

		if (!text)
			abort();
		snprintf(title, sizeof(title), "set %s of %zu, %s", name,
			 set.count, family ? "inet6" : "inet");
		try_policy(run, text, title, &r,
			   family ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
			   run->rounds);
		free(text);
	}
	filters_free(&set);
}

/* ---- the run ----------------------------------------------------------- */

static int report(struct run *run)
{
	static const char *const facts[] = {
		"every policy compiles and loads",
		"the bytecode reaches the model's rule",
		"code in the kernel reaches the model's rule",
		"and so does code inside of the program that asks",
		"the data form reaches the model's rule",
		"a key of late has its rule, and no other key has it",
		"most keys were judged by code"};
	int status = 0;

	if (run->why_not) {
		for (unsigned i = 0; i < FACTS; i++)
			printf("ok %u - %s # SKIP %s\n", i + 1, facts[i],
			       run->why_not);
		return 0;
	}
	run->compared[FACT_COVERED] = run->compared[FACT_BYTECODE];
	run->differ[FACT_COVERED] =
		run->none > run->compared[FACT_BYTECODE] / 2 ? run->none : 0;
	for (unsigned i = 0; i < FACTS; i++) {
		bool is_ok = run->differ[i] == 0 && run->compared[i] > 0;

		printf("%sok %u - %s: %llu compared, %llu differ\n",
		       is_ok ? "" : "not ", i + 1, facts[i],
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
		{"comparisons", required_argument, NULL, 'c'},
		{"policy", required_argument, NULL, 'o'},
		{"rules", required_argument, NULL, 'r'},
		{"rounds", required_argument, NULL, 'n'},
		{"set", required_argument, NULL, 'S'},
		{"time", no_argument, NULL, 't'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			run->seed = strtoull(optarg, NULL, 0);
		else if (c == 'c')
			run->comparisons = strtoull(optarg, NULL, 0);
		else if (c == 'o')
			run->only = strtoll(optarg, NULL, 0);
		else if (c == 'r')
			run->rules = (unsigned)strtoul(optarg, NULL, 0);
		else if (c == 'n')
			run->rounds = (unsigned)strtoul(optarg, NULL, 0);
		else if (c == 'S' && run->set_count < SETS_MAX)
			run->sets[run->set_count++] = optarg;
		else if (c == 't')
			run->times = true;
		else
			exit(2);
	}
}

/* Of a CPU's own map (keys of late), each run must see what the last left. */
static void stay_on_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("agree_native: sched_setaffinity");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct run run = {
		.comparisons = 100000, .only = -1, .rules = 1000, .rounds = 2};

	run.seed = random_seed();
	stay_on_cpu();
	parse_options(argc, argv, &run);
	printf("# seed %llu, %llu comparisons\n1..%u\n",
	       (unsigned long long)run.seed,
	       (unsigned long long)run.comparisons, (unsigned)FACTS);
	if (run.only < 0)
		try_shapes(&run);
	for (unsigned i = 0; i < run.set_count && !run.why_not; i++)
		try_set(&run, run.sets[i]);
	for (int i = optind; i < argc; i++)
		try_file(&run, argv[i]);
	if (run.only >= 0)
		try_random(&run, (uint64_t)run.only);
	for (uint64_t i = 0; run.only < 0 && !run.why_not &&
			     run.compared[FACT_CODE] < run.comparisons;
	     i++)
		try_random(&run, i);
	return report(&run);
}
