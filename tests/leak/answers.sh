#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# answers.sh: a library; what the LAN can have this host answer, ask or hand on:
# servers, groups, pieces, what is on the link. See vectors.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/sockets.sh"

# attend ARGUMENTS...: an application of nobody's that is there for the row.
attend() {
	lab_spawn client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all $lab_python -BSE "$world_here/app.py" "$@" \
		>"$lab_dir/attend.log" 2>&1
	world_daemons+=("$lab_pid")
	lab_until 5 "$1" grep -q ready "$lab_dir/attend.log"
}

prep_listener() {
	on client sysctl -qw net.ipv4.tcp_syncookies=2
	attend answer 40 7060
}
try_listener() {
	hostile probe br0 "$lab_client_mac" $lab_client4 7060
	hostile probe br0 "$lab_client_mac" $lab_client6 7060
	sleep 0.3
}
prep_queried() { attend groups eth0 239.7.8.9 ff05::7:8 seconds=40; }
try_queried() {
	hostile query br0
	sleep 1
}
try_group_asked() {
	on client sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
	hostile group br0
	sleep 0.3
}
try_reassembly() {
	on client sysctl -qw net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1
	hostile pieces br0 "$lab_client_mac" $lab_client4
	hostile pieces br0 "$lab_client_mac" $lab_client6
	sleep 2
}
try_handed() {
	lab_forwards client
	ip -n client -6 route replace default via $lab_router_ll dev eth0
	hostile handed br0 "$lab_client_mac"
	sleep 0.3
}
# As containers' tools leave it, for their ports on 127.0.0.1.
try_localhost() {
	on client sysctl -qw net.ipv4.conf.all.route_localnet=1 \
		net.ipv4.conf.eth0.route_localnet=1
	hostile probe br0 "$lab_client_mac" 127.0.0.1 7061
	sleep 0.3
}
try_ra_onlink() {
	accept_ra
	hostile ra br0 2001:db8:80::/64
	sleep 0.3
	app nobody udp 7062 $lab_web6
	app nobody udp 7062 $lab_web6 dev=eth0
}
# The lease says that half of the internet is on the link.
try_lease_wide() {
	dhcp_server --dhcp-range=$lab_client4,$lab_client4,255.255.255.0,120 \
		--dhcp-option=1,128.0.0.0
	dhcp_lease -n -q
	dhcp_end
	app nobody udp 7063 $lab_web4
	app nobody udp 7063 $lab_web4 dev=eth0
}
try_link_local() {
	ip -n client route add 169.254.0.0/16 dev eth0
	app nobody udp 7064 169.254.7.7 $lab_router_ll%eth0
	app nobody udp 7064 169.254.7.7 $lab_router_ll%eth0 dev=eth0
	sleep 0.3
}

# Whoever is answered is a neighbour, and is probed when that is some seconds old.
try_neighbour_afar() {
	on client sysctl -qw net.ipv6.neigh.eth0.delay_first_probe_time=1
	hostile neighbour br0 "$lab_client_mac" $lab_client6 afar
	hostile neighbour br0 "$lab_client_mac" fd00:1::10 group afar
	sleep 3
}

# ---- sockets and frames ------------------------------------------------------

try_userns() { app nobody userns 7065 $lab_web4 $lab_web6 dev=eth0; }
try_rebound() { app nobody rebound 8080 $lab_web4 dev=eth0; }
prep_corked() {
	attend corked 7066 $lab_web4 dev=eth0
	corked=$lab_pid
}
try_corked() {
	kill -USR1 "$corked"
	sleep 0.3
}
try_filled() {
	app nobody fill 80000 ::ffff:$lab_printer4 ::ffff:$lab_router4
	udp_both 7067 nobody dev=eth0
	inject raw raw eth0 plain
	inject raw raw eth0 fragments
}
try_ns_far() { inject raw raw eth0 ns_far; inject raw rawip eth0 ns_far; }
try_odd_destinations() {
	inject raw raw eth0 odd_destinations
	inject raw rawip eth0 odd_destinations
}
try_fragment_follow() { inject raw raw eth0 fragment_follow; }
try_icmp_quote() {
	app nobody udp 7100 $lab_printer4 sport=40000
	SPORT=$(tunnel_port) inject raw raw eth0 icmp_quote
	SPORT=$(tunnel_port) inject raw rawip eth0 icmp_quote
}
try_packet_old() { inject raw old eth0 plain; }
try_bypass_uring() { inject raw options eth0 plain; }
prep_bypass_before() {
	lab_spawn client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all,+net_raw --ambient-caps=+net_raw \
		--bounding-set=-all,+net_raw $lab_python -BSE \
		"$world_here/inject.py" before eth0 "$lab_router_mac" plain \
		>"$lab_dir/attend.log" 2>&1
	world_daemons+=("$lab_pid")
	lab_until 5 'the old socket' grep -q ready "$lab_dir/attend.log"
}
try_bypass_before() { sleep 0.5; }

# ---- containers --------------------------------------------------------------

prep_macvlan_bypass() { prep_macvlan; }
try_macvlan_bypass() {
	local way
	for way in bypass xdp old; do
		on vm setpriv --bounding-set=-all,+net_raw,+net_admin \
			$lab_python -BSE "$world_here/inject.py" $way eth0 \
			"$lab_router_mac" plain 2>>"$lab_dir/tries.log"
	done
}
prep_macvlan_asks() { prep_macvlan; }
# What it calls on-link, its kernel asks for.
try_macvlan_asks() {
	ip -n vm route add $lab_web4 dev eth0
	ip -n vm -6 route add $lab_web6 dev eth0
	on vm $lab_python -BSE "$world_here/app.py" udp 7068 $lab_web4 \
		$lab_web6 count=1 2>>"$lab_dir/tries.log"
	sleep 0.3
}
prep_bridge_packet() { prep_bridged; }
try_bridge_packet() {
	inject raw raw brvm plain
	inject raw bypass brvm plain
	inject raw raw eth0 plain
}
prep_bridge_kernel() { prep_bridged; }
try_bridge_kernel() {
	ip -n client link set brvm type bridge mcast_snooping 1 \
		mcast_querier 1 mcast_startup_query_interval 20 stp_state 1 \
		hello_time 100
	ip -n client link set brvm down
	ip -n client link set brvm up
	sleep 3
}
# A device of an application's, whose packets the client forwards.
prep_tun() {
	lab_forwards client
	# As most hosts have it, where who owns a device may open it.
	rm -f /run/tun
	mknod -m 666 /run/tun c 10 200
	ip -n client tuntap add dev tun7 mode tun user 65534
	lab_addr client tun7 172.16.6.1/24 fd56::1/64
	ip -n client link set tun7 up
	ip -n client -6 route replace default via $lab_router_ll dev eth0
}
try_tun() {
	tunnel_delete
	SPORT=51820 inject nobody tun tun7 forwarded
}
