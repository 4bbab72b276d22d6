#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# inline_kept.sh: programs that have the code of some rules inside, in a namespace of
# its own -> what becomes of it by an unload, a trial's end, other engines, a load
# that is killed and a restart.
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" != 0 ]; then
	skip 'what becomes of code inside of the datapath' 'needs root'
	finish
	exit
fi
# shellcheck source=tests/cli/engine_lib.sh
. "$(dirname "$0")/engine_lib.sh"
few_rules

# back_to GENERATION: in force again, in a while.
back_to() {
	local i
	for i in {1..200}; do
		[ "$(nfload status --json | jq .generation)" != "$1" ] ||
			return 0
		sleep 0.1
	done
	return 1
}

# ---- a trial, other engines, an unload ---------------------------------------
says 'a first policy is inside' 0 '^engine inline: ' \
	nfload apply -v "$tmp/few0.nfr"
judges inline
first=$(nfload status --json | jq .generation)
says 'others on trial' 0 '^engine inline: ' \
	nfload apply -v --confirm=2s "$tmp/few1.nfr"
fact 'the kernel goes back by itself' back_to "$first"
judges inline 2
says 'what was on trial is used again for others' 0 '^engine native: ' \
	nfload apply -v --confirm=2s "$tmp/few2.nfr"
fact 'the kernel goes back from these too' back_to "$first"
judges inline 3
says 'the VM finds them where code of others is inside' 0 '^engine vm: ' \
	nfload apply -v --engine=vm "$tmp/few3.nfr"
judges vm
says 'and where their own is' 0 '^engine vm: ' \
	nfload apply -v --engine=vm "$tmp/few0.nfr"
judges vm

nfload unload --leave=open >/dev/null
says 'after an unload programs are loaded anyway' 0 '^engine inline: ' \
	nfload apply -v "$tmp/few0.nfr"
judges inline
nfload apply "$tmp/few1.nfr" >/dev/null

# ---- killed half way --------------------------------------------------------

# killed CALL FILE ENGINE: few0 goes into the slot that has it inside, and FILE is
# to take that of few1. All of one of them is in force then; if it is FILE, found
# by ENGINE. If not, few1's code is where it was.
killed() {
	local before now
	nfload apply -v "$tmp/few0.nfr" | grep '^engine inline: ' || return
	counts 1 || return
	before=$(nfload status --json | jq .generation)
	env LD_PRELOAD="$tmp/refuse.so" KILL_CALL="$1" \
		nfload apply "$tmp/$2.nfr" >"$tmp/said" 2>&1
	[ $? = 137 ] || return
	now=$(nfload status --json | jq -r '"\(.generation) \(.engine)"')
	if [ "${now% *}" != "$before" ]; then
		[ "${now#* }" = "$3" ] && counts 1
		return
	fi
	counts 2 || return
	nfload apply -v "$tmp/few1.nfr" | grep '^engine inline: ' && counts 1
}

for case in 'few1 inline' 'few2 native'; do
	file=${case% *}
	nfload apply "$tmp/few0.nfr" >/dev/null
	rm -f "$tmp/calls"
	env LD_PRELOAD="$tmp/refuse.so" CALLS_LOG="$tmp/calls" \
		nfload apply "$tmp/$file.nfr" >/dev/null
	calls=$(wc -c <"$tmp/calls")
	for i in {1..12}; do
		fact "killed at call $((calls * i / 13)) of $calls of a load of $file" \
			killed $((calls * i / 13)) "$file" "${case#* }"
	done
done

# ---- a restart ---------------------------------------------------------------
nfload apply --state "$tmp/state" "$tmp/few3.nfr" >/dev/null
umount "$tmp/bpf"
mount -t bpf bpf "$tmp/bpf"
says 'at boot, the last policy is inside again' 0 '^engine inline: ' \
	nfload restore -v --state "$tmp/state"
judges inline

finish
