/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_gate.c: a policy in force -> the gate up, or down. */
#include "engine_gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "presence.h"

bool engine_has_guard(const struct image *image)
{
	return image && image->header->guard_first < image->rule_count;
}

/* Keys only: whether it is there stays as it is. */
static int gate_keep(const struct engine_devices *devices)
{
	struct gate have = {0};
	bool is_ours, news;
	int ret = gate_read(&have);

	is_ours = !ret && have.is_whole;
	ret = is_ours ? gate_sync(devices, have.is_strict, &news) : 0;
	gate_free(&have);
	return ret;
}

int engine_gate(const struct shared *shared, const struct image *in_force,
		enum engine_floor floor, const struct engine_devices *devices)
{
	struct nfr_pending pending = {0};
	struct engine_error ignored;
	bool news = false;
	int ret;

	if (shared_pending(shared, &pending, &ignored) ||
	    pending.state == NFR_PENDING_WAITING)
		return gate_keep(devices);
	if (!engine_has_guard(in_force))
		return gate_remove();
	ret = gate_sync(devices, floor != ENGINE_FLOOR_NETFILTER, &news);
	return ret ? ret : news;
}

size_t engine_gate_look(const char *dir, const struct image *in_force,
			const struct engine_devices *devices,
			struct engine_path *out)
{
	if (!engine_has_guard(in_force))
		return 0;
	gate_look(devices, out);
	if (out->is_guarded)
		return 1;
	out->is_guarded = presence_is(dir);
	if (out->is_guarded)
		out->mode = "watch";
	snprintf(
		out->why, sizeof(out->why), "%s",
		out->is_guarded
			? "frames that AF_PACKET writes, from a device's "
			  "first moment until nfload watch has seen it"
			: "frames that AF_PACKET writes, until the next "
			  "apply, or with nfload watch until it has seen them");
	return 1;
}
