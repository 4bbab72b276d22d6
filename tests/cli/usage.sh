#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# usage.sh: command lines, right and wrong -> exit codes and messages.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

says 'no verb is a mistake' 2 'which verb\?' nfload
says 'a mistyped verb gets a suggestion' 2 'did you mean "check"\?' nfload chek x
says 'a strange verb is refused' 2 'no verb "zzzzzzzz"$' nfload zzzzzzzz
says 'a mistyped option gets a suggestion' 2 'did you mean --host\?' \
	nfload check --hots x rules/vpn.nfr
says 'a strange letter is refused' 2 'no option -Z' nfload -Z
says 'an option of another verb is refused' 2 \
	'--leave is not an option of "nfload check"' \
	nfload check --leave=open rules/vpn.nfr
says 'an option without its argument is refused' 2 '--host needs PROFILE' \
	nfload check rules/vpn.nfr --host
says 'an empty argument is refused' 2 'empty argument' nfload status --bpffs=
says 'a FILE is needed' 2 'needs a FILE' nfload check
says 'two FILEs are too many' 2 'takes one operand; what is "b"' nfload check a b
says 'a FILE by -f and one more are too many' 2 'one FILE at a time' \
	nfload check -f a b
says 'two -f are too many' 2 'one FILE at a time' nfload -f a -f b
says 'status takes no operand' 2 'takes no operand' nfload status x
says 'a macro needs a name and a value' 2 'NAME=VALUE' nfload check -D x f
says 'a macro needs a name of letters' 2 'NAME=VALUE' nfload check -D 1x=2 f
says 'a word of no list is refused' 2 'did you mean "blocked"' \
	nfload unload --leave=bloked
says 'unload wants to know what then' 2 '--leave=blocked or --leave=open' \
	nfload unload
says 'show takes its words' 2 '"rules counters hooks states info tables", not rule$' \
	nfload show rule
says 'show needs a word' 2 'takes one of' nfload show
says 'compile needs an output' 2 'needs --output' \
	nfload compile --host "$host" rules/vpn.nfr
says 'dump has five stages' 2 'takes one of' \
	nfload dump --stage=nothing rules/vpn.nfr
says 'completion is for bash' 2 'bash' nfload completion zsh
says 'help is not on everything' 2 'did you mean "json"' nfload help jsn
says '--help lists the verbs' 0 '^  unload ' nfload --help
says '--help of a verb lists its options' 0 '--stage STAGE' nfload dump --help
says 'help of a verb is the same' 0 '--stage STAGE' nfload help dump
says '--version says which' 0 '^nfload [0-9]+\.' nfload --version
says 'nftrace --version says which' 0 '^nftrace [0-9]+\.' nftrace --version
says 'nftrace --help lists its options' 0 '--count COUNT' nftrace --help
says 'nftrace takes no operand' 2 'what is "x"' nftrace x
says 'nftrace suggests too' 2 'did you mean --blocked' nftrace --bloked
says 'a count is a number' 2 'a number from 1' nftrace -c 0
says 'a direction is in or out' 2 'takes one of "in out"' nftrace -d up
says 'options may stand before the verb' 0 '' \
	nfload -q --host "$host" check rules/vpn.nfr
says 'and behind the operand' 0 '' \
	nfload check rules/vpn.nfr -q --host "$host"
says 'a full device is told' 2 'standard output: No space' \
	bash -c 'nfload --help >/dev/full'

exits=$(sed -n 's/^NFR_EXIT([A-Z_]*, \([0-9]\), "\(.*\)")$/  \1  \2/p' \
	runtime/exits.def)
fact 'help exits is exits.def' test "$(nfload help exits)" = "$exits"
fact '--help ends with the exit status' \
	test "$(nfload --help | tail -n 6)" = "$exits"
fact 'help json has a line a field' test "$(nfload help json | wc -l)" = \
	"$(grep -c '^NFR_JSON(' runtime/json.def)"
fact 'help reasons has a line a reason' test "$(nfload help reasons | wc -l)" = \
	"$(grep -c '^NFR_REASON(' runtime/reasons.def)"

# ---- completion: the script as bash runs it --------------------------------
nfload completion bash >"$tmp/completion"
fact 'the completion script is bash' bash -n "$tmp/completion"

# completes WORDS... : what bash would offer for the last word.
completes() {
	# shellcheck disable=SC2016 # for the inner bash
	bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1"; echo "${COMPREPLY[*]}"' - "$tmp/completion" "$@"
}
fact 'verbs complete' test "$(completes nfload che)" = check
fact 'options of a verb complete' test "$(completes nfload unload --l)" = \
	'--leave --loop'
fact 'options of other verbs do not' test "$(completes nfload check --leav)" = ''
fact 'words of an option complete' \
	test "$(completes nfload unload --leave b)" = blocked
fact 'also behind an equal sign' \
	test "$(completes nfload unload --leave = o)" = open
fact 'topics complete' test "$(completes nfload show c)" = counters
fact 'files complete' test "$(completes nfload check rules/vp)" = rules/vpn.nfr
fact 'nfbench completes' test "$(completes nfbench sta)" = state
fact 'nftrace completes' test "$(completes nftrace --bl)" = --blocked

finish
