/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_spec.c: a packet's specification -> lengths. */
#include "packet_spec.h"

static uint16_t as_u16(long value)
{
	if (value < 0)
		return 0;
	return value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;
}

bool packet_is_later(const struct packet_spec *s)
{
	if (s->ip == 4)
		return s->fragment_offset != 0;
	for (unsigned i = 0; i < s->ext_count; i++)
		if (s->ext[i].type == 44 && s->ext[i].fragment_offset != 0)
			return true;
	return false;
}

enum packet_transport packet_transport_of(const struct packet_spec *s)
{
	if (packet_is_later(s))
		return TRANSPORT_OTHER;
	if (s->proto == 6)
		return TRANSPORT_TCP;
	if (s->proto == 17)
		return TRANSPORT_UDP;
	if (s->proto == (s->ip == 4 ? 1 : 58))
		return TRANSPORT_ICMP;
	return TRANSPORT_OTHER;
}

unsigned packet_transport_len(const struct packet_spec *s)
{
	static const unsigned header[] = {
		[TRANSPORT_OTHER] = 0,
		[TRANSPORT_TCP] = 20,
		[TRANSPORT_UDP] = 8,
		[TRANSPORT_ICMP] = 8,
	};

	return header[packet_transport_of(s)] + s->data_len;
}

unsigned packet_exts_len(const struct packet_spec *s)
{
	unsigned len = 0;

	for (unsigned i = 0; i < s->ext_count; i++)
		len += s->ext[i].len;
	return len;
}

static unsigned ipv4_header_len(const struct packet_spec *s)
{
	return s->ihl > 5 ? s->ihl * 4u : 20u;
}

uint16_t packet_stated_len(const struct packet_spec *s)
{
	long len = (long)packet_transport_len(s);

	len += s->ip == 4 ? ipv4_header_len(s) : packet_exts_len(s);
	return as_u16(len + s->length_error);
}

uint16_t packet_stated_udp_len(const struct packet_spec *s)
{
	return as_u16(8 + (long)s->data_len + s->udp_error);
}

size_t packet_full_len(const struct packet_spec *s)
{
	size_t len = (size_t)s->padding;

	if (s->link == NFR_LINK_ETHER)
		len += 14 + 4 * (size_t)s->tag_count;
	if (s->ip == 0)
		return len + 1 + s->data_len;
	len += s->ip == 4 ? ipv4_header_len(s) : 40 + packet_exts_len(s);
	return len + packet_transport_len(s);
}

size_t packet_frame_len(const struct packet_spec *s)
{
	size_t len = packet_full_len(s);

	return len < s->cut ? len : s->cut;
}
