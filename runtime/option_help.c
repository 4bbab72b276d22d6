/* SPDX-License-Identifier: BSD-2-Clause */
/* option_help.c: a table of options -> --help, and completion for bash. */
#include "option.h"

#include <string.h>

#define HELP_COLUMN 26

/* "  left", padded, then text wrapped at 79 columns. */
static void print_entry(FILE *out, const char *left, const char *text)
{
	int column = fprintf(out, "  %s", left);

	if (column > HELP_COLUMN - 2) {
		fputc('\n', out);
		column = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - column, "");
	column = HELP_COLUMN;
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + 1 + len > 79) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_spec(const struct option_spec *spec, FILE *out)
{
	bool is_optional = spec->argument == OPTION_SPAN;
	const char *gap = is_optional ? "[=" : spec->arg_name ? " " : "";
	char left[64], arg[32] = "";

	if (spec->arg_name)
		snprintf(arg, sizeof(arg), "%s%s", spec->arg_name,
			 is_optional ? "]" : "");

	if (spec->letter)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", spec->letter,
			 spec->name, gap, arg);
	else
		snprintf(left, sizeof(left), "    --%s%s%s", spec->name, gap,
			 arg);
	print_entry(out, left, spec->help);
}

static void print_verb(const struct option_verb *verb, FILE *out)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", verb->name,
		 *verb->operands ? " " : "", verb->operands);
	print_entry(out, left, verb->help);
}

void option_print_exits(FILE *out)
{
	static const struct {
		int number;
		const char *text;
	} exits[] = {
#define NFR_EXIT(sym, number, text) {(number), (text)},
#include "exits.def"
#undef NFR_EXIT
	};

	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		fprintf(out, "  %d  %s\n", exits[i].number, exits[i].text);
}

void option_print_help(const struct option_table *table, int verb, FILE *out)
{
	const char *lead = "usage:";

	if (verb >= 0) {
		fprintf(out, "usage: %s %s [options] %s\n\n", table->tool,
			table->verbs[verb].name, table->verbs[verb].operands);
		print_verb(&table->verbs[verb], out);
	} else {
		fprintf(out, "%s: %s\n\n", table->tool, table->about);
		for (const char *const *u = table->usage; *u; u++) {
			fprintf(out, "%s %s %s\n", lead, table->tool, *u);
			lead = "      ";
		}
		if (table->verb_count)
			fputs("\nverbs:\n", out);
		for (size_t i = 0; i < table->verb_count; i++)
			print_verb(&table->verbs[i], out);
	}
	fputs("\noptions:\n", out);
	for (size_t i = 0; i < table->spec_count; i++) {
		uint32_t verbs = table->specs[i].verbs;

		if (verb < 0 || !verbs || verbs >> verb & 1)
			print_spec(&table->specs[i], out);
	}
	fputs("\nexit status:\n", out);
	option_print_exits(out);
}

/* ---- bash -------------------------------------------------------------- */

static void bash_option_names(const struct option_table *table, int verb,
			      FILE *out)
{
	for (size_t i = 0; i < table->spec_count; i++) {
		const struct option_spec *spec = &table->specs[i];

		if (verb >= 0 && spec->verbs && !(spec->verbs >> verb & 1))
			continue;
		fprintf(out, " --%s", spec->name);
	}
}

static void bash_argument(const struct option_spec *spec, FILE *out)
{
	fputs("\t", out);
	if (spec->letter)
		fprintf(out, "-%c | ", spec->letter);
	fprintf(out, "--%s) ", spec->name);
	switch (spec->argument) {
	case OPTION_FILE:
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", out);
		break;
	case OPTION_DIR:
		fputs("COMPREPLY=($(compgen -d -- \"$cur\"))", out);
		break;
	case OPTION_IFACE:
		fputs("COMPREPLY=($(compgen -W \"$(ls /sys/class/net)\" -- "
		      "\"$cur\"))",
		      out);
		break;
	case OPTION_WORD:
		fprintf(out, "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))",
			spec->words);
		break;
	default:
		fputs("COMPREPLY=()", out);
	}
	fputs("; return ;;\n", out);
}

static void bash_verb(const struct option_table *table, int verb, FILE *out)
{
	const struct option_verb *v = &table->verbs[verb];

	fprintf(out, "\t%s) opts='", v->name);
	bash_option_names(table, verb, out);
	fputs("'", out);
	if (v->words)
		fprintf(out, "; words='%s'", v->words);
	else if (!*v->operands)
		fputs("; words=' '", out);
	fputs(" ;;\n", out);
}

static void bash_table(const struct option_table *table, FILE *out)
{
	fprintf(out,
		"_%s()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
		"prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal verb= word= words= opts=\n"
		"\t# --name=value is three words to bash\n"
		"\tif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD - "
		"2]}; fi\n"
		"\tif [ \"$cur\" = = ]; then cur=; fi\n"
		"\tcase $prev in\n",
		table->tool);
	for (size_t i = 0; i < table->spec_count; i++)
		if (table->specs[i].argument != OPTION_NONE)
			bash_argument(&table->specs[i], out);
	fputs("\tesac\n\topts='", out);
	bash_option_names(table, -1, out);
	fputs("'\n", out);
	if (table->verb_count) {
		fputs("\twords='", out);
		for (size_t i = 0; i < table->verb_count; i++)
			fprintf(out, "%s%s", i ? " " : "",
				table->verbs[i].name);
		fputs("'\n\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; "
		      "do\n"
		      "\t\tcase \" $words \" in *\" $word \"*) "
		      "verb=$word; break ;; esac\n"
		      "\tdone\n"
		      "\t[ -z \"$verb\" ] || words=\n"
		      "\tcase $verb in\n",
		      out);
		for (size_t i = 0; i < table->verb_count; i++)
			bash_verb(table, (int)i, out);
		fputs("\tesac\n", out);
	}
	fprintf(out,
		"\tcase $cur in\n"
		"\t-*) COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\")) ;;\n"
		"\t*) if [ -n \"$words\" ]\n"
		"\t\tthen COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		"\t\telse COMPREPLY=($(compgen -f -- \"$cur\"))\n"
		"\tfi ;;\n"
		"\tesac\n"
		"}\n"
		"complete -o filenames -F _%s %s\n",
		table->tool, table->tool);
}

void option_print_bash(const struct option_table *const *tables, size_t count,
		       FILE *out)
{
	fputs("# Completion for bash; made from the option tables by \"nfload "
	      "completion bash\".\n",
	      out);
	for (size_t i = 0; i < count; i++)
		bash_table(tables[i], out);
}
