#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# lint.sh: "make lint"; sources, scripts and man pages through the tools that
# judge them. Each finding fails; the last line says how many checks did.
set -u
cd "$(dirname "$0")/.." || exit 2
mkdir -p build/lint
failed=0

flags=(-std=c11 -D_GNU_SOURCE '-DNFR_VERSION="lint"' -I. -Ibuild/gen -Icompiler)
bpf_flags=(-target bpf -mcpu=v3 -O2 -I. "-I/usr/include/$(gcc -print-multiarch)")
mapfile -t user_c < <(git ls-files '*.c' ':!*.bpf.c')
mapfile -t bpf_c < <(git ls-files '*.bpf.c')
mapfile -t headers < <(git ls-files '*.h')
mapfile -t shells < <(git grep -lE '^#!.*\b(ba|da)?sh\b' -- '*.sh' .ci packaging)
mapfile -t pages < <(git ls-files 'docs/man/*.[1-9]')

# check NAME COMMAND...: quiet when it is content.
check() {
	local name=$1 log=build/lint/$1.log
	shift
	if "$@" >"$log" 2>&1; then
		printf '  ok      %s\n' "$name"
	else
		printf '  FAILED  %s\n' "$name"
		sed 's/^/    | /' "$log" | head -n 80
		failed=$((failed + 1))
	fi
}

# One file a process: several in one confuse clang 14's va_list checker.
tidy() {
	printf '%s\n' "${user_c[@]}" |
		xargs -P "$(nproc)" -I '{}' clang-tidy -quiet '{}' -- "${flags[@]}" \
			2> >(grep -vE '^[0-9]+ warnings? generated' >&2)
}

# Where a page is installed is not known here: references are not looked up.
man_pages() {
	! mandoc -T lint -W style "${pages[@]}" |
		grep -vE 'referenced manual not found|outdated mandoc.db'
}

# A header is a source whose first include is itself. Those skipped are the
# datapath's text, whose parts and env_*() call each other.
headers_alone() {
	local h status=0
	for h in "${headers[@]}"; do
		case $h in
		runtime/vm.h | runtime/decide.h | runtime/slow.h | runtime/again.h | runtime/verdict.h | \
			runtime/fragment.h | runtime/icmp.h | runtime/limit.h | \
			runtime/forget.h | runtime/translate.h | runtime/apply.h | \
			runtime/look.h | runtime/classify_hash.h | \
			*/hash_user.h | */env_user.h | */env.bpf.h) continue ;;
		*.bpf.h) clang "${bpf_flags[@]}" -fsyntax-only -Wno-unused \
			-x c "$h" ;;
		*) gcc "${flags[@]}" -Wall -Wextra -Werror -Wno-unused-function \
			-fsyntax-only -x c "$h" ;;
		esac || { echo "$h does not compile alone"; status=1; }
	done
	return $status
}

short_files() {
	git ls-files '*.[chly]' '*.sh' '*.py' '*.def' '*.bpf.c' | sort -u |
		xargs wc -l |
		awk '$2 != "total" && $1 > 1000 { print $2 ": " $1 " lines"; bad = 1 }
			END { exit bad }'
}

licensed() {
	local f status=0
	while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ' && continue
		echo "$f does not name its licence in its first lines"
		status=1
	done < <(git ls-files '*.[chly]' '*.def' '*.sh' '*.py' Makefile .ci/run)
	return $status
}

check clang-format clang-format --dry-run -Werror "${user_c[@]}" "${bpf_c[@]}"
check shellcheck shellcheck -x "${shells[@]}"
[ ${#pages[@]} = 0 ] || check mandoc man_pages
check short-files short_files
check licensed licensed
check headers-alone headers_alone
# Suppressed: formats are gcc's to check; the rest are paths that no caller takes
# (token.c is asked only when depth is not 0) and tables that cppcheck misreads.
check cppcheck cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	-j "$(nproc)" --enable=warning,performance,portability \
	--suppress=missingIncludeSystem --suppress=identicalInnerCondition \
	--suppress=comparePointers:runtime/embed.c \
	--suppress=invalidPrintfArgType_uint --suppress=invalidPrintfArgType_sint \
	--suppress=negativeIndex:compiler/token.c \
	--suppress=uninitvar:runtime/packet.h \
	--suppress='legacyUninitvar:tests/unit/*' \
	-D_GNU_SOURCE '-DNFR_VERSION="lint"' \
	'-DLIBBPF_OPTS(TYPE,NAME,...)=struct TYPE NAME = { __VA_ARGS__ }' \
	-I. "${user_c[@]}"
check clang-tidy tidy
echo "$failed checks failed"
[ $failed = 0 ]
