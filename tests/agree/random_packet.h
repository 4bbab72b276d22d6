/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_packet.h: a packet as it is meant -> its bytes, and what a parser
 * must say of them.
 *
 * The two are made side by side from the specification; the expectation never
 * looks at the bytes. So the oracle shares no code and no offsets with the
 * datapath's parser, only its contract.
 */
#ifndef NFR_RANDOM_PACKET_H
#define NFR_RANDOM_PACKET_H

#include <stddef.h>

#include "compiler/addr.h"
#include "random.h"
#include "runtime/abi.h"

#define PACKET_SPEC_TAGS 3
#define PACKET_SPEC_EXTS 8
#define PACKET_SPEC_MAX 2048 /* bytes of the longest frame */
#define PACKET_UNCUT SIZE_MAX

/* An IPv6 extension header. */
struct packet_ext {
	uint8_t type;	  /* 0, 43, 44, 51 or 60 */
	uint16_t len;	  /* bytes, as they are */
	bool is_overlong; /* states the greatest length there is */
	uint8_t routing_type, segments_left;
	uint16_t fragment_offset; /* in 8 bytes */
	bool more_fragments;
};

struct packet_spec {
	enum nfr_link link;
	/* Ethernet */
	unsigned tag_count;
	uint16_t tag_type[PACKET_SPEC_TAGS];
	uint16_t ethertype;
	/* IP: 4, 6, or 0 for other contents. version is what it states. */
	unsigned ip;
	uint8_t version;
	uint8_t ttl;
	uint8_t tos; /* or traffic class */
	struct addr src, dst;
	uint8_t proto;
	int length_error; /* added to the length that IP states */
	/* IPv4 */
	uint8_t ihl; /* stated; from 5 on, also true */
	uint16_t fragment_offset;
	bool more_fragments;
	/* IPv6 */
	unsigned ext_count;
	struct packet_ext ext[PACKET_SPEC_EXTS];
	/* transport */
	uint16_t sport, dport;
	uint8_t tcpflags, doff; /* doff states; its options are not there */
	uint8_t icmp_type, icmp_code;
	int udp_error; /* added to the length that UDP states */
	/* behind it */
	uint16_t data_len;
	uint16_t padding; /* behind the IP packet */
	size_t cut;	  /* the frame ends after so many bytes */
};

struct packet_expected {
	uint8_t doubt;	     /* NFR_REASON_NONE: the key may be judged */
	struct nfr_key key;  /* then; IFID, DIR and RECEIVED are the caller's */
	uint8_t piece_doubt; /* of a fragment, whatever its key says, or NONE */
	bool is_unread;	     /* an ICMP error, and what it quotes is nothing */
};

void random_packet(struct random *, struct packet_spec *);
/* Length of the frame. */
size_t packet_build(const struct packet_spec *, uint8_t bytes[PACKET_SPEC_MAX]);
void packet_expect(const struct packet_spec *, struct packet_expected *);
/*
 * NFR_F_ORIGIN of a key with its DIR: BPF_PROG_TEST_RUN gives what is IP a
 * socket of the kernel's, of its family (net/bpf/test_run.c). The native
 * datapath is told the same.
 */
void packet_expect_origin(const uint8_t *frame, size_t len, uint32_t ingress,
			  struct nfr_key *);

#endif
