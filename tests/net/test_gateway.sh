#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_gateway.sh: what translation changes, seen by those around it: the policy
# that people start from, hooks that move, route_localnet, copies, circles, and
# packets that are cut behind it.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/gate.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP gateway: needs root"
	exit 0
}
lab_enter "$0" "$@"
number=0 failed=0 out=$lab_dir/out xdp=auto
export TALK_SECONDS=2

policy() { # LINE...
	printf '%s\n' 'set skip on lo' 'block all' \
		'pass inet6 proto ipv6-icmp icmp6-type { neighbrsol neighbradv }' \
		"$@" >"$lab_dir/policy.nfr"
}

load() { # LINE...
	policy "$@"
	gate_nfload apply --xdp "$xdp" "$lab_dir/policy.nfr" && return
	tail -n 20 "$lab_dir/nfload.log" >"$out"
	return 1
}

# The policy as it is shipped, against what a user of the network expects.
test_shipped() {
	local id expected text
	ok "rules/gateway.nfr loads as it stands" gate_nfload apply \
		"$lab_top/rules/gateway.nfr"
	while IFS='|' read -r id expected text; do
		case $id in
		nat4 | natudp4 | natfar4 | rdr4 | hairpin4 | binatout4 | binatin4 | \
			ping4 | frag4 | trace4 | bulk4 | bulkin4)
			ok "with it: $text" gives "$expected" "try_$id"
			;;
		esac
	done < <(gate_table)
	ok "nobody outside reaches another port" unanswered outside 203.0.113.2 80
	ok "nor the network by its own addresses" unanswered outside 10.1.0.2 80
}

unanswered() { # NETNS ADDRESS PORT
	! TALK_SECONDS=0.5 gate_talk "$1" who "$2" "$3" >"$out"
}

hook_in() { # DEVICE: how it is hooked
	on gate nfload show hooks --json --bpffs "$lab_dir/bpf" 2>>"$out" |
		jq -r ".devices[] | select(.name == \"$1\") | .in.mode"
}

# XDP can not translate: its hooks go over to tcx under traffic, and come back
# only with a new start, as drivers lose packets when XDP comes and goes.
test_hooks_move() {
	local plain='pass in on { lan0 wan0 }' to='pass out on { lan0 wan0 }'
	local xdp=native
	gate_engine plain
	ip -n outside route add 10.1.0.0/24 via 203.0.113.2
	ok "a policy that only passes" load "$plain" "$to"
	ok "hooks what comes in by XDP" gives xdp-native hook_in lan0
	rm -f "$lab_dir/enough" "$lab_dir/beat"
	gate_talk inside beat 203.0.113.1 80 "$lab_dir/enough" >"$lab_dir/beat" &
	beat=$!
	lab_until 10 "a flow" grep -q ready "$lab_dir/beat"
	ok "one that translates" load "$plain" "$to" \
		'pass out on wan0 inet proto udp from 10.1.0.0/24 nat-to 203.0.113.2'
	ok "moves to tcx" gives tcx hook_in lan0
	ok "and on the other device" gives tcx hook_in wan0
	touch "$lab_dir/enough"
	wait $beat
	tail -n 1 "$lab_dir/beat" >"$out"
	ok "a flow that nothing translates goes on meanwhile" same_twice
	ok "and UDP is translated" gives 203.0.113.2 try_natudp4
	ok "one without translation again" load "$plain" "$to"
	ok "stays where it is" gives tcx hook_in lan0
	ok "and translates nothing" gives 10.1.0.2 try_natudp4
	ip -n outside route del 10.1.0.0/24
}

same_twice() {
	local asked answered rest
	read -r asked answered rest <"$out"
	[ "$asked" -gt 10 ] && [ "$asked" = "$answered" ]
}

route_localnet() { # DEVICE...
	local device
	for device; do
		on gate cat "/proc/sys/net/ipv4/conf/$device/route_localnet"
	done | tr '\n' ' '
}

test_localnet() {
	local rdr='pass in on lan0 inet proto tcp to port 443 rdr-to 127.0.0.1 port 8080'
	gate_engine plain
	on gate sysctl -qw net.ipv4.conf.wan1.route_localnet=1
	ok "nothing is set before" gives '0 0 1 ' route_localnet lan0 wan0 wan1
	ok "a redirection to 127.0.0.1" load "$rdr"
	ok "sets route_localnet there, and only there" gives '1 0 1 ' \
		route_localnet lan0 wan0 wan1
	ok "and reaches the proxy" gives 10.1.0.2 try_proxy
	ok "one on all devices" load "${rdr/on lan0 /}"
	ok "sets it on all" gives '1 1 1 ' route_localnet lan0 wan0 wan1
	ok "a policy without" load 'pass in on lan0'
	ok "puts back what was not set before" gives '0 0 1 ' \
		route_localnet lan0 wan0 wan1
	ok "the redirection again" load "$rdr"
	gate_nfload unload --leave open
	ok "unload puts it back" gives '0 0 1 ' route_localnet lan0 wan0 wan1
	test_localnet_back "$rdr"
}

# The same where a policy comes back, or is not kept: it is set while one needs it
# that is in force, or that the kernel may go back to.
test_localnet_back() { # RDR
	local plain='pass in on lan0'
	ok "a policy without" load "$plain"
	ok "and then the redirection" load "$1"
	gate_nfload rollback
	ok "rollback puts it back" gives '0 0 1 ' route_localnet lan0 wan0 wan1
	gate_nfload rollback
	ok "and sets it again for the redirection" gives '1 0 1 ' \
		route_localnet lan0 wan0 wan1
	ok "which works" gives 10.1.0.2 try_proxy
	ok "a trial of one without" load_trial 60s "$plain"
	ok "leaves it, as the trial may fail" gives '1 0 1 ' \
		route_localnet lan0 wan0 wan1
	gate_nfload rollback
	ok "it failed" gives 10.1.0.2 try_proxy
	ok "a trial again" load_trial 60s "$plain"
	gate_nfload confirm
	ok "which is confirmed puts it back" gives '0 0 1 ' \
		route_localnet lan0 wan0 wan1
	ok "a trial of the redirection" load_trial 2s "$1"
	lab_until 20 "the trial's end" gives went-back trial
	lab_spawn gate nfload --bpffs "$lab_dir/bpf" watch --every=1s \
		2>>"$lab_dir/nfload.log"
	ok "that the kernel took back: a watch puts it back" within 20 gives \
		'0 0 1 ' route_localnet lan0 wan0 wan1
	ok "the redirection on all devices" load "${1/on lan0 /}"
	made_again
	ok "a watch sets it on one that is made again" within 20 gives '1 1 1 ' \
		route_localnet lan0 wan0 wan1
	kill -TERM "$lab_pid"
	wait "$lab_pid" 2>/dev/null
	gate_nfload unload --leave blocked
	ok "unload that leaves all blocked puts it back" gives '0 0 0 ' \
		route_localnet lan0 wan0 wan1
	gate_nfload unload --leave open
}

made_again() { # wan1, and its other end
	ip -n gate link del wan1
	lab_link gate wan1 outside out1
	lab_addr gate wan1 198.51.100.2/24 2001:db8:3::2/64
	lab_addr outside out1 198.51.100.1/24 2001:db8:3::1/64
	lab_until 10 "IPv6 addresses" gate_is_tentative
}

within() { # SECONDS COMMAND...
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

trial() {
	on gate nfload status --json --bpffs "$lab_dir/bpf" 2>>"$out" |
		jq -r .trial
}

load_trial() { # TIME LINE...
	policy "${@:2}"
	gate_nfload apply "--confirm=$1" "$lab_dir/policy.nfr" && return
	tail -n 20 "$lab_dir/nfload.log" >"$out"
	return 1
}

sends() { # NETNS ADDRESS PORT
	on "$1" $lab_python -SE "$lab_top/tests/net/send.py" udp "$3" "$2" \
		count=3 pps=50
}

# Datagrams to port 9 that outside and far see, by device.
count_copies() {
	on outside nft -f - <<-COUNT
		table inet copies
		delete table inet copies
		table inet copies {
			chain in {
				type filter hook prerouting priority 0;
				iifname out0 udp dport 9 counter comment "wan0"
				iifname out1 udp dport 9 counter comment "wan1"
				iifname out0 udp dport 9 ip ttl 63 counter comment "forwarded"
			}
		}
	COUNT
}

copied() { # "by wan0, by wan1"
	sleep 0.2
	on outside nft list table inet copies |
		sed -n 's/.*packets \([0-9]*\).*wan[01].*/\1/p' | tr '\n' ' '
}

forwarded() { # by wan0, with a hop less
	sleep 0.2
	on outside nft list table inet copies |
		sed -n 's/.*packets \([0-9]*\).*forwarded.*/\1/p'
}

test_dup_to() {
	gate_engine plain
	ok "what is forwarded is copied" load \
		'pass in on lan0 proto udp to port 9 dup-to (wan1 198.51.100.1)' \
		'pass out on { wan0 wan1 } proto udp to port 9'
	count_copies
	sends inside 203.0.113.1 9
	ok "three go where they go, three are copies" gives '3 3 ' copied
	ok "what this host sends is copied" load \
		'pass out on wan0 proto udp to port 9 dup-to (wan1 198.51.100.1)' \
		'pass out on wan1 proto udp to port 9'
	count_copies
	sends gate 203.0.113.1 9
	ok "the same" gives '3 3 ' copied
	ok "IPv6 is copied" load \
		'pass in on lan0 inet6 proto udp to port 9 dup-to (wan1 2001:db8:3::1)' \
		'pass out on { wan0 wan1 } proto udp to port 9'
	count_copies
	sends inside 2001:db8:1::1 9
	ok "the same of it" gives '3 3 ' copied
	ok "a copy is sent elsewhere again" load \
		'pass in on lan0 proto udp to port 9 dup-to (wan1 198.51.100.1)' \
		'pass out on wan0 proto udp to port 9' \
		'pass out on wan1 inet proto udp to port 9 route-to (wan0 203.0.113.1)'
	count_copies
	sends inside 203.0.113.1 9
	ok "and arrives there" gives '6 0 ' copied
	ok "each with a hop less" gives 6 forwarded
	ok "a device that blocks copies gets none" load \
		'pass in on lan0 proto udp to port 9 dup-to (wan1 198.51.100.1)' \
		'pass out on wan0 proto udp to port 9'
	count_copies
	sends inside 203.0.113.1 9
	ok "and what was copied goes on" gives '3 0 ' copied
}

# What this host sends, and what it forwards, by another device than the routes
# say; and answers by another than that where they were asked for.
test_route_out() {
	local who
	gate_engine plain
	for who in gate inside; do
		ok "what $who sends goes elsewhere" load \
			'pass in on lan0 proto udp to port 9' \
			'pass out on wan0 inet proto udp to port 9 route-to (wan1 198.51.100.1)' \
			'pass out on wan0 inet6 proto udp to port 9 route-to (wan1 2001:db8:3::1)' \
			'pass out on wan1 proto udp to port 9'
		count_copies
		sends $who 203.0.113.1 9
		ok "by the other device" gives '0 3 ' copied
		sends $who 2001:db8:1::1 9
		ok "IPv6 too" gives '0 6 ' copied
	done
	ok "what is answered elsewhere" load \
		'pass in on wan1 inet proto udp to 198.51.100.2 port 8080 reply-to (wan0 203.0.113.1)' \
		'pass in on wan1 inet6 proto udp to 2001:db8:3::2 port 8080 reply-to (wan0 2001:db8:1::1)' \
		'pass out on wan0 proto udp from port 8080'
	ok "leaves there" gives 198.51.100.1 \
		try_elsewhere 198.51.100.2 198.51.100.1
	ok "IPv6 too" gives 2001:db8:3::1 try_elsewhere 2001:db8:3::2 2001:db8:3::1
}

try_elsewhere() { # ADDRESS LOCAL
	gate_talk outside who "$1" 8080 udp local="$2" | first_word
}

# A flow by what a table gave, when that is no member any more: it is the same
# flow to its ends, and does not go on by it.
test_tables() {
	gate_engine plain
	ok "sources, targets and hops of tables" load \
		'table <hops> { 203.0.113.1 2001:db8:1::1 }' \
		'table <sources> { 203.0.113.2 2001:db8:1::2 }' \
		'table <servers> { 10.1.0.2 fd01::2 }' \
		'pass in on lan0' \
		'pass out on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to <sources> static-port' \
		'pass out on wan0 inet6 from fd01::/64 nat-to <sources> static-port' \
		'pass out on wan0 inet from (wan0) route-to <hops>' \
		'pass out on wan0 inet6 from (wan0) route-to <hops>' \
		'pass in on wan0 inet proto udp to port 8000 rdr-to <servers> port 80' \
		'pass in on wan0 inet6 proto udp to port 8000 rdr-to <servers> port 80'
	ok "a source" gives "203.0.113.2 5000" same_flow inside 203.0.113.1
	ok "IPv6" gives "2001:db8:1::2 5000" same_flow inside 2001:db8:1::1
	ok "is replaced" replace sources 203.0.113.3 2001:db8:1::3
	ok "and gone" gives "203.0.113.3 5000" same_flow inside 203.0.113.1
	ok "IPv6 too" gives "2001:db8:1::3 5000" same_flow inside 2001:db8:1::1
	ok "a hop" gives "203.0.113.2 5000" same_flow gate 203.0.113.1
	ok "IPv6" gives "2001:db8:1::2 5000" same_flow gate 2001:db8:1::1
	ok "where nobody is" replace hops 203.0.113.9 2001:db8:1::9
	ok "is gone" gives "" same_flow gate 203.0.113.1
	ok "IPv6 too" gives "" same_flow gate 2001:db8:1::1
	ok "and comes back" replace hops 203.0.113.1 2001:db8:1::1
	ok "as it was" gives "203.0.113.2 5000" same_flow gate 203.0.113.1
	ok "a target" gives "203.0.113.1 5000" same_flow outside 203.0.113.2 8000
	ok "IPv6" gives "2001:db8:1::1 5000" \
		same_flow outside 2001:db8:1::2 8000
	ok "where nobody is" replace servers 10.1.0.9 fd01::9
	ok "is gone" gives "" same_flow outside 203.0.113.2 8000
	ok "IPv6 too" gives "" same_flow outside 2001:db8:1::2 8000
}

replace() { # TABLE ADDRESS...
	gate_nfload table "$1" replace "${@:2}"
}

same_flow() { # NETNS ADDRESS [PORT]
	TALK_SECONDS=0.5 gate_talk "$1" who "$2" "${3-80}" udp from=5000
}

blocked_by() { # REASON
	on gate nfload show counters --json --bpffs "$lab_dir/bpf" |
		jq "[.counters[] | select(.reason == \"$1\") | .packets] | add // 0"
}

# Two devices that send a packet to each other for ever.
test_circle() {
	local before
	gate_engine plain
	ok "a policy that goes in circles" load 'pass in on lan0' \
		'pass out on wan0 inet proto udp to port 9 route-to (wan1 198.51.100.1)' \
		'pass out on wan1 inet proto udp to port 9 route-to (wan0 203.0.113.1)'
	before=$(blocked_by loop)
	count_copies
	sends inside 203.0.113.1 9
	ok "ends them" gives '0 0 ' copied
	ok "with a reason" test "$(blocked_by loop)" -gt "$before"
	ok "one of IPv6" load 'pass in on lan0' \
		'pass out on wan0 inet6 proto udp to port 9 route-to (wan1 2001:db8:3::1)' \
		'pass out on wan1 inet6 proto udp to port 9 route-to (wan0 2001:db8:1::1)'
	before=$(blocked_by loop)
	count_copies
	sends inside 2001:db8:1::1 9
	ok "ends them" gives '0 0 ' copied
	ok "with a reason" test "$(blocked_by loop)" -gt "$before"
}

# What is forwarded into a tunnel has the tunnel's address there, and no other.
load_tunnel() { # LINE
	gate_engine plain
	cat >"$lab_dir/policy.nfr" <<-POLICY
		set skip on lo
		tunnel wan0 over any {
			transport proto udp to 198.51.100.1 port 51820
			exclude to 10.1.0.0/24
			link arp ndp
		}
		pass in on lan0
		pass out on wan0
		${1-}
	POLICY
	gate_nfload apply "$lab_dir/policy.nfr"
}

test_into_tunnel() {
	ip -n outside route add 10.1.0.0/24 via 203.0.113.2
	ok "a tunnel that translates" load_tunnel \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2'
	ok "carries TCP of others" gives 203.0.113.2 try_nat4
	ok "and UDP" gives 203.0.113.2 try_natudp4
	ok "one that does not" load_tunnel
	ok "carries none" unanswered inside 203.0.113.1 80
	ip -n outside route del 10.1.0.0/24
}

# ---- packets that are cut behind the translation ------------------------------

sums_capture() { # NETNS IF: what comes in there
	lab_spawn "$1" tcpdump --immediate-mode -U -n -B 32768 -s 2000 -Z root \
		-i "$2" -Q in -w "$lab_dir/sums.$1" 'tcp or udp' \
		2>"$lab_dir/sums.$1.log"
	dumpers+=("$lab_pid")
	lab_until 5 tcpdump grep -q 'listening on' "$lab_dir/sums.$1.log"
}

sums_end() { # of all; none dropped by the kernel
	sleep 0.2
	kill "${dumpers[@]}"
	wait "${dumpers[@]}"
	dumpers=()
	cat "$lab_dir"/sums.*.log >"$out"
	[ "$(grep -c '^0 packets dropped by kernel' "$out")" = 2 ]
}

# Of NETNS's capture: at least LEAST packets of PROTO, and each has its sum.
sums_are_right() { # NETNS LEAST PROTO RIGHT
	local all
	tcpdump -nvvr "$lab_dir/sums.$1" "$3" >"$lab_dir/sums.text" 2>/dev/null
	all=$(grep -cE "$4" "$lab_dir/sums.text")
	grep -E 'incorrect|bad udp cksum' "$lab_dir/sums.text" | head -n 5 >"$out"
	echo "$1: $all of $3" | tee -a "$out" | sed 's/^/# /'
	[ "$all" -ge "$2" ] && ! grep -qE 'incorrect|bad udp' "$out"
}

kernel_finds_wrong() { # NETNS: segments and datagrams
	on "$1" nstat -asz TcpInCsumErrors UdpInCsumErrors Udp6InCsumErrors |
		awk '/Csum/ { lines++; wrong += $2 } END { print lines, wrong }'
}

# Of the packets that nfr saw of these flows some were this long at least.
saw_long() { # BYTES PROTO FAMILY
	on gate nfload show states proto "$2" --json --bpffs "$lab_dir/bpf" \
		>"$out"
	jq -e "[.states[] | select(.family == \"$3\") |
		(select(.packets_in > 0) | .bytes_in / .packets_in),
		(select(.packets_out > 0) | .bytes_out / .packets_out)] |
		max >= $1" "$out" >/dev/null
}

# The hosts send long packets whose sums are not made yet; the gate's devices can
# not, so what it sends was cut and summed behind the translation.
test_gso() {
	local ns family dumpers=()
	gate_engine plain
	ok "a policy that translates both ways" load 'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2' \
		'pass out on wan0 inet6 from fd01::/64 nat-to 2001:db8:1::2' \
		'pass in on wan0 inet proto tcp to port 8003 rdr-to 10.1.0.2 port 81' \
		'pass in on wan0 inet6 proto tcp to port 8003 rdr-to fd01::2 port 82' \
		'pass in on wan0 inet proto udp to port 8000 rdr-to 10.1.0.2 port 80' \
		'pass in on wan0 inet6 proto udp to port 8000 rdr-to fd01::2 port 80' \
		'pass out on lan0'
	gate_nfload kill states --all
	lab_offloads_off gate lan0
	lab_offloads_off gate wan0
	sums_capture inside eth0
	sums_capture outside out0
	ok "TCP out is whole" gives same try_gso bulk inside 203.0.113.1 81
	ok "IPv6" gives same try_gso bulk inside 2001:db8:1::1 81
	ok "TCP in is whole" gives same try_gso bulk outside 203.0.113.2 8003
	ok "IPv6" gives same try_gso bulk outside 2001:db8:1::2 8003
	ok "UDP out is whole" gives same try_gso cut inside 203.0.113.1 80
	ok "IPv6" gives same try_gso cut inside 2001:db8:1::1 80
	ok "UDP in is whole" gives same try_gso cut outside 203.0.113.2 8000
	ok "IPv6" gives same try_gso cut outside 2001:db8:1::2 8000
	for family in inet inet6; do
		ok "nfr saw long TCP packets, $family" saw_long 5000 tcp $family
		ok "and UDP, $family" saw_long 5000 udp $family
	done
	ok "all is captured" sums_end
	for ns in inside outside; do
		for family in ip ip6; do
			ok "segments of TCP have their sums, $ns, $family" \
				sums_are_right $ns 800 "$family and tcp" \
				'cksum 0x[0-9a-f]+ \(correct\).*length 1[0-9]{3}'
			ok "datagrams too, $ns, $family" \
				sums_are_right $ns 82 "$family and udp" 'udp sum ok'
		done
		ok "its kernel finds none wrong" gives '3 0' kernel_finds_wrong $ns
	done
}

try_gso() { # VERB NETNS ADDRESS PORT
	gate_talk "$2" "$1" "$3" "$4" 2000000 | first_word
}

gate_up
test_shipped
test_hooks_move
test_localnet
test_dup_to
test_route_out
test_tables
test_circle
test_into_tunnel
test_gso
echo "1..$number"
[ -z "${GATE_KEEP-}" ] || cp -r "$lab_dir" "$GATE_KEEP"
[ $failed = 0 ]
