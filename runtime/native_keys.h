/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* native_keys.h: what native_keys.bpf.c and who runs it share. */
#ifndef NFR_NATIVE_KEYS_H
#define NFR_NATIVE_KEYS_H

#include "abi.h"

#define NATIVE_KEYS 4096u /* of one test run, at most; a power of two */

struct native_entry {
	struct nfr_key key;
	__u32 rule; /* that the run found */
	__u32 reserved;
};

#endif
