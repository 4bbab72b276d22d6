/* SPDX-License-Identifier: BSD-2-Clause */
/* event_packet.c: an event's packet fields -> text like tcpdump's, or JSON. */
#include "event_packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "../compiler/addr.h"
#include "../compiler/host.h"
#include "event.h"

#define FLAGS_TEXT_MAX 12

struct icmp_name {
	uint8_t type;
	const char *name;
};

/* RFC 792, 4443, 4861, 2710, 3810. */
static const struct icmp_name icmp_names[] = {
	{0, "echo reply"},
	{3, "unreachable"},
	{5, "redirect"},
	{8, "echo request"},
	{9, "router advertisement"},
	{10, "router solicitation"},
	{11, "time exceeded"},
	{12, "parameter problem"},
};
static const struct icmp_name icmp6_names[] = {
	{1, "unreachable"},
	{2, "packet too big"},
	{3, "time exceeded"},
	{4, "parameter problem"},
	{128, "echo request"},
	{129, "echo reply"},
	{130, "multicast listener query"},
	{131, "multicast listener report"},
	{132, "multicast listener done"},
	{133, "router solicitation"},
	{134, "router advertisement"},
	{135, "neighbor solicitation"},
	{136, "neighbor advertisement"},
	{137, "redirect"},
	{143, "multicast listener report v2"},
};

static const char *icmp_name(const struct icmp_name *names, size_t count,
			     unsigned type)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

/* tcpdump's letters in its order: FSRP.UEW, "none" when there are none. */
static const char *flags_text(uint8_t flags, char out[FLAGS_TEXT_MAX])
{
	static const char letters[] = "FSRP.UEW";
	size_t len = 0;

	for (unsigned bit = 0; bit < 8; bit++)
		if (flags & 1u << bit)
			out[len++] = letters[bit];
	out[len] = '\0';
	return len ? out : "none";
}

static const char *address_text(const __u32 words[4], unsigned family,
				char out[ADDR_TEXT_MAX])
{
	struct addr addr;

	memcpy(addr.w, words, sizeof(addr.w));
	return addr_format(
		&addr, family == NFR_FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6,
		out);
}

static bool is_later(const struct nfr_event *e)
{
	return e->bits & NFR_BIT_LATER;
}

static bool has_ports(const struct nfr_event *e)
{
	return (e->proto == IPPROTO_TCP || e->proto == IPPROTO_UDP) &&
	       !is_later(e);
}

static bool is_icmp(const struct nfr_event *e)
{
	return !is_later(e) &&
	       (e->family == NFR_FAMILY_IPV4 ? e->proto == IPPROTO_ICMP
					     : e->proto == IPPROTO_ICMPV6);
}

static void print_icmp(const struct nfr_event *e, FILE *out)
{
	bool is_ipv4 = e->family == NFR_FAMILY_IPV4;
	unsigned type = e->icmp >> 8, code = e->icmp & 0xff;
	const char *name =
		is_ipv4 ? icmp_name(icmp_names,
				    sizeof(icmp_names) / sizeof(*icmp_names),
				    type)
			: icmp_name(icmp6_names,
				    sizeof(icmp6_names) / sizeof(*icmp6_names),
				    type);

	fputs(is_ipv4 ? "icmp " : "icmp6 ", out);
	if (name)
		fputs(name, out);
	else
		fprintf(out, "type %u", type);
	if (code)
		fprintf(out, " code %u", code);
}

static void print_transport(const struct nfr_event *e, FILE *out)
{
	const char *name = host_proto_name(e->proto);
	char flags[FLAGS_TEXT_MAX];

	if (is_icmp(e)) {
		print_icmp(e, out);
		return;
	}
	if (name)
		fputs(name, out);
	else
		fprintf(out, "proto %u", e->proto);
	if (e->proto == IPPROTO_TCP && !is_later(e))
		fprintf(out, " flags [%s]", flags_text(e->tcpflags, flags));
}

void event_print_packet(const struct nfr_event *e, FILE *out)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	if (e->family != NFR_FAMILY_IPV4 && e->family != NFR_FAMILY_IPV6) {
		if (e->ethertype == ETHERTYPE_ARP)
			fputs("arp", out);
		else
			fprintf(out, "ethertype 0x%04x", e->ethertype);
		fprintf(out, ", length %u", e->length);
		return;
	}
	address_text(e->src, e->family, src);
	address_text(e->dst, e->family, dst);
	fputs(e->family == NFR_FAMILY_IPV4 ? "IP " : "IP6 ", out);
	if (has_ports(e))
		fprintf(out, "%s.%u > %s.%u: ", src, e->sport, dst, e->dport);
	else
		fprintf(out, "%s > %s: ", src, dst);
	print_transport(e, out);
	if (e->bits & NFR_BIT_FRAGMENT)
		fputs(is_later(e) ? ", later fragment" : ", first fragment",
		      out);
	fprintf(out, ", length %u", e->length);
}

static void put_ip(const struct nfr_event *e, json_t *o)
{
	char text[ADDR_TEXT_MAX], flags[FLAGS_TEXT_MAX];

	json_put_int(o, JSON_FIELD_EVENT_PROTO, e->proto);
	json_put_text(o, JSON_FIELD_EVENT_SRC,
		      address_text(e->src, e->family, text));
	json_put_text(o, JSON_FIELD_EVENT_DST,
		      address_text(e->dst, e->family, text));
	if (has_ports(e)) {
		json_put_int(o, JSON_FIELD_EVENT_SPORT, e->sport);
		json_put_int(o, JSON_FIELD_EVENT_DPORT, e->dport);
	}
	if (e->proto == IPPROTO_TCP && !is_later(e))
		json_put_text(o, JSON_FIELD_EVENT_FLAGS,
			      flags_text(e->tcpflags, flags));
	if (is_icmp(e)) {
		json_put_int(o, JSON_FIELD_EVENT_ICMP_TYPE, e->icmp >> 8);
		json_put_int(o, JSON_FIELD_EVENT_ICMP_CODE, e->icmp & 0xff);
	}
	json_put_bool(o, JSON_FIELD_EVENT_FRAGMENT,
		      e->bits & NFR_BIT_FRAGMENT ? 1 : 0);
}

void event_put_packet(const struct nfr_event *e, json_t *o)
{
	bool is_ip =
		e->family == NFR_FAMILY_IPV4 || e->family == NFR_FAMILY_IPV6;

	json_put_text(o, JSON_FIELD_EVENT_FAMILY,
		      e->family == NFR_FAMILY_IPV4   ? "inet"
		      : e->family == NFR_FAMILY_IPV6 ? "inet6"
						     : "link");
	json_put_int(o, JSON_FIELD_EVENT_ETHERTYPE, e->ethertype);
	if (is_ip)
		put_ip(e, o);
	json_put_int(o, JSON_FIELD_EVENT_LENGTH, e->length);
}
