/* SPDX-License-Identifier: BSD-2-Clause */
/* ast_set.c: the set statement's words -> its node. */
#include "construct.h"

#include <string.h>

/* What the words of an option may be, and how a wrong one is called. */
static const struct {
	const char *const *words; /* NULL: any */
	const char *what;
} values[] = {
	[AST_SET_DEBUG] = {(const char *const[]){
				   "emerg", "alert", "crit", "err", "warning",
				   "notice", "info", "debug", "none", "urgent",
				   "misc", "loud", NULL},
			   "a debug level"},
	[AST_SET_OPTIMIZATION] = {(const char *const[]){
					  "default", "normal", "high-latency",
					  "satellite", "aggressive",
					  "conservative", NULL},
				  "an optimization"},
	[AST_SET_RULESET_OPTIMIZATION] = {(const char *const[]){
						  "none", "basic", "profile",
						  "yes", "no", NULL},
					  "a ruleset optimization"},
	[AST_SET_STATE_POLICY] = {(const char *const[]){"if-bound", "floating",
							NULL},
				  "a state policy"},
	[AST_SET_REASSEMBLE] = {(const char *const[]){"yes", "no", NULL},
				"an answer"},
	[AST_SET_REQUIRE_ORDER] = {(const char *const[]){"yes", "no", NULL},
				   "an answer"},
	[AST_SET_SYNCOOKIES] = {(const char *const[]){"never", "always",
						      "adaptive", NULL},
				"a way to use syncookies"},
	[AST_SET_TIMEOUT] = {NULL, NULL},
};

static struct ast_node *set_new(struct front *f, enum ast_option option)
{
	struct ast_node *node = node_new(f, AST_SET);
	node->set.option = option;
	return node;
}

struct ast_node *set_default(struct front *f, bool is_pass)
{
	struct ast_node *node = set_new(f, AST_SET_DEFAULT);
	node->set.is_pass = is_pass;
	return node;
}

struct ast_node *set_skip(struct front *f, struct list ifaces)
{
	struct ast_node *node = set_new(f, AST_SET_SKIP);
	node->set.ifaces = ifaces.first;
	return node;
}

struct ast_node *set_word(struct front *f, enum ast_option option,
			  struct span span, const char *word)
{
	struct ast_node *node = set_new(f, option);
	const char *const *words = values[option].words;
	size_t count = 0;
	node->set.word = word;
	node->set.word_span = span;
	while (words && words[count])
		count++;
	if (words)
		word_choose(f, span, word, values[option].what, words, count);
	else
		name_check(f, span, word, "value", FRONT_STRING_MAX);
	if (option == AST_SET_HOSTID)
		node->set.value = (uint32_t)text_number(
			f, span, word, "host id", 1, UINT32_MAX);
	return node;
}

struct ast_node *set_reassemble(struct front *f, struct span span,
				const char *word, const char *no_df)
{
	struct ast_node *node = set_word(f, AST_SET_REASSEMBLE, span, word);
	node->set.is_no_df = no_df;
	return node;
}

struct ast_node *set_state_defaults(struct front *f,
				    struct ast_state_options *options)
{
	struct ast_node *node = set_new(f, AST_SET_STATE_DEFAULTS);
	node->set.state = options;
	return node;
}

struct ast_setting *setting_new(struct front *f, struct span span,
				const char *name, struct span value_span,
				const char *value)
{
	struct ast_setting *setting =
		arena_new_of(f->arena, struct ast_setting);
	size_t len = strlen(value);
	bool is_percent = len > 1 && value[len - 1] == '%';
	const char *digits =
		is_percent ? arena_strndup(f->arena, value, len - 1) : value;
	setting->span = span_join(span, value_span);
	setting->name = name;
	setting->is_percent = is_percent;
	setting->value = text_number(f, value_span, digits, name, 0,
				     is_percent ? 100 : UINT32_MAX);
	return setting;
}

/* Names known, no percentages where there are none. */
static void settings_check(struct front *f, const struct ast_setting *s,
			   const char *what, const char *const *names,
			   size_t count, bool is_percent)
{
	for (; s; s = s->next) {
		struct span span = {s->span.start,
				    s->span.start + (uint32_t)strlen(s->name)};
		word_choose(f, span, s->name, what, names, count);
		if (s->is_percent != is_percent)
			diag_error(f->diag, s->span, "parse",
				   is_percent ? "\"%s\" takes a percentage"
					      : "\"%s\" takes a number",
				   s->name);
	}
}

struct ast_node *set_settings(struct front *f, enum ast_option option,
			      struct list settings)
{
	static const char *const limits[] = {
		"states",	 "frags",   "src-nodes",    "tables",
		"table-entries", "anchors", "pktdelay-pkts"};
	const char *timeouts[AST_TIMEOUT_COUNT];
	struct ast_node *node = set_new(f, option);
	node->set.settings = settings.first;
	if (option == AST_SET_LIMIT)
		settings_check(f, settings.first, "a limit", limits,
			       sizeof(limits) / sizeof(*limits), false);
	else
		settings_check(
			f, settings.first, "a timeout", timeouts,
			keyword_timeout_names(timeouts, AST_TIMEOUT_COUNT),
			false);
	return node;
}

struct ast_node *set_syncookies(struct front *f, struct span span,
				const char *word, struct list settings)
{
	static const char *const ends[] = {"start", "end"};
	struct ast_node *node = set_word(f, AST_SET_SYNCOOKIES, span, word);
	node->set.settings = settings.first;
	settings_check(f, settings.first, "an end of the range", ends, 2, true);
	if (strcmp(word, "adaptive"))
		diag_error(f->diag, span, "parse",
			   "only \"adaptive\" takes a start and an end");
	return node;
}
