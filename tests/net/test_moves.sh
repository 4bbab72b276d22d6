#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_moves.sh: "(if)" and hops, when the device's address changes or the device
# is made again: what goes on without "nfload watch", and what with it. Never is
# anything translated to an address that the device has lost.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/gate.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP moves: needs root"
	exit 0
}
lab_enter "$0" "$@"
number=0 failed=0 out=$lab_dir/out
export TALK_SECONDS=2

load() { # LINE...
	printf '%s\n' 'set skip on lo' 'block all' \
		'pass inet6 proto ipv6-icmp icmp6-type { neighbrsol neighbradv }' \
		"$@" >"$lab_dir/policy.nfr"
	gate_nfload apply "$lab_dir/policy.nfr" && return
	tail -n 20 "$lab_dir/nfload.log" >"$out"
	return 1
}

blocked_by() { # REASON
	on gate nfload show counters --json --bpffs "$lab_dir/bpf" |
		jq "[.counters[] | select(.reason == \"$1\") | .packets] | add // 0"
}

unanswered() { # NETNS ADDRESS PORT
	! TALK_SECONDS=0.5 gate_talk "$1" who "$2" "$3" >"$out"
}

# The sources of the LAN's packets, as the host outside sees them.
capture() {
	rm -f "$lab_dir/seen"
	lab_spawn outside tcpdump --immediate-mode -U -n -i out0 -l \
		'(tcp or udp) and port 80 and inbound' >"$lab_dir/seen" 2>"$out"
	capture_pid=$lab_pid
	lab_until 10 tcpdump grep -q listening "$out"
}

none_of() { # ADDRESS...
	local a
	kill "$capture_pid"
	wait "$capture_pid" 2>/dev/null
	cp "$lab_dir/seen" "$out"
	for a; do
		! grep -qF " $a." "$lab_dir/seen" || return 1
	done
}

watch_begin() {
	lab_spawn gate nfload --bpffs "$lab_dir/bpf" watch --every=1s \
		2>>"$lab_dir/watch.log"
	watch_pid=$lab_pid
	lab_until 10 "a watch" grep -q '^nfload watch: ' "$lab_dir/watch.log"
}

watch_end() {
	kill -TERM "$watch_pid"
	wait "$watch_pid" 2>/dev/null
}

address() { # add|del ADDRESS
	local nodad=()
	[ "$1" = del ] || nodad=(nodad)
	ip -n gate addr "$1" "$2" dev wan0 "${nodad[@]}"
}

renumber() { # FROM TO, of both families: .2 ::2 by default
	address del "203.0.113.$1/24"
	address add "203.0.113.$2/24"
	address del "2001:db8:1::$1/64"
	address add "2001:db8:1::$2/64"
	ip -n gate route replace default via 203.0.113.1
	ip -n gate -6 route replace default via 2001:db8:1::1
}

# Nothing else is at the gate's uplink here.
only_two() {
	ip -n gate addr flush dev wan0 scope global
	address add 203.0.113.2/24
	address add 2001:db8:1::2/64
	ip -n gate route replace default via 203.0.113.1
	ip -n gate -6 route replace default via 2001:db8:1::1
}

policy() {
	load 'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to (wan0)' \
		'pass out on wan0 inet6 from fd01::/64 nat-to (wan0)' \
		'pass in on wan0 proto udp to (wan0) port 8000 rdr-to (wan0) port 8080'
}

test_without_watch() {
	local before
	only_two
	ok "(wan0) in a pool" policy
	ok "is the device's address" gives 203.0.113.2 try_nat4
	ok "IPv6" gives 2001:db8:1::2 try_nat6
	renumber 2 9
	before=$(blocked_by translate)
	capture
	ok "one that it has lost is given to nobody" unanswered inside 203.0.113.1 80
	ok "IPv6" unanswered inside 2001:db8:1::1 80
	ok "as the reason says" test "$(blocked_by translate)" -gt "$before"
	ok "and nothing leaves with it" none_of 203.0.113.2 2001:db8:1::2
	ok "no state is left" gives 0 states_to_80
	renumber 9 2
	ok "it is given again when it is back" gives 203.0.113.2 try_nat4
	ok "IPv6" gives 2001:db8:1::2 try_nat6
}

states_to_80() {
	on gate nfload show states --json --bpffs "$lab_dir/bpf" |
		jq '[.states[] | select(.translation != null)] | length'
}

test_with_watch() {
	watch_begin
	gate_talk inside who 203.0.113.1 80 udp from=5000 >"$out"
	renumber 2 9
	ok "with a watch, (wan0) follows" soon 5 gives 203.0.113.9 try_nat4
	ok "IPv6" soon 5 gives 2001:db8:1::9 try_nat6
	capture
	ok "a flow from before too" gives 203.0.113.9 old_flow
	ok "and nothing leaves with what was" none_of 203.0.113.2 2001:db8:1::2
	renumber 9 2
	ok "and back" soon 5 gives 203.0.113.2 try_nat4
	watch_end
}

old_flow() {
	gate_talk inside who 203.0.113.1 80 udp from=5000 | first_word
}

again() { # wan1 and its other end, made again
	ip -n gate link del wan1
	lab_link gate wan1 outside out1
	lab_addr gate wan1 198.51.100.2/24 2001:db8:3::2/64
	lab_addr outside out1 198.51.100.1/24 2001:db8:3::1/64
	lab_until 10 "IPv6 addresses" gate_is_tentative
}

elsewhere() { # ADDRESS: how the host outside sees who goes by wan1
	TALK_SECONDS=0.7 gate_talk inside who "$1" 8081 | first_word
}

hops() {
	load 'pass in on lan0' \
		'pass in on lan0 inet proto tcp to port 8081 route-to (wan1 198.51.100.1)' \
		'pass in on lan0 inet6 proto tcp to port 8081 route-to (wan1 2001:db8:3::1)' \
		'pass out on wan1 inet from 10.1.0.0/24 nat-to (wan1)' \
		'pass out on wan1 inet6 from fd01::/64 nat-to (wan1)'
}

test_made_again() {
	ok "a way out by wan1" hops
	ok "is taken" gives 198.51.100.2 elsewhere 203.0.113.1
	ok "IPv6" gives 2001:db8:3::2 elsewhere 2001:db8:1::1
	again
	ok "when wan1 is made again, nothing goes by another device" gives "" \
		elsewhere 203.0.113.1
	ok "IPv6" gives "" elsewhere 2001:db8:1::1
	watch_begin
	ok "a watch knows it again" soon 5 gives 198.51.100.2 elsewhere 203.0.113.1
	ok "IPv6" soon 5 gives 2001:db8:3::2 elsewhere 2001:db8:1::1
	again
	ok "and once more" soon 5 gives 198.51.100.2 elsewhere 203.0.113.1
	watch_end
}

# What "overload" has put into a table is in it after addresses changed, too.
test_overloaded() {
	only_two
	ok "a table that packets fill" load 'table <bad> persist' 'pass in on lan0' \
		'block in quick on lan0 from <bad>' \
		'pass in on lan0 proto tcp to port 80 keep state (max-src-conn-rate 1/60, overload <bad>)' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to (wan0)'
	watch_begin
	gate_talk inside who 203.0.113.1 80 >"$out"
	gate_talk inside who 203.0.113.1 80 >"$out"
	ok "has who was too many" gives 10.1.0.2 members
	renumber 2 9
	ok "a watch loads new addresses" soon 5 gives 203.0.113.9 udp_from_3
	ok "and those that packets put there stay" gives 10.1.0.2 members
	watch_end
	renumber 9 2
}

udp_from_3() {
	gate_talk inside who 203.0.113.1 80 udp local=10.1.0.3 | first_word
}

members() {
	on gate nfload table bad show --bpffs "$lab_dir/bpf" | tr -d ' '
}

gate_up
test_without_watch
test_with_watch
test_made_again
test_overloaded
echo "1..$number"
[ $failed = 0 ]
