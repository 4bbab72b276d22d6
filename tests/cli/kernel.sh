#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kernel.sh: nfload and nftrace against a kernel, in a namespace of their own ->
# exit codes and last lines: loaded, broken, without privilege, without bpffs.
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

printf 'pass oot\n' >"$tmp/bad.nfr"
cat >"$tmp/good.nfr" <<'X'
set skip on lo
pass out log on v0 inet proto udp to any port 53 label "dns"
block out on v0 proto udp to any port 99 label "closed"
X
cat >"$tmp/second.nfr" <<'X'
set skip on lo
block out log on v0 proto udp to any port 53 label "second"
X

echo 'pass all' >"$tmp/nothing.nfr"
if [ "$(id -u)" != 0 ]; then
	ends 'without privilege apply is refused' 3 \
		'1 error. Nothing was loaded; what is in force is unknown (needs root).' \
		nfload apply "$tmp/nothing.nfr"
	skip 'loading, showing, tracing, unloading' 'needs root'
	finish
	exit
fi

# ---- no bpffs --------------------------------------------------------------
says 'without bpffs apply is refused' 3 'bpffs' \
	nfload apply --bpffs "$tmp/nofs" "$tmp/nothing.nfr"
fact 'and no folder was made' test ! -e "$tmp/nofs"
says 'a folder that is on no bpffs is refused' 3 'bpffs' \
	nfload apply --bpffs "$tmp" "$tmp/nothing.nfr"
says 'and its status is unknown' 5 '^UNKNOWN: .*bpffs' \
	nfload status --bpffs "$tmp"

veth_lab
ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev v0

# ---- nothing is loaded -----------------------------------------------------
says 'status of nothing is no' 1 '^OPEN: nothing is loaded' nfload status
says 'show of nothing is no' 1 'nothing is loaded' nfload show rules
says 'unload of nothing is no' 1 'nothing is loaded' nfload unload --leave=open
says 'trace of nothing is no' 1 'nothing is loaded' nftrace
ends 'a mistake leaves nothing in force' 2 \
	'1 error. Nothing was loaded; nothing is in force.' \
	nfload apply "$tmp/bad.nfr"
echo >"$tmp/damaged.nfi"
ends 'so does a damaged image' 2 \
	'1 error. Nothing was loaded; nothing is in force.' \
	nfload apply "$tmp/damaged.nfi"

mkdir "$NFR_BPFFS"
bpftool map create "$NFR_BPFFS/control" type hash key 8 value 8 entries 3 \
	name stranger
says 'a name that someone else pinned is refused' 3 'someone else' \
	nfload apply "$tmp/good.nfr"
says 'and status does not know' 5 '^UNKNOWN: ' nfload status
fact 'and the pin is still there' test -e "$NFR_BPFFS/control"
rm "$NFR_BPFFS/control"
rmdir "$NFR_BPFFS"

# ---- loaded ----------------------------------------------------------------
says 'apply says what is in force, and how' 0 \
	'^generation 1 is in force: .*good.nfr: [0-9]+ rules, .*; hooks: .*v0 in tcx, out tcx' \
	nfload apply "$tmp/good.nfr"
says 'status says so in one line' 0 \
	'^guarded: generation 1, .*good.nfr \([0-9a-f]{12}\), since [0-9-]+ [0-9:]+, every hook attached$' \
	nfload status
says 'and what is not covered' 0 '^  not covered: .*later' nfload status
says 'status -q says nothing when all is well' 0 '' nfload status -q
says 'show rules has numbers and places' 0 \
	'^@[0-9]+ pass out log on v0 .*label "dns".*good.nfr:2:1\]$' nfload show rules
says 'show hooks has devices' 0 '^v0 +ether +tcx' nfload show hooks
says 'show hooks names what is skipped' 0 '^lo .*skipped' nfload show hooks
ends 'a mistake leaves the old policy in force' 2 \
	'1 error. Nothing was loaded; generation 1 stays in force.' \
	nfload apply "$tmp/bad.nfr"
ends 'a damaged image leaves the old policy in force' 2 \
	'1 error. Nothing was loaded; generation 1 stays in force.' \
	nfload apply "$tmp/damaged.nfi"
ends 'a missing file leaves the old policy in force' 2 \
	'1 error. Nothing was loaded; generation 1 stays in force.' \
	nfload apply /nowhere
fact 'status --json is guarded' bash -c \
	"nfload status --json | jq -e '.posture == \"guarded\" and .generation == 1'"

# ---- without privilege -----------------------------------------------------
mkdir "$tmp/bin"
cp "$bin/nfload" "$bin/nftrace" "$tmp/bin"
chmod 644 "$tmp"/*.nfr
as=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all)
unknown='what is in force is unknown (needs root).'
ends 'without privilege apply is refused, and says what is not known' 3 \
	"1 error. Nothing was loaded; $unknown" \
	"${as[@]}" "$tmp/bin/nfload" apply "$tmp/nothing.nfr"
ends 'a mistake without privilege is still a mistake' 2 \
	"1 error. Nothing was loaded; $unknown" \
	"${as[@]}" "$tmp/bin/nfload" apply "$tmp/bad.nfr"
says 'without privilege status is unknown' 5 '^UNKNOWN: ' \
	"${as[@]}" "$tmp/bin/nfload" status
says 'without privilege nothing is shown' 3 'error: ' \
	"${as[@]}" "$tmp/bin/nfload" show rules
says 'without privilege nothing is unloaded' 3 'Nothing was unloaded' \
	"${as[@]}" "$tmp/bin/nfload" unload --leave=open
says 'without privilege nothing is traced' 3 'error: ' \
	"${as[@]}" "$tmp/bin/nftrace"

# ---- trace -----------------------------------------------------------------
# Not connected: it is the packet that is blocked.
send() { # PORT
	/usr/bin/python3 -SE -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"x\n", ("10.9.0.2", int(sys.argv[1])))' "$1" || true
} 2>/dev/null

# wait_for COMMAND...: until it holds, at most 5 s.
wait_for() {
	local turn
	for turn in {1..50}; do
		"$@" && return
		sleep 0.1
	done
	echo "gave up after $turn turns" >&2
	return 1
}
is_tracing() {
	[ "$(nfload status --json | jq .tracing)" = "$1" ]
}
lines() { # FILE AT-LEAST
	[ "$(wc -l <"$1")" -ge "$2" ]
}

nftrace -q >"$tmp/trace" 2>"$tmp/output" &
tracer=$!
wait_for is_tracing true
send 53
send 99
wait_for lines "$tmp/trace" 2
clock='^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}'
packet='on v0 IP 10\.9\.0\.1\.[0-9]+ > 10\.9\.0\.2'
fact 'a logged packet is traced' grep -qE \
	"$clock pass out $packet\\.53: udp, length 30 \\[rule\\] @[0-9]+ label \"dns\" .*good.nfr:2:1 gen 1\$" \
	"$tmp/trace"
fact 'a blocked packet is traced' grep -qE \
	"$clock block out $packet\\.99: udp, length 30 \\[rule\\] @[0-9]+ label \"closed\" .*good.nfr:3:1 gen 1\$" \
	"$tmp/trace"
says 'a second nftrace is refused' 3 'another nftrace' nftrace
says 'a reload is generation 2' 0 '^generation 2 is in force' \
	nfload apply "$tmp/second.nfr"
send 53
wait_for lines "$tmp/trace" 3
fact 'the trace goes on with the new policy' grep -qE \
	'block out .*label "second" .*second.nfr:2:1 gen 2$' "$tmp/trace"
kill -INT $tracer
status=0
wait $tracer || status=$?
fact 'an interrupt ends nftrace with 0' test $status = 0
fact 'and tracing is off again' is_tracing false

nftrace -q --json -c 1 -b -d out -i v0 >"$tmp/trace" 2>"$tmp/output" &
tracer=$!
wait_for is_tracing true
send 53
status=0
wait $tracer || status=$?
fact 'nftrace ends after COUNT packets' test $status = 0
fact 'and its JSON is an object a line' jq -es \
	'length == 1 and .[0].label == "second" and .[0].dport == 53' "$tmp/trace"
nftrace -q 2>"$tmp/output" | true &
tracer=$!
wait_for is_tracing true || true
send 99
wait $tracer
fact 'a closed pipe turns tracing off' wait_for is_tracing false

# ---- counters, unload ------------------------------------------------------
says 'show rules -v counts' 0 'packets [1-9][0-9]*, bytes [1-9]' \
	nfload show rules -v
says 'show counters has reasons' 0 '^rule +out +[1-9]' nfload show counters
says 'unload to blocked says so' 0 'hooks? blocks? all$' \
	nfload unload --leave=blocked
says 'status is blocked then' 0 '^blocked: no policy is in force' nfload status
says 'there are no rules to show then' 1 'no policy is in force' \
	nfload show rules
says 'apply comes back from blocked' 0 'is in force' nfload apply "$tmp/good.nfr"
says 'unload to open says so' 0 'nothing is guarded$' nfload unload --leave=open
says 'status is open then' 1 '^OPEN: ' nfload status

finish
