/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_filter.h: words like "proto tcp and to 10.0.0.0/8 port 443" -> which
 * states they mean.
 *
 *   filter    = criterion *( [ "and" ] criterion )
 *   criterion = "proto" NAME-OR-NUMBER | "inet" | "inet6" | "in" | "out"
 *             | "from" NET | "to" NET | "host" NET
 *             | "port" NUMBER [ "-" NUMBER ] | "on" IF
 *             | "label" TEXT | "rule" NUMBER | "tag" NAME
 *             | "state" PHASE | "translated"
 *
 * All criteria must hold. from and to are the two ends of the flow as its
 * first packet had them, on the wire or as the host sees it; host and port are
 * either end. A word with blanks stands in double quotes.
 */
#ifndef NFR_STATE_FILTER_H
#define NFR_STATE_FILTER_H

#include "state_view.h"

#define STATE_FILTER_MAX 16
#define STATE_FILTER_WORDS                                                     \
	"proto inet inet6 in out from to host port on label rule tag state "   \
	"translated and"

struct state_test {
	unsigned what; /* index in STATE_FILTER_WORDS */
	union {
		struct {
			uint32_t addr[4]; /* key words */
			uint8_t family, prefix_len;
		};
		struct {
			uint32_t low, high;
		};
		char text[128];
	};
	uint64_t rule_id; /* of "rule", by state_filter_bind() */
};

struct state_filter {
	struct state_test tests[STATE_FILTER_MAX];
	size_t count; /* 0: every state */
};

struct state_filter_error {
	char text[256];	    /* one sentence, no full stop */
	size_t offset, len; /* of the word in the filter's text */
};

/* 0, or -EINVAL with *err. */
int state_filter_parse(const char *text, struct state_filter *out,
		       struct state_filter_error *err);
/* Says which rule "rule N" is, in the policy in force. 0, or -EINVAL. */
int state_filter_bind(struct state_filter *, const struct image *,
		      struct state_filter_error *err);
bool state_filter_matches(const struct state_filter *,
			  const struct state_view *);

#endif
