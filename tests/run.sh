#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [SUITE...]: "make check"; every test there is -> a line a suite, a log of
# each in build/test/, and as the last line "N passed, N failed, N skipped".
#
# A suite is a program of tests/unit (built with ASan and UBSan, and once more
# without), the agreement run, or an executable script tests/FOLDER/NAME.sh.
# It prints TAP (ok, not ok, # SKIP, 1..N), or "SKIP what: why", or ends with a
# line like ours. One that is silent, crashes or hangs has failed.
#
# NFR_JOBS suites run at a time, one a CPU; each has files and namespaces of its
# own. What they say is told in the order in which they are listed.
set -u
cd "$(dirname "$0")/.." || exit 2
mkdir -p build/test
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
	UBSAN_OPTIONS=print_stacktrace=1
unset NO_COLOR
: "${NFR_JOBS:=$(nproc)}"
passed=0 failed=0 skipped=0

# count LOG: passed failed skipped, and TAP's planned and seen
count() {
	awk '
	/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
		own = 1; p = $1; f = $3; s = $5; next
	}
	own { next }
	/^SKIP / { s++; next }
	/^(not )?ok / { seen++ }
	/^(not )?ok.*# SKIP/ { s++; next }
	/^ok / { p++ }
	/^not ok / { f++ }
	/^1\.\.[0-9]+$/ { plan += substr($0, 4) }
	END { print p + 0, f + 0, s + 0, own ? 0 : plan + 0, seen + 0 }' "$1"
}

log_of() { # NAME
	echo "build/test/${1//\//-}.log"
}

# begin NAME SECONDS COMMAND...: runs it, then leaves its status and how many
# milliseconds it took beside its log.
begin() {
	local limit=$2 status=0 start log
	log=$(log_of "$1")
	shift 2
	start=${EPOCHREALTIME/./}
	timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null &
	# shellcheck disable=SC2064 # this one
	trap "kill $!; exit 143" TERM
	wait $! || status=$?
	echo "$status $(((${EPOCHREALTIME/./} - start) / 1000)) $limit" >"$log.new"
	mv "$log.new" "$log.end"
}

# What the suite came to.
tell() { # NAME
	local name=$1 status took limit why="" p f s plan seen log
	log=$(log_of "$name")
	read -r status took limit <"$log.end"
	rm "$log.end"
	read -r p f s plan seen < <(count "$log")
	if [ "$status" = 124 ] || [ "$status" = 137 ]; then
		why="no end after $limit s"
	elif [ $((p + f + s)) = 0 ]; then
		why="counted nothing, status $status"
	elif [ "$plan" -gt 0 ] && [ "$plan" != "$seen" ]; then
		why="stopped after $seen of $plan, status $status"
	elif [ "$f" = 0 ] && [ "$status" != 0 ]; then
		why="status $status"
	fi
	[ -z "$why" ] || f=$((f + 1))
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-6s %-32s %5d passed %3d failed %3d skipped %4d.%03d s\n' \
		"$([ "$f" = 0 ] && echo ok || echo FAILED)" "$name" "$p" "$f" "$s" \
		$((took / 1000)) $((took % 1000))
	grep -aE '^SKIP |# SKIP|^# seed| compared, ' "$log" | sed 's/^/         /'
	if [ "$f" != 0 ]; then
		grep -av '^ok' "$log" | tail -n 60 | sed 's/^/    | /'
		echo "    $name: ${why:+$why; }all of it in $log"
	fi
}

declare -A running=()
untold=()
tell_ended() { # the first of those that were not told, and all behind it
	while [ ${#untold[@]} -gt 0 ] && [ -e "$(log_of "${untold[0]}").end" ]; do
		tell "${untold[0]}"
		untold=("${untold[@]:1}")
	done
}

wait_one() {
	local pid
	wait -n -p pid "${!running[@]}"
	unset "running[$pid]"
	tell_ended
}
trap 'kill "${!running[@]}"; exit 130' INT TERM HUP

# suite NAME SECONDS COMMAND...: when a CPU is free.
suite() {
	[ ${#running[@]} -lt "$NFR_JOBS" ] || wait_one
	rm -f "$(log_of "$1").end"
	untold+=("$1")
	begin "$@" &
	running[$!]=$1
}

wait_all() {
	while [ ${#running[@]} -gt 0 ]; do wait_one; done
}

# skip NAME REASON
skip() {
	wait_all
	skipped=$((skipped + 1))
	echo "SKIP $1: $2"
}

is_root() {
	[ "$(id -u)" = 0 ]
}

wanted=("$@")
is_wanted() { # NAME
	local w
	[ ${#wanted[@]} -gt 0 ] || return 0
	for w in "${wanted[@]}"; do
		[[ $1 != *"$w"* ]] || return 0
	done
	return 1
}

unit() { # VARIANT [NAME: not this one]
	local source name
	for source in tests/unit/test_*.c; do
		name=$(basename "$source" .c)
		if [ "$name" != "${2-}" ] && is_wanted "unit/$name"; then
			suite "unit/$name ($1)" 600 "build/$1/tests/unit/$name"
		fi
	done
}

scripts() { # FOLDER...
	local folder script name
	for folder; do
		for script in tests/"$folder"/*.sh; do
			name=${script#tests/} name=${name%.sh}
			if [ ! -x "$script" ] || [ "$name" = net/demo ] ||
				! is_wanted "$name"; then
				continue
			elif [ "$folder" = leak ] && [[ $name != */test_* ]]; then
				continue
			elif [ "$folder" != net ] && [ "$folder" != leak ]; then
				suite "$name" 240 "$script"
			elif is_root && [ "$folder" = leak ]; then
				suite "$name" 900 "$script"
			elif is_root; then
				suite "$name" 480 "$script"
			else
				skip "$name" 'needs root'
			fi
		done
	done
}

folders() {
	find tests -mindepth 2 -maxdepth 2 -name '*.sh' -printf '%h\n' |
		sort -u | sed 's,^tests/,,' | grep -vxE 'net|leak|vm'
}

# Fast first; the packets last.
unit san
# A minute and a half of the verifier's time, each; net/ runs the rel tools.
unit rel test_engine
mapfile -t plain < <(folders)
scripts "${plain[@]}"
! is_wanted agree || suite agree 300 build/rel/tests/agree/agree
! is_wanted agree_native || suite agree_native 300 build/rel/tests/agree/agree_native
! is_wanted agree_sets || suite agree_sets 300 build/rel/tests/agree/agree_native \
	--comparisons 1 --rounds 4 --set acl --set fw --set ipc --set split
! is_wanted agree_follow || suite agree_follow 300 build/rel/tests/agree/agree_follow
! is_wanted agree_trace || suite agree_trace 480 build/rel/tests/agree/agree_trace
scripts net
# A few of each kind; "make leak" does 300, and another nfload's takeover.
if is_wanted leak/reload_gate && is_root; then
	suite leak/reload_gate 480 tests/leak/reload_gate.sh 12 reload rollback \
		table killed watch
elif is_wanted leak/reload_gate; then
	skip leak/reload_gate 'needs root'
fi
# Half of its rows build a world each: minutes. "make leak" has them all.
[ ${#wanted[@]} = 0 ] || scripts leak
! is_wanted vm/linux-stack || suite vm/linux-stack 120 tests/vm/stack.sh
# Kernels of others, downloaded; "make vm".
for series in 6.1 6.12; do
	if [ ${#wanted[@]} != 0 ] && is_wanted "vm/linux-$series"; then
		suite "vm/linux-$series" 900 tests/vm/test_vm.sh $series
	fi
done
wait_all
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
