#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ours.sh: what pf.conf(5) has and OpenBSD's given cases do not -> printed as
# pfctl's print_rule() would, each print a fixed point; and what pfctl refuses,
# a line a case, refused at its line. Written from the manual and from the
# order of pfctl_parser.c, for the host of tests/hosts/openbsd.json.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

nfprint() { nfload print --pf --host tests/hosts/openbsd.json -W no-unused-macro "$1"; }

for file in tests/pf/ours/*.in; do
	name=$(basename "$file" .in)
	nfprint "$file" >"$tmp/one" 2>"$tmp/err"
	[ -z "${NFR_GOLDEN_UPDATE-}" ] || cp "$tmp/one" "${file%.in}.ok"
	fact "$name prints as pfctl would" diff "${file%.in}.ok" "$tmp/one"
	fact "$name says nothing" test ! -s "$tmp/err"
	nfprint "$tmp/one" >"$tmp/two" 2>&1
	fact "$name is a fixed point" diff "$tmp/one" "$tmp/two"
done
while IFS= read -r line; do
	printf '%s\n' "$line" >"$tmp/line.in"
	says "pf refuses: $line" 2 'line.in:[12]:[0-9]+: error' \
		nfprint "$tmp/line.in"
done <tests/pf/ours/reject.txt
finish
