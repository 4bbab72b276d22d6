/* SPDX-License-Identifier: BSD-2-Clause */
/* table_map.h: the bytes of tables -> the map nfr_tables of an object. */
#ifndef NFR_TABLE_MAP_H
#define NFR_TABLE_MAP_H

#include <bpf/libbpf.h>

#include "../compiler/image.h"

/*
 * Before the object is loaded: its map gets room for so many bytes, and some
 * more, as a table may grow; its programs learn what they may read. 0 or
 * -errno.
 */
int table_map_size(struct bpf_object *, size_t len);
/* The same where the object has become the user of a map that is there. */
int table_map_share(struct bpf_object *, int fd);
/* Fills it; -E2BIG: it does not fit. */
int table_map_fill(int fd, const void *bytes, size_t len);
/* Of an image, into an object that is loaded, as far as it has such a map. */
int table_map_image(int fd, const struct image *);
/* Where the last read may begin, or -errno. */
int table_map_last(int fd);

#endif
