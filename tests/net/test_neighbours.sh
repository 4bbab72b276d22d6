#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_neighbours.sh: for whom a host with a tunnel answers on its link, by ARP
# and neighbour discovery: for its own addresses, and its children for theirs; not
# for what proxy_arp and proxy_ndp would, but by "link proxy".
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP neighbours: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

policy() { # LINK WORDS
	cat >"$lab_dir/neighbours.nfr" <<-POLICY
		tunnel tun0 rebind over any {
			transport proto udp to 198.51.100.7 port 51820
			exclude to { 10.9.0.0/24 fd09::/64 }
			link $1
		}
	POLICY
	nfload apply "$lab_dir/neighbours.nfr"
}

has_neighbour() { # ADDRESS
	ip -n far neigh show "$1" dev far0 | tee -a "$out" | grep -q lladdr
}

# Is there an answer to one who asks for the address on the link?
answers() { # ADDRESS
	ip -n far neigh flush dev far0
	on far ping -c 2 -i 0.1 -W 0.2 -q "$1" >"$out" 2>&1
	soon 1 has_neighbour "$1"
}

silent() {
	ip -n far neigh flush dev far0
	on far ping -c 2 -i 0.1 -W 0.5 -q "$1" >"$out" 2>&1
	! has_neighbour "$1"
}

counted() { # REASON
	nfload show counters
	[ "$(sed -n "s/^.*\b$1\b[^0-9]*\([0-9]*\).*/\1/p" "$out" | head -n 1)" \
		-gt 0 ]
}

# What is behind another device, and who would answer for it.
build() {
	lab_netns host
	lab_netns far
	lab_netns box
	lab_link host up0 far far0
	lab_addr host up0 10.9.0.1/24 fd09::1/64
	lab_addr far far0 10.9.0.2/24 fd09::2/64
	lab_link host box0 box eth0
	lab_addr host box0 10.7.0.1/24 fd07::1/64
	lab_addr box eth0 10.7.0.2/24 fd07::2/64
	lab_tun host 10.64.0.2/24 fd64::2/64
	ip -n host addr add 10.5.0.1/32 dev lo
	ip -n far route add 10.0.0.0/8 dev far0
	ip -n far -6 route add fd00::/8 dev far0
	on host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	proxies up0
	lab_until 10 "IPv6 addresses" lab_has_no_tentative host far
}

proxies() { # DEV
	on host sysctl -qw net.ipv4.conf."$1".proxy_arp=1 \
		net.ipv4.neigh."$1".proxy_delay=0 \
		net.ipv6.conf."$1".proxy_ndp=1 net.ipv6.neigh."$1".proxy_delay=0
	ip -n host -6 neigh add proxy fd64::9 dev "$1"
	ip -n host -6 neigh add proxy fd07::2 dev "$1"
}

own() { # WHERE
	ok "its own address is answered for$1, by ARP" answers 10.9.0.1
	ok "and by neighbour discovery" answers fd09::1
}

others() { # HOW WHERE
	ok "what is inside of the tunnel$2 by ARP" "$1" 10.64.0.9
	ok "and by neighbour discovery" "$1" fd64::9
	ok "what is behind another device$2 by ARP" "$1" 10.7.0.2
	ok "and by neighbour discovery" "$1" fd07::2
}

# Who asks from elsewhere would be told by a packet that routers pass on.
afar() {
	lab_addr host up0 2001:db8:9::1/128
	lab_addr far far0 2001:db8:9::2/64 2001:db8:77::2/64
	ok "a host of its address's network is told" answers 2001:db8:9::1
	ip -n far -6 route add 2001:db8:9::1 dev far0 src 2001:db8:77::2
	ok "one of another network is not" silent 2001:db8:9::1
	ip -n far -6 route del 2001:db8:9::1 dev far0
}

# A host of its own on the link, by way of the device.
child() {
	lab_netns vm
	ip -n host link add link up0 name child0 type macvlan mode bridge
	ip -n host link set child0 netns vm
	lab_addr vm child0 10.9.0.66/24 fd09::66/64
	ip -n vm link set child0 up
	lab_until 10 "IPv6 addresses" lab_has_no_tentative vm
}

bridge() {
	ip -n vm link del child0
	ip -n host link add br0 type bridge
	ip -n host addr flush dev up0
	ip -n host link set up0 master br0
	lab_addr host br0 10.9.0.1/24 fd09::1/64
	ip -n host link set br0 up
	proxies br0
	lab_until 10 "IPv6 addresses" lab_has_no_tentative host
}

build
others answers ", without a policy, is answered for"
ok "a policy with a tunnel" policy 'arp ndp'
own ""
ip -n host addr add 10.9.0.7/24 dev up0
ok "so is one that came later" answers 10.9.0.7
ok "and one of another device" answers 10.5.0.1
others silent " is not answered for,"
ok "which is counted" counted proxy
afar
child
ok "a macvlan child answers for itself, by ARP" answers 10.9.0.66
ok "and by neighbour discovery" answers fd09::66
ok "the word proxy" policy 'arp ndp proxy'
others answers " is answered for"
bridge
ok "with a bridge" policy 'arp ndp'
own " through its port"
others silent " is not answered for there,"
nfload unload --leave=open
finish
