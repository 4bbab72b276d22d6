#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_capture.sh: what real programs sent, captured, through "nfload filter"
# with a translation -> a capture whose addresses are others and whose checksums
# tcpdump finds right.
#
#   near eth0 192.0.2.1 ---- 192.0.2.2 eth0 far
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP capture: needs root"
	exit 0
}
lab_enter "$0" "$@"
cd "$lab_top" || exit 2

lab_netns near
lab_netns far
lab_link near eth0 far eth0
lab_addr near eth0 192.0.2.1/24 2001:db8:2::1/64
lab_addr far eth0 192.0.2.2/24 2001:db8:2::2/64
# A capture shows what is sent, not what is to be finished.
lab_offloads_off near eth0
lab_offloads_off far eth0

lab_spawn near tcpdump -Z root --immediate-mode -U -s 0 -i eth0 -Q out \
	-w "$lab_dir/sent.pcap" >"$lab_dir/tcpdump.log" 2>&1
lab_until 10 tcpdump grep -q 'listening on' "$lab_dir/tcpdump.log"
dumper=$lab_pid
lab_serve far web web 80

for web in 192.0.2.2 '[2001:db8:2::2]'; do
	on near curl -s -m 10 -o /dev/null "http://$web/big" ||
		lab_die "no web at $web"
	on near ping -c 1 -W 5 "${web//[][]/}" >/dev/null
done
# Datagrams with and without a checksum, in one piece and in several; and from
# far to where nobody listens, which near answers with ICMP errors.
send='
import socket, sys
for zero in 0, 1:
    for address in sys.argv[1:]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM)
        if zero and family == socket.AF_INET:
            s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
        for size in 1, 600, 3000:
            s.sendto(b"x" * size, (address, 9))
'
on near $lab_python -c "$send" 192.0.2.2 2001:db8:2::2
on far $lab_python -c "$send" 192.0.2.1 2001:db8:2::1
sleep 0.5
kill "$dumper"
wait "$dumper" 2>/dev/null

cat >"$lab_dir/nat.nfr" <<-'EOF'
	match out on eth0 inet from 192.0.2.1 to any nat-to 198.51.100.33
	match out on eth0 inet6 from 2001:db8:2::1 to any nat-to 2001:db8:33::33
	match out on eth0 inet from any to 192.0.2.2 rdr-to 198.51.100.44
	pass on eth0 flags any
EOF
cat >"$lab_dir/host.json" <<-'EOF'
	{"interfaces": [{"name": "eth0", "addresses": ["192.0.2.1/24",
	  "2001:db8:2::1/64"]}, {"name": "lo", "loopback": true}]}
EOF
nfload filter --host "$lab_dir/host.json" "$lab_dir/nat.nfr" \
	-r "$lab_dir/sent.pcap" -w "$lab_dir/left.pcap" --on eth0 --dir out \
	>"$lab_dir/filter.log" 2>&1 || cat "$lab_dir/filter.log"
for capture in sent left; do
	tcpdump -nvvr "$lab_dir/$capture.pcap" 'ip or ip6' \
		>"$lab_dir/$capture.text" 2>/dev/null
done

number=0 failed=0
fact() { # TEXT COMMAND...
	local text=$1
	number=$((number + 1))
	shift
	if "$@" >"$lab_dir/fact.log" 2>&1; then
		echo "ok $number - $text"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $text"
	sed 's/^/#   /' "$lab_dir/fact.log" "$lab_dir/filter.log" | head -n 20
}
none() { # PATTERN FILE
	! grep -E "$1" "$2"
}
bad='incorrect|bad (udp )?cksum|wrong icmp|bad icmp'
fact 'what was sent is right to begin with' none "$bad" "$lab_dir/sent.text"
fact 'no checksum is wrong behind the translation' \
	none "$bad" "$lab_dir/left.text"
fact 'IPv4 leaves as the translation says' \
	grep -q '198.51.100.33.* > 198.51.100.44' "$lab_dir/left.text"
fact 'IPv6 too' grep -q '2001:db8:33::33' "$lab_dir/left.text"
fact 'nothing leaves as it was' none '192\.0\.2\.1[. ].* > 192\.0\.2\.2' \
	"$lab_dir/left.text"
fact 'TCP has been there, with data' \
	grep -Eq '198.51.100.33.*cksum.*correct.*length [1-9]' "$lab_dir/left.text"
fact 'UDP with a checksum' grep -q 'udp sum ok' "$lab_dir/left.text"
fact 'UDP without one still has none' grep -q 'no cksum' "$lab_dir/left.text"
fact 'pieces of datagrams' grep -Eq 'flags \[\+\].*proto UDP' \
	"$lab_dir/left.text"
fact 'pings' grep -q 'ICMP echo request' "$lab_dir/left.text"
flows='^[0-9].*(proto|next-header) (TCP|UDP)'
fact 'all of what has flows' test "$(grep -cE "$flows" "$lab_dir/sent.text")" = \
	"$(grep -cE "$flows" "$lab_dir/left.text")"
echo "1..$number"
[ -z "${CAPTURE_KEEP-}" ] || cp -r "$lab_dir" "$CAPTURE_KEEP"
[ $failed = 0 ]
