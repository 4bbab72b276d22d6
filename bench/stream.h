/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h: what a plain application does with its sockets, from near to far of
 * a lab: datagrams, small segments, requests, bulk.
 */
#ifndef NFR_STREAM_H
#define NFR_STREAM_H

#include "lab.h"

enum stream_kind {
	STREAM_UDP,	/* datagrams of one flow */
	STREAM_TCP,	/* segments of one connection, each a write */
	STREAM_REQUEST, /* a connection, a question, an answer */
	STREAM_UPLOAD,	/* one connection; counted in kB of 1,000 bytes */
	STREAM_DOWNLOAD,
	STREAMS
};

/* Sockets of one lab, family and way; fds. TCP connections live in a run. */
struct stream {
	enum nfr_family family;
	enum lab_net net;
	int udp, sink; /* near's, far's */
	int listener;  /* far's */
	const struct lab *lab;
};

/* All: 0, or -errno with error set. Closed in any case. */
int stream_open(const struct lab *, enum nfr_family, enum lab_net,
		struct stream *out, char error[MEASURE_ERROR_MAX]);
void stream_close(struct stream *);
/*
 * So many of what the kind counts; *passed is how many of them far got, of
 * segments too, which are never fewer than writes.
 */
int stream_run(struct stream *, enum stream_kind, unsigned count,
	       uint64_t *elapsed_ns, uint64_t *passed,
	       char error[MEASURE_ERROR_MAX]);
/* Does a datagram bound to the cable reach far where only the tunnel may? */
int stream_escapes(const struct lab *, bool *out,
		   char error[MEASURE_ERROR_MAX]);

#endif
