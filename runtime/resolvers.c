/* SPDX-License-Identifier: BSD-2-Clause */
/* resolvers.c: leases and routes -> whom a network says to ask for names. */
#include "resolvers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../compiler/addr.h"

#define LINE_MAX_LEN 1024
#define SEPARATORS " \t\r\n,;'\""

struct found {
	struct image_entry *out;
	size_t count;
};

int resolvers_parse(const char *text, struct image_entry *out)
{
	enum addr_family family;
	struct addr addr;

	if (addr_parse(text, &addr, &family))
		return -EINVAL;
	*out = (struct image_entry){
		.family = (__u8)family,
		.prefix_len = (__u8)addr_bits(family),
	};
	addr_to_mapped(&addr, family, out->addr);
	return 0;
}

/* The addresses of a line's rest; what is none is left out. */
static void take(struct found *f, char *words)
{
	char *rest = NULL;

	for (char *w = strtok_r(words, SEPARATORS, &rest);
	     w && f->count < RESOLVERS_MAX;
	     w = strtok_r(NULL, SEPARATORS, &rest))
		f->count += !resolvers_parse(w, &f->out[f->count]);
}

/* "DNS=192.0.2.1 192.0.2.2" */
static void networkd_read(struct found *f, unsigned ifindex)
{
	char path[80], line[LINE_MAX_LEN];
	FILE *in;

	snprintf(path, sizeof(path), "/run/systemd/netif/leases/%u", ifindex);
	in = fopen(path, "re");
	if (!in)
		return;
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, "DNS=", 4))
			take(f, line + 4);
	fclose(in);
}

/* The last of "option domain-name-servers 192.0.2.1,192.0.2.2;" counts. */
static void dhclient_read(struct found *f, const char *device)
{
	static const char option[] = "option domain-name-servers ";
	static const char *const paths[] = {
		"/var/lib/dhcp/dhclient.%s.leases",
		"/var/lib/dhclient/dhclient-%s.leases",
	};
	char path[128], line[LINE_MAX_LEN];

	for (size_t i = 0; i < 2 && !f->count; i++) {
		FILE *in;

		snprintf(path, sizeof(path), i ? paths[1] : paths[0], device);
		in = fopen(path, "re");
		if (!in)
			continue;
		while (fgets(line, sizeof(line), in)) {
			char *at = strstr(line, option);

			if (!at)
				continue;
			f->count = 0;
			take(f, at + strlen(option));
		}
		fclose(in);
	}
}

/* The IPv4 router of the device's default route, of the main table. */
static void route_read(struct found *f, const char *device)
{
	char line[LINE_MAX_LEN], name[32], text[INET_ADDRSTRLEN];
	unsigned to, gateway, flags;
	FILE *in = fopen("/proc/net/route", "re");

	while (in && !f->count && fgets(line, sizeof(line), in))
		if (sscanf(line, "%31s %x %x %x", name, &to, &gateway,
			   &flags) == 4 &&
		    !strcmp(name, device) && !to && gateway &&
		    inet_ntop(AF_INET, &gateway, text, sizeof(text)))
			f->count += !resolvers_parse(text, &f->out[0]);
	if (in)
		fclose(in);
}

size_t resolvers_of(const char *device, unsigned ifindex,
		    struct image_entry out[RESOLVERS_MAX], const char **from)
{
	struct found f = {.out = out};

	*from = "systemd-networkd's lease";
	networkd_read(&f, ifindex);
	if (!f.count) {
		*from = "dhclient's lease";
		dhclient_read(&f, device);
	}
	if (!f.count) {
		*from = "the router";
		route_read(&f, device);
	}
	return f.count;
}
