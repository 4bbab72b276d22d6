#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_rebind.sh: the tunnel's device made again under "nfload watch": trusted
# only by "rebind", of the same kind, with the stated peers; an impostor is not.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

log=$lab_dir/watch.log

policy() { # FILE REBIND [CLAUSE]
	cat >"$lab_dir/$1.nfr" <<-POLICY
		tunnel wg0 $2 over any {
			transport proto udp to 10.9.0.2 port 1000
			link arp ndp
			${3-}
		}
	POLICY
}

trusted() { # [IF]: is it the tunnel, and trusted?
	ip netns exec host nfload --bpffs "$pins" --json status 2>/dev/null |
		"$lab_python" -c '
import json, sys
ds = json.load(sys.stdin).get("devices", [])
sys.exit(not any(d["name"] == sys.argv[1] and d.get("trusted") for d in ds))' \
		"${1-wg0}"
}

# watch has looked at it, says why, and has not changed its mind a second later.
stays_closed() { # WHY
	if ! soon 8 grep -qF "wg0 has the tunnel's name, and stays closed: $1" \
		"$log"; then
		cp "$log" "$out"
		return 1
	fi
	sleep 1.2
	cp "$log" "$out"
	! trusted wg0
}

back() { # trusted again, and told
	soon 8 trusted && grep -q '^nfload watch: wg0: the tunnel is back' "$log"
}

logged() { # PATTERN
	cp "$log" "$out"
	grep -q -- "$1" "$log"
}

refreshed() {
	soon 30 logged 'addresses changed: generation'
}

# Does a datagram add to that reason's count?
counts() { # REASON IF SOURCE
	local before
	before=$(counted "$1")
	ip netns exec host "$lab_python" -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.bind((sys.argv[2], 0))
s.sendto(b"nfr", ("203.0.113.80", 7))' "$2" "$3"
	[ "$(counted "$1")" -gt "$before" ]
}
counted() { # REASON, of what goes out
	nfload show counters
	awk -v reason="$1" '$1 == reason && $2 == "out" { n = $3 }
		END { print n + 0 }' "$out"
}

watching() { # POLICY: in force, under a fresh watch
	gives 0 apply "$lab_dir/$1.nfr" || return 1
	: >"$log"
	lab_spawn host nfload --bpffs "$pins" watch --every=1s 2>>"$log"
	watch_pid=$lab_pid
	soon 5 grep -q '^nfload watch: ' "$log"
}

unwatch() {
	kill -TERM "$watch_pid"
	wait "$watch_pid"
	nfload unload --leave open
}

tun() { # add | del
	ip -n host tuntap "$1" wg0 mode tun
	[ "$1" = del ] || lab_addr host wg0 10.64.0.2/32
}

lab_netns host
lab_netns far
cable
lab_keys
policy plain ""
policy rebind rebind
policy peer rebind "peer \"$(<"$lab_dir/endpoint.pub")\""

tun add
ok "without rebind" watching plain
ok "the tunnel is trusted" trusted wg0
tun del
tun add
ok "made again, it stays closed" stays_closed \
	'the policy does not say rebind'
unwatch

ok "with rebind" watching rebind
tun del
ip -n host link add wg0 type bridge
ok "a bridge of that name stays closed" stays_closed \
	'it is of kind bridge, and the tunnel was of kind tun'
ip -n host link del wg0
tun add
ok "one of the same kind is trusted again" back
ip -n host link set wg0 up
ip -n host link set wg0 name old0
ok "renamed, it stays the tunnel" soon 5 trusted old0
: >"$log"
lab_addr host old0 10.64.0.3/32
ok "an address of it is put in force" refreshed
ok "and it stays the tunnel, loaded again" soon 5 trusted old0
ok "its new address is its own" soon 5 counts rule old0 10.64.0.3
ok "and the older one is" counts rule old0 10.64.0.2
ok "but no other's" counts guard old0 10.9.0.1
ip -n host link set old0 name wg0
ok "and under its name again" soon 5 trusted
ip -n host link set wg0 netns far
ok "in another namespace it is not" soon 5 logged 'index [0-9]* is gone'
ip -n far link set wg0 netns host
ok "and back it is" soon 8 trusted
# The move has taken its addresses.
: >"$log"
lab_addr host wg0 10.64.0.2/32
ok "its address is in force again" refreshed
: >"$log"
tun del
ok "an address that changes the tables meanwhile" refreshed
ip -n host tuntap add wg0 mode tap
ok "does not make another kind the tunnel" stays_closed \
	'it is of link type 1, and the tunnel was of 65534'
unwatch
ip -n host link del wg0

lab_daemon host wg0
lab_addr host wg0 10.64.0.2/32
on host wg set wg0 peer "$(<"$lab_dir/endpoint.pub")"
ok "with the stated peer" watching peer
ok "the tunnel is trusted" trusted wg0
ip -n host link del wg0
lab_until 5 "wg0 to go" eval '! ip -n host link show wg0'
lab_daemon host wg0
on host wg set wg0 peer "$(<"$lab_dir/client.pub")"
ok "made again with another peer, it stays closed" stays_closed \
	"its peer $(<"$lab_dir/client.pub") is not one that the policy states"
on host wg set wg0 peer "$(<"$lab_dir/client.pub")" remove \
	peer "$(<"$lab_dir/endpoint.pub")"
ok "with the stated one, it is trusted" back
unwatch
finish
