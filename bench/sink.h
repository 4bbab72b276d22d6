/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.h: sockets that drop all that they get and count it; names of sides. */
#ifndef NFR_SINK_H
#define NFR_SINK_H

#include <sys/socket.h>

#include "lab.h"

/* What a socket of that side is bound or connected to; returns its length. */
socklen_t sink_name(enum nfr_family, enum lab_net, enum lab_side, uint16_t port,
		    struct sockaddr_storage *out);

/* All: 0, or -errno with error set. */
/* In the namespace where the process is; type SOCK_STREAM listens. */
int sink_open(enum nfr_family, enum lab_net, enum lab_side, uint16_t port,
	      int type, int *out, char error[MEASURE_ERROR_MAX]);
int sink_count(int sink, uint32_t *out, char error[MEASURE_ERROR_MAX]);
/* Until count came since before, or a second is over; *out is how many did. */
int sink_wait(int sink, uint32_t before, unsigned count, uint64_t *out,
	      char error[MEASURE_ERROR_MAX]);

#endif
