/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * front.h: what the files of the front end share.
 *
 *   scan.l     bytes        -> raw tokens
 *   token.c    raw tokens   -> the grammar's tokens: keywords where they are
 *                              keywords, newlines where they end something,
 *                              includes opened
 *   macro.c    definitions and uses
 *   parse.y    tokens       -> calls of the constructors
 *   ast.c      constructors of lists, hosts and ports
 *   statement.c            of rules and other statements
 *   expect.c   what the grammar would have taken -> a message
 *
 * How a mistake is survived. The grammar has two places that take an error:
 * the statement and, inside a tunnel's block, the clause; both skip to the
 * next NEWLINE. token.c decides where that is: at the end of the line, behind
 * braces that are open, and always before a line whose first column holds a
 * word that starts a statement, so that one forgotten brace costs one error.
 */
#ifndef NFR_FRONT_H
#define NFR_FRONT_H

#include "parse.h"

#define FRONT_DEPTH_MAX 64   /* nested braces */
#define FRONT_INCLUDE_MAX 16 /* nested includes */
#define FRONT_STRING_MAX 8095
#define FRONT_EXPANSION_MAX ((size_t)16 << 20) /* bytes out of macros */
#define FRONT_QUEUE_MAX 8
#define FRONT_MACRO_HEADS 1024

struct token {
	int kind;
	struct span span;
	const char *text;     /* of a word, string or keyword; else NULL */
	bool is_spaced;	      /* something blank is before it */
	bool is_first_column; /* of a line of a file */
};

struct macro {
	struct macro *next; /* with the same hash */
	struct macro *next_defined;
	const char *name, *value;
	struct span span; /* none: by -D */
	bool is_used;
	bool is_expanding;
};

/* What is being scanned: a file, or the text of a macro in the middle of it. */
struct input {
	struct input *outer;
	const struct source_file *file; /* NULL: macro */
	struct macro *macro;
	struct span use; /* of the outermost macro, in a file */
	const char *text;
	size_t len, offset; /* offset: of the next byte */
	void *buffer;	    /* scan.l's */
};

struct front {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	struct ast *ast;
	void *scanner;

	/* scan.l and macro.c */
	struct input *input;
	unsigned file_depth;
	bool is_spaced;
	struct macro *macros[FRONT_MACRO_HEADS];
	struct macro *first_defined, **last_defined;
	size_t expanded_bytes;
	bool is_hopeless; /* nothing more is read */

	/* token.c */
	struct token queue[FRONT_QUEUE_MAX];
	unsigned queue_len;
	struct token unread;	/* kind -1: none */
	struct token last;	/* what the grammar looks at */
	struct token previous;	/* the one before it */
	int statement, clause;	/* kinds of their first tokens, 0: at one */
	unsigned statement_len; /* tokens so far */
	int topic;		/* what words mean: the last T_ON, T_PORT ... */
	int topic_before;	/* the same, before the last token */
	unsigned depth;		/* open braces */
	struct span open[FRONT_DEPTH_MAX];
	bool is_in_block; /* the outermost brace is a tunnel's */
	bool is_recovering;
	unsigned recover_depth;
	const char *include_path; /* to open before the next token */
	struct span include_span;
};

/* A list under construction; items have their next pointer first. */
struct list {
	void *first, *last;
};

/* ---- front.c ---- */
/* Ready for parse_lex(); without an ast. In the arena, but for the scanner. */
struct front *front_begin(struct arena *, struct sources *, struct diag *,
			  const struct source_file *,
			  const struct parse_define *, size_t define_count);
void front_end(struct front *);

/* ---- scan.l ---- */
bool scan_begin(struct front *);
void scan_end(struct front *);
void scan_push(struct front *, struct input *);
void scan_pop(struct front *);
/* The next raw token. 0 at the end of the innermost input. */
int scan_token(struct front *, struct token *);

/* ---- token.c ---- */
const char *token_name(int kind); /* parse.y: "\"to\"" and the like */
/* The grammar is about to skip: finds where a statement or clause ends. */
void token_recover(struct front *);
/* True where a word in the first column starts a statement, braces or not. */
bool token_starts_statement(const struct front *, const struct token *);
/* After an error when the file is no text. */
void token_open_file(struct front *, const struct source_file *);
/* In messages: the text, cut when it is long. */
const char *token_quote(struct front *, const struct token *);

/* ---- macro.c ---- */
/* Reads and defines name's value. Returns T_VALUE, T_PARSE_error, or 0: none.
 */
int macro_collect(struct front *, struct span name_span, const char *name,
		  struct token *t);
/* False after an error. */
bool macro_expand(struct front *, const struct token *use);
/* The end of the innermost input, which is a macro's. */
void macro_leave(struct front *);
/* Returns the value that counts: -D beats the file. */
const char *macro_define(struct front *, struct span, const char *name,
			 const char *value, bool is_define);
void macro_warn_unused(struct front *);

/* ---- keyword.c ---- */
enum context {
	IN_STATEMENT = 1, /* first word of a statement */
	IN_CLAUSE = 2,	  /* first word of a tunnel's clause */
	IN_SET = 4,	  /* behind set */
	IN_HEADER = 8,	  /* between tunnel and its block */
	IN_LINK = 16,	  /* the rest of a link clause */
	IN_BODY = 32,	  /* anywhere else */
	IN_ALL = 63
};
/* Token kind, or T_WORD. */
int keyword_kind(const char *word, enum context);
bool keyword_is_reserved(const char *word);
/* It would be read as a keyword where names stand. */
bool keyword_needs_quotes(const char *word);

/* ---- expect.c ---- */
/* expected: the grammar's names of tokens. */
void expect_report(struct front *, const char **expected, int count);

/* ---- ast.c ---- */
struct list list_of(void *item);
struct list list_append(struct list, void *item);
struct list list_join(struct list, struct list);
struct ast_word *word_new(struct front *, struct span, const char *text);
struct ast_iface *iface_new(struct front *, struct span, const char *name);
struct ast_iface *iface_negate(struct ast_iface *, struct span);
struct ast_proto *proto_new(struct front *, struct span, const char *text);
struct ast_host *host_any(struct front *, struct span);
struct ast_host *host_word(struct front *, struct span, const char *text);
struct ast_host *host_prefix(struct front *, struct span, const char *text,
			     struct span len_span, const char *len_text);
struct ast_host *host_range(struct front *, struct span, const char *first,
			    struct span last_span, const char *last);
struct ast_host *host_table(struct front *, struct span, const char *name);
struct ast_host *host_negate(struct ast_host *, struct span);
struct ast_port *port_word(struct front *, struct span, const char *text);
struct ast_port *port_unary(struct front *, struct span, enum ast_port_op,
			    struct span word_span, const char *text);
struct ast_port *port_binary(struct front *, struct span, enum ast_port_op,
			     struct span first_span, const char *first,
			     struct span last_span, const char *last);
struct ast_icmp *icmp_new(struct front *, struct span, const char *type);
struct ast_icmp *icmp_with_code(struct front *, struct ast_icmp *, struct span,
				const char *code);

/* ---- statement.c ---- */
enum rule_option {
	OPTION_FLAGS,
	OPTION_ICMP,
	OPTION_LABEL,
	OPTION_STATE,
	OPTION_COUNT
};

/* The options of one rule as they come. */
struct options {
	struct ast_rule rule;
	struct span given[OPTION_COUNT];
};

enum rule_word { RULE_IN = 1, RULE_OUT = 2, RULE_LOG = 4, RULE_QUICK = 8 };

struct sides {
	struct ast_side from, to;
};

/* Empty lists: any. */
struct ast_side side_new(struct list hosts, struct list ports);
struct ast_match match_new(struct list ifaces, enum addr_family,
			   struct list protos, struct sides);
struct ast_match match_to(struct list hosts);

struct options *options_new(struct front *);
/* at: of the option's word. Both empty: any. */
struct options *option_flags(struct front *, struct options *, struct span at,
			     struct span, const char *set, const char *mask);
struct options *option_icmp(struct front *, struct options *, struct span at,
			    enum addr_family, struct list);
struct options *option_label(struct front *, struct options *, struct span at,
			     struct span, const char *label);
struct options *option_state(struct front *, struct options *, struct span,
			     enum ast_state);

void statement_add(struct front *, struct span, struct ast_node *);
struct ast_node *statement_macro(struct front *, const char *name,
				 const char *value);
struct ast_node *statement_include(struct front *, struct span,
				   const char *path);
struct ast_node *statement_default(struct front *, bool is_pass);
struct ast_node *statement_skip(struct front *, struct list ifaces);
struct ast_node *statement_rule(struct front *, bool is_pass, unsigned words,
				struct ast_match, const struct options *);
struct ast_node *statement_table(struct front *, struct span name_span,
				 const char *name, struct ast_table *parts);
struct ast_node *statement_tunnel(struct front *, struct ast_iface *device,
				  struct list over, struct list clauses);
struct ast_table *table_new(struct front *);
struct ast_table *table_hosts(struct ast_table *, struct list);
struct ast_table *table_file(struct ast_table *, struct ast_word *);
struct ast_clause *clause_new(struct front *, struct span, enum ast_clause_kind,
			      struct ast_match, struct list words);

#endif
