/* SPDX-License-Identifier: BSD-2-Clause */
/* steer_routes.h: routes, each as the message that makes it. */
#ifndef NFR_STEER_ROUTES_H
#define NFR_STEER_ROUTES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEER_ROUTE_MAX                                                        \
	512u /* bytes of a message; longer ones are left out                   \
	      */

struct steer_route {
	uint8_t family;	     /* AF_INET, AF_INET6 */
	uint8_t prefix_len;  /* of dst */
	uint8_t dst[16];     /* zeros where it is any */
	uint8_t gateway[16]; /* has_gateway */
	bool has_gateway;
	bool leads;	   /* somewhere: it does not refuse */
	bool is_made;	   /* here, so its bytes are not as the kernel's */
	bool is_connected; /* the network of an address of the device */
	uint32_t table;	   /* where it is */
	uint32_t ifindex;  /* the first, of several; 0: none */
	uint32_t priority; /* the lowest counts */
	/* As it will be in the table that it is read for; without a header. */
	uint32_t len;
	char bytes[STEER_ROUTE_MAX];
};

struct steer_routes {
	struct steer_route *items;
	size_t count;
};

void steer_routes_free(struct steer_routes *);
/* All of the namespace; bytes say table into. */
int steer_routes_read(struct mnl_socket *, uint32_t into,
		      struct steer_routes *);
/* Is one like it among them, of that table? */
bool steer_routes_have(const struct steer_routes *, uint32_t table,
		       const struct steer_route *);
/* A default route to the device, in table; by the gateway where it has one. */
void steer_route_default(uint8_t family, uint32_t table, uint32_t ifindex,
			 const struct steer_route *by, struct steer_route *out);
/* To where the route leads, table has no answer: the next one is asked. */
void steer_route_throw(const struct steer_route *, uint32_t table,
		       struct steer_route *out);
/* Its message says this table from now on. */
void steer_route_in(struct steer_route *, uint32_t table);
/* RTM_NEWROUTE or RTM_DELROUTE. */
int steer_route_ask(struct mnl_socket *, uint16_t type, uint16_t flags,
		    const struct steer_route *);

#endif
