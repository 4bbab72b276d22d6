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
 *   construct.h            the constructors: text -> nodes
 *   expect.c   what the grammar would have taken -> a message
 *
 * How a mistake is survived. The grammar takes an error where a statement is
 * expected, in the file or in an anchor's block, and where a clause is, in a
 * tunnel's block; it skips to the next NEWLINE. token.c decides where that is:
 * at the end of the line, behind braces that are open, and, but in an anchor's
 * block, always before a line whose first column holds a word that starts a
 * statement, so that one forgotten brace costs one error.
 */
#ifndef NFR_FRONT_H
#define NFR_FRONT_H

#include "pack.h"
#include "parse.h"

#define FRONT_DEPTH_MAX 64   /* nested braces */
#define FRONT_INCLUDE_MAX 16 /* nested includes */
#define FRONT_STRING_MAX 8095
#define FRONT_EXPANSION_MAX ((size_t)16 << 20) /* bytes out of macros */
#define FRONT_QUEUE_MAX (2 * FRONT_DEPTH_MAX + 4)
#define FRONT_MACRO_HEADS 1024

struct token {
	int kind;
	struct span span;
	const char *text;     /* of a word, string or keyword; else NULL */
	bool is_spaced;	      /* something blank is before it */
	bool is_first_column; /* of a line of a file */
	bool is_block;	      /* "{" or "}" of a block, not of a list */
};

struct opening {
	struct span span;
	int block; /* T_TUNNEL, T_ANCHOR, or 0: a list */
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
	size_t len, offset;  /* offset: of the next byte */
	size_t fed;	     /* bytes that are in the buffer, or were */
	void *buffer;	     /* scan.l's */
	unsigned outer_base; /* of a file: front's base before it */
};

struct front {
	struct arena *arena; /* of the statement at hand */
	struct arena *keep;  /* of what is longer there than a statement */
	struct pack *pack;   /* or NULL: statements are only in the ast */
	struct sources *sources;
	struct diag *diag;
	struct ast *ast;
	void *scanner;

	/* scan.l and macro.c */
	struct input *input;
	struct input *free_inputs; /* of macros, to be used again */
	unsigned file_depth;
	bool is_spaced;
	struct macro *macros[FRONT_MACRO_HEADS];
	struct macro *first_defined, **last_defined;
	size_t expanded_bytes;
	bool is_hopeless; /* nothing more is read */

	/* token.c */
	struct token queue[FRONT_QUEUE_MAX];
	unsigned queue_len;
	struct token unread;   /* kind -1: none */
	struct token last;     /* what the grammar looks at */
	struct token previous; /* the one before it */
	/* Kinds of their first tokens, 0: at one; of set its option. */
	int statement, clause;
	unsigned statement_len; /* tokens so far */
	int topic;		/* what words mean: the last T_ON, T_PORT ... */
	int topic_before;	/* the same, before the last token */
	int paren;		/* the token before an open "(", or 0 */
	unsigned paren_depth;
	unsigned depth; /* open braces: first of blocks, then of lists */
	unsigned blocks;
	unsigned base; /* depth where the file being read began */
	struct opening open[FRONT_DEPTH_MAX];
	bool is_recovering;
	unsigned recover_depth;
	const char *include_path; /* to open before the next token */
	struct span include_span;
	struct options *free_options; /* construct.h's, to be used again */
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
const char *token_name(int kind); /* parse_report.y: "\"to\"" */
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
/*
 * "$if:network" is one word, as in pf: a word that ends a macro's value takes
 * what follows the use from a colon on. False after an error.
 */
bool macro_join(struct front *, struct token *word);
/* The end of the innermost input, which is a macro's. */
void macro_leave(struct front *);
/* Returns the value that counts: -D beats the file. */
const char *macro_define(struct front *, struct span, const char *name,
			 const char *value, bool is_define);
void macro_warn_unused(struct front *);

/* ---- keyword.c ---- */
/* Where a word stands; several at once. */
enum context {
	IN_STATEMENT = 1, /* first word of a statement */
	IN_CLAUSE = 2,	  /* first word of a tunnel's clause */
	IN_SET = 4,	  /* behind set, the statement */
	IN_HEADER = 8,	  /* between tunnel and its block */
	IN_LINK = 16,	  /* the rest of a link clause */
	IN_BODY = 32,	  /* anywhere else */
	IN_STATE = 64,	  /* keep state (here) */
	IN_SCRUB = 128,	  /* scrub (here), and the older scrub line */
	IN_LOG = 256,	  /* log (here) */
	IN_CHANGES = 512, /* set (here), and behind set in a rule */
	IN_RETURN = 1024, /* return-rst (here) */
	IN_TABLE = 2048,  /* a table's statement */
	IN_ANTISPOOF = 4096,
	IN_TUNNEL = 8192,   /* a tunnel's clause */
	IN_EXCLUDE = 16384, /* behind exclude, the clause's word */
	IN_ALL = 32767
};
/* Token kind, or T_WORD. where: enum context, ored. */
int keyword_kind(const char *word, unsigned where);
bool keyword_is_reserved(const char *word);
/* It would be read as a keyword where names stand. */
bool keyword_needs_quotes(const char *word);
/* enum ast_timeout, or -1. */
int keyword_timeout(const char *word);
/* All names of timeouts; returns how many, at most max. */
size_t keyword_timeout_names(const char **names, size_t max);

/* ---- expect.c ---- */
/* expected: the grammar's names of tokens. */
void expect_report(struct front *, const char **expected, int count);

#endif
