/* SPDX-License-Identifier: BSD-2-Clause */
/* workload.c: a number of rules -> policy -> image. */
#include "workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void rule_init(struct policy_rule *rule, bool is_pass)
{
	*rule = (struct policy_rule){
		.match = policy_match_any(),
		.is_pass = is_pass,
		.label = "",
		.text = is_pass ? "pass" : "block",
	};
}

/* The i-th /24 of 11.0.0.0/8 ..., or the i-th /48 of 2001:4000::/18 ... */
static void rule_miss(struct policy_rule *rule, enum addr_family family,
		      unsigned i)
{
	struct addr first = {{0}};
	unsigned prefix_len = 24;

	rule_init(rule, false);
	rule->is_quick = true;
	rule->match.families = (uint8_t)(1u << family);
	rule->match.proto = 6;
	if (family == FAMILY_IPV4) {
		first.w[0] = 0x0b000000u + (i << 8);
	} else {
		first.w[0] = 0x20014000u + (i >> 16);
		first.w[1] = i << 16;
		prefix_len = 48;
	}
	rule->match.src = (struct policy_host){
		.kind = POLICY_HOST_RANGE,
		.first = addr_first(first, family, prefix_len),
		.last = addr_last(first, family, prefix_len)};
	rule->match.dport.is_any = false;
	rule->match.dport.first = rule->match.dport.last =
		(uint16_t)(1024 + i % 50000);
}

static void policy_fill(struct policy *policy, unsigned rules, bool keeps_state)
{
	size_t n = 0;

	for (unsigned i = 0; i + 1 < rules; i++) {
		rule_miss(&policy->rules[n++], FAMILY_IPV4, i);
		rule_miss(&policy->rules[n++], FAMILY_IPV6, i);
	}
	rule_init(&policy->rules[n], true);
	policy->rules[n].keeps_state = keeps_state;
	policy->rules[n++].is_quick = true;
	rule_init(&policy->rules[n], false);
	policy->rules[n].match.families = 7;
	policy->rules[n++].is_default = true;
	policy->rule_count = n;
	for (size_t i = 0; i < n; i++)
		policy->rules[i].id = i + 1;
}

static int workload_image(struct policy *policy, struct workload *out)
{
	char error[IMAGE_ERROR_MAX];
	struct code code;
	int ret;

	ret = lower_policy(out->arena, policy, &code);
	if (!ret)
		ret = image_write(policy, &code, sources_new(out->arena),
				  &out->bytes, &out->len);
	if (!ret)
		ret = image_open(out->bytes, out->len, &out->image, error);
	return ret;
}

static void policy_new(struct policy *policy, size_t rules,
		       struct workload *out)
{
	memset(out, 0, sizeof(*out));
	out->arena = arena_new();
	*policy = (struct policy){
		.rules = arena_alloc(out->arena,
				     rules * sizeof(*policy->rules))};
}

int workload_new(unsigned rules, bool keeps_state, struct workload *out)
{
	struct policy policy;

	memset(out, 0, sizeof(*out));
	if (rules == 0 || rules > WORKLOAD_RULES_MAX)
		return -EINVAL;
	policy_new(&policy, (size_t)2 * rules + 2, out);
	policy_fill(&policy, rules, keeps_state);
	return workload_image(&policy, out);
}

/* 198.51.100.9 or 2001:db8:9::9 */
static void rule_nat(struct policy_rule *rule, enum addr_family family,
		     struct arena *arena)
{
	struct policy_target *target = arena_alloc(arena, sizeof(*target));
	struct policy_effects *effects = arena_alloc(arena, sizeof(*effects));
	struct policy_pool *pool = arena_alloc(arena, sizeof(*pool));
	struct addr addr = {{0xc6336409u}};

	if (family == FAMILY_IPV6)
		addr = (struct addr){{0x20010db8u, 0x00090000u, 0, 9}};
	*target = (struct policy_target){.family = family,
					 .first = addr,
					 .last = addr,
					 .prefix_len = (int)addr_bits(family),
					 .weight = 1};
	*pool = (struct policy_pool){.targets = target,
				     .target_count = 1,
				     .has_port = true,
				     .port_first = 50001,
				     .port_last = 65535};
	*effects = (struct policy_effects){.nat = pool, .rtable = -1};
	rule_init(rule, true);
	rule->match.families = (uint8_t)(1u << family);
	rule->match.dirs = 1u << NFR_DIR_OUT;
	rule->keeps_state = true;
	rule->is_quick = true;
	rule->effects = effects;
}

int workload_nat(struct workload *out)
{
	struct policy policy;

	policy_new(&policy, 3, out);
	rule_nat(&policy.rules[0], FAMILY_IPV4, out->arena);
	rule_nat(&policy.rules[1], FAMILY_IPV6, out->arena);
	rule_init(&policy.rules[2], false);
	policy.rules[2].match.families = 7;
	policy.rules[2].is_default = true;
	policy.rule_count = 3;
	for (size_t i = 0; i < 3; i++)
		policy.rules[i].id = i + 1;
	return workload_image(&policy, out);
}

void workload_free(struct workload *w)
{
	free(w->bytes);
	arena_free(&w->arena);
	memset(w, 0, sizeof(*w));
}

size_t workload_frame(enum nfr_family family, __u8 frame[WORKLOAD_FRAME_MAX])
{
	/* 10.0.0.1 > 192.0.2.2 */
	static const __u8 ipv4[] = {0x45, 0, 0,	 40, 0, 0, 0x40, 0, 64, 6,
				    0,	  0, 10, 0,  0, 1, 192,	 0, 2,	2};
	/* 2001:db8::1 > 2001:db8:1::2 */
	static const __u8 ipv6[40] = {
		0x60,	     [5] = 20,	  [6] = 6,     [7] = 64, [8] = 0x20,
		[9] = 0x01,  [10] = 0x0d, [11] = 0xb8, [23] = 1, [24] = 0x20,
		[25] = 0x01, [26] = 0x0d, [27] = 0xb8, [29] = 1, [39] = 2};
	static const __u8 tcp[] = {0x9c, 0x40, 1,    187,  0, 0, 0, 1, 0, 0,
				   0,	 1,    0x50, 0x10, 1, 0, 0, 0, 0, 0};
	const __u8 *ip = family == NFR_FAMILY_IPV4 ? ipv4 : ipv6;
	size_t ip_len = family == NFR_FAMILY_IPV4 ? sizeof(ipv4) : sizeof(ipv6);

	memset(frame, 0, WORKLOAD_FRAME_MAX);
	frame[12] = family == NFR_FAMILY_IPV4 ? 0x08 : 0x86;
	frame[13] = family == NFR_FAMILY_IPV4 ? 0x00 : 0xdd;
	memcpy(frame + 14, ip, ip_len);
	memcpy(frame + 14 + ip_len, tcp, sizeof(tcp));
	return 14 + ip_len + sizeof(tcp);
}

static void swap(__u8 *a, __u8 *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		__u8 byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

void workload_answer(enum nfr_family family, __u8 frame[WORKLOAD_FRAME_MAX])
{
	size_t addr = family == NFR_FAMILY_IPV4 ? 14 + 12 : 14 + 8;
	size_t len = family == NFR_FAMILY_IPV4 ? 4 : 16;
	__u8 *tcp = frame + addr + 2 * len;

	swap(frame + addr, frame + addr + len, len);
	swap(tcp, tcp + 2, 2);
	swap(tcp + 4, tcp + 8, 4);
}
