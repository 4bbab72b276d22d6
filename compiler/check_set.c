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

/* Does it change what happens to packets? */
static bool is_felt(const struct ast_set *set)
{
	switch (set->option) {
	case AST_SET_HOSTID:
	case AST_SET_LIMIT:
	case AST_SET_OPTIMIZATION:
	case AST_SET_SYNCOOKIES:
	case AST_SET_TIMEOUT:
		return true;
	case AST_SET_LOGINTERFACE:
		return set->word && strcmp(set->word, "none") != 0;
	case AST_SET_REASSEMBLE:
		return set->is_no_df || (set->word && !strcmp(set->word, "no"));
	default:
		return false;
	}
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
	if (is_felt(set))
		feature_note(c, FEATURE_SET_OPTION, node->span);
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
