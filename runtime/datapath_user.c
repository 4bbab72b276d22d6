/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * datapath_user.c: the datapath's environment from plain memory; then frames
 * and a clock in, verdicts and events out. env.bpf.h is the same for the
 * kernel.
 */
#include "datapath_user.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "packet.h"
#include "state.h"
#include "tableset.h"

#define COUNT_REASONS (2 * NFR_REASON_COUNT)

struct device {
	__u32 ifindex;
	struct nfr_iface iface;
	bool is_impostor;
};

struct env {
	struct nfr_config config;
	const struct image *image; /* NULL before the first switch */
	struct tableset *tables;
	struct device *devices;
	size_t device_count;
	struct nfr_count *rule_counts;

	struct nfr_count reasons[COUNT_REASONS];
	struct flows *flows;
	__u64 now, last_sweep;
	bool has_swept;
	bool trace_block;
	struct nfr_event event;
	void (*hook)(void *arg, const struct nfr_event *);
	void *hook_arg;
};

struct datapath {
	struct env env;
};

/* ---- what verdict.h asks ----------------------------------------------- */

NFR_INLINE const struct nfr_config *env_config(struct env *env)
{
	return env->image ? &env->config : NULL;
}

static const struct device *device_find(const struct env *env, __u32 ifindex)
{
	for (size_t i = 0; i < env->device_count; i++)
		if (env->devices[i].ifindex == ifindex)
			return &env->devices[i];
	return NULL;
}

NFR_INLINE const struct nfr_iface *env_iface(struct env *env, __u32 ifindex)
{
	const struct device *device = device_find(env, ifindex);

	return device ? &device->iface : NULL;
}

NFR_INLINE int env_tunnel(struct env *env, __u32 ifindex)
{
	const struct device *device = device_find(env, ifindex);

	return device && !device->is_impostor;
}

NFR_INLINE const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	return pc < env->image->insn_count ? &env->image->code[pc] : NULL;
}

NFR_INLINE const struct nfr_rule *env_rule(struct env *env, __u32 rule)
{
	return rule < env->image->rule_count ? &env->image->rules[rule] : NULL;
}

NFR_INLINE int env_table_has(struct env *env, const struct nfr_table_key *key)
{
	return tableset_has(env->tables, key);
}

NFR_INLINE int env_pull(struct env *env, struct packet_frame *frame)
{
	(void)env;
	(void)frame;
	return 0;
}

/* Frames of a capture stay as they are. */
NFR_INLINE __u32 env_checksum(struct env *env)
{
	(void)env;
	return UINT32_MAX;
}

NFR_INLINE __u32 env_segments(struct env *env)
{
	(void)env;
	return 0;
}

NFR_INLINE __u64 env_now(struct env *env)
{
	return env->now;
}

NFR_INLINE struct nfr_state *env_state_find(struct env *env,
					    const struct nfr_state_key *key)
{
	return flows_find(env->flows, key);
}

NFR_INLINE int env_state_insert(struct env *env,
				const struct nfr_state_key *key,
				const struct nfr_state *state)
{
	return flows_insert(env->flows, key, state) != 0;
}

NFR_INLINE void env_state_delete(struct env *env,
				 const struct nfr_state_key *key)
{
	flows_delete(env->flows, key);
}

static int is_dead(void *arg, const struct nfr_state_key *key,
		   const struct nfr_state *state)
{
	const struct env *env = arg;

	return !state_is_alive(key, state, env->now, env->config.hz);
}

NFR_INLINE void env_state_sweep(struct env *env, __u64 now, __u32 hz)
{
	if (env->has_swept && (__s64)(now - env->last_sweep) < (__s64)hz)
		return;
	env->has_swept = true;
	env->last_sweep = now;
	flows_sweep(env->flows, is_dead, env);
}

NFR_INLINE void count(struct nfr_count *count, __u32 len)
{
	count->packets++;
	count->bytes += len;
}

NFR_INLINE void env_count_reason(struct env *env, __u32 dir, __u32 reason,
				 __u32 len)
{
	count(&env->reasons[dir * NFR_REASON_COUNT + reason], len);
}

NFR_INLINE void env_count_rule(struct env *env, __u32 rule, __u32 len)
{
	if (rule < env->image->rule_count)
		count(&env->rule_counts[rule], len);
}

NFR_INLINE int env_trace_block(struct env *env)
{
	return env->trace_block;
}

NFR_INLINE struct nfr_event *env_event_new(struct env *env)
{
	if (!env->hook)
		return NULL;
	env->event.time_ns = env->now * (1000000000u / DATAPATH_HZ);
	return &env->event;
}

NFR_INLINE void env_event_send(struct env *env, struct nfr_event *event)
{
	env->hook(env->hook_arg, event);
}

#include "verdict.h"

/* ---- policies and devices ---------------------------------------------- */

int datapath_new(size_t state_max, struct datapath **out)
{
	struct datapath *dp;
	int ret;

	if (state_max == 0)
		return -EINVAL;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return -ENOMEM;
	ret = flows_new(state_max, &dp->env.flows);
	if (ret) {
		free(dp);
		return ret;
	}
	*out = dp;
	return 0;
}

static void env_drop_image(struct env *env)
{
	tableset_free(&env->tables);
	free(env->devices);
	free(env->rule_counts);
}

void datapath_free(struct datapath **dp)
{
	if (!*dp)
		return;
	env_drop_image(&(*dp)->env);
	flows_free(&(*dp)->env.flows);
	free(*dp);
	*dp = NULL;
}

static void device_bind(const struct image *image,
			const struct datapath_device *from, struct device *to)
{
	to->ifindex = from->ifindex;
	to->is_impostor = from->is_impostor;
	to->iface.link = (__u8)from->link;
	for (__u32 i = 0; i < image->iface_count; i++) {
		const struct image_iface *iface = &image->ifaces[i];

		if (strcmp(image_string(image, iface->name), from->name) != 0)
			continue;
		to->iface.ifid = (__u16)(i + 1);
		if (iface->flags & IMAGE_IFACE_TUNNEL)
			to->iface.flags = NFR_IFACE_TUNNEL;
	}
}

int datapath_switch(struct datapath *dp, const struct image *image,
		    const struct datapath_device *devices, size_t count_devices)
{
	struct env *env = &dp->env, next = *env;
	int ret = -ENOMEM;

	if (env->config.generation == UINT32_MAX)
		return -E2BIG;
	next.image = image;
	next.config = (struct nfr_config){
		.abi_version = NFR_ABI_VERSION,
		.generation = env->config.generation + 1,
		.hz = DATAPATH_HZ,
		.insn_count = image->insn_count,
		.rule_count = image->rule_count,
	};
	memcpy(next.config.entry, image->header->entry,
	       sizeof(next.config.entry));
	for (unsigned i = NFR_ENTRY(NFR_STAGE_GUARD, 0, 0); i < NFR_ENTRIES;
	     i++)
		next.config.has_guard |= next.config.entry[i] != NFR_NO_ENTRY;
	next.tables = NULL;
	next.device_count = count_devices;
	next.devices = calloc(count_devices + 1, sizeof(*next.devices));
	next.rule_counts = calloc((size_t)image->rule_count + 1,
				  sizeof(*next.rule_counts));
	if (next.devices && next.rule_counts)
		ret = tableset_new(image, &next.tables);
	if (ret) {
		env_drop_image(&next);
		return ret;
	}
	for (size_t i = 0; i < count_devices; i++)
		device_bind(image, &devices[i], &next.devices[i]);
	env_drop_image(env);
	*env = next;
	return 0;
}

/* ---- frames ------------------------------------------------------------ */

struct nfr_result datapath_judge(struct datapath *dp,
				 const struct datapath_frame *from,
				 struct nfr_key *key, struct nfr_event *event)
{
	struct env *env = &dp->env;
	struct verdict verdict = {.reserved = 0};
	struct packet_frame frame = {
		.start = from->bytes,
		.end = (const __u8 *)from->bytes + from->caplen,
		.len = (__u32)from->len,
		.ifindex = from->ifindex,
		.ingress = from->ingress,
		.dir = (__u8)from->dir,
	};

	assert(from->caplen <= from->len && from->len <= UINT32_MAX);
	env->now = from->now_ms;
	verdict_judge(env, &frame, &verdict);
	if (key)
		*key = verdict.packet.key;
	if (event) {
		event->time_ns = env->now * (1000000000u / DATAPATH_HZ);
		verdict_describe(env_config(env), &frame, &verdict, event);
	}
	return verdict.result;
}

void datapath_on_event(struct datapath *dp,
		       void (*hook)(void *arg, const struct nfr_event *),
		       void *arg)
{
	dp->env.hook = hook;
	dp->env.hook_arg = arg;
}

void datapath_trace_block(struct datapath *dp, bool on)
{
	dp->env.trace_block = on;
}

__u32 datapath_generation(const struct datapath *dp)
{
	return dp->env.config.generation;
}

struct nfr_count datapath_rule_count(const struct datapath *dp, __u32 rule)
{
	if (!dp->env.image || rule >= dp->env.image->rule_count)
		return (struct nfr_count){0, 0};
	return dp->env.rule_counts[rule];
}

struct nfr_count datapath_reason_count(const struct datapath *dp,
				       enum nfr_dir dir, enum nfr_reason reason)
{
	return dp->env.reasons[dir * NFR_REASON_COUNT + reason];
}

size_t datapath_state_count(const struct datapath *dp)
{
	return flows_count(dp->env.flows);
}

const struct nfr_state *datapath_state(struct datapath *dp,
				       const struct nfr_state_key *key)
{
	return flows_find(dp->env.flows, key);
}

static int is_any(void *arg, const struct nfr_state_key *key,
		  const struct nfr_state *state)
{
	(void)arg;
	(void)key;
	(void)state;
	return 1;
}

void datapath_forget_states(struct datapath *dp)
{
	flows_sweep(dp->env.flows, is_any, NULL);
}
