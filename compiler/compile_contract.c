/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile_contract.c: an image that was just written -> errors with a witness.
 *
 * check_search.c has asked the model already. This asks the programs, by the
 * search that is used when tables change, so that no change is refused for what
 * was so from the start; and what one search misses the other may find.
 */
#include "compile_contract.h"

#include <stdlib.h>
#include <string.h>

#include "image_search.h"

static const struct policy_rule *rule_at(const struct policy *p, __u32 rule)
{
	return rule < p->rule_count ? &p->rules[rule]
				    : &p->guard[rule - p->rule_count];
}

static void say_witness(struct compilation *c, const struct image *img,
			const struct image_finding *f, const char *what)
{
	const struct policy_rule *r = rule_at(c->policy, f->rule);
	char text[IMAGE_KEY_TEXT_MAX];

	diag_note(c->diag, SPAN_NONE, "witness: %s",
		  image_key_text(img, &f->key, text));
	diag_note(c->diag, r->span, "%s by \"%s\"", what, r->text);
}

static void say_broken(struct compilation *c, const struct image *img,
		       const struct image_finding *f)
{
	const struct policy_assert *a;

	if (f->promise == IMAGE_PROMISE_ASSERT) {
		a = &c->policy->asserts[c->code.asserts[f->index].assert];
		diag_error(c->diag, a->span, "assert",
			   a->is_pass ? "not everything here passes"
				      : "not everything here is blocked");
		say_witness(c, img, f, a->is_pass ? "blocked" : "passed");
	} else if (f->promise == IMAGE_PROMISE_RULE) {
		diag_error(c->diag, c->policy->rules[f->index].span, "contract",
			   "this rule lets traffic leave outside the tunnel");
		say_witness(c, img, f, "stopped");
		diag_hint(c->diag, "add it to \"exclude\", or remove the rule");
	} /* excludes are the tunnel's, which check has refused */
}

int contract_check(struct compilation *c)
{
	char error[IMAGE_ERROR_MAX] = "";
	struct image_finding finding = {0};
	struct image img;
	int found;

	if (!c->policy->assert_count && !c->policy->guard_count)
		return 0;
	found = image_open(c->image, c->image_len, &img, error);
	if (!found)
		found = image_search(NULL, &img, &finding);
	if (found <= 0)
		return found;
	say_broken(c, &img, &finding);
	free(c->image);
	c->image = NULL;
	c->image_len = 0;
	memset(&c->code, 0, sizeof(c->code));
	c->policy = NULL;
	return 0;
}
