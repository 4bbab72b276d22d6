/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_map.h: the data form of an image -> the map nfr_hash of an object. */
#ifndef NFR_HASH_MAP_H
#define NFR_HASH_MAP_H

#include <bpf/libbpf.h>

#include "../compiler/image.h"

/* Bytes of the map's value for a hash of so many bytes. */
size_t hash_map_len(size_t hash_len);
/*
 * Before the object is loaded: its map and the mask of its reads get the size
 * for a hash of up to so many bytes. All: 0 or -errno.
 */
int hash_map_size(struct bpf_object *, size_t hash_len);
/* Fills a map of that size; -E2BIG: it does not fit. */
int hash_map_fill(int fd, const struct image *);

#endif
