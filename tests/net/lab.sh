#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# lab.sh: a library; builds the network of tests/net/README.md out of namespaces,
# with a real WireGuard tunnel, a capture on the router's side of the uplink, and
# nothing outside this machine.
#
# Everything lives in one mount and one PID namespace, made by lab_enter: /run
# (network namespaces' names, WireGuard's sockets) is a private tmpfs, the bpffs
# is a private mount, and when the script ends, however it ends, the kernel
# kills what it started and frees the rest. So there is nothing to undo.

lab_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab_python=/usr/bin/python3
export PATH="$lab_top/build/rel/bin:$PATH:/usr/sbin:/sbin"

# Addresses; those that rules/vpn.nfr names are the same there.
lab_client4=192.168.1.10
lab_client6=2001:db8:1::10
lab_router4=192.168.1.1
lab_router6=fd00:1::1
lab_router_ll=fe80::1
lab_printer4=192.168.1.20
lab_printer6=fd00:1::20
lab_isp_dns4=203.0.113.53
lab_isp_dns6=2001:db8:53::53
lab_web4=203.0.113.80
lab_web6=2001:db8:80::80
lab_endpoint4=198.51.100.7
lab_endpoint_port=51820
lab_tunnel_dns=10.64.0.1
lab_mark=51820

lab_die() {
	echo "lab: $*" >&2
	exit 2
}

# lab_enter "$0" "$@": run the calling script again inside its own namespaces,
# with $lab_dir as its directory; returns only inside. The runner dies with us
# (pdeathsig) and the namespaces with it (kill-child).
lab_enter() {
	if [ -n "${NFR_LAB_DIR-}" ]; then
		lab_dir=$NFR_LAB_DIR
		mount -t tmpfs tmpfs /run
		mkdir "$lab_dir/bpf"
		mount -t bpf bpf "$lab_dir/bpf"
		return
	fi
	[ "$(id -u)" = 0 ] ||
		lab_die "needs root: network namespaces, a tunnel, eBPF"
	local dir child status=0
	dir=$(mktemp -d /tmp/nfr-lab.XXXXXX)
	NFR_LAB_DIR=$dir setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child --mount-proc \
		bash "$@" &
	child=$!
	# shellcheck disable=SC2064 # now, not later
	trap "kill -KILL $child 2>/dev/null" INT TERM HUP
	wait "$child" || status=$?
	trap - INT TERM HUP
	[ "$status" -lt 128 ] || wait "$child" 2>/dev/null
	rm -rf "$dir"
	exit "$status"
}

# on NAMESPACE COMMAND...
on() {
	ip netns exec "$@"
}

# lab_spawn NAMESPACE COMMAND...: in the background; its own pid in $lab_pid (a
# function in the background would give its subshell's).
lab_spawn() {
	ip netns exec "$@" &
	lab_pid=$!
}

# lab_until SECONDS WHAT COMMAND...: poll until the command succeeds.
lab_until() {
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || lab_die "gave up waiting for $what"
		sleep 0.02
	done
}

# soon SECONDS CONDITION...: holds before then, on a machine at rest; one that
# is not gets four times that.
soon() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 4000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt $deadline ] || return 1
		sleep 0.05
	done
}

lab_netns() { # NAME
	ip netns add "$1"
	on "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 \
		net.ipv6.conf.default.accept_ra=0
	ip -n "$1" link set lo up
}

# lab_link NETNS IF NETNS IF: two ends of a cable.
lab_link() {
	ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# What the device sends is cut and summed before; what it gets is not joined, and
# the host looks at the sums itself.
lab_offloads_off() { # NETNS IF
	on "$1" $lab_python - "$2" <<-'EOF'
		import array, fcntl, socket, struct, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		# ETHTOOL_SRXCSUM, STXCSUM, STSO, SGSO, SGRO
		for what in 0x15, 0x17, 0x1f, 0x24, 0x2c:
		    value = array.array("B", struct.pack("II", what, 0))
		    fcntl.ioctl(s, 0x8946, struct.pack(
		        "16sP8x", sys.argv[1].encode(), value.buffer_info()[0]))
	EOF
}

lab_addr() { # NETNS IF ADDRESS...
	local ns=$1 dev=$2 a
	shift 2
	for a; do
		case $a in
		*:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*) ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac
	done
}

lab_tun() { # NETNS ADDRESS...
	local ns=$1
	shift
	ip -n "$ns" tuntap add tun0 mode tun
	[ $# = 0 ] || lab_addr "$ns" tun0 "$@"
	ip -n "$ns" link set tun0 up
}

# lab_slow_queue NETNS IF PORT RATE: what goes to the port waits in IF's queue.
lab_slow_queue() {
	on "$1" tc qdisc add dev "$2" root handle 1: htb default 20
	on "$1" tc class add dev "$2" parent 1: classid 1:10 htb rate "$4"
	on "$1" tc class add dev "$2" parent 1: classid 1:20 htb rate 1gbit
	on "$1" tc filter add dev "$2" parent 1: protocol ip u32 \
		match ip dport "$3" 0xffff classid 1:10
}

lab_forwards() { # NETNS
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

lab_segments() {
	# The LAN: a bridge in the router, the printer on it, later the client.
	ip -n router link add br0 address 02:00:00:00:01:01 type bridge
	ip -n router link set br0 up
	lab_link printer eth0 router printer0
	ip -n router link set printer0 master br0
	lab_addr router br0 $lab_router4/24 $lab_router6/64 2001:db8:1::1/64 \
		$lab_router_ll/64
	lab_addr router lo $lab_isp_dns4/32 $lab_isp_dns6/128
	lab_addr printer eth0 $lab_printer4/24 $lab_printer6/64

	# The internet: one host between the router and the tunnel's endpoint.
	lab_link router wan0 internet isp0
	lab_link endpoint eth0 internet hoster0
	lab_addr router wan0 203.0.113.2/24 2001:db8:113::2/64
	lab_addr internet isp0 203.0.113.1/24 2001:db8:113::1/64
	lab_addr internet lo $lab_web4/32 $lab_web6/128
	lab_addr internet hoster0 198.51.100.1/24 2001:db8:100::1/64
	lab_addr endpoint eth0 $lab_endpoint4/24 2001:db8:100::7/64
}

# The client, its cable and its default routes.
lab_client() {
	lab_netns client
	on client sysctl -qw net.ipv4.conf.all.src_valid_mark=1
	lab_link client eth0 router client0
	ip -n router link set client0 master br0
	lab_addr client eth0 $lab_client4/24 fd00:1::10/64 $lab_client6/64
	ip -n client route add default via $lab_router4
	ip -n client -6 route add default via $lab_router_ll dev eth0
	lab_client_mac=$(on client cat /sys/class/net/eth0/address)
}

lab_routes() {
	ip -n router route add default via 203.0.113.1
	ip -n router -6 route add default via 2001:db8:113::1
	ip -n endpoint route add default via 198.51.100.1
	ip -n endpoint -6 route add default via 2001:db8:100::1
	# The LAN is routed, not translated: captures read better.
	ip -n internet route add 192.168.1.0/24 via 203.0.113.2
	ip -n internet -6 route add 2001:db8:1::/64 via 2001:db8:113::2
	ip -n internet route add 10.64.0.0/24 via $lab_endpoint4
	ip -n internet -6 route add fd00:64::/64 via 2001:db8:100::7
}

# lab_serve NETNS LOG ARGUMENTS...: a server of serve.py, once it is ready.
lab_serve() {
	local ns=$1 log=$lab_dir/$2.log
	shift 2
	lab_spawn "$ns" $lab_python -SE "$lab_top/tests/net/serve.py" "$@" \
		>"$log" 2>&1
	lab_until 5 "serve.py $*" grep -q '^ready' "$log"
}

# lab_daemon NETNS IF: wireguard-go in the foreground; its pid in $lab_pid. The
# socket of one that was killed is removed first: wg(8) would do so, perhaps when
# it is the new one's, which ends by that.
lab_daemon() {
	rm -f "/run/wireguard/$2.sock"
	WG_PROCESS_FOREGROUND=1 lab_spawn "$1" wireguard-go -f "$2" \
		>>"$lab_dir/$2.log" 2>&1
	lab_until 30 "$2 to appear" on "$1" wg show "$2"
}

lab_keys() {
	local who
	for who in client endpoint; do
		(umask 077 && wg genkey >"$lab_dir/$who.key")
		wg pubkey <"$lab_dir/$who.key" >"$lab_dir/$who.pub"
	done
}

lab_endpoint_up() {
	lab_daemon endpoint wgs0
	on endpoint wg set wgs0 private-key "$lab_dir/endpoint.key" \
		listen-port $lab_endpoint_port peer "$(<"$lab_dir/client.pub")" \
		allowed-ips 10.64.0.2/32,fd00:64::2/128
	lab_addr endpoint wgs0 10.64.0.1/24 fd00:64::1/64
	ip -n endpoint link set wgs0 mtu 1420 up
}

# The client's end, routed as wg-quick does: all but the tunnel's own marked
# packets look in a table of their own first. When that is empty, they fall
# back to the uplink's default route.
lab_tunnel_up() {
	lab_daemon client wg0
	lab_tunnel_pid=$lab_pid
	on client wg set wg0 private-key "$lab_dir/client.key" fwmark $lab_mark \
		peer "$(<"$lab_dir/endpoint.pub")" \
		endpoint $lab_endpoint4:$lab_endpoint_port allowed-ips 0.0.0.0/0,::/0
	lab_addr client wg0 10.64.0.2/32 fd00:64::2/128
	ip -n client link set wg0 mtu 1420 up
	local f
	for f in -4 -6; do
		ip -n client $f route add default dev wg0 table $lab_mark
		ip -n client $f rule list | grep -q "lookup $lab_mark" && continue
		ip -n client $f rule add not fwmark $lab_mark table $lab_mark
		ip -n client $f rule add table main suppress_prefixlength 0
	done
}

lab_has_tunnel() {
	ip -n client link show wg0 >/dev/null 2>&1
}

# Take the tunnel away, by the daemon or by the device, and wait until it is.
lab_tunnel_kill() {
	kill -KILL "$lab_tunnel_pid"
	lab_tunnel_gone
}

lab_tunnel_delete() {
	ip -n client link delete wg0
	lab_tunnel_gone
}

lab_tunnel_gone() {
	lab_until 5 "wg0 to go" eval '! lab_has_tunnel'
	wait "$lab_tunnel_pid" 2>/dev/null
	lab_tunnel_pid=
}

lab_has_no_tentative() { # NETNS...
	local ns
	for ns; do
		[ -z "$(ip -n "$ns" -6 addr show tentative)" ] || return 1
	done
}

# All but the client: router, printer, internet, endpoint, and what they serve.
lab_world() {
	local ns
	for ns in router printer internet endpoint; do
		lab_netns $ns
	done
	lab_forwards router
	lab_forwards internet
	lab_forwards endpoint
	lab_segments
	lab_routes
	lab_keys
	lab_endpoint_up
	# shellcheck disable=SC2034 # for the users of this library
	lab_router_mac=$(on router cat /sys/class/net/br0/address)
}

lab_servers() {
	lab_serve internet web web 80 8080
	lab_serve printer printer web 631
	lab_serve router dns-isp dns $lab_router4 $lab_router6 \
		$lab_isp_dns4 $lab_isp_dns6 $lab_router_ll%br0
	lab_serve endpoint dns-tunnel dns $lab_tunnel_dns
}

lab_up() {
	lab_world
	lab_client
	lab_tunnel_up
	lab_until 10 "IPv6 addresses" lab_has_no_tentative client router printer \
		internet endpoint
	lab_servers
	lab_until 10 "the tunnel's first answer" \
		on client ping -c 1 -W 1 -q $lab_tunnel_dns
}

# lab_capture NAME: from now on, everything on the router's side of the uplink
# goes to $lab_dir/NAME.pcap.
lab_capture() {
	lab_pcap=$lab_dir/$1.pcap
	lab_sync_number=0
	lab_spawn router tcpdump --immediate-mode -U -n -s 128 -B 16384 -Z root \
		-i client0 -w "$lab_pcap" 2>"$lab_pcap.log"
	lab_capture_pid=$lab_pid
	lab_until 5 tcpdump grep -q '^tcpdump: listening' "$lab_pcap.log"
	lab_sync
}

# All that was sent so far is in the capture: the router sends a frame of a
# kind nobody else does, and it is there too.
lab_sync() {
	lab_sync_number=$((lab_sync_number + 1))
	on router $lab_python -SE "$lab_top/tests/net/send.py" frame client0 \
		0x88b5 "sync $lab_sync_number."
	lab_until 5 "the capture" lab_has_synced
}

lab_has_synced() {
	tcpdump -r "$lab_pcap" -A 'ether proto 0x88b5' 2>/dev/null |
		grep -q "sync $lab_sync_number\."
}

# lab_seen FILTER: how many frames of the client's that the capture holds match.
lab_seen() {
	tcpdump -r "$lab_pcap" --count "ether src $lab_client_mac and ($1)" \
		2>/dev/null | cut -d' ' -f1
}

# Ends the capture; fails if the kernel dropped a frame, for it may be the leak.
lab_capture_end() {
	lab_sync
	kill -TERM "$lab_capture_pid"
	wait "$lab_capture_pid"
	grep -q '^0 packets dropped by kernel' "$lab_pcap.log"
}
