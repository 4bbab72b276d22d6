/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * binding.h: a generation that is placed, and the devices of now -> its maps of
 * devices, kept up to date without a new generation.
 *
 * Names bind to whichever device has them. The tunnel's does not: what is
 * trusted is the device that was, under whatever name, and after its end one
 * that "rebind" lets in (rebind.h).
 */
#ifndef NFR_BINDING_H
#define NFR_BINDING_H

#include "generation.h"

struct binding {
	uint32_t generation;
	struct image image; /* views bytes */
	void *bytes;
	int ifaces, near, tunnels, identity, edges, ticket; /* maps */
};

/*
 * What was done, a sentence each; say may be NULL. closed is what was last said
 * of a tunnel that stays closed, so that it is not said again.
 */
struct binding_log {
	void (*say)(void *arg, const char *line);
	void *arg;
	char *closed; /* ENGINE_CLOSED_MAX */
};

/* -ENOENT: the slot is empty. *out untouched on failure. */
int binding_open(const struct pins *, const struct shared *, uint32_t slot,
		 struct binding **out, struct engine_error *);
void binding_close(struct binding **);
/*
 * Entries of devices that came, were renamed or went. Fills ifid, is_skipped,
 * is_tunnel, is_trusted and is_known of each device.
 */
int binding_update(const struct binding *, struct engine_devices *,
		   const struct binding_log *, struct engine_error *);
/* The policy's name for a trusted tunnel, whatever it is called now; or NULL.
 */
const char *binding_tunnel_name(const struct binding *, uint32_t ifindex);
/*
 * The floor leaves a device's rules to its edge where there is one: after
 * hooks_look() or hooks_attach(), for the hooks that these devices have.
 */
void binding_edges(const struct binding *, const struct engine_devices *);

#endif
