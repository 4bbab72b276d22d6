/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.h: a table of options and verbs in; parsed arguments, --help and a
 * completion script out.
 */
#ifndef NFR_OPTION_H
#define NFR_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_MAX 40
#define OPTION_VERB_MAX 31

enum option_argument {
	OPTION_NONE,
	OPTION_TEXT,
	OPTION_FILE,
	OPTION_DIR,
	OPTION_IFACE,
	OPTION_NUMBER, /* from 1 */
	OPTION_WORD,   /* one of words */
	OPTION_SPAN,   /* of time: 30s, 5m, 1h; may be left out: --name=5m */
};

struct option_spec {
	int id;		  /* the tool's own number of it */
	char letter;	  /* 0: none */
	const char *name; /* long */
	enum option_argument argument;
	const char *arg_name; /* for people; NULL when argument is NONE */
	const char *words;    /* "in out"; for WORD */
	uint32_t verbs;	      /* bits 1 << index of verb; 0: all */
	const char *help;
};

struct option_verb {
	const char *name;
	const char *operands; /* "FILE", or "" */
	const char *words;    /* operands to complete, or NULL: files */
	const char *help;
};

struct option_table {
	const char *tool;
	const char *about;
	const char *const *usage; /* lines behind the tool's name, then NULL */
	const struct option_verb *verbs;
	size_t verb_count;
	const struct option_spec *specs;
	size_t spec_count; /* at most OPTION_MAX */
};

#define OPTION_ERROR_MAX 256

struct option_parser {
	const struct option_table *table;
	int argc;
	char **argv;
	char **operands; /* argv, overwritten from the front */
	int operand_count;
	uint64_t seen; /* bits 1 << index in specs */
	char letters[2 * OPTION_MAX + 3];
	char error[OPTION_ERROR_MAX];
};

/*
 * Options may stand before, between and behind operands; "--" ends them. Uses
 * getopt_long and so its globals: one parser at a time.
 */
void option_begin(struct option_parser *, const struct option_table *, int argc,
		  char **argv);
/* 1: *spec and *arg (NULL when it takes none); 0: no more; -EINVAL: error. */
int option_next(struct option_parser *, const struct option_spec **spec,
		const char **arg);
/* "30", "30s", "5m", "1h", from 1 s to a day: 0, or -EINVAL. */
int option_span(const char *text, uint32_t *ms);
/* Index of a verb, or -1 with error. */
int option_verb(struct option_parser *, const char *name);
/* 0, or -EINVAL with error when an option that was seen is not one of verb. */
int option_check_verb(struct option_parser *, int verb);
/* The member of "a b c" that word is, as an index, or -1. */
int option_word(const char *words, const char *word);

/* verb -1: all of them. Exit codes are added from exits.def. */
void option_print_help(const struct option_table *, int verb, FILE *);
void option_print_exits(FILE *);
/* A bash script that completes all the tables' tools. */
void option_print_bash(const struct option_table *const *tables, size_t count,
		       FILE *);

enum tool_exit {
#define NFR_EXIT(sym, number, text) EXIT_##sym = (number),
#include "exits.def"
#undef NFR_EXIT
};

#endif
