#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# replay.sh: the fuzz targets, with ASan and UBSan, over the tests' own files,
# past crashes, and damaged copies of both; the same on every run.
set -u
cd "$(dirname "$0")/../.." || exit 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

replay() { # TARGET DAMAGED-COPIES
	local program=build/san/tests/fuzz/replay_$1
	tests/fuzz/corpus.bash "$1" "$tmp/$1" || return 1
	"$program" -m "$2" "$tmp/$1"/* >"$tmp/out" 2>"$tmp/err"
}

for target in 'policy 4' 'image 200' 'packet 50'; do
	# shellcheck disable=SC2086 # two words
	if replay $target; then
		passed=$((passed + 1))
		echo "ok - ${target% *}: $(tail -n 1 "$tmp/out") do no harm"
	else
		failed=$((failed + 1))
		echo "not ok - ${target% *}: an input does harm"
		tail -n 40 "$tmp/err" | sed 's/^/#   /'
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
