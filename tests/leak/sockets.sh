#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sockets.sh: a library; sockets of rarer kinds, what the kernel itself sends for
# connections that are older than the guard, and what tools of root's make of
# packets. See vectors.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/endpoint.sh"

# ---- how a socket sends ------------------------------------------------------

try_dontroute() { udp_both 7041 nobody dev=eth0 dontroute=1; }
try_transparent() {
	app raw udp 7042 $lab_web4 dev=eth0 transparent=1 src=203.0.113.99
	app raw udp 7042 $lab_web6 dev=eth0 transparent=1 src=2001:db8:80::99
}
try_ping_socket() {
	on client sysctl -qw net.ipv4.ping_group_range='0 2147483647'
	app nobody echo $lab_web4 $lab_web6 dev=eth0
}
try_zerocopy() { udp_both 7043 nobody dev=eth0 zerocopy=1; }
try_uring() {
	nobody $lab_python -BSE "$world_here/uring.py" 7044 $lab_web4 dev=eth0 \
		2>>"$lab_dir/tries.log"
}
try_udplite() { udp_both 7045 nobody dev=eth0 proto=136; }
try_multicast_if() {
	app nobody udp 7046 239.1.2.3 ff05::2 group=eth0
}
try_ttl() { udp_both 7047 nobody dev=eth0 ttl=1; }
try_pieces() { udp_both 7048 nobody dev=eth0 size=4000; }
try_mapped() { app nobody udp 7049 ::ffff:$lab_web4 dev=eth0; }
try_raw_udp() {
	app raw raw 17 $lab_web4 $lab_web6 dev=eth0
	app raw raw 132 $lab_web4 $lab_web6 dev=eth0
}
# The kernel puts the router's address first, the server's into the option.
try_options() {
	app nobody udp 7101 $lab_web4 options=830704c0a8010100
	app nobody udp 7101 $lab_web6 rthdr=fd00:1::1
}

# ---- the endpoint ------------------------------------------------------------

try_endpoint_mapped() {
	to_endpoint nobody udp $lab_endpoint_port ::ffff:$lab_endpoint4 dev=eth0
}
try_endpoint_large() {
	to_endpoint nobody udp $lab_endpoint_port $lab_endpoint4 dev=eth0 size=4000
}
try_endpoint_uring() {
	nobody $lab_python -BSE "$world_here/uring.py" $lab_endpoint_port \
		$lab_endpoint4 dev=eth0 2>>"$lab_dir/tries.log"
}

# ---- frames ------------------------------------------------------------------

try_link_protocols() { inject raw raw eth0 link_protocols; }
try_arp_odd() { inject raw raw eth0 arp_odd; }
try_dhcp_valid() { inject raw raw eth0 dhcp_valid; inject raw rawip eth0 dhcp_valid; }
try_tunnel_packet() {
	inject raw dgram wg0 plain
	sleep 0.3
}
prep_box_large() { world_box; }
try_box_large() {
	tunnel_delete
	container $lab_python -BSE "$world_here/app.py" udp 7050 $lab_web4 \
		$lab_web6 gso=500 2>>"$lab_dir/tries.log"
	container $lab_python -BSE "$world_here/app.py" udp 7050 $lab_web4 \
		$lab_web6 size=4000 2>>"$lab_dir/tries.log"
}

# ---- connections from before -------------------------------------------------

# old_connection PORT [WAY=VALUE]...: with the web server, from the uplink, idle.
old_connection() {
	local port=$1
	shift
	lab_spawn client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all $lab_python -BSE "$world_here/app.py" old "$port" \
		$lab_web4 dev=eth0 "$@" >"$lab_dir/old.log" 2>&1
	before=$lab_pid
	lab_until 5 'the old connection' grep -q ready "$lab_dir/old.log"
}
old_end() {
	kill -KILL "$before" 2>/dev/null
	wait "$before" 2>/dev/null
	return 0
}

prep_keepalive() { old_connection 8080 sport=7051 keepalive=1; }
try_keepalive() { sleep 3; old_end; }
prep_orphan() { old_connection 8080 sport=7052; }
try_orphan() { old_end; sleep 1; }
prep_timewait() { old_connection 8080 sport=7053 closes=1; }
try_timewait() {
	hostile stray br0 "$lab_client_mac" $lab_client4 8080 7053
	sleep 0.3
	old_end
}
prep_challenge() { old_connection 8080 sport=7054; }
try_challenge() {
	hostile stray br0 "$lab_client_mac" $lab_client4 8080 7054
	sleep 0.3
	# Not its own end: that is another row's.
	on client ss -K "sport = 7054" >/dev/null 2>&1
	old_end
}
prep_file_sent() {
	lab_spawn internet $lab_python -BSE "$world_here/app.py" accept 40 7057 \
		>"$lab_dir/sink.log" 2>&1
	world_daemons+=("$lab_pid")
	lab_until 5 'the server' grep -q listens "$lab_dir/sink.log"
	old_connection 7057 sport=7055 sends=file
}
try_file_sent() { sleep 1; old_end; }
prep_killed_socket() { old_connection 8080 sport=7056; }
try_killed_socket() {
	on client ss -K "sport = 7056" >/dev/null
	sleep 0.5
	old_end
}

# ---- tools -------------------------------------------------------------------

# Programs of theirs, with the number of the uplink in them.
bpf_object() { # FILE
	clang -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
		"-DUPLINK=$(on client cat /sys/class/net/eth0/ifindex)" \
		"-I/usr/include/$(gcc -print-multiarch)" -c \
		"$world_here/redirect.bpf.c" -o "$1"
}
bpf_program() { # SECTION DEV
	local object=$lab_dir/redirect.o
	bpf_object "$object" || return
	on client tc qdisc add dev "$2" clsact 2>/dev/null
	on client tc filter add dev "$2" egress prio 1 handle 9 bpf da \
		obj "$object" sec "$1"
}
inside_pings() {
	on client ping -q -c 5 -i 0.05 -W 0.3 10.64.0.1 >/dev/null
	on client ping -q -c 5 -i 0.05 -W 0.3 fd00:64::1 >/dev/null
}
try_redirected() {
	bpf_program neighbour wg0 || return
	inside_pings
}
try_cloned() {
	bpf_program clone wg0 || return
	inside_pings
}
try_nft_egress() {
	on client nft -f - <<-END || return
	table netdev careless {
		chain out {
			type filter hook egress device "wg0" priority 0
			dup to "eth0"
		}
	}
	END
	inside_pings
}
try_neighbour_asked() {
	ip -n client neigh add $lab_web4 dev eth0 use
	ip -n client neigh add $lab_web6 dev eth0 use
	sleep 0.5
}
# It says that destinations are neighbours, which the kernel makes sure of.
try_neighbour_aged() {
	local to
	on client sysctl -qw net.ipv4.neigh.eth0.delay_first_probe_time=1 \
		net.ipv6.neigh.eth0.delay_first_probe_time=1
	for to in $lab_web4 $lab_web6; do
		ip -n client neigh replace "$to" lladdr "$lab_router_mac" \
			dev eth0 nud stale
		ip -n client neigh replace "$to" lladdr "$lab_router_mac" \
			dev eth0 use
	done
	sleep 3
}
