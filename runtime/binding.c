/* SPDX-License-Identifier: BSD-2-Clause */
/* binding.c: devices of now -> the entries that a placed generation needs. */
#include "binding.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_error.h"
#include "links.h"
#include "rebind.h"
#include "ticket.h"

static void __attribute__((format(printf, 2, 3)))
binding_say(const struct binding_log *log, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (!log || !log->say)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log->say(log->arg, line);
}

/* Once, until it is something else. */
static void binding_say_closed(const struct binding_log *log, const char *line)
{
	if (!log || !log->closed || !strcmp(log->closed, line))
		return;
	snprintf(log->closed, ENGINE_CLOSED_MAX, "%s", line);
	if (*line)
		binding_say(log, "%s", line);
}

static int binding_read_image(struct binding *binding, const struct pins *pins,
			      uint32_t slot, struct engine_error *err)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), zero = 0;
	const struct image_header *header;
	char why[IMAGE_ERROR_MAX] = "";
	int ret = 0, fd = pins_get(pins, pins_slot_dir(slot),
				   &pins_generation[PIN_IMAGE], err);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		ret = error_kernel(err, -errno, "read nfr_image");
	if (!ret) {
		binding->bytes = malloc((info.value_size + 7) & ~7u);
		if (!binding->bytes ||
		    bpf_map_lookup_elem(fd, &zero, binding->bytes))
			ret = error_kernel(err,
					   binding->bytes ? -errno : -ENOMEM,
					   "read nfr_image");
	}
	close(fd);
	header = binding->bytes;
	if (!ret && (info.value_size < sizeof(*header) ||
		     header->len > info.value_size))
		ret = error_set(err, -EPROTO, "the pinned image is damaged");
	if (!ret &&
	    image_open(binding->bytes, header->len, &binding->image, why))
		ret = error_set(err, -EPROTO, "the pinned image: %s", why);
	return ret;
}

int binding_open(const struct pins *pins, const struct shared *shared,
		 uint32_t slot, struct binding **out, struct engine_error *err)
{
	const char *sub = pins_slot_dir(slot);
	struct binding *binding;
	int ret;

	if (slot > 1 || !shared->control->generation[slot])
		return error_set(err, -ENOENT, "no generation is in slot %u",
				 slot);
	binding = calloc(1, sizeof(*binding));
	if (!binding)
		return error_kernel(err, -ENOMEM, "read a generation");
	binding->generation = shared->control->generation[slot];
	binding->ifaces = binding->tunnels = -1;
	binding->identity = binding->edges = binding->near = -1;
	binding->ticket = -1;
	ret = binding_read_image(binding, pins, slot, err);
	if (!ret)
		ret = binding->ifaces =
			pins_get(pins, sub, &pins_generation[PIN_IFACES], err);
	if (ret >= 0)
		ret = binding->tunnels =
			pins_get(pins, sub, &pins_generation[PIN_TUNNELS], err);
	if (ret >= 0)
		ret = binding->identity = pins_get(
			pins, sub, &pins_generation[PIN_IDENTITY], err);
	if (ret >= 0)
		ret = binding->edges =
			pins_get(pins, sub, &pins_generation[PIN_EDGES], err);
	if (ret >= 0)
		ret = binding->near =
			pins_get(pins, sub, &pins_generation[PIN_NEAR], err);
	if (ret >= 0)
		ret = binding->ticket =
			pins_get(pins, sub, &pins_generation[PIN_TICKET], err);
	if (ret < 0)
		binding_close(&binding);
	else
		*out = binding;
	return ret < 0 ? ret : 0;
}

void binding_close(struct binding **binding)
{
	if (!*binding)
		return;
	if ((*binding)->ifaces >= 0)
		close((*binding)->ifaces);
	if ((*binding)->tunnels >= 0)
		close((*binding)->tunnels);
	if ((*binding)->identity >= 0)
		close((*binding)->identity);
	if ((*binding)->edges >= 0)
		close((*binding)->edges);
	if ((*binding)->near >= 0)
		close((*binding)->near);
	if ((*binding)->ticket >= 0)
		close((*binding)->ticket);
	free((*binding)->bytes);
	free(*binding);
	*binding = NULL;
}

static bool binding_trusts(const struct binding *binding, uint32_t ifindex)
{
	uint32_t value;

	return !bpf_map_lookup_elem(binding->tunnels, &ifindex, &value);
}

const char *binding_tunnel_name(const struct binding *binding, uint32_t ifindex)
{
	struct nfr_iface iface = {0};

	if (!binding_trusts(binding, ifindex) ||
	    bpf_map_lookup_elem(binding->ifaces, &ifindex, &iface) ||
	    !(iface.flags & NFR_IFACE_TUNNEL) || !iface.ifid ||
	    iface.ifid > binding->image.iface_count)
		return NULL;
	return image_string(&binding->image,
			    binding->image.ifaces[iface.ifid - 1].name);
}

/* Does a device that lives hold the trust of this tunnel? */
static bool binding_has_tunnel(const struct binding *binding, uint16_t ifid)
{
	uint32_t key, *at = NULL;

	while (!bpf_map_get_next_key(binding->tunnels, at, &key)) {
		struct nfr_iface iface = {0};

		at = &key;
		if (!bpf_map_lookup_elem(binding->ifaces, &key, &iface) &&
		    iface.ifid == ifid)
			return true;
	}
	return false;
}

/*
 * A device that is not trusted but has the tunnel's name: may it be? The entry
 * of its name is there already, so it is closed until the last store here.
 */
static void binding_rearm(const struct binding *binding,
			  struct engine_device *device, uint32_t flags,
			  const struct binding_log *log)
{
	struct rebind_identity identity = {0}, before = {0};
	uint32_t ifindex = device->ifindex, key = device->ifid;
	char why[160] = "the policy does not say rebind";
	const struct image *image = &binding->image;
	int rc = -EPERM;

	bpf_map_lookup_elem(binding->identity, &key, &before);
	if (flags & IMAGE_IFACE_REBIND) {
		if (binding_has_tunnel(binding, device->ifid)) {
			snprintf(why, sizeof(why),
				 "the tunnel is another "
				 "device, which lives");
			rc = -EEXIST;
		} else {
			rc = rebind_judge(image, device->ifid, device, &before,
					  why);
		}
	}
	if (!rc && bpf_map_update_elem(binding->tunnels, &ifindex, &ifindex,
				       BPF_ANY)) {
		rc = -errno;
		snprintf(why, sizeof(why), "%s", strerror(-rc));
	}
	/* The index may be another device's by now; then the trust is too. */
	if (!rc && rebind_still_is(device)) {
		bpf_map_delete_elem(binding->tunnels, &ifindex);
		rc = -ENODEV;
		snprintf(why, sizeof(why), "it went away");
	}
	device->is_trusted = !rc;
	if (!rc) {
		rebind_describe(device, &identity);
		bpf_map_update_elem(binding->identity, &key, &identity,
				    BPF_ANY);
		binding_say(log, "%s: the tunnel is back: trusted again",
			    device->name);
		binding_say_closed(log, "");
	} else {
		char line[ENGINE_CLOSED_MAX];

		snprintf(
			line, sizeof(line),
			"%.15s has the tunnel's name, and stays closed: %.160s",
			device->name, why);
		binding_say_closed(log, line);
	}
}

/* Low indexes are also where the datapath looks first. */
static int binding_put(const struct binding *binding, uint32_t ifindex,
		       const struct nfr_iface *iface)
{
	if (bpf_map_update_elem(binding->ifaces, &ifindex, iface, BPF_ANY))
		return -errno;
	if (ifindex < NFR_NEAR_MAX &&
	    bpf_map_update_elem(binding->near, &ifindex, iface, BPF_ANY))
		return -errno;
	return 0;
}

static int binding_device(const struct binding *binding,
			  struct engine_device *device,
			  const struct binding_log *log,
			  struct engine_error *err)
{
	struct nfr_iface want = {.link = (uint8_t)device->link}, have = {0};
	bool trusted = binding_trusts(binding, device->ifindex);
	uint32_t ifindex = device->ifindex, flags;
	bool was = !bpf_map_lookup_elem(binding->ifaces, &ifindex, &have);

	want.ifid = generation_ifid(&binding->image, device, &flags);
	if (device->arphrd == ARPHRD_LOOPBACK)
		want.flags = NFR_IFACE_LOOPBACK;
	if (flags & IMAGE_IFACE_TUNNEL)
		want.flags |= NFR_IFACE_TUNNEL;
	/* A rename does not make it another device. */
	if (was && trusted && have.flags & NFR_IFACE_TUNNEL)
		want = have;
	device->ifid = want.ifid;
	device->is_skipped = flags & IMAGE_IFACE_SKIP;
	device->is_tunnel = want.flags & NFR_IFACE_TUNNEL;
	device->is_trusted = device->is_tunnel && trusted;
	device->is_known = true;
	if (!was || memcmp(&want, &have, sizeof(want))) {
		int ret = binding_put(binding, ifindex, &want);

		if (ret)
			return error_kernel(err, ret, "add %s to nfr_ifaces",
					    device->name);
		binding_say(log, "%s: index %u is %s now%s", device->name,
			    ifindex, was ? "of that name" : "known",
			    want.ifid ? ", and the policy names it" : "");
	}
	if (device->is_tunnel && !device->is_trusted)
		binding_rearm(binding, device, flags, log);
	return 0;
}

/* Entries of devices that are gone, or in another namespace. */
static void binding_forget(const struct binding *binding,
			   const struct engine_devices *devices,
			   const struct binding_log *log)
{
	static const struct nfr_iface nothing; /* of a link type not known */
	uint32_t key, gone[64], *at = NULL;
	size_t count = 0;

	while (count < 64 && !bpf_map_get_next_key(binding->ifaces, at, &key)) {
		at = &key;
		if (!links_find(devices, key))
			gone[count++] = key;
	}
	for (size_t i = 0; i < count; i++) {
		if (gone[i] < NFR_NEAR_MAX)
			bpf_map_update_elem(binding->near, &gone[i], &nothing,
					    BPF_ANY);
		bpf_map_delete_elem(binding->ifaces, &gone[i]);
		bpf_map_delete_elem(binding->tunnels, &gone[i]);
		bpf_map_delete_elem(binding->edges, &gone[i]);
		binding_say(log, "index %u is gone", gone[i]);
	}
}

int binding_update(const struct binding *binding,
		   struct engine_devices *devices,
		   const struct binding_log *log, struct engine_error *err)
{
	int ret = 0;

	binding_forget(binding, devices, log);
	for (size_t i = 0; i < devices->count && !ret; i++)
		ret = binding_device(binding, &devices->items[i], log, err);
	if (ret)
		return ret;
	ret = ticket_update(binding->ticket, &binding->image, devices);
	return ret ? error_kernel(err, ret, "say who carries the tunnel") : 0;
}

void binding_edges(const struct binding *binding,
		   const struct engine_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *device = &devices->items[i];
		uint32_t ifindex = device->ifindex;

		/* What fails leaves the floor stricter than it need be. */
		if (device->is_skipped ||
		    device->hook[NFR_DIR_OUT].mode != ENGINE_MODE_NONE)
			bpf_map_update_elem(binding->edges, &ifindex, &ifindex,
					    BPF_ANY);
		else
			bpf_map_delete_elem(binding->edges, &ifindex);
	}
}
