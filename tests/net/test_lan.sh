#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_lan.sh: "exclude lan" and "exclude discovery": the LAN is what is next to
# the device now; what a DHCP server or a router makes of it stays closed. Each
# way out is tried without a policy first: it must come through then.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP lan: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

far_mac=02:00:00:00:00:02 far1_mac=02:00:00:00:00:12
log=$lab_dir/watch.log

write_policy() { # [CLAUSE]
	cat >"$lab_dir/lan.nfr" <<-POLICY
		tunnel tun0 over any {
			transport proto udp to 198.51.100.7 port 51820
			exclude lan
			exclude discovery { mdns llmnr }
			link arp ndp
			${1-}
		}
		pass in on up1 proto udp to port 7777 no state
	POLICY
}

count_lan() { # IF TABLE
	ip netns exec far nft -f - <<-COUNT
		table netdev $2 {
			chain in {
				type filter hook ingress device "$1" priority 0;
				udp dport 53 counter
				udp dport 853 counter
				udp dport 1000 counter
				udp dport 1900 counter
				udp dport 5353 counter
			}
		}
	COUNT
}

# Everything is answered for, so that no ARP is needed.
routes() {
	local to
	for to in 10.8.0.0/16 198.51.100.0/24 224.0.0.0/4; do
		ip -n host route replace "$to" via 10.9.0.2 dev up0 onlink
	done
	ip -n host route replace 10.9.0.3/32 via 10.10.0.2 dev up1 onlink
	ip -n host route replace 10.9.0.200/32 via 10.9.0.2 dev up0 onlink
	ip -n host neigh replace 10.9.0.2 lladdr $far_mac dev up0
	ip -n host neigh replace 10.10.0.2 lladdr $far1_mac dev up1
	ip -n host -6 neigh replace fd09::2 lladdr $far_mac dev up0
}

second_uplink() {
	ip -n host link add up1 address 02:00:00:00:00:11 type veth \
		peer name far1 netns far address $far1_mac
	lab_addr host up1 10.10.0.1/24
	ip -n host link set up1 up
	ip -n far link set far1 up
}

renew() { # ADDRESS/LENGTH: what a DHCP client does with it
	ip -n host addr flush dev up0 scope global
	lab_addr host up0 "$1"
	routes
}

# The packets that must not leave, each with a way that would take it out.
each_way() { # CONDITION
	"$1" 1000 10.8.0.9 lan || return 1 # a route of option 121
	"$1" 1000 10.9.0.3 lan1 || return 1 # the LAN's address, by another uplink
	"$1" 1000 10.9.0.200 lan || return 1 # the tunnel's network
	"$1" 53 10.9.0.2 lan || return 1
	"$1" 853 10.9.0.2 lan || return 1
	"$1" 53 fd09::2 lan || return 1
	"$1" 1900 239.255.255.250 lan || return 1 # a group that is not named
}

test_without() {
	ok "without a policy all of it leaves" each_way reaches
}

test_lan() {
	write_policy
	ok "a policy that excludes the LAN" gives 0 apply "$lab_dir/lan.nfr"
	ok "lets the LAN by" reaches 1000 10.9.0.2 lan
	ok "by IPv6" reaches 1000 fd09::2 lan
	ok "the other uplink's" reaches 1000 10.10.0.2 lan1
	ok "and none of the rest" each_way blocks
	ok "is told as all guarded" is posture guarded
	write_policy "dns 10.64.0.1"
	ok "with resolvers of the tunnel's" gives 0 apply "$lab_dir/lan.nfr"
	ok "it is the same" each_way blocks
	ok "for the LAN, too" reaches 1000 10.9.0.2 lan
}

receives() { # TO PORT FROM SPORT: host gets what far sends
	on host timeout 5 "$lab_python" -SE -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
s.settimeout(0.5)
print("ready", flush=True)
try:
    s.recv(9)
    print("came", flush=True)
except OSError:
    print("nothing", flush=True)' "$2" >"$lab_dir/got" 2>&1 &
	local job=$!
	lab_until 5 "a socket" grep -q ready "$lab_dir/got"
	on far "$lab_python" -SE -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[3], int(sys.argv[4])))
s.sendto(b"x", (sys.argv[1], int(sys.argv[2])))' "$@" >>"$out" 2>&1
	wait $job
	grep -qx came "$lab_dir/got"
}

misses() {
	! receives "$@" && grep -qx nothing "$lab_dir/got"
}

test_discovery() {
	ok "a group that is named" reaches 5353 224.0.0.251 lan
	ok "its answers" receives 10.9.0.1 40000 10.9.0.2 5353
	ok "not to a server's port" misses 10.9.0.1 2000 10.9.0.2 5353
	ok "not from elsewhere" misses 10.9.0.1 40000 10.8.0.9 5353
	ok "not what nobody named" misses 10.9.0.1 40000 10.9.0.2 1900
}

# What a DHCP server may say; each is applied, then followed by watch.
claims() { # ADDRESS/LENGTH NEXT WHAT
	renew "$1"
	ok "$3: applied" gives 0 apply "$lab_dir/lan.nfr"
	ok "$3: is no LAN" blocks 1000 "$2" lan
	ok "$3: takes nothing else with it" each_way blocks
}

test_claims() {
	claims 198.51.100.20/24 198.51.100.9 "a public network"
	claims 10.9.0.1/1 10.8.0.9 "half of the world"
	claims 10.9.0.1/0 10.8.0.9 "all of the world"
	claims 10.9.0.1/7 10.9.0.2 "more than is private"
	renew 10.9.0.1/24
	ok "the LAN again" gives 0 apply "$lab_dir/lan.nfr"
	ok "is one" reaches 1000 10.9.0.2 lan
}

test_renew() {
	renew 10.7.0.1/24
	ip -n host route replace 10.9.0.0/24 dev up0
	ip -n host neigh replace 10.7.0.2 lladdr $far_mac dev up0
	ok "a new network without a watch stays closed" blocks 1000 10.7.0.2 lan
	lab_spawn host nfload --bpffs "$pins" watch --every=2s 2>>"$log"
	watch_pid=$lab_pid
	ok "with one it is the LAN" soon 10 reaches 1000 10.7.0.2 lan
	ok "and the old one is none" soon 5 blocks 1000 10.9.0.2 lan
	renew 198.51.100.20/24
	ok "a public network is none again" soon 10 blocks 1000 10.7.0.2 lan
	ok "nor is it the LAN" blocks 1000 198.51.100.9 lan
	renew 10.9.0.1/24
	ok "back at home" soon 10 reaches 1000 10.9.0.2 lan
	ok "all else is closed" each_way blocks
	kill -TERM "$watch_pid"
	wait "$watch_pid"
	ok "watch ended" test $? = 0
}

lab_netns host
lab_netns far
cable
lab_addr host up0 fd09::1/64
lab_addr far far0 fd09::2/64 10.8.0.9/32
second_uplink
lab_tun host 10.9.0.129/25
routes
count_lan far0 lan
count_lan far1 lan1
on far ip route replace 10.9.0.0/24 dev far0
test_without
test_lan
test_discovery
test_claims
test_renew
nfload unload --leave open
finish
