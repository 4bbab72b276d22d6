/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_gate.h: a policy in force -> the gate (gate.h) up, or down.
 *
 * A policy that guards a tunnel wants it; one that does not lets what is new
 * speak by rules alone. While a policy is on trial the gate is neither put up
 * nor taken away: the timer that goes back can do neither.
 */
#ifndef NFR_ENGINE_GATE_H
#define NFR_ENGINE_GATE_H

#include "generation.h"

/* Does it guard a tunnel? */
bool engine_has_guard(const struct image *);
/* 1: it was put up or mended, 0, or -errno as gate_sync(). */
int engine_gate(const struct shared *, const struct image *in_force,
		enum engine_floor, const struct engine_devices *);
/* Of a policy that wants it: how many paths, 0 or 1. */
size_t engine_gate_look(const char *dir, const struct image *in_force,
			const struct engine_devices *, struct engine_path *out);

#endif
