/* SPDX-License-Identifier: BSD-2-Clause */
/* rebind.c: kind and peers of a device -> is it the tunnel's? */
#include "rebind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"
#include "peers.h"

/* Link kinds whose frames reach nobody but the other end of a tunnel. */
static const char *const rebind_kinds[] = {
	"wireguard", "tun",    "amneziawg", "ovpn", "ppp",  "ipip",   "sit",
	"gre",	     "ip6gre", "vti",	    "vti6", "xfrm", "ip6tnl",
};

void rebind_describe(const struct engine_device *device,
		     struct rebind_identity *out)
{
	*out = (struct rebind_identity){
		.ifindex = device->ifindex,
		.arphrd = device->arphrd,
		.was = 1,
	};
	memcpy(out->kind, device->kind, sizeof(out->kind));
}

static bool rebind_is_tunnel(const struct engine_device *device)
{
	for (size_t i = 0; i < sizeof(rebind_kinds) / sizeof(*rebind_kinds);
	     i++) {
		if (!strcmp(rebind_kinds[i], device->kind))
			return true;
	}
	return false;
}

static int rebind_judge_kind(const struct engine_device *device,
			     const struct rebind_identity *before,
			     char why[REBIND_WHY_MAX])
{
	const char *kind = *device->kind ? device->kind : "physical";

	if (before->was) {
		if (!strcmp(before->kind, device->kind) &&
		    before->arphrd == device->arphrd)
			return 0;
		if (!strcmp(before->kind, device->kind))
			snprintf(why, REBIND_WHY_MAX,
				 "it is of link type %u, and the tunnel was of "
				 "%u",
				 device->arphrd, before->arphrd);
		else
			snprintf(why, REBIND_WHY_MAX,
				 "it is of kind %s, and the tunnel was of kind "
				 "%s",
				 kind,
				 *before->kind ? before->kind : "physical");
		return -EPERM;
	}
	if (rebind_is_tunnel(device))
		return 0;
	snprintf(why, REBIND_WHY_MAX, "kind %s is no tunnel", kind);
	return -EPERM;
}

int rebind_judge_applied(const struct engine_device *device,
			 const struct rebind_identity *before,
			 char why[REBIND_WHY_MAX])
{
	if (!before->was || rebind_is_tunnel(device))
		return 0;
	return rebind_judge_kind(device, before, why);
}

static bool rebind_states(const char *stated, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = stated; (at = strstr(at, key)); at += len) {
		if (at[len] == '\0' || at[len] == ' ')
			return true;
	}
	return false;
}

int rebind_judge_peers(const struct image *image, uint16_t ifid,
		       const struct engine_device *device,
		       char why[REBIND_WHY_MAX])
{
	const char *stated = image_string(image, image->ifaces[ifid - 1].peers);
	struct peers peers = {0};
	int ret;

	if (!*stated)
		return 0;
	ret = peers_read(device, &peers);
	if (ret) {
		snprintf(why, REBIND_WHY_MAX, "its peers can not be read: %s",
			 strerror(-ret));
		return -EPERM;
	}
	if (!peers.count) {
		snprintf(why, REBIND_WHY_MAX, "it has no peer yet");
		ret = -EPERM;
	}
	for (size_t i = 0; i < peers.count && !ret; i++) {
		char key[PEERS_KEY_TEXT];

		peers_key_text(peers.keys[i], key);
		if (rebind_states(stated, key))
			continue;
		snprintf(why, REBIND_WHY_MAX,
			 "its peer %s is not one that the policy states", key);
		ret = -EPERM;
	}
	peers_free(&peers);
	return ret;
}

int rebind_judge(const struct image *image, uint16_t ifid,
		 const struct engine_device *device,
		 const struct rebind_identity *before, char why[REBIND_WHY_MAX])
{
	int ret = rebind_judge_kind(device, before, why);

	return ret ? ret : rebind_judge_peers(image, ifid, device, why);
}

int rebind_still_is(const struct engine_device *device)
{
	struct engine_devices now = {0};
	const struct engine_device *found;
	int ret = links_list(&now);

	if (ret)
		return ret;
	found = links_find(&now, device->ifindex);
	if (!found || strcmp(found->name, device->name) ||
	    strcmp(found->kind, device->kind) ||
	    found->arphrd != device->arphrd)
		ret = -ENODEV;
	engine_devices_free(&now);
	return ret;
}
