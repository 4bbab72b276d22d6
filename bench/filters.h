/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filters.h: a set of filters (ClassBench's, or one that is made here) and
 * headers for it -> a policy, an image, and the filter that must be found.
 */
#ifndef NFR_FILTERS_H
#define NFR_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench_header.h"
#include "compiler/compile.h"
#include "compiler/image.h"

#define FILTERS_ERROR_MAX 256
#define FILTERS_NONE UINT32_MAX
#define FILTERS_NET_MAX 64

struct filter {
	uint32_t src, dst; /* host order, host bits zero */
	uint8_t src_len, dst_len;
	uint8_t proto;
	bool has_proto;
	uint16_t sport[2], dport[2]; /* inclusive */
};

struct filters {
	struct filter *items;
	size_t count;
	struct bench_header4 *trace;
	size_t trace_count;
};

/*
 * A set by name: a file in ClassBench's format, plain or gzip; acl, fw or ipc:
 * the one of these in ../shared/peers/classbench (or NFR_CLASSBENCH) with so
 * many rules or more, cut; split: destinations that leave beside a tunnel. Its
 * trace is its file's, or trace_path, or headers drawn from the filters. 0 or
 * -errno with error set.
 */
int filters_read(const char *name, unsigned rules, const char *trace_path,
		 struct filters *out, char error[FILTERS_ERROR_MAX]);
void filters_free(struct filters *);

/* The first filter that takes the header, or FILTERS_NONE. */
uint32_t filters_find(const struct filters *, const struct bench_header4 *);

/*
 * A policy of one quick rule a filter, which passes or blocks in turn, without
 * states; its image, which is the compilation's, with the data form if it fits;
 * and how long that took. IPv6: each address becomes one of 2001::/16, see
 * filters_wide().
 */
int filters_compile(const struct filters *, bool is_ipv6,
		    struct compilation **out, struct image *, double *ms,
		    char error[FILTERS_ERROR_MAX]);
int filters_compile_text(const char *text, size_t len, enum policy_form,
			 struct compilation **out, struct image *,
			 char error[FILTERS_ERROR_MAX]);
/* The text of it, malloc'd. */
char *filters_text(const struct filters *, bool is_ipv6, size_t *len);
struct bench_header6 filters_wide(const struct bench_header4 *);
uint8_t filters_wide_proto(uint8_t);
/* A filter's network as text; of length 0 "0.0.0.0/0" or "::/0". */
void filters_net(uint32_t addr, unsigned len, bool is_ipv6,
		 char out[FILTERS_NET_MAX]);

#endif
