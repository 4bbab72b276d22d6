/* SPDX-License-Identifier: BSD-2-Clause */
/* print_rule.c: rules and what they do to packets -> text, in pf's order. */
#include "print_internal.h"

#include <string.h>

/* ---- verdict and log ---- */

static void print_code(const struct ast_name *code, const char *preset, FILE *f)
{
	if (code->span.start || code->text)
		print_name(code, f);
	else
		fputs(preset, f);
}

/* Of one family there is one code, else one of each. */
static void print_return_icmp(const struct ast_rule *r, FILE *f)
{
	bool is_ipv6 = r->ret == AST_RETURN_ICMP6;
	const struct ast_name *code = is_ipv6 ? &r->ret_icmp6 : &r->ret_icmp;
	fputs(is_ipv6 ? " return-icmp6(" : " return-icmp(", f);
	print_code(code, "port-unr", f);
	if (!is_ipv6 && r->match.family == FAMILY_ANY) {
		fputs(", ", f);
		print_code(&r->ret_icmp6, "port-unr", f);
	}
	fputc(')', f);
}

static void print_block(const struct ast_rule *r, FILE *f)
{
	fputs("block", f);
	switch (r->ret) {
	case AST_RETURN_DEFAULT:
		break;
	case AST_RETURN_DROP:
		fputs(" drop", f);
		break;
	case AST_RETURN:
		fputs(" return", f);
		break;
	case AST_RETURN_RST:
		fputs(" return-rst", f);
		if (r->ret_ttl)
			fprintf(f, "(ttl %u)", r->ret_ttl);
		break;
	case AST_RETURN_ICMP:
	case AST_RETURN_ICMP6:
		print_return_icmp(r, f);
		break;
	}
}

static void print_verdict(const struct ast_rule *r, FILE *f)
{
	static const char *const no[] = {
		[AST_NO_NAT] = "no nat",
		[AST_NO_RDR] = "no rdr",
		[AST_NO_BINAT] = "no binat",
		[AST_NO_SCRUB] = "no scrub",
	};
	if (r->no)
		fputs(no[r->no], f);
	else if (r->is_match)
		fputs("match", f);
	else if (r->is_pass)
		fputs("pass", f);
	else
		print_block(r, f);
}

static void print_log_word(const char *word, bool *is_first, FILE *f)
{
	fprintf(f, "%s%s", *is_first ? "" : ", ", word);
	*is_first = false;
}

void print_log(bool is_logged, unsigned log, const char *to, FILE *f)
{
	bool is_first = true;
	if (!is_logged)
		return;
	fputs(" log", f);
	if (!log && !to)
		return;
	fputs(" (", f);
	if (log & AST_LOG_ALL)
		print_log_word("all", &is_first, f);
	if (log & AST_LOG_MATCHES)
		print_log_word("matches", &is_first, f);
	if (log & AST_LOG_USER)
		print_log_word("user", &is_first, f);
	if (to) {
		print_log_word("to ", &is_first, f);
		print_word(to, f);
	}
	fputc(')', f);
}

void print_direction(const struct ast_rule *r, FILE *f)
{
	if (r->has_in != r->has_out)
		fputs(r->has_in ? " in" : " out", f);
}

/* ---- state ---- */

struct comma {
	FILE *f;
	bool is_needed;
};

/* The next member of a list with commas. */
static FILE *next(struct comma *c)
{
	if (c->is_needed)
		fputs(", ", c->f);
	c->is_needed = true;
	return c->f;
}

static void print_track(const struct ast_state_options *s, struct comma *c)
{
	static const char *const words[] = {
		[AST_TRACK] = "source-track",
		[AST_TRACK_RULE] = "source-track rule",
		[AST_TRACK_GLOBAL] = "source-track global",
	};
	if (s->track)
		fputs(words[s->track], next(c));
	if (s->max_src_states)
		fprintf(next(c), "max-src-states %u", s->max_src_states);
	if (s->max_src_conn)
		fprintf(next(c), "max-src-conn %u", s->max_src_conn);
	if (s->rate_conns)
		fprintf(next(c), "max-src-conn-rate %u/%u", s->rate_conns,
			s->rate_seconds);
	if (s->max_src_nodes)
		fprintf(next(c), "max-src-nodes %u", s->max_src_nodes);
	if (!s->overload)
		return;
	fputs("overload ", next(c));
	print_table_name(s->overload, c->f);
	fputs(s->is_flush ? " flush" : "", c->f);
	fputs(s->is_flush_global ? " global" : "", c->f);
}

void print_state_options(const struct ast_state_options *s, FILE *f)
{
	static const char *const timeouts[] = {
#define NFR_TIMEOUT(sym, name, seconds) name,
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
	};
	struct comma c = {f, false};
	if (s->max)
		fprintf(next(&c), "max %u", s->max);
	if (s->is_no_sync)
		fputs("no-sync", next(&c));
	print_track(s, &c);
	if (s->is_if_bound)
		fputs("if-bound", next(&c));
	if (s->is_floating)
		fputs("floating", next(&c));
	if (s->is_sloppy)
		fputs("sloppy", next(&c));
	if (s->is_pflow)
		fputs("pflow", next(&c));
	for (int i = 0; i < AST_TIMEOUT_COUNT; i++) {
		if (s->timeouts_given & UINT32_C(1) << i)
			fprintf(next(&c), "%s %u", timeouts[i], s->timeouts[i]);
	}
}

/* Keeping state is what pass does, so it is said only with options. */
static void print_state(const struct ast_rule *r, FILE *f)
{
	bool is_plain = r->is_pass && !r->state_options;
	if (r->state == AST_STATE_NONE)
		fputs(" no state", f);
	else if (r->state == AST_STATE_KEEP && !is_plain)
		fputs(" keep state", f);
	else if (r->state == AST_STATE_MODULATE)
		fputs(" modulate state", f);
	else if (r->state == AST_STATE_SYNPROXY)
		fputs(" synproxy state", f);
	else if (r->state_options)
		fputs(" keep state", f);
	if (!r->state_options)
		return;
	fputs(" (", f);
	print_state_options(r->state_options, f);
	fputc(')', f);
}

/* ---- what is done to packets ---- */

static void print_changes(const struct ast_changes *s, FILE *f)
{
	struct comma c = {f, false};
	fputs(" set (", f);
	if (s->has_prio && s->prio == s->prio_lowdelay)
		fprintf(next(&c), "prio %u", s->prio);
	else if (s->has_prio)
		fprintf(next(&c), "prio(%u, %u)", s->prio, s->prio_lowdelay);
	if (s->has_tos)
		fprintf(next(&c), "tos 0x%02x", s->tos);
	if (s->has_delay)
		fprintf(next(&c), "delay %u", s->delay);
	fputc(')', f);
}

static void print_scrub(const struct ast_scrub *s, FILE *f)
{
	const char *blank = "";
	fputs(" scrub (", f);
	if (s->is_no_df) {
		fputs("no-df", f);
		blank = " ";
	}
	if (s->is_random_id) {
		fprintf(f, "%srandom-id", blank);
		blank = " ";
	}
	if (s->min_ttl) {
		fprintf(f, "%smin-ttl %u", blank, s->min_ttl);
		blank = " ";
	}
	if (s->is_reassemble_tcp) {
		fprintf(f, "%sreassemble tcp", blank);
		blank = " ";
	}
	if (s->max_mss)
		fprintf(f, "%smax-mss %u", blank, s->max_mss);
	fputc(')', f);
}

/* 50% of 2^32 - 1, with as few decimals as say the same. */
static void print_probability(uint32_t probability, FILE *f)
{
	char text[32];
	snprintf(text, sizeof(text), "%f", probability * 100.0 / 4294967296.0);
	size_t len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	fprintf(f, " probability %.*s%%", (int)len, text);
}

static void print_member(const struct ast_host *h, FILE *f)
{
	print_host(h, f);
	if (h->iface)
		fprintf(f, "@%s", h->iface);
	if (h->weight)
		fprintf(f, " weight %u", h->weight);
}

static void print_pool_port(const struct ast_pool *p, FILE *f)
{
	if (p->port_kind == AST_POOL_PORT_NONE)
		return;
	fputs(" port ", f);
	if (p->port_kind == AST_POOL_PORT_ONE)
		print_name(&p->port_first, f);
	else
		print_port_range(&p->port_first,
				 p->port_kind == AST_POOL_PORT_RANGE
					 ? &p->port_last
					 : NULL,
				 f);
}

static void print_pool(const char *word, const struct ast_pool *p, FILE *f)
{
	static const char *const types[] = {
		[AST_POOL_PLAIN] = "",
		[AST_POOL_BITMASK] = " bitmask",
		[AST_POOL_RANDOM] = " random",
		[AST_POOL_SOURCE_HASH] = " source-hash",
		[AST_POOL_ROUND_ROBIN] = " round-robin",
		[AST_POOL_LEAST_STATES] = " least-states",
	};
	if (!p)
		return;
	bool is_list = p->hosts && p->hosts->next;
	fprintf(f, " %s", word);
	open_list(is_list, f);
	for (const struct ast_host *h = p->hosts; h; h = h->next) {
		print_member(h, f);
		next_of_list(h->next, f);
	}
	close_list(is_list, f);
	print_pool_port(p, f);
	fputs(types[p->type], f);
	if (p->hash_key) {
		fputc(' ', f);
		print_word(p->hash_key, f);
	}
	fputs(p->is_sticky ? " sticky-address" : "", f);
	fputs(p->is_static_port ? " static-port" : "", f);
}

static void print_divert(const struct ast_effects *e, FILE *f)
{
	switch (e->divert) {
	case AST_DIVERT_NONE:
		return;
	case AST_DIVERT_REPLY:
		fputs(" divert-reply", f);
		return;
	case AST_DIVERT_TO:
		fputs(" divert-to ", f);
		print_host(e->divert_host, f);
		break;
	case AST_DIVERT_PACKET:
		fputs(" divert-packet", f);
		break;
	}
	fputs(" port ", f);
	print_name(&e->divert_port, f);
}

static void print_translation(const struct ast_effects *e, FILE *f)
{
	print_divert(e, f);
	if (e->af_to != FAMILY_ANY) {
		fputs(" af-to", f);
		print_family(e->af_to, f);
		print_pool("from", e->af_from, f);
		print_pool("to", e->af_dst, f);
	}
	print_pool("nat-to", e->nat, f);
	print_pool("binat-to", e->binat, f);
	print_pool("rdr-to", e->rdr, f);
	print_pool("route-to", e->route_to, f);
	print_pool("reply-to", e->reply_to, f);
	print_pool("dup-to", e->dup_to, f);
}

/* ---- the rule ---- */

void print_options(const struct ast_rule *r, FILE *f)
{
	const struct ast_effects *e = r->effects;
	print_criteria(&r->match, f);
	if (r->rate_packets)
		fprintf(f, " max-pkt-rate %u/%u", r->rate_packets,
			r->rate_seconds);
	if (e && e->changes)
		print_changes(e->changes, f);
	print_state(r, f);
	if (r->probability)
		print_probability(r->probability, f);
	fputs(r->match.is_fragment ? " fragment" : "", f);
	if (e && e->scrub)
		print_scrub(e->scrub, f);
	fputs(r->allows_opts ? " allow-opts" : "", f);
	if (r->label && *r->label) {
		fputs(" label ", f);
		print_string(r->label, f);
	}
	fputs(r->is_once ? " once" : "", f);
	if (r->tag) {
		fputs(" tag ", f);
		print_word(r->tag, f);
	}
	print_tagged(&r->match, f);
	if (r->has_rtable)
		fprintf(f, " rtable %u", r->rtable);
	if (e)
		print_translation(e, f);
}

/* ---- the older lines ---- */

static void print_old_scrub(const struct ast_rule *r, FILE *f)
{
	const struct ast_effects *e = r->effects;
	const struct ast_scrub *s = e ? e->scrub : NULL;
	fputs("scrub", f);
	print_direction(r, f);
	print_log(r->is_logged, r->log, r->log_to, f);
	print_head(&r->match, f);
	if (s && s->is_no_df)
		fputs(" no-df", f);
	if (s && s->is_random_id)
		fputs(" random-id", f);
	if (s && s->min_ttl)
		fprintf(f, " min-ttl %u", s->min_ttl);
	if (s && s->is_reassemble_tcp)
		fputs(" reassemble tcp", f);
	if (s && s->max_mss)
		fprintf(f, " max-mss %u", s->max_mss);
	if (e && e->changes && e->changes->has_tos)
		fprintf(f, " set-tos 0x%02x", e->changes->tos);
}

/* The pool of a binat line is the first half's, which is for "out". */
static void print_old_translation(const struct ast_rule *r, FILE *f)
{
	static const char *const words[] = {
		[AST_NO_NAT] = "nat",
		[AST_NO_RDR] = "rdr",
		[AST_NO_BINAT] = "binat",
	};
	struct ast_effects rest = *r->effects;
	struct ast_rule bare = *r;
	struct ast_pool pool = rest.nat ? *rest.nat : *rest.rdr;
	if (r->older == AST_NO_BINAT)
		pool.is_static_port = false;
	rest.nat = rest.rdr = NULL;
	bare.effects = &rest;
	fputs(words[r->older], f);
	fputs(r->is_pass ? " pass" : "", f);
	print_log(r->is_logged, r->log, r->log_to, f);
	print_head(&r->match, f);
	print_options(&bare, f);
	print_pool("->", &pool, f);
}

void print_rule(const struct ast_rule *r, FILE *f)
{
	if (r->keeps_older && r->older == AST_NO_SCRUB) {
		print_old_scrub(r, f);
		return;
	}
	if (r->keeps_older && r->effects &&
	    (r->effects->nat || r->effects->rdr)) {
		print_old_translation(r, f);
		return;
	}
	print_verdict(r, f);
	print_direction(r, f);
	print_log(r->is_logged, r->log, r->log_to, f);
	fputs(r->is_quick ? " quick" : "", f);
	print_head(&r->match, f);
	print_options(r, f);
}
