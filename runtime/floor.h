/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.h: what guards IP packets that leave, whatever the device: stub, slots
 * and links of its own.
 *
 *   DIR/floor/stub slots             as those of pins.h
 *   DIR/floor/output4 forward6 ...   the links
 *
 * By BPF netfilter links (Linux 6.4), at the end of LOCAL_OUT, FORWARD and
 * POST_ROUTING: behind what others translate. Else by egress of the root
 * cgroup, which forwarded packets and the kernel's own replies do not pass; the
 * edge sees those, so only a device that the edge does not know is left open
 * to them.
 */
#ifndef NFR_FLOOR_H
#define NFR_FLOOR_H

#include "generation.h"

#define PINS_FLOOR "floor"

struct floor {
	const struct pins *pins;
	const struct engine_options *options; /* NULL: nothing is loaded */
	enum engine_floor mode;
	int stub_fd, slots_fd;	   /* -1: there is no floor */
	struct bpf_object *object; /* of the generation that is being loaded */
	int prog_fd;		   /* its, or where it is NULL the slot's */
	bool is_new;		   /* made by this run */
	char why[128];		   /* why not by netfilter links; or "" */
};

/* options and shared may be NULL. 0 also when nothing is there: then mode is
 * NONE. */
int floor_open(const struct pins *, const struct engine_options *,
	       const struct shared *, struct floor *out, struct engine_error *);
/*
 * Loads the floor of a generation, and makes the stub where there was none. 0
 * also when the kernel has neither hook: then mode is NONE and why says it.
 */
int floor_load(struct floor *, const struct shared *, const struct generation *,
	       struct engine_error *);
int floor_place(const struct floor *, uint32_t slot, struct engine_error *);
void floor_clear(const struct floor *, uint32_t slot);
/* Attaches where no link is. */
int floor_attach(struct floor *, struct engine_error *);
void floor_close(struct floor *);
/* Removes links, stub and slots; *left: links that would not go. */
int floor_remove(struct floor *, size_t *left, struct engine_error *);

/* hooks_floor.c. How many paths it filled, one a hook. */
size_t floor_look(const struct floor *, struct engine_path *out);
size_t floor_count(const struct floor *); /* links of ours */

#endif
