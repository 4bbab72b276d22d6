#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_trial.sh: "apply --confirm": the kernel goes back by itself, whatever
# became of nfload; confirm, rollback, history, restore.
#
# 1.nfr passes port 1000, 2.nfr ports 1000 and 2000, 3.nfr none of them.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

write_policies() {
	local passes=("" "1000" "1000 2000" "4000") i
	for i in 1 2 3; do
		cat >"$lab_dir/$i.nfr" <<-POLICY
			# version $i
			set skip on lo
			pass out on up0 proto udp to any port { ${passes[i]} }
		POLICY
	done
}

test_goes_back() {
	ok "a first policy" gives 0 apply "$lab_dir/1.nfr"
	ok "a second on trial" gives_saying "unless \"nfload confirm\"" 0 \
		apply --confirm=2s "$lab_dir/2.nfr"
	ok "is in force" reaches 2000
	ok "status says that it is on trial" gives_saying "on trial: in" 0 status
	ok "a third has to wait" gives_saying "waits to be confirmed" 3 \
		apply "$lab_dir/3.nfr"
	ok "no process is left of the load" test -z "$(pgrep -x nfload)"
	ok "unconfirmed, the kernel goes back" soon 4 blocks 2000
	ok "to what was before" is generation 1
	ok "which passes what it passed" reaches 1000
	ok "and guards" is posture guarded
	ok "status says so" gives_saying "went back to generation 1" 0 status
	ok "a late confirm says so too" gives_saying "not confirmed in time" 4 \
		confirm
	ok "it took the flow back too: judged again" blocks 2000
}

test_confirm() {
	ok "on trial again" gives 0 apply --confirm=2s "$lab_dir/2.nfr"
	ok "confirmed" gives_saying "is confirmed" 0 confirm
	sleep 2.5
	ok "it stays" reaches 2000
	ok "status says so" is trial confirmed
	ok "a second confirm has nothing to keep" gives 1 confirm
}

test_rollback() {
	ok "rollback goes to the one before" gives_saying "in force again" 0 \
		rollback
	ok "at once" blocks 2000
	ok "a rollback of the rollback" gives 0 rollback
	ok "comes back" reaches 2000
	ok "on trial" gives 0 apply --confirm=60s "$lab_dir/3.nfr"
	ok "is in force" blocks 1000
	ok "rollback ends the trial" gives 0 rollback
	ok "by what was before" reaches 2000
	ok "and says so" is trial taken-back
}

kill_apply() { # SIGNAL PAUSE ARGUMENTS
	local signal=$1 pause=$2
	shift 2
	ip netns exec host nfload --bpffs "$pins" "$@" >"$out" 2>&1 </dev/null &
	sleep "$pause"
	kill "-$signal" $! 2>/dev/null
	wait $! 2>/dev/null
}

# Killed at any moment: the old one stays, or the new one is on trial and the
# kernel goes back from it.
test_killed() {
	local i bad=0 signal=KILL
	nfload apply "$lab_dir/1.nfr"
	for ((i = 0; i < 16; i++)); do
		kill_apply "$signal" "0.$(printf %03d $((i * 25)))" \
			apply --confirm=1s "$lab_dir/2.nfr"
		signal=$([ "$signal" = KILL ] && echo HUP || echo KILL)
		soon 3 blocks 2000 || bad=$((bad + 1))
		reaches 1000 || bad=$((bad + 1))
		is posture guarded || bad=$((bad + 1))
	done
	ok "killed 16 times, the old policy came back each time" test $bad = 0
}

test_first() {
	ok "nothing is loaded" gives 0 unload --leave open
	ok "a first policy on trial" gives 0 apply --confirm=1s "$lab_dir/3.nfr"
	ok "is in force" blocks 1000
	ok "unconfirmed, all is open again" soon 3 reaches 1000
	ok "status says open" gives_saying "OPEN:" 5 status
	ok "and is not asked twice" gives 4 confirm
	ok "a load after it" gives 0 apply "$lab_dir/1.nfr"
	ok "guards" blocks 2000
	ok "unloads" gives 0 unload --leave open
	ok "first, and blocked after it" gives 0 apply --confirm=1s \
		--leave=blocked "$lab_dir/2.nfr"
	ok "passes on trial" reaches 1000
	ok "unconfirmed, all is blocked" soon 3 blocks 1000
	ok "status says so" is posture blocked
	nfload unload --leave open
	kill_apply KILL 0.3 apply --confirm=1s "$lab_dir/3.nfr"
	ok "a first load, killed, ends open" soon 3 reaches 1000
	nfload apply "$lab_dir/1.nfr"
	nfload unload --leave open
	nfload apply --confirm=60s "$lab_dir/3.nfr"
	ok "a first trial rolled back by hand" gives 0 rollback
	ok "leaves nothing" gives 1 status
}

test_skips() {
	grep -v skip "$lab_dir/1.nfr" >"$lab_dir/noskip.nfr"
	nfload apply "$lab_dir/1.nfr"
	ok "another set skip can not be on trial" gives_saying "set skip" 3 \
		apply --confirm "$lab_dir/noskip.nfr"
	ok "and changed nothing" is generation 1
	nfload unload --leave open
}

history_names() { # the sources, in order
	ip netns exec host nfload --bpffs "$pins" history 2>&1 |
		sed 's,.*/\(.*\)\.nfr.*,\1,' | tr '\n' ' '
}

test_history() {
	rm -rf "$NFR_STATE"
	ok "no history at first" gives 1 history
	for i in 1 2 3; do nfload apply "$lab_dir/$i.nfr"; done
	ok "lists them, the last first" test "$(history_names)" = "3 2 1 "
	nfload apply --confirm=1s "$lab_dir/2.nfr"
	sleep 1.5
	ok "not what was never confirmed" test "$(history_names)" = "3 2 1 "
	ok "rollback 2" gives_saying "1.nfr" 0 rollback 2
	ok "applies that one" reaches 1000
	ok "and notes it" test "$(history_names)" = "1 3 2 1 "
	ok "rollback to what there is not" gives 1 rollback 9
	for i in 1 2 3 1 2 3 1 2 3; do nfload apply "$lab_dir/$i.nfr"; done
	ok "ten are kept" test "$(find "$NFR_STATE" -type f | wc -l)" = 10
	ok "by nobody else's eyes" test "$(stat -c %a "$NFR_STATE")" = 700
	nfload apply "$lab_dir/2.nfr"
	nfload unload --leave open
	ok "restore" gives 0 restore
	ok "puts the last in force" reaches 2000
	nfload unload --leave open
	for f in "$NFR_STATE"/*; do echo damaged >"$f"; done
	ok "what is damaged is refused" gives 2 restore
	ok "and opens nothing" gives 1 status
	ok "or blocks everything" gives 0 restore --or-block
	ok "that does" blocks 1000
	nfload unload --leave open
	chmod 777 "$NFR_STATE"
	ok "a directory that others can write is refused" gives_saying \
		"written by others" 3 restore
	chmod 700 "$NFR_STATE"
}

test_lock() {
	local holder
	nfload apply "$lab_dir/1.nfr"
	flock -o "$pins" sleep 30 &
	holder=$!
	sleep 0.2
	ok "a held lock names its holder" gives_saying "(flock -o $pins sleep 30)" 3 \
		confirm
	ok "which a load is told, too" gives_saying "(flock -o $pins sleep 30)" 3 \
		apply "$lab_dir/2.nfr"
	ok "and which changed nothing" blocks 2000
	kill $holder
	wait $holder 2>/dev/null
	flock -o "$pins" sleep 1 &
	holder=$!
	sleep 0.2
	ok "one that is let go in time is waited for" gives 0 \
		apply "$lab_dir/2.nfr"
	ok "by a load that then loads" reaches 2000
	wait $holder
	test_two_loaders
}

# Two at once, one of them killed in the end: each waits for the other.
test_two_loaders() {
	local i bad=0 first before
	before=$(status_of generation)
	for ((i = 0; i < 5; i++)); do
		ip netns exec host nfload --bpffs "$pins" apply \
			"$lab_dir/1.nfr" >"$lab_dir/first" 2>&1 </dev/null &
		first=$!
		nfload apply "$lab_dir/2.nfr" || bad=$((bad + 1))
		wait $first || bad=$((bad + 1))
	done
	ok "two loaders at once both load" test $bad = 0
	ok "one generation each" is generation $((before + 10))
	ip netns exec host nfload --bpffs "$pins" apply "$lab_dir/1.nfr" \
		>"$lab_dir/first" 2>&1 </dev/null &
	kill -KILL $!
	wait $! 2>/dev/null
	ok "who is killed holds nothing" gives 0 apply "$lab_dir/1.nfr"
}

lab_netns host
lab_netns far
cable
write_policies
test_goes_back
test_confirm
test_rollback
test_killed
test_first
test_skips
test_history
test_lock
finish
