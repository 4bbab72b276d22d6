#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# disrupt.sh: a library; the vectors in which the network, the machine or another
# tool changes something, and then an application tries. See vectors.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/vectors.sh"

leak_column=

# An application that follows the routes, and one that is bound to what is there.
plain_and_bound() { # PORT DEV
	udp_both "$1" nobody
	udp_both "$1" nobody dev="$2"
}

# A real server on the LAN, a real client.
dhcp_server() { # DNSMASQ OPTION...
	lab_spawn router dnsmasq --conf-file=/dev/null --keep-in-foreground \
		--user=root --port=0 --interface=br0 --bind-dynamic --no-ping \
		--dhcp-authoritative --leasefile-ro --log-dhcp --log-facility=- \
		"$@" >"$lab_dir/dnsmasq.log" 2>&1
	dhcp_server=$lab_pid
	lab_until 5 dnsmasq grep -q 'DHCP, .*IP range' "$lab_dir/dnsmasq.log"
}

dhcp_lease() { # UDHCPC OPTION...
	on client env DHCP_LOG="$lab_dir/dhcp.log" busybox udhcpc -i eth0 \
		-s "$world_here/dhcp.sh" -t 4 -T 1 -A 1 -O staticroutes "$@" \
		>>"$lab_dir/udhcpc.log" 2>&1
}

dhcp_end() {
	kill -TERM "$dhcp_server"
	wait "$dhcp_server" 2>/dev/null
	return 0
}

try_option121() {
	dhcp_server --dhcp-range=$lab_client4,$lab_client4,255.255.255.0,120 \
		--dhcp-option=3,$lab_router4 \
		--dhcp-option=121,0.0.0.0/1,$lab_router4,128.0.0.0/1,$lab_router4
	dhcp_lease -n -q
	dhcp_end
	app nobody udp 7011 $lab_web4 count=10
}

# The LAN says that it is a public network, and a host of it has an address there.
claim() {
	ip -n client addr add 192.0.2.10/24 dev eth0
	ip -n client addr add 2001:db8:66::10/64 dev eth0 nodad
}
try_localnet() {
	ip -n router addr add 192.0.2.1/24 dev br0
	dhcp_server --dhcp-range=192.0.2.10,192.0.2.10,255.255.255.0,120
	dhcp_lease -n -q
	dhcp_end
	app nobody udp 7012 $world_claimed4 count=10
	fetch nobody http://$world_claimed4:631/ -o /dev/null
}
try_localnet_arp() {
	claim
	app nobody udp 7012 $world_claimed4 $world_claimed6
	app nobody udp 7012 $world_claimed4 $world_claimed6 dev=eth0
}
try_dns_claimed() {
	ip -n printer addr add 10.64.0.1/24 dev eth0
	ip -n client addr add 10.64.0.77/24 dev eth0
	ip -n client route replace $lab_tunnel_dns/32 dev eth0
	ask $lab_tunnel_dns claimed.example
	app nobody udp 53 $lab_tunnel_dns
}

accept_ra() {
	on client sysctl -qw net.ipv6.conf.eth0.accept_ra=2 \
		net.ipv6.conf.eth0.accept_ra_defrtr=1 \
		net.ipv6.conf.eth0.accept_ra_rt_info_max_plen=64
	# In its way: an advertisement whose route is there counts for nothing.
	ip -n client -6 route del default dev eth0
}
try_ra_route() {
	accept_ra
	hostile ra br0 2001:db8:1::/64 ::/1 2000::/3
	sleep 0.3
	app nobody udp 7013 $lab_web6 count=10
}
prep_ra_beside() { accept_ra; }
try_ra_beside() {
	hostile ra br0 2001:db8:1::/64
	sleep 0.3
	app nobody udp 7013 $lab_web6 count=10
}

try_uplink2() {
	world_second_uplink eth1
	ip -n client route add default via 192.168.2.1 dev eth1 metric 50
	ip -n client -6 route add default via 2001:db8:2::1 dev eth1 metric 2000
	udp_both 7014 nobody dev=eth1
}
try_uplink2_default() {
	world_second_uplink eth1
	ip -n client route add 0.0.0.0/1 via 192.168.2.1 dev eth1
	ip -n client route add 128.0.0.0/1 via 192.168.2.1 dev eth1
	ip -n client -6 route add 2000::/3 via 2001:db8:2::1 dev eth1
	udp_both 7014 nobody
}
try_uplink2_raw() {
	world_second_uplink eth1
	inject raw raw eth1 plain
	inject raw bypass eth1 plain
	inject raw xdp eth1 plain
	inject raw raw eth1 vlan
}

uplink_addresses() { # DEV
	lab_addr client "$1" $lab_client4/24 $lab_client6/64
	ip -n client link set "$1" up
	ip -n client route replace default via $lab_router4 dev "$1"
	ip -n client -6 route replace default via $lab_router_ll dev "$1"
}
try_renamed() {
	ip -n client link set eth0 down name wan7
	ip -n client link set wan7 up
	uplink_addresses wan7 2>/dev/null
	plain_and_bound 7015 wan7
}
try_moved() {
	ip -n client link set eth0 netns shelf
	ip -n shelf link set eth0 netns client
	uplink_addresses eth0
	plain_and_bound 7015 eth0
	inject raw raw eth0 plain
}
try_recreated() {
	ip -n client link set eth0 netns shelf
	ip -n shelf link set eth0 up
	ip -n router addr flush dev client1
	ip -n router link set client1 master br0
	world_second_uplink eth0
	uplink_addresses eth0
	plain_and_bound 7015 eth0
	inject raw raw eth0 plain
}
try_flapped() {
	ip -n client link set eth0 down
	ip -n client link set eth0 up
	uplink_addresses eth0 2>/dev/null
	plain_and_bound 7015 eth0
}

try_routes() {
	ip -n client route add 0.0.0.0/1 via $lab_router4
	ip -n client route add 128.0.0.0/1 via $lab_router4
	ip -n client -6 route add 2000::/3 via $lab_router_ll dev eth0
	udp_both 7016 nobody count=50
}
try_rules() {
	ip -n client rule flush
	ip -n client rule add pref 32766 lookup main
	ip -n client -6 rule flush
	ip -n client -6 rule add pref 32766 lookup main
	udp_both 7016 nobody count=50
}
# Its transport has a mark or a route of its own, as the tunnel's has.
try_vpn2() {
	ip -n client route add $lab_web4 via $lab_router4 table 77
	ip -n client rule add pref 5 to $lab_web4 lookup 77
	ip -n client link add vpn2 type vxlan id 7 remote $lab_web4 dstport 4789 \
		dev eth0
	ip -n client addr add 172.20.0.2/24 dev vpn2
	ip -n client link set vpn2 address 02:00:00:00:01:77 up
	ip -n client neigh add 172.20.0.1 lladdr 02:00:00:00:01:78 dev vpn2
	app nobody udp 7017 172.20.0.1 count=10
}

# The flood follows the routes, which lead to the uplink when the tunnel is gone.
flooded() { # PORT COMMAND...
	flood_start "$1" $lab_web4 $lab_web6
	shift
	"$@"
	flood_more 200
	flood_stop
	udp_both 7018 nobody dev=eth0
}
try_killed() { flooded 7018 tunnel_kill; }
try_deleted() { flooded 7018 tunnel_delete; }
try_down() { flooded 7018 ip -n client link set wg0 down; }
try_tunnel_renamed() {
	ip -n client link set wg0 name old0 2>/dev/null || {
		ip -n client link set wg0 down
		ip -n client link set wg0 name old0 up
	}
	ip -n client link add link eth0 name wg0 type macvlan mode bridge
	impostor_routes wg0
	plain_and_bound 7019 wg0
}
try_tunnel_moved() {
	ip -n client link set wg0 netns shelf
	ip -n shelf link set wg0 netns client
	ip -n client link set wg0 up
	flooded 7019 true
	ip -n client link del wg0
}

# A device in the tunnel's place that leads to the LAN.
impostor_routes() { # DEV
	ip -n client link set "$1" up
	lab_addr client "$1" 192.168.1.99/32 2001:db8:1::99/128
	ip -n client route replace default via $lab_router4 dev "$1" onlink \
		table $lab_mark
	ip -n client route replace default via $lab_router4 dev "$1" onlink
	ip -n client -6 route replace default via $lab_router_ll dev "$1" \
		table $lab_mark
	ip -n client -6 route replace default via $lab_router_ll dev "$1"
}
impostor() { # NAME [ip-link WORDS]
	world_second_uplink eth1
	ip -n router link set client1 master br0
	ip -n client link add link eth1 name "$@" type macvlan mode bridge
	impostor_routes "$1"
	plain_and_bound 7019 "$1"
	inject raw raw "$1" plain
}
try_imp_name() { tunnel_delete; impostor wg0; }
try_imp_index() {
	local index
	index=$(on client cat /sys/class/net/wg0/ifindex)
	tunnel_delete
	impostor imp0 index "$index"
}
try_imp_both() {
	local index
	index=$(on client cat /sys/class/net/wg0/ifindex)
	tunnel_delete
	impostor wg0 index "$index"
}

prep_before() {
	lab_spawn client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all $lab_python -BSE "$world_here/app.py" hold 30 \
		7020 $lab_web4 dev=eth0 >"$lab_dir/hold.log" 2>&1
	before=$lab_pid
	lab_until 5 'the old flow' grep -q ready "$lab_dir/hold.log"
}
try_before() {
	sleep 0.4
	kill -KILL "$before"
	wait "$before" 2>/dev/null
	return 0
}

prep_accepted() {
	lab_spawn client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all $lab_python -BSE "$world_here/app.py" accept 40 \
		7033 >"$lab_dir/accept.log" 2>&1
	before=$lab_pid
	lab_until 5 'the server' grep -q listens "$lab_dir/accept.log"
	lab_spawn internet $lab_python -BSE "$world_here/app.py" connect 7033 \
		$lab_client4 src=$lab_web4 seconds=40
	world_daemons+=("$lab_pid")
	lab_until 5 'the connection' grep -q ready "$lab_dir/accept.log"
}
try_accepted() { try_before; }
# Its address outlives its routes, so the flow falls back to the uplink.
try_closing() {
	local app
	ip -n client rule add pref 3 from $tunnel4 lookup 78
	ip -n client route add default dev wg0 table 78
	lab_spawn client $lab_python -BSE "$world_here/app.py" connect 8080 \
		$lab_web4 src=$tunnel4 seconds=1
	app=$lab_pid
	sleep 0.7
	ip -n client link set wg0 down
	wait "$app" 2>/dev/null
	sleep 1
}
# A queue of its own, filled before, that two frames a second leave.
prep_queued() {
	lab_slow_queue client eth0 7036 1kbit
	udp_both 7036 nobody dev=eth0 count=400
}
try_queued() { sleep 3; }

prep_macvlan() {
	lab_netns vm
	ip -n client link add link eth0 name mv0 type macvlan mode bridge
	ip -n client link set mv0 netns vm
	world_vm_address mv0
}
from_vm() {
	on vm setpriv --bounding-set=-all,+net_raw,+net_admin \
		$lab_python -BSE "$world_here/app.py" udp 7021 $lab_web4 $lab_web6 \
		2>>"$lab_dir/tries.log"
	on vm setpriv --bounding-set=-all,+net_raw,+net_admin \
		$lab_python -BSE "$world_here/inject.py" raw eth0 \
		"$lab_router_mac" plain 2>>"$lab_dir/tries.log"
}
try_macvlan() { from_vm; }
try_macvtap() {
	local index number
	ip -n client link add link eth0 name mt0 type macvtap mode bridge
	ip -n client link set mt0 up
	index=$(on client cat /sys/class/net/mt0/ifindex)
	number=$(on client cat /sys/class/net/mt0/macvtap/tap"$index"/dev)
	rm -f "$lab_dir/tap"
	mknod "$lab_dir/tap" c "${number%:*}" "${number#*:}"
	inject root file "$lab_dir/tap" plain
}
prep_bridged() {
	lab_netns vm
	# As where br_netfilter is not loaded.
	on client sysctl -qw net.bridge.bridge-nf-call-iptables=0 \
		net.bridge.bridge-nf-call-ip6tables=0
	ip -n client link add brvm type bridge
	ip -n client link set brvm up
	lab_link client tap0 vm veth0
	ip -n client link set tap0 master brvm
	ip -n client link set eth0 master brvm
	ip -n client addr flush dev eth0
	uplink_addresses brvm
	world_vm_address veth0
}
try_bridged() { from_vm; }
try_bridged_later() { prep_bridged; from_vm; }

from_box() {
	container $lab_python -BSE "$world_here/app.py" udp 7022 $lab_web4 \
		$lab_web6 2>>"$lab_dir/tries.log"
}
prep_box() { world_box; }
try_box() { from_box; }
prep_box_down() { world_box; }
try_box_down() { tunnel_delete; from_box; }
prep_box_spoof() { world_box; }
try_box_spoof() {
	local mac
	mac=$(on client cat /sys/class/net/box0/address)
	tunnel_delete
	container $lab_python -BSE "$world_here/inject.py" raw eth0 "$mac" plain \
		2>>"$lab_dir/tries.log"
	container $lab_python -BSE "$world_here/inject.py" raw eth0 "$mac" \
		fragments 2>>"$lab_dir/tries.log"
}

try_probe() {
	ip -n router route replace $tunnel4 via $lab_client4
	hostile probe br0 "$lab_client_mac" $tunnel4 7023
	hostile probe br0 "$lab_client_mac" fd00:64::2 7023
	on router ping -q -c 2 -i 0.05 -W 0.3 $tunnel4 >/dev/null
}
try_arp_reply() {
	local _
	for _ in 1 2 3; do
		hostile neighbour br0 "$lab_client_mac" $tunnel4
	done
}
probed() {
	hostile probe br0 "$lab_client_mac" $lab_client4 7024
	hostile probe br0 "$lab_client_mac" $lab_client6 7024
	sleep 0.2
}
try_answers() {
	probed
	tunnel_delete
	probed
}
try_errors() {
	hostile errors br0 "$lab_client_mac" $lab_client4
	hostile errors br0 "$lab_client_mac" $lab_client6
	sleep 0.3
}
try_proxy() {
	local _
	on client sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 \
		net.ipv4.conf.all.proxy_arp=1 net.ipv4.ip_forward=1 \
		net.ipv4.neigh.eth0.proxy_delay=0
	for _ in 1 2 3; do
		hostile neighbour br0 "$lab_client_mac" 10.64.0.1
	done
	sleep 0.3
}
try_proxy_ndp() {
	local _
	on client sysctl -qw net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.eth0.proxy_ndp=1 \
		net.ipv6.neigh.eth0.proxy_delay=0
	ip -n client -6 neigh add proxy fd00:64::1 dev eth0
	for _ in 1 2 3; do
		hostile neighbour br0 "$lab_client_mac" fd00:64::1 group
	done
	sleep 0.3
}
try_tunnel_source() {
	udp_both 7025 nobody dev=wg0 src=$lab_client4
	udp_both 7025 nobody dev=wg0 src=$lab_client6
	sleep 0.3
}
try_source_own() { inject raw raw eth0 source_own; }

try_flush() {
	on client nft flush ruleset
	on client iptables -F 2>/dev/null
	on client ip6tables -F 2>/dev/null
	plain_and_bound 7026 eth0
}
frames_and_bound() {
	udp_both 7026 nobody dev=eth0
	inject raw raw eth0 plain
}
try_clsact_front() {
	on client tc qdisc add dev eth0 clsact 2>/dev/null
	on client tc filter add dev eth0 egress prio 1 handle 9 bpf da obj \
		"$world_out/tc_only.o" sec pass || return
	frames_and_bound
}
try_clsact_gone() {
	on client tc qdisc del dev eth0 clsact 2>/dev/null
	frames_and_bound
}
try_mirrored() {
	on client tc qdisc add dev wg0 root handle 1: htb
	on client tc filter add dev wg0 parent 1: protocol all u32 match u32 0 0 \
		action mirred egress mirror dev eth0
	on client ping -q -c 5 -i 0.05 -W 0.3 10.64.0.1 >/dev/null
	on client ping -q -c 5 -i 0.05 -W 0.3 fd00:64::1 >/dev/null
	on client tc -s filter show dev wg0
}
try_nft_dup() {
	on client nft -f - <<-END || return
	table ip careless {
		chain out {
			type filter hook output priority 0
			dup to $lab_router4 device "eth0"
		}
	}
	table ip6 careless {
		chain out {
			type filter hook output priority 0
			dup to $lab_router_ll device "eth0"
		}
	}
	END
	udp_both 7037 nobody
}
try_tcx_front() {
	on client $lab_python -BSE "$world_here/hostile.py" tcx eth0 || return
	frames_and_bound
}

told_tcx_front() {
	grep -q '^.*eth0 out: 1 program(s) of others run first'
}

try_reload() {
	local _
	flood_start 7027 $lab_web4 $lab_web6 dev=eth0
	lab_spawn client $lab_python -BSE "$lab_top/tests/net/send.py" udp 7027 \
		$lab_web4 pps=500
	local other=$lab_pid
	for _ in {1..5}; do
		"${leak_column}_reload"
		flood_more 20
	done
	flood_stop
	kill -TERM $other
	wait $other 2>/dev/null
	return 0
}
try_stop() { flooded 7028 "${leak_column}_stop"; }
