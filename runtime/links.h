/* SPDX-License-Identifier: BSD-2-Clause */
/* links.h: the network devices of this namespace. */
#ifndef NFR_LINKS_H
#define NFR_LINKS_H

#include "engine.h"

/*
 * Asks rtnetlink. Fills name, kind, ifindex, arphrd, flags, xdp_* and link of
 * each; the rest is zero. Sorted by ifindex. 0 or -errno; *out untouched on
 * failure, else freed by engine_devices_free().
 */
int links_list(struct engine_devices *out);

/* How frames of such a device begin. */
enum nfr_link links_type(uint16_t arphrd);

const struct engine_device *links_find(const struct engine_devices *,
				       uint32_t ifindex);

#endif
