#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# inline.sh: rules inside of the datapath (apply --engine=inline|auto), in a
# namespace of its own -> when they are, when they are called, and that code of
# a policy before is never run.
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip 'rules inside of the datapath' 'needs root'
	finish
	exit
fi
# shellcheck source=tests/cli/engine_lib.sh
. "$(dirname "$0")/engine_lib.sh"

few_rules
{
	cat "$tmp/few0.nfr"
	for i in {1..400}; do
		echo "block out proto tcp from 10.$((i / 200)).$((i % 200)).0/24 port $i"
	done
} >"$tmp/some.nfr"

# loaded FILE ARGS...: apply, and the names of programs that the verifier saw.
loaded() {
	: >"$tmp/names"
	env LD_PRELOAD="$tmp/refuse.so" nfload apply -v "${@:2}" "$tmp/$1.nfr" &&
		echo "loaded: $(sort "$tmp/names" | grep -cx 'nfr_\(xdp\|in\|out\)')" \
			"$(grep -c '^nfr_native' "$tmp/names")"
}

says 'a datapath that is loaded anyway gets few rules inside' 0 \
	'^engine inline: the rules are .* inside' nfload apply -v "$tmp/few0.nfr"
judges inline
says 'so does that of the other slot' 0 '^engine inline: ' \
	nfload apply -v "$tmp/few1.nfr"
judges inline
says 'one that is used again calls the rules, and says so' 0 \
	'^engine native: .* called, as the datapath was not loaded anew' \
	nfload apply -v "$tmp/few2.nfr"
judges native
says 'unless they are those that are inside' 0 '^engine inline: ' \
	nfload apply -v "$tmp/few1.nfr"
judges inline
says 'so that nothing is verified, as here' 0 '^loaded: 0 0' loaded few0
judges inline
says 'by name it is loaded anew' 0 '^loaded: [1-9][0-9]* 0' \
	loaded few2 --engine=inline
judges inline
says 'native by name is called' 0 '^engine native: ' \
	nfload apply -v --engine=native "$tmp/few0.nfr"
judges native
says 'rollback goes to those that are inside' 0 'is in force again' \
	nfload rollback
judges inline 2
says 'of rules that ask tables, the others are inside' 0 \
	'^engine inline: .* inside, but what asks tables is called' \
	nfload apply -v --engine=inline "$tmp/small.nfr"
judges inline
says 'without those that are called none are inside' 0 \
	'the rules are not native code, but vm: the kernel does not take' \
	env LD_PRELOAD="$tmp/refuse.so" REFUSE=nfr_native \
	nfload apply --engine=inline "$tmp/small.nfr"
judges vm
says 'rules that do not fit are called, and a note says so' 0 \
	'the rules are not inline, but native: .* no room for so many' \
	nfload apply --engine=inline "$tmp/some.nfr"
judges native
says 'a kernel that does not take them inside gets them called' 0 \
	'the rules are not inline, but native: .* does not take the datapath' \
	env LD_PRELOAD="$tmp/refuse.so" REFUSE_FILLED=1 \
	nfload apply --engine=inline "$tmp/few3.nfr"
judges native
says 'what only the VM runs is refused as for native' 3 'rules ask for tags' \
	nfload apply --engine=inline "$tmp/tags.nfr"

finish
