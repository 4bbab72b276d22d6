/* SPDX-License-Identifier: BSD-2-Clause */
/* filters_text.c: filters -> the text of a policy -> an image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

#include "filters.h"

/*
 * a.b.c.d becomes 2001:a.b:c.d: and, of a host, 64 bits that follow from it;
 * so what is in a prefix stays in it, and what is not stays out.
 */
static void wide(uint32_t addr, uint32_t out[4])
{
	uint64_t rest = addr * 0x9e3779b97f4a7c15u;

	out[0] = 0x20010000u | addr >> 16;
	out[1] = addr << 16;
	out[2] = (uint32_t)(rest >> 32);
	out[3] = (uint32_t)rest;
}

/* ICMP is ICMPv6 there; nobody else is both. */
uint8_t filters_wide_proto(uint8_t proto)
{
	return proto == 1 ? 58 : proto == 58 ? 1 : proto;
}

struct bench_header6 filters_wide(const struct bench_header4 *from)
{
	struct bench_header6 out = {.sport = from->sport,
				    .dport = from->dport,
				    .proto = filters_wide_proto(from->proto)};

	wide(from->src, out.src);
	wide(from->dst, out.dst);
	return out;
}

void filters_net(uint32_t addr, unsigned len, bool is_ipv6,
		 char out[FILTERS_NET_MAX])
{
	struct addr a = {{addr}};
	char text[ADDR_TEXT_MAX];

	if (is_ipv6) {
		wide(addr, a.w);
		len = len == 32 ? 128 : len ? 16 + len : 0;
		a = addr_first(a, FAMILY_IPV6, len);
	}
	snprintf(out, FILTERS_NET_MAX, "%s/%u",
		 addr_format(&a, is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4, text),
		 len);
}

static void write_host(uint32_t addr, unsigned len, bool is_ipv6, FILE *out)
{
	char text[FILTERS_NET_MAX] = "any";

	if (len)
		filters_net(addr, len, is_ipv6, text);
	fputs(text, out);
}

static void write_ports(const uint16_t port[2], FILE *out)
{
	if (port[0] == 0 && port[1] == UINT16_MAX)
		return;
	if (port[0] == port[1])
		fprintf(out, " port %u", port[0]);
	else
		fprintf(out, " port %u:%u", port[0], port[1]);
}

static void write_filter(const struct filter *f, bool is_pass, bool is_ipv6,
			 FILE *out)
{
	fprintf(out, "%s in quick %s", is_pass ? "pass" : "block",
		is_ipv6 ? "inet6" : "inet");
	if (f->has_proto)
		fprintf(out, " proto %u",
			is_ipv6 ? filters_wide_proto(f->proto) : f->proto);
	fputs(" from ", out);
	write_host(f->src, f->src_len, is_ipv6, out);
	write_ports(f->sport, out);
	fputs(" to ", out);
	write_host(f->dst, f->dst_len, is_ipv6, out);
	write_ports(f->dport, out);
	fputs(is_pass ? " no state\n" : "\n", out);
}

char *filters_text(const struct filters *set, bool is_ipv6, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < set->count; i++)
		write_filter(&set->items[i], i % 2, is_ipv6, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* A file that ends with its descriptor, as the compiler reads paths. */
static int keep(const char *text, size_t len)
{
	int fd = memfd_create("nfbench", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < len) {
		ssize_t n = write(fd, text + at, len - at);

		if (n <= 0) {
			close(fd);
			return -EIO;
		}
		at += (size_t)n;
	}
	return fd < 0 ? -errno : fd;
}

int filters_compile_text(const char *text, size_t len, enum policy_form form,
			 struct compilation **out, struct image *image,
			 char error[FILTERS_ERROR_MAX])
{
	char damage[IMAGE_ERROR_MAX] = "";
	struct compile_options options = {.form = form};
	const char *why = NULL;
	char path[64];
	int fd = text ? keep(text, len) : -ENOMEM, ret = fd;

	if (fd < 0) {
		snprintf(error, FILTERS_ERROR_MAX, "a policy: %s",
			 strerror(-ret));
		return ret;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = compile_file(path, &options, out, &why);
	close(fd);
	if (!ret && !(*out)->image) {
		snprintf(error, FILTERS_ERROR_MAX,
			 "the set does not make a policy");
		ret = -EINVAL;
	} else if (ret) {
		snprintf(error, FILTERS_ERROR_MAX, "%s", why ? why : "");
	} else if (image_open((*out)->image, (*out)->image_len, image,
			      damage)) {
		snprintf(error, FILTERS_ERROR_MAX, "the image: %.200s", damage);
		ret = -EINVAL;
	}
	return ret;
}

int filters_compile(const struct filters *set, bool is_ipv6,
		    struct compilation **out, struct image *image, double *ms,
		    char error[FILTERS_ERROR_MAX])
{
	uint64_t start = clock_now_ns();
	size_t len = 0;
	char *text = filters_text(set, is_ipv6, &len);
	int ret = filters_compile_text(text, len, POLICY_FORM_HASH, out, image,
				       error);

	free(text);
	*ms = clock_ms_since(start);
	return ret;
}
