#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# works.sh: a library; what a person with a tunnel expects to work, a row each:
#     id | flags | text
# with work_ID, which says by its status whether it does.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/late.sh"

works() {
	cat <<-END
	browse|h|web pages through the tunnel, IPv4
	browse6|-|web pages through the tunnel, IPv6
	names|h|names from the tunnel's resolver
	download|-|a megabyte through the tunnel
	printer|h|printer in the LAN, IPv4 and IPv6
	lease|h|DHCP: a lease by udhcpc, and its renewal
	neighbours|-|neighbours forgotten and found again
	flap|h|uplink down and up, then a web page
	restart|h|tunnel's daemon killed and started again
	seamless|h|reload in a download and a ping: none lost
	mtu|-|packets as large as the tunnel takes
	END
}

work_browse() { fetch_inside http://$lab_web4/; }
work_browse6() { fetch_inside "http://[$lab_web6]/"; }
work_names() { ask $lab_tunnel_dns works.example; }
work_printer() {
	fetch nobody http://$lab_printer4:631/ -o /dev/null &&
		fetch nobody "http://[$lab_printer6]:631/" -o /dev/null
}
big_file() { # [CURL OPTION...]
	[ "$(fetch nobody http://$lab_web4:8080/big "$@" | wc -c)" = 1000000 ]
}
work_download() { big_file; }

# The client broadcasts, then renews by unicast.
work_lease() {
	local client status=0
	dhcp_server --dhcp-range=$lab_client4,$lab_client4,255.255.255.0,120 \
		--dhcp-option=3,$lab_router4
	: >"$lab_dir/dhcp.log"
	lab_spawn client env DHCP_LOG="$lab_dir/dhcp.log" busybox udhcpc -i eth0 \
		-f -s "$world_here/dhcp.sh" -t 4 -T 1 -A 1 \
		>>"$lab_dir/udhcpc.log" 2>&1
	client=$lab_pid
	try_until 4 grep -q ^bound "$lab_dir/dhcp.log" || status=1
	kill -USR1 "$client"
	try_until 4 grep -q ^renew "$lab_dir/dhcp.log" || status=1
	kill -KILL "$client"
	wait "$client" 2>/dev/null
	dhcp_end
	return $status
}

try_until() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

work_neighbours() {
	ip -n client neigh flush all
	ip -n client -6 neigh flush all
	fetch_inside http://$lab_web4/ && fetch_inside "http://[$lab_web6]/"
}
work_flap() {
	ip -n client link set eth0 down
	sleep 0.1
	ip -n client link set eth0 up
	lab_addr client eth0 fd00:1::10/64 $lab_client6/64 2>/dev/null
	ip -n client route replace default via $lab_router4
	ip -n client -6 route replace default via $lab_router_ll dev eth0
	try_until 5 fetch_inside http://$lab_web4/
}
work_restart() {
	tunnel_kill
	column_restart "$leak_column" || return
	try_until 5 fetch_inside http://$lab_web4/
}
# wg-quick's reload takes the tunnel away; flows of the LAN need not notice.
work_seamless() {
	local ping sent received
	lab_spawn client ping -q -i 0.01 -W 1 $lab_printer4 >"$lab_dir/ping"
	ping=$lab_pid
	big_file --limit-rate 1M --max-time 30 &
	for _ in 1 2 3; do
		"${leak_column}_reload"
	done
	wait $! || { kill -INT "$ping"; return 1; }
	kill -INT "$ping"
	wait "$ping"
	read -r sent _ _ received _ < <(grep transmitted "$lab_dir/ping")
	[ "${sent:-0}" -gt 20 ] && [ "$sent" = "$received" ]
}
work_mtu() {
	on client ping -q -c 2 -i 0.05 -W 1 -M "do" -s 1390 $lab_tunnel_dns \
		>/dev/null
}
