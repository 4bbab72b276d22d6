/* SPDX-License-Identifier: BSD-2-Clause */
/* hole_fill.h: the datapath's object, and code -> the object with it inside. */
#ifndef NFR_HOLE_FILL_H
#define NFR_HOLE_FILL_H

#include <bpf/libbpf.h>

#include "native_code.h"

/* What names code in nfr_config.hole and an object's ".rodata.hole"; not 0. */
__u64 hole_number(const struct native_code *);
/*
 * Opens an object, whose programs have the code of native_compile_inline() in
 * each hole and its number beside it; with none, NULL, holes stay empty. 0;
 * -EPROTO: it has no hole, or a broken one; or -errno of libbpf. It is not
 * loaded.
 */
int hole_open(const void *bytes, size_t len, const struct native_code *,
	      struct bpf_object **out);

#endif
