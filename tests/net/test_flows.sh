#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_flows.sh: a gateway's state, fragments and translation -> one test a
# scenario: what a user sees under nfr is what is expected, as it is under
# nftables, and is not what is seen without either.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/gate.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP flows: needs root"
	exit 0
}
lab_enter "$0" "$@"
gate_up
for engine in ${GATE_ENGINES:-plain nft nfr}; do
	gate_measure "$engine"
done
[ ! -f "$lab_dir/plain.seen" ] || [ ! -f "$lab_dir/nfr.seen" ] || whole=1

number=0 failed=0
while IFS='|' read -r id expected text; do
	number=$((number + 1)) why=""
	[ "$(gate_seen nfr "$id")" = "$expected" ] || why+=" nfr"
	[ "$(gate_seen nft "$id")" = "$expected" ] || why+=" nft"
	[ "$(gate_seen plain "$id")" != "$expected" ] || why+=" plain"
	[ -z "$why" ] || failed=$((failed + 1))
	echo "${why:+not }ok $number - $text"
	[ -z "$why" ] || for engine in plain nft nfr; do
		echo "# $engine: $(gate_seen $engine "$id"); expected: $expected"
	done
done < <(gate_table)
echo "1..$number"
[ -z "${GATE_KEEP-}" ] || cp -r "$lab_dir" "$GATE_KEEP"
[ $failed = 0 ] && [ -n "${whole-}" ]
