/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bare.h: the hooks that a tunnel's contract has, with nothing in them.
 */
#ifndef NFR_BARE_H
#define NFR_BARE_H

#include "measure.h"

#define BARE_LINKS 32

struct bare {
	int links[BARE_LINKS];
	unsigned count;
};

/*
 * In the caller's namespace, on the devices that it has now: programs that pass
 * at once, in netfilter and on tcx, and nfr's gate. 0, or -errno with error
 * set; freed in any case, and gone with the namespace.
 */
int bare_attach(struct bare *, char error[MEASURE_ERROR_MAX]);
void bare_free(struct bare *);

#endif
