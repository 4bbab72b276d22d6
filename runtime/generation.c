/* SPDX-License-Identifier: BSD-2-Clause */
/* generation.c: a loaded generation -> a slot: devices, pins, program arrays.
 */
#include "generation.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_error.h"
#include "object.h"
#include "rebind.h"

static const enum pin_shared generation_slots[3] = {PIN_SLOTS_XDP, PIN_SLOTS_IN,
						    PIN_SLOTS_OUT};
static const enum pin_generation generation_progs[3] = {
	PIN_PROG_XDP, PIN_PROG_IN, PIN_PROG_OUT};

uint16_t generation_ifid(const struct image *image,
			 const struct engine_device *device, uint32_t *flags)
{
	*flags = 0;
	for (uint32_t i = 0; i < image->iface_count; i++) {
		const struct image_iface *iface = &image->ifaces[i];

		if (strcmp(image_string(image, iface->name), device->name))
			continue;
		if ((iface->flags & IMAGE_IFACE_LOOPBACK) &&
		    !(device->flags & IFF_LOOPBACK))
			continue;
		*flags = iface->flags;
		return (uint16_t)(i + 1);
	}
	return 0;
}

/* -ENODEV when the device has gone: then there is nothing to trust. */
static int generation_trust(const struct generation *generation,
			    const struct engine_device *device,
			    struct engine_error *err)
{
	uint32_t ifindex = device->ifindex;

	if (!bpf_map_update_elem(generation->fd[PIN_TUNNELS], &ifindex,
				 &ifindex, BPF_ANY)) {
		struct rebind_identity identity;
		uint32_t ifid = device->ifid;

		rebind_describe(device, &identity);
		if (bpf_map_update_elem(generation->fd[PIN_IDENTITY], &ifid,
					&identity, BPF_ANY))
			return error_kernel(err, -errno,
					    "note what the tunnel %s is",
					    device->name);
		return 0;
	}
	if (errno == EINVAL || errno == ENODEV)
		return -ENODEV;
	return error_kernel(err, -errno, "trust the tunnel %s", device->name);
}

/* The floor leaves this device's rules to the edge, as long as it lives. */
static int generation_edge(const struct generation *generation,
			   const struct engine_device *device,
			   struct engine_error *err)
{
	uint32_t ifindex = device->ifindex;

	if (!bpf_map_update_elem(generation->fd[PIN_EDGES], &ifindex, &ifindex,
				 BPF_ANY))
		return 0;
	if (errno == EINVAL || errno == ENODEV)
		return -ENODEV;
	return error_kernel(err, -errno, "add %s to nfr_edges", device->name);
}

void generation_distrust(const struct generation *generation,
			 struct engine_device *device)
{
	uint32_t ifindex = device->ifindex;

	bpf_map_delete_elem(generation->fd[PIN_TUNNELS], &ifindex);
	device->is_trusted = false;
}

int generation_bind(const struct generation *generation,
		    const struct image *image, const char *known_as,
		    struct engine_device *device, struct engine_error *err)
{
	struct engine_device known = *device;
	uint32_t ifindex = device->ifindex, flags;
	struct nfr_iface iface = {.link = (uint8_t)device->link};
	char why[REBIND_WHY_MAX];
	int ret = 0;

	if (device->arphrd == ARPHRD_LOOPBACK)
		iface.flags = NFR_IFACE_LOOPBACK;
	if (known_as)
		snprintf(known.name, sizeof(known.name), "%s", known_as);
	iface.ifid = generation_ifid(image, &known, &flags);
	device->ifid = iface.ifid;
	device->is_skipped = flags & IMAGE_IFACE_SKIP;
	device->is_tunnel = flags & IMAGE_IFACE_TUNNEL;
	if (device->is_tunnel) {
		iface.flags |= NFR_IFACE_TUNNEL;
		device->is_trusted =
			!rebind_judge_peers(image, iface.ifid, device, why);
		if (device->is_trusted)
			ret = generation_trust(generation, device, err);
		if (ret)
			return ret;
	}
	if (bpf_map_update_elem(generation->fd[PIN_IFACES], &ifindex, &iface,
				BPF_ANY) ||
	    (ifindex < NFR_NEAR_MAX &&
	     bpf_map_update_elem(generation->fd[PIN_NEAR], &ifindex, &iface,
				 BPF_ANY)))
		return error_kernel(err, -errno, "add %s to nfr_ifaces",
				    device->name);
	device->is_known = true;
	return generation_edge(generation, device, err);
}

bool generation_is_reused(const struct generation *generation)
{
	return generation->is_reused;
}

/* The pin of what is in use stays; what it is now was looked at. */
static int generation_pin_one(const struct generation *generation,
			      const struct pins *pins, enum pin_generation pin,
			      struct engine_error *err)
{
	const struct pin_spec *spec = &pins_generation[pin];
	const char *sub = pins_slot_dir(generation->slot);
	bool is_pinned = generation_is_reused(generation) && pin != PIN_IMAGE &&
			 pin != PIN_ABOUT && pin != PIN_IDENTITY;
	int ret = is_pinned ? 0 : pins_remove(pins, sub, spec, err);

	if (ret || is_pinned)
		return ret;
	return pins_put(pins, sub, spec->pin, generation->fd[pin], err);
}

int generation_pin(const struct generation *generation, const struct pins *pins,
		   struct shared *shared, struct engine_error *err)
{
	int ret = 0;

	if (!generation_is_reused(generation))
		ret = generation_clear(pins, shared, generation->slot, err);
	if (!ret)
		ret = pins_mkdir(pins, pins_slot_dir(generation->slot), err);
	for (unsigned i = 0; i < PIN_GENERATION_COUNT && !ret; i++)
		ret = generation_pin_one(generation, pins, i, err);
	return ret;
}

/* Is this program in the slot? A change costs the kernel a patch of code. */
static bool generation_is_placed(int slots, uint32_t slot, int prog)
{
	uint32_t id = 0;

	return !bpf_map_lookup_elem(slots, &slot, &id) &&
	       id == pins_prog_id(prog);
}

int generation_place(const struct generation *generation, struct shared *shared,
		     struct engine_error *err)
{
	uint32_t slot = generation->slot;

	for (unsigned i = 0; i < 3; i++) {
		int prog = generation->fd[generation_progs[i]];
		int slots = shared->fd[generation_slots[i]];

		if (!generation_is_placed(slots, slot, prog) &&
		    bpf_map_update_elem(slots, &slot, &prog, BPF_ANY))
			return error_kernel(
				err, -errno, "fill slot %u of %s", slot,
				pins_shared[generation_slots[i]].name);
	}
	shared->control->last_generation = generation->number;
	shared->control->generation[slot] = generation->number;
	return 0;
}

int generation_check(const struct pins *pins, uint32_t slot,
		     struct engine_error *err)
{
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++) {
		int fd = pins_get(pins, pins_slot_dir(slot),
				  &pins_generation[i], err);

		if (fd >= 0)
			close(fd);
		else if (fd != -ENOENT && fd != -EPROTO)
			return fd;
	}
	return 0;
}

int generation_clear(const struct pins *pins, struct shared *shared,
		     uint32_t slot, struct engine_error *err)
{
	const char *sub = pins_slot_dir(slot);
	int ret = 0;

	if (shared)
		shared->control->generation[slot] = 0;
	for (unsigned i = 0; i < 3 && shared; i++) {
		if (bpf_map_delete_elem(shared->fd[generation_slots[i]],
					&slot) &&
		    errno != ENOENT)
			return error_kernel(err, -errno, "empty slot %u", slot);
	}
	for (unsigned i = 0; i < PIN_GENERATION_COUNT && !ret; i++)
		ret = pins_remove(pins, sub, &pins_generation[i], err);
	if (!ret)
		pins_rmdir(pins, sub);
	return ret;
}

uint64_t generation_bytes(const struct generation *generation)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++)
		if (generation->fd[i] >= 0)
			sum += object_bytes(generation->fd[i]);
	return sum;
}

void generation_free(struct generation **generation)
{
	if (!*generation)
		return;
	bpf_object__close((*generation)->object);
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++)
		if ((*generation)->fd[i] >= 0)
			close((*generation)->fd[i]);
	free(*generation);
	*generation = NULL;
}
