/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_set.c: "set ..." -> defaults for what follows. Options that only tune
 * pf's own machinery are understood, and said to do nothing here.
 */
#include "check_internal.h"

#include <string.h>

void set_declare(struct check *c, const struct ast_node *node)
{
	if (node->set.option != AST_SET_DEFAULT)
		return;
	if (c->set_default &&
	    c->set_default->set.is_pass != node->set.is_pass) {
		diag_error(c->diag, node->span, "type",
			   "\"set default\" says both pass and block");
		diag_note(c->diag, c->set_default->span, "the other is here");
	}
	c->set_default = node;
}

/* It is a hole, so only where packets stay on the host. */
static void skip_check(struct check *c, const struct ast_set *set)
{
	struct check_iface iface;

	for (const struct ast_iface *f = set->ifaces; f; f = f->next) {
		if (f->is_negated || !f->name || strcmp(f->name, "any") == 0) {
			diag_error(c->diag, f->span, "skip",
				   "\"set skip on\" takes a loopback "
				   "interface's name");
			continue;
		}
		if (!names_iface(c, f, &iface))
			continue;
		if (!names_is_loopback(c, f->name))
			check_differs(c, f->span, "nfr skips only loopback");
		if (!c->is_pf && host_iface(c->host, f->name) &&
		    !names_is_loopback(c, f->name)) {
			diag_error(c->diag, f->span, "skip",
				   "only loopback can be skipped");
			diag_hint(c->diag,
				  "\"pass quick on %s no state\" is a "
				  "rule that everyone can see",
				  f->name);
		}
		c->policy->ifaces[iface.ifid - 1].is_skipped = true;
	}
}

/* One statement a setting, as pfctl prints them. */
static void settings_check(struct check *c, const struct ast_node *node)
{
	for (const struct ast_setting *s = node->set.settings; s; s = s->next) {
		struct ast_node *one = node_copy(c, node);

		one->set.settings = arena_new_of(c->arena, struct ast_setting);
		*one->set.settings = *s;
		one->set.settings->next = NULL;
		check_print_head(c, one);
	}
}

static void state_policy(struct check *c, const struct ast_node *node)
{
	bool is_floating = strcmp(node->set.word, "floating") == 0;

	c->defaults.is_floating = is_floating;
	c->defaults.is_if_bound = !is_floating && c->is_pf;
	if (!is_floating)
		return;
	feature_note(c, FEATURE_STATE_FLOATING, node->span);
	if (c->is_pf)
		return;
	diag_warning(c->diag, node->span, WARN_FLOATING,
		     "states let a flow go on through another interface");
	diag_hint(c->diag, "when the tunnel is down, its flows go on outside");
}

/* ---- what the datapath is told ------------------------------------------- */

static int timeout_index(const char *name)
{
	static const char *const names[] = {
#define NFR_TIMEOUT(sym, text, seconds) [NFR_TIMEOUT_##sym] = (text),
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
	};

	for (int i = 0; i < NFR_TIMEOUT_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static void timeout_set(struct check *c, unsigned index, uint32_t seconds)
{
	struct policy_options *o = &c->policy->options;

	o->timeouts[index] = seconds;
	o->timeouts_given |= 1u << index;
}

/* pf.conf(5), "set optimization"; the numbers are pfctl(8)'s. */
static void optimization_set(struct check *c, const char *word)
{
	static const struct {
		const char *name;
		uint16_t first, opening, closing, finwait, closed, tsdiff;
		uint32_t established;
	} presets[] = {
		{"normal", 120, 30, 900, 45, 90, 30, 86400},
		{"default", 120, 30, 900, 45, 90, 30, 86400},
		{"satellite", 180, 35, 905, 50, 95, 60, 86400},
		{"high-latency", 180, 35, 905, 50, 95, 60, 86400},
		{"conservative", 3600, 900, 3600, 600, 180, 60, 432000},
		{"aggressive", 30, 5, 60, 30, 30, 10, 18000},
	};

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, word) != 0)
			continue;
		timeout_set(c, NFR_TIMEOUT_TCP_FIRST, presets[i].first);
		timeout_set(c, NFR_TIMEOUT_TCP_OPENING, presets[i].opening);
		timeout_set(c, NFR_TIMEOUT_TCP_ESTABLISHED,
			    presets[i].established);
		timeout_set(c, NFR_TIMEOUT_TCP_CLOSING, presets[i].closing);
		timeout_set(c, NFR_TIMEOUT_TCP_FINWAIT, presets[i].finwait);
		timeout_set(c, NFR_TIMEOUT_TCP_CLOSED, presets[i].closed);
		timeout_set(c, NFR_TIMEOUT_TCP_TSDIFF, presets[i].tsdiff);
	}
}

/* Each takes what is written last, as in pfctl. */
static void option_set(struct check *c, const struct ast_set *set)
{
	if (set->option == AST_SET_OPTIMIZATION && set->word)
		optimization_set(c, set->word);
	for (const struct ast_setting *s = set->settings; s; s = s->next) {
		int index = timeout_index(s->name);

		if (set->option == AST_SET_TIMEOUT && index >= 0)
			timeout_set(c, (unsigned)index, (uint32_t)s->value);
		if (set->option == AST_SET_LIMIT &&
		    strcmp(s->name, "states") == 0)
			c->policy->options.state_limit = (uint32_t)s->value;
	}
}

static bool limits_others(const struct ast_set *set)
{
	for (const struct ast_setting *s = set->settings; s; s = s->next)
		if (strcmp(s->name, "states") != 0)
			return true;
	return false;
}

/* Would it change what happens to packets, and does not? */
static bool is_felt(const struct ast_set *set)
{
	switch (set->option) {
	case AST_SET_LIMIT:
		return limits_others(set);
	case AST_SET_SYNCOOKIES:
		return set->word && strcmp(set->word, "never") != 0;
	case AST_SET_REASSEMBLE:
		return set->is_no_df || (set->word && !strcmp(set->word, "no"));
	default:
		return false;
	}
}

/* 0 is none, as there is without it. */
static bool is_adaptive(const struct ast_set *set)
{
	if (set->option != AST_SET_TIMEOUT)
		return false;
	for (const struct ast_setting *s = set->settings; s; s = s->next)
		if (s->value && strncmp(s->name, "adaptive.", 9) == 0)
			return true;
	return false;
}

/*
 * Options that rules print themselves: these count from where they stand, and
 * options are printed first.
 */
static bool is_printed(const struct check *c, const struct ast_set *set)
{
	return set->option != AST_SET_STATE_DEFAULTS &&
	       (c->is_pf || set->option != AST_SET_STATE_POLICY);
}

void set_check(struct check *c, const struct ast_node *node)
{
	const struct ast_set *set = &node->set;

	if (c->scope->up) {
		diag_error(c->diag, node->span, "type",
			   "options stand in the main file");
		return;
	}
	option_set(c, set);
	if (is_felt(set))
		feature_note(c, FEATURE_SET_OPTION, node->span);
	if (is_adaptive(set))
		feature_note(c, FEATURE_SET_ADAPTIVE, node->span);
	if (set->option == AST_SET_SKIP)
		skip_check(c, set);
	else if (set->option == AST_SET_BLOCK_POLICY)
		c->defaults.returns = strcmp(set->word, "return") == 0;
	else if (set->option == AST_SET_STATE_DEFAULTS)
		c->defaults.state = set->state;
	else if (set->option == AST_SET_STATE_POLICY)
		state_policy(c, node);
	if (set->option == AST_SET_TIMEOUT || set->option == AST_SET_LIMIT)
		settings_check(c, node);
	else if (is_printed(c, set))
		check_print_head(c, node_copy(c, node));
}
