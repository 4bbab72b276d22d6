/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet_expect.c: a packet's specification -> what a parser must find.
 *
 * Walks the specification, header by header, with the place where each of them
 * ends. The first doubt is the answer.
 */
#include "packet_spec.h"

#include <string.h>

struct walk {
	const struct packet_spec *spec;
	struct nfr_key *key;
	struct packet_expected *out;
	size_t at;    /* where the next header starts */
	size_t start; /* where what IPv6 counts starts */
	size_t frame; /* bytes there are */
	size_t limit; /* where the IP payload ends */
	enum nfr_reason doubt;
};

static bool doubt(struct walk *w, enum nfr_reason reason)
{
	w->doubt = reason;
	return false;
}

/* Can a header of so many bytes be read here? */
static bool can_read(struct walk *w, size_t len)
{
	size_t end = w->at + len;

	if (end > NFR_HEADERS_MAX)
		return doubt(w, NFR_REASON_HEADERS);
	if (end > w->frame || end > w->limit)
		return doubt(w, NFR_REASON_SHORT);
	return true;
}

static bool walk_ether(struct walk *w)
{
	const struct packet_spec *s = w->spec;

	if (!can_read(w, 14))
		return false;
	w->at = 14;
	for (unsigned i = 0; i < s->tag_count; i++) {
		if (i == NFR_VLAN_TAGS_MAX)
			return doubt(w, NFR_REASON_VLAN);
		if (!can_read(w, 4))
			return false;
		w->at += 4;
	}
	w->key->w[NFR_F_ETHERTYPE] = s->ethertype;
	return true;
}

static bool walk_raw(struct walk *w)
{
	if (!can_read(w, 1))
		return false;
	if (w->spec->version != 4 && w->spec->version != 6)
		return doubt(w, NFR_REASON_IP_VERSION);
	w->key->w[NFR_F_ETHERTYPE] = w->spec->version == 4 ? 0x0800 : 0x86dd;
	return true;
}

/* A connection begins, goes on or is reset: one of them, with all it takes. */
static bool can_be_sent(unsigned flags)
{
	enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

	if (flags & SYN)
		return !(flags & (FIN | RST));
	if (flags & ACK)
		return true;
	return flags & RST && !(flags & FIN);
}

static bool walk_tcp(struct walk *w)
{
	size_t stated = w->spec->doff * (size_t)4;

	if (!can_read(w, 20))
		return false;
	if (stated < 20)
		return doubt(w, NFR_REASON_L4_LENGTH);
	if (w->at + stated > NFR_HEADERS_MAX)
		return doubt(w, NFR_REASON_HEADERS);
	if (w->at + stated > w->limit)
		return doubt(w, NFR_REASON_L4_LENGTH);
	w->key->w[NFR_F_SPORT] = w->spec->sport;
	w->key->w[NFR_F_DPORT] = w->spec->dport;
	w->key->w[NFR_F_TCPFLAGS] = w->spec->tcpflags;
	return can_be_sent(w->spec->tcpflags) || doubt(w, NFR_REASON_TCP_FLAGS);
}

static bool walk_udp(struct walk *w)
{
	bool is_fragment = w->key->w[NFR_F_BITS] & NFR_BIT_FRAGMENT;
	size_t stated = packet_stated_udp_len(w->spec);

	if (!can_read(w, 8))
		return false;
	if (stated < 8 || (!is_fragment && stated > w->limit - w->at))
		return doubt(w, NFR_REASON_L4_LENGTH);
	w->key->w[NFR_F_SPORT] = w->spec->sport;
	w->key->w[NFR_F_DPORT] = w->spec->dport;
	return true;
}

/*
 * A piece of a datagram starts here, behind so many bytes of headers that the
 * datagram's length counts.
 */
static void note_piece(struct walk *w, size_t headers, unsigned offset,
		       bool more)
{
	size_t len = w->limit - w->at;

	if (offset == 0 && !more)
		return;
	if (headers + offset * (size_t)8 + len > 65535)
		w->out->piece_doubt = NFR_REASON_IP_LENGTH;
	else if (len == 0 || (more && len % 8 != 0))
		w->out->piece_doubt = NFR_REASON_FRAGMENT;
}

/* The data of a packet are 0x45: an IPv4 header, of a later fragment. */
static void note_quote(struct walk *w)
{
	const struct packet_spec *s = w->spec;
	size_t end = w->at + 8 + 20;
	bool is_error = s->ip == 4 ? s->icmp_type == 3 || s->icmp_type == 4 ||
					     s->icmp_type == 11 ||
					     s->icmp_type == 12
				   : s->icmp_type >= 1 && s->icmp_type <= 4;

	w->out->is_unread =
		is_error && !(w->key->w[NFR_F_BITS] & NFR_BIT_FRAGMENT) &&
		(s->ip == 6 || s->data_len == 0 || end > NFR_HEADERS_MAX ||
		 end > w->frame || end > w->limit);
}

static bool walk_transport(struct walk *w)
{
	const struct packet_spec *s = w->spec;

	w->key->w[NFR_F_PROTO] = s->proto;
	switch (packet_transport_of(s)) {
	case TRANSPORT_TCP:
		return walk_tcp(w);
	case TRANSPORT_UDP:
		return walk_udp(w);
	case TRANSPORT_ICMP:
		if (!can_read(w, 8))
			return false;
		w->key->w[NFR_F_ICMP] = s->icmp_type * 256u + s->icmp_code;
		note_quote(w);
		return true;
	case TRANSPORT_OTHER:
		break;
	}
	return true;
}

static void note_addresses(struct walk *w, unsigned words)
{
	memcpy(&w->key->w[NFR_F_SRC0], w->spec->src.w, words * 4);
	memcpy(&w->key->w[NFR_F_DST0], w->spec->dst.w, words * 4);
	w->key->w[NFR_F_TTL] = w->spec->ttl;
	w->key->w[NFR_F_TOS] = w->spec->tos;
}

static bool walk_ipv4(struct walk *w)
{
	const struct packet_spec *s = w->spec;
	size_t header = s->ihl * (size_t)4, total;

	w->key->w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	if (!can_read(w, 20))
		return false;
	if (s->ip != 4 || s->version != 4)
		return doubt(w, NFR_REASON_IP_VERSION);
	if (header < 20)
		return doubt(w, NFR_REASON_IP_LENGTH);
	if (!can_read(w, header))
		return false;
	total = packet_stated_len(s);
	if (total < header || total > w->frame - w->at)
		return doubt(w, NFR_REASON_IP_LENGTH);
	note_addresses(w, 1);
	if (header > 20)
		w->key->w[NFR_F_BITS] |= NFR_BIT_OPTIONS;
	if (s->more_fragments || s->fragment_offset)
		w->key->w[NFR_F_BITS] |= NFR_BIT_FRAGMENT;
	if (s->fragment_offset)
		w->key->w[NFR_F_BITS] |= NFR_BIT_LATER;
	w->limit = w->at + total;
	w->at += header;
	note_piece(w, header, s->fragment_offset, s->more_fragments);
	return walk_transport(w);
}

/* Extension header i by itself. */
static bool walk_ext(struct walk *w, unsigned i)
{
	const struct packet_ext *ext = &w->spec->ext[i];
	uint32_t *bits = &w->key->w[NFR_F_BITS];
	size_t len = ext->len;

	if (i == NFR_EXTHDRS_MAX)
		return doubt(w, NFR_REASON_EXTHDR);
	if (!can_read(w, 8))
		return false;
	if (ext->is_overlong && ext->type != 44)
		len = ext->type == 51 ? (255 + 2) * 4 : (255 + 1) * 8;
	if (!can_read(w, len))
		return false;
	if (ext->type == 0 && i > 0)
		return doubt(w, NFR_REASON_EXTHDR);
	if (ext->type == 0 || ext->type == 60)
		*bits |= NFR_BIT_OPTIONS;
	if (ext->type == 43 && (ext->segments_left || ext->routing_type == 0))
		return doubt(w, NFR_REASON_ROUTING);
	if (ext->type == 44) {
		if (*bits & NFR_BIT_FRAGMENT)
			return doubt(w, NFR_REASON_EXTHDR);
		*bits |= NFR_BIT_FRAGMENT;
		if (ext->fragment_offset)
			*bits |= NFR_BIT_LATER;
	}
	w->at += len;
	if (ext->type == 44)
		note_piece(w, w->at - 8 - w->start, ext->fragment_offset,
			   ext->more_fragments);
	return true;
}

/* Is it in ::ffff:0:0/96? */
static bool is_mapped(const struct addr *a)
{
	const struct addr prefix = {.w = {0, 0, 0xffff, 0}};
	struct addr first = addr_first(*a, FAMILY_IPV6, 96);

	return addr_compare(&first, &prefix) == 0;
}

static bool walk_ipv6(struct walk *w)
{
	const struct packet_spec *s = w->spec;
	size_t stated;

	w->key->w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
	if (!can_read(w, 40))
		return false;
	if (s->ip != 6 || s->version != 6)
		return doubt(w, NFR_REASON_IP_VERSION);
	w->at += 40;
	w->start = w->at;
	stated = packet_stated_len(s);
	if (stated > w->frame - w->at || (stated == 0 && w->frame > w->at))
		return doubt(w, NFR_REASON_IP_LENGTH);
	if (is_mapped(&s->src) || is_mapped(&s->dst))
		return doubt(w, NFR_REASON_ADDRESS);
	note_addresses(w, 4);
	w->limit = w->at + stated;
	for (unsigned i = 0; i < s->ext_count; i++) {
		if (!walk_ext(w, i))
			return false;
		if (w->key->w[NFR_F_BITS] & NFR_BIT_LATER) {
			w->key->w[NFR_F_PROTO] = i + 1 < s->ext_count
							 ? s->ext[i + 1].type
							 : s->proto;
			return true;
		}
	}
	return walk_transport(w);
}

static bool walk_frame(struct walk *w)
{
	bool goes_on;

	if (w->spec->link == NFR_LINK_ETHER)
		goes_on = walk_ether(w);
	else if (w->spec->link == NFR_LINK_RAW)
		goes_on = walk_raw(w);
	else
		return doubt(w, NFR_REASON_LINK);
	if (!goes_on)
		return false;
	if (w->key->w[NFR_F_ETHERTYPE] == 0x0800)
		return walk_ipv4(w);
	if (w->key->w[NFR_F_ETHERTYPE] == 0x86dd)
		return walk_ipv6(w);
	return true;
}

void packet_expect(const struct packet_spec *s, struct packet_expected *out)
{
	struct walk w = {.spec = s,
			 .key = &out->key,
			 .out = out,
			 .frame = packet_frame_len(s),
			 .limit = SIZE_MAX,
			 .doubt = NFR_REASON_NONE};

	memset(out, 0, sizeof(*out));
	walk_frame(&w);
	out->doubt = (uint8_t)w.doubt;
	if (out->doubt != NFR_REASON_NONE)
		memset(&out->key, 0, sizeof(out->key));
}

void packet_expect_origin(const uint8_t *frame, size_t len, uint32_t ingress,
			  struct nfr_key *key)
{
	bool is_ip = len > 14 && ((frame[12] == 0x08 && frame[13] == 0x00) ||
				  (frame[12] == 0x86 && frame[13] == 0xdd));

	if (key->w[NFR_F_DIR] != NFR_DIR_OUT)
		return;
	key->w[NFR_F_ORIGIN] |= NFR_ORIGIN_OWN;
	/* Nothing waits in a test run. */
	if (key->w[NFR_F_FAMILY] != NFR_FAMILY_IPV6 ||
	    key->w[NFR_F_PROTO] != 58 || key->w[NFR_F_ICMP] >> 8 != 135)
		key->w[NFR_F_ORIGIN] |= NFR_ORIGIN_NEEDED;
	if (is_ip && !ingress)
		key->w[NFR_F_ORIGIN] |= key->w[NFR_F_PROTO] == 58
						? NFR_ORIGIN_KERNEL
						: NFR_ORIGIN_SOCKET;
}
