#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_steer.sh: apps that a tunnel excludes, or includes -> where their packets
# really go, beside routes that say something else: a real WireGuard tunnel,
# routed as wg-quick does it, both families, TCP and UDP.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP steer: needs root"
	exit 0
}
lab_enter "$0" "$@"

pins=$lab_dir/bpf/nfr out=$lab_dir/out passed=0 failed=0
export NFR_STATE=$lab_dir/state
outside4=$lab_client4 outside6=$lab_client6
inside4=10.64.0.2 inside6=fd00:64::2
connect=$lab_top/tests/net/connect.py

ok() { # WHAT CONDITION...
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok - $what"
	else
		failed=$((failed + 1))
		echo "not ok - $what"
		sed 's/^/# /' "$out"
	fi
}

nfload() {
	on client nfload --bpffs "$pins" "$@" >"$out" 2>&1
}

rules=
policy() { # OPTION|- CLAUSE...: and after the tunnel $rules
	local option=()
	[ "$1" = - ] || option=("$1")
	shift
	cat >"$lab_dir/steer.nfr" <<-POLICY
		set skip on lo
		tunnel wg0 rebind over any {
			transport proto udp to $lab_endpoint4 port $lab_endpoint_port
			$(printf '%s\n' "$@")
			dns 10.64.0.1
			link arp ndp dhcp
		}
		$rules
	POLICY
	ok "apply: $*" nfload apply "${option[@]}" "$lab_dir/steer.nfr"
}

# as USER GROUP COMMAND...
as() {
	local user=$1 group=$2
	shift 2
	on client setpriv --reuid="$user" --regid="$group" --clear-groups "$@"
}

in_app() { # COMMAND...: in the cgroup of the app
	(
		echo "$BASHPID" >"$cgroups/$group/cgroup.procs"
		exec ip netns exec client "$@"
	)
}

# comes_from ADDRESS TARGET HOW WHO...: how the server sees it
comes_from() {
	local want=$1 to=$2 proto=$3 came
	shift 3
	came=$("$@" "$lab_python" -SE "$connect" "$proto" \
		"$to" 7 word=who 2>&1)
	echo "came from \"$came\", not $want" >"$out"
	[ "$came" = "$want" ]
}

goes() { # outside|inside WHAT WHO...: by both families, TCP and UDP
	local where=$1 what=$2 proto from4=$outside4 from6=$outside6
	shift 2
	[ "$where" = outside ] || from4=$inside4 from6=$inside6
	for proto in ${ways:-tcp udp sendto}; do
		ok "$what, $proto: $where" \
			comes_from "$from4" $lab_web4 "$proto" "$@"
		ok "$what, $proto, IPv6: $where" \
			comes_from "$from6" $lab_web6 "$proto" "$@"
	done
}

# As the capture at the server has it.
pings_from() { # ADDRESS WHO...
	local want=$1 log=$lab_dir/ping.log watch
	shift
	: >"$log"
	lab_spawn internet tcpdump --immediate-mode -l -n -Z root -i any \
		"icmp[0] == 8 and dst $lab_web4" >"$out" 2>"$log"
	watch=$lab_pid
	lab_until 5 tcpdump grep -q listening "$log"
	"$@" ping -q -c 1 -W 2 $lab_web4 >>"$log"
	soon 5 grep -q " $want > $lab_web4" "$out"
	local status=$?
	kill "$watch"
	wait "$watch" 2>/dev/null
	return $status
}

# Cgroups are the machine's: ours has a name of its own, and goes at the end.
cgroups=$lab_dir/cgroups group=nfr-test-${lab_dir##*.}
cgroups_begin() {
	mkdir "$cgroups"
	mount -t cgroup2 none "$cgroups"
	mkdir "$cgroups/$group"
	trap 'rmdir "$cgroups/$group"; umount "$cgroups"' EXIT
}

ours() { # NUMBER: so many rules of ours, of both families
	local count
	count=$({
		ip -n client rule list
		ip -n client -6 rule list
	} | grep -cE 'fwmark 0x6e6672.*lookup 723[56]')
	echo "$count rules, not $1" >"$out"
	[ "$count" = "$1" ]
}

excludes() {
	policy --steer=off "exclude user 1001" "exclude group 2002"
	goes inside "not steered, the routes say" as 1001 1001
	nfload status
	ok "status says that it is off" grep -q 'steering: off: .*--steer=auto' "$out"
	policy - "exclude user 1001" "exclude group 2002" \
		"exclude cgroup \"$group\"" "exclude to $lab_web4 user 1003"
	ok "three rules a family" ours 6
	goes outside "an excluded user" as 1001 1001
	goes outside "an excluded group" as 1002 2002
	goes outside "an excluded cgroup" in_app
	goes inside "another user" as 1002 1002
	ok "a user to one address" comes_from $outside4 $lab_web4 tcp as 1003 1003
	ok "and to another" comes_from $inside6 $lab_web6 tcp as 1003 1003
	ok "an excluded user pings" pings_from $outside4 as 1001 1001
	ok "another pings" pings_from $inside4 as 1002 1002
	ok "the resolver inside, of an excluded user" \
		as 1001 1001 "$lab_python" -SE "$lab_top/tests/net/send.py" \
		dns 10.64.0.1 example.org
}

hold_open() { # UDP, connected; asked over fd 8, answers over fd 9
	mkfifo "$lab_dir/questions" "$lab_dir/answers"
	as 1001 1001 "$lab_python" -SE "$lab_top/tests/net/owner.py" hold "$1" \
		$lab_web4 7 <"$lab_dir/questions" >"$lab_dir/answers" &
	exec 8>"$lab_dir/questions" 9<"$lab_dir/answers"
	rm "$lab_dir/questions" "$lab_dir/answers"
}

held() { # yes|no
	local got
	echo >&8
	read -r -t 5 got <&9
	echo "held: $got" >"$out"
	[ "${got%%:*}" = "$1" ]
}

un_excluded() {
	local proto
	for proto in tcp udp; do
		policy - "exclude user 1001"
		hold_open $proto
		ok "$proto: an excluded flow begins" held yes
		policy - "exclude user 1002"
		ok "$proto: it stops when its user is not excluded" held no
		exec 8>&- 9<&-
		goes inside "$proto: and new ones are" as 1001 1001
	done
	goes outside "who is excluded now" as 1002 1002
}

includes() {
	policy - "include user 1001" "include cgroup \"$group\""
	goes inside "an included user" as 1001 1001
	goes inside "an included cgroup" in_app
	goes outside "the rest" as 1002 1002
	# The other way: nothing is routed inside.
	local family
	for family in -4 -6; do
		ip -n client $family rule del table main suppress_prefixlength 0
		ip -n client $family rule del not fwmark $lab_mark \
			table $lab_mark
	done
	goes inside "an included user, routed outside" as 1001 1001
	goes outside "the rest, routed outside" as 1002 1002
}

# Routes of somebody's, half a world each, and a host that stays what it is.
other_routes() {
	policy - "exclude user 1001"
	ways="tcp udp" goes inside "all else, whose default route leads outside" \
		as 1002 1002
	ok "datagrams of a socket that is not connected are told" \
		comes_from "send EPERM" $lab_web4 sendto as 1002 1002
	ip -n client route add 0.0.0.0/1 dev wg0
	ip -n client route add 128.0.0.0/1 dev wg0
	ip -n client route add $lab_endpoint4 via $lab_router4
	ok "by halves of the world inside" \
		comes_from $outside4 $lab_web4 tcp as 1001 1001
	ip -n client route del 0.0.0.0/1 dev wg0
	ip -n client route del 128.0.0.0/1 dev wg0
}

watched() {
	lab_spawn client nfload --bpffs "$pins" watch --every=1s \
		2>"$lab_dir/watch.log"
	local watch=$lab_pid
	ip -n client rule del pref 7235
	ip -n client -6 rule del pref 7236
	ok "watch puts rules back" soon 15 ours 6
	ip -n client route flush table 7236
	ok "and routes" soon 15 comes_from $inside4 $lab_web4 tcp as 1002 1002
	ip -n client route replace default via $lab_router4 metric 50
	ok "and follows the uplink's" \
		soon 15 eval "ip -n client route list table 7235 | grep -q 'metric 50'"
	lab_tunnel_kill
	ok "without a tunnel, who is excluded goes on" \
		comes_from $outside4 $lab_web4 tcp as 1001 1001
	ok "and others are told" \
		comes_from "connect EPERM" $lab_web4 tcp as 1002 1002
	lab_tunnel_up
	ok "and it is back" soon 15 comes_from $inside4 $lab_web4 tcp as 1002 1002
	ok "status says so" soon 15 \
		eval "nfload status -v; grep -q '^steering *marks *\$' '$out'"
	kill "$watch"
	wait "$watch"
	on client sysctl -qw net.ipv4.conf.eth0.rp_filter=1
	nfload status -v
	ok "and what keeps answers away" grep -q 'eth0 drops answers' "$out"
	on client sysctl -qw net.ipv4.conf.eth0.rp_filter=0
}

# Whoever adds a rule without a preference comes before the first that is there.
rules_after() {
	local family
	nfload unload --leave=open
	lab_tunnel_kill
	for family in -4 -6; do
		ip -n client $family rule del table main suppress_prefixlength 0
		ip -n client $family rule del not fwmark $lab_mark \
			table $lab_mark
	done 2>/dev/null
	policy - "exclude user 1001"
	lab_tunnel_up
	nfload apply "$lab_dir/steer.nfr"
	goes outside "an excluded user, after rules of others" as 1001 1001
	ip -n client rule add from 192.0.2.9 lookup main pref 90
	for family in -4 -6; do
		ip -n client $family rule add not fwmark $lab_mark \
			table $lab_mark pref 77
	done
	nfload status
	ok "when more of them come first, status says so" \
		grep -q 'others come first' "$out"
	lab_spawn client nfload --bpffs "$pins" watch --every=1s \
		2>"$lab_dir/watch.log"
	local watch=$lab_pid
	ok "watch sees more of them" soon 15 \
		comes_from $outside4 $lab_web4 tcp as 1001 1001
	ok "six of ours" soon 15 ours 6
	goes inside "another user" as 1002 1002
	ok "somebody's own stay" eval "ip -n client rule list | grep -q '^90:.*192.0.2.9'"
	kill "$watch"
	wait "$watch"
	ip -n client rule del pref 77
	ip -n client rule del pref 90
	ip -n client -6 rule del pref 77
	nfload apply "$lab_dir/steer.nfr"
	ok "and back, when they are gone" ours 6
}

# A route in table main for just a part of the world is somebody's word.
own_routes() {
	ways=tcp
	policy - "exclude to { $lab_web4 $lab_web6 }"
	goes outside "an excluded address" as 1002 1002
	ip -n client route add $lab_web4/32 dev wg0
	ip -n client -6 route add $lab_web6/128 dev wg0
	nfload apply "$lab_dir/steer.nfr"
	goes inside "with a route of its own into the tunnel" as 1002 1002
	policy - "exclude user 1001"
	goes outside "but not of an excluded user" as 1001 1001
	ip -n client route del $lab_web4/32 dev wg0
	ip -n client -6 route del $lab_web6/128 dev wg0
	unset ways
}

# listens USER ADDRESS: at port 2222; its pid in $lab_pid
listens() {
	lab_spawn client setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$lab_python" -SE "$connect" serve 2222 "$2" >"$lab_dir/listen.log"
	lab_until 5 "connect.py serve" grep -q ready "$lab_dir/listen.log"
}

reached() { # FROM ADDRESS: yes
	on "$1" "$lab_python" -SE "$connect" tcp "$2" 2222 >"$out" 2>&1
	grep -q yes "$out"
}

listeners() {
	rules="pass in proto tcp to port 2222"
	policy - "include user 1001"
	listens 1002 10.64.0.2
	ok "who is not included answers inside, asked there" \
		reached endpoint 10.64.0.2
	kill "$lab_pid"
	policy - "exclude user 1001"
	listens 1001 $lab_client4
	ok "who is excluded answers outside, asked there" \
		reached internet $lab_client4
	kill "$lab_pid"
	rules=
}

# What was put there goes with the policy that wanted it.
put_back() {
	local without=$lab_dir/without.nfr
	policy - "exclude user 1001"
	sed 's/exclude user 1001/exclude lan/' "$lab_dir/steer.nfr" >"$without"
	nfload apply "$without"
	ok "a policy that excludes the LAN alone steers nothing" ours 0
	nfload rollback
	ok "rollback: they are back" ours 6
	goes outside "the excluded user" as 1001 1001
	nfload rollback
	ok "rollback: they are gone" ours 0
	nfload apply --confirm=2s "$lab_dir/steer.nfr" </dev/null &
	local trial=$!
	ok "on trial" soon 15 ours 6
	wait $trial
	ok "what a trial leaves is told" soon 15 \
		eval "nfload status; grep -q 'not in force are left' '$out'"
	nfload apply "$without"
	ok "and the next apply removes it" ours 0
	nfload apply "$lab_dir/steer.nfr"
	nfload apply --confirm=60s "$without" </dev/null &
	trial=$!
	ok "while it may be gone back to they stay" soon 15 \
		eval "nfload status; grep -q 'on trial' '$out'"
	ok "all of them" ours 6
	nfload confirm
	wait $trial
	ok "confirm: they are gone" ours 0
	nfload apply "$lab_dir/steer.nfr"
	nfload unload --leave=blocked
	ok "blocked: they are gone" ours 0
	nfload apply "$lab_dir/steer.nfr"
	ok "and back" ours 6
	# As after a crash of all that knew of them.
	rm -r "$pins"
	nfload apply "$without"
	ok "what is left from before a first load goes" ours 0
	nfload apply --steer=on "$without"
	ok "asked for, it steers without need" ours 6
	nfload apply --steer=off "$lab_dir/steer.nfr"
	ok "and not" ours 0
	nfload apply "$lab_dir/steer.nfr"
}

# A first load on trial, whose loader gets SIGHUP: the kernel goes back to what
# was before, which was nothing, and has no hand in rules.
first_on_trial() {
	local watch trial
	nfload unload --leave=open
	nfload apply --confirm=2s "$lab_dir/steer.nfr" </dev/null &
	trial=$!
	soon 15 ours 6
	kill -HUP $trial 2>/dev/null
	wait $trial
	ok "a first load on trial: all is open again" soon 15 \
		eval "nfload status; grep -q '^OPEN' '$out'"
	ok "its rules are left, and status says so" \
		grep -q 'not in force are left' "$out"
	lab_spawn client nfload --bpffs "$pins" watch --every=1s \
		2>"$lab_dir/watch.log"
	watch=$lab_pid
	ok "watch removes them" soon 15 ours 0
	kill "$watch"
	wait "$watch"
	nfload apply "$lab_dir/steer.nfr"
	ok "a load after it steers" ours 6
}

# VXLAN routes what it wraps by the mark of that.
wraps_itself() {
	local ns far=$lab_endpoint4 near=$lab_client4 number=2
	ip -n client route add $lab_endpoint4 via $lab_router4
	for ns in client endpoint; do
		[ $ns = client ] || far=$lab_client4 near=$lab_endpoint4 number=1
		ip -n $ns link add vx0 type vxlan id 7 dstport 4789 \
			remote $far local $near
		lab_addr $ns vx0 10.77.0.$number/24
		ip -n $ns link set vx0 up
	done
	lab_spawn endpoint "$lab_python" -SE "$connect" serve 7 10.77.0.1 \
		>"$lab_dir/wraps.log"
	lab_until 5 "connect.py serve" grep -q ready "$lab_dir/wraps.log"
	sed "s/wg0 rebind/vx0/; s/port $lab_endpoint_port/port 4789/; /dns/d" \
		"$lab_dir/steer.nfr" >"$lab_dir/vxlan.nfr"
	# Its answers come from ports of their own.
	echo "pass in on eth0 proto udp from $lab_endpoint4 to any port 4789" \
		>>"$lab_dir/vxlan.nfr"
	ok "a policy for a VXLAN" nfload apply "$lab_dir/vxlan.nfr"
	ok "tcp is led into it, and comes out" \
		comes_from 10.77.0.2 10.77.0.1 tcp as 1002 1002
	ok "and udp" comes_from 10.77.0.2 10.77.0.1 udp as 1002 1002
	ip -n client link del vx0
	ip -n endpoint link del vx0
	ip -n client route del $lab_endpoint4
}

gone() {
	nfload unload --leave=open
	ok "unload removes the rules" ours 0
	ok "and the routes" eval "[ -z \"\$(ip -n client route list table 7235; \
		ip -n client route list table 7236)\" ]"
	ip -n client route add 192.0.2.0/24 dev eth0 table 7235
	nfload apply "$lab_dir/steer.nfr"
	ok "a table of somebody's is left alone" grep -q 'routes of others' "$out"
	ok "and nothing is steered" ours 0
	nfload unload --leave=open
	ok "it is still there" eval "ip -n client route list table 7235 | grep -q 192.0.2"
}

lab_up
lab_spawn internet "$lab_python" -SE "$connect" serve 7 $lab_web4 $lab_web6 \
	>"$lab_dir/serve.log"
lab_until 5 "connect.py serve" grep -q ready "$lab_dir/serve.log"
cgroups_begin
excludes
un_excluded
listeners
includes
other_routes
own_routes
put_back
first_on_trial
watched
rules_after
wraps_itself
gone
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
