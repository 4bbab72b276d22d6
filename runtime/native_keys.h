/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* native_keys.h: what native.bpf.c and who runs it share. */
#ifndef NFR_NATIVE_KEYS_H
#define NFR_NATIVE_KEYS_H

#include "abi.h"

#define NATIVE_KEYS 4096u /* of one run; 64 of them a byte of its frame */

struct native_entry {
	struct nfr_key key;
	__u32 rule; /* that the run found */
	__u32 reserved;
};

#endif
