#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# nightly.sh: "make nightly"; agreement at length -> what each run compared, and
# as the last line "N passed, N failed, N skipped", as run.sh has it.
#
# Over a million comparisons of each form of the rules: on ClassBench's sets, on
# the shapes that broke other compilers and on random policies, both families;
# and over a million packets through the datapath, in user space and in the
# kernel. Seeds are random, and printed. NFR_NIGHT=N makes each N times as long.
set -u
cd "$(dirname "$0")/.." || exit 2
: "${NFR_NIGHT:=1}"
agree=build/rel/tests/agree
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# night SECONDS COMMAND...: a run, in NFR_NIGHT times that time or less.
night() {
	local limit=$(($1 * NFR_NIGHT)) status=0 p f s seen plan
	shift
	echo "# $*"
	timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
	sed 's/^/    /' "$log"
	p=$(grep -c '^ok .*' "$log")
	s=$(grep -cE '^SKIP |^ok .*# SKIP' "$log")
	f=$(grep -c '^not ok ' "$log")
	seen=$((p + f)) plan=$(sed -n 's/^1\.\.//p' "$log")
	p=$((p - $(grep -c '^ok .*# SKIP' "$log")))
	if [ "$f" = 0 ] && { [ "$status" != 0 ] || [ "$seen" != "$plan" ]; }; then
		echo "    not ok: status $status, $seen facts of $plan"
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# The sets of 1,000 rules, then of 10,000; what is left of the million, random.
for rules in 1000 10000; do
	night 1200 $agree/agree_native --comparisons 1 --rules $rules \
		--rounds $((32 * NFR_NIGHT)) --set acl --set fw --set ipc --set split
done
night 1200 $agree/agree_native --comparisons $((1000000 * NFR_NIGHT))
night 2400 $agree/agree --policies $((6000 * NFR_NIGHT))
night 1200 $agree/agree_follow --policies $((3000 * NFR_NIGHT))
night 2400 $agree/agree_trace --traces $((50000 * NFR_NIGHT)) \
	--kernel $((10000 * NFR_NIGHT))

# Each header of the sets' own traces, by all forms in the kernel, against a walk.
for rules in 1000 10000 100000; do
	for set in acl fw ipc split; do
		told="nfbench finds the rules of $set, $rules, in each form"
		if [ "$rules" = 100000 ] && [ $set != acl ] && [ $set != split ]; then
			continue # there is none
		elif [ $set != split ] &&
			[ ! -e "${NFR_CLASSBENCH:-../shared/peers/classbench}" ]; then
			echo "SKIP $told: shared/peers is not there"
			skipped=$((skipped + 1))
		elif timeout 1200 build/rel/bin/nfbench run --set $set \
			--rules $rules --rounds 1 --time 1 >"$log" 2>&1; then
			echo "ok - $told"
			passed=$((passed + 1))
		else
			sed 's/^/    /' "$log"
			echo "not ok - $told"
			failed=$((failed + 1))
		fi
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
