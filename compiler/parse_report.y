/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_report.y: what the parser says by itself; see parse.y. */
%%

const char *token_name(int kind)
{
	return yysymbol_name(YYTRANSLATE(kind));
}

static int yyreport_syntax_error(const yypcontext_t *context, struct front *f)
{
	enum { MAX = 128 };
	yysymbol_kind_t kinds[MAX];
	const char *names[MAX];
	int count = yypcontext_expected_tokens(context, kinds, MAX);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		names[i] = yysymbol_name(kinds[i]);
	expect_report(f, names, count);
	return 0;
}

/* Only "memory exhausted" comes here: the stack has YYMAXDEPTH entries. */
static void parse_error(const struct span *span, struct front *f,
			const char *message)
{
	(void)message;
	diag_error(f->diag, *span, "parse",
		   "this statement is nested too deeply");
}
