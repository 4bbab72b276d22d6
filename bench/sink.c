/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c: a socket that counts what it drops. */
#include "sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ARRIVAL_NAP_NS 100000
#define ARRIVAL_TRIES 50000 /* five seconds of them */

static int sink_fail(const char *what, char error[MEASURE_ERROR_MAX])
{
	int err = errno ? -errno : -EIO;

	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

socklen_t sink_name(enum nfr_family family, enum lab_net net,
		    enum lab_side side, uint16_t port,
		    struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	const char *text = lab_address(family, net, side);

	memset(out, 0, sizeof(*out));
	if (family == NFR_FAMILY_IPV4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		inet_pton(AF_INET, text, &in->sin_addr);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, text, &in6->sin6_addr);
	return sizeof(*in6);
}

int sink_open(enum nfr_family family, enum lab_net net, enum lab_side side,
	      uint16_t port, int type, int *out, char error[MEASURE_ERROR_MAX])
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = {.len = 1, .filter = &drop};
	struct sockaddr_storage name;
	socklen_t len = sink_name(family, net, side, port, &name);

	*out = socket(name.ss_family, type | SOCK_CLOEXEC, 0);
	if (*out < 0 ||
	    setsockopt(*out, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		       sizeof(filter)) ||
	    bind(*out, (struct sockaddr *)&name, len) ||
	    (type == SOCK_STREAM && listen(*out, 8)))
		return sink_fail("a socket that takes packets", error);
	return 0;
}

int sink_count(int sink, uint32_t *out, char error[MEASURE_ERROR_MAX])
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(sink, SOL_SOCKET, SO_MEMINFO, info, &len))
		return sink_fail("count packets", error);
	*out = info[SK_MEMINFO_DROPS];
	return 0;
}

/*
 * A busy machine leaves some to ksoftirqd, which runs when this process sleeps.
 * ARRIVAL_TRIES times without all of them is an answer, too: some were dropped.
 */
int sink_wait(int sink, uint32_t before, unsigned count, uint64_t *out,
	      char error[MEASURE_ERROR_MAX])
{
	const struct timespec nap = {.tv_nsec = ARRIVAL_NAP_NS};
	uint32_t now = 0;
	int ret = sink_count(sink, &now, error);

	for (int i = 0; !ret && now - before < count && i < ARRIVAL_TRIES;
	     i++) {
		nanosleep(&nap, NULL);
		ret = sink_count(sink, &now, error);
	}
	*out = now - before;
	return ret;
}
