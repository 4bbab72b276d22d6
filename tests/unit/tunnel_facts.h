/* SPDX-License-Identifier: BSD-2-Clause */
/* tunnel_facts.h: a tunnel's policy and packets in words -> which leave. */
#ifndef NFR_TUNNEL_FACTS_H
#define NFR_TUNNEL_FACTS_H

#include "packet_key.h"

#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT

#define UDP(...) UDP_BY(0, __VA_ARGS__)
#define UDP_BY(who, d, i, a, b, sp, dp)                                        \
	{                                                                      \
		.dir = d, .on = i, .src = a, .dst = b, .proto = 17,            \
		.sport = sp, .dport = dp, .origin = who                        \
	}
#define TCP(d, i, a, b, sp, dp)                                                \
	{                                                                      \
		.dir = d, .on = i, .src = a, .dst = b, .proto = 6,             \
		.sport = sp, .dport = dp, .flags = 0x02                        \
	}
#define ICMP6(d, i, type, hops)                                                \
	{                                                                      \
		.dir = d, .on = i, .src = "fe80::1", .dst = "ff02::1",         \
		.proto = 58, .icmp = (type) << 8, .ttl = hops                  \
	}
#define FRAME(...) FRAME_BY(0, __VA_ARGS__)
#define FRAME_BY(who, d, i, e)                                                 \
	{                                                                      \
		.dir = d, .on = i, .ethertype = e, .origin = who               \
	}

#define ARP(...) ARP_BY(0, __VA_ARGS__)
#define ARP_BY(who, d, a, b)                                                   \
	{                                                                      \
		.dir = d, .on = "eth0", .src = a, .dst = b,                    \
		.ethertype = 0x0806, .origin = who                             \
	}
#define NDP(...) NDP_BY(0, __VA_ARGS__)
#define NDP_BY(who, d, a, b, type)                                             \
	{                                                                      \
		.dir = d, .on = "eth0", .src = a, .dst = b, .proto = 58,       \
		.icmp = (type) << 8, .ttl = 255, .origin = who                 \
	}
struct fact {
	const char *name;
	struct packet_words packet;
	bool is_passed;
};

/* Fails with every fact's name that does not hold. */
static inline void assert_facts_of(const struct policy_text *t,
				   const struct fact *facts, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct nfr_key key = packet_key(t->policy, &facts[i].packet);
		struct nfr_result r = model_judge(t->policy, &key);

		if ((r.verdict == NFR_PASS) == facts[i].is_passed)
			continue;
		print_error("%s: verdict %u reason %u rule %u\n", facts[i].name,
			    r.verdict, r.reason, r.rule);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static inline void assert_facts_on(const char *host, const char *policy,
				   const struct fact *facts, size_t count)
{
	struct policy_text t = policy_text_named("test.nfr", policy,
						 strlen(policy), host, NULL);

	assert_int_equal(diag_errors(t.diag), 0);
	assert_facts_of(&t, facts, count);
	policy_text_free(&t);
}

#define ASSERT_FACTS(policy, facts)                                            \
	assert_facts_on("laptop", policy, facts,                               \
			sizeof(facts) / sizeof(*(facts)))

#endif
