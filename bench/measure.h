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

#include "compiler/image.h"

#define MEASURE_ERROR_MAX 512

enum measure_hook { MEASURE_XDP, MEASURE_TC, MEASURE_HOOKS };
enum measure_loop {
	MEASURE_LOOP_AUTO,
	MEASURE_LOOP_MAY_GOTO,
	MEASURE_LOOP_BPF
};

/* Programs and maps in the kernel. */
struct subject {
	struct bpf_object *object;
	int prog[MEASURE_HOOKS];
	enum measure_loop loop; /* that was loaded; AUTO: none */
	double load_ms;
	size_t bytes; /* of bytecode and rules */
};

/* These: 0, or -errno with error set. *out is then empty. */
int subject_floor(struct subject *out, char error[MEASURE_ERROR_MAX]);
int subject_image(const struct image *, enum measure_loop, struct subject *out,
		  char error[MEASURE_ERROR_MAX]);
void subject_free(struct subject *);

/*
 * Mean ns of repeat runs in one call of the kernel; the frame must pass. 0 or
 * -errno (-EBADE: it did not pass) with error set.
 */
int subject_run(const struct subject *, enum measure_hook, const void *frame,
		size_t len, uint32_t repeat, double *ns,
		char error[MEASURE_ERROR_MAX]);

#endif
