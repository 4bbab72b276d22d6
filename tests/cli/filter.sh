#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# filter.sh: captures through policies -> what passes, counts, lines. No root.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

capture >"$tmp/in.pcap"
filter() {
	nfload filter --host "$host" "$@"
}
run=(rules/vpn.nfr -r "$tmp/in.pcap" -w "$tmp/out.pcap" --on eth0 --dir out)

says 'filter counts what passes' 0 ': 3 packets, 2 passed, 1 blocked; ' \
	filter "${run[@]}"
fact 'what passed is a capture of two packets' test \
	"$(tcpdump -nr "$tmp/out.pcap" 2>/dev/null | wc -l)" = 2
says '-v shows each packet' 0 \
	'^1 .* block out on eth0 IP 192.168.1.50.4000 > 9.9.9.9.53: udp, length 32 \[' \
	filter -v "${run[@]}"
says 'with the rule and its place' 0 '@[0-9]+ rules/vpn.nfr:12:2 ' \
	filter -v "${run[@]}"
says '-q says nothing' 0 '' filter -q "${run[@]}"
head -c 86 "$tmp/in.pcap" >"$tmp/first.pcap"
says 'no packet that passes is a no' 1 ': 1 packet, 0 passed, 1 blocked' \
	filter rules/vpn.nfr -r "$tmp/first.pcap" --on eth0 --dir out
says 'an interface that no rule names is told' 0 'no rule names eth7' \
	filter rules/vpn.nfr -r "$tmp/in.pcap" --on eth7
nfload compile --host "$host" rules/vpn.nfr -q -o "$tmp/vpn.nfi"
says 'an image filters too' 0 '2 passed' \
	nfload filter "$tmp/vpn.nfi" -r "$tmp/in.pcap" --on eth0 --dir out

filter -q rules/vpn.nfr -r - -w - --on eth0 --dir out <"$tmp/in.pcap" \
	>"$tmp/piped.pcap"
fact 'captures go through pipes' cmp "$tmp/piped.pcap" "$tmp/out.pcap"
filter --json -v "${run[@]}" >"$tmp/json"
fact '--json has counts, reasons and events' jq -e '.packets == 3 and
	.passed == 2 and (.counters | length) >= 2 and (.events | length) == 3 and
	.events[0].dport == 53' "$tmp/json"

# ---- bad input -------------------------------------------------------------
says 'a capture is needed' 2 'needs --read' filter rules/vpn.nfr
says 'a missing capture is an error' 2 '/nowhere' \
	filter rules/vpn.nfr -r /nowhere
says 'what is no capture is an error' 2 'vpn.nfr' \
	filter rules/vpn.nfr -r rules/vpn.nfr
: >"$tmp/empty.pcap"
says 'an empty file is no capture' 2 'empty.pcap' \
	filter rules/vpn.nfr -r "$tmp/empty.pcap"
head -c 100 "$tmp/in.pcap" >"$tmp/cut.pcap"
says 'a capture that ends early is an error' 2 'cut.pcap' \
	filter rules/vpn.nfr -r "$tmp/cut.pcap" -w "$tmp/cut-out.pcap"
fact 'and leaves no half output' test ! -e "$tmp/cut-out.pcap"
says 'the output can not be the input' 2 'in.pcap' \
	filter rules/vpn.nfr -r "$tmp/in.pcap" -w "$tmp/in.pcap"
capture >"$tmp/same.pcap"
fact 'and the input is as it was' cmp "$tmp/same.pcap" "$tmp/in.pcap"
says 'an output folder that is not there is an error' 2 '/nowhere/x' \
	filter rules/vpn.nfr -r "$tmp/in.pcap" -w /nowhere/x
echo 'pass oot' >"$tmp/bad.nfr"
says 'a mistake in the policy filters nothing' 2 'Nothing was filtered' \
	filter "$tmp/bad.nfr" -r "$tmp/in.pcap" -w "$tmp/none.pcap"
fact 'and writes nothing' test ! -e "$tmp/none.pcap"
says 'policy and capture can not both be standard input' 2 'not both' \
	filter - -r -
says 'JSON and capture can not share standard output' 2 'not both|can not both' \
	filter rules/vpn.nfr -r "$tmp/in.pcap" -w - --json

finish
