/* SPDX-License-Identifier: BSD-2-Clause */
/* state_filter.c: words -> tests of a flow state. state_filter.h has the
 * grammar. */
#include "state_filter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../compiler/addr.h"
#include "../compiler/diag.h"
#include "../compiler/host.h"
#include "option.h"

/* In the order of STATE_FILTER_WORDS. */
enum test {
	TEST_PROTO,
	TEST_INET,
	TEST_INET6,
	TEST_IN,
	TEST_OUT,
	TEST_FROM,
	TEST_TO,
	TEST_HOST,
	TEST_PORT,
	TEST_ON,
	TEST_LABEL,
	TEST_RULE,
	TEST_TAG,
	TEST_STATE,
	TEST_TRANSLATED,
	TEST_AND,
	TESTS
};

struct scan {
	const char *text;
	size_t at;
	size_t offset, len; /* of the word, quotes included */
	char word[128];	    /* without them */
	struct state_filter_error *err;
};

static int scan_fail(struct scan *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int scan_fail(struct scan *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->err->text, sizeof(s->err->text), fmt, ap);
	va_end(ap);
	s->err->offset = s->offset;
	s->err->len = s->len ? s->len : 1;
	return -EINVAL;
}

/* 1: a word; 0: the end; -EINVAL. */
static int scan_word(struct scan *s)
{
	const char *at = s->text + s->at, *word;
	bool is_quoted;
	size_t len;

	at += strspn(at, " \t\n");
	s->offset = (size_t)(at - s->text);
	s->at = s->offset;
	s->len = 0;
	if (!*at)
		return 0;
	is_quoted = *at == '"';
	word = at + is_quoted;
	len = strcspn(word, is_quoted ? "\"" : " \t\n");
	s->len = len + (is_quoted ? 2 : 0);
	if (is_quoted && word[len] != '"') {
		s->len = len + 1;
		return scan_fail(s, "the string does not end");
	}
	s->at += s->len;
	if (len >= sizeof(s->word))
		return scan_fail(s, "the word is too long");
	memcpy(s->word, word, len);
	s->word[len] = '\0';
	return 1;
}

/* Says what would have been right, if something is near. */
static int scan_unknown(struct scan *s, const char *what, const char *words)
{
	const char *names[TESTS], *near;
	char copy[160], *rest = copy, *word;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) && count < TESTS)
		names[count++] = word;
	near = diag_nearest(s->word, names, count);
	if (near)
		return scan_fail(s, "\"%s\" is no %s; did you mean \"%s\"?",
				 s->word, what, near);
	return scan_fail(s, "\"%s\" is no %s: one of %s", s->word, what, words);
}

/* ---- arguments --------------------------------------------------------- */

static int parse_number(const char *text, uint32_t max, uint32_t *out,
			char **end)
{
	unsigned long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, end, 10);
	if (errno || value > max)
		return -EINVAL;
	*out = (uint32_t)value;
	return 0;
}

static int parse_proto(struct scan *s, struct state_test *test)
{
	int proto = host_proto(s->word);
	char *end;

	if (proto >= 0) {
		test->low = (uint32_t)proto;
		return 0;
	}
	if (parse_number(s->word, 255, &test->low, &end) || *end)
		return scan_fail(s, "\"%s\" is no protocol", s->word);
	return 0;
}

static int parse_net(struct scan *s, struct state_test *test)
{
	char *slash = strchr(s->word, '/'), *end;
	enum addr_family family;
	struct addr addr;
	uint32_t prefix_len;

	if (slash)
		*slash = '\0';
	if (addr_parse(s->word, &addr, &family))
		goto bad;
	prefix_len = addr_bits(family);
	if (slash &&
	    (parse_number(slash + 1, prefix_len, &prefix_len, &end) || *end))
		goto bad;
	memcpy(test->addr, addr.w, sizeof(test->addr));
	test->family = (uint8_t)family;
	test->prefix_len = (uint8_t)prefix_len;
	return 0;
bad:
	if (slash)
		*slash = '/';
	return scan_fail(s,
			 "\"%s\" is no address and no prefix; names are not "
			 "looked up",
			 s->word);
}

static int parse_port(struct scan *s, struct state_test *test)
{
	char *end;

	if (parse_number(s->word, 65535, &test->low, &end))
		goto bad;
	test->high = test->low;
	if (*end == '-' && parse_number(end + 1, 65535, &test->high, &end))
		goto bad;
	if (*end || test->high < test->low)
		goto bad;
	return 0;
bad:
	return scan_fail(s, "\"%s\" is no port, as 443, and no range, as 1-99",
			 s->word);
}

static int parse_text(struct scan *s, struct state_test *test)
{
	if (!*s->word)
		return scan_fail(s, "an empty word");
	memcpy(test->text, s->word, sizeof(test->text));
	return 0;
}

static int parse_argument(struct scan *s, struct state_test *test)
{
	char *end;

	switch (test->what) {
	case TEST_PROTO:
		return parse_proto(s, test);
	case TEST_FROM:
	case TEST_TO:
	case TEST_HOST:
		return parse_net(s, test);
	case TEST_PORT:
		return parse_port(s, test);
	case TEST_RULE:
		if (parse_number(s->word + (*s->word == '@'), NFR_RULE_MAX - 1,
				 &test->low, &end) ||
		    *end)
			return scan_fail(s, "\"%s\" is no rule's number",
					 s->word);
		return 0;
	case TEST_STATE:
		for (char *at = s->word; *at; at++)
			*at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20)
						       : *at;
		if (option_word(STATE_PHASE_WORDS, s->word) < 0)
			return scan_unknown(s, "phase of a state",
					    STATE_PHASE_WORDS);
		return parse_text(s, test);
	default:
		return parse_text(s, test);
	}
}

static bool takes_argument(unsigned what)
{
	return what == TEST_PROTO || (what >= TEST_FROM && what <= TEST_STATE);
}

/* The word is a criterion's first. */
static int parse_criterion(struct scan *s, struct state_filter *out)
{
	int what = option_word(STATE_FILTER_WORDS, s->word), rc;
	struct state_test *test;
	char name[16];

	if (what < 0)
		return scan_unknown(s, "criterion", STATE_FILTER_WORDS);
	if (what == TEST_AND)
		return scan_fail(s, "\"and\" stands between two criteria");
	if (out->count == STATE_FILTER_MAX)
		return scan_fail(s, "more than %d criteria", STATE_FILTER_MAX);
	test = &out->tests[out->count++];
	test->what = (unsigned)what;
	if (!takes_argument(test->what))
		return 0;
	snprintf(name, sizeof(name), "%.15s", s->word);
	rc = scan_word(s);
	if (rc == 0)
		return scan_fail(s, "\"%s\" needs a word behind it", name);
	return rc < 0 ? rc : parse_argument(s, test);
}

int state_filter_parse(const char *text, struct state_filter *out,
		       struct state_filter_error *err)
{
	struct scan s = {.text = text, .err = err};
	int rc;

	memset(out, 0, sizeof(*out));
	while ((rc = scan_word(&s)) == 1) {
		if (out->count && !strcmp(s.word, "and")) {
			rc = scan_word(&s);
			if (rc == 0)
				return scan_fail(&s,
						 "\"and\" needs a criterion "
						 "behind it");
			if (rc < 0)
				return rc;
		}
		rc = parse_criterion(&s, out);
		if (rc)
			return rc;
	}
	return rc;
}

int state_filter_bind(struct state_filter *filter, const struct image *image,
		      struct state_filter_error *err)
{
	for (size_t i = 0; i < filter->count; i++) {
		struct state_test *test = &filter->tests[i];

		if (test->what != TEST_RULE)
			continue;
		if (!image || test->low >= image->rule_count) {
			snprintf(err->text, sizeof(err->text),
				 "the policy in force has no rule @%u",
				 test->low);
			err->offset = err->len = 0;
			return -EINVAL;
		}
		test->rule_id = image->ruleinfo[test->low].id;
	}
	return 0;
}

/* ---- matching ---------------------------------------------------------- */

static bool is_in_net(const struct state_test *test, unsigned family,
		      const __u32 addr[4])
{
	unsigned left = test->prefix_len;

	if (test->family != family)
		return false;
	for (unsigned i = 0; i < 4 && left; i++) {
		unsigned bits = left < 32 ? left : 32;
		uint32_t mask = bits == 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);

		if ((test->addr[i] ^ addr[i]) & mask)
			return false;
		left -= bits;
	}
	return true;
}

static bool is_end(const struct state_test *test, const struct state_view *v,
		   bool is_near)
{
	struct nfr_endpoints stack = state_stack(v->name, v->state);
	unsigned family = v->name->family;

	return is_in_net(test, family,
			 is_near ? v->name->near_addr : v->name->far_addr) ||
	       is_in_net(test, family,
			 is_near ? stack.near_addr : stack.far_addr);
}

static bool has_port(const struct state_test *test, const struct state_view *v)
{
	struct nfr_endpoints stack = state_stack(v->name, v->state);
	const uint32_t ports[] = {v->name->near_port, v->name->far_port,
				  stack.near_port, stack.far_port};

	if (v->name->proto != 6 && v->name->proto != 17)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (ports[i] >= test->low && ports[i] <= test->high)
			return true;
	return false;
}

static bool has_rule(const struct state_test *test, const struct state_view *v)
{
	const struct image_ruleinfo *info = state_ruleinfo(v);

	if (!info)
		return false;
	if (test->what == TEST_RULE)
		return info->id == test->rule_id;
	return info->label &&
	       !strcmp(image_string(v->image, info->label), test->text);
}

static bool matches(const struct state_test *test, const struct state_view *v)
{
	bool is_out = v->state->dir == NFR_DIR_OUT;
	char tag[STATE_TAG_MAX];

	switch (test->what) {
	case TEST_PROTO:
		return v->name->proto == test->low;
	case TEST_INET:
		return v->name->family == NFR_FAMILY_IPV4;
	case TEST_INET6:
		return v->name->family == NFR_FAMILY_IPV6;
	case TEST_IN:
		return !is_out;
	case TEST_OUT:
		return is_out;
	case TEST_FROM:
		return is_end(test, v, is_out);
	case TEST_TO:
		return is_end(test, v, !is_out);
	case TEST_HOST:
		return is_end(test, v, true) || is_end(test, v, false);
	case TEST_PORT:
		return has_port(test, v);
	case TEST_ON:
		return !strcmp(v->ifname, test->text);
	case TEST_LABEL:
	case TEST_RULE:
		return has_rule(test, v);
	case TEST_TAG:
		return v->state->given &&
		       !strcmp(state_tag(v, tag), test->text);
	case TEST_STATE:
		return !strcasecmp(
			state_phase_name(v->name->proto, v->state->phase),
			test->text);
	case TEST_TRANSLATED:
		return v->state->flags & NFR_STATE_IS_TRANSLATED;
	}
	return false;
}

bool state_filter_matches(const struct state_filter *filter,
			  const struct state_view *v)
{
	for (size_t i = 0; i < filter->count; i++)
		if (!matches(&filter->tests[i], v))
			return false;
	return true;
}
