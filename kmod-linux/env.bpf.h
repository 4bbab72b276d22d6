/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * env.bpf.h: what the datapath asks of its environment, answered by BPF maps
 * and helpers. datapath_user.c is the same for user space.
 */
#ifndef NFR_ENV_BPF_H
#define NFR_ENV_BPF_H

#include "kmod-linux/maps.bpf.h"
#include "kmod-linux/marks.h"
#include "kmod-linux/table.bpf.h"
#include "runtime/scratch.h"
#include "runtime/state.h"

#include <bpf/bpf_core_read.h>
#include <linux/errno.h>

/* Maps are global; what is left is the hook's packet. */
struct env {
	struct __sk_buff *skb; /* NULL in XDP, where frames are linear */
	struct xdp_md *xdp;    /* NULL in tc; both are in subprograms */
	const char *hash;      /* the value of nfr_hash, once it is open ... */
	__u64 hash_mask;       /* ... and of its mask */
	const struct flows_who *swept; /* the flow that a sweep looks at ... */
	__u32 place;		       /* ... and where it is */
};

/*
 * Leaves the loop when the kernel's own count of turns ends: the may_goto
 * instruction (Linux 6.9), which clang 14 has no mnemonic for.
 */
#define VM_BREAK                                                               \
	({                                                                     \
		__label__ l_break, l_continue;                                 \
		asm volatile goto("1:.byte 0xe5; .byte 0; "                    \
				  ".long ((%l[l_break] - 1b - 8) / 8) & "      \
				  "0xffff; .short 0" ::                        \
					  :                                    \
				  : l_break);                                  \
		goto l_continue;                                               \
	l_break:                                                               \
		break;                                                         \
	l_continue:;                                                           \
	})

/* Linux 6.2: plain loads in place of helper calls. */
extern void *bpf_cast_to_kern_ctx(void *) __ksym __weak;

#ifndef NFR_FLOOR
/* When the last sweep of the states, and of counted, began, in jiffies. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} nfr_sweep SEC(".maps");
#endif

NFR_INLINE const struct nfr_config *env_config(struct env *env)
{
	__u32 zero = 0;

	(void)env;
	return bpf_map_lookup_elem(&nfr_config, &zero);
}

NFR_INLINE const struct nfr_iface *env_iface(struct env *env, __u32 ifindex)
{
	const struct nfr_iface *near = bpf_map_lookup_elem(&nfr_near, &ifindex);

	(void)env;
	if (near && near->link != NFR_LINK_UNKNOWN)
		return near;
	return bpf_map_lookup_elem(&nfr_ifaces, &ifindex);
}

NFR_INLINE int env_tunnel(struct env *env, __u32 ifindex)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_tunnels, &ifindex) != 0;
}

NFR_INLINE const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_code, &pc);
}

#if !defined(NFR_FLOOR) || defined(NFR_BENCH)
/* One less than a power of two; set by the loader to what nfr_hash can hold. */
const volatile __u32 nfr_hash_mask SEC(".rodata.hash") = 127;

NFR_INLINE int env_hash_open(struct env *env)
{
	__u32 zero = 0;

	env->hash = bpf_map_lookup_elem(&nfr_hash, &zero);
	env->hash_mask = nfr_hash_mask;
	return !env->hash;
}

NFR_INLINE const void *env_hash(struct env *env, __u32 at)
{
	__u64 off = at;

	off &= env->hash_mask;
	PACKET_OPAQUE(off);
	return env->hash + off;
}
#endif

NFR_INLINE const struct nfr_rule *env_rule(struct env *env, __u32 rule)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_rules, &rule);
}

/* Where the last read in nfr_tables may begin; set by the loader. */
const volatile __u32 nfr_tables_last SEC(".rodata.tables") = 64;

/* Verified once, for all who ask. */
__attribute__((noinline)) __u32 env_table_value(__u64 upper, __u64 lower,
						__u32 table, __u32 family)
{
	return table_value(&nfr_tables, &nfr_added, nfr_tables_last,
			   table_address(upper, lower, table, family));
}

NFR_INLINE int env_table_has(struct env *env, __u32 table, __u32 family,
			     const __u32 *addr)
{
	__u32 value = env_table_value(TABLE_UPPER(addr), TABLE_LOWER(addr),
				      table, family);

	(void)env;
	return value == TABLE_DOUBT ? -1 : (int)(value & NFR_TABLE_MEMBER);
}

NFR_INLINE __u32 env_random(struct env *env)
{
	(void)env;
	return bpf_get_prandom_u32();
}

#ifndef NFR_FLOOR

NFR_INLINE const struct nfr_action *env_action(struct env *env, __u32 action)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_actions, &action);
}

/* The address becomes a member. Nonzero when that can not be. */
NFR_INLINE int env_table_add(struct env *env, const struct nfr_table_address *a)
{
	__u32 member = NFR_TABLE_MEMBER;

	(void)env;
	return bpf_map_update_elem(&nfr_added, a, &member, BPF_ANY) != 0;
}

NFR_INLINE void env_epoch_next(struct env *env)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	if (control)
		__sync_fetch_and_add(&control->epoch, 1);
}

/* len bytes at off of the frame, readable here or not. 0, or not there. */
NFR_INLINE int env_load(struct env *env, const struct packet_frame *frame,
			__u32 off, void *to, __u32 len)
{
	(void)frame;
	if (env->skb)
		return bpf_skb_load_bytes(env->skb, off, to, len) != 0;
	return !env->xdp || bpf_xdp_load_bytes(env->xdp, off, to, len) != 0;
}

/* Of the kernel's own packet; CO-RE finds the places. */
struct sk_buff {
	__u16 csum_start, csum_offset, mac_header;
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));
#define ENV_CHECKSUM_PARTIAL 3

NFR_INLINE __u32 env_checksum_from(__u32 from, __u32 at)
{
	return at < from ? 0 : at - from;
}

/* Where a checksum will be written after us, from the start of the frame. */
NFR_INLINE __u32 env_checksum(struct env *env)
{
	const struct sk_buff *skb = (const void *)env->skb;

	if (!skb)
		return 0xffffffffu;
	if (bpf_cast_to_kern_ctx) {
		skb = bpf_cast_to_kern_ctx(env->skb);
		if (BPF_CORE_READ_BITFIELD(skb, ip_summed) !=
		    ENV_CHECKSUM_PARTIAL)
			return 0xffffffffu;
		return env_checksum_from(skb->mac_header,
					 (__u32)skb->csum_start +
						 skb->csum_offset);
	}
	if (BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed) !=
	    ENV_CHECKSUM_PARTIAL)
		return 0xffffffffu;
	return env_checksum_from(BPF_CORE_READ(skb, mac_header),
				 (__u32)BPF_CORE_READ(skb, csum_start) +
					 BPF_CORE_READ(skb, csum_offset));
}

/* The EtherType as which the packet will be cut after us; 0: it will not. */
NFR_INLINE __u32 env_segments(struct env *env)
{
	struct __sk_buff *skb = env->skb;

	return skb && skb->gso_size ? PACKET_SWAP16((__u16)skb->protocol) : 0;
}

NFR_INLINE __u64 env_now(struct env *env)
{
	(void)env;
	return bpf_jiffies64();
}

/* XDP comes before there is a mark. */
NFR_INLINE __u32 env_mark(struct env *env)
{
	return env->skb ? NFR_MARK_SEEN(env->skb->mark) : 0;
}

/* Of datapath.bpf.c: subprograms. */
int datapath_owner(struct __sk_buff *skb);
int datapath_owner_xdp(struct xdp_md *xdp);

NFR_INLINE void env_owner(struct env *env, struct verdict *v)
{
	(void)v;
	if (env->skb)
		datapath_owner(env->skb);
	else if (env->xdp)
		datapath_owner_xdp(env->xdp);
}

/* Of datapath.bpf.c: a subprogram. */
int datapath_origin(struct __sk_buff *skb);

/* NFR_ORIGIN_* of what goes out. */
NFR_INLINE void env_origin(struct env *env, struct verdict *v)
{
	(void)v;
	if (env->skb)
		datapath_origin(env->skb);
}

/* ---- maps that outlive generations ------------------------------------- */

/* Which flow has a place, so that nobody ends another by it; a tag of 0: none.
 */
struct flows_who {
	__u64 created;
	__u32 tag;
};

/* Of flows.bpf.h. */
NFR_INLINE struct flows_who flows_who(__u32 place);
NFR_INLINE struct nfr_flow *flows_flow(__u32 place);
NFR_INLINE struct nfr_state *flows_state(__u32 place);
NFR_INLINE struct nfr_state *flows_near(const struct nfr_state_key *name,
					__u32 *tag);
NFR_INLINE int flows_delete(__u32 place, const struct flows_who *who);
NFR_INLINE int flows_delete_name(const struct nfr_state_key *name);
NFR_INLINE __u32 flows_hash_of(const struct nfr_state_key *name);
__u32 flows_find(const struct nfr_state_key *name);
int flows_insert(const struct nfr_state_key *name,
		 const struct nfr_state *state);

NFR_INLINE struct nfr_state *env_state_find(struct env *env,
					    const struct nfr_state_key *key)
{
	(void)env;
	return flows_state(flows_find(key));
}

/* The same, of a flow that is likely there. */
NFR_INLINE struct nfr_state *env_state_near(struct env *env,
					    const struct nfr_state_key *key)
{
	__u32 tag;
	struct nfr_state *state = flows_near(key, &tag);

	return state ? state : env_state_find(env, key);
}

/* Never 0; of two flows hardly ever the same. */
NFR_INLINE __u32 env_flow(struct env *env, const struct nfr_state_key *name)
{
	(void)env;
	return flows_hash_of(name);
}

NFR_INLINE enum state_insert env_state_insert(struct env *env,
					      const struct nfr_state_key *key,
					      const struct nfr_state *state)
{
	(void)env;
	return (enum state_insert)flows_insert(key, state);
}

/* 0 when it was there. */
NFR_INLINE int env_state_delete(struct env *env,
				const struct nfr_state_key *key)
{
	return env->swept ? flows_delete(env->place, env->swept)
			  : flows_delete_name(key);
}

NFR_INLINE __s32 env_states(struct env *env)
{
	__u32 zero = 0;
	const struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	return control ? (__s32)control->states : 0;
}

NFR_INLINE void env_states_add(struct env *env, __s32 n)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	if (control)
		__sync_fetch_and_add(&control->states, (__u32)n);
}

NFR_INLINE __u32 env_epoch(struct env *env)
{
	__u32 zero = 0;
	const struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	return control ? *(const volatile __u32 *)&control->epoch : 0;
}

NFR_INLINE __u32 env_kinds(struct env *env)
{
	__u32 zero = 0;
	const struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	return control ? *(const volatile __u32 *)&control->kinds : 0;
}

NFR_INLINE void env_kinds_add(struct env *env, __u32 kinds)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	if (control && (control->kinds & kinds) != kinds)
		__sync_fetch_and_or(&control->kinds, kinds);
}

NFR_INLINE const struct nfr_state_key *
env_alias_find(struct env *env, const struct nfr_state_key *alias)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_aliases, alias);
}

NFR_INLINE enum state_insert env_alias_insert(struct env *env,
					      const struct nfr_state_key *alias,
					      const struct nfr_state_key *name)
{
	long ret = bpf_map_update_elem(&nfr_aliases, alias, name, BPF_NOEXIST);

	(void)env;
	if (ret == 0)
		return STATE_INSERTED;
	return ret == -EEXIST ? STATE_EXISTS : STATE_FULL;
}

NFR_INLINE void env_alias_delete(struct env *env,
				 const struct nfr_state_key *alias)
{
	(void)env;
	bpf_map_delete_elem(&nfr_aliases, alias);
}

NFR_INLINE struct nfr_fragment *
env_fragment_find(struct env *env, const struct nfr_fragment_key *key)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_fragments, key);
}

/* Replaces one that is there; the oldest gives way. Nonzero: it is not kept. */
NFR_INLINE int env_fragment_put(struct env *env,
				const struct nfr_fragment_key *key,
				const struct nfr_fragment *fragment)
{
	(void)env;
	return bpf_map_update_elem(&nfr_fragments, key, fragment, BPF_ANY) != 0;
}

NFR_INLINE void env_fragment_delete(struct env *env,
				    const struct nfr_fragment_key *key)
{
	(void)env;
	bpf_map_delete_elem(&nfr_fragments, key);
}

NFR_INLINE struct nfr_source *env_counted_find(struct env *env,
					       const struct nfr_source_key *key)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_counted, key);
}

NFR_INLINE enum state_insert
env_counted_insert(struct env *env, const struct nfr_source_key *key,
		   const struct nfr_source *source)
{
	long ret = bpf_map_update_elem(&nfr_counted, key, source, BPF_NOEXIST);

	(void)env;
	if (ret == 0)
		return STATE_INSERTED;
	return ret == -EEXIST ? STATE_EXISTS : STATE_FULL;
}

NFR_INLINE void env_counted_delete(struct env *env,
				   const struct nfr_source_key *key)
{
	(void)env;
	bpf_map_delete_elem(&nfr_counted, key);
}

struct env_sweeper {
	__u64 now;
};

/* Of forget.h and limit.h, which ask this environment. */
NFR_INLINE int state_forget_with(struct env *env,
				 const struct nfr_state_key *name,
				 const struct nfr_state *state,
				 struct forgotten *old);
NFR_INLINE int state_is_over(struct env *env, const struct nfr_state_key *name,
			     const struct nfr_state *state, __u64 now);
NFR_INLINE int limit_is_idle(struct nfr_source *entry, __u64 now,
			     const struct nfr_config *config);

/* Of datapath.bpf.c. */
NFR_INLINE struct verdict *datapath_scratch(void);

static long env_sweep_one(__u32 place, struct env_sweeper *sweeper)
{
	/* First: it may go, and another one come, while it is looked at. */
	struct flows_who who = flows_who(place);
	struct env env = {.swept = &who, .place = place};
	struct nfr_flow *flow;
	struct verdict *v;

	if (!who.tag)
		return 0;
	flow = flows_flow(place);
	if (!flow ||
	    !state_is_over(&env, &flow->name, &flow->state, sweeper->now))
		return 0;
	v = datapath_scratch();
	if (v)
		state_forget_with(&env, &flow->name, &flow->state,
				  &v->forgotten);
	return 0;
}

/* Once a second at most, whoever asks? */
NFR_INLINE int env_may_sweep(__u32 which, __u64 now, __u32 hz)
{
	__u64 *last = bpf_map_lookup_elem(&nfr_sweep, &which);
	__u64 seen;

	if (!last)
		return 0;
	seen = *(volatile __u64 *)last;
	return (__s64)(now - seen) >= (__s64)hz &&
	       __sync_val_compare_and_swap(last, seen, now) == seen;
}

static long env_idle_one(void *map, struct nfr_source_key *key,
			 struct nfr_source *entry, struct env_sweeper *sweeper)
{
	struct env env = {0};
	const struct nfr_config *config = env_config(&env);

	if (config && limit_is_idle(entry, sweeper->now, config))
		bpf_map_delete_elem(map, key);
	return 0;
}

NFR_INLINE void env_counted_sweep(struct env *env)
{
	const struct nfr_config *config = env_config(env);
	struct env_sweeper sweeper = {.now = bpf_jiffies64()};

	if (config && env_may_sweep(1, sweeper.now, config->hz))
		bpf_for_each_map_elem(&nfr_counted, env_idle_one, &sweeper, 0);
}

/* Forgets expired states, at most once a second whoever asks. */
NFR_INLINE void env_state_sweep(struct env *env, __u64 now, __u32 hz)
{
	struct env_sweeper sweeper = {.now = now};

	(void)env;
	if (env_may_sweep(0, now, hz))
		bpf_loop(NFR_PLACES, env_sweep_one, &sweeper, 0);
}

/* ---- translation -------------------------------------------------------- */

NFR_INLINE const struct nfr_pool *env_pool(struct env *env, __u32 pool)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_pools, &pool);
}

NFR_INLINE const struct nfr_pool_addr *env_pool_addr(struct env *env, __u32 at)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_pool_addrs, &at);
}

struct env_search {
	__u32 first;
	struct pool_choice chosen;
	__u32 is_found;
};

static long env_search_one(__u32 at, void *arg)
{
	struct env_search *search = arg;
	__u32 index = search->first + at;
	const struct nfr_pool_addr *entry =
		bpf_map_lookup_elem(&nfr_pool_addrs, &index);

	search->is_found = entry && pool_entry_gives(entry, &search->chosen);
	return search->is_found;
}

/* Is it of one of the pool's entries? */
NFR_INLINE int env_pool_has(struct env *env, const struct nfr_pool *pool,
			    const struct pool_choice *chosen)
{
	struct env_search search = {.first = pool->first, .chosen = *chosen};

	(void)env;
	bpf_loop(pool->count, env_search_one, &search, 0);
	return search.is_found != 0;
}

/* 0, 1, 2, ... of each pool; survives policies. */
NFR_INLINE __u32 env_pool_turn(struct env *env, __u64 id)
{
	const __u32 none = 0;
	__u32 *turn = bpf_map_lookup_elem(&nfr_pool_next, &id);

	(void)env;
	if (!turn) {
		bpf_map_update_elem(&nfr_pool_next, &id, &none, BPF_NOEXIST);
		turn = bpf_map_lookup_elem(&nfr_pool_next, &id);
	}
	return turn ? __sync_fetch_and_add(turn, 1) : 0;
}

NFR_INLINE const struct pool_sticky *
env_sticky_find(struct env *env, const struct pool_sticky_key *key)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_sticky, key);
}

NFR_INLINE void env_sticky_put(struct env *env,
			       const struct pool_sticky_key *key,
			       const struct pool_sticky *sticky)
{
	(void)env;
	bpf_map_update_elem(&nfr_sticky, key, sticky, BPF_ANY);
}

/* The packet's mark: see marks.h. */
NFR_INLINE __u32 env_marks(const struct __sk_buff *skb)
{
	__u32 index = skb ? skb->tc_index : 0;

	return (index & ENV_MARK_MASK) == ENV_MARK ? index & ~ENV_MARK_MASK : 0;
}

NFR_INLINE __u32 env_hops(struct env *env)
{
	return env_marks(env->skb) & ENV_HOPS;
}

/* Was it judged and rewritten on this device, and sent to it again? */
NFR_INLINE int env_was_here(struct env *env)
{
	return (env_marks(env->skb) & ENV_WAS_HERE) != 0;
}

/* One hop more, with these bits. */
NFR_INLINE void env_mark_hop(struct __sk_buff *skb, __u32 bits)
{
	__u32 hops = env_marks(skb) & ENV_HOPS;

	if (hops < ENV_HOPS)
		hops++;
	skb->tc_index = (__u16)(ENV_MARK | hops | bits);
}

/* Of datapath.bpf.c: subprograms. */
int datapath_rewrite(struct __sk_buff *skb);
int datapath_apply(struct __sk_buff *skb, __u32 kind);
int datapath_has_address(struct __sk_buff *skb, __u32 ifindex);

/* Has the device v->translation.chosen.addr now? */
NFR_INLINE int env_has_address(struct env *env, const struct verdict *v,
			       __u32 ifindex)
{
	(void)v;
	return env->skb && datapath_has_address(env->skb, ifindex);
}

NFR_INLINE int env_apply(struct env *env, struct packet_frame *frame,
			 struct verdict *v, __u32 kind)
{
	(void)frame;
	if (env->skb)
		return datapath_apply(env->skb, kind);
	v->result.reason = NFR_REASON_REWRITE;
	return 1;
}

NFR_INLINE __u8 env_rewrite(struct env *env, const struct packet_frame *frame,
			    struct verdict *v)
{
	(void)frame;
	(void)v;
	return env->skb ? (__u8)datapath_rewrite(env->skb) : NFR_REASON_REWRITE;
}

#endif

/* ---- counters and events ------------------------------------------------ */

NFR_INLINE void env_count_reason(struct env *env, __u32 dir, __u32 reason,
				 __u32 len)
{
	(void)env;
	maps_count_reason(dir, reason, len);
}

NFR_INLINE void env_count_rule(struct env *env, __u32 rule, __u32 len)
{
	struct nfr_count *count = bpf_map_lookup_elem(&nfr_rule_counts, &rule);

	(void)env;
	if (count) {
		count->packets++;
		count->bytes += len;
	}
}

NFR_INLINE const struct nfr_rule_tables *env_rule_tables(struct env *env,
							 __u32 rule)
{
	(void)env;
	return bpf_map_lookup_elem(&nfr_rule_tables, &rule);
}

NFR_INLINE void env_count_entry(struct env *env, __u32 table, __u32 family,
				const __u32 *addr, __u32 cell, __u32 len)
{
	__u32 value = env_table_value(TABLE_UPPER(addr), TABLE_LOWER(addr),
				      table, family);
	__u32 index = NFR_TABLE_SLOT(value);
	struct nfr_count *count;

	(void)env;
	if (value == TABLE_DOUBT || !index)
		return;
	index = NFR_TABLE_COUNT(index, 0, 0) + cell;
	count = bpf_map_lookup_elem(&nfr_table_cnts, &index);
	if (count) {
		count->packets++;
		count->bytes += len;
	}
}

NFR_INLINE int env_trace_block(struct env *env)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	(void)env;
	return control && control->trace_block;
}

NFR_INLINE struct nfr_event *env_event_new(struct env *env)
{
	struct nfr_event *event =
		bpf_ringbuf_reserve(&nfr_events, sizeof(*event), 0);
	__u32 zero = 0;
	struct nfr_control *control;

	(void)env;
	if (event) {
		event->time_ns = bpf_ktime_get_ns();
		return event;
	}
	control = bpf_map_lookup_elem(&nfr_control, &zero);
	if (control)
		__sync_fetch_and_add(&control->events_lost, 1);
	return 0;
}

NFR_INLINE void env_event_send(struct env *env, struct nfr_event *event)
{
	(void)env;
	bpf_ringbuf_submit(event, 0);
}

#endif
