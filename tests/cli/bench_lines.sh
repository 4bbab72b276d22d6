# SPDX-License-Identifier: BSD-2-Clause
# bench_lines.sh: nfbench's JSON lines -> facts; sourced behind lib.sh by those
# who look at them.
# shellcheck shell=bash disable=SC2034,SC2154 # who sources it has the others

# lines TEXT COUNT JQ COMMAND...: so many lines or more, and all are so.
lines() {
	local text=$1 count=$2 all=$3
	shift 3
	"$@" >"$tmp/lines" 2>"$tmp/output" || {
		not_ok "$text"
		return
	}
	jq -s -e "length >= $count and all($all)" "$tmp/lines" >"$tmp/output" ||
		cat "$tmp/lines" >>"$tmp/output"
	fact "$text" test "$(head -n 1 "$tmp/output")" = true
}

sound='(.ns > 0 and .floor_ns > 0 and .p25 <= .ns and .ns <= .p75 and
	.ratio > 0 and .load_ms >= 0 and .bytes >= 0 and .rules >= 0 and
	.rounds == 2 and .loadavg >= 0 and
	([.ns, .floor_ns, .ratio, .load_ms, .bytes, .rules, .added_ns] |
	all(type == "number")) and
	([.set, .family, .engine, .hook, .trace, .kernel, .cpu, .jit,
	.mitigations] | all(type == "string" and length > 0)))'
