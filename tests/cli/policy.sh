#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# policy.sh: policies, good and bad -> check, print, compile, dump. No root.
# shellcheck disable=SC2016,SC2034 # $x is nfr's; input is for says
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

check() {
	nfload check --host "$host" "$@"
}

# ---- check -----------------------------------------------------------------
says 'check says what a policy holds' 0 \
	'^rules/vpn.nfr: [0-9]+ rules, [0-9]+ guard rules, 3 tables, 2 interfaces; [0-9]+ instructions$' \
	check rules/vpn.nfr
says 'check -q says nothing' 0 '' check -q rules/vpn.nfr
says '-nf is check' 0 '^rules/vpn.nfr: ' nfload -nf rules/vpn.nfr --host "$host"
says '-nvf prints the rules' 0 '^pass out ' \
	nfload -nvf rules/laptop.nfr --host "$host"
says 'apply -n is check' 0 '^rules/vpn.nfr: ' \
	nfload apply -n rules/vpn.nfr --host "$host"
input='pass out quick on eth0 all'
says 'a policy comes from standard input' 0 '^-: [0-9] rules' check -
says 'check -v prints the rules' 0 '^pass out quick on eth0 all' check -v -
unset input

input='pass oot all'
says 'a mistake shows its place' 2 '^-:1:6: error: .* \[parse\]$' check -
says 'and a suggestion behind the caret' 2 '\^~~ did you mean "out"\?' check -
says 'and that nothing was loaded' 2 '^1 error\. Nothing was loaded\.$' check -
input=$'pass oot all\nblock im all\ntable x { }\n'
says 'several mistakes are told at once' 2 '^[3-9] errors\. Nothing' check -
input='pass on eth9 all'
says 'an unknown interface is an error' 2 'unknown interface "eth9"' check -
says 'unless it may appear later' 0 '^-: ' check -Wno-unknown-interface -
input='pass on et0 all'
says 'a mistyped interface gets a suggestion' 2 'did you mean "eth0"' check -
input='table <t> file "/nowhere/t"'$'\npass from <t> to any'
says 'a missing table file is an error' 2 '/nowhere/t.*No such file' check -
input='pass out proto tcp from any to any once'
says 'what does not run yet is refused by name' 2 \
	'"once" is not supported by the datapath yet' nfload compile -o /dev/null -
says 'what does not run yet is checked' 0 'once is the first' check -
input=$'pass out on eth0 inet nat-to 192.168.1.50\nassert block out on eth0'
says 'and its asserts are held against it' 2 \
	'witness: udp .* out eth0, as 192.168.1.50:' check -
input='pass in from localhost'
says 'pf takes names of hosts' 0 'from 127.0.0.1' nfload print --pf \
	--host tests/hosts/openbsd.json -
says 'check --pf lists what differs' 0 'what no rule matches passes in pf' \
	check --pf --host tests/hosts/openbsd.json -
says 'convert says what pf implies' 0 '^set default pass' nfload convert \
	--host tests/hosts/openbsd.json -
input='include "/nowhere/x"'
says 'a missing include is an error' 2 '/nowhere/x.*No such file' check -
input=$'x = "eth0"\npass on $x all'
says '-D beats the file' 2 'unknown interface "eth7"' check -D x=eth7 -
input='pass on $x all'
says '-D defines what the file lacks' 0 '^-: ' check -D x=eth0 -
says 'an unknown macro is an error' 2 'macro "x"' check -
input=$'x = "eth0"\npass all'
says 'a warning is counted in the summary' 0 '1 warning$' check -
says '-W error makes it an error' 2 'Nothing was loaded' check -W error -
says '-W no-NAME makes it none' 0 'instructions$' check -W no-unused-macro -
unset input

says 'an unknown warning is refused' 2 'no such warning' \
	check -W no-such rules/vpn.nfr
says 'a missing file is an error' 2 '/nowhere: No such file' check /nowhere
says 'a directory is an error' 2 'Is a directory' check rules
: >"$tmp/empty.nfr"
says 'an empty file blocks everything' 0 'empty.nfr: ' check "$tmp/empty.nfr"
head -c 4000 /bin/true >"$tmp/binary.nfr"
says 'a binary file is told' 2 'not a text file' check "$tmp/binary.nfr"
printf '\xff\xfe\n' >"$tmp/bytes.nfr"
says 'bytes that are no text are told' 2 'Nothing was loaded' \
	check "$tmp/bytes.nfr"
fact 'and are JSON all the same' bash -c \
	"nfload check --json --host '$host' '$tmp/bytes.nfr' | jq -e '.exit == 2'"
says 'a missing host profile is an error' 2 '/nowhere' \
	nfload check --host /nowhere rules/vpn.nfr
echo '{' >"$tmp/profile.json"
says 'a damaged host profile is an error' 2 'profile.json' \
	nfload check --host "$tmp/profile.json" rules/vpn.nfr
printf 'pass all\n' >"$tmp/secret.nfr"
chmod 000 "$tmp/secret.nfr"
unprivileged=()
if [ "$(id -u)" = 0 ]; then
	unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
mkdir "$tmp/bin"
cp "$bin/nfload" "$bin/nftrace" "$tmp/bin"
says 'a file that may not be read is told' 2 'Permission denied' \
	"${unprivileged[@]}" "$tmp/bin/nfload" check "$tmp/secret.nfr"

# ---- colour ----------------------------------------------------------------
echo 'pass oot' >"$tmp/bad.nfr"
esc=$'\033'
has_no_escape() {
	! "$@" 2>&1 | grep -q "$esc"
}
fact 'a pipe gets no colour' has_no_escape check "$tmp/bad.nfr"
says '--color=always gives some' 2 "$esc" check --color=always "$tmp/bad.nfr"
fact '--color=never gives none' has_no_escape check --color=never "$tmp/bad.nfr"

# ---- print -----------------------------------------------------------------
for policy in vpn laptop split-include; do
	nfload print --host "$host" "rules/$policy.nfr" >"$tmp/one"
	nfload print --host "$host" "$tmp/one" >"$tmp/two"
	fact "what print prints of $policy.nfr prints the same" \
		cmp "$tmp/one" "$tmp/two"
done
says 'print of a mistake prints nothing' 2 'Nothing was printed' \
	nfload print "$tmp/bad.nfr"

# ---- dump ------------------------------------------------------------------
dump() {
	nfload dump --host "$host" "$@"
}
says 'dump shows tokens' 0 '^rules/vpn.nfr:9:1: tunnel' \
	dump --stage=tokens rules/vpn.nfr
says 'dump shows the syntax tree' 0 '^rules/vpn.nfr:9:1: tunnel wg0 over any' \
	dump --stage=ast rules/vpn.nfr
says 'dump shows the policy' 0 '^guard, ' dump --stage=policy rules/vpn.nfr
says 'dump shows bytecode' 0 '\bret\b' dump rules/vpn.nfr
says 'dump shows the image' 0 '\bret\b' dump --stage=image rules/vpn.nfr
says 'dump of a mistake tells it' 2 'expected' dump --stage=ast "$tmp/bad.nfr"

# ---- compile ---------------------------------------------------------------
image=$tmp/vpn.nfi
compile() {
	nfload compile --host "$host" "$@"
}
says 'compile writes an image' 0 "bytes in $image\$" \
	compile rules/vpn.nfr -o "$image"
compile rules/vpn.nfr -o - >"$tmp/again.nfi"
fact 'the same policy gives the same bytes' cmp "$image" "$tmp/again.nfi"
says 'an image can be checked' 0 '3 tables, 2 interfaces' nfload check "$image"
says 'an image can be dumped' 0 '\bret\b' nfload dump "$image"
says 'an image can not be printed' 2 'needs the rules as text' \
	nfload print "$image"
cp "$image" "$tmp/old.nfi"
says 'compile of a mistake writes nothing' 2 'Nothing was written' \
	compile "$tmp/bad.nfr" -o "$tmp/old.nfi"
fact 'and leaves the old image' cmp "$image" "$tmp/old.nfi"
says 'an output folder that is not there is told' 2 '/nowhere/x.*No such file' \
	compile rules/vpn.nfr -o /nowhere/x
says 'a device is written to, not replaced' 0 'bytes in /dev/null' \
	compile rules/vpn.nfr -o /dev/null
fact 'and is still a device' test -c /dev/null
says 'a full device is told' 2 'No space' compile rules/vpn.nfr -o /dev/full

# ---- damaged images --------------------------------------------------------
size=$(stat -c %s "$image")
refused=0 tried=0
for length in 0 1 3 4 31 100 $((size / 2)) $((size - 8)) $((size - 1)); do
	head -c "$length" "$image" >"$tmp/cut.nfi"
	tried=$((tried + 1))
	nfload check "$tmp/cut.nfi" >"$tmp/output" 2>&1
	[ $? != 2 ] || refused=$((refused + 1))
done
fact 'a truncated image is refused at every length' test $refused = $tried

# flip OFFSET BYTE: writes one byte of a copy.
flip() {
	cp "$image" "$tmp/flip.nfi"
	printf '%b' "\\x$2" |
		dd of="$tmp/flip.nfi" bs=1 seek="$1" conv=notrunc status=none
}
refused=0 tried=0
for ((at = 0; at < size; at += size / 40)); do
	old=$(od -An -tx1 -j "$at" -N 1 "$image")
	flip "$at" "$(printf %02x $((0x${old// /} ^ 0x10)))"
	tried=$((tried + 1))
	nfload check "$tmp/flip.nfi" >"$tmp/output" 2>&1
	[ $? != 2 ] || refused=$((refused + 1))
done
fact "a flipped bit is refused at $tried places" test $refused = $tried
flip 4 63
says 'an image of another version says so' 2 'version' \
	nfload check "$tmp/flip.nfi"
cp rules/vpn.nfr "$tmp/text.nfi"
says 'text named .nfi is no image' 2 'text.nfi: ' nfload check "$tmp/text.nfi"
mkdir "$tmp/folder.nfi"
says 'a folder named .nfi is no image' 2 'Is a directory' \
	nfload check "$tmp/folder.nfi"

# ---- JSON ------------------------------------------------------------------
# json FACT FILTER COMMAND...: the output is one object of which FILTER holds.
json() {
	local text=$1 filter=$2
	shift 2
	"$@" >"$tmp/json" 2>"$tmp/output"
	if [ -s "$tmp/output" ]; then
		not_ok "$text"
	else
		fact "$text" jq -es "length == 1 and (.[0] | $filter)" "$tmp/json"
	fi
}
json 'check --json has the counts' \
	'.verb == "check" and .exit == 0 and .policy.tables == 3' \
	check --json rules/vpn.nfr
json 'check --json has the diagnostics' \
	'.exit == 2 and (.diagnostics | length) == 1 and (.summary | test("Nothing was loaded"))' \
	check --json "$tmp/bad.nfr"
json 'print --json has the statements' '.statements | length == 2' \
	nfload print --json --host "$host" rules/vpn.nfr
json 'dump --json has the text' '.stage == "policy" and (.text | length > 100)' \
	dump --json --stage=policy rules/vpn.nfr
json 'compile --json has the hash' '.policy.hash | length == 12' \
	compile --json rules/vpn.nfr -o "$image"
json 'a missing file is JSON too' '.exit == 2 and (.error | test("No such"))' \
	check --json /nowhere
json 'a mistyped option is JSON too' '.exit == 2 and (.error | test("--host"))' \
	nfload --json check --hots
json 'help --json has the text' '.text | test("usage")' nfload help check --json

finish
