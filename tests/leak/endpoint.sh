#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# endpoint.sh: a library; who else tries what only the tunnel, the kernel or a
# DHCP client may do: the transport's endpoint, neighbours, leases, the inside.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/disrupt.sh"

tunnel_port() {
	on client wg show wg0 listen-port
}

try_endpoint_rawip() {
	SPORT=$(tunnel_port) inject raw rawip eth0 endpoint count=10
}
try_endpoint_forged() {
	SPORT=$(tunnel_port) inject raw raw eth0 endpoint count=10
}
try_endpoint_pieces() {
	inject raw raw eth0 endpoint_pieces
	inject raw rawip eth0 endpoint_pieces
}
try_endpoint_killed() {
	local port
	port=$(tunnel_port)
	tunnel_kill
	to_endpoint nobody udp $lab_endpoint_port $lab_endpoint4 dev=eth0 \
		sport="$port"
}
try_endpoint_root() {
	to_endpoint root udp $lab_endpoint_port $lab_endpoint4 dev=eth0
}
prep_endpoint_box() { world_box; }
try_endpoint_box() {
	on box $lab_python -BSE "$world_here/app.py" udp $lab_endpoint_port \
		$lab_endpoint4 count=10 sport="$(tunnel_port)" \
		2>>"$lab_dir/tries.log"
}
prep_endpoint_macvlan() { prep_macvlan; }
try_endpoint_macvlan() {
	on vm $lab_python -BSE "$world_here/app.py" udp $lab_endpoint_port \
		$lab_endpoint4 count=5 sport="$(tunnel_port)" \
		2>>"$lab_dir/tries.log"
	on vm env SPORT="$(tunnel_port)" $lab_python -BSE \
		"$world_here/inject.py" raw eth0 "$lab_router_mac" endpoint \
		2>>"$lab_dir/tries.log"
}

try_seg6() {
	ip -n client -6 route add $lab_web6 encap seg6 mode encap segs \
		$lab_router6 dev eth0
	ip -n client -6 rule add pref 4 to $lab_web6 lookup main
	app nobody udp 7035 $lab_web6
}
try_dhcp_payload() { inject raw raw eth0 dhcp_payload; }
try_ndp_far() { inject raw raw eth0 ndp_far; inject raw rawip eth0 ndp_far; }
try_arp_far() { inject raw raw eth0 arp_far; }
try_arp_payload() { inject raw raw eth0 arp_payload; }
try_arp_own() { inject raw raw eth0 arp_own; }
try_wrapped_lan() {
	inject raw raw eth0 wrapped_lan
	inject raw rawip eth0 wrapped_lan
}

try_tunnel_forged() {
	inject raw rawip wg0 plain
	sleep 0.3
}
prep_box_inside() { world_box; }
# To the tunnel's other end, which every column has a route to.
try_box_inside() {
	on box $lab_python -BSE "$world_here/app.py" udp 7027 10.64.0.1 \
		fd00:64::1 2>>"$lab_dir/tries.log"
	sleep 0.3
}
