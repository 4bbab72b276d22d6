#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# corpus.bash TARGET FOLDER: the tests' own files, images of policies, or drawn
# packets, and past crashes -> FOLDER, each under one name that tells its place.
set -eu
cd "$(dirname "$0")/../.."
target=$1 folder=$2
mkdir -p "$folder"

put() { # FILE...
	local f name
	for f; do
		[ -f "$f" ] || continue
		name=${f#../}
		cp "$f" "$folder/${name//\//-}"
	done
}

put tests/fuzz/crashes/"$target"-*
case $target in
policy)
	# Its megabytes of macros take seconds, and teach no more.
	put rules/*.nfr tests/{parse,policy,reject,lower}/*.nfr \
		tests/{parse,policy}/*.ok ../shared/peers/pf/*.in \
		tests/pf/ours/*.in tests/pf/convert/*.conf
	rm -f "$folder/tests-reject-macro-bomb.nfr"
	;;
image)
	for f in rules/*.nfr tests/lower/*.nfr; do
		host=laptop
		[ "$f" != rules/router.nfr ] || host=router
		build/rel/bin/nfload compile -q --host tests/hosts/$host.json \
			-Wno-unknown-interface "$f" \
			-o "$folder/$(basename "$f" .nfr).nfi" 2>/dev/null || true
	done
	;;
packet)
	build/san/tests/fuzz/seeds "$folder"
	;;
esac
