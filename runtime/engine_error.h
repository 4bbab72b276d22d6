/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_error.h: what went wrong -> struct engine_error, and its code. */
#ifndef NFR_ENGINE_ERROR_H
#define NFR_ENGINE_ERROR_H

#include "engine.h"

/* All return code, which is -errno, so that callers can return them. */
int error_set(struct engine_error *, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * The system refused: text is "can not <what>: <why>". Privilege becomes
 * -EPERM and what a kernel does not have -EOPNOTSUPP, with a hint each.
 */
int error_kernel(struct engine_error *, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void error_hint(struct engine_error *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
