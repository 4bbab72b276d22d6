#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# inside.sh: in a VM: a policy with tunnel, nat and rdr on the kernel's own
# WireGuard; what passes, what does not, and what status says of this kernel. TAP.
set -u
# shellcheck source-path=SCRIPTDIR/../net
. "$(dirname "$0")/../net/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR/../net
. "$(dirname "$0")/../net/loader.sh"

cat >"$lab_dir/vm.nfr" <<'POLICY'
tunnel wg0 over any {
	transport proto udp to 10.9.1.2 port 51820
	exclude to 10.9.0.0/24
	link arp ndp
}
pass out on wg0
pass out on wg0 inet from 172.16.0.0/16 nat-to 10.64.0.2
pass in on up0 inet proto udp from any to 10.9.0.1 port 2000 rdr-to 10.9.0.1 port 2001
pass in on up0 inet proto udp from any to 10.9.0.1 port 2001
pass out on up0 to 10.9.0.0/24
POLICY

wireguard() { # NETNS IF WHO PEER ADDRESS [WG WORDS]
	local ns=$1 dev=$2 who=$3 peer=$4 address=$5
	shift 5
	ip -n "$ns" link add "$dev" type wireguard || return
	on "$ns" wg set "$dev" private-key "$lab_dir/$who.key" "$@" \
		peer "$(<"$lab_dir/$peer.pub")" allowed-ips 0.0.0.0/0 \
		endpoint "$end:51820"
	lab_addr "$ns" "$dev" "$address"
	ip -n "$ns" link set "$dev" up
}

inside() {
	on host ping -q -c 1 -W 4 10.64.0.1 >"$out" 2>&1
}

natted() { # the far end has no way back to this address
	on host ping -q -c 2 -W 3 -I 172.16.0.1 10.64.0.1 >"$out" 2>&1
}

mirror() { # UDP at port 2001
	lab_spawn host "$lab_python" -c 'if True:
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("10.9.0.1", 2001))
		while True:
		    s.sendto(*s.recvfrom(64))'
}

answers() { # PORT: by that port, as the socket is connected
	on far "$lab_python" -c 'if True:
		import socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.9.0.1", int(sys.argv[1])))
		s.settimeout(1)
		for _ in range(4):
		    try:
		        s.send(b"mirror")
		        sys.exit(s.recv(64) != b"mirror")
		    except OSError:
		        time.sleep(0.5)
		sys.exit(1)' "$1" 2>"$out"
}

shaken() {
	on far wg show wgs0 latest-handshakes >"$out"
	grep -q '	[1-9]' "$out"
}

# Datagrams of the host's by AF_PACKET, or past the IP header by a raw socket; to
# port 1000 of an address outside if nothing else is said.
inject() { # IF [ADDRESS PORT SPORT [raw]]
	on host "$lab_python" - "$@" <<-'PY' 2>>"$out" || true
		import socket, struct, sys
		dev, to, port, sport = (sys.argv[1:5] +
		                        ["203.0.113.9", "1000", "4000"])[:4]
		body = struct.pack("!HHHH", int(sport), int(port), 16, 0) + b"nfr leak"
		head = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(body), 1, 0,
		                   64, 17, 0, socket.inet_aton("10.9.0.1"),
		                   socket.inet_aton(to))
		total = sum(struct.unpack("!10H", head))
		total = (total & 0xffff) + (total >> 16)
		packet = head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + body
		if sys.argv[5:] == ["raw"]:
		    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
		    s.connect((to, 0))
		else:
		    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		    s.bind((dev, 0))
		    packet = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + packet
		for _ in range(5):
		    s.send(packet)
	PY
}

leaks() { # PORT COMMAND...: are there more packets to it at the far end?
	local port=$1 before
	shift
	before=$(seen "$port")
	"$@"
	[ "$(seen "$port")" -gt "$before" ]
}

works() {
	"$@"
}

fails() {
	! "$@"
}

stays() {
	! leaks "$@"
}

bound() {
	on host "$lab_python" "$lab_top/tests/net/send.py" udp 1000 203.0.113.9 \
		dev=up0 count=3 2>>"$out"
}

# Datagrams to the tunnel's endpoint that are not WireGuard's.
count_own() {
	ip netns exec far nft -f - <<-'COUNT'
		table netdev own {
			chain in {
				type filter hook ingress device "far0" priority 0;
				udp dport 51820 @th,64,32 0x6e667220 counter
			}
		}
	COUNT
}

own_seen() {
	ip netns exec far nft list chain netdev own in |
		sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

passes_for() { # COMMAND...: did one of its datagrams reach the endpoint?
	local before
	before=$(own_seen)
	"$@"
	echo "$*: $(($(own_seen) - before)) came" >"$out"
	[ "$(own_seen)" -gt "$before" ]
}

to_endpoint() { # [SPORT [COMMAND...]]
	local sport=${1:-0}
	shift
	on host "$@" "$lab_python" "$lab_top/tests/leak/app.py" udp 51820 \
		10.9.1.2 dev=up0 sport="$sport" count=3 2>>"$out"
}

as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)

# Each way to the endpoint that is not the kernel's own.
endpoint_ways() { # TEXT CONDITION
	local port
	port=$(on host wg show wg0 listen-port)
	ok "the endpoint: $1 a socket of root's" "$2" passes_for to_endpoint 0
	ok "$1 a socket of nobody's" "$2" passes_for to_endpoint 0 "${as_nobody[@]}"
	ok "$1 AF_PACKET, the tunnel's port" "$2" passes_for \
		inject up0 10.9.1.2 51820 "$port"
	# Before Linux 6.4 the ticket is the port and the route.
	[ "${3-}" != port ] || return
	ok "$1 a raw socket, the tunnel's port" "$2" passes_for \
		inject up0 10.9.1.2 51820 "$port" raw
	ip -n host link set wg0 down
	ok "$1 a socket at the port of the tunnel that is down" "$2" \
		passes_for to_endpoint "$port"
	ip -n host link set wg0 up
	ip -n host route replace 10.64.0.0/24 dev wg0
}

mode_of() { # PATH: of the JSON status
	ip netns exec host nfload --bpffs "$pins" --json status 2>>"$out" |
		"$lab_python" -c '
import json, sys
for p in json.load(sys.stdin)["paths"]:
    if p["name"] == sys.argv[1]:
        print(p["mode"])' "$1"
}

echo "# Linux $(uname -r)"
lab_netns host
lab_netns far
cable
lab_keys
end=10.9.0.1
ok "the endpoint's WireGuard is the kernel's" \
	wireguard far wgs0 endpoint client 10.64.0.1/24 listen-port 51820
end=10.9.1.2
lab_addr far far0 $end/32
ok "and the client's" wireguard host wg0 client endpoint 10.64.0.2/24
ip -n host route add default via 10.9.0.2
ip -n host neigh replace 203.0.113.9 lladdr 02:00:00:00:00:02 dev up0
ok "without nfr a bound socket leaks" leaks 1000 bound
ok "and AF_PACKET" leaks 1000 inject up0
ip -n host addr add 172.16.0.1/32 dev lo
mirror
mirror_pid=$lab_pid
ok "the mirror is at its port" answers 2001
ok "not at another" fails answers 2000
ok "and the far end does not answer 172.16.0.1" fails natted

count_own
endpoint_ways 'without nfr reached by' works

ok "the policy loads" gives 0 apply -Wno-unknown-interface "$lab_dir/vm.nfr"
[ $failed = 0 ] || finish || exit 1
nfload status -v
sed 's/^/# /' "$out"
ok "a handshake, and a ping inside" inside
ok "which the endpoint saw" shaken
ok "nat-to: a ping from 172.16.0.1 is answered" natted
ok "rdr-to: so is port 2000, as port 2000" answers 2000
kill "$mirror_pid"
wait "$mirror_pid" 2>/dev/null
if [ "$(mode_of "IPv4 output")" = netfilter ]; then
	nfload status -v
	ok "the ticket is the kernel's own socket" \
		says "transport by the kernel's UDP socket at port"
	endpoint_ways 'not reached by' fails
else
	endpoint_ways 'not reached by' fails port
fi
ok "the tunnel is still there" inside
ok "the LAN is there" reaches 3000
ok "a bound socket does not leave" stays 1000 bound
ok "nor AF_PACKET" stays 1000 inject up0
ip -n host link set wg0 down
ok "nor with the tunnel down" stays 1000 bound
ip -n host link set wg0 up

is_mode() { # PATH MODE
	[ "$(mode_of "$1")" = "$2" ]
}

case $(mode_of "IPv4 output")$(mode_of "root cgroup egress") in
netfilter) ok "the floor is by netfilter" true ;;
cgroup)
	ok "the floor is by cgroup, and status says what it misses" \
		gives_saying 'not what is forwarded' 5 status
	;;
*) ok "there is a floor" false ;;
esac
if [ "$(mode_of "new devices")" = none ]; then
	ok "no gate here, which status says" \
		gives_saying 'new devices: not guarded' 5 status
	lab_spawn host nfload --bpffs "$pins" watch 2>"$lab_dir/watch.log"
	watch_pid=$lab_pid
	ok "a watch takes its place" soon 10 is_mode "new devices" watch
fi
ip -n host link add new0 address 02:00:00:00:00:01 type veth \
	peer name far2 netns far address 02:00:00:00:00:02
count_far far2 count2
ip -n far link set far2 up
sleep 3
ip -n host link set new0 up
inject new0
ok "a new device is closed to AF_PACKET" [ "$(seen 1000 count2)" = 0 ]
if [ -n "${watch_pid-}" ]; then
	kill -TERM "$watch_pid"
	wait "$watch_pid"
fi
# All tables are one value of a map: more than the 4 MB that kernels once took.
printf '%s\n' 'set skip on lo' 'table <many> persist' 'pass out on up0' \
	'block out quick on up0 to <many>' >"$lab_dir/many.nfr"
for i in {0..199}; do
	for j in {0..255}; do
		printf '%s\n' {11,13,15,203}."$i.$j".0/25
	done
done >"$lab_dir/many"
ok "a policy with a table loads" gives 0 apply "$lab_dir/many.nfr"
ok "what is not in the table leaves" leaks 1000 bound
ok "a table of 204,800 networks loads" gives_saying '204800/204800 addresses added' 0 \
	table many add -f "$lab_dir/many"
ok "what is in it does not leave" stays 1000 bound
ok "it unloads" gives 0 unload --leave open
finish
