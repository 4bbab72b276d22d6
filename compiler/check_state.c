/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_state.c: "keep state (...)" as written -> as pf understands it, with
 * what it implies made explicit: source-track by the limits that need it, its
 * timeout by the rate, adaptive timeouts by the limit of states.
 */
#include "check_internal.h"

#include <string.h>

bool rule_keeps_state(const struct ast_rule *r)
{
	return r->is_pass && r->state != AST_STATE_NONE;
}

static bool refuse(struct check *c, struct span span, const char *why)
{
	diag_error(c->diag, span, "type", "%s", why);
	return false;
}

static bool tracks_a_rule(const struct ast_state_options *o)
{
	return o->max_src_nodes || o->max_src_conn || o->rate_conns;
}

static bool options_are_sound(struct check *c, const struct ast_rule *r,
			      const struct ast_state_options *o)
{
	if (o->track == AST_TRACK_GLOBAL && tracks_a_rule(o))
		return refuse(c, o->span,
			      "\"source-track global\" does not go with "
			      "max-src-nodes, max-src-conn or "
			      "max-src-conn-rate");
	if (o->overload && !o->max_src_conn && !o->rate_conns)
		return refuse(c, o->overload_span,
			      "overload needs max-src-conn or "
			      "max-src-conn-rate");
	if (o->is_sloppy &&
	    (r->state == AST_STATE_MODULATE || r->state == AST_STATE_SYNPROXY))
		return refuse(c, o->span,
			      "sloppy does not go with modulate or synproxy");
	if (o->is_if_bound && o->is_floating)
		return refuse(c, o->span,
			      "a state is if-bound or floating, not both");
	return true;
}

static void note_floating(struct check *c, struct span span)
{
	if (!c->is_pf) {
		diag_warning(c->diag, span, WARN_FLOATING,
			     "these states let a flow go on through another "
			     "interface");
		diag_hint(c->diag, "when the tunnel is down, its flows go on "
				   "outside; leave out \"floating\"");
	}
	feature_note(c, FEATURE_STATE_FLOATING, span);
}

/* Those that the datapath takes from a rule: the phases of a flow. */
#define TIMEOUTS_OF_FLOWS                                                      \
	(((1u << AST_TIMEOUT_FRAG) - 1) & ~(1u << AST_TIMEOUT_TCP_TSDIFF))
_Static_assert(AST_TIMEOUT_OTHER_MULTIPLE + 1 == AST_TIMEOUT_FRAG,
	       "the phases come first");

/* Does it say more than which interface a state is bound to? */
static bool has_options(const struct ast_state_options *o)
{
	return o->max || o->max_src_nodes || o->max_src_states ||
	       o->max_src_conn || o->rate_conns || o->is_no_sync ||
	       o->is_sloppy || o->is_pflow || o->track || o->overload ||
	       o->timeouts_given;
}

bool state_is_sound(struct check *c, const struct ast_rule *r)
{
	const struct ast_state_options *o = r->state_options;

	if (!r->is_pass) {
		if (r->state == AST_STATE_DEFAULT || r->state == AST_STATE_NONE)
			return true;
		diag_error(c->diag, r->state_span, "type",
			   "only a pass rule keeps state");
		return false;
	}
	if (!o)
		o = c->defaults.state;
	if (!rule_keeps_state(r) || !o)
		return true;
	if (o->is_floating)
		note_floating(c, o->span);
	if (has_options(o))
		feature_note(c, FEATURE_STATE_OPTIONS, o->span);
	if (o->is_pflow)
		feature_note(c, FEATURE_STATE_PFLOW, o->span);
	if (o->timeouts_given & ~TIMEOUTS_OF_FLOWS)
		feature_note(c, FEATURE_STATE_TIMEOUT, o->span);
	if (o->overload && tables_find(c, o->overload, o->overload_span) < 0)
		return false;
	return options_are_sound(c, r, o);
}

static void timeout_give(struct ast_state_options *o, enum ast_timeout t,
			 uint32_t value)
{
	o->timeouts[t] = value;
	o->timeouts_given |= 1u << t;
}

/* As pf does: in tenths of what is at most. */
static void adaptive_finish(struct ast_state_options *o)
{
	uint32_t both = 1u << AST_TIMEOUT_ADAPTIVE_START |
			1u << AST_TIMEOUT_ADAPTIVE_END;

	/* Below ten these come to 0, which pf takes for none. */
	if (o->max < 10 || (o->timeouts_given & both))
		return;
	timeout_give(o, AST_TIMEOUT_ADAPTIVE_START, o->max / 10 * 6);
	timeout_give(o, AST_TIMEOUT_ADAPTIVE_END, o->max / 10 * 12);
}

static void track_finish(struct ast_state_options *o)
{
	if (tracks_a_rule(o))
		o->track = AST_TRACK_RULE;
	else if (o->track == AST_TRACK ||
		 (o->track == AST_TRACK_NONE && o->max_src_states))
		o->track = AST_TRACK_GLOBAL;
	if (o->track && o->timeouts[AST_TIMEOUT_SRC_TRACK] < o->rate_seconds)
		timeout_give(o, AST_TIMEOUT_SRC_TRACK, o->rate_seconds);
}

static bool is_any_option(const struct ast_state_options *o)
{
	return has_options(o) || o->is_if_bound || o->is_floating;
}

void state_finish(struct check *c, struct ast_rule *r, int proto)
{
	const struct ast_state_options *written = r->state_options;
	struct ast_state_options *o;

	if (!rule_keeps_state(r)) {
		r->state_options = NULL;
		if (!r->is_pass || r->is_match)
			r->state = AST_STATE_DEFAULT;
		return;
	}
	if (r->state != AST_STATE_DEFAULT && r->state != AST_STATE_KEEP &&
	    proto >= 0 && proto != CHECK_PROTO_TCP)
		r->state = AST_STATE_KEEP;
	if (!written)
		written = c->defaults.state;
	o = arena_new_of(c->scratch, struct ast_state_options);
	if (written)
		*o = *written;
	if (!o->is_if_bound && !o->is_floating) {
		o->is_if_bound = c->defaults.is_if_bound;
		o->is_floating = c->defaults.is_floating;
	}
	adaptive_finish(o);
	track_finish(o);
	if (c->is_pf && !c->defaults.is_if_bound)
		o->is_floating = false; /* what pf does anyway */
	r->state_options = is_any_option(o) ? o : NULL;
	if (!r->state_options && r->state == AST_STATE_KEEP)
		r->state = AST_STATE_DEFAULT;
	else if (r->state_options && r->state == AST_STATE_DEFAULT)
		r->state = AST_STATE_KEEP;
}
