/* SPDX-License-Identifier: BSD-2-Clause */
/* image_check.c: tags, cgroups, actions, pools and config of an image -> 0, or
 * why they are refused. */
#include "image_layout.h"
#include "tag.h"

static int check_tags(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	uint32_t before = 0;

	if (img->tag_count > UINT16_MAX)
		return image_refuse(error, "more than %u tags", UINT16_MAX);
	for (__u32 i = 0; i < img->tag_count; i++) {
		uint32_t number;

		if (img->tags[i] >= img->header->section[IMAGE_STRINGS].count)
			return image_refuse(error, "tag %u: no such string",
					    i + 1);
		number = tag_number(image_string(img, img->tags[i]));
		if (i && number <= before)
			return image_refuse(error, "tag %u: not behind tag %u",
					    i + 1, i);
		before = number;
	}
	return 0;
}

/* What the tree of nfr_cgroups can hold. */
static bool is_path(const char *path)
{
	unsigned depth = *path != 0;
	size_t len = 0;

	for (; *path; path++) {
		if (*path != '/') {
			len++;
			continue;
		}
		if (len == 0 || len >= NFR_CGROUP_NAME)
			return false;
		depth++;
		len = 0;
	}
	return depth <= NFR_CGROUP_DEPTH && len < NFR_CGROUP_NAME &&
	       (depth == 0 || len > 0);
}

static int check_cgroups(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	if (img->cgroup_count > NFR_CGROUP_MAX)
		return image_refuse(error, "more than %u cgroups",
				    NFR_CGROUP_MAX);
	for (__u32 i = 0; i < img->cgroup_count; i++)
		if (img->cgroups[i] >=
			    img->header->section[IMAGE_STRINGS].count ||
		    !is_path(image_string(img, img->cgroups[i])))
			return image_refuse(error, "cgroup %u: no such path",
					    i + 1);
	return 0;
}

/* ---- pools ------------------------------------------------------------- */

/* Ones, then zeros, over the words of the family; the others are zero. */
static bool is_mask(const __u32 *mask, unsigned words)
{
	bool is_over = false;

	for (unsigned i = 0; i < 4; i++) {
		__u32 holes = ~mask[i];

		if (i >= words ? mask[i] : is_over && mask[i])
			return false;
		if (holes & (holes + 1))
			return false; /* a one behind a zero */
		is_over |= holes != 0;
	}
	return true;
}

static const char *check_pool_addr(const struct image *img,
				   const struct image_pool_addr *a,
				   unsigned family)
{
	unsigned words = family == NFR_FAMILY_IPV4 ? 1 : 4;

	if (a->table != NFR_NO_TABLE && a->table >= img->table_count)
		return "no such table";
	if (a->ifid > img->iface_count)
		return "no such interface";
	if (!is_mask(a->mask, words))
		return "not a mask";
	for (unsigned i = 0; i < 4; i++)
		if (a->first[i] & ~a->mask[i] ||
		    (a->table != NFR_NO_TABLE && a->mask[i]))
			return "address has bits behind its prefix";
	if (a->weight == 0 || a->reserved)
		return "unknown flags";
	return NULL;
}

static const char *check_pool(const struct image *img,
			      const struct nfr_pool *pool, __u32 next)
{
	if (pool->family != NFR_FAMILY_IPV4 && pool->family != NFR_FAMILY_IPV6)
		return "unknown family";
	if (pool->type > NFR_POOL_LEAST_STATES ||
	    pool->flags & ~NFR_POOL_FLAGS || pool->reserved & ~IMAGE_POOL_KNOWN)
		return "unknown flags";
	if (pool->port_low > pool->port_high)
		return "ports end before they begin";
	if (pool->first != next || pool->count > img->pool_addr_count - next)
		return "its addresses are not the next ones";
	for (__u32 i = 0; i < pool->count; i++) {
		const char *why = check_pool_addr(
			img, &img->pool_addrs[next + i], pool->family);

		if (why)
			return why;
	}
	return NULL;
}

static int check_pools(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	__u32 next = 0;

	if (img->pool_count > NFR_POOL_MAX)
		return image_refuse(error, "more than %u pools", NFR_POOL_MAX);
	if (img->pool_addr_count > NFR_POOL_ADDR_MAX)
		return image_refuse(error, "more than %u addresses of pools",
				    NFR_POOL_ADDR_MAX);
	for (__u32 i = 0; i < img->pool_count; i++) {
		const char *why = check_pool(img, &img->pools[i], next);

		if (why)
			return image_refuse(error, "pool %u: %s", i, why);
		next += img->pools[i].count;
	}
	if (next != img->pool_addr_count)
		return image_refuse(error, "addresses of no pool");
	return 0;
}

/* ---- actions and config ------------------------------------------------ */

static bool is_pool(const struct image *img, __u32 pool)
{
	return pool == NFR_NO_POOL || pool < img->pool_count;
}

static const char *check_action(const struct image *img,
				const struct nfr_action *a)
{
	const __u32 track = NFR_ACTION_TRACK_RULE | NFR_ACTION_TRACK_GLOBAL;

	if (a->flags & ~NFR_ACTION_FLAGS || (a->flags & track) == track)
		return "unknown flags";
	if (a->in_ifid > img->iface_count && a->in_ifid != NFR_IN_ANYWHERE)
		return "no such device";
	if (!is_pool(img, a->nat) || !is_pool(img, a->rdr) ||
	    !is_pool(img, a->route_to) || !is_pool(img, a->reply_to) ||
	    !is_pool(img, a->dup_to))
		return "no such pool";
	if (a->overload != NFR_NO_TABLE && a->overload >= img->table_count)
		return "no such table";
	if (!a->rate_conns != !a->rate_seconds)
		return "a rate is of two numbers";
	return NULL;
}

static int check_actions(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	if (img->action_count > NFR_ACTION_MAX)
		return image_refuse(error, "more than %u actions",
				    NFR_ACTION_MAX);
	for (__u32 i = 0; i < img->action_count; i++) {
		const char *why = check_action(img, &img->actions[i]);

		if (why)
			return image_refuse(error, "action %u: %s", i, why);
	}
	return 0;
}

int image_check_effects(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	int err = check_tags(img, error);

	if (!err)
		err = check_cgroups(img, error);
	if (!err)
		err = check_pools(img, error);
	if (!err)
		err = check_actions(img, error);
	if (err)
		return err;
	if (img->header->section[IMAGE_CONFIG].count != 1)
		return image_refuse(error, "not one config");
	if (img->config->flags !=
	    image_config_flags(img->actions, img->action_count, img->code,
			       img->insn_count, img->header->entry))
		return image_refuse(error, "config: flags are not the rules'");
	return 0;
}
