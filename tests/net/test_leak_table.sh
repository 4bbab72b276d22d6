#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_leak_table.sh: the demo's table as a test; a row is a test, and so is the
# sum of all that was seen.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/leaks.sh"
lab_enter "$0" "$@"

failed=0 rows=0
leaks_row() { # ID KIND TEXT WITHOUT WITH VERDICT NOTE
	local what="$1: $3: $4 without, $5 with${7:+ ($7)}"
	rows=$((rows + 1))
	if [ "$6" = ok ]; then
		echo "ok $rows - $what"
	else
		echo "not ok $rows - $what: $6"
		failed=$((failed + 1))
	fi
}

cd "$lab_top" || exit 2
lab_up
leaks_measure rules/vpn.nfr || exit 2
want=$(($(leaks_table | wc -l) + 1))
echo "1..$want"
if [ $failed != 0 ]; then
	sed 's/^/# nfload: /' "$lab_dir/nfload.log" | tail -n 40
	cp "$lab_dir"/*.pcap "$lab_top/build/test/" &&
		echo '# the captures are in build/test'
fi
[ $failed = 0 ]
