#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# progress.sh: work that takes longer than a second -> a line on a terminal,
# gone at the end; and what each stage took.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

not() { ! "$@"; }

# waited OUT OPTION...: on a terminal, whose output is OUT, nfload waits for a
# policy that comes when it has said so, or after three seconds.
waited() {
	local out=$1
	shift
	: >"$out"
	cat >"$tmp/waits.sh" <<-END
		{
			for _ in {1..60}; do
				! grep -qa 'parse ' "$out" || break
				sleep 0.05
			done
			cat "$root/rules/vpn.nfr"
		} | nfload check $* --host "$host" -
	END
	TERM=${term:-xterm} script -qefc "bash $tmp/waits.sh" "$out" \
		</dev/null >"$tmp/screen" 2>&1
}

erase=$'\r\e\\[K'
term=xterm
waited "$tmp/shown"
fact 'a line says what is waited for' grep -qa $'\rparse \.\.\.' "$tmp/screen"
fact 'it is erased before anything else is written' \
	grep -Pzqa '\.\.\.\e\[K(\rparse \.\.\.\e\[K)*\r\e\[K-: [0-9]+ rules' \
	"$tmp/screen"
fact 'the verdict is there' grep -qa -- '-: [0-9]* rules' "$tmp/screen"
waited "$tmp/shown" --quiet
fact '--quiet has no line' not grep -Eqa "$erase|parse" "$tmp/screen"
term=dumb
waited "$tmp/shown"
fact 'a dumb terminal has none' not grep -Eqa "$erase|parse" "$tmp/screen"
{ sleep 1.5 && cat rules/vpn.nfr; } |
	nfload check --host "$host" - >"$tmp/out" 2>&1
fact 'nor what is no terminal' not grep -Eqa "$erase|parse" "$tmp/out"

nfload check --json --host "$host" rules/vpn.nfr >"$tmp/json"
fact 'JSON has the stages in their order' test \
	"$(jq -r '[.stages[].stage] | join(" ")' "$tmp/json")" = \
	'parse check lower image contract verify'
fact 'and the memory of each, which only grows' \
	jq -e '[.stages[].peak_bytes] | . == sort and .[0] > 100000' "$tmp/json"
fact 'none had more than all had' \
	jq -e '.peak_bytes >= (.stages | last.peak_bytes)' "$tmp/json"
fact 'and the bytes of each form' \
	jq -e '.policy.bytecode_bytes == .policy.instructions * 8 and
		.policy.hash_bytes == 0' "$tmp/json"
says '-v has a table of them' 0 '^verify +[0-9.]+ +[0-9.]+$' \
	nfload check -v --host "$host" rules/vpn.nfr

# 100,000 rules, as "nfload check" of bench/parse.sh has them.
awk 'BEGIN { for (n = 0; n < 100000; n++)
	printf "%s in quick on eth0 proto tcp from 10.%d.%d.%d to any port %d\n",
		n % 3 ? "pass" : "block", n / 65536, n / 256 % 256, n % 256,
		n % 60000 + 1 }' >"$tmp/large.nfr"
nfload check --json --host "$host" "$tmp/large.nfr" >"$tmp/json"
fact '100,000 rules take less than 64 MB' \
	jq -e '.peak_bytes < 67108864' "$tmp/json"
says '-v of so many says who lists them' 0 'listed by "nfload print"' \
	nfload check -v --host "$host" "$tmp/large.nfr"
nfload check -v --json --host "$host" "$tmp/large.nfr" >"$tmp/json"
fact 'and takes no more' jq -e '.peak_bytes < 67108864' "$tmp/json"

finish
