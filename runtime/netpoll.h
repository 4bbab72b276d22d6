/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netpoll.h: what the kernel itself hands to drivers, past every hook, because
 * root has told it to: netconsole's log, pktgen's packets.
 *
 * Documentation/networking/netconsole.rst and pktgen.rst.
 */
#ifndef NFR_NETPOLL_H
#define NFR_NETPOLL_H

#include "engine.h"

#define NETPOLL_CONSOLES "/sys/kernel/config/netconsole"
#define NETPOLL_PKTGEN "/proc/net/pktgen" /* this namespace's */

/*
 * Fills one path for each of the two that sends by one of these devices, or
 * may: how many. Directories that are not there send nothing.
 */
size_t netpoll_look(const char *consoles, const char *pktgen,
		    const struct engine_devices *, struct engine_path *out);

#endif
