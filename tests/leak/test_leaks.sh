#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_leaks.sh: the half of the vectors that stands for all, without a guard and
# with nfr; a row is a test. "make leak" runs all, in all columns.
set -u
cd "$(dirname "$0")/../.." || exit 2
out=build/leak/half
mkdir -p $out
tests/leak/run.sh --columns='none nfr' --jobs=2 --out=$out half >$out/run.log ||
	exit 2
exec /usr/bin/python3 tests/leak/table.py $out --tap --command=test_leaks.sh
