/* SPDX-License-Identifier: BSD-2-Clause */
/* state_view.c: a flow state and what explains it -> lines of text, or JSON. */
#include "state_view.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/addr.h"
#include "../compiler/host.h"
#include "../compiler/tag.h"
#include "json.h"
#include "state.h"

#define ENDPOINT_TEXT_MAX (ADDR_TEXT_MAX + 16)
#define HOP_TEXT_MAX (ADDR_TEXT_MAX + 32)
#define TIME_TEXT_MAX 32
#define PROTO_TEXT_MAX 16

static const struct {
	unsigned bit;
	const char *name;
	enum json_field field;
} flags[] = {
	{NFR_STATE_IS_FLOATING, "floating", JSON_FIELD_STATE_FLOATING},
	{NFR_STATE_IS_SLOPPY, "sloppy", JSON_FIELD_STATE_SLOPPY},
	{NFR_STATE_IS_LOOSE, "loose", JSON_FIELD_STATE_LOOSE},
};
#define FLAG_COUNT (sizeof(flags) / sizeof(*flags))

const char *state_phase_name(unsigned proto, unsigned phase)
{
	static const char *const names[] = {
		[NFR_STATE_OPENING] = "OPENING",
		[NFR_STATE_HALF] = "HALF_OPEN",
		[NFR_STATE_ESTABLISHED] = "ESTABLISHED",
		[NFR_STATE_CLOSING] = "CLOSING",
		[NFR_STATE_FINWAIT] = "FIN_WAIT",
		[NFR_STATE_CLOSED] = "CLOSED"};

	if (proto != IPPROTO_TCP)
		return phase == NFR_STATE_OPENING ? "SINGLE" : "MULTIPLE";
	return phase < sizeof(names) / sizeof(*names) ? names[phase] : "?";
}

struct nfr_endpoints state_stack(const struct nfr_state_key *name,
				 const struct nfr_state *state)
{
	struct nfr_endpoints own;

	if (state->flags & NFR_STATE_IS_TRANSLATED)
		return state->stack;
	memcpy(own.near_addr, name->near_addr, sizeof(own.near_addr));
	memcpy(own.far_addr, name->far_addr, sizeof(own.far_addr));
	own.near_port = name->near_port;
	own.far_port = name->far_port;
	return own;
}

/* A state of another CPU's next tick is of now. */
static uint64_t seconds_since(const struct state_view *v, uint64_t then)
{
	int64_t age = (int64_t)(v->now - then);

	return age > 0 && v->hz ? (uint64_t)age / v->hz : 0;
}

static int64_t jiffies_left(const struct state_view *v)
{
	int64_t limit = v->state->timeout;

	return limit - (int64_t)(v->now - v->state->last_seen);
}

bool state_is_expired(const struct state_view *v)
{
	return jiffies_left(v) < 0;
}

int64_t state_seconds_left(const struct state_view *v)
{
	int64_t left = jiffies_left(v);

	if (left < 0)
		return -1;
	return v->hz ? left / v->hz : left;
}

const struct image_ruleinfo *state_ruleinfo(const struct state_view *v)
{
	if (!v->image || v->state->rule >= v->image->rule_count)
		return NULL;
	return &v->image->ruleinfo[v->state->rule];
}

const char *state_tag(const struct state_view *v, char out[STATE_TAG_MAX])
{
	__u32 tag = v->state->given;

	const char *name = v->image ? tag_name(v->image, tag) : NULL;

	if (name)
		return name;
	snprintf(out, STATE_TAG_MAX, "%u", tag);
	return out;
}

/* ---- parts ------------------------------------------------------------- */

static const char *proto_text(const struct state_view *v,
			      char out[PROTO_TEXT_MAX])
{
	const char *name = host_proto_name(v->name->proto);

	if (name)
		return name;
	snprintf(out, PROTO_TEXT_MAX, "%u", v->name->proto);
	return out;
}

static bool is_echo(unsigned proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static const char *addr_text(const struct state_view *v, const __u32 words[4],
			     char out[ADDR_TEXT_MAX])
{
	struct addr addr;

	memcpy(addr.w, words, sizeof(addr.w));
	return addr_format(&addr, (enum addr_family)v->name->family, out);
}

/* pfctl's: "10.0.0.1:443", "2001:db8::1[443]", without a port when it is 0. */
static void endpoint_text(const struct state_view *v, const __u32 words[4],
			  unsigned port, char out[ENDPOINT_TEXT_MAX])
{
	bool is_v6 = v->name->family == NFR_FAMILY_IPV6;
	char addr[ADDR_TEXT_MAX];

	addr_text(v, words, addr);
	if (!port && v->name->proto != IPPROTO_TCP &&
	    v->name->proto != IPPROTO_UDP)
		snprintf(out, ENDPOINT_TEXT_MAX, "%s", addr);
	else
		snprintf(out, ENDPOINT_TEXT_MAX, is_v6 ? "%s[%u]" : "%s:%u",
			 addr, port);
}

/* What the host sees stands in parentheses, where it is something else. */
static void print_endpoint(const struct state_view *v, bool is_near, FILE *out)
{
	struct nfr_endpoints stack = state_stack(v->name, v->state);
	char wire[ENDPOINT_TEXT_MAX], own[ENDPOINT_TEXT_MAX];

	endpoint_text(v, is_near ? v->name->near_addr : v->name->far_addr,
		      is_near ? v->name->near_port : v->name->far_port, wire);
	endpoint_text(v, is_near ? stack.near_addr : stack.far_addr,
		      is_near ? stack.near_port : stack.far_port, own);
	fputs(wire, out);
	if (strcmp(wire, own) != 0)
		fprintf(out, " (%s)", own);
}

/* "00:01:30", hours as many as there are. */
static const char *time_text(uint64_t seconds, char out[TIME_TEXT_MAX])
{
	snprintf(out, TIME_TEXT_MAX, "%02" PRIu64 ":%02u:%02u", seconds / 3600,
		 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	return out;
}

/* "eth1 192.0.2.1", "eth1"; false: there is no such order. */
static bool hop_text(const struct state_view *v, enum nfr_dir dir,
		     char out[HOP_TEXT_MAX])
{
	static const __u32 none[4];
	const struct nfr_hop *hop = &v->state->hop[dir];
	char addr[ADDR_TEXT_MAX] = "", number[16];
	const char *name = NULL;

	if (!(v->state->flags & NFR_STATE_HAS_HOP) || !hop->ifindex)
		return false;
	if (v->ifname_of)
		name = v->ifname_of(v->ifname_arg, hop->ifindex);
	snprintf(number, sizeof(number), "if%u", hop->ifindex);
	if (memcmp(hop->addr, none, sizeof(none)) != 0)
		addr_text(v, hop->addr, addr);
	snprintf(out, HOP_TEXT_MAX, "%.16s%s%s", name ? name : number,
		 *addr ? " " : "", addr);
	return true;
}

/* ---- text -------------------------------------------------------------- */

static void print_judge(const struct state_view *v, unsigned verbose, FILE *out)
{
	const struct image_ruleinfo *info = state_ruleinfo(v);

	fprintf(out, "    rule @%u", v->state->rule);
	if (info && info->label)
		fprintf(out, " label \"%s\"",
			image_string(v->image, info->label));
	fprintf(out, ", judged by generation %u", v->state->generation);
	if (v->state->generation != v->generation)
		fprintf(out, ", now %u", v->generation);
	fputc('\n', out);
	if (info && verbose > 1)
		fprintf(out, "    %s\n", image_string(v->image, info->text));
}

static void print_age(const struct state_view *v, FILE *out)
{
	static const char *const hops[] = {"in", "out"};
	const struct nfr_state *s = v->state;
	char age[TIME_TEXT_MAX], left[TIME_TEXT_MAX], text[HOP_TEXT_MAX];
	int64_t seconds = state_seconds_left(v);

	fprintf(out,
		"    age %s, expires in %s, out %" PRIu64 ":%" PRIu64
		", in %" PRIu64 ":%" PRIu64 " packets:bytes",
		time_text(seconds_since(v, s->created), age),
		time_text(seconds < 0 ? 0 : (uint64_t)seconds, left),
		(uint64_t)s->packets[NFR_DIR_OUT],
		(uint64_t)s->bytes[NFR_DIR_OUT],
		(uint64_t)s->packets[NFR_DIR_IN],
		(uint64_t)s->bytes[NFR_DIR_IN]);
	if (s->given)
		fprintf(out, ", tag %s", state_tag(v, text));
	for (unsigned dir = 0; dir < 2; dir++)
		if (hop_text(v, dir, text))
			fprintf(out, ", %s by %s", hops[dir], text);
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (s->flags & flags[i].bit)
			fprintf(out, ", %s", flags[i].name);
	fputc('\n', out);
}

void state_print(const struct state_view *v, unsigned verbose, FILE *out)
{
	char proto[PROTO_TEXT_MAX];

	fprintf(out, "%s %s ", v->ifname, proto_text(v, proto));
	print_endpoint(v, true, out);
	fputs(v->state->dir == NFR_DIR_OUT ? " -> " : " <- ", out);
	print_endpoint(v, false, out);
	fprintf(out, "  %s\n",
		state_phase_name(v->name->proto, v->state->phase));
	if (!verbose)
		return;
	print_judge(v, verbose, out);
	print_age(v, out);
}

/* ---- JSON -------------------------------------------------------------- */

static void put_endpoint(json_t *o, const struct state_view *v,
			 enum json_field addr_field, enum json_field port_field,
			 const __u32 words[4], unsigned port)
{
	char addr[ADDR_TEXT_MAX];

	json_put_text(o, addr_field, addr_text(v, words, addr));
	if (v->name->proto == IPPROTO_TCP || v->name->proto == IPPROTO_UDP)
		json_put_int(o, port_field, port);
}

static void put_endpoints(json_t *o, const struct state_view *v)
{
	const struct nfr_state_key *name = v->name;
	const struct nfr_endpoints *stack = &v->state->stack;
	bool is_translated = v->state->flags & NFR_STATE_IS_TRANSLATED;

	put_endpoint(o, v, JSON_FIELD_STATE_NEAR, JSON_FIELD_STATE_NEAR_PORT,
		     name->near_addr, name->near_port);
	put_endpoint(o, v, JSON_FIELD_STATE_FAR, JSON_FIELD_STATE_FAR_PORT,
		     name->far_addr, name->far_port);
	if (is_echo(name->proto))
		json_put_int(o, JSON_FIELD_STATE_ECHO_ID, name->near_port);
	json_put_bool(o, JSON_FIELD_STATE_TRANSLATED, is_translated);
	if (!is_translated)
		return;
	put_endpoint(o, v, JSON_FIELD_STATE_STACK_NEAR,
		     JSON_FIELD_STATE_STACK_NEAR_PORT, stack->near_addr,
		     stack->near_port);
	put_endpoint(o, v, JSON_FIELD_STATE_STACK_FAR,
		     JSON_FIELD_STATE_STACK_FAR_PORT, stack->far_addr,
		     stack->far_port);
}

static void put_rule(json_t *o, const struct state_view *v)
{
	const struct image_ruleinfo *info = state_ruleinfo(v);

	json_put_int(o, JSON_FIELD_STATE_RULE, v->state->rule);
	json_put_int(o, JSON_FIELD_STATE_GENERATION, v->state->generation);
	json_put_bool(o, JSON_FIELD_STATE_CURRENT,
		      v->state->generation == v->generation);
	if (!info)
		return;
	json_put_text(o, JSON_FIELD_STATE_RULE_TEXT,
		      image_string(v->image, info->text));
	if (info->label)
		json_put_text(o, JSON_FIELD_STATE_LABEL,
			      image_string(v->image, info->label));
}

static void put_hop(json_t *o, const struct state_view *v, enum nfr_dir dir,
		    enum json_field field)
{
	char text[HOP_TEXT_MAX];

	if (hop_text(v, dir, text))
		json_put_text(o, field, text);
}

json_t *state_json(const struct state_view *v)
{
	const struct nfr_state *s = v->state;
	json_t *o = json_object();
	char tag[STATE_TAG_MAX];

	if (!o)
		abort();
	json_put_text(o, JSON_FIELD_STATE_IFACE, v->ifname);
	json_put_text(o, JSON_FIELD_STATE_FAMILY,
		      v->name->family == NFR_FAMILY_IPV4 ? "inet" : "inet6");
	json_put_int(o, JSON_FIELD_STATE_PROTO, v->name->proto);
	json_put_text(o, JSON_FIELD_STATE_DIR,
		      s->dir == NFR_DIR_OUT ? "out" : "in");
	put_endpoints(o, v);
	json_put_text(o, JSON_FIELD_STATE_PHASE,
		      state_phase_name(v->name->proto, s->phase));
	put_rule(o, v);
	json_put_int(o, JSON_FIELD_STATE_AGE,
		     (json_int_t)seconds_since(v, s->created));
	json_put_int(o, JSON_FIELD_STATE_EXPIRES, state_seconds_left(v));
	json_put_int(o, JSON_FIELD_STATE_PACKETS_OUT,
		     (json_int_t)s->packets[NFR_DIR_OUT]);
	json_put_int(o, JSON_FIELD_STATE_BYTES_OUT,
		     (json_int_t)s->bytes[NFR_DIR_OUT]);
	json_put_int(o, JSON_FIELD_STATE_PACKETS_IN,
		     (json_int_t)s->packets[NFR_DIR_IN]);
	json_put_int(o, JSON_FIELD_STATE_BYTES_IN,
		     (json_int_t)s->bytes[NFR_DIR_IN]);
	if (s->given)
		json_put_text(o, JSON_FIELD_STATE_TAG, state_tag(v, tag));
	put_hop(o, v, NFR_DIR_OUT, JSON_FIELD_STATE_HOP_OUT);
	put_hop(o, v, NFR_DIR_IN, JSON_FIELD_STATE_HOP_IN);
	for (size_t i = 0; i < FLAG_COUNT; i++)
		json_put_bool(o, flags[i].field, s->flags & flags[i].bit);
	return o;
}
