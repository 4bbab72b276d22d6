#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench_set.sh: nfbench run --set: the rule alone, and the whole datapath on a
# trace. As root; the figures are not judged, that they are there and fit together
# is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/bench_lines.sh
. "$(dirname "$0")/bench_lines.sh"

says 'a set has no rules for what goes out' 2 'rules for what comes in' \
	nfbench run --set split --hook tc-out
says 'a hook of test runs is none on veth' 2 'for test runs, not for veth' \
	nfbench run --set split --hook xdp --peers nft
says 'nor is it with the rule alone' 2 'for test runs, not for veth' \
	nfbench run --set split --hook test-run --method veth
says 'the rule alone is of a set' 2 'of run --set' \
	nfbench run --hook test-run

if [ "$(id -u)" = 0 ]; then
	# What finds the rule takes time to load, and memory.
	form='(.engine == "none" or .engine == "parse" or
		(.load_ms > 0 and .bytes > 0))'
	lines 'a set has a line a form and trace' 30 "$sound and $form and
		.hook == \"key\" and .rules == 20" nfbench run --json \
		--set split --rules 20 --rounds 2 --time 1
	# Each packet's verdict is compared with that of a walk first.
	whole() { # HOOK TOLD FAMILY
		lines "the whole datapath has one on $1" 10 "$sound and
			$form and .hook == \"$2\" and (.engine |
			IN(\"parse\", \"vm\", \"native\", \"inline\",
			\"hash\"))" \
			nfbench run --json --set split --rules 20 \
			--hook "$1" --family "$3" --rounds 2 --time 1
	}
	whole xdp xdp inet
	whole tc tc-in inet6
else
	skip 'a set has a line a form and trace' 'needs root'
	skip 'the whole datapath has one on xdp' 'needs root'
	skip 'the whole datapath has one on tc' 'needs root'
fi
finish
