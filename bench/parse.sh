#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# parse.sh [KIND...]: policies of 10,000 and 100,000 rules -> seconds that
# "nfload check" takes for each (the best of three), and how many times longer
# ten times the rules take. KIND: plain, labels, lists, anchors, nat; else all.
set -u
cd "$(dirname "$0")/.." || exit 2
nfload=${NFR_BIN:-build/rel/bin}/nfload
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# policy KIND RULES
policy() {
	awk -v kind="$1" -v rules="$2" 'BEGIN {
		for (n = 0; n < rules; n++) {
			from = "10." int(n / 65536) "." int(n / 256) % 256 "." n % 256
			rule = (n % 3 ? "pass" : "block") " in on eth0 proto tcp from " from
			port = n % 60000 + 1
			if (kind == "plain")
				print rule " to any port " port
			else if (kind == "labels")
				print rule " to any port " port " label \"$if:$srcaddr:$nr\""
			else if (kind == "nat")
				print "match out on eth0 from " from " nat-to 192.168.1.50"
			else if (kind == "anchors")
				print (n % 100 ? "" : (n ? "}\n" : "") "anchor \"a" n "\" in on eth0 {\n") rule " to any port " port
			else if (n % 10 == 0)
				print rule " to any port { " port " 1 2 3 4 5 6 7 8 9 }"
		}
		if (kind == "anchors")
			print "}"
	}'
}

# seconds FILE: the best of three
seconds() {
	local best="" start took
	for _ in 1 2 3; do
		start=${EPOCHREALTIME/./}
		"$nfload" check -q --host tests/hosts/laptop.json "$1" \
			>"$tmp/out" 2>&1 || return 1
		took=$((${EPOCHREALTIME/./} - start))
		[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
	done
	echo "$best"
}

printf '%-8s %9s %10s %6s\n' rules 10,000 100,000 ratio
[ $# -gt 0 ] || set -- plain labels lists anchors nat
for kind; do
	policy "$kind" 10000 >"$tmp/small.nfr"
	policy "$kind" 100000 >"$tmp/large.nfr"
	if small=$(seconds "$tmp/small.nfr") &&
		large=$(seconds "$tmp/large.nfr"); then
		awk -v kind="$kind" -v s="$small" -v l="$large" 'BEGIN {
			printf "%-8s %7.3f s %8.3f s %6.1f\n", kind, s / 1e6, l / 1e6, l / s }'
	else
		printf '%-8s %s\n' "$kind" "$(head -n 1 "$tmp/out")"
	fi
done
