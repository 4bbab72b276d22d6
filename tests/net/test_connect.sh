#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_connect.sh: sockets that are connected under a policy -> who is told at
# once that it will not do, and who is left alone.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP connect: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

far4=10.9.0.2 far6=fd09::2
connect=$lab_top/tests/net/connect.py

tells() { # WORDS HOW ADDRESS PORT...: what a program of host is told
	local want=$1 told
	shift
	told=$(on "${where:-host}" "$lab_python" -SE "$connect" "$@" 2>&1)
	echo "told \"$told\", not \"$want\": $*" >"$out"
	[ "$told" = "$want" ]
}

# The same of each way to ask, IPv4 in an IPv6 socket too.
all_tell() { # WHAT WORDS PORT WAYS
	local way address
	for way in $4; do
		for address in $far4 $far6 ::ffff:$far4; do
			ok "$way to $address: $1" tells "$2" "$way" "$address" "$3"
		done
	done
}

network() {
	local ns log=$lab_dir/serve.log
	for ns in host far sink other; do
		lab_netns $ns
	done
	cable
	lab_addr host up0 fd09::1/64
	lab_addr far far0 $far6/64
	ip -n host neigh replace $far6 lladdr 02:00:00:00:00:02 dev up0
	ip -n far neigh replace fd09::1 lladdr 02:00:00:00:00:01 dev far0
	lab_link other eth0 far other0
	lab_addr other eth0 10.9.5.1/24
	lab_addr far other0 10.9.5.2/24
	lab_spawn far "$lab_python" -SE "$lab_top/tests/net/owner.py" serve \
		1000 2000 >"$log"
	lab_until 5 "a server" grep -q ready "$log"
	lab_spawn host "$lab_python" -SE "$lab_top/tests/net/owner.py" serve \
		1000 >"$log.host"
	lab_until 5 "a server" grep -q ready "$log.host"
}

wg0() { # a device that swallows
	ip -n host link add wg0 type veth peer name sink0 netns sink
	lab_addr host wg0 10.64.0.2/24 fd64::2/64
	ip -n sink link set sink0 up
	# Whoever is steered there is not told that nobody answers ARP.
	ip -n host link set wg0 arp off up
}

policy() { # OPTION...: the text is the input
	cat >"$lab_dir/policy.nfr"
	ok "apply" gives 0 apply "$@" "$lab_dir/policy.nfr"
}

tunnel() { # CLAUSE...
	policy <<-POLICY
		set skip on lo
		tunnel wg0 rebind over any {
			transport proto udp to $far4 port 4000
			$1
			link arp ndp dhcp
		}
	POLICY
}

refused() { # NUMBER: so many sockets at least, by the counter
	local count
	nfload --json show counters && count=$(jq '[.counters[] |
		select(.reason == "connect" and .dir == "out").packets] | add' \
		"$out")
	echo "$count refused, not $1" >"$out"
	[ "$count" -ge "$1" ]
}

# Without its tunnel, whatever is not excluded goes nowhere.
closed() {
	tunnel "exclude proto { tcp udp } to $far4 port 2000"
	all_tell "closed" "connect EPERM" 1000 "tcp udp"
	ok "sendto, closed" tells "send EPERM" sendto $far4 1000
	ok "sendto, closed, IPv6" tells "send EPERM" sendto $far6 1000
	ok "sendto, closed, mapped" tells "send EPERM" sendto ::ffff:$far4 1000
	ok "tcp, excluded" tells yes tcp $far4 2000
	ok "udp, excluded" tells yes udp $far4 2000
	ok "sendto, excluded" tells yes sendto $far4 2000
	ok "tcp, excluded, mapped" tells yes tcp ::ffff:$far4 2000
	ok "tcp, excluded, bound to the device" \
		tells yes tcp $far4 2000 device=up0
	ok "tcp, excluded, bound to the address" \
		tells yes tcp $far4 2000 from=10.9.0.1
	ok "tcp to this host" tells yes tcp 10.9.0.1 1000
	ok "tcp to this host, IPv6" tells yes tcp fd09::1 1000
	ok "tcp to loopback" tells yes tcp 127.0.0.1 1000
	ok "tcp to loopback, IPv6" tells yes tcp ::1 1000
	ok "nobody listens on this host" \
		tells "connect ECONNREFUSED" tcp 10.9.0.1 9
	where=other ok "another namespace is left alone" tells yes tcp 10.9.5.2 1000
	ok "each one is counted" refused 6
}

# The tunnel is a way out while it is there, up and trusted, and no longer.
tunnel_comes_and_goes() {
	wg0
	tunnel "exclude proto { tcp udp } to $far4 port 2000"
	all_tell "it may go inside" "connect timeout" 1000 tcp
	ok "tcp, bound to the uplink" \
		tells "connect EPERM" tcp $far4 1000 device=up0
	ok "udp, bound to the uplink" \
		tells "connect EPERM" udp $far4 1000 device=up0
	ok "tcp, excluded" tells yes tcp $far4 2000
	ip -n host link set wg0 down
	ok "tcp, wg0 is down" tells "connect EPERM" tcp $far4 1000
	ip -n host link set wg0 up
	ip -n host addr replace fd64::2/64 dev wg0 nodad
	ok "tcp, wg0 is up again" tells "connect timeout" tcp $far4 1000
	ip -n host link del wg0
	ok "tcp, wg0 is gone" tells "connect EPERM" tcp $far4 1000
	wg0
	ok "tcp, another is called wg0" tells "connect EPERM" tcp $far4 1000
	ip -n host link del wg0
}

un_excluded() {
	tunnel "exclude to $far4"
	ok "tcp, excluded" tells yes tcp $far4 1000
	tunnel "exclude proto { tcp udp } to $far4 port 2000"
	ok "tcp, not excluded any more" tells "connect EPERM" tcp $far4 1000
}

by_rules() {
	policy <<-'POLICY'
		set skip on lo
		block out log proto tcp to any port 1000
		pass out proto { tcp udp } to any port 2000
		pass in proto udp to any port 3000
	POLICY
	all_tell "no rule passes it" "connect EPERM" 1000 "tcp udp"
	all_tell "a rule passes it" yes 2000 "tcp udp sendto"
	ok "udp that has a port may be an answer, and waits" \
		tells "recv timeout" udp $far4 1000 from=10.9.0.1
	ok "udp to no port yet" tells "recv timeout" udp $far4 0
	policy <<-'POLICY'
		set skip on lo
		pass out proto tcp to any port 1000
		pass in proto udp to 10.9.0.1 port 3000
	POLICY
	all_tell "udp may ask for tcp, and waits" "recv timeout" 1000 udp
	policy <<-'POLICY'
		set skip on lo
		pass out on up0 proto tcp from 10.9.0.1 to any port 2000
		pass out proto tcp from any port 1000 to any
	POLICY
	ok "from an address that it may come from" tells yes tcp $far4 2000
	ok "from none that it may come from" \
		tells "connect EPERM" tcp $far6 2000
	policy <<-'POLICY'
		set skip on lo
		pass out proto tcp from any port 50000:60000 to any
	POLICY
	on host sysctl -qw net.ipv4.ip_local_port_range="30000 40000"
	ok "its port is not known yet, and waits" \
		tells "connect timeout" tcp $far4 1000
	on host sysctl -qw net.ipv4.ip_local_port_range="50000 60000"
	ok "its port is not known yet, and it may go" tells yes tcp $far4 1000
	policy -Wno-unknown-interface <<-'POLICY'
		set skip on lo
		pass out on up9 proto tcp to any port 1000
	POLICY
	ok "by a device that is not there" \
		tells "connect EPERM" tcp $far4 1000
}

# Who is redirected on the way out is not who the program wants.
translated() {
	policy <<-POLICY
		set skip on lo
		pass out proto tcp to $far4 port 2000
	POLICY
	ok "tcp, blocked" tells "connect EPERM" tcp 192.0.2.1 1000
	on host nft -f - <<-RULES
		table ip post {
			chain out { type nat hook postrouting priority 100; }
		}
	RULES
	ok "tcp, others translate sources" \
		tells "connect EPERM" tcp 192.0.2.1 1000
	on host nft -f - <<-RULES
		table ip nat {
			chain out {
				type nat hook output priority -100;
				ip daddr 192.0.2.1 tcp dport 1000 dnat to $far4:2000
			}
		}
	RULES
	ok "tcp, others translate its target" tells yes tcp 192.0.2.1 1000
	on host nft flush ruleset
}

# Links that others remove are put back.
kept() {
	lab_spawn host nfload --bpffs "$pins" watch --every=1s \
		2>"$lab_dir/watch.log"
	local watch=$lab_pid
	ok "apply" gives 0 apply "$lab_dir/closed.nfr"
	rm "$pins/sockets/connect4"
	ok "watch puts it back" soon 10 test -e "$pins/sockets/connect4"
	ok "tcp, closed" soon 5 tells "connect EPERM" tcp $far4 1000
	kill $watch
	wait $watch
	ok "status lists it" gives_saying connect4 0 status -v
	ok "and the other" says connect6
	ok "unload" gives 0 unload --leave=open
	ok "nothing is left" test ! -e "$pins"
	ok "tcp" tells yes tcp $far4 1000
}

network
ip -n host route add 192.0.2.1 via $far4
closed
cp "$lab_dir/policy.nfr" "$lab_dir/closed.nfr"
un_excluded
tunnel_comes_and_goes
by_rules
translated
kept
finish
