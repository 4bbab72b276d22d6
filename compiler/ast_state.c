/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ast_state.c: the words in parentheses behind log, state, scrub and set ->
 * what they ask for. Each is given once.
 */
#include "construct.h"

#include <string.h>

#define TABLE_NAME_MAX 31
#define DELAY_MAX 65535

static void twice(struct front *f, struct span at, const char *word)
{
	diag_error(f->diag, at, "parse", "\"%s\" is given twice", word);
}

static void flag_set(struct front *f, const struct item *item, bool *flag,
		     const char *word)
{
	if (*flag)
		twice(f, item->at, word);
	*flag = true;
}

static void number_set(struct front *f, const struct item *item,
		       uint32_t *number, const char *word)
{
	if (*number)
		twice(f, item->at, word);
	*number = (uint32_t)text_number(f, item->span, item->text, word, 0,
					UINT32_MAX);
}

/* ---- log ---- */

struct log log_add(struct front *f, struct log log, struct item item)
{
	if (!item.kind) {
		const char *digits = item.text + 5;
		bool is_pflog = !strncmp(item.text, "pflog", 5) && *digits &&
				strspn(digits, "0123456789") == strlen(digits);
		if (log.to)
			twice(f, item.at, "to");
		if (!is_pflog)
			diag_error(f->diag, item.span, "parse",
				   "\"%s\" is not a log interface: pflog0, "
				   "pflog1 ...",
				   item.text);
		/* pflog0 is where everything goes that says nothing. */
		log.to = strcmp(item.text, "pflog0") ? item.text : NULL;
		return log;
	}
	log.words |= (unsigned)item.kind * RULE_LOG_OPTION;
	return log;
}

/* ---- keep state (...) ---- */

static void rate_set(struct front *f, struct ast_state_options *s,
		     const struct item *item)
{
	if (s->rate_conns)
		twice(f, item->at, "max-src-conn-rate");
	s->rate_conns =
		(uint32_t)text_number(f, item->span, item->text,
				      "number of connections", 1, UINT32_MAX);
	s->rate_seconds =
		(uint32_t)text_number(f, item->span2, item->text2,
				      "number of seconds", 1, UINT32_MAX);
}

static void overload_set(struct front *f, struct ast_state_options *s,
			 const struct item *item)
{
	if (s->overload)
		twice(f, item->at, "overload");
	name_check(f, item->span, item->text, "table name", TABLE_NAME_MAX);
	s->overload = item->text;
	s->overload_span = item->span;
	s->is_flush = item->kind != STATE_OVERLOAD;
	s->is_flush_global = item->kind == STATE_OVERLOAD_FLUSH_GLOBAL;
}

static void timeout_set(struct front *f, struct ast_state_options *s,
			const struct item *item)
{
	int which = keyword_timeout(item->text2);
	uint32_t bit = UINT32_C(1) << which;
	if (s->timeouts_given & bit)
		twice(f, item->at, item->text2);
	if (which == AST_TIMEOUT_FRAG || which == AST_TIMEOUT_INTERVAL)
		diag_error(f->diag, item->at, "type",
			   "\"%s\" is not a state's timeout: \"set timeout "
			   "%s\" sets it for all",
			   item->text2, item->text2);
	s->timeouts_given |= bit;
	s->timeouts[which] = (uint32_t)text_number(f, item->span, item->text,
						   "timeout", 0, UINT32_MAX);
}

static void track_set(struct front *f, struct ast_state_options *s,
		      const struct item *item)
{
	if (s->track)
		twice(f, item->at, "source-track");
	s->track = (enum ast_track)item->number;
}

static void binding_set(struct front *f, struct ast_state_options *s,
			const struct item *item)
{
	bool is_bound = item->kind == STATE_IF_BOUND;
	if (is_bound ? s->is_floating : s->is_if_bound)
		diag_error(f->diag, item->at, "type",
			   "a state is bound to its interface or floats, not "
			   "both");
	if (is_bound)
		flag_set(f, item, &s->is_if_bound, "if-bound");
	else
		flag_set(f, item, &s->is_floating, "floating");
}

struct ast_state_options *
state_add(struct front *f, struct ast_state_options *s, struct item item)
{
	if (!s) {
		s = arena_new_of(f->arena, struct ast_state_options);
		s->span = item.at;
	}
	s->span = span_join(s->span, item.at);
	switch ((enum state_item)item.kind) {
	case STATE_NO_SYNC:
		flag_set(f, &item, &s->is_no_sync, "no-sync");
		break;
	case STATE_IF_BOUND:
	case STATE_FLOATING:
		binding_set(f, s, &item);
		break;
	case STATE_SLOPPY:
		flag_set(f, &item, &s->is_sloppy, "sloppy");
		break;
	case STATE_PFLOW:
		flag_set(f, &item, &s->is_pflow, "pflow");
		break;
	case STATE_MAX:
		number_set(f, &item, &s->max, "max");
		break;
	case STATE_MAX_NODES:
		number_set(f, &item, &s->max_src_nodes, "max-src-nodes");
		break;
	case STATE_MAX_STATES:
		number_set(f, &item, &s->max_src_states, "max-src-states");
		break;
	case STATE_MAX_CONN:
		number_set(f, &item, &s->max_src_conn, "max-src-conn");
		break;
	case STATE_TRACK:
		track_set(f, s, &item);
		break;
	case STATE_RATE:
		rate_set(f, s, &item);
		break;
	case STATE_TIMEOUT:
		timeout_set(f, s, &item);
		break;
	case STATE_OVERLOAD:
	case STATE_OVERLOAD_FLUSH:
	case STATE_OVERLOAD_FLUSH_GLOBAL:
		overload_set(f, s, &item);
		break;
	}
	return s;
}

/* ---- scrub (...) ---- */

static void reassemble_set(struct front *f, struct ast_scrub *s,
			   const struct item *item)
{
	static const char *const protocols[] = {"tcp"};
	word_choose(f, item->span, item->text, "what can be reassembled",
		    protocols, 1);
	flag_set(f, item, &s->is_reassemble_tcp, "reassemble tcp");
}

struct ast_scrub *scrub_add(struct front *f, struct ast_scrub *s,
			    struct item item)
{
	if (!s) {
		s = arena_new_of(f->arena, struct ast_scrub);
		s->span = item.at;
	}
	s->span = span_join(s->span, item.at);
	switch ((enum scrub_item)item.kind) {
	case SCRUB_NO_DF:
		flag_set(f, &item, &s->is_no_df, "no-df");
		break;
	case SCRUB_RANDOM_ID:
		flag_set(f, &item, &s->is_random_id, "random-id");
		break;
	case SCRUB_MIN_TTL:
		if (s->min_ttl)
			twice(f, item.at, "min-ttl");
		s->min_ttl = (uint8_t)text_number(f, item.span, item.text,
						  "min-ttl", 0, 255);
		break;
	case SCRUB_MAX_MSS:
		if (s->max_mss)
			twice(f, item.at, "max-mss");
		s->max_mss = (uint16_t)text_number(f, item.span, item.text,
						   "max-mss", 0, 65535);
		break;
	case SCRUB_REASSEMBLE:
		reassemble_set(f, s, &item);
		break;
	case SCRUB_SET_TOS:
		if (s->has_set_tos)
			twice(f, item.at, "set-tos");
		s->has_set_tos = true;
		s->set_tos = tos_number(f, item.span, item.text);
		break;
	}
	return s;
}

struct ast_scrub *scrub_fragment(struct front *f, struct ast_scrub *s,
				 struct span span, const char *how)
{
	static const char *const known[] = {"reassemble", "crop", "drop-ovl"};
	int which = word_choose(f, span, how, "how fragments are treated",
				known, 3);
	if (which > 0)
		diag_error(f->diag, span, "unsupported",
			   "\"fragment %s\" is not supported: fragments are "
			   "put together or blocked",
			   how);
	return s;
}

/* ---- set (...) ---- */

/* 0 to 7, or what is 0 after an error. */
static uint8_t prio_number(struct front *f, struct span span, const char *text)
{
	return (uint8_t)text_number(f, span, text, "prio", 0, 7);
}

struct ast_changes *change_add(struct front *f, struct ast_changes *c,
			       struct item item)
{
	if (!c) {
		c = arena_new_of(f->arena, struct ast_changes);
		c->span = item.at;
	}
	c->span = span_join(c->span, item.at);
	switch ((enum change_item)item.kind) {
	case CHANGE_PRIO:
		flag_set(f, &item, &c->has_prio, "prio");
		c->prio = prio_number(f, item.span, item.text);
		c->prio_lowdelay =
			item.text2 ? prio_number(f, item.span2, item.text2)
				   : c->prio;
		break;
	case CHANGE_TOS:
		flag_set(f, &item, &c->has_tos, "tos");
		c->tos = tos_number(f, item.span, item.text);
		break;
	case CHANGE_DELAY:
		flag_set(f, &item, &c->has_delay, "delay");
		c->delay = (uint16_t)text_number(f, item.span, item.text,
						 "delay", 0, DELAY_MAX);
		break;
	}
	return c;
}
