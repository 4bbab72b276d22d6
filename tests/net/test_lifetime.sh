#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_lifetime.sh: how long a flow lives: through reloads without a lost packet,
# never longer than the rule that passed it, and in a full table.
# shellcheck disable=SC2016 # eval says when
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/gate.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP lifetime: needs root"
	exit 0
}
lab_enter "$0" "$@"

: "${LIFETIME_SECONDS:=20}" # 100 reloads take some 100
number=0 failed=0 out=$lab_dir/out

ok() { # WHAT CONDITION...
	local what=$1 not=""
	shift
	number=$((number + 1))
	"$@" || not="not "
	echo "${not}ok $number - $what"
	[ -n "$not" ] || return 0
	failed=$((failed + 1))
	sed 's/^/# /' "$out"
}

load() { # NAME, text on standard input
	cat >"$lab_dir/$1.nfr"
	gate_nfload apply "$lab_dir/$1.nfr" && return
	tail -n 20 "$lab_dir/nfload.log" >"$out"
	return 1
}

common='set skip on lo
block all
pass inet6 proto ipv6-icmp icmp6-type { neighbrsol neighbradv }
pass out on lan0'

# A rule that redirects, with what stands at LINE.
load_redirect() { # LINE...
	printf '%s\n' "$common" "$@" | load redirect
}
to_2='pass in on wan0 inet proto tcp to port 8000 rdr-to 10.1.0.2 port 80'
to_3='pass in on wan0 inet proto tcp to port 8000 rdr-to 10.1.0.3 port 80'

# beat_start NETNS ARGUMENTS...: a flow that asks and is answered in step, until
# beat_end says what came of it in $asked and $answered.
beat_start() {
	local ns=$1
	shift
	gate_talk "$ns" beat "$@" >"$lab_dir/beat" &
	beat=$!
	sleep 0.3
}

beat_end() {
	wait $beat
	asked=0 answered=0
	read -r asked answered <"$lab_dir/beat"
	echo "$asked asked, $answered answered" >"$out"
}

# answered_after CHANGE...: what a flow through the redirection gets answered, of
# 100 questions and a few, before and after the change.
answered_after() {
	beat_start outside 203.0.113.2 8000 4
	"$@" || return
	beat_end
}

goes_on() { [ "$asked" -gt 50 ] && [ "$asked" = "$answered" ]; }
stops() { [ "$answered" -gt 10 ] && [ "$asked" -gt "$answered" ]; }

test_removed_rule() {
	gate_engine plain
	ok "nfr loads the redirection" load_redirect "$to_2"
	answered_after load_redirect "$to_2" "# nothing else"
	ok "a flow goes on through a reload of the same" goes_on
	answered_after load_redirect "# $to_2"
	ok "a flow stops when the rule is commented out" stops
	ok "the redirection is back" load_redirect "$to_2"
	answered_after load_redirect "$to_3"
	ok "a flow stops when the translation is another" stops
	answered_after load_redirect "$to_3" "block in on wan0 from 203.0.113.1"
	ok "a flow stops when a later rule blocks it" stops
}

nfload_table() {
	gate_nfload table banned "$@"
}

test_table_change() {
	ok "a policy with a table" load_redirect 'table <banned> persist' \
		"$to_2" 'block in quick on wan0 from <banned>'
	answered_after nfload_table add 192.0.2.99
	ok "a flow goes on when a table changes elsewhere" goes_on
	answered_after nfload_table add 203.0.113.1
	ok "a flow stops when its source is put in the table" stops
	ok "the source is taken out again" nfload_table delete 203.0.113.1
	ok "and a new flow is answered" is_answered
}

is_answered() {
	gate_talk outside who 203.0.113.2 8000 >"$out"
}

# Two versions of one policy, in turn, under three flows.
test_reloads() {
	local reloads=0 bad=0
	load_both() {
		printf '%s\n' "$common" 'pass in on lan0' \
			'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2' \
			"# version $1" "pass in on wan0 inet proto tcp to port $1" |
			load both
	}
	ok "a policy that translates" load_both 1
	gate_talk inside bulk 203.0.113.1 81 30000000 \
		seconds="$LIFETIME_SECONDS" >"$lab_dir/bulk" &
	bulk=$!
	gate_talk inside beat 203.0.113.1 80 "$LIFETIME_SECONDS" udp \
		>"$lab_dir/udp" &
	udp=$!
	beat_start inside 203.0.113.1 80 "$LIFETIME_SECONDS"
	while kill -0 $beat 2>/dev/null; do
		reloads=$((reloads + 1))
		load_both $((reloads % 2 + 1)) || bad=$((bad + 1))
	done
	beat_end
	ok "$reloads reloads under a transfer" test $bad = 0
	ok "which are enough" test $reloads -ge $((LIFETIME_SECONDS / 4))
	ok "a TCP flow lost nothing" test "$asked" = "$answered"
	wait $udp
	read -r asked answered <"$lab_dir/udp"
	ok "a UDP flow lost nothing" test "$asked" = "$answered"
	wait $bulk
	# A busy machine's timers make TCP send again what was not lost.
	echo "# transfer: $(<"$lab_dir/bulk")"
	ok "the transfer was whole" test "$(first_word <"$lab_dir/bulk")" = same
}

states() { # FILTER...
	on gate nfload show states "$@" --json --bpffs "$lab_dir/bpf" 2>>"$out" |
		jq '.states | length'
}

test_full_table() {
	ok "a policy for 500 states" load_redirect 'set limit states 500' \
		'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2'
	beat_start inside 203.0.113.1 80 3
	gate_talk inside syns 203.0.113.1 80 5000 >/dev/null
	count=$(states)
	beat_end
	ok "a flow goes on while 5,000 SYNs fill the table" goes_on
	ok "which holds no more than that ($count)" test "$count" -le 500
	ok "and is full" test "$count" -ge 400
	ok "new flows are refused" is_refused
	ok "with a reason" counted state-full
	ok "states can be killed" gate_nfload kill states proto tcp
	ok "then there is room" eval 'gate_talk inside who 203.0.113.1 80 >"$out"'
}

is_refused() {
	! TALK_SECONDS=0.5 gate_talk inside who 203.0.113.1 80 >"$out"
}

counted() { # REASON: more than never
	on gate nfload show counters --bpffs "$lab_dir/bpf" >"$out"
	grep -E "(^|[^a-z])$1([^a-z]|$)" "$out" | grep -q '[1-9]'
}

test_expiry() {
	ok "a policy with short timeouts" load_redirect \
		'set timeout { udp.first 1, udp.single 1, udp.multiple 1 }' \
		'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2'
	gate_nfload kill states --all # that others left
	ok "a flow" eval 'gate_talk inside who 203.0.113.1 80 udp >"$out"'
	ok "has a state" test "$(states proto udp)" -gt 0
	sleep 2.2
	ok "and no more, when it was silent for its time" test "$(states proto udp)" = 0
}

test_overload() {
	ok "a policy that counts connections" load_redirect \
		'table <banned> persist' 'block in quick on wan0 from <banned>' \
		"$to_2 keep state (max-src-conn-rate 5/10, overload <banned> flush)"
	ok "passes one" is_answered
	for _ in 1 2 3 4 5 6 7 8; do
		TALK_SECONDS=0.3 gate_talk outside who 203.0.113.2 8000
	done >/dev/null
	ok "and not ten" eval '! TALK_SECONDS=0.5 is_answered'
	ok "as the source is in the table" gate_nfload table banned test 203.0.113.1
}

gate_up
test_removed_rule
test_table_change
test_reloads
test_full_table
test_expiry
test_overload
echo "1..$number"
[ -z "${GATE_KEEP-}" ] || cp -r "$lab_dir" "$GATE_KEEP"
[ $failed = 0 ]
