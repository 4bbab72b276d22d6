/* SPDX-License-Identifier: BSD-2-Clause */
/* table_build.h: an image's tables -> the bytes that table_find() reads. */
#ifndef NFR_TABLE_BUILD_H
#define NFR_TABLE_BUILD_H

#include "../compiler/image.h"

/* The verifier lets no program reach further into a map: BPF_MAX_VAR_OFF. */
#define TABLE_BYTES_MAX (1u << 29)

/*
 * Bytes are malloc'd and the caller's, 16-byte aligned; what may be read behind
 * the last place is in len. 0; -ENOMEM; or -E2BIG: more than max, which is
 * TABLE_BYTES_MAX or less.
 */
int table_build(const struct image *, size_t max, __u8 **bytes, size_t *len);

#endif
