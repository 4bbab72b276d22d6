#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# convert.sh: what people bring along -> what "nfload convert" makes of it.
#
# convert/*.conf, hand-written, and the print cases of ../shared/peers/pf
# (PF_CASES overrides). The output parses; "nfload check" takes it just when
# convert asked for no decision; converting it gives the same text again.
# convert/decide.tsv says which lines of NAME.conf are asked about, NAME.ok what
# comes of the others, but for comments and how states float, which is as the
# datapath can. NFR_GOLDEN_UPDATE=1 writes NAME.ok.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
cases=${PF_CASES:-../shared/peers/pf}

# parses FILE: no error of the grammar's
parses() {
	nfload dump --stage=ast --host "$profile" "$1"
}

# converts NAME FILE LINES: LINES to be decided about, "any" or ""
converts() {
	local name=$1 file=$2 lines=$3 status=0 asked
	nfload convert --host "$profile" "$file" >"$tmp/one" 2>"$tmp/err" ||
		status=$?
	fact "$name converts" test $status -le 1
	fact "$name becomes what parses" parses "$tmp/one"
	asked=$(grep -oE '^[^ ]+:[0-9]+:[0-9]+: error: nfr refuses' "$tmp/err" |
		grep -oE ':[0-9]+:[0-9]+: ' | cut -d: -f2 | sort -un | xargs)
	[ "$lines" = any ] || fact "$name asks about lines '$lines'" \
		test "$asked" = "$lines"
	if [ $status = 0 ]; then
		fact "$name becomes what checks" \
			nfload check -q --host "$profile" "$tmp/one"
		fact "$name asks for nothing" \
			test "$asked$(grep -c 'To be decided' "$tmp/one")" = 0
	else
		says "$name becomes what is refused until decided" 2 error \
			nfload check --host "$profile" "$tmp/one"
		fact "$name marks what is to be decided" \
			grep -q '^# To be decided' "$tmp/one"
	fi
	nfload convert --host "$profile" "$tmp/one" >"$tmp/two" 2>"$tmp/err"
	fact "$name converts to itself" diff "$tmp/one" "$tmp/two"
}

profile=tests/hosts/router.json
for file in tests/pf/convert/*.conf; do
	name=$(basename "$file")
	nfload convert --host "$profile" "$file" 2>"$tmp/err" |
		grep -vE '^#|^set state-policy floating' >"$tmp/plain"
	[ -z "${NFR_GOLDEN_UPDATE-}" ] || cp "$tmp/plain" "${file%.conf}.ok"
	fact "$name becomes what it should" diff "${file%.conf}.ok" "$tmp/plain"
	converts "$name" "$file" \
		"$(awk -F'\t' -v n="$name" '$1 == n { print $2 }' tests/pf/convert/decide.tsv)"
done

if [ -f "$cases/index.tsv" ]; then
	profile=tests/hosts/openbsd.json
	while IFS=$'\t' read -r name _ kind _; do
		[ "$kind" = print ] || continue
		nfload check -q --pf --host "$profile" "$cases/$name.in" \
			>"$tmp/output" 2>&1 || continue # differs.tsv has it
		converts "$name" "$cases/$name.in" any
	done <"$cases/index.tsv"
else
	skip 'the print cases convert' "no cases in $cases"
fi
finish
