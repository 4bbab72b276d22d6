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
	transport proto udp to 10.9.0.2 port 51820
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

# Frames of AF_PACKET with an address outside, to port 1000.
inject() { # IF
	on host "$lab_python" - "$1" <<-'PY' 2>>"$out" || true
		import socket, struct, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind((sys.argv[1], 0))
		body = struct.pack("!HHHH", 4000, 1000, 12, 0) + b"leak"
		head = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(body), 1, 0,
		                   64, 17, 0, socket.inet_aton("10.9.0.1"),
		                   socket.inet_aton("203.0.113.9"))
		total = sum(struct.unpack("!10H", head))
		total = (total & 0xffff) + (total >> 16)
		head = head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:]
		for _ in range(5):
		    s.send(b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + head + body)
	PY
}

leaks() { # PORT COMMAND...: are there more packets to it at the far end?
	local port=$1 before
	shift
	before=$(seen "$port")
	"$@"
	[ "$(seen "$port")" -gt "$before" ]
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
end=10.9.0.2
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
ok "the LAN is there" reaches 3000
ok "a bound socket does not leave" stays 1000 bound
ok "nor AF_PACKET" stays 1000 inject up0
ip -n host link set wg0 down
ok "nor with the tunnel down" stays 1000 bound
ip -n host link set wg0 up

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
	ok "a watch takes its place" soon 10 [ "$(mode_of "new devices")" = watch ]
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
ok "it unloads" gives 0 unload --leave open
finish
