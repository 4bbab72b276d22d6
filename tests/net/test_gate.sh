#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_gate.sh: a device that appears is closed by the kernel alone, to frames
# that no route brought there; nfload apply and nfload watch open it.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

policy() { # FILE [TUNNEL]
	{
		[ -n "${2-}" ] || echo pass out proto udp to port 3000
		[ -z "${2-}" ] || cat <<-POLICY
			tunnel wg0 over any {
				transport proto udp to 10.9.2.2 port 1000
				link arp ndp
			}
		POLICY
	} >"$lab_dir/$1.nfr"
}

new_device() { # [INDEX]
	ip -n host link add new0 ${1:+index "$1"} type veth peer name far2 \
		netns far
	ip -n host link set new0 up
	ip -n far link set far2 up
	lab_addr host new0 10.9.2.1/24
	lab_addr far far2 10.9.2.2/24
	ip -n far -o link show far2 | grep -q LOWER_UP
}

# Frames by AF_PACKET of a type that no policy passes, and of one that this does.
leaves() { # ETHERTYPE
	local before after
	before=$(on far cat /sys/class/net/far2/statistics/rx_packets)
	on host "$lab_python" - "$1" <<-'PY' 2>"$out" || true
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("new0", 0))
		arp = bytes.fromhex("0001080006040001" + "020000000001" +
		                    "0a090201" + "000000000000" + "0a090202")
		for _ in range(50):
		    s.send(b"\xff" * 6 + b"\2\0\0\0\0\1" +
		           bytes.fromhex(sys.argv[1]) + arp + b"\0" * 18)
	PY
	after=$(on far cat /sys/class/net/far2/statistics/rx_packets)
	[ $((after - before)) -ge 50 ]
}

# What a macvlan child in another namespace has routed has a route. No question is
# asked for the neighbour, as ARP has none.
child_leaves() {
	local before after
	ip -n host link add link new0 name mv0 type macvlan mode bridge
	lab_netns child
	ip -n host link set mv0 netns child
	ip -n child link set mv0 up
	lab_addr child mv0 10.9.2.9/24
	ip -n child neigh add 10.9.2.2 dev mv0 lladdr \
		"$(on far cat /sys/class/net/far2/address)"
	before=$(on far cat /sys/class/net/far2/statistics/rx_packets)
	on child "$lab_python" "$lab_top/tests/net/send.py" udp 3000 10.9.2.2 \
		count=50 pps=1000 >"$out" 2>&1
	after=$(on far cat /sys/class/net/far2/statistics/rx_packets)
	ip netns del child
	[ $((after - before)) -ge 50 ]
}

child_stays() {
	! child_leaves
}

stays() { # ETHERTYPE
	! leaves "$1"
}

path_mode() { # of "new devices"
	ip netns exec host nfload --bpffs "$pins" --json status 2>>"$out" |
		"$lab_python" -c '
import json, sys
print(*(p["mode"] for p in json.load(sys.stdin)["paths"]
        if p["name"] == "new devices"), sep="")'
}

has_gate() {
	[ "$(path_mode)" = nftables ]
}

lists() { # nft(8) gets to the end of it
	timeout 5 ip netns exec host nft list ruleset >"$out" 2>&1
}

group_of() {
	ip -n host -j link show dev "$1" | grep -oP '"group":"\K[^"]*'
}

gate_group() { # that of the gate: "nf" and two bytes that were drawn
	local group
	group=$(group_of "$1")
	[ "$group" != default ] && [ $((group >> 16)) = $((0x6e66)) ]
}

lab_netns host
lab_netns far
cable
ip -n host tuntap add wg0 mode tun
policy tunnel yes
policy plain

new_device
ok "without nfr, frames leave" leaves 9999
ok "and what a child in another namespace sends" child_leaves
ip -n host link del new0

ok "a tunnel is guarded" gives 0 apply "$lab_dir/tunnel.nfr"
release=$(uname -r)
oldest=$(printf '%s\n' "$release" 6.18 | sort -V | head -n 1)
if has_gate || [ "$oldest" = 6.18 ]; then
	index=$(on host cat /sys/class/net/up0/ifindex)
	ok "what is there is known by its group" gate_group up0
	ok "loopback, too" gate_group lo
	new_device
	ok "a new device is closed to frames" stays 9999
	ok "and to ARP, which nobody judges there" stays 0806
	ok "and to a child of it in another namespace" child_stays
	ip -n host link set new0 group $(($(group_of up0) ^ 1))
	ok "and when it comes in another gate's group" stays 0806
	ip -n host link set new0 group default
	ok "status counts them" gives_saying 'frame(s) blocked' 5 status
	ok "apply gives it an edge" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "which lets ARP by" leaves 0806
	ip -n host link set new0 group $(($(group_of up0) ^ 1))
	ok "not in another gate's group" stays 0806
	ok "until the next apply" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "puts it into its own" leaves 0806
	ip -n host link set new0 group 77
	ok "nor in one that somebody put it into" stays 0806
	ok "until apply" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "knows it there" leaves 0806
	ok "without taking it out" [ "$(group_of new0)" = 77 ]
	ok "and nothing else" stays 9999
	ip -n host link del new0
	ip -n host link del up0
	new_device "$index"
	ok "another device with the index of a known one is closed" stays 0806
	ip -n host link del new0
	ok "nft lists it to its end" lists
	on host nft flush ruleset
	ok "removed, it is missed" gives_saying 'new devices: not guarded' 5 \
		status
	lab_spawn host nfload --bpffs "$pins" watch 2>"$lab_dir/watch.log"
	watch_pid=$lab_pid
	ok "watch puts it up again" soon 5 has_gate
	on host nft flush ruleset
	ok "and at once" soon 2 has_gate
	new_device
	ok "and opens a new device to what may leave" soon 5 leaves 0806
	kill -TERM "$watch_pid"
	wait "$watch_pid"
	ok "a policy without a tunnel needs none" gives 0 apply \
		"$lab_dir/plain.nfr"
	ok "so it is gone" eval '! on host nft list tables | grep nfr-gate'
	ok "with its groups" [ "$(group_of new0)" = default ]
	ok "a tunnel on trial" gives 0 apply --confirm=60s "$lab_dir/tunnel.nfr"
	ok "has none yet, which a timer could not take away" \
		eval '! on host nft list tables | grep nfr-gate'
	ok "confirmed" gives 0 confirm
	ok "it has" has_gate
	ok "unloaded" gives 0 unload --leave open
	ok "nothing of it is left" \
		eval '! on host nft list tables | grep nfr-gate'
else
	ok "a kernel without a gate is told so" gives_saying \
		'new devices: not guarded' 5 status
	skip "a new device is closed" "Linux $release has no such hook"
	gives 0 unload --leave open
fi
finish
