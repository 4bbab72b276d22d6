/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_names.h: a policy in force -> its tunnels that were renamed. */
#ifndef NFR_ENGINE_NAMES_H
#define NFR_ENGINE_NAMES_H

#include "engine.h"

/*
 * A call for each trusted tunnel that has not the policy's name; both live for
 * the call. 0 or -errno.
 */
int engine_names(struct engine *,
		 void (*renamed)(void *arg, const char *now, const char *name),
		 void *arg, struct engine_error *err);

#endif
