/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_contract.c: an image with changed tables -> what it would break, told as
 * check tells it of a policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/cover.h"
#include "../compiler/image_search.h"
#include "nfload.h"

#define PLACE_MAX 300

/* "vpn.nfr:12:1", or "generated". */
static const char *place_text(const struct image *img, __u32 file, __u32 line,
			      __u32 col, char out[PLACE_MAX])
{
	if (file < img->file_count)
		snprintf(out, PLACE_MAX, "%.255s:%u:%u",
			 image_string(img, img->files[file]), line, col);
	else
		snprintf(out, PLACE_MAX, "generated");
	return out;
}

static const char *rule_place(const struct image *img, __u32 rule,
			      char out[PLACE_MAX])
{
	const struct image_ruleinfo *info = &img->ruleinfo[rule];

	return place_text(img, info->file, info->line, info->col, out);
}

static void say_note(struct nfload *t, const char *text)
{
	if (!t->json)
		fprintf(stderr, "  note: %s\n", text);
}

static void say_witness(struct nfload *t, const struct image *img,
			const struct image_finding *f, const char *what)
{
	char packet[IMAGE_KEY_TEXT_MAX], place[PLACE_MAX];
	const char *rule = image_string(img, img->ruleinfo[f->rule].text);
	char *text;

	image_key_text(img, &f->key, packet);
	json_put_text(t->json, JSON_FIELD_WITNESS, packet);
	if (asprintf(&text, "witness: %s", packet) < 0)
		abort();
	say_note(t, text);
	free(text);
	rule_place(img, f->rule, place);
	if (asprintf(&text, "%s by \"%s\" at %s", what, rule, place) < 0)
		abort();
	say_note(t, text);
	json_put_text(t->json, JSON_FIELD_DECIDED_BY, rule);
	free(text);
}

static void refuse_assert(struct nfload *t, const struct image *img,
			  const struct image_finding *f)
{
	const struct image_assert *a = &img->asserts[f->index];
	char place[PLACE_MAX];

	report_fail(t, EXIT_INPUT, "%s: not everything in \"%s\" %s [assert]",
		    place_text(img, a->file, a->line, a->col, place),
		    image_string(img, a->text),
		    a->is_pass ? "would pass" : "would be blocked");
	say_witness(t, img, f, a->is_pass ? "blocked" : "passed");
}

static void refuse_rule(struct nfload *t, const struct image *img,
			const struct image_finding *f)
{
	char place[PLACE_MAX];

	report_fail(t, EXIT_INPUT,
		    "%s: \"%s\" would let traffic leave outside the tunnel "
		    "[contract]",
		    rule_place(img, f->index, place),
		    image_string(img, img->ruleinfo[f->index].text));
	say_witness(t, img, f, "stopped");
	report_hint(t, "what may go outside is said by \"exclude\"");
}

static void refuse_exclude(struct nfload *t, const struct image *img,
			   const struct image_finding *f)
{
	const struct image_exclude *x = &img->excludes[f->index];
	int number = f->key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV4 ? 4 : 6;
	char place[PLACE_MAX];

	report_fail(t, EXIT_INPUT, "%s: " EXCLUDES_ALL " [contract]",
		    place_text(img, x->file, x->line, x->col, place), number,
		    number);
	report_hint(t, EXCLUDES_ALL_HINT);
}

int refuse_broken(struct nfload *t, const struct image *before,
		  const struct image *after)
{
	struct image_finding f;
	int found = image_search(before, after, &f);

	if (found < 0)
		return report_fail(t, EXIT_REFUSED, "asserts and contract: %s",
				   strerror(-found));
	if (!found)
		return 0;
	if (f.promise == IMAGE_PROMISE_ASSERT)
		refuse_assert(t, after, &f);
	else if (f.promise == IMAGE_PROMISE_RULE)
		refuse_rule(t, after, &f);
	else
		refuse_exclude(t, after, &f);
	return EXIT_INPUT;
}
