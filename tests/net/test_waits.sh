#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_waits.sh: what "nfload status" tells of a policy that waits for a device,
# for an address or for another compilation; and of a weak ticket, which raw
# sockets do not hold.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP waits: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

policy() { # OPTION...
	cat >"$lab_dir/waits.nfr" <<-'POLICY'
		tunnel tun0 rebind over any {
			transport proto udp to 198.51.100.7 port 51820
			exclude lan
			link arp
		}
		pass in on up9 proto udp to port 1000
	POLICY
	nfload apply -W no-unknown-interface "$@" "$lab_dir/waits.nfr"
}

tells() { # TEXT
	nfload status
	says "$1"
}

tells_no() {
	! tells "$@"
}

tunnel() {
	lab_tun host
}

# A datagram to the endpoint, whose header its socket writes itself.
raw_reaches() { # PROTOCOL OF THE SOCKET
	local before
	before=$(seen 1000)
	on host "$lab_python" -BSE - "$1" >"$out" 2>&1 <<-END
		import socket, sys
		sys.path.insert(0, "$lab_top/tests/leak")
		import frames
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(sys.argv[1]))
		s.setsockopt(socket.IPPROTO_IP, 3, 1)  # IP_HDRINCL
		s.sendto(frames.ip4(frames.udp(port=1000), "10.9.0.2",
		                    src="10.9.0.1"), ("10.9.0.2", 0))
	END
	[ "$(seen 1000)" -gt "$before" ]
}
raw_blocks() {
	! raw_reaches "$@"
}

# Of a tunnel that does not say who carries it.
anybody() {
	local proto
	for proto in 17 1 132 255; do
		ok "without nfr a raw socket of protocol $proto writes to it" \
			raw_reaches $proto
	done
	cat >"$lab_dir/anybody.nfr" <<-'POLICY'
		tunnel tun0 over any {
			transport proto udp to 10.9.0.2 port 1000
			link arp
		}
	POLICY
	ok "a ticket of anybody's" nfload apply "$lab_dir/anybody.nfr"
	ok "is told to be that" tells "any process may send to the endpoint"
	ok "a UDP socket holds it" reaches 1000
	for proto in 17 1 132 255; do
		ok "a raw one of protocol $proto does not" raw_blocks $proto
	done
}

# As it is where the kernel has WireGuard itself: struct nfr_ticket's kind, at
# byte 18, is 2.
ticket_of_kernel() {
	local map bytes
	for map in "$pins"/*/ticket; do
		bytes=$("$lab_python" -c '
import json, subprocess, sys
dump = json.loads(subprocess.check_output(
    ["bpftool", "-j", "map", "dump", "pinned", sys.argv[1]]))
value = [int(b, 16) for b in dump[0]["value"]]
value[18] = 2
print(*value)' "$map") || return
		# shellcheck disable=SC2086 # words
		bpftool map update pinned "$map" key 0 0 0 0 value $bytes ||
			return
	done
}

# Where ip netns would mount a /sys of its own.
status_here() {
	nsenter --net=/run/netns/host nfload --bpffs "$pins" status >"$out" 2>&1
}

# As configfs has it, where root has the kernel's log sent by up0.
netconsole() {
	local dir=/sys/kernel/config/netconsole/log status=0
	mount -t tmpfs tmpfs /sys/kernel
	mkdir -p $dir
	echo 0 >$dir/enabled
	echo up0 >$dir/dev_name
	echo 10.9.0.2 >$dir/remote_ip
	ok "a netconsole that is off is not told" status_here
	echo 1 >$dir/enabled
	status_here || status=$?
	ok "one that sends is" says "netconsole: not guarded: the kernel's log leaves by up0 to 10.9.0.2"
	ok "as a way out" test $status = 5
	umount /sys/kernel
}

lab_netns host
lab_netns far
cable
ip -n host link set lo up
ok "a policy whose tunnel is not there" policy
ok "is told" tells "waiting: the tunnel tun0 is not there"
ok "so is a device that it names" tells "waiting: up9: the policy names it"
ok "and guarded" gives 0 status
ok "JSON has both" test "$(status_of 'waiting | length')" = 2
tunnel
ok "applied with the tunnel" policy
ok "a tunnel without an address is told" tells "the tunnel tun0 has no address"
lab_addr host tun0 10.64.0.2/24
ok "with one it is not" tells_no "tun0"
ip -n host link add up9 type veth peer name far9 netns far
ok "a device of the name is told no more" tells_no "the policy names it"
ok "but one that came later" tells "up9 came after the policy was compiled"
ip -n host link del up9
ip -n host link add up8 type veth peer name far8 netns far
ok "has no LAN" tells "up8 came after the policy was compiled: its LAN"
ok "until the policy is applied again" policy
ok "which ends it" tells_no "came after"
if command -v bpftool >/dev/null; then
	ok "the kernel's ticket" ticket_of_kernel
	ok "is strong with netfilter links" tells_no "by its port and route"
	nfload unload --leave open
	ok "applied without" policy --floor=cgroup
	ok "the kernel's ticket again" ticket_of_kernel
	ok "is told to be weak" tells "the transport: known by its port and route"
else
	skip "the kernel's ticket" "no bpftool here"
fi
nfload unload --leave open
anybody
netconsole
nfload unload --leave open
finish
