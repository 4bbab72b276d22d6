/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_oracle.h: is there a doubt about a frame? Asked of its bytes. */
#ifndef NFR_FRAME_ORACLE_H
#define NFR_FRAME_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * NULL when a filter can know what the frame is, else why it must not pass.
 * Of a fragment that is not the first it can know nothing: what must have
 * passed before is the caller's. caplen bytes are there of len; an Ethernet
 * frame, or IP as it is.
 */
const char *frame_doubt(const uint8_t *bytes, size_t caplen, size_t len,
			bool is_ether);

#endif
