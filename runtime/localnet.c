/* SPDX-License-Identifier: BSD-2-Clause */
/* localnet.c: an image and devices -> net.ipv4.conf.IF.route_localnet. */
#include "localnet.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "../compiler/image_edit.h"
#include "engine_error.h"

#define LOCALNET_FIRST 0x7f000000u /* 127.0.0.0/8, RFC 1122 3.2.1.3 */
#define LOCALNET_MASK 0xff000000u

/* ---- which devices ------------------------------------------------------- */

static bool table_leads_home(const struct image *image, uint32_t table)
{
	size_t count;
	const struct image_entry *e = image_table_entries(image, table, &count);

	for (size_t i = 0; i < count; i++) {
		if (e[i].family != NFR_FAMILY_IPV4 || e[i].is_negated)
			continue;
		if (e[i].prefix_len == 0 || e[i].addr[12] == 127)
			return true;
	}
	return false;
}

/* May the pool give an address of 127/8? */
static bool pool_leads_home(const struct image *image, uint32_t number)
{
	const struct nfr_pool *pool;

	if (number == NFR_NO_POOL)
		return false;
	pool = &image->pools[number];
	if (pool->family != NFR_FAMILY_IPV4)
		return false;
	for (uint32_t i = 0; i < pool->count; i++) {
		const struct image_pool_addr *a =
			&image->pool_addrs[pool->first + i];

		if (a->table != NFR_NO_TABLE
			    ? table_leads_home(image, a->table)
			    : !((a->first[0] ^ LOCALNET_FIRST) & a->mask[0] &
				LOCALNET_MASK))
			return true;
	}
	return false;
}

static bool device_needs(const struct image *image,
			 const struct engine_device *device)
{
	if (device->is_skipped || device->flags & IFF_LOOPBACK)
		return false;
	for (uint32_t i = 0; i < image->action_count; i++) {
		const struct nfr_action *a = &image->actions[i];

		if (a->in_ifid == NFR_IN_NOWHERE ||
		    (a->in_ifid != NFR_IN_ANYWHERE &&
		     a->in_ifid != device->ifid))
			continue;
		if (pool_leads_home(image, a->rdr))
			return true;
	}
	return false;
}

/* ---- the sysctl ---------------------------------------------------------- */

static int sysctl_open(const char *name, int flags)
{
	char path[64 + IF_NAMESIZE];
	int fd;

	snprintf(path, sizeof(path),
		 "/proc/sys/net/ipv4/conf/%s/route_localnet", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sysctl_read(const char *name, uint32_t *value)
{
	char text[16] = "";
	int fd = sysctl_open(name, O_RDONLY), ret = 0;
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, text, sizeof(text) - 1);
	if (len <= 0 || sscanf(text, "%u", value) != 1)
		ret = len < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

static int sysctl_write(const char *name, uint32_t value)
{
	int fd = sysctl_open(name, O_WRONLY), ret = 0;

	if (fd < 0)
		return fd;
	if (dprintf(fd, "%u\n", value) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* ---- set, and put back --------------------------------------------------- */

static int device_set(const struct shared *shared,
		      const struct engine_device *device)
{
	struct nfr_localnet was = {0};
	int ret = sysctl_read(device->name, &was.before);

	if (ret || was.before)
		return ret;
	/* Known first: what is set is put back, whoever is killed when. */
	if (bpf_map_update_elem(shared->fd[PIN_LOCALNET], &device->ifindex,
				&was, BPF_NOEXIST) &&
	    errno != EEXIST)
		return -errno;
	return sysctl_write(device->name, 1);
}

int localnet_set(const struct shared *shared, const struct image *image,
		 const struct engine_devices *devices, struct engine_error *err)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *device = &devices->items[i];
		int ret = 0;

		if (device_needs(image, device))
			ret = device_set(shared, device);
		if (!ret || ret == -ENOENT) /* the device has gone */
			continue;
		error_kernel(err, ret, "set net.ipv4.conf.%s.route_localnet",
			     device->name);
		error_hint(err, "a rule leads packets from there to "
				"127.0.0.0/8, which the kernel drops else");
		return ret;
	}
	return 0;
}

static bool is_needed(const struct image *image,
		      const struct engine_devices *devices, uint32_t ifindex)
{
	for (size_t i = 0; image && i < devices->count; i++) {
		if (devices->items[i].ifindex == ifindex)
			return device_needs(image, &devices->items[i]);
	}
	return false;
}

static int device_restore(uint32_t ifindex, const struct nfr_localnet *was)
{
	char name[IF_NAMESIZE];
	uint32_t now = 0;
	int ret;

	if (!if_indextoname(ifindex, name))
		return 0;
	ret = sysctl_read(name, &now);
	if (!ret && now == 1)
		ret = sysctl_write(name, was->before);
	return ret == -ENOENT ? 0 : ret;
}

size_t localnet_restore(int map_fd, const struct image *image,
			const struct engine_devices *devices)
{
	uint32_t ifindex, next;
	int more = bpf_map_get_next_key(map_fd, NULL, &next);
	size_t left = 0;

	while (!more) {
		struct nfr_localnet was;

		ifindex = next;
		more = bpf_map_get_next_key(map_fd, &ifindex, &next);
		if (is_needed(image, devices, ifindex) ||
		    bpf_map_lookup_elem(map_fd, &ifindex, &was))
			continue;
		if (device_restore(ifindex, &was))
			left++;
		else
			bpf_map_delete_elem(map_fd, &ifindex);
	}
	return left;
}
