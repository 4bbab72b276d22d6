/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * burst.h: packets made beforehand, from near to far in a lab as fast as one
 * core sends, forwards and takes them.
 */
#ifndef NFR_BURST_H
#define NFR_BURST_H

#include "craft.h"
#include "lab.h"

#define BURST_MAX 50000u
/* Of the one flow. */
#define BURST_PORT_NEAR 20000
#define BURST_PORT_FAR 443

/* Sockets of one lab and family; fds. */
struct ends {
	enum nfr_family family;
	int send[2];	/* raw, by enum lab_side; -1: none */
	int sink[2][2]; /* UDP and TCP, by enum lab_side: they drop and count
			   what reaches them */
	const struct lab *lab;
};

/* All: 0, or -errno with error set. */
int ends_open(const struct lab *, enum nfr_family, struct ends *out,
	      char error[MEASURE_ERROR_MAX]);
void ends_close(struct ends *);

struct burst {
	uint64_t elapsed_ns;
	uint64_t passed; /* reached the socket at far */
};

/*
 * count packets of one established flow, whose packets of both sides were
 * sent before; or, is_new, the first packet of count flows.
 */
int burst_send(struct ends *, __u8 proto, bool is_new, unsigned count,
	       struct burst *out, char error[MEASURE_ERROR_MAX]);

/* On one core, and before other programs where the kernel lets us. */
int burst_pin(bool *is_first, char error[MEASURE_ERROR_MAX]);

#endif
