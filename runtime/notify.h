/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.h: a word to the service manager: sd_notify(3), which is one datagram.
 * libsystemd would be a library more on every router for these few lines.
 */
#ifndef NFR_NOTIFY_H
#define NFR_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STATUS=..." and so on; without a manager nothing happens. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often WATCHDOG=1 is expected, in ms; 0: not at all. */
uint32_t notify_watchdog_ms(void);

#endif
