/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_names.c: a policy in force, and the devices of now -> its tunnels that
 * were renamed: what is trusted is the device, whatever it is called.
 */
#include "engine_names.h"

#include <errno.h>
#include <string.h>

#include "binding.h"
#include "engine_error.h"
#include "engine_read.h"
#include "links.h"

int engine_names(struct engine *engine,
		 void (*renamed)(void *arg, const char *now, const char *name),
		 void *arg, struct engine_error *err)
{
	struct engine_devices devices = {0};
	struct binding *binding = NULL;
	int ret;

	ret = binding_open(engine->pins, engine->shared,
			   engine->shared->control->active, &binding, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = links_list(&devices);
	if (ret)
		ret = error_kernel(err, ret, "list the devices");
	for (size_t i = 0; i < devices.count; i++) {
		const struct engine_device *device = &devices.items[i];
		const char *name =
			binding_tunnel_name(binding, device->ifindex);

		if (name && strcmp(name, device->name))
			renamed(arg, device->name, name);
	}
	engine_devices_free(&devices);
	binding_close(&binding);
	return ret;
}
