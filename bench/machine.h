/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h: where it was measured: what a figure depends on. */
#ifndef NFR_MACHINE_H
#define NFR_MACHINE_H

#include <sys/utsname.h>

struct machine {
	struct utsname uts;
	char cpu[128];
	char jit[8];
	char mitigations[512]; /* "name: what; ...", those that affect it */
	double load;	       /* of a minute, when it was read */
};

/* What can not be read is "unknown". */
void machine_read(struct machine *);

#endif
