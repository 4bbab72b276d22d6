/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * statemap.c: the map of flow states, in memory of ours: read, and ended.
 * kmod-linux/flows.bpf.h says what its parts mean; the seed that says where a
 * name belongs is not needed here, as all is looked at.
 */
#include "statemap.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t statemap_len(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = NFR_BUCKETS * sizeof(struct nfr_bucket);

	return (len + page - 1) / page * page;
}

int statemap_open(int fd, struct statemap *out)
{
	void *at = mmap(NULL, statemap_len(), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	out->buckets = at;
	return 0;
}

void statemap_close(struct statemap *map)
{
	if (map->buckets)
		munmap(map->buckets, statemap_len());
	map->buckets = NULL;
}

static __u32 *tag_at(const struct statemap *map, __u32 place)
{
	return &map->buckets[place / NFR_WAYS].tag[place % NFR_WAYS];
}

static struct nfr_flow *flow_at(const struct statemap *map, __u32 place)
{
	return &map->buckets[place / NFR_WAYS].flow[place % NFR_WAYS];
}

/* The tag of a flow that is there, or 0. */
static __u32 tag_of(const struct statemap *map, __u32 place)
{
	__u32 tag = __atomic_load_n(tag_at(map, place), __ATOMIC_ACQUIRE);

	return tag & 1 ? 0 : tag;
}

static int is_empty(const struct nfr_bucket *bucket)
{
	static const __u32 none[NFR_WAYS];

	return !memcmp(bucket->tag, none, sizeof(none));
}

__u32 statemap_next(const struct statemap *map, __u32 place)
{
	while (place < NFR_PLACES) {
		if (place % NFR_WAYS == 0 &&
		    is_empty(&map->buckets[place / NFR_WAYS]))
			place += NFR_WAYS;
		else if (!*tag_at(map, place))
			place++;
		else
			break;
	}
	return place;
}

__u32 statemap_count(const struct statemap *map)
{
	__u32 count = 0;

	for (__u32 place = statemap_next(map, 0); place < NFR_PLACES;
	     place = statemap_next(map, place + 1))
		count++;
	return count;
}

int statemap_read(const struct statemap *map, __u32 place, struct nfr_flow *out)
{
	__u32 tag = tag_of(map, place);

	if (!tag)
		return 0;
	*out = *flow_at(map, place);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return tag_of(map, place) == tag;
}

__u32 statemap_find(const struct statemap *map,
		    const struct nfr_state_key *name)
{
	__u32 place = statemap_next(map, 0);

	while (place < NFR_PLACES &&
	       (!tag_of(map, place) ||
		memcmp(&flow_at(map, place)->name, name, sizeof(*name)) != 0))
		place = statemap_next(map, place + 1);
	return place;
}

/* The tag by which the flow is still there, or 0. */
static __u32 tag_of_flow(const struct statemap *map, __u32 place,
			 const struct nfr_flow *which)
{
	const struct nfr_flow *flow = flow_at(map, place);
	__u32 tag = tag_of(map, place);

	if (!tag || memcmp(&flow->name, &which->name, sizeof(flow->name)) ||
	    flow->state.created != which->state.created)
		return 0;
	return tag;
}

int statemap_end(const struct statemap *map, __u32 place,
		 const struct nfr_flow *which)
{
	__u32 tag = tag_of_flow(map, place, which);
	__u32 home = flow_at(map, place)->home;

	if (!tag ||
	    !__atomic_compare_exchange_n(tag_at(map, place), &tag, 0, 0,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return 0;
	if (home != place / NFR_WAYS && home < NFR_BUCKETS)
		__atomic_fetch_sub(&map->buckets[home].spilled, 1,
				   __ATOMIC_SEQ_CST);
	return 1;
}

int statemap_expire(const struct statemap *map, __u32 place,
		    const struct nfr_flow *which)
{
	struct nfr_state *state = &flow_at(map, place)->state;

	if (!tag_of_flow(map, place, which))
		return 0;
	__atomic_store_n(&state->timeout, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&state->last_seen, 0, __ATOMIC_SEQ_CST);
	return 1;
}

void statemap_clear(const struct statemap *map)
{
	for (__u32 place = statemap_next(map, 0); place < NFR_PLACES;
	     place = statemap_next(map, place + 1)) {
		struct nfr_flow flow;

		if (statemap_read(map, place, &flow))
			statemap_end(map, place, &flow);
	}
}
