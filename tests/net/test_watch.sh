#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_watch.sh: "nfload watch": devices that come, go, move and change names,
# hooks that others remove or get in front of, addresses, tunnels made again.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

log=$lab_dir/watch.log

write_policies() {
	cat >"$lab_dir/plain.nfr" <<-'POLICY'
		set skip on lo
		pass out on up0 proto udp to any port 1000 no state
		pass out on up1 proto udp to any port 3000 no state
	POLICY
	cat >"$lab_dir/self.nfr" <<-'POLICY'
		set skip on lo
		pass out on up0 proto udp from (up0) to any port 1000 no state
	POLICY
}

watch_start() {
	: >"$log"
	lab_spawn host nfload --bpffs "$pins" watch --every=2s 2>>"$log"
	watch_pid=$lab_pid
	lab_until 5 "watch" grep -q '^nfload watch: ' "$log"
}

watch_stop() { # its status
	kill -TERM "$watch_pid"
	wait "$watch_pid"
}

logged() { # PATTERN
	cp "$log" "$out"
	grep -qE -- "$1" "$log"
}

guards() { # IF: status knows both hooks of it, at the head
	ip netns exec host nfload --bpffs "$pins" --json status 2>>"$out" |
		"$lab_python" -c '
import json, sys
for d in json.load(sys.stdin).get("devices", []):
    if d["name"] == sys.argv[1]:
        hooks = d["in"], d["out"]
        sys.exit(any(h["mode"] == "none" or h.get("position") for h in hooks))
sys.exit(1)' "$1"
}

other_cable() { # up1, to far
	ip -n host link add up1 address 02:00:00:00:00:11 type veth \
		peer name far1 netns far address 02:00:00:00:00:12
	lab_addr host up1 10.9.1.1/24
	ip -n host link set up1 up
	ip -n far link set far1 up
	ip -n host neigh replace 10.9.1.2 lladdr 02:00:00:00:00:12 dev up1
	count_far far1 count1
}

test_devices() {
	other_cable
	ok "a policy" gives 0 apply "$lab_dir/plain.nfr"
	ip -n host link del up1
	watch_start
	ok "watch says how things stand" logged 'guarded, generation 1'
	other_cable
	ok "a new device is guarded within a second" soon 1 guards up1
	ok "its name binds" reaches 3000 10.9.1.2 count1
	ok "and nothing else passes there" blocks 2000 10.9.1.2 count1
	ok "all without a new generation" is generation 1
	ip -n host link set up1 down
	ip -n host link set up1 name other
	ip -n host link set other up
	ip -n host neigh replace 10.9.1.2 lladdr 02:00:00:00:00:12 dev other
	ok "under another name it is another's rules" soon 1 blocks 3000 \
		10.9.1.2 count1
	ip -n host link set other down
	ip -n host link set other name up1
	ip -n host link set up1 up
	ip -n host neigh replace 10.9.1.2 lladdr 02:00:00:00:00:12 dev up1
	ok "under its name again, its own" soon 1 reaches 3000 10.9.1.2 count1
	ip netns add away
	ip -n host link set up1 netns away
	ok "moved away, it is let go" soon 1 logged 'left let go'
	ip -n away link set up1 netns host
	ok "moved back, it is guarded" soon 1 guards up1
	ip -n host link del up1
	other_cable
	ok "deleted and made again, it is guarded" soon 1 guards up1
	ok "and bound" soon 1 reaches 3000 10.9.1.2 count1
	ok "and closed for the rest" blocks 2000 10.9.1.2 count1
}

test_repairs() {
	local index
	index=$(ip netns exec host cat /sys/class/net/up0/ifindex)
	rm "$pins/links/out-$index"
	ok "a removed hook comes back" soon 4 guards up0
	ok "and is told" soon 2 logged 'up0 out: attached'
	ok "and works" blocks 2000
	kill -STOP "$watch_pid" # so that it is seen before it is mended
	ok "a program in front" foreign_program
	kill -CONT "$watch_pid"
	ok "a program in front is passed again" soon 4 guards up0
	ok "which is told" soon 4 logged 'up0 out: 1 program\(s\) of others ran first'
	ok "and blocks again" blocks 2000
}

# One that says PASS, before ours, by a pinned link: it opens everything.
foreign_program() {
	printf '%s\n' '__attribute__((section("tc"))) int other(void *c)' \
		'{ return 0; }' 'char l[] __attribute__((section("license"))) = "GPL";' \
		>"$lab_dir/other.c"
	clang -O2 -target bpf -c -o "$lab_dir/other.o" "$lab_dir/other.c" &&
		bpftool prog load "$lab_dir/other.o" "$lab_dir/bpf/other" type tc &&
		ip netns exec host "$lab_python" "$lab_top/tests/net/front.py" \
			"$lab_dir/bpf/other" up0 "$lab_dir/bpf/other_link" &&
		! guards up0
} >"$out" 2>&1

is_not() { # FIELD VALUE
	! is "$@"
}

test_addresses() {
	ok "rules of an interface's addresses" gives 0 apply "$lab_dir/self.nfr"
	ok "pass what it has" reaches 1000
	ip -n host addr del 10.9.0.1/24 dev up0
	lab_addr host up0 10.9.0.77/24
	ip -n host neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev up0
	ok "a new address is in them" soon 10 reaches 1000
	ok "told" soon 5 logged 'addresses changed: generation'
	ok "by another generation" is_not generation 2
}

test_lives() {
	kill -HUP "$watch_pid"
	sleep 0.2
	ok "SIGHUP does not end it" kill -0 "$watch_pid"
	nfload unload --leave open
	ok "an unload does not end it" soon 3 logged 'nothing is loaded'
	nfload apply "$lab_dir/plain.nfr"
	ok "nor a load" soon 3 guards up0
	ok "SIGTERM does, cleanly" watch_stop
	ok "and leaves all guarded" is posture guarded
	nfload unload --leave open
}

notified() { # TEXT
	grep -q "$1" "$lab_dir/notify.log"
}

test_notify() {
	"$lab_python" -SE -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
log = open(sys.argv[2], "w", buffering=1)
while True:
    log.write(s.recv(4096).decode() + "\n")' \
		"$lab_dir/notify" "$lab_dir/notify.log" &
	lab_until 5 socket test -S "$lab_dir/notify"
	nfload apply "$lab_dir/plain.nfr"
	NOTIFY_SOCKET=$lab_dir/notify WATCHDOG_USEC=400000 watch_start
	ok "systemd hears that it is ready" soon 2 notified '^READY=1'
	ok "how things stand" soon 2 notified '^STATUS=guarded'
	ok "that it lives" soon 2 notified '^WATCHDOG=1'
	ok "it ends" watch_stop
	ok "and says so" soon 2 notified '^STOPPING=1'
	nfload unload --leave open
}

lab_netns host
lab_netns far
cable
write_policies
test_devices
test_repairs
test_addresses
test_lives
test_notify
finish
