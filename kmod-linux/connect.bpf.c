/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * connect.bpf.c: a socket, and whom it is to be connected with -> go on, or
 * EPERM, where its packets would certainly be blocked; and a mark, by which
 * they are routed where they may go.
 *
 * Overview
 *   A SYN that a hook drops is sent again and again, and the program waits for
 *   minutes. So connect() asks what the packet hooks will be asked: rules and
 *   guard for TCP; for UDP the guard, and the rules where it can not be the
 *   answer in a flow that they passed (connect_datagrams). Device and source
 *   are not chosen yet, and these programs have no helper that looks up a
 *   route; what is more, the route may be another when the packet goes. So
 *   every device that is up is tried with its own addresses, then with those of
 *   all others; one way out that is left is enough to go on.
 *
 *   Where routing follows marks (runtime/steer.h), what may go outside by the
 *   device to which the routes outside lead is marked to go there, and what may
 *   not, but may go in the tunnel, is marked for that. Some never connect, so
 *   one that is made gets a mark by its owner.
 *
 * Invariants
 *   - Nothing is allowed here: who goes on is judged by packet. So all doubts
 *     go on: a policy that asks what a socket does not know
 *     (NFR_CONFIG_EARLY is not set), a translation, by us or by others at
 *     OUTPUT, too many devices.
 *   - What stays on this host is not asked about.
 *   - A mark of somebody else's stays, and whoever is bound to a device does.
 */
#define NFR_FLOOR /* which keeps nothing of a packet */
#define NFR_STEERS
#include "kmod-linux/maps.bpf.h"
#include "kmod-linux/env.bpf.h"
#include "kmod-linux/owner.bpf.h"
#include "kmod-linux/origin.bpf.h"
#include "kmod-linux/local.bpf.h"
#include "runtime/describe.h"
#include "runtime/table_key.h"
#include "runtime/vm.h"

#define CONNECT_REFUSE 0
#define CONNECT_GO_ON 1
#define CONNECT_DEPTH 8	     /* sockets a CPU that wait for each other */
#define CONNECT_DEVICES 1024 /* that are looked at */
#define CONNECT_ADDRESSES 64 /* the same, of all of them together */
#define CONNECT_IFIDS 64
#define CONNECT_NOWHERE CONNECT_IFIDS
#define CONNECT_EPHEMERAL 49152 /* a port that stands for those (RFC 6335) */
#define CONNECT_SYN 0x02
#define CONNECT_TTL 64

/* An address of this host, and the device that has it. */
struct connect_source {
	__u32 addr[4]; /* key words */
	__u32 ifindex;
	__u32 ifid; /* CONNECT_NOWHERE: nothing leaves by the device */
};

struct connect {
	__u32 is_claimed;
	__u32 index;	  /* of this one in the map */
	__u32 may_pass;	  /* a way out was found, or a doubt */
	__u32 has_source; /* the socket is bound to an address */
	__u32 device;	  /* the socket is bound to it; 0: to none */
	__u32 tunnel;	  /* that is up and trusted; 0: none */
	__u32 only;	  /* the device that is asked about; 0: any */
	__u32 not ;	  /* the device that is not; 0: none */
	__u32 asks_rules; /* and not the guard alone */
	__u32 ifindex;	  /* that is looked at, and its id */
	__u32 ifid;
	__u32 count;  /* of sources */
	__u32 rule;   /* that blocked it first */
	__u32 reason; /* the same */
	__u64 ifids;  /* bits 1 << ifid: of devices that are up */
	struct local_walk walk;
	struct packet packet;
	struct vm_run run;
	struct nfr_cgroup_key cgroup; /* that is looked up */
	struct nfr_table_key target;  /* the same */
	struct connect_source sources[CONNECT_ADDRESSES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONNECT_DEPTH);
	__type(key, __u32);
	__type(value, struct connect);
} nfr_connects SEC(".maps");

/* ---- the scratch --------------------------------------------------------- */

NFR_INLINE struct connect *connect_claim(void)
{
#pragma GCC unroll 8
	for (__u32 i = 0; i < CONNECT_DEPTH; i++) {
		__u32 index = i;
		struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);

		if (c && !__sync_val_compare_and_swap(&c->is_claimed, 0, 1)) {
			c->index = i;
			return c;
		}
	}
	return 0;
}

NFR_INLINE void connect_free(struct connect *c)
{
	__sync_lock_test_and_set(&c->is_claimed, 0);
}

/* ---- one way out --------------------------------------------------------- */

NFR_INLINE __u32 connect_entry(const struct nfr_config *config,
			       const struct connect *c, __u32 stage)
{
	__u32 index =
		NFR_ENTRY(stage, NFR_DIR_OUT, c->packet.key.w[NFR_F_FAMILY]);

	return index < NFR_ENTRIES ? config->entry[index] : NFR_NO_ENTRY;
}

/* A subprogram, so that the verifier looks at it once. */
__u32 connect_run(__u32 index, __u32 entry);
__attribute__((noinline)) __u32 connect_run(__u32 index, __u32 entry)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);
	struct env env = {0};

	if (!c)
		return NFR_NO_RULE;
	vm_begin(&c->run, entry, 0);
	return vm_go(&env, &c->packet.key, &c->run);
}

/* Who is the first to say no is told. */
NFR_INLINE int connect_blocked(struct connect *c, __u32 reason, __u32 rule)
{
	if (c->reason == NFR_REASON_NONE) {
		c->reason = reason;
		c->rule = rule;
	}
	return 0;
}

/* Do the rules pass it, or are they in doubt? */
NFR_INLINE int connect_rules(const struct nfr_config *config, struct connect *c,
			     int *is_translated)
{
	const struct nfr_rule *rule;
	__u32 number;

	c->packet.key.w[NFR_F_TAG] = 0;
	number = connect_run(c->index,
			     connect_entry(config, c, NFR_STAGE_RULES));
	if (c->run.paused != NFR_NO_RULE) {
		*is_translated = 1;
		return 1;
	}
	rule = env_rule(0, number);
	if (!rule || rule->verdict != NFR_PASS)
		return connect_blocked(c,
				       rule && rule->flags & NFR_RULE_DEFAULT
					       ? NFR_REASON_DEFAULT
					       : NFR_REASON_RULE,
				       number);
	*is_translated = rule->action != NFR_NO_ACTION;
	return 1;
}

NFR_INLINE int connect_guard(const struct nfr_config *config, struct connect *c)
{
	__u32 entry = connect_entry(config, c, NFR_STAGE_GUARD), number;
	const struct nfr_rule *rule;

	if (entry == NFR_NO_ENTRY)
		return 1;
	number = connect_run(c->index, entry);
	rule = env_rule(0, number);
	if (rule && rule->verdict == NFR_PASS)
		return 1;
	return connect_blocked(c, NFR_REASON_GUARD, number);
}

/* Could it leave by the interface, from the source that is in the key? */
__u32 connect_passes(__u32 index, __u32 ifid);
__attribute__((noinline)) __u32 connect_passes(__u32 index, __u32 ifid)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);
	const struct nfr_config *config = env_config(0);
	int is_translated = 0;

	if (!c || !config)
		return 1;
	c->packet.key.w[NFR_F_IFID] = ifid;
	if (c->asks_rules && !connect_rules(config, c, &is_translated))
		return 0;
	return is_translated || connect_guard(config, c);
}

/* ---- all ways out -------------------------------------------------------- */

/* As an edge knows it, or as the floor knows one without an edge. */
NFR_INLINE __u32 connect_ifid(__u32 ifindex)
{
	const struct nfr_iface *iface;

	if (!bpf_map_lookup_elem(&nfr_edges, &ifindex))
		return 0;
	iface = env_iface(0, ifindex);
	if (!iface ||
	    (iface->flags & NFR_IFACE_TUNNEL && !env_tunnel(0, ifindex)))
		return 0;
	return iface->ifid;
}

NFR_INLINE int connect_is_target(const struct connect *c, const __u32 *addr)
{
	const __u32 *w = &c->packet.key.w[NFR_F_DST0];

	return w[0] == addr[0] && w[1] == addr[1] && w[2] == addr[2] &&
	       w[3] == addr[3];
}

NFR_INLINE void connect_set_source(struct connect *c, const __u32 *addr)
{
	for (int i = 0; i < 4; i++)
		c->packet.key.w[NFR_F_SRC0 + i] = addr[i];
}

NFR_INLINE int connect_is_v6(const struct connect *c)
{
	return c->packet.key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV6;
}

static long connect_address(__u32 turn, __u32 *index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, index);
	struct connect_source *source;
	__u32 addr[4];

	(void)turn;
	if (!c || !local_address(&c->walk, connect_is_v6(c), addr))
		return 1;
	for (int i = 0; i < 4; i++)
		addr[i] = PACKET_SWAP32(addr[i]);
	if (connect_is_target(c, addr) || c->count >= CONNECT_ADDRESSES) {
		c->may_pass = 1;
		return 1;
	}
	source = &c->sources[c->count];
	for (int i = 0; i < 4; i++)
		source->addr[i] = addr[i];
	source->ifindex = c->ifindex;
	source->ifid = c->ifid;
	c->count++;
	return 0;
}

static long connect_device(__u32 turn, __u32 *index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, index);
	const struct net_device___local *device;
	__u32 ifindex, flags;

	if (!c)
		return 1;
	device = local_device(&c->walk);
	if (!device)
		return 1;
	if (turn + 1 >= CONNECT_DEVICES)
		c->may_pass = 1;
	ifindex = (__u32)BPF_CORE_READ(device, ifindex);
	flags = BPF_CORE_READ(device, flags);
	c->ifindex = ifindex;
	c->ifid = CONNECT_NOWHERE;
	if (c->device == ifindex && local_is_vrf(device))
		c->may_pass = 1;
	if (flags & LOCAL_UP && !(flags & LOCAL_LOOPBACK) &&
	    (!c->device || c->device == ifindex)) {
		c->ifid = connect_ifid(ifindex);
		if (c->ifid >= CONNECT_IFIDS)
			c->may_pass = 1;
		else
			c->ifids |= 1ull << c->ifid;
		if (env_tunnel(0, ifindex))
			c->tunnel = ifindex;
	}
	if (c->may_pass)
		return 1;
	local_addresses(&c->walk, device, connect_is_v6(c));
	bpf_loop(CONNECT_ADDRESSES + 1, connect_address, index, 0);
	return c->may_pass != 0;
}

/* By a device that has the address. */
static long connect_own(__u32 turn, __u32 *index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, index);
	const struct connect_source *source;

	if (!c || turn >= c->count || turn >= CONNECT_ADDRESSES)
		return 1;
	source = &c->sources[turn];
	if (source->ifid == CONNECT_NOWHERE || c->not == source->ifindex ||
	    (c->only && c->only != source->ifindex))
		return 0;
	if (!c->has_source)
		connect_set_source(c, source->addr);
	c->may_pass = connect_passes(*index, source->ifid);
	return c->may_pass != 0;
}

/* Any interface, and any address; turn counts through both. */
static long connect_pair(__u32 turn, __u32 *index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, index);
	__u32 ifid = turn / CONNECT_ADDRESSES, at = turn % CONNECT_ADDRESSES;

	if (!c)
		return 1;
	if (!(c->ifids >> ifid))
		return 1;
	if (!(c->ifids >> ifid & 1) || at >= c->count)
		return 0;
	if (!c->has_source)
		connect_set_source(
			c, c->sources[at & (CONNECT_ADDRESSES - 1)].addr);
	c->may_pass = connect_passes(*index, ifid);
	return c->may_pass != 0;
}

/* What this host has; nonzero: there is a doubt, or it is its own address. */
__u32 connect_look(__u32 index);
__attribute__((noinline)) __u32 connect_look(__u32 index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);

	if (!c)
		return 1;
	bpf_loop(CONNECT_DEVICES, connect_device, &index, 0);
	return c->may_pass;
}

/* May it leave by the device, with an address of it? */
__u32 connect_by(__u32 index, __u32 ifindex);
__attribute__((noinline)) __u32 connect_by(__u32 index, __u32 ifindex)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);

	if (!c)
		return 1;
	c->may_pass = 0;
	c->only = ifindex;
	bpf_loop(CONNECT_ADDRESSES, connect_own, &index, 0);
	return c->may_pass;
}

/* Nonzero: there is a way out, or a doubt. */
__u32 connect_search(__u32 index);
__attribute__((noinline)) __u32 connect_search(__u32 index)
{
	struct connect *c = bpf_map_lookup_elem(&nfr_connects, &index);

	if (!c)
		return 1;
	/* Without an address the kernel finds no route. */
	if (!c->count || connect_by(index, 0))
		return 1;
	if (c->has_source)
		c->count = 1;
	bpf_loop(CONNECT_IFIDS * CONNECT_ADDRESSES, connect_pair, &index, 0);
	return c->may_pass || local_translates(&c->walk, connect_is_v6(c));
}

/* ---- where to ------------------------------------------------------------ */

NFR_INLINE int connect_steers(void)
{
	__u32 zero = 0;
	const struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	return control && NFR_STEER_HAS(control, control->active);
}

/* On the link it stays there (RFC 3927, 4291 2.5.6); and to many. */
NFR_INLINE int connect_is_on_link(const struct connect *c)
{
	__u32 word = c->packet.key.w[NFR_F_DST0];

	if (connect_is_v6(c))
		return word >> 22 == 0xfe80 >> 6 || word >> 24 == 0xff;
	return word >> 16 == 0xa9fe || word >> 28 == 0xe || word == ~0u;
}

/* Where the routes outside lead, and NFR_OUTSIDE_OWN. */
NFR_INLINE __u32 connect_outside(struct connect *c)
{
	const __u32 *found;

	table_key(0, c->packet.key.w[NFR_F_FAMILY],
		  &c->packet.key.w[NFR_F_DST0], &c->target);
	found = bpf_map_lookup_elem(&nfr_outside, &c->target);
	return found ? *found : 0;
}

/* May it go there whoever asks, and not for being who he is? */
NFR_INLINE int connect_is_anybodys(struct connect *c, __u32 ifindex)
{
	__u32 *w = c->packet.key.w;
	__u32 uid = w[NFR_F_UID], gid = w[NFR_F_GID], cgroup = w[NFR_F_CGROUP];
	__u32 passes;

	owner_none(w);
	passes = connect_by(c->index, ifindex);
	w[NFR_F_UID] = uid;
	w[NFR_F_GID] = gid;
	w[NFR_F_CGROUP] = cgroup;
	return passes != 0;
}

/* May it leave by another device than the tunnel, from an address of that? */
NFR_INLINE int connect_by_others(struct connect *c)
{
	__u32 passes;

	c->not = c->tunnel;
	passes = connect_by(c->index, 0);
	c->not = 0;
	return passes != 0;
}

/*
 * NFR_MARK_*, or 0: as the routing table says. That has the last word of what
 * may go outside, where main leads nowhere outside (rules of somebody's may);
 * and of what is excluded by its address, where main has a route for just that
 * into the tunnel.
 */
NFR_INLINE __u32 connect_way(struct connect *c)
{
	__u32 found = connect_outside(c), way = 0;
	__u32 outside = found & ~NFR_OUTSIDE_OWN;

	c->asks_rules = 1;
	if (outside && connect_by(c->index, outside))
		way = found != outside && connect_is_anybodys(c, outside)
			      ? 0
			      : NFR_MARK_OUTSIDE;
	else if (!outside && connect_by_others(c))
		way = 0;
	else if (c->tunnel && connect_by(c->index, c->tunnel))
		way = NFR_MARK_INSIDE;
	c->reason = NFR_REASON_NONE;
	return way;
}

/* ---- one socket ---------------------------------------------------------- */

NFR_INLINE void connect_begin(struct connect *c)
{
	c->may_pass = c->has_source = c->device = c->count = 0;
	c->tunnel = c->not = 0;
	c->reason = NFR_REASON_NONE;
	c->rule = NFR_NO_RULE;
	c->ifids = 0;
	__builtin_memset(&c->packet, 0, sizeof(c->packet));
}

/* Who it is; nonzero: the kernel itself. */
NFR_INLINE int connect_owner(const struct nfr_config *config, struct connect *c,
			     struct bpf_sock *sk)
{
	const struct sock___owner *address = owner_address(sk);
	__u32 *w = c->packet.key.w;
	struct origin_socket from = {0};

	if (!owner_is_here(address))
		return 1;
	local_begin(&c->walk, address);
	owner_none(w);
	if (config->flags & NFR_CONFIG_OWNERS)
		owner_read(address, w, &c->cgroup);
	if (config->flags & NFR_CONFIG_ORIGIN) {
		origin_probe((const struct sock___origin *)address, &from);
		w[NFR_F_ORIGIN] = origin_of(0, &from, w, 0);
	}
	return 0;
}

NFR_INLINE void connect_ports(struct connect *c, struct bpf_sock_addr *ctx,
			      struct bpf_sock *sk)
{
	__u32 *w = c->packet.key.w;

	w[NFR_F_DIR] = NFR_DIR_OUT;
	w[NFR_F_TTL] = CONNECT_TTL;
	w[NFR_F_PROTO] = ctx->protocol;
	w[NFR_F_DPORT] = PACKET_SWAP16((__u16)ctx->user_port);
	w[NFR_F_SPORT] = sk->src_port ? sk->src_port : CONNECT_EPHEMERAL;
	w[NFR_F_MARK] = NFR_MARK_SEEN(sk->mark);
	if (ctx->protocol == PACKET_TCP)
		w[NFR_F_TCPFLAGS] = CONNECT_SYN;
	c->device = sk->bound_dev_if;
}

NFR_INLINE void connect_ipv4(struct connect *c, __u32 dst_be, __u32 src_be)
{
	__u32 *w = c->packet.key.w;

	w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV4;
	w[NFR_F_DST0] = PACKET_SWAP32(dst_be);
	w[NFR_F_SRC0] = PACKET_SWAP32(src_be);
	c->has_source = src_be != 0;
	/* This host: 0.0.0.0 is too. */
	if (!dst_be || w[NFR_F_DST0] >> 24 == 127)
		c->may_pass = 1;
}

NFR_INLINE void connect_ipv6(struct connect *c, const __u32 *dst_be,
			     const __u32 *src_be)
{
	__u32 *w = c->packet.key.w;

	w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
	w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV6;
	for (int i = 0; i < 4; i++) {
		w[NFR_F_DST0 + i] = PACKET_SWAP32(dst_be[i]);
		w[NFR_F_SRC0 + i] = PACKET_SWAP32(src_be[i]);
		c->has_source |= src_be[i] != 0;
	}
	if (!dst_be[0] && !dst_be[1] && !dst_be[2] &&
	    w[NFR_F_DST0 + 3] <= 1) /* ::, ::1 */
		c->may_pass = 1;
}

/* ::ffff:a.b.c.d (RFC 4291 2.5.5.2) */
NFR_INLINE int connect_is_mapped(const __u32 *addr_be)
{
	return !addr_be[0] && !addr_be[1] &&
	       addr_be[2] == PACKET_SWAP32(0xffffu);
}

NFR_INLINE void connect_event(const struct nfr_config *config,
			      const struct connect *c)
{
	struct nfr_event *event = env_event_new(0);

	if (!event)
		return;
	event->ifindex = 0;
	event->generation = config->generation;
	event->rule = c->rule;
	event->length = 0;
	event->verdict = NFR_BLOCK;
	event->reason = NFR_REASON_CONNECT;
	event->dir = NFR_DIR_OUT;
	describe_packet(&c->packet, event);
	for (int i = 0; i < 4; i++)
		event->src[i] = 0; /* the last that was tried */
	env_event_send(0, event);
}

NFR_INLINE void connect_account(const struct nfr_config *config,
				const struct connect *c)
{
	const struct nfr_rule *rule = env_rule(0, c->rule);

	maps_count_reason(NFR_DIR_OUT, NFR_REASON_CONNECT, 0);
	if (rule)
		env_count_rule(0, c->rule, 0);
	if ((rule && rule->flags & NFR_RULE_LOG) || env_trace_block(0))
		connect_event(config, c);
}

/* A configuration to ask, and a socket that it is about; or NULL. */
NFR_INLINE const struct nfr_config *connect_config(struct bpf_sock_addr *ctx)
{
	const struct nfr_config *config = env_config(0);

	if (!config || config->abi_version != NFR_ABI_VERSION ||
	    !(config->flags & NFR_CONFIG_EARLY))
		return 0;
	return ctx->protocol == PACKET_TCP || ctx->protocol == PACKET_UDP
		       ? config
		       : 0;
}

#define CONNECT_SOCKET 1 /* SOL_SOCKET */
#define CONNECT_MARK 36	 /* SO_MARK */
#define CONNECT_STREAM 1 /* SOCK_STREAM */

/* Whose mark is his own is routed by it. */
NFR_INLINE int connect_is_steered(const struct nfr_config *config,
				  const struct connect *c,
				  const struct bpf_sock *sk)
{
	return config->has_guard && connect_steers() && !c->device &&
	       !NFR_MARK_SEEN(sk->mark) && !connect_is_on_link(c);
}

/*
 * May datagrams go, by the rules too, or is there a doubt? A socket that has no
 * port yet answers nobody. But which address to use by TCP is asked by UDP's
 * connect() (RFC 6724, in getaddrinfo()), which sends nothing and must not be
 * refused where TCP would not.
 */
NFR_INLINE int connect_datagrams(struct connect *c, const struct bpf_sock *sk)
{
	__u32 *w = c->packet.key.w;
	int passes;

	if (sk->src_port || !w[NFR_F_DPORT])
		return 1;
	c->asks_rules = 1;
	c->reason = NFR_REASON_NONE;
	if (connect_search(c->index))
		return 1;
	w[NFR_F_PROTO] = PACKET_TCP;
	w[NFR_F_TCPFLAGS] = CONNECT_SYN;
	passes = connect_search(c->index) != 0;
	w[NFR_F_PROTO] = PACKET_UDP;
	w[NFR_F_TCPFLAGS] = 0;
	return passes;
}

NFR_INLINE int connect_decide(const struct nfr_config *config,
			      struct connect *c, struct bpf_sock_addr *ctx,
			      struct bpf_sock *sk)
{
	int goes_on = c->may_pass || connect_owner(config, c, sk) ||
		      connect_look(c->index);
	__u32 mark = 0;

	if (!goes_on && connect_is_steered(config, c, sk)) {
		mark = connect_way(c);
		goes_on = mark != 0;
		if (mark != sk->mark)
			bpf_setsockopt(ctx, CONNECT_SOCKET, CONNECT_MARK, &mark,
				       sizeof(mark));
	}
	c->asks_rules = c->packet.key.w[NFR_F_PROTO] == PACKET_TCP;
	if (!goes_on)
		goes_on = connect_search(c->index) &&
			  (c->asks_rules || connect_datagrams(c, sk));
	if (!goes_on)
		connect_account(config, c);
	connect_free(c);
	return goes_on ? CONNECT_GO_ON : CONNECT_REFUSE;
}

SEC("cgroup/connect4")
int nfr_connect4(struct bpf_sock_addr *ctx)
{
	const struct nfr_config *config = connect_config(ctx);
	struct bpf_sock *sk = ctx->sk;
	struct connect *c;

	if (!config || !sk)
		return CONNECT_GO_ON;
	c = connect_claim();
	if (!c)
		return CONNECT_GO_ON;
	connect_begin(c);
	connect_ports(c, ctx, sk);
	connect_ipv4(c, ctx->user_ip4, sk->src_ip4);
	return connect_decide(config, c, ctx, sk);
}

SEC("cgroup/connect6")
int nfr_connect6(struct bpf_sock_addr *ctx)
{
	const struct nfr_config *config = connect_config(ctx);
	__u32 dst_be[4], src_be[4];
	struct bpf_sock *sk = ctx->sk;
	struct connect *c;

	if (!config || !sk)
		return CONNECT_GO_ON;
	c = connect_claim();
	if (!c)
		return CONNECT_GO_ON;
	connect_begin(c);
	connect_ports(c, ctx, sk);
	dst_be[0] = ctx->user_ip6[0];
	dst_be[1] = ctx->user_ip6[1];
	dst_be[2] = ctx->user_ip6[2];
	dst_be[3] = ctx->user_ip6[3];
	src_be[0] = sk->src_ip6[0];
	src_be[1] = sk->src_ip6[1];
	src_be[2] = sk->src_ip6[2];
	src_be[3] = sk->src_ip6[3];
	if (connect_is_mapped(dst_be))
		connect_ipv4(c, dst_be[3],
			     connect_is_mapped(src_be) ? src_be[3] : 0);
	else
		connect_ipv6(c, dst_be, src_be);
	return connect_decide(config, c, ctx, sk);
}

/* ---- a socket that is made ----------------------------------------------- */

struct fsid___connect {
	__u32 val;
} OWNER_KERNEL;
struct cred___connect {
	struct fsid___connect fsgid;
} OWNER_KERNEL;
struct task_struct___connect {
	const struct cred___connect *cred;
} OWNER_KERNEL;

/* The socket has no file yet, so its group is who makes it. */
NFR_INLINE void connect_maker(struct connect *c, const void *sk)
{
	const struct task_struct___connect *task =
		(const void *)bpf_get_current_task();
	__u32 *w = c->packet.key.w;

	owner_none(w);
	owner_read(sk, w, &c->cgroup);
	w[NFR_F_GID] = BPF_CORE_READ(task, cred, fsgid.val);
}

/*
 * To whom nobody sends: 192.0.0.8 (RFC 7600) and 100:: (RFC 6666). What the
 * guard says of it, it says of most.
 */
NFR_INLINE void connect_nowhere(struct connect *c, struct bpf_sock *ctx)
{
	__u32 *w = c->packet.key.w;

	w[NFR_F_DIR] = NFR_DIR_OUT;
	w[NFR_F_TTL] = CONNECT_TTL;
	w[NFR_F_PROTO] = ctx->protocol;
	w[NFR_F_SPORT] = CONNECT_EPHEMERAL;
	w[NFR_F_DPORT] = CONNECT_EPHEMERAL;
	w[NFR_F_ORIGIN] = NFR_ORIGIN_OWN | NFR_ORIGIN_NEEDED |
			  (ctx->type == ORIGIN_RAW ? 0 : NFR_ORIGIN_SOCKET);
	if (ctx->family == OWNER_INET) {
		w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
		w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV4;
		w[NFR_F_DST0] = 0xc0000008;
	} else {
		w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
		w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV6;
		w[NFR_F_DST0] = 0x01000000;
	}
}

/*
 * Outside is who may go there; inside who may not, where others may. Who is not
 * named where all go inside may be the tunnel's daemon, or mean what is
 * excluded by its address: the routing table says. So it does for what listens
 * and is not named: it answers where it was asked.
 */
NFR_INLINE __u32 connect_owned(struct connect *c, const void *sk, __u32 listens)
{
	__u32 outside = connect_outside(c) & ~NFR_OUTSIDE_OWN;
	int others;

	if (!outside || connect_look(c->index))
		return 0;
	c->asks_rules = 0;
	owner_none(c->packet.key.w);
	others = connect_by(c->index, outside) != 0;
	connect_maker(c, sk);
	if (connect_by(c->index, outside))
		return listens && others ? 0 : NFR_MARK_OWNED;
	return others && c->tunnel && connect_by(c->index, c->tunnel)
		       ? NFR_MARK_INSIDE
		       : 0;
}

SEC("cgroup/sock_create")
int nfr_sock(struct bpf_sock *ctx)
{
	const struct nfr_config *config = env_config(0);
	struct connect *c;

	if (!config || config->abi_version != NFR_ABI_VERSION ||
	    !(config->flags & NFR_CONFIG_EARLY) ||
	    !(config->flags & NFR_CONFIG_GUARD_OWNERS) || ctx->mark ||
	    !connect_steers() || !owner_is_here((const void *)ctx))
		return CONNECT_GO_ON;
	c = connect_claim();
	if (!c)
		return CONNECT_GO_ON;
	connect_begin(c);
	local_begin(&c->walk, ctx);
	connect_nowhere(c, ctx);
	ctx->mark = connect_owned(c, ctx, ctx->type == CONNECT_STREAM);
	connect_free(c);
	return CONNECT_GO_ON;
}

char _license[] SEC("license") = "Dual BSD/GPL";
