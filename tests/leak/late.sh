#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# late.sh: a library; what appears, is claimed or is rewritten where the guard may
# not look any more: a late uplink and its children, addresses of the tunnel's, queues.
# See vectors.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/beside.sh"

# ---- devices that appear -----------------------------------------------------

# What the child's namespace has routed has a route on the uplink, too.
try_late_macvlan() {
	world_second_uplink eth1
	lab_netns vm
	ip -n client link add link eth1 name mv0 type macvlan mode bridge
	ip -n client link set mv0 netns vm
	ip -n vm link set mv0 name eth0
	ip -n vm link set eth0 up
	lab_addr vm eth0 192.168.2.66/24 2001:db8:2::66/64
	ip -n vm route add default via 192.168.2.1
	ip -n vm -6 route add default via 2001:db8:2::1
	from_vm
}
has_gate() {
	on client nft list tables | grep -q nfr-gate
}
try_late_flushed() {
	on client nft flush ruleset
	[ "$leak_column" != watch ] || lab_until 5 "the gate" has_gate
	world_second_uplink eth1
	inject raw raw eth1 plain
	inject raw bypass eth1 plain
}
told_late_flushed() { grep -q 'new devices: not guarded'; }
# A frame of the tunnel's inside has a route, and so has its copy.
try_late_dup() {
	world_second_uplink eth1
	on client nft -f - <<-END || return
	table netdev careless {
		chain out {
			type filter hook egress device "wg0" priority 0
			dup to "eth1"
		}
	}
	END
	inside_pings
}
# The VPN is stopped, what is left of its guard blocks, and the uplink comes.
try_late_blocked() {
	"${leak_column}_stop"
	world_second_uplink eth1
	inject raw raw eth1 plain
	inject raw bypass eth1 plain
}
# A flow from inside goes on, on a device that has all of the tunnel's but its kind.
try_imp_flow() {
	local index
	index=$(on client cat /sys/class/net/wg0/ifindex)
	flood_start 7082 $lab_web4
	tunnel_delete
	world_second_uplink eth1
	ip -n router link set client1 master br0
	ip -n client link add link eth1 name wg0 index "$index" type macvlan \
		mode bridge
	impostor_routes wg0
	ip -n client addr add $tunnel4/32 dev wg0
	flood_more 200
	flood_stop
}

# ---- DNS ---------------------------------------------------------------------

# What else is there: DNS over HTTPS, a proxy. See try_dns_claimed().
try_resolver_claimed() {
	ip -n printer addr add 10.64.0.1/24 dev eth0
	ip -n client addr add 10.64.0.77/24 dev eth0
	ip -n client route replace $lab_tunnel_dns/32 dev eth0
	app nobody udp 443 $lab_tunnel_dns
	fetch nobody http://$lab_tunnel_dns:1080/ -o /dev/null
}
try_dns_large() { app nobody udp 53 $lab_router4 size=4000 dev=eth0; }

# ---- behind the edge ---------------------------------------------------------

# rewrites PARENT...: a filter there makes another packet of one that was judged.
rewrites() {
	local object=$lab_dir/redirect.o
	bpf_object "$object" || return
	on client tc filter add dev eth0 "$@" prio 9 handle 9 protocol all \
		bpf da obj "$object" sec rewrite || return
	app nobody udp 7084 $lab_printer4
}
try_queue_rewrites() {
	on client tc qdisc add dev eth0 root handle 1: htb
	rewrites parent 1:
}
try_clsact_behind() {
	on client tc qdisc add dev eth0 clsact 2>/dev/null
	rewrites egress
}
told_queue_rewrites() {
	grep -q 'eth0 out: 1 program(s) or filter(s) of others run after'
}
told_clsact_behind() { told_queue_rewrites; }

# ---- addresses ---------------------------------------------------------------

# The lease is the tunnel's own address.
try_lease_own() {
	dhcp_server --dhcp-range=$tunnel4,$tunnel4,255.255.255.0,120 \
		--dhcp-option=3,10.64.0.1
	ip -n router addr add 10.64.0.1/24 dev br0
	dhcp_lease -n -q
	dhcp_end
	app nobody udp 7085 $lab_printer4 $lab_web4 src=$tunnel4 dev=eth0
	app nobody udp 7085 10.64.0.1 src=$tunnel4 dev=eth0
	hostile neighbour br0 "$lab_client_mac" $tunnel4
	on router ping -q -c 2 -i 0.05 -W 0.3 $tunnel4 >/dev/null
	ip -n router addr del 10.64.0.1/24 dev br0
}
prep_box_masqueraded() { world_box; }
try_box_masqueraded() {
	on client nft -f - <<-END || return
	table inet careless {
		chain out {
			type nat hook postrouting priority 100
			oifname "eth0" masquerade
		}
	}
	END
	tunnel_delete
	from_box
}
# A program of a route's, behind POST_ROUTING, before the neighbour is asked.
try_route_rewrites() {
	local object=$lab_dir/redirect.o
	bpf_object "$object" || return
	world_second_uplink eth1
	ip -n client neigh add 192.168.2.77 lladdr "$lab_router_mac" dev eth1
	app nobody udp 7086 $lab_printer4 sport=7086
	ip -n client route add $lab_printer4/32 dev eth0 encap bpf xmit \
		obj "$object" section lwt_xmit || return
	ip -n client route add 192.168.1.21/32 via $lab_router4 encap bpf xmit \
		obj "$object" section lwt_xmit
	ip -n client route add 192.168.2.77/32 dev eth1 encap bpf xmit \
		obj "$object" section lwt_xmit
	app nobody udp 7086 $lab_printer4 192.168.1.21 192.168.2.77 sport=7086
}
