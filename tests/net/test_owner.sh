#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_owner.sh: rules by user, group and cgroup -> what goes through of whom:
# both families, TCP and UDP, out and in; flows whose rule went or came.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP owner: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

far4=10.9.0.2 far6=fd09::2 host4=10.9.0.1 host6=fd09::1
owner=$lab_top/tests/net/owner.py

# as USER GROUP NAMESPACE COMMAND...
as() {
	local user=$1 group=$2 where=$3
	shift 3
	on "$where" setpriv --reuid="$user" --regid="$group" --clear-groups "$@"
}

# The same in the background, as the process of $!.
as_job() {
	local user=$1 group=$2 where=$3
	shift 3
	exec ip netns exec "$where" setpriv --reuid="$user" --regid="$group" \
		--clear-groups "$@"
}

asked() { # USER GROUP PROTO ADDRESS PORT: from host
	as "$1" "$2" host "$lab_python" -SE "$owner" ask "$3" "$4" "$5" \
		>"$out" 2>&1
	grep -qx yes "$out"
}

not_asked() {
	! asked "$@" && grep -q '^no: ' "$out"
}

far_asks() { # PROTO ADDRESS PORT
	on far "$lab_python" -SE "$owner" ask "$@" >"$out" 2>&1
	grep -qx yes "$out"
}

not_far_asks() {
	! far_asks "$@" && grep -q '^no: ' "$out"
}

serve() { # USER GROUP NAMESPACE PORT...: pid in $server
	local log=$lab_dir/serve.$1.$3.$4
	as_job "$1" "$2" "$3" "$lab_python" -SE "$owner" serve "${@:4}" \
		>"$log" 2>&1 &
	server=$!
	lab_until 5 "a server" grep -q ready "$log"
}

hold_open() { # USER PROTO ADDRESS PORT: asked over fd 8, answers over fd 9
	mkfifo "$lab_dir/questions" "$lab_dir/answers"
	as "$1" "$1" host "$lab_python" -SE "$owner" hold "${@:2}" \
		<"$lab_dir/questions" >"$lab_dir/answers" 2>>"$out" &
	holder=$!
	exec 8>"$lab_dir/questions" 9<"$lab_dir/answers"
	rm "$lab_dir/questions" "$lab_dir/answers"
}

held() { # yes|no: what the open socket is told
	local got
	echo >&8
	read -r -t 5 got <&9
	echo "held: $got" >"$out"
	[ "${got%%:*}" = "$1" ]
}

let_go() {
	exec 8>&- 9<&-
}

network() {
	local where
	for where in host far; do
		lab_netns $where
	done
	cable
	lab_addr host up0 $host6/64
	lab_addr far far0 $far6/64
	ip -n host neigh replace $far6 lladdr 02:00:00:00:00:02 dev up0
	ip -n far neigh replace $host6 lladdr 02:00:00:00:00:01 dev far0
	serve 0 0 far 1000 2000 4000
}

policies() {
	cat >"$lab_dir/owners.nfr" <<-'POLICY'
		set skip on lo
		pass out on up0 proto { tcp udp } to any port 1000 user 1001
		pass out on up0 proto { tcp udp } to any port 2000 group 2002
		pass in on up0 proto { tcp udp } to any port 3000 user 1001
	POLICY
	cat >"$lab_dir/others.nfr" <<-'POLICY'
		set skip on lo
		pass out on up0 proto { tcp udp } to any port 1000 user 1002
	POLICY
	cat >"$lab_dir/anyone.nfr" <<-'POLICY'
		set skip on lo
		pass out on up0 proto { tcp udp } to any port 1000
	POLICY
	cat >"$lab_dir/nowhere.nfr" <<-'POLICY'
		set skip on lo
		pass out proto udp to any port 1000 user 1001
	POLICY
}

outward() {
	local proto far
	for proto in tcp udp; do
		for far in $far4 $far6; do
			ok "$proto to $far: of the user of a rule" \
				asked 1001 1001 $proto "$far" 1000
			ok "$proto to $far: not of another user" \
				not_asked 1002 1001 $proto "$far" 1000
			ok "$proto to $far: of the group of a rule" \
				asked 1002 2002 $proto "$far" 2000
			ok "$proto to $far: not of another group" \
				not_asked 2002 1001 $proto "$far" 2000
		done
	done
}

inward() { # yes|no and the user that listens
	local proto address
	for proto in tcp udp; do
		for address in $host4 $host6; do
			if [ "$1" = yes ]; then
				ok "$proto in to $address: user $2 listens" \
					far_asks $proto "$address" 3000
			else
				ok "$proto in to $address: user $2 does not" \
					not_far_asks $proto "$address" 3000
			fi
		done
	done
}

# Who had an open flow loses it with the rule, and gets it back with it.
reloads() {
	local proto
	for proto in udp tcp; do
		ok "apply" gives 0 apply "$lab_dir/owners.nfr"
		hold_open 1001 $proto $far4 1000
		ok "$proto: a flow begins" held yes
		ok "apply" gives 0 apply "$lab_dir/others.nfr"
		ok "$proto: it stops when its user is no longer let out" held no
		let_go
		ok "apply" gives 0 apply "$lab_dir/anyone.nfr"
		hold_open 1001 $proto $far4 1000
		ok "$proto: a flow of anyone begins" held yes
		ok "apply" gives 0 apply "$lab_dir/owners.nfr"
		ok "$proto: it goes on when its user is let out" held yes
		let_go
		ok "apply" gives 0 apply "$lab_dir/anyone.nfr"
		hold_open 1002 $proto $far4 1000
		ok "$proto: another of anyone begins" held yes
		ok "apply" gives 0 apply "$lab_dir/owners.nfr"
		ok "$proto: it stops when only another user is let out" held no
		let_go
	done
}

flows() { # how many states to port 1000
	ip netns exec host nfload --bpffs "$pins" show states >"$out" 2>&1
	grep -c "$far4:1000" "$out"
}

# A datagram of the flow from the other end, late.
far_replies() {
	flows >/dev/null
	on far "$lab_python" -SE -c '
import re, socket, sys
port = re.search(r":(\d+) -> [\d.]+:1000", sys.stdin.read()).group(1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[2], 1000))
s.sendto(b"late", (sys.argv[1], int(port)))' $host4 $far4 <"$out" 2>"$lab_dir/late"
}

let_go_at_last() {
	let_go
	wait $holder
}

# Of a flow from before anyone asked for its owner, the state keeps what a packet
# told, as what comes when the socket is gone has none.
learns() {
	nfload kill states --all
	ok "apply" gives 0 apply "$lab_dir/anyone.nfr"
	hold_open 1001 udp $far4 1000
	ok "a flow of anyone begins" held yes
	ok "apply" gives 0 apply "$lab_dir/owners.nfr"
	ok "it is one of a user's now" held yes
	let_go_at_last
	ok "apply" gives 0 apply "$lab_dir/owners.nfr"
	far_replies
	ok "and still when its socket is gone" test "$(flows)" = 1
	nfload kill states --all
	ok "apply" gives 0 apply "$lab_dir/anyone.nfr"
	hold_open 1002 udp $far4 1000
	ok "another of anyone begins" held yes
	let_go_at_last
	ok "apply" gives 0 apply "$lab_dir/owners.nfr"
	far_replies
	ok "of whom nobody told, it ends" test "$(flows)" = 0
}

# Cgroups are the machine's: ours have a name of their own, and go at the end.
cgroups=$lab_dir/cgroups group=nfr-test-${lab_dir##*.}
cgroups_begin() {
	mkdir "$cgroups"
	mount -t cgroup2 none "$cgroups"
	trap cgroups_end EXIT
}

cgroups_end() {
	find "$cgroups/$group" -depth -type d -exec rmdir {} +
	umount "$cgroups"
}

# in_cgroup PATH PROTO ADDRESS PORT: asked by a process there
in_cgroup() {
	(
		echo "$BASHPID" >"$cgroups/$1/cgroup.procs"
		exec ip netns exec host "$lab_python" -SE "$owner" ask "${@:2}"
	) >"$out" 2>&1
	grep -qx yes "$out"
}

not_in_cgroup() {
	! in_cgroup "$@" && grep -q '^no: ' "$out"
}

cgroup_policy() {
	cat >"$lab_dir/cgroups.nfr" <<-POLICY
		set skip on lo
		pass out on up0 proto { tcp udp } to any port 1000 cgroup "$group/app"
		pass out on up0 proto { tcp udp } to any port 2000 cgroup "$group"
		block out on up0 proto { tcp udp } to any port 2000 \
			cgroup { "$group/app/deep" "$group/other" }
	POLICY
}

by_cgroup() {
	local proto far
	cgroups_begin
	cgroup_policy
	mkdir "$cgroups/$group"
	ok "apply, before the cgroups are there" gives 0 apply "$lab_dir/cgroups.nfr"
	mkdir -p "$cgroups/$group"/{app/deep/er,apple,other}
	for proto in tcp udp; do
		for far in $far4 $far6; do
			ok "$proto to $far: of a cgroup" \
				in_cgroup "$group/app" $proto "$far" 1000
			ok "$proto to $far: of one below it" \
				in_cgroup "$group/app/deep/er" $proto "$far" 1000
			ok "$proto to $far: not of one above it" \
				not_in_cgroup "$group" $proto "$far" 1000
			ok "$proto to $far: not of one whose name goes on" \
				not_in_cgroup "$group/apple" $proto "$far" 1000
			ok "$proto to $far: of all below" \
				in_cgroup "$group/apple" $proto "$far" 2000
			ok "$proto to $far: but of one" \
				not_in_cgroup "$group/app/deep/er" $proto "$far" 2000
			ok "$proto to $far: and another" \
				not_in_cgroup "$group/other" $proto "$far" 2000
			ok "$proto to $far: not of none that is named" \
				not_in_cgroup . $proto "$far" 2000
		done
	done
	rmdir "$cgroups/$group"/app/deep/er "$cgroups/$group"/app/deep \
		"$cgroups/$group"/app
	mkdir "$cgroups/$group"/app
	ok "of a cgroup that was made again" \
		in_cgroup "$group/app" udp $far4 1000
}

# wg0 is a device that swallows; user 1001's table leads out by up0.
tunnel_policy() { # CLAUSE
	cat >"$lab_dir/tunnel.nfr" <<-POLICY
		set skip on lo
		tunnel wg0 over any {
			transport proto udp to $far4 port 4000 user 1003
			$1
			dns 10.64.0.1
			link arp ndp dhcp
		}
	POLICY
}

by_tunnel() {
	lab_netns sink
	ip -n host link add wg0 type veth peer name sink0 netns sink
	lab_addr host wg0 10.64.0.2/24 fd64::2/64
	ip -n sink link set sink0 up
	ip -n host link set wg0 up
	ip -n host route add default dev wg0
	lab_addr far lo 192.0.2.1/32
	ip -n host route add 192.0.2.1 via $far4 dev up0 table 100
	ip -n host rule add uidrange 1001-1001 lookup 100
	tunnel_policy 'exclude user 1001'
	ok "apply" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "an excluded user goes outside" asked 1001 1001 tcp $far4 1000
	ok "another does not" not_asked 1002 1002 tcp $far4 1000
	ok "where its routes lead" asked 1001 1001 tcp 192.0.2.1 1000
	ok "another's lead into the tunnel" not_asked 1002 1002 tcp 192.0.2.1 1000
	ok "the transport is its user's" asked 1003 1003 udp $far4 4000
	ok "and no other's" not_asked 1002 1002 udp $far4 4000
	hold_open 1001 udp $far4 1000
	ok "an excluded flow begins" held yes
	tunnel_policy "exclude cgroup \"$group/app\""
	ok "apply" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "it stops outside when its user is not excluded any more" held no
	let_go
	ok "an excluded cgroup goes outside" \
		in_cgroup "$group/app" udp $far6 1000
	ok "another does not" not_in_cgroup "$group/other" udp $far6 1000
	tunnel_policy 'include user 1001'
	ok "apply" gives 0 apply "$lab_dir/tunnel.nfr"
	ok "an included user does not go outside" \
		not_asked 1001 1001 udp $far4 1000
	ok "others may" asked 1002 1002 udp $far4 1000
	ip -n host rule del uidrange 1001-1001 lookup 100
	ip -n host link del wg0
}

# A device that came after the apply: the floor alone looks.
floor() {
	ok "apply" gives 0 apply "$lab_dir/nowhere.nfr"
	ip -n host link add up1 type veth peer name far1 netns far
	lab_addr host up1 10.9.1.1/24
	lab_addr far far1 10.9.1.2/24
	ip -n host link set up1 up
	ip -n far link set far1 up
	ip -n host neigh replace 10.9.1.2 dev up1 \
		lladdr "$(on far cat /sys/class/net/far1/address)"
	count_far far1 later
	ok "the floor passes what the user of a rule sends" \
		leaves 1001 10.9.1.2 later
	ok "and nothing of another" not_leaves 1002 10.9.1.2 later
}

leaves() { # USER ADDRESS TABLE: 3 to port 1000
	local before came
	before=$(seen 1000 "$3")
	as "$1" "$1" host "$lab_python" "$lab_top/tests/net/send.py" udp 1000 \
		"$2" count=3 2>>"$out"
	came=$(($(seen 1000 "$3") - before))
	echo "$came of 3 came" >"$out"
	[ $came = 3 ]
}

not_leaves() {
	! leaves "$@" && grep -q '^0 of 3' "$out"
}

network
policies
ok "without a policy the user does not matter" asked 1002 1001 udp $far4 1000
ok "apply" gives 0 apply "$lab_dir/owners.nfr"
outward
serve 1001 1001 host 3000
inward yes 1001
kill $server
wait $server
serve 1002 1002 host 3000
inward no 1002
reloads
learns
by_cgroup
by_tunnel
floor
ok "unload" gives 0 unload --leave=open
finish
