/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_steady.c: a packet that comes again and again, under rules as bytecode
 * and as data: its rule is known of late (kmod-linux/steady.bpf.h), without
 * them; that of no other packet is, and no longer than the policy is in force.
 * Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "runtime/hash_format.h"
#include "tests/agree/agree.h"
#include "tests/agree/kernel.h"
#include "tests/agree/policy_case.h"
#include "tests/unit/wire.h"

#define DEVICE 1
#define FILLERS 60 /* rules of others: enough for a data form */
#define AGAIN 12   /* that often, and a key is kept */

static void *kernel;
static const char *why_not;

/* The device is not named by rules: a key has no interface. */
static void load(const char *first, const char *last, enum policy_form form,
		 struct policy_case *c)
{
	const struct agree_device device = {"dev", DEVICE, NFR_LINK_RAW};
	char text[8192];
	int len = snprintf(text, sizeof(text), "%s\n", first);

	for (unsigned i = 0; i < FILLERS; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"block quick from { 10.1.%u.0/24, fd01:%x::/32 "
				"}\n",
				i, i + 1);
	snprintf(text + len, sizeof(text) - (size_t)len, "%s\n", last);
	assert_int_equal(
		policy_case_new(text, "tests/agree/host.json", form, c), 0);
	assert_int_equal(c->img.hash_len > 0, form == POLICY_FORM_HASH);
	assert_int_equal(agree_kernel.load(kernel, &c->img, &device, 1), 0);
}

static struct nfr_result judge(const struct wire *w)
{
	uint8_t b[WIRE_MAX];
	struct agree_frame frame = {.bytes = b,
				    .len = wire_build(w, b),
				    .ifindex = DEVICE,
				    .dir = NFR_DIR_IN,
				    .link = NFR_LINK_RAW};
	struct nfr_result got;

	assert_int_equal(agree_kernel.judge(kernel, &frame, &got), 0);
	return got;
}

/* Nothing but this byte, in the first so many of a map's entries. */
static void put_bytes(struct bpf_object *object, const char *name, int byte,
		      uint32_t count)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	void *value = malloc(bpf_map__value_size(map));

	assert_non_null(value);
	memset(value, byte, bpf_map__value_size(map));
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &i,
						     value, BPF_ANY),
				 0);
	free(value);
}

/* Some policies have native code in one of the objects. */
static void end_native(struct bpf_object *object, const char *name)
{
	uint32_t zero = 0;

	bpf_map_delete_elem(bpf_object__find_map_fd_by_name(object, name),
			    &zero);
}

/* And some have it inside. */
static void end_inline(struct bpf_object *object)
{
	int fd = bpf_object__find_map_fd_by_name(object, "nfr_config");
	struct nfr_config config;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
	config.hole = 0;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
}

/* No form has any rule. */
static void take_rules(const struct image *img)
{
	for (unsigned i = 0; i < AGREE_KERNEL_OBJECTS; i++) {
		struct bpf_object *object = agree_kernel_object(kernel, i);

		put_bytes(object, "nfr_code", 0, img->insn_count);
		put_bytes(object, "nfr_hash", 0xff, 1);
		end_native(object, "nfr_native_xdp");
		end_native(object, "nfr_native_tc");
		end_inline(object);
	}
}

/* A rule decides so, and no other from call to call. */
static void assert_rule(const struct wire *w, unsigned verdict, uint32_t *rule)
{
	struct nfr_result got = judge(w);

	assert_int_equal(got.verdict, verdict);
	assert_int_equal(got.reason, NFR_REASON_RULE);
	if (*rule == NFR_NO_RULE)
		*rule = got.rule;
	assert_int_equal(got.rule, *rule);
}

static void assert_unknown(const struct wire *w)
{
	struct nfr_result got = judge(w);

	assert_int_equal(got.verdict, NFR_BLOCK);
	assert_int_equal(got.reason, NFR_REASON_VM);
}

static void try_form(enum policy_form form, bool is_v6)
{
	const struct wire w = {.is_v6 = is_v6,
			       .src = 1,
			       .dst = 2,
			       .proto = 17,
			       .sport = 1000,
			       .dport = 53};
	struct wire other;
	struct policy_case c;
	uint32_t passes = NFR_NO_RULE, blocks = NFR_NO_RULE;

	load("pass quick proto udp to port 53 no state", "block", form, &c);
	for (unsigned i = 0; i < AGAIN; i++)
		assert_rule(&w, NFR_PASS, &passes);
	take_rules(&c.img);
	assert_rule(&w, NFR_PASS, &passes);
	other = w;
	other.src = 3;
	assert_unknown(&other);
	other = w;
	other.dst = 3;
	assert_unknown(&other);
	other = w;
	other.sport = 1001;
	assert_unknown(&other);
	other = w;
	other.dport = 54;
	assert_unknown(&other);
	other = w;
	other.proto = 6;
	other.flags = 0x02;
	assert_unknown(&other);
	policy_case_free(&c);

	load("pass quick proto tcp to port 53 no state", "block quick", form,
	     &c);
	for (unsigned i = 0; i < AGAIN; i++)
		assert_rule(&w, NFR_BLOCK, &blocks);
	policy_case_free(&c);
}

/* What rules ask that a key of late is not compared by. */
static void try_tos(enum policy_form form)
{
	const struct wire w = {.src = 1, .dst = 2, .proto = 17, .dport = 53};
	uint32_t passes = NFR_NO_RULE;
	struct policy_case c;

	load("pass quick tos 0 no state", "block", form, &c);
	for (unsigned i = 0; i < AGAIN; i++)
		assert_rule(&w, NFR_PASS, &passes);
	take_rules(&c.img);
	assert_unknown(&w);
	policy_case_free(&c);
}

static void begin(void)
{
	if (!kernel) {
		print_message("# %s\n", why_not);
		skip();
	}
	agree_kernel_keep_flows(kernel, false);
}

static void the_rule_of_late_needs_no_bytecode(void **state)
{
	(void)state;
	begin();
	try_form(POLICY_FORM_CODE, false);
	try_form(POLICY_FORM_CODE, true);
}

static void the_rule_of_late_needs_no_data(void **state)
{
	(void)state;
	begin();
	try_form(POLICY_FORM_HASH, false);
	try_form(POLICY_FORM_HASH, true);
}

static void rules_that_ask_more_are_asked_again(void **state)
{
	(void)state;
	begin();
	try_tos(POLICY_FORM_CODE);
	try_tos(POLICY_FORM_HASH);
}

static int setup(void **state)
{
	int ret = agree_kernel.open(&kernel, &why_not);

	(void)state;
	if (ret)
		kernel = NULL;
	return ret == -ENOTSUP ? 0 : ret;
}

static int teardown(void **state)
{
	(void)state;
	if (kernel)
		agree_kernel.close(&kernel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rule_of_late_needs_no_bytecode),
		cmocka_unit_test(the_rule_of_late_needs_no_data),
		cmocka_unit_test(rules_that_ask_more_are_asked_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
