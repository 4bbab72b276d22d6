/* SPDX-License-Identifier: BSD-2-Clause */
/* nfload.c: a command line -> one verb, run. */
#include "nfload.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "term.h"

#define CONFIRM_DEFAULT_MS 30000u
#define PORTAL_DEFAULT_MS 300000u
#define PORTAL_MAX_MS 3600000u
#define WATCH_DEFAULT_MS 10000u
#define STATE_DEFAULT "/var/lib/nfr"

static int (*const verbs[VERB_COUNT])(struct nfload *) = {
	[VERB_CHECK] = verb_check,
	[VERB_PRINT] = verb_print,
	[VERB_CONVERT] = verb_convert,
	[VERB_COMPILE] = verb_compile,
	[VERB_DUMP] = verb_dump,
	[VERB_APPLY] = verb_apply,
	[VERB_SHOW] = verb_show,
	[VERB_TABLE] = verb_table,
	[VERB_KILL] = verb_kill,
	[VERB_CONFIRM] = verb_confirm,
	[VERB_ROLLBACK] = verb_rollback,
	[VERB_HISTORY] = verb_history,
	[VERB_RESTORE] = verb_restore,
	[VERB_PORTAL] = verb_portal,
	[VERB_WATCH] = verb_watch,
	[VERB_STATUS] = verb_status,
	[VERB_UNLOAD] = verb_unload,
	[VERB_FILTER] = verb_filter,
	[VERB_COMPLETION] = verb_completion,
	[VERB_HELP] = verb_help,
};

/* What parsing collects on its way to struct nfload. */
struct parse {
	struct nfload *tool;
	struct parse_define *defines;
	const char **warnings;
	size_t define_count, warning_count;
	enum term_color color;
	bool wants_help, wants_version;
};

static void log_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* name=value, where name is what the scanner takes for a macro's. */
static int parse_define(struct parse *p, const char *arg)
{
	size_t name_len = strcspn(arg, "=");
	size_t word_len = strspn(arg, "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_");
	char *copy;

	if (!name_len || arg[name_len] != '=' || word_len != name_len ||
	    (*arg >= '0' && *arg <= '9'))
		return -EINVAL;
	copy = strdup(arg);
	if (!copy)
		abort();
	copy[name_len] = '\0';
	p->defines[p->define_count].name = copy;
	p->defines[p->define_count++].value = copy + name_len + 1;
	return 0;
}

/* The form of the rules that the kernel can run so. */
static enum policy_form form_of_kind(enum engine_kind kind)
{
	if (kind == ENGINE_KIND_VM)
		return POLICY_FORM_CODE;
	return kind == ENGINE_KIND_HASH ? POLICY_FORM_HASH : POLICY_FORM_AUTO;
}

static void take_engine_option(struct nfload *t, int id, const char *arg)
{
	switch (id) {
	case OPT_XDP:
		t->engine.any_xdp = !strcmp(arg, "native");
		t->engine.no_native_xdp = !strcmp(arg, "generic");
		t->engine.no_xdp = !strcmp(arg, "off");
		break;
	case OPT_TC:
		t->engine.no_tcx = !strcmp(arg, "clsact");
		break;
	case OPT_FLOOR:
		t->engine.no_netfilter = !strcmp(arg, "cgroup");
		break;
	case OPT_STEER:
		t->engine.steer =
			(enum engine_steer)option_word(STEER_WORDS, arg);
		break;
	case OPT_LOOP:
		t->engine.loop = (enum engine_loop)option_word(LOOP_WORDS, arg);
		break;
	case OPT_ENGINE:
		t->engine.kind =
			(enum engine_kind)option_word(ENGINE_WORDS, arg);
		t->compile.form = form_of_kind(t->engine.kind);
		break;
	}
}

static void take_text_option(struct nfload *t, int id, const char *arg)
{
	switch (id) {
	case OPT_HOST:
		t->compile.host_profile = arg;
		break;
	case OPT_BPFFS:
		t->bpffs = arg;
		break;
	case OPT_OUTPUT:
		t->output = arg;
		break;
	case OPT_STAGE:
		t->stage = arg;
		break;
	case OPT_LEAVE:
		t->leave = arg;
		break;
	case OPT_STATE:
		t->state = arg;
		break;
	case OPT_CONFIRM:
		t->engine.trial_ms = CONFIRM_DEFAULT_MS;
		if (arg)
			option_span(arg, &t->engine.trial_ms);
		break;
	case OPT_FOR:
		if (arg)
			option_span(arg, &t->engine.trial_ms);
		break;
	case OPT_EVERY:
		if (arg)
			option_span(arg, &t->every_ms);
		break;
	case OPT_READ:
		t->read_path = arg;
		break;
	case OPT_WRITE:
		t->write_path = arg;
		break;
	case OPT_ON:
		t->on = arg;
		break;
	case OPT_DIR:
		t->dir = (enum nfr_dir)option_word(DIR_WORDS, arg);
		break;
	default:
		take_engine_option(t, id, arg);
	}
}

/* 0, or an exit status. */
static int take_option(struct parse *p, int id, const char *arg)
{
	struct nfload *t = p->tool;

	switch (id) {
	case OPT_FILE:
		if (t->file)
			return report_fail(t, EXIT_INPUT,
					   "one FILE at a time: \"%s\" or "
					   "\"%s\"",
					   t->file, arg);
		t->file = arg;
		break;
	case OPT_PF:
		t->compile.is_pf = true;
		break;
	case OPT_DRY_RUN:
		t->is_dry_run = true;
		break;
	case OPT_ALL:
		t->is_all = true;
		break;
	case OPT_END:
		t->is_end = true;
		break;
	case OPT_DNS:
		if (t->dns_count == PORTAL_DNS_MAX)
			return report_fail(t, EXIT_INPUT,
					   "at most %u times --dns",
					   PORTAL_DNS_MAX);
		t->dns[t->dns_count++] = arg;
		break;
	case OPT_OR_BLOCK:
		t->or_block = true;
		break;
	case OPT_COUNT:
		t->is_count = true;
		break;
	case OPT_DEFINE:
		if (parse_define(p, arg))
			return report_fail(t, EXIT_INPUT,
					   "-D takes NAME=VALUE, not \"%s\"",
					   arg);
		break;
	case OPT_VERBOSE:
		t->verbose++;
		break;
	case OPT_QUIET:
		t->is_quiet = true;
		break;
	case OPT_WARN:
		p->warnings[p->warning_count++] = arg;
		break;
	case OPT_JSON:
		if (!t->json && !(t->json = json_object()))
			abort();
		break;
	case OPT_COLOR:
		p->color = (enum term_color)option_word(COLOR_WORDS, arg);
		break;
	case OPT_HELP:
		p->wants_help = true;
		break;
	case OPT_VERSION:
		p->wants_version = true;
		break;
	default:
		take_text_option(t, id, arg);
	}
	return 0;
}

static int fail_usage(struct nfload *t, const struct option_parser *p)
{
	report_fail(t, EXIT_INPUT, "%s", p->error);
	report_hint(t, "\"nfload --help\" lists verbs and options");
	return EXIT_INPUT;
}

/* The operand of the verb: a FILE, or the topic of show, completion, help. */
static int take_operand(struct nfload *t, struct option_parser *p)
{
	const struct option_verb *verb = &nfload_options.verbs[t->verb];
	bool is_file = !strcmp(verb->operands, "FILE");
	int wanted = *verb->operands ? 1 : 0;

	t->operands = p->operands + 1;
	t->operand_count = p->operand_count - 1;
	if (t->verb == VERB_SHOW && t->operand_count)
		t->topic = t->operands[0];
	if (t->verb == VERB_TABLE || t->verb == VERB_KILL ||
	    (t->topic && !strcmp(t->topic, "states")))
		return 0; /* as many as there are */
	if (p->operand_count > 1 + wanted)
		return report_fail(t, EXIT_INPUT,
				   "\"nfload %s\" takes %s; what is \"%s\"?",
				   verb->name,
				   wanted ? "one operand" : "no operand",
				   p->operands[1 + wanted]);
	if (p->operand_count == 2 && is_file && t->file)
		return report_fail(t, EXIT_INPUT,
				   "one FILE at a time: \"%s\" or \"%s\"",
				   t->file, p->operands[1]);
	if (p->operand_count == 2 && is_file)
		t->file = p->operands[1];
	else if (p->operand_count == 2)
		t->topic = p->operands[1];
	if (is_file && !t->file)
		return report_fail(t, EXIT_INPUT,
				   "\"nfload %s\" needs a FILE (\"-\" is "
				   "standard input)",
				   verb->name);
	return 0;
}

/* Which verb, and whether the options are its own. 0, or an exit status. */
static int choose_verb(struct parse *parse, struct option_parser *p)
{
	struct nfload *t = parse->tool;
	int verb = t->file ? VERB_APPLY : VERB_HELP;

	if (p->operand_count)
		verb = option_verb(p, p->operands[0]);
	else if (!t->file && !parse->wants_help) {
		snprintf(p->error, sizeof(p->error), "which verb?");
		verb = -1;
	}
	if (verb < 0)
		return fail_usage(t, p);
	t->verb = (enum nfload_verb)verb;
	if (parse->wants_help) {
		t->topic = p->operand_count ? p->operands[0] : NULL;
		t->verb = VERB_HELP;
		return 0;
	}
	if (option_check_verb(p, verb))
		return fail_usage(t, p);
	return p->operand_count ? take_operand(t, p) : 0;
}

static int parse_arguments(struct parse *parse, int argc, char **argv)
{
	struct nfload *t = parse->tool;
	const struct option_spec *spec;
	struct option_parser p;
	const char *arg;
	int rc;

	option_begin(&p, &nfload_options, argc, argv);
	while ((rc = option_next(&p, &spec, &arg)) == 1) {
		rc = take_option(parse, spec->id, arg);
		if (rc)
			return rc;
	}
	if (rc)
		return fail_usage(t, &p);
	t->use_color = term_use_color(parse->color, stdout);
	t->use_error_color = term_use_color(parse->color, stderr);
	if (parse->wants_version)
		return 0;
	rc = choose_verb(parse, &p);
	if (rc)
		return rc;
	if (t->verb == VERB_APPLY && t->leave && !t->engine.trial_ms)
		return report_fail(t, EXIT_INPUT,
				   "apply takes --leave only with --confirm");
	if (t->verb == VERB_PORTAL && !t->engine.trial_ms)
		t->engine.trial_ms = PORTAL_DEFAULT_MS;
	if (t->verb == VERB_PORTAL && t->engine.trial_ms > PORTAL_MAX_MS)
		return report_fail(t, EXIT_INPUT,
				   "a portal is open for an hour at most");
	t->engine.trial_blocks = t->leave && !strcmp(t->leave, "blocked");
	if (!t->state && !strcmp(t->bpffs, ENGINE_DIR_DEFAULT))
		t->state = STATE_DEFAULT;
	if (t->is_dry_run && t->verb != VERB_KILL)
		t->verb = VERB_CHECK;
	if (t->verbose > 1)
		t->engine.log = log_line;
	return 0;
}

static void print_document(struct nfload *t, int status)
{
	json_put_int(t->json, JSON_FIELD_EXIT, status);
	json_dumpf(t->json, stdout, JSON_INDENT(2));
	putchar('\n');
}

/* Output that was not written is a failure, unless the policy changed. */
static int flush_output(const struct nfload *t, int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "nfload: error: standard output: %s\n",
		strerror(errno));
	if (t->verb == VERB_APPLY || t->verb == VERB_UNLOAD ||
	    t->verb == VERB_CONFIRM || t->verb == VERB_ROLLBACK ||
	    t->verb == VERB_RESTORE || t->verb == VERB_PORTAL || status)
		return status;
	return EXIT_INPUT;
}

/* A terminal, where nothing else is written before the work is done. */
static FILE *waits_at(const struct nfload *t)
{
	const char *kind = getenv("TERM");
	bool is_work = t->verb == VERB_CHECK || t->verb == VERB_APPLY ||
		       t->verb == VERB_COMPILE;

	return is_work && !t->is_quiet && t->verbose < 2 &&
			       isatty(STDERR_FILENO) && kind &&
			       strcmp(kind, "dumb") != 0
		       ? stderr
		       : NULL;
}

int main(int argc, char **argv)
{
	const char *bpffs = getenv("NFR_BPFFS"), *state = getenv("NFR_STATE");
	struct nfload tool = {
		.verb = VERB_HELP,
		.bpffs = bpffs && *bpffs ? bpffs : ENGINE_DIR_DEFAULT,
		.state = state && *state ? state : NULL,
		.every_ms = WATCH_DEFAULT_MS,
		.stage = "bytecode",
		.dir = NFR_DIR_OUT,
	};
	struct parse parse = {.tool = &tool};
	struct meter meter;
	int status;

	/* What is freed goes back, however large what was freed before it was:
	 * by default the C library keeps more and more of it. */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	/* No more of either than there are arguments. */
	parse.defines = calloc((size_t)argc + 1, sizeof(*parse.defines));
	parse.warnings = calloc((size_t)argc + 1, sizeof(*parse.warnings));
	if (!parse.defines || !parse.warnings)
		abort();
	status = parse_arguments(&parse, argc, argv);
	tool.compile.defines = parse.defines;
	tool.compile.define_count = parse.define_count;
	tool.compile.warnings = parse.warnings;
	tool.compile.warning_count = parse.warning_count;
	if (!status && parse.wants_version)
		puts("nfload " NFR_VERSION);
	else if (!status) {
		json_put_text(tool.json, JSON_FIELD_VERB,
			      nfload_options.verbs[tool.verb].name);
		meter_begin(&meter, waits_at(&tool));
		tool.meter = &meter;
		tool.compile.progress = tool.engine.progress = &meter.progress;
		status = verbs[tool.verb](&tool);
		meter_end(&meter);
	}
	if (tool.json && !parse.wants_version)
		print_document(&tool, status);
	status = flush_output(&tool, status);
	for (size_t i = 0; i < parse.define_count; i++)
		free((char *)parse.defines[i].name);
	free(parse.defines);
	free(parse.warnings);
	json_decref(tool.json);
	return status;
}
