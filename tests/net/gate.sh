#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gate.sh: a library; a gateway between two networks, the same traffic under
# three engines: none, nftables, nfr. See README.md for the drawing.
#
# gate_up builds it; gate_engine plain|nft|nfr sets the gate up; gate_table
# lists scenarios, and try_ID ENGINE prints what a user of the network sees.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/flood.sh"

# Counts in number and failed; says what is in the file $out of what fails.
ok() { # WHAT CONDITION...
	local what=$1 not=""
	shift
	number=$((number + 1))
	"$@" || not="not "
	echo "${not}ok $number - $what"
	[ -n "$not" ] || return 0
	failed=$((failed + 1))
	# shellcheck disable=SC2154 # the user of this library says where
	sed 's/^/# /' "$out"
}

gives() { # WANTED COMMAND...
	local want=$1 got
	shift
	got=$("$@")
	echo "$*: \"$got\", not \"$want\"" >"$out"
	[ "$got" = "$want" ]
}

gate_talk() { # NETNS ARGUMENTS...
	local ns=$1
	shift
	on "$ns" $lab_python -SE "$lab_top/tests/net/talk.py" "$@" \
		2>>"$lab_dir/talk.log"
}

gate_serve() { # NETNS VERB PORT
	local log=$lab_dir/$1-$2-$3.log
	lab_spawn "$1" $lab_python -SE "$lab_top/tests/net/talk.py" "$2" "$3" \
		>"$log" 2>&1
	lab_until 5 "talk.py $2 $3" grep -q '^ready' "$log"
}

gate_networks() {
	lab_link inside eth0 gate lan0
	lab_link gate wan0 outside out0
	lab_link gate wan1 outside out1
	lab_link outside far0 far eth0
	# Of IPv6, the last one is who begins a flow.
	lab_addr inside eth0 10.1.0.2/24 10.1.0.3/24 fd01::3/64 fd01::2/64
	lab_addr gate lan0 10.1.0.1/24 fd01::1/64
	lab_addr gate wan0 203.0.113.2/24 203.0.113.3/32 2001:db8:1::3/64 \
		2001:db8:1::2/64
	lab_addr gate wan1 198.51.100.2/24 2001:db8:3::2/64
	lab_addr outside out0 203.0.113.1/24 2001:db8:1::1/64
	lab_addr outside out1 198.51.100.1/24 2001:db8:3::1/64
	lab_addr outside far0 192.0.2.1/24 2001:db8:2::1/64
	lab_addr far eth0 192.0.2.2/24 2001:db8:2::2/64
	ip -n outside link set far0 mtu 1300
	ip -n far link set eth0 mtu 1300
}

gate_routes() {
	ip -n inside route add default via 10.1.0.1
	ip -n inside -6 route add default via fd01::1
	ip -n gate route add default via 203.0.113.1
	ip -n gate -6 route add default via 2001:db8:1::1
	# As if its link were not narrow: senders have to be told by the router.
	ip -n far route add default via 192.0.2.1 advmss 1460
	ip -n far -6 route add default via 2001:db8:2::1 advmss 1440
}

gate_is_tentative() {
	[ -z "$(ip -n gate -6 addr show tentative)" ]
}

gate_up() {
	local ns
	for ns in inside gate outside far; do
		lab_netns $ns
		on $ns sysctl -qw net.ipv4.conf.all.send_redirects=0 \
			net.ipv4.conf.default.send_redirects=0 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
	lab_forwards gate
	lab_forwards outside
	gate_networks
	gate_routes
	lab_until 10 "IPv6 addresses" gate_is_tentative
	gate_serve inside echo 80
	gate_serve inside sink 81
	gate_serve inside sink 82 # one flow at a time each
	lab_serve inside web web 88
	gate_serve gate echo 8080
	gate_serve outside echo 80
	gate_serve outside echo 8081
	gate_serve outside sink 81
	lab_serve outside dns dns 203.0.113.1 2001:db8:1::1
	gate_serve far echo 80
	gate_serve far sink 81
	on outside nft -f - <<-COUNT
		table inet count {
			chain in {
				type filter hook prerouting priority 0;
				iifname out1 udp dport 9 counter
			}
		}
	COUNT
}

# What both engines are told, each in its own language.
gate_policy() { # FILE
	cat >"$1" <<-'POLICY'
		set skip on lo
		lan = "10.1.0.0/24"
		block all
		pass inet6 proto ipv6-icmp icmp6-type { neighbrsol neighbradv }

		# the gate's own traffic
		pass out on wan0 from { 203.0.113.2 2001:db8:1::2 }
		pass in on lan0 inet proto icmp to 10.1.0.1

		# the LAN may go out, translated
		pass in on lan0 from { $lan fd01::/64 }
		pass out on { wan0 wan1 } inet from $lan nat-to (self)
		pass out on wan0 inet from $lan nat-to 203.0.113.2
		pass out on wan1 inet from $lan nat-to 198.51.100.2
		pass out on wan0 inet6 from fd01::/64 nat-to 2001:db8:1::2
		pass out on wan1 inet6 from fd01::/64 nat-to 2001:db8:3::2
		pass on wan0 inet from 10.1.0.3 binat-to 203.0.113.3
		pass on wan0 inet6 from fd01::3 binat-to 2001:db8:1::3

		# a server in the LAN, also for the LAN itself
		pass in on { wan0 lan0 } inet proto { tcp udp } to 203.0.113.2 \
			port 8000 rdr-to 10.1.0.2 port 80
		pass in on { wan0 lan0 } inet6 proto { tcp udp } \
			to 2001:db8:1::2 port 8000 rdr-to fd01::2 port 80
		pass in on wan0 inet proto tcp to 203.0.113.2 port 8002 \
			rdr-to 10.1.0.2 port 88
		pass in on wan0 inet6 proto tcp to 2001:db8:1::2 port 8002 \
			rdr-to fd01::2 port 88
		pass in on wan0 inet proto tcp to 203.0.113.2 port 8003 \
			rdr-to 10.1.0.2 port 81
		pass in on wan0 inet6 proto tcp to 2001:db8:1::2 port 8003 \
			rdr-to fd01::2 port 82
		pass in on wan1 inet proto tcp to 198.51.100.2 port 8000 \
			rdr-to 10.1.0.2 port 80 reply-to (wan1 198.51.100.1)
		pass in on wan1 inet6 proto tcp to 2001:db8:3::2 port 8000 \
			rdr-to fd01::2 port 80 reply-to (wan1 2001:db8:3::1)
		pass out on lan0 to { 10.1.0.2 10.1.0.3 fd01::2 fd01::3 }
		pass out on lan0 inet proto tcp from $lan to 10.1.0.2 port 80 \
			nat-to 10.1.0.1
		pass out on lan0 inet6 proto tcp from fd01::/64 to fd01::2 port 80 \
			nat-to fd01::1

		# a proxy on the gate
		rdr pass on lan0 inet proto tcp from $lan to any port {443, 8883} \
			-> 127.0.0.1 port 8080

		# by the other uplink; and a copy for somebody who listens
		pass in on lan0 inet proto tcp from $lan to any port 8081 \
			route-to (wan1 198.51.100.1)
		pass in on lan0 inet proto udp from $lan to any port 9 \
			dup-to (wan1 198.51.100.1)
		pass in on lan0 inet6 proto tcp from fd01::/64 to any port 8081 \
			route-to (wan1 2001:db8:3::1)
		pass in on lan0 inet6 proto udp from fd01::/64 to any port 9 \
			dup-to (wan1 2001:db8:3::1)
	POLICY
	sed -i '/nat-to (self)/d' "$1"
}

gate_ruleset() {
	cat <<-'RULES'
		table ip gate {
			chain steer {
				type filter hook prerouting priority mangle;
				iifname lan0 tcp dport 8081 meta mark set 1
				iifname wan1 ct mark set 1
				iifname lan0 ct mark 1 meta mark set 1
				iifname lan0 udp dport 9 dup to 198.51.100.1 device wan1
			}
			chain from_outside {
				type nat hook prerouting priority dstnat;
				ip daddr 203.0.113.2 tcp dport 8000 dnat to 10.1.0.2:80
				ip daddr 203.0.113.2 udp dport 8000 dnat to 10.1.0.2:80
				ip daddr 203.0.113.2 tcp dport 8002 dnat to 10.1.0.2:88
				ip daddr 203.0.113.2 tcp dport 8003 dnat to 10.1.0.2:81
				iifname wan1 ip daddr 198.51.100.2 tcp dport 8000 \
					dnat to 10.1.0.2:80
				iifname wan0 ip daddr 203.0.113.3 dnat to 10.1.0.3
				iifname lan0 tcp dport { 443, 8883 } redirect to :8080
			}
			chain to_outside {
				type nat hook postrouting priority srcnat;
				oifname wan0 ip saddr 10.1.0.3 snat to 203.0.113.3
				oifname { wan0, wan1 } ip saddr 10.1.0.0/24 masquerade
				oifname lan0 ip saddr 10.1.0.0/24 ip daddr 10.1.0.2 \
					tcp dport 80 masquerade
			}
		}
		table ip6 gate {
			chain steer {
				type filter hook prerouting priority mangle;
				iifname lan0 tcp dport 8081 meta mark set 1
				iifname wan1 ct mark set 1
				iifname lan0 ct mark 1 meta mark set 1
				iifname lan0 udp dport 9 \
					dup to 2001:db8:3::1 device wan1
			}
			chain from_outside {
				type nat hook prerouting priority dstnat;
				ip6 daddr 2001:db8:1::2 tcp dport 8000 \
					dnat to [fd01::2]:80
				ip6 daddr 2001:db8:1::2 udp dport 8000 \
					dnat to [fd01::2]:80
				iifname wan0 ip6 daddr 2001:db8:1::2 tcp dport 8002 \
					dnat to [fd01::2]:88
				iifname wan0 ip6 daddr 2001:db8:1::2 tcp dport 8003 \
					dnat to [fd01::2]:82
				iifname wan1 ip6 daddr 2001:db8:3::2 tcp dport 8000 \
					dnat to [fd01::2]:80
				iifname wan0 ip6 daddr 2001:db8:1::3 dnat to fd01::3
			}
			chain to_outside {
				type nat hook postrouting priority srcnat;
				oifname wan0 ip6 saddr fd01::3 snat to 2001:db8:1::3
				oifname { wan0, wan1 } ip6 saddr fd01::/64 masquerade
				oifname lan0 ip6 saddr fd01::/64 ip6 daddr fd01::2 \
					tcp dport 80 masquerade
			}
		}
		table inet gate {
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state established,related accept
				ct state invalid drop
				iifname lan0 accept
				ct status dnat accept
			}
		}
	RULES
}

gate_nfload() {
	on gate nfload "$@" --bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
}

# gate_engine plain|nft|nfr: and nothing of the one before.
gate_engine() {
	on gate nft flush ruleset
	gate_nfload unload --leave open
	ip -n gate rule del fwmark 1 2>/dev/null
	ip -n gate -6 rule del fwmark 1 2>/dev/null
	case $1 in
	nft)
		gate_ruleset | on gate nft -f - || lab_die "nft: ruleset"
		ip -n gate route replace default via 198.51.100.1 dev wan1 table 100
		ip -n gate rule add fwmark 1 table 100
		ip -n gate -6 route replace default via 2001:db8:3::1 dev wan1 \
			table 100
		ip -n gate -6 rule add fwmark 1 table 100
		;;
	nfr)
		gate_policy "$lab_dir/gate.nfr"
		gate_nfload apply "$lab_dir/gate.nfr" ||
			lab_die "nfload: $(tail -n 20 "$lab_dir/nfload.log")"
		;;
	esac
}

# id | what a user of the network expects to see | what is tried
#
# Without either engine the outcome must be another: else it proves nothing.
gate_table() {
	cat <<-'END'
	nat4|203.0.113.2|TCP out, seen from the gate's address
	nat6|2001:db8:1::2|TCP out, IPv6
	natudp4|203.0.113.2|UDP out
	natudp6|2001:db8:1::2|UDP out, IPv6
	natfar4|203.0.113.2|TCP to a host behind a narrow link
	rdr4|203.0.113.1|TCP in, to a server in the LAN
	rdr6|2001:db8:1::1|TCP in, IPv6
	rdrudp4|203.0.113.1|UDP in, to a server in the LAN
	rdrudp6|2001:db8:1::1|UDP in, IPv6
	web4|hello 203.0.113.1|curl from a web server in the LAN
	web6|hello 2001:db8:1::1|curl, IPv6
	dns4|203.0.113.80|a name, asked from the LAN at a resolver outside
	dns6|203.0.113.80|a name, IPv6
	hairpin4|10.1.0.1|the same server by its public address, from the LAN
	hairpin6|fd01::1|the same, IPv6
	proxy|10.1.0.2|TCP to any host's port 443, taken by the gate
	binatout4|203.0.113.3 5000|binat: out, the port stays
	binatout6|2001:db8:1::3 5000|binat: out, IPv6
	binatin4|203.0.113.1|binat: in
	binatin6|2001:db8:1::1|binat: in, IPv6
	routeto4|198.51.100.2|by the second uplink
	routeto6|2001:db8:3::2|by the second uplink, IPv6
	replyto4|203.0.113.1|answered by the uplink that was asked
	replyto6|2001:db8:1::1|answered by the uplink that was asked, IPv6
	dupto4|3|copies of 3 datagrams by the second uplink
	dupto6|3|copies of 3 datagrams, IPv6
	ping4|3 received|ping through nat
	ping6|3 received|ping through nat, IPv6
	frag4|3 received|ping of 3 fragments
	frag6|3 received|ping of 3 fragments, IPv6
	fragudp4|same|UDP datagrams of 4 fragments
	fragudp6|same|UDP datagrams of 4 fragments, IPv6
	trace4|pmtu 1300 hops 3 back 3|tracepath: every hop, and the path's MTU
	trace6|pmtu 1300 hops 3 back 3|tracepath, IPv6
	bulk4|same|20 MB out, past the narrow link
	bulk6|same|20 MB out, IPv6
	bulkin4|same|20 MB in
	bulkin6|same|20 MB in, IPv6
	hole4|same|2 MB out, where nobody says that the link is narrow
	hole6|same|2 MB out, IPv6
	many4|10000|10,000 connections at once
	many6|10000|10,000 connections at once, IPv6
	flood4|same, new blocked, then passed|a transfer, and who comes new, in a SYN flood
	flood6|same, new blocked, then passed|the same, IPv6
	END
}

first_word() {
	local a
	read -r a _
	echo "$a"
}

try_nat4() { gate_talk inside who 203.0.113.1 80 | first_word; }
try_nat6() { gate_talk inside who 2001:db8:1::1 80 | first_word; }
try_natudp4() { gate_talk inside who 203.0.113.1 80 udp | first_word; }
try_natudp6() { gate_talk inside who 2001:db8:1::1 80 udp | first_word; }
try_natfar4() { gate_talk inside who 192.0.2.2 80 | first_word; }
try_rdr4() { gate_talk outside who 203.0.113.2 8000 | first_word; }
try_rdr6() { gate_talk outside who 2001:db8:1::2 8000 | first_word; }
try_rdrudp4() { gate_talk outside who 203.0.113.2 8000 udp | first_word; }
try_rdrudp6() { gate_talk outside who 2001:db8:1::2 8000 udp | first_word; }
web() { on outside curl -gs -m "$TALK_SECONDS" "http://$1:8002/"; }
try_web4() { web 203.0.113.2; }
try_web6() { web '[2001:db8:1::2]'; }
# The libc's resolver; it looks in this file, which is the lab's own.
resolve() { # SERVER
	printf 'nameserver %s\noptions timeout:1 attempts:%s\n' "$1" \
		"${TALK_SECONDS%.*}" >"$lab_dir/resolv.conf"
	# shellcheck disable=SC2016 # sh says when
	on inside unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf &&
		getent ahostsv4 name.example.' - "$lab_dir/resolv.conf" |
		first_word
}
try_dns4() { resolve 203.0.113.1; }
try_dns6() { resolve 2001:db8:1::1; }
try_hairpin4() { gate_talk inside who 203.0.113.2 8000 | first_word; }
try_hairpin6() { gate_talk inside who 2001:db8:1::2 8000 | first_word; }
try_proxy() { gate_talk inside who 192.0.2.2 443 | first_word; }
try_binatout4() { gate_talk inside who 203.0.113.1 80 local=10.1.0.3 from=5000; }
try_binatout6() {
	gate_talk inside who 2001:db8:1::1 80 local=fd01::3 from=5000
}
try_binatin4() { gate_talk outside who 203.0.113.3 80 | first_word; }
try_binatin6() { gate_talk outside who 2001:db8:1::3 80 | first_word; }
try_routeto4() { gate_talk inside who 203.0.113.1 8081 | first_word; }
try_routeto6() { gate_talk inside who 2001:db8:1::1 8081 | first_word; }
try_replyto4() {
	gate_talk outside who 198.51.100.2 8000 local=203.0.113.1 | first_word
}
try_replyto6() {
	gate_talk outside who 2001:db8:3::2 8000 local=2001:db8:1::1 |
		first_word
}
copies() {
	on outside nft list table inet count |
		sed -n 's/.*dport 9 counter packets \([0-9]*\).*/\1/p'
}
dupto() { # ADDRESS
	local before
	before=$(copies)
	on inside $lab_python -SE "$lab_top/tests/net/send.py" udp 9 "$1" \
		count=3 pps=20
	sleep 0.2
	echo $(($(copies) - before))
}
try_dupto4() { dupto 192.0.2.2; }
try_dupto6() { dupto 2001:db8:2::2; }
received() { sed -n 's/.* \([0-9]* received\).*/\1/p'; }
ping_through() { on inside ping -q -c 3 -i 0.05 -W 1 "$@" | received; }
try_ping4() { ping_through 203.0.113.1; }
try_ping6() { ping_through 2001:db8:1::1; }
try_frag4() { ping_through -s 3000 203.0.113.1; }
try_frag6() { ping_through -s 3000 2001:db8:1::1; }
fragudp() { # ADDRESS
	on inside $lab_python - "$1" <<-'ASK'
		import os, socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.settimeout(1)
		same = 0
		for i in range(20):
		    text = os.urandom(5000)
		    s.sendto(text, (sys.argv[1], 80))
		    try:
		        same += s.recv(65536) == text
		    except OSError:
		        break
		print("same" if same == 20 else "differs")
	ASK
}
try_fragudp4() { fragudp 203.0.113.1; }
try_fragudp6() { fragudp 2001:db8:1::1; }
trace() {
	on inside timeout $((1 + ${TALK_SECONDS%.*})) tracepath -n "$1" |
		sed -n 's/.*Resume: \(pmtu [0-9]* hops [0-9]* back [0-9]*\).*/\1/p'
}
try_trace4() { trace 192.0.2.2; }
try_trace6() { trace 2001:db8:2::2; }
try_bulk4() { gate_talk inside bulk 192.0.2.2 81 20000000 | first_word; }
try_bulk6() { gate_talk inside bulk 2001:db8:2::2 81 20000000 | first_word; }
try_bulkin4() { gate_talk outside bulk 203.0.113.3 81 20000000 | first_word; }
try_bulkin6() { gate_talk outside bulk 2001:db8:1::2 8003 20000000 | first_word; }
# A black hole: the router before the narrow link says nothing, so the sender
# has to find out by what is lost (RFC 4821).
hole() { # ADDRESS
	on outside nft -f - <<-'SILENT'
		table inet silent {
			chain out {
				type filter hook output priority 0;
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	SILENT
	on inside sysctl -qw net.ipv4.tcp_mtu_probing=1 net.ipv4.tcp_retries1=1
	ip -n inside route flush cache
	ip -n inside -6 route flush cache
	gate_talk inside bulk "$1" 81 2000000 | lost_some
	on outside nft delete table inet silent
	on inside sysctl -qw net.ipv4.tcp_mtu_probing=0
}
lost_some() { # or there was no hole
	local same again rest
	read -r same again rest
	[ "${again:-0}" = 0 ] || echo "$same"
}
try_hole4() { hole 192.0.2.2; }
try_hole6() { hole 2001:db8:2::2; }
many() { # ADDRESS
	on inside bash -c "ulimit -n 20000; exec $lab_python -SE \
		$lab_top/tests/net/talk.py many $1 80 10000" \
		2>>"$lab_dir/talk.log"
}
try_many4() { many 203.0.113.1; }
try_many6() { many 2001:db8:1::1; }

# gate_measure ENGINE: what each scenario comes to, in $lab_dir/ENGINE.seen
gate_measure() {
	local id rest
	gate_engine "$1"
	export TALK_SECONDS=2
	[ "$1" != plain ] || TALK_SECONDS=0.5 # most of it waits in vain
	while IFS='|' read -r id rest; do
		echo "$id|$("try_$id" "$1" 2>>"$lab_dir/try.log" </dev/null)"
		echo "$1 $id: $EPOCHREALTIME s" >>"$lab_dir/try.log"
	done < <(gate_table) >"$lab_dir/$1.seen"
}

gate_seen() { # ENGINE ID
	sed -n "s/^$2|//p" "$lab_dir/$1.seen"
}
