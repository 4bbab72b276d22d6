/* SPDX-License-Identifier: BSD-2-Clause */
/* rodata.h: a constant that only the loader knows -> an object, not yet loaded.
 */
#ifndef NFR_RODATA_H
#define NFR_RODATA_H

#include <bpf/libbpf.h>

/*
 * Writes the only variable of a section, ".rodata.NAME", in host byte order.
 * 0, or -EPROTO: the object has no such section, or of another size.
 */
int rodata_set(struct bpf_object *, const char *section, const void *value,
	       size_t size);

#endif
