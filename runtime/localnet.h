/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * localnet.h: rules that redirect to 127.0.0.0/8 -> route_localnet of the
 * devices where they apply, put back when they no longer do.
 *
 * The kernel drops what comes to 127/8 from outside (ip-sysctl.rst,
 * "route_localnet"), also when we have sent it there. What else comes to 127/8
 * is blocked by the datapath (reason address), so the sysctl is set only where
 * our hooks are, and put back before they go.
 *
 *   DIR/localnet   ifindex -> what it was before; survives the loader
 */
#ifndef NFR_LOCALNET_H
#define NFR_LOCALNET_H

#include "shared.h"

/* Sets what this image needs on these devices; skipped ones are left alone. */
int localnet_set(const struct shared *, const struct image *,
		 const struct engine_devices *, struct engine_error *);
/*
 * Puts back what this image does not need; image NULL: all. What somebody has
 * changed meanwhile stays. How many could not be put back.
 */
size_t localnet_restore(int map_fd, const struct image *,
			const struct engine_devices *);

#endif
