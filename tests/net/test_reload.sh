#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_reload.sh: a reload fills the slot that is not in force anew, where its
# programs are its own: nothing of the policy that was there is left, and what
# does not fit, or is not ours, is loaded instead.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

policy() { # NAME PORT LINE...: passes one port, and what the lines say
	local file=$lab_dir/$1.nfr
	printf '%s\n' "set skip on lo" "pass out on up0 proto udp to any port $2" \
		>"$file"
	shift 2
	[ $# = 0 ] || printf '%s\n' "$@" >>"$file"
}

programs() { # SLOT: the kernel's ids of its programs, and of its floor
	local pin
	for pin in xdp in out; do
		bpftool -j prog show pinned "$pins/gen$1/$pin" | jq .id
	done
	bpftool -j map lookup pinned "$pins/floor/slots" key "$1" 0 0 0 |
		jq -c .value
}

in_force() { # the slot: the first byte of nfr_control
	bpftool -j map lookup pinned "$pins/control" key 0 0 0 0 |
		jq -r '.value[0]' | sed 's/^0x0//'
}

# Runs nfload; before and now are the programs of the slot that it takes.
changes() { # ARGUMENTS
	local slot=$((1 - $(in_force)))
	before=$(programs $slot)
	gives 0 "$@" || return
	now=$(programs $slot)
	printf 'slot %s\nbefore: %s\nnow: %s\n' $slot "$before" "$now" >"$out"
	[ "$(in_force)" = $slot ]
}

takes() { # ARGUMENTS: what was verified for the slot
	changes "$@" && [ "$before" = "$now" ]
}

loads() { # ARGUMENTS: nothing of it
	changes "$@" && [ -n "$before" ] && ! grep -qxF "$before" <<<"$now"
}

counted() { # packets, by rules in force
	nfload --json show rules
	jq '[.rules[].packets] | add' "$out"
}

knows() { # DEVICES: does the policy in force know as many?
	bpftool -j map dump pinned "$pins/gen$(in_force)/ifaces" >"$out"
	[ "$(jq length "$out")" = "$1" ]
}

devices() {
	ip -n host -o link | wc -l
}

test_taken() {
	policy 1 1000
	policy 2 2000
	policy 3 3000
	nfload apply "$lab_dir/1.nfr"
	nfload apply "$lab_dir/2.nfr"
	ok "a third load takes what the first verified" takes apply "$lab_dir/3.nfr"
	ok "and is the third policy" reaches 3000
	ok "not the first" blocks 1000
	ok "nor the second" blocks 2000
	ok "a rollback finds the second" gives 0 rollback
	ok "whole" reaches 2000
	ok "and alone" blocks 3000
	ok "a fourth takes the slot of the third" takes apply "$lab_dir/1.nfr"
	ok "with nothing counted" test "$(counted)" = 0
	ok "and passes" reaches 1000
	ok "which it counts" test "$(counted)" -ge 3 # errors come back
	ok "it blocks the third's" blocks 3000
}

test_tables() {
	policy t1 3000 'table <open> { 10.9.0.2 }' \
		'pass out on up0 proto udp to <open> port 1000 no state'
	policy t2 3000 'table <open> { 10.9.0.3 }' \
		'pass out on up0 proto udp to <open> port 1000 no state'
	nfload apply "$lab_dir/2.nfr"
	ok "a policy with a table" takes apply "$lab_dir/t1.nfr"
	ok "passes to its member" reaches 1000
	nfload apply "$lab_dir/2.nfr"
	ok "one with another" takes apply "$lab_dir/t2.nfr"
	ok "does not" blocks 1000
	ok "a table is changed" takes table open add 10.9.0.2
	ok "and passes" reaches 1000
	ok "and back" takes table open delete 10.9.0.2
	ok "and does not" blocks 1000
}

test_devices_gone() {
	ip -n host link add more0 type veth peer name more1
	ip -n host link set more0 up
	nfload apply "$lab_dir/2.nfr"
	ok "a policy knows every device" knows "$(devices)"
	nfload apply "$lab_dir/1.nfr"
	ip -n host link del more0
	ok "a load when a device is gone" takes apply "$lab_dir/2.nfr"
	ok "knows it no more" knows "$(devices)"
	nfload apply "$lab_dir/1.nfr"
}

test_room() {
	local rules
	mapfile -t rules < <(seq -f \
		'pass out on up0 proto tcp from any port %g to any port 7' 5000 5299)
	policy large 2000 "${rules[@]}"
	ok "a policy that does not fit is loaded anew" loads apply \
		"$lab_dir/large.nfr"
	ok "and passes" reaches 2000
	nfload apply "$lab_dir/1.nfr"
	ok "a smaller one takes its place" takes apply "$lab_dir/3.nfr"
	ok "and passes what it says" reaches 3000
	ok "not what was there" blocks 2000
}

differ() {
	! cmp -s "$@"
}

# The same but for one name in what the kernel is told of a type.
test_others() {
	local mine=$lab_top/build/rel/bin/nfload slot
	mkdir "$lab_dir/other"
	LC_ALL=C sed 's/is_claimed/is_claimeb/g' "$mine" >"$lab_dir/other/nfload"
	chmod 755 "$lab_dir/other/nfload"
	ok "there is another nfload" differ "$mine" "$lab_dir/other/nfload"
	PATH="$lab_dir/other:$PATH" ok "whose load takes nothing of this one's" \
		loads apply "$lab_dir/1.nfr"
	nfload apply "$lab_dir/2.nfr"
	ok "nor this one's of that one's" loads apply "$lab_dir/1.nfr"
	ok "another loop is loaded" loads apply --loop bpf_loop \
		"$lab_dir/2.nfr"
	slot=gen$((1 - $(in_force)))
	rm "$pins/$slot/code"
	bpftool map create "$pins/$slot/code" type array key 4 value 8 entries 64 \
		name nfr_code
	ok "what has another map than it had is not taken" loads apply \
		"$lab_dir/1.nfr"
	ok "and passes" reaches 1000
	ok "and blocks" blocks 2000
	rm "$pins/gen$((1 - $(in_force)))/near"
	ok "nor what lacks one" loads apply "$lab_dir/2.nfr"
	ok "and passes" reaches 2000
}

# A floor that somebody emptied is loaded for the same maps.
test_floor() {
	bpftool map delete pinned "$pins/floor/slots" \
		key $((1 - $(in_force))) 0 0 0
	ok "a load where the floor's program is gone" gives 0 apply "$lab_dir/1.nfr"
	ok "has it again" reaches 1000
}

lab_netns host
lab_netns far
cable
test_taken
test_tables
test_devices_gone
test_room
test_others
test_floor
finish
