#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# yardstick.sh [CASE...]: OpenBSD's pfctl regression cases -> "N of M" a tier.
#
# print: nfload print of CASE.in is CASE.ok, and of CASE.ok is itself.
# reject: nfload refuses CASE.in, naming just the lines that CASE.ok names.
# The cases are outside test data (../shared/peers/pf, PF_CASES overrides). A
# case listed in differs.tsv differs on purpose: it counts as "differs", and is
# a failure when it stops differing.
set -u
cd "$(dirname "$0")/../.." || exit 2
cases=${PF_CASES:-../shared/peers/pf}
nfload=${NFR_BIN:-build/rel/bin}/nfload
host=tests/hosts/openbsd.json
if [ ! -f "$cases/index.tsv" ]; then
	echo "SKIP pf: no cases in $cases"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nfprint() { "$nfload" print --pf --host "$host" "$1"; }

# Each says why on standard output when it fails.
check_print() {
	local c=$cases/$1
	nfprint "$c.in" >"$work/out" 2>"$work/err" ||
		{ echo "refused: $(head -1 "$work/err")"; return 1; }
	diff "$c.ok" "$work/out" >"$work/diff" ||
		{ echo "prints otherwise: $(sed -n 2,3p "$work/diff" | tr '\n' ' ')"; return 1; }
	nfprint "$c.ok" >"$work/again" 2>"$work/err" ||
		{ echo "its own output is refused: $(head -1 "$work/err")"; return 1; }
	cmp -s "$c.ok" "$work/again" || { echo "not a fixed point"; return 1; }
}

check_reject() {
	local c=$cases/$1
	nfprint "$c.in" >"$work/out" 2>"$work/err" && { echo "accepted"; return 1; }
	grep -oE '^stdin:[0-9]+' "$c.ok" | cut -d: -f2 | sort -un >"$work/want"
	grep -oE '^[^ ]+\.in:[0-9]+:[0-9]+: error' "$work/err" | cut -d: -f2 |
		sort -un >"$work/got"
	cmp -s "$work/want" "$work/got" || {
		echo "lines $(xargs <"$work/got"), not $(xargs <"$work/want")"
		return 1
	}
}

declare -A total good differ
passed=0 failed=0
while IFS=$'\t' read -r name tier kind _; do
	[ "$name" = test ] && continue
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	group="$tier $kind"
	total[$group]=$((${total[$group]:-0} + 1))
	reason=$(awk -F'\t' -v n="$name" '$1 == n { print $2 }' tests/pf/differs.tsv)
	if why=$("check_$kind" "$name"); then
		good[$group]=$((${good[$group]:-0} + 1))
		if [ -n "$reason" ]; then
			failed=$((failed + 1))
			echo "not ok - $name is listed in differs.tsv, and does not differ"
		else
			passed=$((passed + 1))
		fi
	elif [ -n "$reason" ]; then
		differ[$group]=$((${differ[$group]:-0} + 1))
		passed=$((passed + 1))
		echo "# $name ($group) differs on purpose: $reason"
	else
		failed=$((failed + 1))
		echo "not ok - $name ($group): $why"
	fi
done <"$cases/index.tsv"
for group in "T1 print" "T1 reject" "T2 print" "T2 reject"; do
	[ -z "${total[$group]:-}" ] ||
		echo "# $group: ${good[$group]:-0} of ${total[$group]}, ${differ[$group]:-0} differ on purpose"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
