#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench_peers.sh: nfbench run --set --peers: nfr, nftables and iptables with the
# same filters between namespaces, and packets that pass and that are blocked. As
# root; no figure is judged, but that a packet walks all rules is: the more of
# them, the longer it takes nftables.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# has TEXT JQ: all lines together are so.
has() {
	fact "$1" jq -s -e "$2" "$tmp/lines"
}

if [ "$(id -u)" = 0 ]; then
	# Three filters, and two that take a packet: any, and the blocked one.
	printf '@%s\t%s\t0 : 65535\t%s\t%s\t0x0000/0x0000\n' \
		203.0.113.0/24 0.0.0.0/0 '0 : 65535' 0x00/0x00 \
		203.0.113.7/32 10.0.0.0/8 '443 : 443' 0x11/0xFF \
		203.0.0.0/16 10.0.0.0/8 '80 : 90' 0x06/0xFF \
		10.99.0.0/16 10.0.0.0/8 '0 : 65535' 0x11/0xFF \
		10.99.0.0/16 10.0.0.0/8 '444 : 444' 0x11/0xFF >"$tmp/set"
	# As if iptables were not installed, which --peers all allows.
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount bash -c 'mount --bind /dev/null \
		"$(command -v iptables-restore || command -v true)"
		exec nfbench run --json --set "$0" --rules 6 --method veth \
		--peers all --rounds 2 --time 1' "$tmp/set" \
		>"$tmp/lines" 2>"$tmp/said"
	fact 'a set that all take is measured' test "$?" = 0
	fact 'iptables is missing, and said so' grep -q \
		'"iptables-restore" failed: it is not installed: not measured' \
		"$tmp/said"
	fact 'a filter that takes a packet is left out, and said so' grep -q \
		'6 rules: 2 filters take a packet and are left out' \
		"$tmp/said"
	# shellcheck disable=SC2016 # jq's
	has 'each filter has a line of each packet' 'map([.trace, .hook, .engine]
		| join(" ")) as $all | (["passed", "blocked"] | map(
		. + (" xdp-native-in parse", " xdp-native-in inline",
		" tcx-in inline", " input nft", " ingress nft")) +
		["passed none none"]) - $all == [] and
		all($all[]; . != "blocked none none")'
	has 'of as many rules' 'all(.rules == 4)'
	has 'native code is so many instructions' 'map(select(
		.engine == "inline").bytes) | length == 4 and all(. > 100)'
	has 'a filter takes time to load' 'all((.load_ms > 0) ==
		(.engine != "none"))'
	has 'what passes arrives, what is blocked does not' 'all(.passed ==
		(if .trace == "passed" then .packets else 0 end) and
		.packets_s > 0 and .floor_ns > 0)'
	nfbench run --json --set split --rules 1,3000 --method veth \
		--peers nft --rounds 3 --time 2 >"$tmp/lines" 2>"$tmp/said"
	fact 'split is measured' test "$?" = 0
	has 'nftables walks all of its rules' 'map(select(.engine == "nft")) |
		group_by([.trace, .hook]) | length == 4 and
		all(sort_by(.rules) | .[1].ns > 3 * .[0].ns)'
else
	skip 'peers on veth' 'needs root'
fi
finish
