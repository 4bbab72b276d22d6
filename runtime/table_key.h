/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* table_key.h: a table and an address -> the key in the map of tables. */
#ifndef NFR_TABLE_KEY_H
#define NFR_TABLE_KEY_H

#include "packet.h"

/* A table's key of one address, which is key words. */
NFR_INLINE void table_key(__u32 table, __u32 family, const __u32 *addr,
			  struct nfr_table_key *out)
{
	__u32 addr_be[4] = {0};

	out->prefix_len = 32 + 128;
	out->table_be = PACKET_SWAP32(table);
	if (family != NFR_FAMILY_IPV6) { /* ARP's are IPv4 */
		addr_be[2] = PACKET_SWAP32(0xffffu);
		addr_be[3] = PACKET_SWAP32(addr[0]);
	} else {
		for (int i = 0; i < 4; i++)
			addr_be[i] = PACKET_SWAP32(addr[i]);
	}
	__builtin_memcpy(out->addr, addr_be, sizeof(out->addr));
}

#endif
