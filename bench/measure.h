/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.h: an eBPF object with private maps and a frame -> ns a packet, by
 * BPF_PROG_TEST_RUN. Nothing is attached or pinned; live maps are not touched.
 */
#ifndef NFR_MEASURE_H
#define NFR_MEASURE_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench_frame.h"
#include "compiler/image.h"
#include "runtime/native_code.h"

#define MEASURE_ERROR_MAX 512

enum measure_loop {
	MEASURE_LOOP_AUTO,
	MEASURE_LOOP_MAY_GOTO,
	MEASURE_LOOP_BPF
};
enum measure_hook { MEASURE_XDP, MEASURE_IN, MEASURE_OUT, MEASURE_HOOKS };
#define MEASURE_HOOKS_ALL ((1u << MEASURE_HOOKS) - 1)
extern const char *const measure_hook_names[MEASURE_HOOKS];
const char *measure_loop_engine(enum measure_loop); /* "vm", "none" ... */

/* Programs and maps in the kernel. */
struct subject {
	struct bpf_object *object;
	struct bpf_object *writer; /* of another object: what writes frames */
	int prog[MEASURE_HOOKS];
	int write[MEASURE_HOOKS]; /* writes the frame, then calls prog */
	int frame;		  /* map: what they write; or -1 */
	enum measure_loop loop;	  /* that was loaded; AUTO: none */
	double load_ms;
	size_t bytes; /* of bytecode and rules */
};

/* These: 0, or -errno with error set. *out is then empty. */
int subject_floor(struct subject *out, char error[MEASURE_ERROR_MAX]);
int subject_image(const struct image *, enum measure_loop, struct subject *out,
		  char error[MEASURE_ERROR_MAX]);
/*
 * The same, with the code of measure_inline() inside or NULL, at these hooks: a
 * bit each. The others' programs are not loaded.
 */
int subject_inline(const struct image *, const struct native_code *,
		   unsigned hooks, enum measure_loop, struct subject *out,
		   char error[MEASURE_ERROR_MAX]);
void subject_free(struct subject *);
/*
 * The image's rules as native code into the maps of an object that has its
 * other forms, as the loader does it. 0 and how many bytes; or -errno with why
 * set, and the object runs what it had.
 */
int measure_native(const struct bpf_object *, const struct image *, bool has_tc,
		   size_t *bytes, char why[MEASURE_ERROR_MAX]);

/* The same as code for a datapath that is not opened yet; native_free() it. */
int measure_inline(const struct image *, struct native_code *,
		   char why[MEASURE_ERROR_MAX]);
/* The code in the object that it is to run, by hole_number(); 0: none. */
int measure_use(const struct bpf_object *, uint64_t hole);

/* Runs of so many ns that fill ms milliseconds. */
uint32_t measure_repeat(unsigned ms, double ns);

/*
 * So that subject_write() can be used. 0 or -errno with
 * error set.
 */
int subject_add_writer(struct subject *, char error[MEASURE_ERROR_MAX]);

/*
 * Mean ns of repeat runs in one call of the kernel; the frame must pass. out,
 * if not NULL, has room for it and gets what the last run made of it. 0 or
 * -errno (-EBADE: it did not pass) with error set.
 */
int subject_run(const struct subject *, enum measure_hook, const void *frame,
		size_t len, uint32_t repeat, double *ns, void *out,
		char error[MEASURE_ERROR_MAX]);
/* The same with *frame written before each run; its number stays grown. */
int subject_write(const struct subject *, enum measure_hook,
		  struct bench_frame *frame, uint32_t repeat, double *ns,
		  char error[MEASURE_ERROR_MAX]);

/*
 * Packets that passed by a state, of all since it was loaded. 0, or -errno
 * with error set.
 */
int subject_by_state(const struct subject *, uint64_t *by_state, uint64_t *all,
		     char error[MEASURE_ERROR_MAX]);

#endif
