#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# worst.sh: text that is too much of something -> a policy or an error, never a
# crash, never without end. Times are bench/parse.sh's.
# shellcheck disable=SC2016 # $n is awk's
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

check() {
	timeout 20 nfload check --host "$host" -W no-unused-macro "$@"
}

# make EXPRESSION...: what awk's BEGIN prints -> $tmp/w.nfr
make() {
	awk "function many(text, n,  i) { for (i = 0; i < n; i++) printf \"%s\", text }
		BEGIN { $1 }" >"$tmp/w.nfr"
}

# is_error FACT, is_right FACT [PATTERN]: of $tmp/w.nfr
is_error() { says "$1" 2 "error: " check "$tmp/w.nfr"; }
is_right() { says "$1" 0 "w.nfr: .*${2-}" check "$tmp/w.nfr"; }

make 'printf "pass from "; many("a", 1000000); print ""'
is_error 'a word of 1 MB is an error'
make 'printf "pass label \""; many("a", 1000000); print "\""'
is_error 'a string of 1 MB is an error'
make 'printf "pass in "; many("x ", 500000); print ""'
is_error 'a line of 500,000 words is one error'
make 'printf "pass from "; many("! ", 500000); print "10.0.0.1"'
is_error '500,000 negations are an error'
make 'many(" ", 1000000); print "pass"'
is_right '1 MB of blanks is nothing'
make 'many("\\\n", 500000); print "pass"'
is_right '500,000 continued lines are one'
make 'printf "pass from "; many("{ ", 10000); printf "10.0.0.1"; many(" }", 10000); print ""'
is_error '10,000 nested braces are an error'
make 'printf "pass from "; many("{ ", 10000)'
is_error '10,000 braces that are never closed are an error'
make 'printf "pass from "; many("(", 10000); printf "eth0"; many(")", 10000); print ""'
is_error '10,000 nested parentheses are an error'
make 'many("anchor \"a\" {\n", 10000); print "pass"; many("}\n", 10000)'
is_error '10,000 nested anchors are an error'
make 'many("anchor {\n", 10000)'
is_error '10,000 anchors that are never closed are an error'
make 'for (n = 0; n < 40; n++)
	printf "anchor \"a%d\" {\nanchor \"/a%d\"\nanchor \"/a%d\"\n}\n", n, n + 1, n + 1'
is_error 'anchors that double 40 times are an error'
make 'for (n = 0; n < 50000; n++) printf "anchor \"a%d\" {\npass in on eth0\n}\n", n'
is_right '50,000 anchors are right' '5000[0-9] rules'
make 'many("\"", 100001); print ""'
is_error '100,001 quotes are an error'
make 'many("pass oot\n", 100000)'
says '100,000 mistakes are told 20 times' 2 '^20 errors' check "$tmp/w.nfr"
make 'for (n = 0; n < 100000; n++) print "pass from <t" n ">"'
says '100,000 unknown tables are told 20 times' 2 '^20 errors' \
	check "$tmp/w.nfr"
make 'for (n = 0; n < 5000; n++) print "table <t" n "> { 10.0.0.1 }\npass from <t" n ">"'
is_error '5,000 tables are too many'
make 'printf "pass proto tcp from {"; for (n = 0; n < 1000; n++) printf " 10.0.%d.%d", n / 256, n % 256;
	printf " } to {"; for (n = 0; n < 1000; n++) printf " 10.1.%d.%d", n / 256, n % 256; print " }"'
is_error 'a rule of a million combinations is an error'
make 'for (n = 0; n < 100000; n++) print "m" n " = \"10.0.0.1\""; print "pass from $m99999"'
is_right '100,000 macros are right'
make 'print "m0 = \"10.0.0.1\"";
	for (n = 1; n < 64; n++) print "m" n " = \"$m" n - 1 " $m" n - 1 "\""; print "pass from { $m63 }"'
is_error 'macros that double 64 times are an error'
make 'many("pass in on eth0 proto tcp to any port 22\n", 100000)'
is_right '100,000 equal rules are right' '10000[0-9] rules'
make 'for (n = 0; n < 100000; n++)
	printf "pass in on eth0 proto tcp from 10.%d.%d.%d to any port %d label \"$srcaddr:%d\"\n",
		n / 65536, n / 256 % 256, n % 256, n % 60000 + 1, n'
is_right '100,000 rules with labels are right' '10000[0-9] rules'
finish
