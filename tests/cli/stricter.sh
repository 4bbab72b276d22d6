#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# stricter.sh: where nfr is stricter than pf -> that the hole is closed, told
# with a lesson, and opened by its switch, where there is one. Verdicts are
# asked for by "assert", which the model answers. What needs packets over time
# is shown by the tests that tests/README.md names.
# shellcheck disable=SC2016,SC2034 # $ux is nfr's; input is for says
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

check() { nfload check --host "$host" "$@"; }
as_pf() { nfload check --pf --host "$host" "$@"; }

# ---- what no rule matches ----------------------------------------------------
input=$'pass out on eth0\nassert block in on eth0\nassert block out on wg0\n'
says 'what no rule matches is blocked' 0 '^-: ' check -
input=$'set default pass\npass out on eth0\nassert block in on eth0\n'
says '"set default pass" lets it pass, and the assert sees it' 2 \
	'passed by "set default pass"' check -
input=$'pass out on eth0\n'
says 'check --pf says that pf passes it' 0 'unless "set default pass" is said' as_pf -

# ---- states float ------------------------------------------------------------
input=$'pass out on eth0 keep state (floating)\n'
says 'a floating state is warned of' 0 'go on through another interface.*-Wfloating' check -
says 'with what comes of it' 0 'hint: when the tunnel is down' check -
says 'and can be made an error' 2 'error: .*-Wfloating' check -W error=floating -
input=$'set state-policy floating\npass out on eth0\n'
says 'so is the policy of all states' 0 'warning: .*-Wfloating' check -
input=$'pass out on eth0\n'
says 'check --pf says that states float in pf' 0 'states float between interfaces' as_pf -

# ---- skip --------------------------------------------------------------------
input=$'set skip on eth0\n'
says 'skip beyond loopback is refused' 2 'only loopback can be skipped \[skip\]' check -
says 'with the rule to write' 2 'hint: "pass quick on eth0 no state"' check -
input=$'set skip on lo\npass quick on eth0 no state\nassert pass in on eth0\n'
says 'which does it in everyone'\''s sight' 0 '^-: ' check -

# ---- negations while empty ---------------------------------------------------
input=$'pass out on eth0 to ! (wg0)\n'
says '"! (if)" of a pass rule is refused' 2 'this passes every address \[fails-open\]' check -
says 'with two ways out' 2 'hint: write what it may reach, .* or block "\(wg0\)" before' check -
input=$'table <t> persist\npass out on eth0 to ! <t>\n'
says '"! <t>" of an empty table is refused' 2 'the table <t> is empty.*\[fails-open\]' check -
input=$'table <t> { 10.0.0.1 }\npass out on eth0 to ! <t>\nassert block out on eth0 to 10.0.0.1\n'
says 'of a table that holds something it is not, and blocks it' 0 '^-: ' check -

# ---- names -------------------------------------------------------------------
input=$'pass out to host.example\n'
says 'a name is not asked of the DNS' 2 'names are not looked up in the DNS \[name\]' check -
input=$'pass out to eht0\n'
says 'a mistyped interface gets a suggestion' 2 'did you mean "eth0"' check -
input=$'pass out to dns "host.example"\n'
says '"dns" takes what /etc/hosts has, only' 2 'is not in /etc/hosts' check -
input=$'pass out to dns "localhost"\n'
says 'and takes that' 0 '^-: ' nfload check --host tests/hosts/openbsd.json -
input=$'pass in on em9\n'
says 'an unknown interface is an error' 2 'unknown interface.*-Wunknown-interface' check -
says 'unless it appears later' 0 '^-: ' check -W no-unknown-interface -

# ---- egress ------------------------------------------------------------------
input=$'block out on egress\n'
says '"egress" is refused in a block rule' 2 'this stops blocking when it moves \[egress\]' check -
says 'with what to use' 2 'hint: name the uplink, or use "tunnel' check -
input=$'block out on egress\n'
says 'convert says which interface it was' 0 '^egress = "eth0"' \
	nfload convert --host "$host" -

# ---- antispoof ---------------------------------------------------------------
cat >"$tmp/host.json" <<'E2'
{"interfaces": [{"name": "lo", "loopback": true, "addresses": ["127.0.0.1/8"]},
	{"name": "tun0", "addresses": []}]}
E2
input=$'antispoof for tun0\n'
says 'antispoof without an address is refused' 2 'protects nothing \[antispoof\]' \
	nfload check --host "$tmp/host.json" -
says 'with the form that is bound later' 2 'hint: "antispoof for \(tun0\)"' \
	nfload check --host "$tmp/host.json" -
input=$'antispoof for (tun0)\n'
says 'which is' 0 '^block drop in on ! tun0 from \(tun0:network\) to any' \
	nfload print --host "$tmp/host.json" -

# ---- the sealed guard --------------------------------------------------------
tunnel=$'tunnel wg0 over any {\n transport proto udp to 198.51.100.7 port 51820\n exclude to 192.168.0.0/16\n}\n'
input=$tunnel$'anchor "evil" {\n pass out quick on eth0 to 9.9.9.9\n}\n'
says 'an anchor'\''s "pass quick" against the tunnel is refused' 2 \
	'outside the tunnel \[contract\]' check -
says 'with a packet that shows it' 2 'note: witness: .* > 9.9.9.9' check -
input=$tunnel$'assert block out on eth0 proto tcp to 9.9.9.9\n'
says 'and nothing leaves without it' 0 '^-: ' check -

# ---- rules that can not match ------------------------------------------------
input=$'block in quick on eth0\npass in on eth0\n'
says 'a rule that can not match is warned of' 0 'never matches' check -
says 'with what shadows it' 0 'note: .*-:1:1' check -

# ---- fragments ---------------------------------------------------------------
input=$'pass in on eth0 inet fragment\npass in on eth0 inet from 10.0.0.0/8\n'
says '"fragment" is a criterion of its own' 0 '^-: ' check -

# ---- syntax ------------------------------------------------------------------
input='pass out proto tcp tp 1.1.1.1'
says 'a mistake has its place, and what was expected' 2 \
	'^-:1:20: error: expected "to", found "tp" \[parse\]' check -
says 'and a suggestion behind the caret' 2 '\^~ did you mean "to"\?' check -
input='pass out on eth0'
says 'a missing final newline is fine' 0 '^-: ' check -

# ---- what is not part of the language ---------------------------------------
for words in 'altq on eth0' 'queue q on eth0 bandwidth 1M' 'ether in' 'dummynet in' \
	'pass in os Linux' 'pass in set queue q' 'pass in queue q'; do
	input=$words
	says "\"$words\" is refused by name" 2 '"(altq|queue|ether|dummynet|os)" is not supported \[unsupported\]' check -
done

# ---- diagnostics -------------------------------------------------------------
input=$'pass user rot\npass group rooot\npass proto tcp to port htpp\npass from <la>\npass on $ux\ntable <lan> { 10.0.0.1 }\nua = "eth0"\n'
for near in 'user "rot"=root' 'group "rooot"=root' 'service "htpp"=http'; do
	says "a suggestion for ${near%=*}" 2 "did you mean \"${near#*=}\"" check -
done
says 'a suggestion for a table' 2 'did you mean <lan>' check -
input=$'ux = "eth0"\npass on $uy\n'
says 'a suggestion for a macro' 2 'did you mean "\$ux"' check -
input=$(for ((i = 0; i < 30; i++)); do echo 'pass oot'; done)
says '30 mistakes are told 20 times' 2 '^20 errors' check -
input=$'pass from { 10.0.0.1\npass in on eth0\npass oot\n'
says 'a brace that is never closed costs one error' 2 '^2 errors' check -
input=$'pass oot\n'
NO_COLOR=1 says 'NO_COLOR is obeyed' 2 '^-:1:6: error' check -
says '--color=always colours' 2 $'\033' check --color=always -
input=$'pass in on eth0\n'
while read -r name; do
	says "-W no-$name is known" 0 '^-: ' check -W "no-$name" -
done < <(sed -n 's/^NFR_WARNING([A-Z_]*, "\([a-z-]*\)".*/\1/p' compiler/warnings.def)
unset input

# ---- the table of tests/README.md --------------------------------------------
# Each test it names is there.
sed -n '/^| of pf/,/^$/p' tests/README.md | grep -oE '`[a-z]+_[a-z_]+`' | tr -d '\`' |
	sort -u >"$tmp/named"
fact 'tests/README.md names tests' test "$(wc -l <"$tmp/named")" -ge 8
while read -r name; do
	fact "$name is a test" grep -rqE "\\b$name\\b" tests/unit tests/net --include=*.c --include=*.sh
done <"$tmp/named"
finish
