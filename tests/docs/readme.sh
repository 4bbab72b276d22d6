#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# readme.sh: the files of a folder against its README: each source is in it, and
# what its table names is there. A header goes with the .c of its name.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
shopt -s nullglob
# shellcheck disable=SC2016 # backquotes, of the page
sources='\.(c|h|l|y|def|sh|py|mk)$'

# Folders whose README tells of the files of others, which have none.
declare -A beside=([tests]='agree unit cli docs')

# names README: its words between backquotes, as patterns of paths.
names() {
	# shellcheck disable=SC2016 # backquotes, of the page
	grep -oE '`[^` ]+`' "$1" | tr -d '`' | sort -u
}

is_named() { # FILE NAME...
	local file=$1 name
	shift
	for name; do
		# shellcheck disable=SC2053 # a pattern
		[[ $file == $name || ${file%.h}.c == $name ]] && return
	done
	return 1
}

# files FOLDER: sources that its README answers for.
files() {
	local sub path
	for path in "$1"/*; do
		[ -f "$path" ] && echo "${path#"$1"/}"
	done
	for sub in ${beside[$1]-}; do
		for path in "$1/$sub"/*; do
			[ -f "$path" ] && echo "${path#"$1"/}"
		done
	done
}

all_named() { # FOLDER
	local file status=0
	local -a known
	mapfile -t known < <(names "$1/README.md")
	while read -r file; do
		is_named "$file" "${known[@]}" && continue
		echo "$1/README.md does not name $file"
		status=1
	done < <(files "$1" | grep -E "$sources")
	return $status
}

# The first column of a table: what is there.
rows() {
	# shellcheck disable=SC2016 # the same
	grep -E '^\| `' "$1" | cut -d'|' -f2 | grep -oE '`[^` ]+`' | tr -d '`'
}

all_there() { # FOLDER
	local name status=0
	local -a found
	while read -r name; do
		case $name in
		*.*) ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2206 # a pattern
		found=("$1"/$name)
		[ -e "${found[0]-}" ] && continue
		echo "$1/README.md names $name, which is not there"
		status=1
	done < <(rows "$1/README.md")
	return $status
}

for folder in compiler runtime kmod-linux bench tests; do
	fact "$folder/README.md names each source there" all_named "$folder"
done
for folder in runtime kmod-linux bench; do
	fact "what $folder/README.md has rows of is there" all_there "$folder"
done
finish
