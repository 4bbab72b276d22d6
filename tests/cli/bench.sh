#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench.sh: nfbench: its command line, and what its lines hold. As root, small
# runs; the figures are not judged, that they are there and fit together is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

says 'a strange verb is refused' 2 'no verb "nothing"' nfbench nothing
says 'a mistyped verb gets a suggestion' 2 'did you mean "state"\?' \
	nfbench stat
says 'an option of another verb is refused' 2 \
	'--rules is not an option of "nfbench state"' nfbench state --rules 1
says 'no verb is run' 2 '--flows is not an option of "nfbench run"' \
	nfbench --flows 3
says 'a second operand is refused' 2 'no operand but the verb' \
	nfbench run state
says 'no rounds are refused' 2 '--rounds is 1 to 99' nfbench state --rounds 100
says 'more flows than states are refused' 2 '--flows is 1 to 50000' \
	nfbench state --flows 50001
says 'state has no iptables' 2 '--peers of state is nft or none' \
	nfbench state --peers all
says 'nor has path' 2 '--peers of path is nft or none' \
	nfbench path --peers all
says 'peers are for sets' 2 'on veth with --set only' nfbench run --peers nft
says 'and for IPv4' 2 'on veth is inet only' \
	nfbench run --set split --peers nft --family inet6
says 'help of a verb lists its options' 0 '--method METHOD' nfbench help state
fact 'and not those of others' bash -c '! nfbench help state | grep -e --rules'
says '--help of a verb is the same' 0 '--method METHOD' nfbench state --help

# shellcheck source=tests/cli/bench_lines.sh
. "$(dirname "$0")/bench_lines.sh"
if [ "$(id -u)" = 0 ]; then
	lines 'run has a line a set' 6 "$sound and .hook == \"xdp\"" \
		nfbench run --json --rules 1 --hook xdp --rounds 2 --time 1
	lines 'state has its traces on each hook' 12 "$sound" nfbench state \
		--json --method test-run --family inet --rounds 2 --time 1
	lines 'state counts packets and new flows between namespaces' 20 \
		"$sound and .passed >= .packets * 0.999 and (.trace != \"new\" or
		.rules == 0 or .states >= .packets * 0.999)" \
		nfbench state --json --method veth --peers none --family inet \
		--rounds 2 --time 1 --flows 500
	lines 'path has each way, kind and filter' 50 \
		"$sound and .passed >= .packets * 0.999 and
		(.engine | IN(\"none\", \"inline\", \"nft\",
		\"nft-out\", \"bare\")) and
		(.engine != \"inline\" or .hook == \"tcx/tcx\")" \
		nfbench path --json --family inet6 --rounds 2 --time 1
	# shellcheck disable=SC2016 # the inner shell's
	says 'nftables is a peer where nft is' 3 '"nft -f -" failed: it is not' \
		unshare --mount bash -c 'mount --bind /dev/null "$(command -v \
		nft || command -v true)"; nfbench state --method veth --rounds 1'
	# shellcheck disable=SC2016 # the inner shell's
	lacks() { # PROGRAM PEERS
		unshare --mount bash -c 'mount --bind /dev/null "$(command -v \
			"$0" || command -v true)"; nfbench run --set split \
			--rules 1 --method veth --rounds 1 --peers "$1"' "$@"
	}
	says 'a peer that is named must be there' 3 \
		'"iptables-restore" failed: it is not installed$' \
		lacks iptables-restore iptables
else
	skip 'a peer that is named must be there' 'needs root'
	skip 'state counts packets and new flows between namespaces' 'needs root'
	skip 'nftables is a peer where nft is' 'needs root'
	skip 'run has a line a set' 'needs root'
	skip 'state has its traces on each hook' 'needs root'
fi
finish
