/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h: our stubs on devices: what is there, attach, detach.
 *
 * A hook is a pinned link (XDP or tcx), so it lives without any process; only
 * where the kernel has no tcx it is a clsact filter, which lives with its
 * qdisc. A pinned link counts only while the kernel says that it sits on that
 * device of this namespace: a deleted device, or another that got its index,
 * makes it stale.
 */
#ifndef NFR_HOOKS_H
#define NFR_HOOKS_H

#include "pins.h"
#include "tcx.h"

enum hooks_stub { HOOKS_XDP, HOOKS_IN, HOOKS_OUT, HOOKS_STUBS };

struct hooks {
	const struct pins *pins;
	const struct engine_options *options;
	int stub_fd[HOOKS_STUBS]; /* borrowed */
	uint32_t stub_id[HOOKS_STUBS];
	bool rewrites; /* the policy to come: translates or routes */
};

/* options may be NULL where nothing is attached; a stub's fd may be missing. */
void hooks_init(struct hooks *, const struct pins *,
		const struct engine_options *,
		const int shared_fd[PIN_SHARED_COUNT]);
/* Fills both hooks of a device that links_list() described. */
void hooks_look(const struct hooks *, struct engine_device *);
/*
 * Attaches where hooks_look() found none, in the order of preference: `in` by
 * XDP native, tcx, clsact, `out` by tcx, clsact. What rewrites does without
 * XDP, and so does a veth; XDP generic is asked for. 0, -ENODEV when the device
 * has gone meanwhile, or another -errno with nothing attached.
 */
int hooks_attach(const struct hooks *, struct engine_device *, enum nfr_dir,
		 struct engine_error *err);
/* Does this policy do what XDP can not: translate, or route? */
bool hooks_need_tc(const struct image *);
/* Does XDP have the hook, and the policy rewrites? */
bool hooks_must_move(const struct hooks *, const struct engine_device *);
/*
 * Attaches `in` by tcx or clsact, then takes XDP away. It does not move back
 * later: drivers lose packets when XDP comes and goes, and a reload should not.
 * 0, or -errno with XDP still in place.
 */
int hooks_move(const struct hooks *, struct engine_device *,
	       struct engine_error *err);
/*
 * To the head of its chain, where hooks_look() found it behind others; for the
 * moment that takes, nothing passes. 0; -EOPNOTSUPP: this hook has no order
 * that could be changed; or another -errno.
 */
int hooks_raise(const struct hooks *, struct engine_device *, enum nfr_dir,
		struct engine_error *err);
/*
 * Lets go of links whose device is not one of these: it went away, or to
 * another namespace, where this policy has no say. Returns how many.
 */
size_t hooks_release(const struct hooks *, const struct engine_devices *);
/* Nothing there is fine. */
int hooks_detach(const struct hooks *, struct engine_device *, enum nfr_dir);
/* Takes back what this run attached (is_new). */
void hooks_undo(const struct hooks *, struct engine_device *);

#define HOOKS_NEXT "next-" /* "next-7": will be "in-7" */
/* "in-7"; a link of ours by that name: a new fd, -ENOENT or -EEXIST. */
void hooks_pin_name(uint32_t ifindex, enum nfr_dir, char out[32]);
int hooks_open_link(const struct hooks *, const char *pin, struct tcx_link *);
/* Detaches it and frees its name; nothing there is fine. 0, or -EEXIST ... */
int hooks_drop_link(const struct hooks *, const char *pin,
		    struct engine_error *err);
/* Is every pin below links/ ours? -EEXIST when not. */
int hooks_check(const struct hooks *, struct engine_error *err);
/* How many hooks of ours sit on devices of this namespace. */
size_t hooks_count(const struct hooks *);
/* Removes the pins of links whose device is gone, and of moves half done. */
void hooks_sweep(const struct hooks *);
/* Detaches all, the clsact filters too; *left is how many would not go. */
int hooks_remove(const struct hooks *, size_t *left, struct engine_error *err);

#endif
