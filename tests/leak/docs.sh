#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs.sh [DIR COLUMN...]: "make docs-leaks"; the table that "make leak" left in
# DIR (build/leak) -> docs/leaks-table.md. Refuses one that lacks a row, one of the
# columns (all), or a measurement.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/works.sh"
cd "$lab_top" || exit 2
dir=${1:-build/leak}
[ $# = 0 ] || shift
columns=${*:-$columns_all}

die() {
	echo "docs-leaks: $*" >&2
	exit 1
}

[ -s "$dir/table.md" ] || die 'nothing measured; run "make leak"'
for column in $columns; do
	[ -s "$dir/$column.tsv" ] || die "no column $column"
	for id in $(vectors | cut -d'|' -f1); do
		grep -qE "^$id	$column	leak	.*	(ok|told)	" \
			"$dir/$column.tsv" || die "$column: no row $id"
	done
	[ "$column" = none ] || for id in $(works | cut -d'|' -f1); do
		grep -qE "^$id	$column	work	.*	(works|fails)	" \
			"$dir/$column.tsv" || die "$column: no row $id"
	done
done
{
	cat <<-'END'
	# What leaks, measured

	Written by `make docs-leaks` from what `make leak` measured; do not edit.
	A number is frames of the client's, seen on the router's side of its uplinks, of a
	kind that must not be there; tests/leak/README.md says what counts, how, and who
	tries. "none" is the control: the same without a guard, so that every row is known
	to leak where nothing stops it. In nfr's column, all other frames that should not
	have left are added.

	| column | what |
	| --- | --- |
	| none | a tunnel that nothing leads into |
	| wg-quick | wg-quick(8), its routes and rules |
	| wg-quick + kill switch | with the PostUp lines of its man page |
	| nftables | wg-quick and an inet table in the style of good VPN clients: drop policy, mark and endpoint, the tunnel by index, LAN without DNS |
	| tc only | wg-quick and a default-deny eBPF program on the uplink's tc egress |
	| nfr | wg-quick's routes and `rules/vpn.nfr` as it is shipped |
	| nfr + watch | if there: the same, and `nfload watch` follows what appears |

	*told*: needs root, and `nfload status` says so at once and ends with 5, asked in the
	same test. Other numbers than 0 in nfr's columns are listed below, as open.

	END
	cat "$dir/table.md"
} >docs/leaks-table.md
echo 'docs-leaks: docs/leaks-table.md is written; look at the diff'
