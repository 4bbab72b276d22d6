# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# lib.sh: commands and what they must say -> "ok - fact" lines and a count.
# Sourced by the scripts beside it; NFR_BIN is the folder of the tools.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
root=$PWD
bin=$(realpath "${NFR_BIN:-build/rel/bin}")
export PATH=$bin:/usr/sbin:/sbin:$PATH LC_ALL=C TZ=UTC
unset NO_COLOR NFR_BPFFS
# shellcheck disable=SC2034 # for the scripts
host=$root/tests/hosts/laptop.json
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

if [ ! -x "$bin/nfload" ]; then
	echo "not ok - $bin/nfload is there; \"make all\" builds it"
	exit 1
fi

ok() {
	passed=$((passed + 1))
	echo "ok - $1"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok - $1"
	sed 's/^/#   /' "$tmp/output" 2>/dev/null | head -n 30
}

skip() { # FACT REASON
	skipped=$((skipped + 1))
	echo "SKIP $1: $2"
}

# fact TEXT COMMAND...: COMMAND succeeds.
fact() {
	local text=$1
	shift
	if "$@" >"$tmp/output" 2>&1; then ok "$text"; else not_ok "$text"; fi
}

# says TEXT STATUS PATTERN COMMAND...: COMMAND exits with STATUS, and a line of
# its output or errors matches the extended PATTERN ("" asks for silence). What
# it read is $input, if that is set.
says() {
	local text=$1 wanted=$2 pattern=$3 status=0
	shift 3
	if [ -n "${input+set}" ]; then
		printf '%s' "$input" | "$@" >"$tmp/output" 2>&1 || status=$?
	else
		"$@" >"$tmp/output" 2>&1 </dev/null || status=$?
	fi
	if [ "$status" != "$wanted" ]; then
		echo "status $status, not $wanted: $*" >>"$tmp/output"
		not_ok "$text"
	elif [ -z "$pattern" ] && [ -s "$tmp/output" ]; then
		not_ok "$text"
	elif [ -n "$pattern" ] && ! grep -aqE -- "$pattern" "$tmp/output"; then
		echo "no line matches $pattern: $*" >>"$tmp/output"
		not_ok "$text"
	else
		ok "$text"
	fi
}

# ends TEXT STATUS LINE COMMAND...: the last line is LINE.
ends() {
	local text=$1 wanted=$2 line=$3 status=0
	shift 3
	"$@" >"$tmp/output" 2>&1 </dev/null || status=$?
	if [ "$status" = "$wanted" ] &&
		[ "$(tail -n 1 "$tmp/output")" = "$line" ]; then
		ok "$text"
	else
		echo "status $status, not $wanted, or another last line: $line" \
			>>"$tmp/output"
		not_ok "$text"
	fi
}

# bytes HEX...: the bytes.
bytes() {
	local hex=$*
	hex=${hex// /}
	# shellcheck disable=SC2001 # no pattern of bash has an &
	printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")"
}

# capture >FILE: three frames of the laptop: DNS to 9.9.9.9, the tunnel's
# transport, an ARP request.
capture() {
	local eth='020000000002 020000000001 0800'
	local ip='45000020 00000000 40110000 c0a80132'
	bytes d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000
	bytes 00000065 00000000 2e000000 2e000000
	bytes "$eth $ip" 09090909 0fa0 0035 000c 0000 61626364
	bytes 01000065 00000000 2e000000 2e000000
	bytes "$eth $ip" c6336407 0fa0 ca6c 000c 0000 61626364
	bytes 02000065 00000000 2a000000 2a000000
	bytes ffffffffffff 020000000001 0806 0001080006040001 \
		020000000001 c0a80132 000000000000 c0a80101
}

# veth_lab: pins of its own, and v0 with 10.9.0.1, in a namespace that is the test's.
veth_lab() {
	mkdir "$tmp/bpf"
	trap 'umount -q "$tmp/bpf"; rm -rf "$tmp"' EXIT
	mount -t bpf bpf "$tmp/bpf"
	export NFR_BPFFS=$tmp/bpf/nfr
	ip link set lo up
	ip link add v0 type veth peer name v1
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip addr add 10.9.0.1/24 dev v0
	ip link set v0 up
	ip link set v1 up
}

# other_netns: $other is a process in a network namespace of its own, for the
# caller to kill.
other_netns() {
	unshare -n sleep 3600 >/dev/null 2>&1 &
	other=$!
	for _ in {1..300}; do
		[ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/$$/ns/net)" ] || return 0
		sleep 0.1
	done
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
