/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h: the addresses, ports and protocols that random policies name and
 * random packets have, few enough that they often meet.
 */
#ifndef NFR_POOL_H
#define NFR_POOL_H

#include "compiler/addr.h"
#include "random.h"

/* A packet's. */
struct addr pool_addr(struct random *, enum addr_family);
uint16_t pool_random_port(struct random *);
/* TCP, UDP and the family's ICMP mostly. */
uint8_t pool_proto(struct random *, enum addr_family);
uint8_t pool_icmp_type(struct random *, enum addr_family);

/* A policy's: a prefix or an address as text. */
const char *pool_prefix(struct random *, enum addr_family);
/* "first - last" */
const char *pool_range(struct random *, enum addr_family);

#endif
