#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# column.sh COLUMN DIR [half|ROW]...: one column of run.sh, in a lab of its own;
# a line a row as it is known, to standard output and DIR/COLUMN.tsv.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/works.sh"
lab_enter "$0" "$@"

column=$1 world_out=$2
shift 2
rows=("$@")
# shellcheck disable=SC2034 # for the rows
leak_column=$column

is_wanted() { # ID FLAGS
	local row
	[ ${#rows[@]} != 0 ] || return 0
	for row in "${rows[@]}"; do
		[ "$row" != "$1" ] || return 0
		[ "$row" != half ] || [[ $2 != *h* ]] || return 0
	done
	return 1
}

prepare() { # ID FLAGS
	world_families='4 6'
	[[ $2 != *4* ]] || world_families=4
	world_client
	! declare -F "prep_$1" >/dev/null || "prep_$1"
	"${column}_up" || lab_die "$column does not start"
	lab_until 10 "the tunnel's answer" tunnel_answers
}

# Does "nfload status" tell of it, and ends with 5? Asked of nfr's columns.
told() { # ID
	[[ $column == @(nfr|watch|unsteered) ]] && declare -F "told_$1" >/dev/null || return
	local status=0
	on client nfload status --bpffs "$lab_dir/bpf" >"$lab_dir/status" 2>&1 ||
		status=$?
	cat "$lab_dir/status"
	[ $status = 5 ] && "told_$1" <"$lab_dir/status"
}

# In a subshell: what breaks here breaks this row alone.
leak_row() { # ID FLAGS FILTER
	local capture=uplink served status=ok
	[[ $2 != *t* ]] || capture=tunnel
	prepare "$1" "$2"
	world_capture
	served=$(world_served)
	"try_$1"
	! told "$1" || status=told
	world_capture_end
	printf '%s %s %s %s\n' "$(world_seen $capture "$3")" \
		"$(world_seen uplink "not ($may) and not ($3)")" \
		$(($(world_served) - served)) $status >"$lab_dir/row"
}

work_row() { # ID FLAGS
	prepare "$1" "$2"
	if "work_$1"; then
		echo 0 0 0 works >"$lab_dir/row"
	else
		echo 0 0 0 fails >"$lab_dir/row"
	fi
}

row() { # KIND ID FLAGS WHO FILTER TEXT
	local start=${EPOCHREALTIME/./} leaked stray served status
	is_wanted "$2" "$3" || return 0
	rm -f "$lab_dir/row"
	("$1_row" "$2" "$3" "$5") >"$lab_dir/out" 2>&1 </dev/null
	read -r leaked stray served status 2>/dev/null <"$lab_dir/row" || {
		leaked='' stray='' served=''
		status="error: $(grep '^lab:' "$lab_dir/out" | tail -n 1)"
	}
	{
		echo "=== $2 $status"
		cat "$lab_dir/out"
	} >>"$world_out/$column.log"
	[ -z "${LEAK_KEEP-}" ] || cp "$lab_dir"/client?.pcap "$world_out/" 2>/dev/null
	column_down "$column"
	world_client_end 2>/dev/null
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$2" "$column" "$1" \
		"$4" "$leaked" "$stray" "$served" "$status" \
		$(((${EPOCHREALTIME/./} - start) / 100000)) "$6" |
		tee -a "$world_out/$column.tsv"
}

measure() {
	local id flags who filter text
	world_up
	while IFS='|' read -r id flags who filter text <&3; do
		row leak "$id" "$flags" "$who" "$filter" "$text"
	done 3<<<"$(vectors)"
	[ "$column" != none ] || return 0
	while IFS='|' read -r id flags text <&3; do
		row work "$id" "$flags" person '' "$text"
	done 3<<<"$(works)"
}

cd "$lab_top" || exit 2
measure
for log in nfload wg-quick nft tries filter; do
	[ ! -s "$lab_dir/$log.log" ] ||
		cp "$lab_dir/$log.log" "$world_out/$column-$log.log"
done
