#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# leaks.sh: a library; the table of ways out, each tried without nfr and with it,
# and counted on the router's side of the uplink. demo.sh prints what comes out,
# test_leak_table.sh asserts it.
#
# leaks_measure POLICY, after lab_up, calls, for each row as it is known,
#     leaks_row ID KIND TEXT WITHOUT WITH VERDICT NOTE
# WITHOUT and WITH are frames seen; VERDICT is "ok" or what is wrong.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# id | kind | what a frame of it looks like on the uplink | what is tried
#
# inside   must work, and no frame may be seen
# outside  must work, and frames must be seen
# none     no frame may be seen; without nfr some must be, or nothing is proved
# hold     as none, and what the row does on the way must go as it should
leaks_table() {
	cat <<-END
	web4|inside|host $lab_web4 and tcp port 80|web page through the tunnel
	web6|inside|host $lab_web6 and tcp port 80|web page through the tunnel, IPv6
	dns|inside|host $lab_tunnel_dns|name asked at the tunnel's resolver
	printer4|outside|host $lab_printer4 and tcp port 631|printer in the excluded LAN
	printer6|outside|host $lab_printer6 and tcp port 631|printer in the excluded LAN, IPv6
	transport|outside|$leaks_transport|the tunnel's own transport
	ispdns4|none|host $lab_isp_dns4|name asked at the ISP's resolver
	ispdns6|none|host $lab_isp_dns6|name asked at the ISP's resolver, IPv6
	landns4|none|host $lab_router4 and udp port 53|name asked at the LAN's resolver
	landns6|none|host $lab_router6 and udp port 53|name asked at the LAN's resolver, IPv6
	lldns6|none|host $lab_router_ll and udp port 53|name asked at the router's fe80 address
	dot|none|host $lab_router4 and tcp port 853|DNS over TLS at the LAN's resolver
	direct4|none|host $lab_web4 and tcp port 8080|web page, socket bound to the uplink
	direct6|none|host $lab_web6 and tcp port 8080|web page, socket bound to the uplink, IPv6
	ping4|none|icmp and host $lab_web4|ping, socket bound to the uplink
	ping6|none|icmp6 and host $lab_web6|ping, socket bound to the uplink, IPv6
	mark|none|host $lab_web4 and udp port 7001|socket with the tunnel's mark, elsewhere
	frame|none|ether proto 0x88b6|raw frame of an unknown EtherType
	packet|none|host $lab_web4 and udp port 7002|IPv4 packet written past the IP stack
	vlan|none|vlan|the same, behind two VLAN tags
	offload|none|host $lab_web4 and udp port 7010|the same, by way of checksum offload
	bypass|none|host $lab_web4 and udp port 7011|the same, past tc (PACKET_QDISC_BYPASS)
	xdp|none|host $lab_web4 and udp port 7012|the same, by AF_XDP
	arp|none|arp host $leaks_claimed|neighbour that a router claims, asked for by ARP
	newuplink|none|host $leaks_claimed|uplink that appears later, plain socket bound to it
	newforward|none|host $leaks_claimed|the same, packets of a container forwarded to it
	source|none|src host 10.64.0.2|wg0's address as source, to the printer in the LAN
	probe|none|src host 10.64.0.2|answer to the router's probe of wg0
	killed|hold|udp port 7003 or host $lab_tunnel_dns|tunnel's daemon killed under traffic
	deleted|hold|udp port 7004 or host $lab_tunnel_dns|tunnel's interface deleted under traffic
	again|inside|host $lab_web4 and tcp port 80|web page, tunnel and policy started again
	gone|hold|udp port 7005|loader long gone
	crash|hold|udp port 7006|loader killed by SIGKILL in 20 reloads
	broken|hold|udp port 7007|reload of a broken file, refused
	reload|hold|udp port 7008|20 reloads under a flood
	unload|hold|udp port 7009|policy unloaded, all left blocked
	END
}

# An address of the internet that is said to be a neighbour (TunnelCrack LocalNet).
leaks_claimed=203.0.113.90

# Whatever may be seen on the uplink; all else of the client's is a leak,
# whether or not a row thought of it.
leaks_transport="udp and dst host $lab_endpoint4 and dst port $lab_endpoint_port"
leaks_may="($leaks_transport) or arp or (udp and (port 67 or port 68))
	or (icmp6 and ip6[40] >= 133 and ip6[40] <= 136)
	or ((dst net 192.168.0.0/16 or dst net 10.0.0.0/8 or dst net fd00::/8)
	and not port 53 and not port 853)"
leaks_all="not ($leaks_may)"

fetch() { # URL [CURL OPTION...]
	on client curl -sS -o /dev/null --connect-timeout 0.5 --max-time 3 "$@" \
		2>>"$lab_dir/curl.log"
}

# fetch_inside URL: fetched, and the server saw the tunnel's address.
fetch_inside() {
	on client curl -sS --connect-timeout 0.5 --max-time 3 "$1" \
		2>>"$lab_dir/curl.log" | grep -qE '^hello (10\.64\.0|fd00:64:)'
}

send() {
	on client $lab_python -SE "$lab_top/tests/net/send.py" "$@"
}

nfload_on_client() {
	on client nfload "$@" --bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
}

is_filtered() {
	[ "$leaks_phase" = with ]
}

# flood_start PORT ADDRESS... OPTION...: a sender in the background, in $flood.
flood_start() {
	rm -f "$lab_dir/flood"
	lab_spawn client $lab_python -SE "$lab_top/tests/net/send.py" udp "$@" \
		pps=2000 log="$lab_dir/flood"
	flood=$lab_pid
	flood_more 100
}

flood_tried() {
	cat "$lab_dir/flood" 2>/dev/null || echo 0
}

# flood_more N: wait until N more were tried.
flood_more() {
	local want
	want=$(($(flood_tried) + $1))
	lab_until 20 "the flood" eval "[ \"\$(flood_tried)\" -ge $want ]"
}

flood_stop() {
	kill -TERM "$flood"
	wait "$flood" 2>/dev/null
	leaks_note="$(flood_tried) datagrams tried${leaks_note:+, $leaks_note}"
}

try_web4() { fetch_inside http://$lab_web4/; }
try_web6() { fetch_inside "http://[$lab_web6]/"; }
try_again() { try_web4; }
try_dns() { send dns $lab_tunnel_dns a.example; }
try_printer4() { fetch http://$lab_printer4:631/; }
try_printer6() { fetch "http://[$lab_printer6]:631/"; }
try_transport() { on client ping -q -c 3 -i 0.05 -W 1 $lab_tunnel_dns >/dev/null; }
try_ispdns4() { send dns $lab_isp_dns4 b.example dev=eth0; }
try_ispdns6() { send dns $lab_isp_dns6 b.example dev=eth0; }
try_landns4() { send dns $lab_router4 c.example; }
try_landns6() { send dns $lab_router6 c.example; }
try_lldns6() { send dns $lab_router_ll%eth0 d.example; }
try_dot() { fetch https://$lab_router4:853/; }
try_direct4() { fetch http://$lab_web4:8080/ --interface eth0; }
try_direct6() { fetch "http://[$lab_web6]:8080/" --interface eth0; }
try_ping4() { on client ping -q -I eth0 -c 3 -i 0.05 -W 0.3 $lab_web4 >/dev/null; }
try_ping6() { on client ping -q -I eth0 -c 3 -i 0.05 -W 0.3 $lab_web6 >/dev/null; }
try_mark() { send udp 7001 $lab_web4 count=5 mark=$lab_mark; }
try_frame() { send frame eth0 0x88b6 "nfr leak test"; }
try_packet() { send packet eth0 "$lab_router_mac" 7002 $lab_web4; }
try_vlan() { send packet eth0 "$lab_router_mac" 7002 $lab_web4 tags=2; }
try_offload() { send offload eth0 "$lab_router_mac" 7010 $lab_web4; }
try_bypass() { send bypass eth0 "$lab_router_mac" 7011 $lab_web4 2>>"$lab_dir/send.log"; }
try_xdp() { send xdp eth0 "$lab_router_mac" 7012 $lab_web4 2>>"$lab_dir/send.log"; }

try_source() { send udp 7016 $lab_printer4 count=5 dev=eth0 from=10.64.0.2; }

try_arp() {
	ip -n client route add $leaks_claimed dev eth0
	send udp 7013 $leaks_claimed count=3 dev=eth0
	sleep 0.3
	ip -n client route del $leaks_claimed dev eth0
}

# A cable to the router that was not there when the policy was loaded; what the
# router gets from it is counted too, ARP included.
new_uplink() {
	ip -n client link add up1 type veth peer name up1r netns router
	on client sysctl -qw net.ipv6.conf.up1.disable_ipv6=1
	on router sysctl -qw net.ipv6.conf.up1r.disable_ipv6=1
	ip -n router link set up1r up
	ip -n client link set up1 up
	ip -n client addr add 172.30.0.2/24 dev up1
	ip -n client route add $leaks_claimed dev up1
}

new_uplink_gone() {
	leaks_more=$(on router cat /sys/class/net/up1r/statistics/rx_packets)
	ip -n client link del up1
}

try_newuplink() {
	new_uplink
	on client setpriv --reuid 65534 --clear-groups $lab_python -SE \
		"$lab_top/tests/net/send.py" udp 7014 $leaks_claimed 172.30.0.1 \
		count=6 dev=up1
	sleep 0.3
	new_uplink_gone
}

# Forwarded from a namespace behind the client, which knows the way.
try_newforward() {
	new_uplink
	lab_netns box
	lab_link client box0 box eth0
	lab_addr client box0 172.31.0.1/24
	lab_addr box eth0 172.31.0.2/24
	ip -n box route add default via 172.31.0.1
	on client sysctl -qw net.ipv4.conf.all.forwarding=1
	on box $lab_python -SE "$lab_top/tests/net/send.py" udp 7015 \
		$leaks_claimed count=6
	sleep 0.3
	on client sysctl -qw net.ipv4.conf.all.forwarding=0
	new_uplink_gone
	ip netns del box
	ip -n client link del box0 2>/dev/null
	true
}

try_probe() {
	ip -n router route replace 10.64.0.2 via $lab_client4
	on router ping -q -c 2 -i 0.05 -W 0.3 10.64.0.2 >/dev/null
	ip -n router route del 10.64.0.2
}

# The applications know nothing of the tunnel: they follow the routes, which
# lead to the uplink when it is gone.
try_without_tunnel() { # PORT HOW
	flood_start "$1" $lab_web4 $lab_web6
	"$2"
	flood_more 500
	send dns $lab_tunnel_dns e.example
	flood_more 500
	flood_stop
	lab_tunnel_up
	if is_filtered; then
		nfload_on_client apply "$leaks_policy" || return
	fi
	lab_until 5 "the tunnel's answer" \
		on client ping -c 1 -W 0.2 -q $lab_tunnel_dns
}

try_killed() { try_without_tunnel 7003 lab_tunnel_kill; }
try_deleted() { try_without_tunnel 7004 lab_tunnel_delete; }

try_gone() {
	local status=0
	if pgrep -x nfload >/dev/null; then
		leaks_note='nfload still runs' status=1
	fi
	flood_start 7005 $lab_web4 $lab_web6 dev=eth0
	flood_more 300
	flood_stop
	fetch_inside http://$lab_web4/ || status=1
	return $status
}

# Reloads killed at 20 points, spread over a little more than the time of one.
try_crash() {
	local i start took_us killed=0
	flood_start 7006 $lab_web4 $lab_web6 dev=eth0
	if is_filtered; then
		start=${EPOCHREALTIME/./}
		nfload_on_client apply "$leaks_policy"
		took_us=$((${EPOCHREALTIME/./} - start))
		for i in {1..20}; do
			lab_spawn client nfload apply "$leaks_policy" \
				--bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
			sleep "$(printf '0.%06d' $((i * took_us * 6 / 100 % 1000000)))"
			kill -KILL "$lab_pid" 2>/dev/null
			wait "$lab_pid" 2>/dev/null
			[ $? != 137 ] || killed=$((killed + 1))
		done
		leaks_note="$killed of 20 died midway"
	fi
	flood_more 300
	flood_stop
	fetch_inside http://$lab_web4/ && fetch http://$lab_printer4:631/ &&
		is_guarded && { ! is_filtered || [ $killed -ge 5 ]; }
}

# Every hook of every device is attached, and a generation is in force.
is_guarded() {
	! is_filtered || nfload_on_client status
}

generation() {
	on client nfload status --json --bpffs "$lab_dir/bpf" 2>/dev/null |
		jq -r .generation
}

try_broken() {
	local before code=0
	flood_start 7007 $lab_web4 $lab_web6 dev=eth0
	if is_filtered; then
		printf 'pass out all\npass out on eth0 proto tcp tp any\n' \
			>"$lab_dir/broken.nfr"
		before=$(generation)
		nfload_on_client apply "$lab_dir/broken.nfr" || code=$?
		leaks_note="exit $code, generation $before stays"
	fi
	flood_more 300
	flood_stop
	is_filtered || return 0
	[ $code = 2 ] && [ -n "$before" ] && [ "$(generation)" = "$before" ]
}

try_reload() {
	local i ping sent received status=0
	flood_start 7008 $lab_web4 $lab_web6 dev=eth0
	lab_spawn client ping -q -i 0.005 -W 1 $lab_printer4 >"$lab_dir/ping"
	ping=$lab_pid
	for i in {1..20}; do
		flood_more 20
		! is_filtered || nfload_on_client apply "$leaks_policy" || status=1
	done
	flood_more 100
	kill -INT "$ping"
	wait "$ping"
	read -r sent _ _ received _ < <(grep transmitted "$lab_dir/ping")
	leaks_note="$((sent - received)) of $sent pings to the printer lost"
	flood_stop
	[ "$sent" -gt 50 ] && [ "$sent" = "$received" ] && is_guarded && return $status
}

try_unload() {
	local status=0
	flood_start 7009 $lab_web4 $lab_web6 dev=eth0
	if is_filtered; then
		nfload_on_client unload --leave=blocked || status=1
		! fetch http://$lab_printer4:631/ || status=1
	fi
	flood_more 300
	flood_stop
	! is_filtered || nfload_on_client apply "$leaks_policy" || status=1
	fetch http://$lab_printer4:631/ || status=1
	return $status
}

# leaks_verdict KIND STATUS WITHOUT WITH
leaks_verdict() {
	case $1 in
	inside | outside)
		[ "$2" = 0 ] || { echo 'does not work'; return; }
		;;
	none | hold)
		[ "$3" -gt 0 ] || { echo 'proves nothing'; return; }
		;;
	esac
	case $1 in
	outside) [ "$4" -gt 0 ] || { echo 'not seen'; return; } ;;
	*) [ "$4" = 0 ] || { echo LEAK; return; } ;;
	esac
	[ "$1" != hold ] || [ "$2" = 0 ] || { echo 'does not hold'; return; }
	echo ok
}

# leaks_try PHASE CALLBACK: every row once, with a capture of its own;
# CALLBACK ID KIND TEXT STATUS SEEN
leaks_try() {
	local id kind filter text status
	leaks_phase=$1
	lab_capture "$1"
	while IFS='|' read -r id kind filter text <&3; do
		status=0 leaks_note='' leaks_more=0
		"try_$id" || status=$?
		lab_sync
		"$2" "$id" "$kind" "$text" $status \
			$(($(lab_seen "$filter") + leaks_more))
	done 3<<<"$(leaks_table)"
	leaks_note=
	lab_sync
	"$2" all none 'all that should not leave, added up' 0 \
		"$(lab_seen "$leaks_all")"
	lab_capture_end
}

leaks_control_row() {
	leaks_control[$1]=$5
	[ "$2" != inside ] && [ "$2" != outside ] || [ "$4" = 0 ] ||
		lab_die "without nfr, this does not even work: $3"
}

leaks_filtered_row() {
	local verdict without=${leaks_control[$1]}
	verdict=$(leaks_verdict "$2" "$4" "$without" "$5")
	leaks_row "$1" "$2" "$3" "$without" "$5" "$verdict" "$leaks_note"
}

# Needs lab_up. Returns 2 when the measurement itself is not to be trusted.
leaks_measure() {
	leaks_policy=$1
	declare -gA leaks_control=()
	leaks_try without leaks_control_row || return 2
	nfload_on_client apply "$leaks_policy" || {
		cat "$lab_dir/nfload.log" >&2
		return 2
	}
	leaks_try with leaks_filtered_row || return 2
}
