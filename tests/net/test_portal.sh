#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_portal.sh: "nfload portal": what it opens, for whom, and that it closes:
# by hand, by the kernel, by a reload, and when nfload is killed.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP portal: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

web=203.0.113.80 router=10.9.0.2 inside=10.64.0.77 user=1002
owner=$lab_top/tests/net/owner.py

write_policy() { # PORTAL [MORE]
	cat >"$lab_dir/portal.nfr" <<-POLICY
		tunnel tun0 over any {
			transport proto udp to 198.51.100.7 port 51820
			dns 10.64.0.1
			link arp
			$1
		}
		${2-}
	POLICY
}

as() { # USER PROTO ADDRESS PORT: is it answered?
	on host setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$lab_python" -SE "$owner" ask "$2" "$3" "$4" >"$out" 2>&1
	grep -qx yes "$out"
}

asked() {
	as $user "$@"
}

no() { # CONDITION...
	! "$@"
}

portal_works() {
	asked tcp $web 80 && asked tcp $web 443 && asked udp $router 53 &&
		asked tcp $router 53
}

# Nothing of a portal; asked at once, as what is blocked takes its time.
is_closed() {
	local job bad=0 jobs=()
	for job in "tcp $web 80" "tcp $web 443" "udp $router 53"; do
		# shellcheck disable=SC2086 # words
		(out=$out.$BASHPID no asked $job) &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job" || bad=1
	done
	[ $bad = 0 ]
}

# What a portal does not need, each. Datagrams are counted, as an answer comes
# from another address.
each_other() { # CONDITION...
	"$@" asked tcp $web 8080 && "$@" asked tcp $router 853 &&
		"$@" asked tcp $inside 80 && "$@" reaches 443 $web datagrams &&
		"$@" reaches 53 $web datagrams && "$@" reaches 53 $inside datagrams
}

count_udp() {
	ip netns exec far nft -f - <<-COUNT
		table netdev datagrams {
			chain in {
				type filter hook ingress device far0 priority 0;
				udp dport 53 counter
				udp dport 443 counter
			}
		}
	COUNT
}

yes() {
	"$@"
}

test_without() {
	ok "without a policy the portal answers" portal_works
	ok "and everything else" each_other yes
}

test_open() {
	write_policy "portal on up0"
	ok "a policy with a portal" gives 0 apply "$lab_dir/portal.nfr"
	ok "has it closed" is_closed
	ok "opened, it says what is open" gives_saying \
		"open to TCP 80 and 443, and to DNS at 10.9.0.2 (by --dns); in 60 s" \
		0 portal up0 --for=60s --dns=$router
	ok "works" portal_works
	ok "lets by nothing else" each_other no
	ok "status tells it first" gives_saying \
		"but the portal on up0 is open" 5 status
	ok "and whom it may ask" says "DNS to 10.9.0.2"
	ok "for how long" says "s the kernel closes it"
	ok "in JSON too" is portal up0
	ok "rules tell what it let by" gives_saying "(portal)" 0 show rules
	ok "nobody can keep it" gives_saying "nobody can keep" 3 confirm
	ok "nor open a second" gives_saying "open already" 3 portal up0
	ok "it works still" portal_works
}

test_end() {
	on host "$lab_python" -SE "$owner" hold tcp $web 80 <"$lab_dir/lines" \
		>"$lab_dir/held" 2>&1 &
	holder=$!
	exec 8>"$lab_dir/lines"
	echo >&8
	ok "a connection by it" soon 5 grep -q yes "$lab_dir/held"
	ok "--end closes it" gives_saying "is closed: generation 1" 0 portal --end
	ok "at once" is_closed
	: >"$lab_dir/held"
	echo >&8
	ok "the connection ends, too" soon 10 grep -q no "$lab_dir/held"
	exec 8>&-
	kill $holder 2>/dev/null
	wait $holder 2>/dev/null
	ok "all is guarded" gives 0 status
	ok "and says no word of it" no says "portal on"
	ok "there is none to close" gives 1 portal --end
	ok "it is no part of the history" test \
		"$(ip netns exec host nfload --bpffs "$pins" history | wc -l)" \
		-le 2
}

forgetful_rollback() {
	on host env -u NFR_STATE nfload --bpffs "$pins" rollback >"$out" 2>&1
}

test_time() {
	ok "for two seconds" gives 0 portal up0 --for=2s --dns=$router
	ok "it works" asked tcp $web 80
	ok "no process is left of it" test -z "$(pgrep -x nfload)"
	ok "then the kernel closes it" soon 5 is_closed
	ok "by itself" is posture guarded
	ok "and rollback does not open it" gives 1 rollback
	ok "which it could not" is_closed
	ok "nor one that knows no history" no forgetful_rollback
	ok "it stays closed" is_closed
}

test_killed() {
	local i bad=0
	for ((i = 0; i < 12; i++)); do
		ip netns exec host nfload --bpffs "$pins" portal up0 --for=1s \
			--dns=$router >"$out" 2>&1 </dev/null &
		sleep "0.0$(printf %02d $((i * 8)))"
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		soon 4 is_closed || bad=$((bad + 1))
		is posture guarded || bad=$((bad + 1))
	done
	ok "killed 12 times, it closed each time" test $bad = 0
}

test_reload() {
	ok "open" gives 0 portal up0 --for=60s --dns=$router
	ok "a reload closes it" gives_saying "is closed now" 0 \
		apply "$lab_dir/portal.nfr"
	ok "for good" is_closed
	nfload portal up0 --for=60s --dns=$router
	ok "open again" asked tcp $web 80
	ok "a rollback closes it" gives 0 rollback
	ok "and no more" is_closed
	nfload portal up0 --for=60s --dns=$router
	ok "unloaded while open" gives 0 unload --leave=blocked
	ok "all is blocked" is_closed
	ok "a load after it" gives 0 apply "$lab_dir/portal.nfr"
	ok "has it closed, too" is_closed
}

test_whose() {
	write_policy "portal on up0 user $user"
	ok "a portal of one user" gives 0 apply "$lab_dir/portal.nfr"
	nfload portal up0 --for=60s --dns=$router
	ok "works for that one" portal_works
	ok "not for another" no as 1003 tcp $web 80
	ok "nor DNS" no as 1003 udp $router 53
	nfload portal --end
}

named_by() { # WHO SAYS: opens, and closes
	gives_saying "DNS at $2 (by $1)" 0 portal up0 --for=60s &&
		nfload portal --end
}

test_resolvers() {
	local index
	index=$(on host cat /sys/class/net/up0/ifindex)
	ok "without a lease it is told" gives_saying "whom to ask" 0 \
		portal up0 --for=60s
	nfload portal --end
	ip -n host route add default via $router dev up0
	ok "the router" named_by "the router" $router
	mkdir -p /run/systemd/netif/leases
	printf 'ADDRESS=10.9.0.1\nDNS=10.9.0.53 203.0.113.53\n' \
		>"/run/systemd/netif/leases/$index"
	ok "a lease" named_by "systemd-networkd's lease" \
		"10.9.0.53, 203.0.113.53"
	printf 'DNS=nonsense ; 300.1.1.1\n' >"/run/systemd/netif/leases/$index"
	ok "one of nonsense names nobody" named_by "the router" $router
	rm "/run/systemd/netif/leases/$index"
	ip -n host route del default
}

test_refused() {
	ok "a device without a portal" gives_saying 'no portal on "lo"' 2 \
		portal lo
	ok "no address" gives_saying "takes an address" 2 portal up0 \
		--dns=resolver
	ok "too long" gives_saying "an hour at most" 2 portal up0 --for=2h
	ok "no device" gives_saying "needs the interface" 2 portal
	ok "a table of it is not changed by hand" gives 2 \
		table "(up0:portal)" add 0.0.0.0/0
	write_policy "portal on up0" \
		"assert block out on up0 proto { tcp udp } to port 53"
	ok "a policy with an assert" gives 0 apply "$lab_dir/portal.nfr"
	ok "what an assert forbids" gives_saying "[assert]" 2 portal up0 \
		--dns=$router
	ok "stays closed" is_closed
	nfload unload --leave open
	ok "without a policy" gives 1 portal up0
}

lab_netns host
lab_netns far
cable
lab_tun host 10.64.0.2/24
lab_addr far far0 $web/32 $inside/32
ip -n host route add 203.0.113.0/24 via $router dev up0
ip -n host route add $inside/32 via $router dev up0 src 10.9.0.1
on host ip link set lo up
mkfifo "$lab_dir/lines"
count_udp
lab_spawn far "$lab_python" -SE "$owner" serve 53 80 443 853 8080 \
	>"$lab_dir/served" 2>&1
lab_until 5 "a server" grep -q ready "$lab_dir/served"
test_without
test_open
test_end
test_time
test_killed
test_reload
test_whose
test_resolvers
test_refused
finish
