#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--columns="none nfr"] [--jobs=N] [--out=DIR] [half|ROW]...: each vector
# in each column -> DIR/COLUMN.tsv (build/leak). Columns run beside each other.
#
# A line: row, column, kind (leak or work), who, leaked, stray, served, status,
# tenths of a second, text. leaked are frames of the row's kind; stray all others
# that should not have left; served what outside servers answered to. status is
# ok, or for a row of kind work: works or fails; or what broke the measurement.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/columns.sh"

columns=$columns_all jobs=3 rows=()
for word; do
	case $word in
	--columns=*) columns=${word#*=} ;;
	--jobs=*) jobs=${word#*=} ;;
	--out=*) world_out=$(realpath -m "${word#*=}") ;;
	-*) lab_die "what is $word?" ;;
	*) rows+=("$word") ;;
	esac
done

cd "$lab_top" || exit 2
mkdir -p "$world_out"
clang -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 \
	"-I/usr/include/$(gcc -print-multiarch)" -c "$world_here/tc_only.bpf.c" \
	-o "$world_out/tc_only.o" || exit 2
pids=()
for column in $columns; do
	rm -f "$world_out/$column.tsv" "$world_out/$column.log"
	[ "$(jobs -rp | wc -l)" -lt "$jobs" ] || wait -n
	"$world_here/column.sh" "$column" "$world_out" "${rows[@]}" &
	pids+=($!)
done
status=0
for pid in "${pids[@]}"; do
	wait "$pid" || status=2
done
exit $status
