#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vim.sh: docs/vim against the compiler's words; and read by vim, where it is.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
syntax=docs/vim/syntax/nfr.vim

sed -nE 's/^NFR_(KEYWORD\(|DISCOVERY\(|TIMEOUT\([A-Z0-9_]+, )"([^"]+)".*/\2/p' \
	compiler/keywords.def compiler/discovery.def runtime/timeouts.def | sort -u >"$tmp/words"
sed -n 's/^syntax keyword nfr[A-Za-z]* //p' "$syntax" | tr ' ' '\n' |
	sort >"$tmp/coloured"
fact 'every word of the language has a colour, and no other' \
	diff "$tmp/words" "$tmp/coloured"
sed -n 's/^syntax [a-z]* \(nfr[A-Za-z]*\).*/\1/p' "$syntax" | sort -u >"$tmp/groups"
sed -n 's/^highlight default link \(nfr[A-Za-z]*\).*/\1/p' "$syntax" |
	sort >"$tmp/linked"
fact 'every group has a colour' diff "$tmp/groups" "$tmp/linked"
if command -v vim >/dev/null; then
	says 'vim reads it without a word' 0 '' vim -u NONE -es \
		-c 'set runtimepath^=docs/vim' -c 'runtime ftdetect/nfr.vim' \
		-c 'syntax on' -c 'edit rules/vpn.nfr' -c 'qa!'
fi
finish
