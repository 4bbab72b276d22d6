/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_case.c: text -> policy, code and image, with a host profile's help. */
#include "policy_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/check.h"
#include "compiler/parse.h"

static int say(const char *what)
{
	fprintf(stderr, "policy_case: %s\n", what);
	return -EINVAL;
}

static int check_text(struct policy_case *c, struct sources *sources,
		      const struct host *host, const char *text)
{
	struct diag *diag = diag_new(c->arena, sources);
	static const struct check_options options = {.allows_leaks = true};
	struct ast ast = {.first = NULL};

	if (diag_set_warning(diag, "no-negated-list") != 0)
		return say("no such warning");

	parse_file(c->arena, sources, diag,
		   sources_add(sources, "random.nfr", text, strlen(text)), NULL,
		   0, &ast);
	c->policy =
		check_policy_as(c->arena, sources, diag, host, &ast, &options);
	if (diag_errors(diag) == 0)
		return 0;
	diag_print(diag, stderr, false);
	return -EINVAL;
}

static int make_image(struct policy_case *c, const struct sources *sources)
{
	char error[IMAGE_ERROR_MAX];
	struct code code;
	size_t len;

	if (lower_policy(c->arena, c->policy, &code) != 0)
		return say("lower_policy failed");
	if (image_write(c->policy, &code, sources, &c->bytes, &len) != 0)
		return say("image_write failed");
	if (image_open(c->bytes, len, &c->img, error) != 0)
		return say(error);
	return 0;
}

int policy_case_new(const char *text, const char *host_profile_path,
		    enum policy_form form, struct policy_case *c)
{
	struct sources *sources;
	struct host *host;
	const char *error = "";
	int err;

	memset(c, 0, sizeof(*c));
	c->arena = arena_new();
	sources = sources_new(c->arena);
	if (host_profile(c->arena, host_profile_path, &host, &error) != 0)
		err = say(error);
	else
		err = check_text(c, sources, host, text);
	if (!err) {
		c->policy->form = form;
		err = make_image(c, sources);
	}
	if (err)
		policy_case_free(c);
	return err;
}

void policy_case_free(struct policy_case *c)
{
	free(c->bytes);
	arena_free(&c->arena);
	c->bytes = NULL;
}
