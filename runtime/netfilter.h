/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfilter.h: BPF netfilter links (Linux 6.4), which libbpf 1.1 and the
 * headers of Linux 6.1 do not know.
 */
#ifndef NFR_NETFILTER_H
#define NFR_NETFILTER_H

#include <stdint.h>

#define NETFILTER_PROG_TYPE 32u
#define NETFILTER_ATTACH_TYPE 45u
#define NETFILTER_LINK_TYPE 10u

struct netfilter_hook {
	uint32_t family; /* NFPROTO_IPV4 or NFPROTO_IPV6 */
	uint32_t hook;	 /* NF_INET_* */
	int32_t priority;
};

/* A new link in the caller's namespace, or -errno (-EINVAL: no such links). */
int netfilter_attach(int prog_fd, const struct netfilter_hook *);
/* Of a link: 0, -errno, or -EEXIST: of another type. */
int netfilter_link_info(int link_fd, struct netfilter_hook *out,
			uint32_t *prog_id);

#endif
