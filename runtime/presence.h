/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * presence.h: does a watch of this directory live in this network namespace?
 * Its sign is the name of a socket, which the kernel frees with the process.
 */
#ifndef NFR_PRESENCE_H
#define NFR_PRESENCE_H

#include <stdbool.h>

/* The sign's fd, for as long as it lives; -EADDRINUSE: another has it. */
int presence_begin(const char *dir);
bool presence_is(const char *dir);

#endif
