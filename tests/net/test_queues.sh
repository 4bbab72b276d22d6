#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_queues.sh: what waits in a device's queue when a policy with a tunnel comes
# does not leave; the queue stays as it was set up, and reloads leave it alone.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP queues: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

fill() {
	on host "$lab_python" "$lab_top/tests/net/send.py" udp 1000 10.9.0.2 \
		count=100 2>>"$out"
}

waiting() { # frames
	on host tc -s -j qdisc show dev up0 | jq '[.[] | .qlen // 0] | add'
}

waits() {
	local n
	n=$(waiting)
	echo "$n frames wait" >"$out"
	[ "$n" -gt 0 ]
}

set_up() {
	on host tc class show dev up0 >"$out"
	grep -q 'htb 1:10 .*rate 96bit' "$out" &&
		ip -n host link show up0 | tee -a "$out" | grep -q 'qlen 1000'
}

empty() {
	local n
	n=$(waiting)
	echo "$n frames wait" >"$out"
	[ "$n" = 0 ]
}

tunnel() { # WHAT IS EXCLUDED
	cat >"$lab_dir/queues.nfr" <<-POLICY
		tunnel tun0 rebind over any {
			transport proto udp to 198.51.100.7 port 51820
			exclude to $1
			link arp
		}
	POLICY
	nfload apply "$lab_dir/queues.nfr"
}

none() {
	echo "pass out all" >"$lab_dir/queues.nfr"
	nfload apply "$lab_dir/queues.nfr"
}

lab_netns host
lab_netns far
cable
lab_tun host 10.64.0.2/24
lab_slow_queue host up0 1000 100bit # for minutes
fill
ok "frames wait in a queue" waits
ok "a policy without a tunnel" none
ok "leaves them there" waits
ok "one with a tunnel" tunnel 10.9.0.0/24
ok "says that it drops them" says "up0: "
ok "all of them" says "that waited in its queue from before are dropped"
ok "so they are gone" empty
ok "and the queue is as it was" set_up
fill
ok "what the policy passed waits" waits
ok "a reload" tunnel '{ 10.9.0.0/24 10.8.0.0/24 }'
ok "leaves it there" waits
nfload unload --leave=open
ok "unloaded, it is there, too" waits
ok "the first policy there is" tunnel 10.9.0.0/24
ok "drops it" empty
nfload unload --leave=open
finish
