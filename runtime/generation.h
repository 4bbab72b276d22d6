/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation.h: an image -> programs and maps of its own, in one of two slots.
 *
 * A generation is loaded whole and private, then pinned below gen0 or gen1,
 * then put into the slots that are not active. Only the switch (shared.h)
 * makes packets see it.
 *
 * The verifier takes a second for the programs, which are the same for every
 * image. So the generation that is in the slot already, and not in force, is
 * filled anew where it can be (generation_reuse.c says when); the rest of this
 * header is the same for both.
 */
#ifndef NFR_GENERATION_H
#define NFR_GENERATION_H

#include <bpf/libbpf.h>

#include "shared.h"

/* What the "about" map of a generation holds; user space only. */
struct generation_about {
	uint64_t loaded_at;   /* seconds since 1970 */
	uint32_t abi_version; /* NFR_ABI_VERSION */
	uint32_t loop;	      /* enum engine_loop */
	uint32_t kind;	      /* enum engine_kind */
	uint32_t code_insns;  /* eBPF instructions that the rules became */
	char version[16];     /* of nfload */
	uint8_t objects[32];  /* SHA-256 of what the programs came from */
	uint32_t control;     /* the kernel's id of nfr_control */
	uint32_t ids[PIN_GENERATION_COUNT]; /* the same, of what is pinned */
	uint64_t hole; /* the code in the programs: see hole_number() */
};

struct generation {
	struct bpf_object *object; /* until what it has is taken */
	bool is_reused;		   /* it was in the slot */
	int fd[PIN_GENERATION_COUNT];
	uint32_t number;
	uint32_t slot;
	enum engine_loop loop;
	enum engine_kind kind;
	uint32_t code_insns; /* of the rules as native code; 0: they are not */
	uint32_t code_flags; /* NFR_CONFIG_*, of that */
	uint64_t hole;	     /* the code in its programs; 0: none */
	uint64_t hole_used;  /* nfr_config.hole */
	enum engine_kind refused; /* what it was to be, and is not; or AUTO */
	char kind_why[192];	  /* of engine_report */
};

/*
 * A datapath for image with the shared maps, filled with what does not depend
 * on devices; no packet comes to it yet. *out untouched on failure.
 */
int generation_load(const struct pins *, struct shared *, const struct image *,
		    uint32_t number, uint32_t slot,
		    const struct engine_options *, struct generation **out,
		    struct engine_error *);
/* Is it, and all that is verified for it, the slot's own? */
bool generation_is_reused(const struct generation *);
/*
 * Names the rules use -> device: ifid, link type, tunnel. known_as is the name
 * that counts for it, NULL its own.
 */
int generation_bind(const struct generation *, const struct image *,
		    const char *known_as, struct engine_device *,
		    struct engine_error *);
/* In place of what is pinned for the slot. */
int generation_pin(const struct generation *, const struct pins *,
		   struct shared *, struct engine_error *);
/* Into the program arrays; the switch is the caller's. */
int generation_place(const struct generation *, struct shared *,
		     struct engine_error *);
/* What its maps and programs take in the kernel, native code aside. */
uint64_t generation_bytes(const struct generation *);
void generation_free(struct generation **);

/* Is all that is pinned below the slot's directory ours? -EEXIST when not. */
int generation_check(const struct pins *, uint32_t slot, struct engine_error *);
/* Empties the slot and removes its pins; shared may be NULL: pins alone. */
int generation_clear(const struct pins *, struct shared *, uint32_t slot,
		     struct engine_error *);

/* Trusted no more. */
void generation_distrust(const struct generation *, struct engine_device *);
/* The image's interface for a device: its id, or 0; *flags IMAGE_IFACE_*. */
uint16_t generation_ifid(const struct image *, const struct engine_device *,
			 uint32_t *flags);

#endif
