/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_pcap.h: an image and a capture in; what passes, and why the rest does
 * not, out. Needs libpcap and no privilege.
 */
#ifndef NFR_ENGINE_PCAP_H
#define NFR_ENGINE_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../compiler/image.h"
#include "abi.h"

#define ENGINE_PCAP_ERROR_MAX 256

struct engine_pcap_packet {
	uint64_t number; /* from 1 */
	int64_t time_us; /* since 1970 */
	size_t caplen, len;
	const struct nfr_event *event; /* verdict and what was parsed */
};

struct engine_pcap_options {
	const char *in_path;  /* "-": standard input */
	const char *out_path; /* "-": standard output; NULL: none */
	/*
	 * The interface that every packet crosses, and how. NULL: one that no
	 * rule names. A tunnel's device is taken for the tunnel.
	 */
	const char *iface;
	enum nfr_dir dir;
	size_t state_max; /* 0: DATAPATH_STATES_DEFAULT */
	/* Each packet in order; NULL: not asked for. */
	void (*packet)(void *arg, const struct engine_pcap_packet *);
	void *packet_arg;
};

struct engine_pcap_counts {
	struct nfr_count all, passed, blocked; /* bytes as on the wire */
	struct nfr_count passed_by[NFR_REASON_COUNT];
	struct nfr_count blocked_by[NFR_REASON_COUNT];
	uint64_t truncated; /* packets of which the capture has only a part */
	bool is_cut;	    /* the file ends inside a packet; what was before
			       it was judged, and the call failed */
};

/*
 * Judges every packet of a capture with the time stamps as clock. What passes
 * is written as it would go on: translated, with checksums that follow. The
 * output has the input's link type, snapshot length and time stamp precision.
 * Link types: Ethernet, raw IP, BSD loopback, Linux cooked v1 and v2.
 *
 * 0, or -errno with error set to one sentence that names the file: -ENOTSUP
 * link type, -EBADMSG not a capture or damaged, -EINVAL the output is the
 * input, and what the system said of opening, reading, writing. A regular
 * output file that is not complete is removed. counts is filled in either way.
 */
int engine_pcap_filter(const struct image *, const struct engine_pcap_options *,
		       struct engine_pcap_counts *counts,
		       char error[ENGINE_PCAP_ERROR_MAX]);

#endif
