/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.h: small policies made by hand, for tests of what comes after check.
 */
#ifndef NFR_FIXTURE_H
#define NFR_FIXTURE_H

#include "compiler/image.h"
#include "compiler/lower.h"

#define FIXTURE_MAX 1200

struct fixture {
	struct arena *arena;
	struct policy policy;
	struct sources *sources;
	struct policy_rule rules[FIXTURE_MAX + 1], guard[FIXTURE_MAX];
	struct policy_table tables[8];
	struct policy_iface ifaces[8];
	struct code code;
	__u8 *bytes; /* of the image, by fixture_image() */
	size_t len;
};

void fixture_init(struct fixture *);
void fixture_free(struct fixture *);

/* Matches every IPv4 and IPv6 packet until the caller says more. */
struct policy_rule *fixture_rule(struct fixture *, bool is_pass);
struct policy_rule *fixture_guard(struct fixture *, bool is_pass);
/* Index of a new table, whose entries are "10.0.0.0/8 !10.1.0.0/16 ...". */
uint32_t fixture_table(struct fixture *, const char *name, const char *entries);
/* Id of a new interface. */
uint16_t fixture_iface(struct fixture *, const char *name);
/* "10.0.0.0" to "10.0.0.255", either family. */
struct policy_host fixture_range(const char *first, const char *last);

/* Adds the default, lowers, writes and opens; fails the test on any error. */
void fixture_image(struct fixture *, bool default_is_pass, struct image *);

#endif
