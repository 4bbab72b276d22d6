/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_key.h: packets of tests, in words -> the key the rules see. */
#ifndef NFR_TEST_PACKET_KEY_H
#define NFR_TEST_PACKET_KEY_H

#include "policy_text.h"

#include "compiler/model.h"

/* What is zero is not there. Without addresses it is no IP packet. */
struct packet_words {
	enum nfr_dir dir;
	const char *on; /* NULL: an interface that no rule names */
	const char *src, *dst;
	unsigned proto, sport, dport, flags, icmp, ethertype, bits, ttl, tos;
	const char *received; /* going out: where it came in; NULL: made here */
	/*
	 * NFR_ORIGIN_* of what goes out, 0: all of them; or PACKET_FOREIGN. It
	 * is NFR_ORIGIN_OWN, too, unless PACKET_PROXY is there, and
	 * NFR_ORIGIN_NEEDED, unless PACKET_VAIN is.
	 */
	unsigned origin;
};
#define PACKET_FOREIGN 0x80u
#define PACKET_PROXY 0x40u
#define PACKET_VAIN 0x100u

static inline uint32_t key_ifid(const struct policy *p, const char *name)
{
	for (size_t i = 0; name && i < p->iface_count; i++)
		if (strcmp(p->ifaces[i].name, name) == 0)
			return (uint32_t)i + 1;
	return 0;
}

static inline struct nfr_key packet_key(const struct policy *p,
					const struct packet_words *x)
{
	enum addr_family family = 0;
	struct nfr_key key = {{0}};
	struct addr a;

	key.w[NFR_F_IFID] = key_ifid(p, x->on);
	key.w[NFR_F_DIR] = x->dir;
	key.w[NFR_F_ETHERTYPE] = x->ethertype;
	if (x->src) {
		assert_int_equal(addr_parse(x->src, &a, &family), 0);
		memcpy(&key.w[NFR_F_SRC0], a.w, sizeof(a.w));
		assert_int_equal(addr_parse(x->dst, &a, &family), 0);
		memcpy(&key.w[NFR_F_DST0], a.w, sizeof(a.w));
		if (x->ethertype) /* ARP's addresses */
			family = 0;
		else
			key.w[NFR_F_ETHERTYPE] =
				family == FAMILY_IPV4 ? 0x0800 : 0x86dd;
	}
	key.w[NFR_F_FAMILY] = family;
	if (x->dir == NFR_DIR_OUT)
		key.w[NFR_F_ORIGIN] =
			x->origin ? x->origin & NFR_ORIGIN_ALL : NFR_ORIGIN_ALL;
	if (x->dir == NFR_DIR_OUT && !(x->origin & PACKET_PROXY))
		key.w[NFR_F_ORIGIN] |= NFR_ORIGIN_OWN;
	if (x->dir == NFR_DIR_OUT && !(x->origin & PACKET_VAIN))
		key.w[NFR_F_ORIGIN] |= NFR_ORIGIN_NEEDED;
	key.w[NFR_F_PROTO] = x->proto;
	key.w[NFR_F_SPORT] = x->sport;
	key.w[NFR_F_DPORT] = x->dport;
	key.w[NFR_F_TCPFLAGS] = x->flags;
	key.w[NFR_F_ICMP] = x->icmp;
	key.w[NFR_F_BITS] = x->bits;
	key.w[NFR_F_TOS] = x->tos;
	key.w[NFR_F_RECEIVED] = key_ifid(p, x->received);
	key.w[NFR_F_TTL] = x->ttl ? x->ttl : 64;
	return key;
}

#endif
