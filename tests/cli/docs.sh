#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs.sh: man pages against the tools: options, exit codes, and examples, run.
# shellcheck disable=SC2016 # for the inner bash
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# help_options TOOL: "-f --file FILE" a line, sorted, from --help.
help_options() {
	"$1" --help | sed -nE '/^options:/,/^exit status:/{
		s/^  (-.), (--[a-z-]+)( ([^ ]+))?( .*)?$/\1 \2 \4/p
		s/^      (--[a-z-]+)\[=([A-Z]+)\]( .*)?$/\1 [=\2]/p
		s/^      (--[a-z-]+)( ([^ ]+))?( .*)?$/\1 \3/p }' |
		sed 's/ $//' | sort
}

# page_options PAGE: the same from ".It Fl f , Fl -file Ar FILE".
page_options() {
	sed -nE 's/^\.It Fl (-[a-z-]+) Ns Op = Ns Ar ([A-Z]+)$/-\1 [=\2]/p
		s/^\.It Fl (-?[a-zA-Z][a-z-]*)( , Fl (-[a-z-]+))?( Ar (.*))?$/-\1 \3 \5/p' \
		"$1" | sed -E 's/^(-.) -/\1 --/; s/ +$//; s/  +/ /; s/N Ns Op , Ns Ar N \.\.\./N[,N...]/' |
		sort
}

for tool in nfload nftrace nfbench; do
	page=docs/man/$tool.8
	help_options "$tool" >"$tmp/help"
	page_options "$page" >"$tmp/page"
	fact "$tool.8 has the options of $tool" diff "$tmp/help" "$tmp/page"
done

sed -n '/^\.\\" exits.def/,/^\.El/p' docs/man/nfload.8 |
	awk '/^\.It/ { number = $2; getline; print "  " number "  " $0 }' \
		>"$tmp/page"
nfload help exits >"$tmp/help"
fact 'nfload.8 has the exit codes of exits.def' diff "$tmp/help" "$tmp/page"
fact 'nfload.8 has every verb' bash -c '
	for verb in $(nfload help --json | jq -r .text |
		sed -n "/^verbs:/,/^$/s/^  \([a-z]*\).*/\1/p"); do
		grep -q "^\.It Ic $verb" docs/man/nfload.8 || { echo "$verb"; exit 1; }
	done'
fact 'nfbench.8 has every verb' bash -c '
	for verb in $(nfbench --help |
		sed -n "/^verbs:/,/^$/s/^  \([a-z]*\).*/\1/p"); do
		grep -q "^\.It Cm $verb" docs/man/nfbench.8 || { echo "$verb"; exit 1; }
	done'
fact 'nfr.5 has every clause of a tunnel' bash -c '
	for word in transport exclude include dns link peer; do
		grep -q "^\.It Ic $word" docs/man/nfr.5 || { echo "$word"; exit 1; }
	done'

# blocks PAGE KIND: writes each block behind "run: KIND" to $tmp/block.N.
blocks() {
	rm -f "$tmp"/block.*
	awk -v kind="$2" -v base="$tmp/block." '
		$0 == ".\\\" run: " kind { wanted = 1; next }
		/^\.Bd/ { on = wanted; wanted = 0; if (on) n++; next }
		/^\.Ed/ { on = 0 }
		on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print > (base n) }' "$1"
}

cp rules/*.nfr "$host" "$tmp"
capture >"$tmp/in.pcap"
for page in docs/man/*.[58]; do
	name=$(basename "$page")
	blocks "$page" nfr
	for block in "$tmp"/block.*; do
		[ -e "$block" ] || continue
		fact "policy ${block##*.} of $name is right" \
			nfload check --host "$host" "$block"
	done
	blocks "$page" sh
	for block in "$tmp"/block.*; do
		[ -e "$block" ] || continue
		fact "example ${block##*.} of $name runs" \
			bash -c 'cd "$1" && . "$2"' - "$tmp" "$block"
	done
	if command -v mandoc >/dev/null; then
		fact "$name is right to mandoc" bash -c "
			! mandoc -T lint -W warning '$page' | grep -v outdated"
	else
		skip "$name is right to mandoc" 'mandoc is not installed'
	fi
done
fact 'the policies of the README check' bash -c "
	awk '/^\`\`\`/ { on = !on; next } on' README.md |
		sed -n '/^table/,/^}/p' | nfload check --host '$host' -"

finish
