/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine.h: image in, policy in force out; and what is in force, read back.
 *
 * Overview
 *   Everything lives in one pin directory of a bpffs: the stubs that hold the
 *   hooks, their two-slot program arrays, the maps that outlive policies, and
 *   two generations. A load fills the slot that is not active and flips
 *   control.active; nothing else switches policies. No process has to live.
 *
 * Invariants
 *   - At every moment a hooked device is under the old policy, the new one, or
 *     blocks. Whatever fails before the flip leaves the old policy in force.
 *   - One pin directory belongs to one network namespace, and only that
 *     namespace's processes may use it.
 *   - A pinned object is used only after its type, name and sizes were found
 *     to be ours.
 *
 * Errors
 *   Every function returns 0 or -errno and fills *err:
 *     -ENOENT   nothing is loaded in this directory
 *     -ENODEV   the directory is not on a bpffs
 *     -EPERM    no privilege
 *     -EOPNOTSUPP  the kernel lacks a feature, which err->text names
 *     -EBUSY    another nfload holds the lock
 *     -EAGAIN   not the generation of options.only_after is in force
 *     -EINPROGRESS  a policy is on trial: confirm it or roll it back first
 *     -EEXIST   a name is pinned by someone else
 *     -EXDEV    the directory belongs to another network namespace
 *     -EPROTO   what is pinned is of another ABI version, or is damaged
 *   and others as the kernel gave them. The library never prints.
 */
#ifndef NFR_ENGINE_H
#define NFR_ENGINE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../compiler/image.h"
#include "../compiler/progress.h"
#include "abi.h"

#define ENGINE_DIR_DEFAULT "/sys/fs/bpf/nfr"
#define ENGINE_LOCK_WAIT_MS 10000u

struct engine_error {
	char text[512];	      /* one sentence, no newline, no full stop */
	char hint[256];	      /* what to do, or "" */
	char log[2048];	      /* last lines of the verifier's log, or "" */
	bool nothing_changed; /* false: hooks were added or removed, see text */
	uint32_t generation_in_force; /* 0: none */
};

/* ---- what both sides show ---------------------------------------------- */

/* How the VM's loop is written in the datapath object that was loaded. */
enum engine_loop {
	ENGINE_LOOP_AUTO = 0, /* option only: may_goto where it verifies */
	ENGINE_LOOP_MAY_GOTO = 1,
	ENGINE_LOOP_HELPER = 2 /* bpf_loop() */
};
const char *engine_loop_name(enum engine_loop); /* "may_goto", "bpf_loop" */

/* What finds the rule that decides, in the kernel. */
enum engine_kind {
	ENGINE_KIND_AUTO = 0, /* option only: as the image's form is */
	ENGINE_KIND_VM = 1,
	ENGINE_KIND_NATIVE =
		2,	       /* eBPF made of the rules; the guard by the VM */
	ENGINE_KIND_HASH = 3,  /* the data form, and the VM for the rest */
	ENGINE_KIND_INLINE = 4 /* NATIVE, inside of the datapath's programs */
};
const char *engine_kind_name(enum engine_kind); /* "vm", "native" ... */

enum engine_mode {
	ENGINE_MODE_NONE = 0, /* our stub is not there */
	ENGINE_MODE_XDP_NATIVE,
	ENGINE_MODE_XDP_GENERIC,
	ENGINE_MODE_TCX,
	ENGINE_MODE_CLSACT
};
const char *engine_mode_name(enum engine_mode); /* "xdp-native", ... "none" */

struct engine_hook {
	enum engine_mode mode;
	int position;	    /* in its chain, 0 is first; -1: not known */
	unsigned chain_len; /* programs in the chain; 0: not known */
	uint32_t prog_id;   /* of our stub; 0 when mode is NONE */
	bool is_new;	    /* attached by this load */
	bool is_moved;	    /* by this load, from XDP, which can not rewrite */
	char why[128];	    /* why none, or not the preferred mode; or "" */
};

struct engine_device {
	char name[IF_NAMESIZE];
	char kind[IF_NAMESIZE]; /* rtnetlink's: "veth", "wireguard"; or "" */
	uint32_t ifindex;
	uint16_t arphrd;      /* ARPHRD_* */
	uint32_t flags;	      /* IFF_* */
	uint32_t xdp_prog_id; /* whoever's; 0: none */
	uint8_t xdp_mode;     /* XDP_ATTACHED_* of linux/if_link.h */
	int rewriters; /* behind the edge; < 0: not known. By engine_status() */
	enum nfr_link link;
	uint16_t ifid; /* in the policy in force; 0: it names no such device */
	bool is_skipped; /* "set skip on": left without hooks on purpose */
	bool is_tunnel;
	bool is_trusted; /* a tunnel whose identity still holds */
	bool is_known;	 /* the policy in force has judged its link type */
	uint32_t group;	 /* rtnetlink's */
	struct engine_hook hook[2]; /* by enum nfr_dir */
};

/* What guards packets whatever the device (floor.h). */
enum engine_floor {
	ENGINE_FLOOR_NONE = 0,
	ENGINE_FLOOR_NETFILTER,
	ENGINE_FLOOR_CGROUP
};
const char *engine_floor_name(enum engine_floor); /* "netfilter" ... */

/* A way out, or to set one up, that no single device has. */
struct engine_path {
	const char *name; /* "IPv4 output", "setsockopt" */
	const char *mode; /* "netfilter", "cgroup" or "none" */
	bool is_guarded;
	bool is_advice; /* no way out: it tells early what would be blocked */
	char why[144];	/* why not, or not fully; or "" */
};
#define ENGINE_PATHS_MAX 20

/* A plain array; devices is malloc'd, freed by engine_devices_free(). */
struct engine_devices {
	struct engine_device *items;
	size_t count;
};
void engine_devices_free(struct engine_devices *);

/* ---- load and unload --------------------------------------------------- */

/* Does routing follow the policy (steer.h)? */
enum engine_steer {
	ENGINE_STEER_AUTO = 0, /* where a tunnel splits more than the LAN off */
	ENGINE_STEER_ON = 1,   /* where there is a tunnel */
	ENGINE_STEER_OFF = 2
};

struct engine_options {
	unsigned lock_wait_ms;	 /* 0: ENGINE_LOCK_WAIT_MS */
	enum engine_loop loop;	 /* AUTO */
	enum engine_kind kind;	 /* AUTO */
	bool any_xdp;		 /* XDP wherever it can be, generic too */
	bool no_native_xdp;	 /* generic XDP only */
	bool no_xdp;		 /* tcx or clsact only */
	bool no_tcx;		 /* clsact instead of tcx */
	bool no_netfilter;	 /* the floor by the root cgroup's egress */
	enum engine_steer steer; /* AUTO */
	/* -EAGAIN unless this generation is in force; 0: whichever. */
	uint32_t only_after;
	/*
	 * With only_after, and an image that has its tables by the same
	 * numbers: what engine_image_live() read of that generation. Addresses
	 * that overload has added since are added to the new one, too.
	 */
	const struct image *read;
	/*
	 * Not 0: the policy is on trial, and the kernel goes back by itself
	 * after this time unless engine_confirm() comes first. Where nothing
	 * was in force before, to hooks that pass all, or with trial_blocks
	 * block all.
	 */
	uint32_t trial_ms;
	bool is_portal; /* on trial, and nobody confirms it */
	bool trial_blocks;
	/* libbpf's log, line by line, for -v; NULL: kept for errors only. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	const struct progress *progress; /* NULL: nobody waits */
};

#define ENGINE_NOTES_MAX 16
#define ENGINE_WAITS_MAX 8
struct engine_report {
	uint32_t generation; /* now in force */
	uint32_t previous;   /* before this load; 0: none */
	uint32_t slot;
	enum engine_loop loop;
	enum engine_kind kind;
	char kind_why[192];    /* why it was chosen */
	uint32_t code_insns;   /* eBPF of NATIVE and INLINE, else 0 */
	uint64_t kernel_bytes; /* of its maps and programs */
	struct engine_devices devices;
	/* What the user should know: a tunnel that does not exist yet, XDP that
	 * fell back ... one sentence each. */
	char notes[ENGINE_NOTES_MAX][192];
	size_t note_count;
};
/* Frees what it points to and zeroes it; a zeroed report is fine. */
void engine_report_free(struct engine_report *);

/*
 * Puts image in force on every device of the caller's network namespace but
 * the skipped ones. image must have come from image_open(). options may be
 * NULL. On success the caller owns *report (engine_report_free); on failure
 * *report is untouched.
 */
int engine_apply(const char *dir, const struct image *image,
		 const struct engine_options *options,
		 struct engine_report *report, struct engine_error *err);

/* ---- on trial, and back ------------------------------------------------- */

struct engine_pending {
	uint32_t state;	     /* NFR_PENDING_* */
	uint32_t generation; /* that was put on trial */
	uint32_t before;     /* that was in force; 0: none */
	bool opens;	     /* there was none, and hooks pass all then */
	bool is_portal;	     /* nobody confirms it */
	uint32_t left_ms;    /* while it waits */
};
/*
 * The policy on trial stays. -ENOENT: none waits, -ETIMEDOUT: the kernel has
 * gone back from the last one; *out says what of.
 */
int engine_confirm(const char *dir, const struct engine_options *,
		   struct engine_pending *out, struct engine_error *err);
/*
 * The other slot's generation is in force again, by one store, after the
 * devices of now were given to it. One on trial is taken back. -ENOENT: there
 * is no other; report as engine_apply() fills it, generation 0 when what is
 * gone back to was no policy.
 */
int engine_rollback(const char *dir, const struct engine_options *,
		    struct engine_report *report, struct engine_error *err);

enum engine_leave {
	ENGINE_LEAVE_BLOCKED, /* hooks stay and block everything */
	ENGINE_LEAVE_OPEN     /* hooks and pins are removed */
};
/* hooks_left: hooks that are still there afterwards; may be NULL. */
int engine_unload(const char *dir, enum engine_leave,
		  const struct engine_options *options, size_t *hooks_left,
		  struct engine_error *err);

/*
 * Asks the kernel for what a load needs, without changing anything: privilege,
 * bpffs, BTF. 0 when a load can be tried.
 */
int engine_probe(const char *dir, struct engine_error *err);

/* ---- read side --------------------------------------------------------- */

struct engine;

/*
 * Opens what is loaded in dir; takes no lock. *out is the caller's, closed by
 * engine_close(), and untouched on failure. Every call below reads afresh, so
 * an open engine follows later loads; after an unload it says -ENOENT, and has
 * to be opened again.
 */
int engine_open(const char *dir, struct engine **out, struct engine_error *err);
void engine_close(struct engine **); /* NULL is fine */

int engine_control(struct engine *, struct nfr_control *out);
int engine_pending(struct engine *, struct engine_pending *out,
		   struct engine_error *err);
/*
 * Brings what is loaded up to date with the devices of now, without a new
 * generation: names, link types, missing hooks, hooks that are not first, and
 * tunnels that "rebind" lets back in. Says what it did, a sentence each. Takes
 * the lock. -ENOENT after an unload: open again.
 */
#define ENGINE_CLOSED_MAX 256
struct engine_tend_log {
	void (*say)(void *arg, const char *line);
	void *arg;
	char *closed; /* memory of the caller's: "" at first, kept by him */
};
int engine_tend(struct engine *, const struct engine_options *,
		const struct engine_tend_log *, struct engine_error *err);
/*
 * Does this image, the one in force, name devices that translations and hops
 * know by another index? Only a new generation knows them again.
 */
bool engine_is_moved(struct engine *, const struct image *);
/*
 * Cheap enough to be asked ten times a second: of hooks that were first in
 * their tcx chain when these devices were read, is one not any more?
 */
bool engine_is_disturbed(const struct engine_devices *);
/* Blocked packets also go to the events when on. */
int engine_set_trace(struct engine *, bool on, struct engine_error *err);

enum engine_posture {
	ENGINE_POSTURE_GUARDED, /* every device, in and out, at the head */
	ENGINE_POSTURE_PARTLY,	/* in force, but a device is not guarded */
	ENGINE_POSTURE_BLOCKED, /* hooks without a policy: everything blocks */
	ENGINE_POSTURE_OPEN	/* no hook is ours */
};
const char *engine_posture_name(enum engine_posture);

struct engine_status {
	enum engine_posture posture;
	uint32_t generation; /* in force; 0: none */
	uint32_t other;	     /* in the slot that is not active; 0: none */
	uint32_t slot;
	uint64_t netns_cookie;
	uint32_t netns_inode;
	char image_hash[13];
	char source[256];    /* the policy's main file as it was given, or "" */
	const char *engine;  /* engine_kind_name() */
	uint32_t code_insns; /* of eBPF, that the rules are */
	enum engine_loop loop;
	uint64_t loaded_at; /* seconds since 1970; 0: not known */
	struct engine_pending pending;
	/* Open on this device, while pending waits; else "". */
	char portal[IF_NAMESIZE];
	char portal_dns[256]; /* whom it lets ask for names */
	bool is_open;	      /* a trial went back to hooks that pass all */
	uint32_t rule_count, guard_count, insn_count;
	/* States, of at most so many: the datapath's own count, which has those
	 * that expired until a sweep. */
	uint32_t states, states_limit;
	bool trace_block;
	uint64_t events_lost;
	/* Who may use the transport, "" where the policy says. */
	char transport[160];
	bool is_transport_known;   /* it is the tunnel's own */
	bool is_transport_kernels; /* without a socket that is asked */
	struct engine_devices devices;
	struct engine_path paths[ENGINE_PATHS_MAX];
	size_t path_count;
	/* What is not guarded and why, and what can not be on this kernel. */
	char notes[ENGINE_NOTES_MAX][192];
	size_t note_count;
	/* What is closed until something comes. */
	char waits[ENGINE_WAITS_MAX][192];
	size_t wait_count;
};
/* The caller owns *out (engine_status_free); untouched on failure. */
int engine_status(struct engine *, struct engine_status *out,
		  struct engine_error *err);
void engine_status_free(struct engine_status *);

/*
 * The image of the generation in force (generation 0) or of the one asked
 * for, if one of the two slots still holds it: -ENOENT else. *out belongs to
 * the engine and lives until engine_close(), reloads or not.
 */
int engine_image(struct engine *, uint32_t generation, const struct image **out,
		 struct engine_error *err);
/*
 * Counters of the rules of that generation (0: in force), summed over CPUs;
 * counts[] has room for count, which must be the image's rule_count.
 */
int engine_rule_counts(struct engine *, uint32_t generation,
		       struct nfr_count *counts, size_t count,
		       struct engine_error *err);
/*
 * Counters of entries of that generation's tables: 4 * image_slots(), by
 * NFR_TABLE_COUNT(). The second sets those of one slot to 0.
 */
int engine_table_counts(struct engine *, uint32_t generation,
			struct nfr_count *counts, size_t count,
			struct engine_error *err);
int engine_table_zero(struct engine *, uint32_t generation, uint32_t slot,
		      struct engine_error *err);
/*
 * Packets and bytes by enum nfr_dir and enum nfr_reason, summed over CPUs,
 * since the first load: struct nfr_count counts[2][NFR_REASON_COUNT].
 */
int engine_reasons(struct engine *, struct nfr_count counts[][NFR_REASON_COUNT],
		   struct engine_error *err);
/* The ring buffer of struct nfr_event; the engine's own, do not close. -1:
 * none. */
int engine_events_fd(const struct engine *);
/* The name a device had when it was last asked for; "if7" when it is gone. */
const char *engine_ifname(struct engine *, uint32_t ifindex);

#endif
