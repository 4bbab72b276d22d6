/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filters.c: ClassBench's files, or a name -> filters and headers.
 *
 * A filter: @src/len dst/len sport : sport dport : dport proto/mask flags/mask.
 * A header: src dst sport dport proto flags filter. Flags are left out, and so
 * are ports of other protocols than TCP and UDP, which a packet does not have.
 */
#include "filters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FILES "../shared/peers/classbench"
#define DRAWN 20000u /* headers, where there is no trace */
#define LINE_MAX_LEN 512

static int filters_fail(int err, const char *what,
			char error[FILTERS_ERROR_MAX])
{
	snprintf(error, FILTERS_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

static uint32_t mask_of(unsigned len)
{
	return len ? UINT32_MAX << (32 - len) : 0;
}

static bool has_ports(unsigned proto)
{
	return proto == 6 || proto == 17;
}

/* ---- files ------------------------------------------------------------- */

static bool parse_filter(const char *line, struct filter *out)
{
	unsigned a[4], b[4], len[2], s[2], d[2], proto, mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x",
		   &a[0], &a[1], &a[2], &a[3], &len[0], &b[0], &b[1], &b[2],
		   &b[3], &len[1], &s[0], &s[1], &d[0], &d[1], &proto,
		   &mask) != 16 ||
	    len[0] > 32 || len[1] > 32)
		return false;
	*out = (struct filter){
		.src = (a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]) &
		       mask_of(len[0]),
		.dst = (b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]) &
		       mask_of(len[1]),
		.src_len = (uint8_t)len[0],
		.dst_len = (uint8_t)len[1],
		.proto = (uint8_t)proto,
		.has_proto = mask != 0,
		.sport = {(uint16_t)s[0], (uint16_t)s[1]},
		.dport = {(uint16_t)d[0], (uint16_t)d[1]},
	};
	return true;
}

static bool parse_header(const char *line, struct bench_header4 *out)
{
	unsigned src, dst, sport, dport, proto;

	if (sscanf(line, "%u %u %u %u %u", &src, &dst, &sport, &dport,
		   &proto) != 5)
		return false;
	*out = (struct bench_header4){
		.src = src, .dst = dst, .proto = (uint8_t)proto};
	if (has_ports(proto)) {
		out->sport = (__u16)sport;
		out->dport = (__u16)dport;
	}
	return true;
}

/* max 0: all. */
static int read_filters(const char *path, unsigned max, struct filters *out,
			char error[FILTERS_ERROR_MAX])
{
	gzFile file = gzopen(path, "rb");
	char line[LINE_MAX_LEN];
	size_t room = 1024;

	if (!file)
		return filters_fail(-ENOENT, path, error);
	out->items = calloc(room, sizeof(*out->items));
	while (out->items && gzgets(file, line, sizeof(line)) &&
	       (!max || out->count < max)) {
		if (!parse_filter(line, &out->items[out->count])) {
			gzclose(file);
			return filters_fail(-EINVAL, path, error);
		}
		if (++out->count == room) {
			room *= 2;
			out->items =
				realloc(out->items, room * sizeof(*out->items));
		}
	}
	gzclose(file);
	return out->items ? 0 : filters_fail(-ENOMEM, path, error);
}

static int read_trace(const char *path, struct filters *out,
		      char error[FILTERS_ERROR_MAX])
{
	gzFile file = gzopen(path, "rb");
	char line[LINE_MAX_LEN];

	if (!file)
		return filters_fail(-ENOENT, path, error);
	out->trace = calloc(BENCH_TRACE_MAX, sizeof(*out->trace));
	while (out->trace && out->trace_count < BENCH_TRACE_MAX &&
	       gzgets(file, line, sizeof(line))) {
		if (!parse_header(line, &out->trace[out->trace_count])) {
			gzclose(file);
			return filters_fail(-EINVAL, path, error);
		}
		out->trace_count++;
	}
	gzclose(file);
	return out->trace ? 0 : filters_fail(-ENOMEM, path, error);
}

/* ---- made here --------------------------------------------------------- */

/* xorshift32 (Marsaglia): the same each time. */
static uint32_t draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* A header out of a filter, at random. */
static struct bench_header4 draw_header(const struct filters *set,
					uint32_t *seed)
{
	const struct filter *f = &set->items[draw(seed) % set->count];
	struct bench_header4 h = {
		.src = f->src | (draw(seed) & ~mask_of(f->src_len)),
		.dst = f->dst | (draw(seed) & ~mask_of(f->dst_len)),
		.proto = f->has_proto ? f->proto : 6,
	};

	if (has_ports(h.proto)) {
		h.sport =
			(__u16)(f->sport[0] +
				draw(seed) % (f->sport[1] - f->sport[0] + 1u));
		h.dport =
			(__u16)(f->dport[0] +
				draw(seed) % (f->dport[1] - f->dport[0] + 1u));
	}
	return h;
}

static int draw_trace(struct filters *set, char error[FILTERS_ERROR_MAX])
{
	uint32_t seed = 1;

	set->trace = calloc(DRAWN, sizeof(*set->trace));
	if (!set->trace)
		return filters_fail(-ENOMEM, "a trace", error);
	for (; set->trace_count < DRAWN; set->trace_count++)
		set->trace[set->trace_count] = draw_header(set, &seed);
	return 0;
}

/* What leaves beside a tunnel: hosts and networks, some for one service. */
static int make_split(unsigned rules, struct filters *out,
		      char error[FILTERS_ERROR_MAX])
{
	static const uint8_t lens[] = {32, 32, 24, 22, 20, 16, 24, 32};
	uint32_t seed = 7;

	out->items = calloc(rules, sizeof(*out->items));
	if (!out->items)
		return filters_fail(-ENOMEM, "a set", error);
	for (; out->count < rules; out->count++) {
		struct filter *f = &out->items[out->count];
		uint32_t at = draw(&seed);

		*f = (struct filter){.sport = {0, UINT16_MAX},
				     .dport = {0, UINT16_MAX}};
		f->dst_len = lens[at % sizeof(lens)];
		f->dst = draw(&seed) & mask_of(f->dst_len);
		if (at >> 8 & 3)
			continue;
		f->has_proto = true;
		f->proto = at >> 10 & 1 ? 6 : 17;
		f->dport[0] = f->dport[1] = at >> 11 & 1 ? 443 : 53;
	}
	return 0;
}

/* ---- by name ----------------------------------------------------------- */

static bool is_seed(const char *name)
{
	return !strcmp(name, "acl") || !strcmp(name, "fw") ||
	       !strcmp(name, "ipc");
}

static void file_of(const char *name, unsigned rules, const char *kind,
		    char path[256])
{
	const char *folder = getenv("NFR_CLASSBENCH");
	const char *size = rules <= 1000    ? "1k"
			   : rules <= 10000 ? "10k"
					    : "100k";

	snprintf(path, 256, "%s/%s1_%s.%s.gz", folder ? folder : FILES, name,
		 size, kind);
}

int filters_read(const char *name, unsigned rules, const char *trace_path,
		 struct filters *out, char error[FILTERS_ERROR_MAX])
{
	char path[256];
	int ret;

	memset(out, 0, sizeof(*out));
	if (!strcmp(name, "split")) {
		ret = make_split(rules ? rules : 1000, out, error);
	} else if (is_seed(name)) {
		file_of(name, rules, "rules", path);
		ret = read_filters(path, rules, out, error);
	} else {
		ret = read_filters(name, rules, out, error);
	}
	if (!ret && out->count == 0)
		ret = filters_fail(-ENODATA, name, error);
	if (ret)
		return ret;
	if (trace_path)
		return read_trace(trace_path, out, error);
	if (!is_seed(name))
		return draw_trace(out, error);
	file_of(name, rules, "trace", path);
	return read_trace(path, out, error);
}

void filters_free(struct filters *set)
{
	free(set->items);
	free(set->trace);
	memset(set, 0, sizeof(*set));
}

uint32_t filters_find(const struct filters *set, const struct bench_header4 *h)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct filter *f = &set->items[i];

		if (((h->src ^ f->src) & mask_of(f->src_len)) == 0 &&
		    ((h->dst ^ f->dst) & mask_of(f->dst_len)) == 0 &&
		    h->sport >= f->sport[0] && h->sport <= f->sport[1] &&
		    h->dport >= f->dport[0] && h->dport <= f->dport[1] &&
		    (!f->has_proto || f->proto == h->proto))
			return (uint32_t)i;
	}
	return FILTERS_NONE;
}
