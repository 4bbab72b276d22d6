/* SPDX-License-Identifier: BSD-2-Clause */
/* image_key.c: a packet key -> "udp 10.0.0.1:40000 > 9.9.9.9:53 out eth0". */
#include <stdio.h>
#include <string.h>

#include "../runtime/packet.h"
#include "host.h"
#include "image_search.h"

#define END_TEXT_MAX (ADDR_TEXT_MAX + 10)

static void end_text(const struct nfr_key *key, unsigned field, __u32 port,
		     char out[END_TEXT_MAX])
{
	enum addr_family family = (enum addr_family)key->w[NFR_F_FAMILY];
	__u32 proto = key->w[NFR_F_PROTO];
	char text[ADDR_TEXT_MAX];
	struct addr a;

	memcpy(a.w, &key->w[field], sizeof(a.w));
	addr_format(&a, family, text);
	if (proto != PACKET_TCP && proto != PACKET_UDP)
		snprintf(out, END_TEXT_MAX, "%s", text);
	else if (family == FAMILY_IPV6)
		snprintf(out, END_TEXT_MAX, "[%s]:%u", text, port);
	else
		snprintf(out, END_TEXT_MAX, "%s:%u", text, port);
}

static void proto_text(const struct nfr_key *key, char out[40])
{
	__u32 proto = key->w[NFR_F_PROTO];
	const char *name = host_proto_name(proto);

	if (proto == PACKET_ICMP || proto == PACKET_ICMP6)
		snprintf(out, 40, "%s type %u", name, key->w[NFR_F_ICMP] >> 8);
	else if (name)
		snprintf(out, 40, "%s", name);
	else
		snprintf(out, 40, "proto %u", proto);
}

const char *image_key_text(const struct image *img, const struct nfr_key *key,
			   char out[IMAGE_KEY_TEXT_MAX])
{
	__u32 ifid = key->w[NFR_F_IFID];
	char src[END_TEXT_MAX], dst[END_TEXT_MAX], proto[40];
	const char *name = ifid ? image_string(img, img->ifaces[ifid - 1].name)
				: "an interface that no rule names";

	proto_text(key, proto);
	end_text(key, NFR_F_SRC0, key->w[NFR_F_SPORT], src);
	end_text(key, NFR_F_DST0, key->w[NFR_F_DPORT], dst);
	snprintf(out, IMAGE_KEY_TEXT_MAX, "%s %s > %s %s %s", proto, src, dst,
		 key->w[NFR_F_DIR] == NFR_DIR_OUT ? "out" : "in", name);
	return out;
}
