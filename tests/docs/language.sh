#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# language.sh [PAGE]: every fenced block of docs/language.md, run.
#
#   nfr           a policy that checks with no word said but the summary
#   nfr warning   one that checks, and is warned about
#   nfr error     one that is refused
#   nfr refused   one that checks, and does not compile yet
#   nfr pf        a pf.conf that checks with --pf
#   sh            commands that succeed, in a folder with laptop.json and rules/
#   text          what the block before says: the print of an nfr block, the
#                 diagnostics of the others, the output of sh
#
# NFR_GOLDEN_UPDATE=1 writes what was found into the page's text blocks.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
page=${1:-docs/language.md}

cp "$host" rules/*.nfr "$tmp"
cp "$page" "$tmp/page"
cd "$tmp" || exit 2

# Block N is N.body and N.text; blocks has its line, number and kind.
awk '
	/^```/ && on { on = ""; close(file); next }
	/^```/ {
		on = substr($0, 4)
		if (on != "text")
			print NR, ++n, on >"blocks"
		file = n (on == "text" ? ".text" : ".body")
		printf "" >file
		next
	}
	on { print >file }' page

# run KIND FILE -> found, said: what is compared with the text; the status
run() {
	local status=0
	case $1 in
	sh) bash -eu "$2" >found 2>&1 || status=$? ;;
	nfr)
		nfload print --host laptop.json policy.nfr >found 2>/dev/null
		nfload check -q --host laptop.json policy.nfr >said 2>&1 || status=$?
		;;
	'nfr warning')
		nfload check -q --host laptop.json policy.nfr >found 2>&1 || status=$?
		;;
	'nfr pf')
		nfload check -q --pf --host laptop.json policy.nfr >found 2>&1 || status=$?
		;;
	'nfr error')
		nfload check --host laptop.json policy.nfr >found 2>&1 || status=$?
		[ $status = 2 ]
		return
		;;
	'nfr refused')
		nfload check -q --host laptop.json policy.nfr >said 2>&1 || return
		nfload compile --host laptop.json policy.nfr -o policy.nfi \
			>found 2>&1 || status=$?
		[ $status = 2 ]
		return
		;;
	*)
		echo "no such kind of block: $1" >said
		return 1
		;;
	esac
	[ $status = 0 ] && [ ! -s said ]
}

# block LINE NUMBER KIND
block() {
	: >found
	: >said
	cp "$2.body" policy.nfr
	if ! run "$3" "$2.body"; then
		cat said found >output
		not_ok "line $1 ($3)"
	elif [ -n "${NFR_GOLDEN_UPDATE-}" ] && [ -e "$2.text" ]; then
		cp found "$2.text"
		ok "line $1 ($3)"
	elif [ ! -e "$2.text" ] || diff "$2.text" found >output; then
		ok "line $1 ($3)"
	else
		not_ok "line $1 ($3) says what the page says"
	fi
}

while read -r line number kind; do
	block "$line" "$number" "$kind"
done <blocks

if [ -n "${NFR_GOLDEN_UPDATE-}" ]; then
	awk '
		/^```/ && on { on = "" ; print; next }
		/^```/ {
			on = substr($0, 4)
			print
			if (on != "text")
				n++
			while (on == "text" && (getline line <(n ".text")) > 0)
				print line
			next
		}
		on != "text"' page >"$root/$page"
fi
finish
