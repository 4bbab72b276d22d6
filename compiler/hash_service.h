/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_service.h: what rules ask beside addresses -> services, and the classes
 * of packets that no service tells apart.
 */
#ifndef NFR_HASH_SERVICE_H
#define NFR_HASH_SERVICE_H

#include "../runtime/hash_format.h"
#include "hash_bits.h"
#include "policy.h"

struct hash_service {
	int32_t proto; /* -1 any */
	uint8_t flags_set, flags_mask;
	bool on_any, on_negated;
	uint16_t ifid;
	struct policy_port sport, dport;
};

struct hash_services {
	struct arena *arena;
	struct hash_service *items;
	size_t count, capacity;
	uint32_t *slots; /* of a hash table: item + 1 */
	size_t slot_count;
	/* By hash_services_class(). */
	uint8_t field[HASH_FIELDS][HASH_IFIDS]; /* class by value */
	uint32_t field_count[HASH_FIELDS];
	uint16_t *combine; /* by the fields' classes */
	size_t combine_len;
	uint32_t combine_count; /* of classes */
	uint16_t *ports[2];	/* class by number; sport, dport */
	uint32_t port_count[2];
	uint16_t *classes;
	size_t class_cells;
	struct hash_bits rows; /* services of a class, by class */
};

void hash_services_begin(struct hash_services *, struct arena *);
/* False when the match asks what is no part of a service; addresses aside. */
bool hash_services_add(struct hash_services *, const struct policy_match *,
		       uint32_t *number);
/* 0, or -E2BIG when there are too many. */
int hash_services_class(struct hash_services *);

#endif
