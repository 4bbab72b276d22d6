#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# world.sh: a library; the lab of tests/net with a client that is built anew for
# each test, a second uplink on a shelf, a container, a VM, and captures of
# everything that reaches the router.
# shellcheck source-path=SCRIPTDIR/../net
. "$(dirname "${BASH_SOURCE[0]}")/../net/lab.sh"

world_here=$lab_top/tests/leak
# shellcheck disable=SC2034 # for the users of this library
world_out=$lab_top/build/leak
world_printer_mac=
# Where the LAN's attacks lead; no network of anybody's.
world_claimed4=192.0.2.66
world_claimed6=2001:db8:66::66
# What leaves a container by way of the client.
world_box4=172.16.5.2
world_box6=fd55::2

world_up() {
	lab_world
	# The tunnel takes what comes, so that wrong sources can be seen in it.
	on endpoint wg set wgs0 peer "$(<"$lab_dir/client.pub")" allowed-ips \
		"10.64.0.2/32,fd00:64::2/128,$lab_client4/32,$lab_client6/128,$world_box4/32,$world_box6/128"
	lab_netns shelf
	lab_addr printer eth0 $world_claimed4/24 $world_claimed6/64
	lab_until 10 "IPv6 addresses" lab_has_no_tentative router printer \
		internet endpoint
	lab_servers
	world_printer_mac=$(on printer cat /sys/class/net/eth0/address)
	# All of the client's frames, whatever source they claim.
	world_ours="not ether src $lab_router_mac and not ether src
		$world_printer_mac and not ether proto 0x88b5"
}

# A client that is new, but for its address and its cable's other end; a second
# cable waits on the shelf.
world_client() {
	lab_client
	ip -n client link set eth0 address 02:00:00:00:01:10
	lab_client_mac=02:00:00:00:01:10
	ip -n client -6 route replace default via $lab_router_ll dev eth0
	ip -n client route replace default via $lab_router4
	lab_link shelf eth1 router client1
	lab_addr router client1 192.168.2.1/24 fd00:2::1/64 2001:db8:2::1/64
	world_daemons=()
}

# Not to wait for the kernel, which takes namespaces apart when it has time.
world_client_end() {
	local ns pid
	for ns in client box vm; do
		[ -e /run/netns/$ns ] || continue
		ip netns pids $ns 2>/dev/null | xargs -r kill -KILL 2>/dev/null
	done
	for pid in "${world_daemons[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	ip -n router link del client0 2>/dev/null
	ip -n router link del client1 2>/dev/null
	for ns in client box vm; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
	ip -n router neigh flush all 2>/dev/null
	ip -n router route del 10.64.0.2 2>/dev/null
	ip -n router addr del 192.0.2.1/24 dev br0 2>/dev/null
	ip -n printer addr del 10.64.0.1/24 dev eth0 2>/dev/null
	find "$lab_dir/bpf" -mindepth 1 -delete
	return 0
}

# world_shelf NAME: the second cable reaches the client, as a device of that name.
world_second_uplink() { # NAME
	ip -n shelf link set eth1 netns client name "$1"
	ip -n client link set "$1" up
	lab_addr client "$1" 192.168.2.10/24 fd00:2::10/64 2001:db8:2::10/64
}

# A container whose packets the client forwards.
world_box() {
	lab_netns box
	lab_forwards client
	lab_link client box0 box eth0
	lab_addr client box0 172.16.5.1/24 fd55::1/64
	lab_addr box eth0 $world_box4/24 $world_box6/64
	ip -n box route add default via 172.16.5.1
	ip -n box -6 route add default via fd55::1
}

# A VM or a container with an address of its own on the LAN.
world_vm_address() { # IF
	ip -n vm link set "$1" name eth0
	ip -n vm link set eth0 address 02:00:00:00:01:66 up
	lab_addr vm eth0 192.168.1.66/24 2001:db8:1::66/64
	ip -n vm route add default via $lab_router4
	ip -n vm -6 route add default via $lab_router_ll dev eth0
}

# One capture at each cable's end on the router's side; a third in the tunnel.
world_capture() {
	local dev ns
	world_captures=()
	for dev in client0 client1 wgs0; do
		ns=router
		[ $dev != wgs0 ] || ns=endpoint
		rm -f "$lab_dir/$dev.pcap"
		lab_spawn $ns tcpdump --immediate-mode -U -n -s 200 -B 16384 \
			-Z root -i $dev -w "$lab_dir/$dev.pcap" \
			2>"$lab_dir/$dev.pcap.log"
		world_captures+=("$lab_pid")
	done
	for dev in client0 client1 wgs0; do
		lab_until 5 tcpdump grep -q '^tcpdump: listening' \
			"$lab_dir/$dev.pcap.log"
	done
}

world_synced() { # IF
	[ ! -e "/run/netns/router" ] || tcpdump -r "$lab_dir/$1.pcap" -A \
		'ether proto 0x88b5' 2>/dev/null | grep -q 'nfr sync'
}

# All that was sent is in the captures, and none was lost on the way there.
world_capture_end() {
	local dev pid
	on router $lab_python -BSE "$world_here/inject.py" sync 'nfr sync' \
		client0 client1
	for dev in client0 client1; do
		lab_until 5 "the capture on $dev" world_synced $dev
	done
	for pid in "${world_captures[@]}"; do
		kill -TERM "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for dev in client0 client1 wgs0; do
		grep -q '^0 packets dropped by kernel' "$lab_dir/$dev.pcap.log" ||
			lab_die "the capture on $dev lost frames"
	done
}

# world_seen CAPTURE FILTER: frames of the client's; CAPTURE is uplink (both
# cables) or tunnel.
world_seen() {
	local dev sum=0 n
	if [ "$1" = tunnel ]; then
		tcpdump -r "$lab_dir/wgs0.pcap" --count "$2" 2>/dev/null |
			cut -d' ' -f1
		return
	fi
	for dev in client0 client1; do
		n=$(tcpdump -r "$lab_dir/$dev.pcap" --count \
			"$world_ours and ($2)" 2>>"$lab_dir/filter.log" |
			cut -d' ' -f1)
		sum=$((sum + ${n:?"bad filter: $2"}))
	done
	echo $sum
}

# What servers outside of the tunnel saw of the client: requests for web pages
# from addresses that are not the tunnel's, names asked at others' resolvers.
world_served() {
	awk '/^web/ && $2 !~ /^(::ffff:)?10\.64\.|^fd00:64:/ { n++ }
		/^dns/ { n++ } END { print n + 0 }' \
		"$lab_dir/web.log" "$lab_dir/dns-isp.log"
}

# Who tries. An attacker has what a service on a hardened host has at most.
nobody() { # COMMAND...
	on client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all "$@"
}

# shellcheck disable=SC2120
raw() {
	on client setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all,+net_raw --ambient-caps=+net_raw \
		--bounding-set=-all,+net_raw "$@"
}

container() {
	on box setpriv --inh-caps=-all,+net_raw,+net_admin \
		--bounding-set=-all,+net_raw,+net_admin "$@"
}

root() {
	on client "$@"
}

# LEVEL app|inject|send ARGUMENTS...: the tools that try.
app() { # LEVEL ARGUMENTS...
	local level=$1
	shift
	"$level" $lab_python -BSE "$world_here/app.py" "$@" \
		2>>"$lab_dir/tries.log"
}

inject() { # LEVEL WAY IF SHAPE [OPTION]...
	local level=$1 way=$2 dev=$3
	shift 3
	"$level" $lab_python -BSE "$world_here/inject.py" "$way" "$dev" \
		"$lab_router_mac" "$@" 2>>"$lab_dir/tries.log"
}

hostile() { # ARGUMENTS...
	on router $lab_python -BSE "$world_here/hostile.py" "$@"
}

fetch() { # LEVEL URL [CURL OPTION...]
	local level=$1
	shift
	"$level" curl -sS --connect-timeout 0.5 --max-time 3 "$@" \
		2>>"$lab_dir/tries.log"
}

fetch_inside() { # URL
	fetch nobody "$1" | grep -qE '^hello (10\.64\.0|fd00:64:)'
}

ask() { # SERVER NAME [OPTION]
	nobody $lab_python -BSE "$lab_top/tests/net/send.py" dns "$@"
}

# flood_start PORT ADDRESS... [OPTION]: 1000 datagrams a second in the background.
flood_start() {
	rm -f "$lab_dir/flood"
	lab_spawn client $lab_python -BSE "$lab_top/tests/net/send.py" udp "$@" \
		pps=1000 log="$lab_dir/flood"
	flood=$lab_pid
	flood_more 50
}

flood_tried() {
	cat "$lab_dir/flood" 2>/dev/null || echo 0
}

flood_more() { # N
	local want
	want=$(($(flood_tried) + $1))
	lab_until 20 "the flood" eval "[ \"\$(flood_tried)\" -ge $want ]"
}

flood_stop() {
	kill -TERM "$flood"
	wait "$flood" 2>/dev/null
	return 0
}
