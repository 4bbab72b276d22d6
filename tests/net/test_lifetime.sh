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

: "${LIFETIME_RELOADS:=100}"
number=0 failed=0 out=$lab_dir/out

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

# beat_start NETNS ADDRESS PORT [udp]: a flow that asks and is answered in step,
# until beat_end says what came of it in $asked, $answered, and, when the last
# question was asked that was answered, $last.
beat_start() {
	local ns=$1 addr=$2 port=$3
	shift 3
	rm -f "$lab_dir/enough" "$lab_dir/beat$*"
	gate_talk "$ns" beat "$addr" "$port" "$lab_dir/enough" "$@" \
		>"$lab_dir/beat$*" &
	beats+=($!)
	lab_until 10 "a flow to $addr" grep -q ready "$lab_dir/beat$*"
}
beats=()

enough() {
	touch "$lab_dir/enough"
	[ ${#beats[@]} = 0 ] || wait "${beats[@]}"
	beats=()
}

beat_end() { # [udp]
	enough
	asked=0 answered=0 last=0
	read -r asked answered last < <(tail -n 1 "$lab_dir/beat$*")
	echo "$asked asked, $answered answered," \
		"$((last - changed)) us behind the change the last" >"$out"
}

# answered_after CHANGE...: what a flow through the redirection gets answered
# before and after the change.
answered_after() {
	beat_start outside 203.0.113.2 8000
	"$@" || return
	changed=${EPOCHREALTIME/./}
	sleep 0.3
	beat_end
}

goes_on() { [ "$last" -gt "$changed" ] && [ "$asked" = "$answered" ]; }
stops() { [ "$last" -le "$changed" ] && [ "$asked" -gt "$answered" ]; }

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

test_rollback() {
	load_redirect "$to_3" && load_redirect "# $to_2" && load_redirect "$to_2"
	answered_after gate_nfload rollback
	ok "a flow stops when the policy before it is back" stops
	gate_nfload rollback
	ok "and with it gone, a new one is answered" is_answered
	load_redirect "$to_3" && load_redirect "$to_2"
	answered_after gate_nfload rollback
	ok "a flow stops when the translation before it is back" stops
	load_redirect "$to_2" && load_redirect "$to_2" "block in on wan1"
	answered_after gate_nfload rollback
	ok "a flow goes on when that passes it the same way" goes_on
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

# Two versions of one policy.
load_both() {
	printf '%s\n' "$common" 'table <banned> persist' \
		'block in quick on lan0 from <banned>' 'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2' \
		'pass out on wan0 inet6 from fd01::/64 nat-to 2001:db8:1::2' \
		"$to_2" "# version $1" "pass in on wan0 inet proto tcp to port $1" |
		load both
}

# What each host sends and gets of flows from inside to outside's servers.
count_flows() {
	local ns sent=dport got=sport
	for ns in inside outside; do
		on $ns nft -f - <<-COUNT
			table inet flows
			delete table inet flows
			table inet flows {
				chain sent {
					type filter hook output priority 0;
					meta l4proto { tcp, udp } th $sent 80-82 counter
				}
				chain got {
					type filter hook prerouting priority 0;
					meta l4proto { tcp, udp } th $got 80-82 counter
				}
			}
		COUNT
		sent=sport got=dport
	done
}

flow_count() { # NETNS CHAIN: packets and bytes
	on "$1" nft list chain inet flows "$2" |
		sed -n 's/.*\(packets [0-9]* bytes [0-9]*\).*/\1/p'
}

nothing_lost() { # FROM TO
	local deadline=$((SECONDS + 3))
	until [ "$(flow_count "$1" sent)" = "$(flow_count "$2" got)" ]; do
		echo "$1 sent $(flow_count "$1" sent)," \
			"$2 got $(flow_count "$2" got)" >"$out"
		[ $SECONDS -lt $deadline ] || return
		sleep 0.1
	done
	echo "# $1 to $2: $(flow_count "$2" got)"
}

doubts() { # packets that were blocked by no rule
	on gate nfload show counters --json --bpffs "$lab_dir/bpf" |
		jq '[.counters[] | select(.doubt) | .packets] | add'
}

change() { # NUMBER
	case $(($1 % 5)) in
	0) load_both 1 ;;
	1) load_both 2 ;;
	2) gate_nfload rollback ;;
	3) gate_nfload table banned add 192.0.2.99 ;;
	4) gate_nfload table banned delete 192.0.2.99 ;;
	esac
}

bulk_start() { # NAME ADDRESS PORT
	gate_talk inside bulk "$2" "$3" 1500000 until="$lab_dir/enough" \
		>"$lab_dir/$1" &
	beats+=($!)
}

# What was sent twice, the other side said it had: nothing was lost.
bulk_is_whole() { # NAME
	local same again vain
	read -r same again _ vain _ <"$lab_dir/$1"
	echo "# transfer: $(<"$lab_dir/$1")" | tee "$out"
	[ "$same" = same ] && [ "$again" = "$vain" ]
}

test_reloads() {
	local i bad=0 before
	ok "a policy that translates" load_both 1
	count_flows
	before=$(doubts)
	beat_start inside 203.0.113.1 80
	beat_start inside 203.0.113.1 80 udp
	bulk_start bulk4 203.0.113.1 81
	bulk_start bulk6 2001:db8:1::1 82
	for ((i = 1; i <= LIFETIME_RELOADS; i++)); do
		change $i || bad=$((bad + 1))
	done
	beat_end
	ok "$LIFETIME_RELOADS applies, rollbacks, table changes under transfers" \
		test $bad = 0
	ok "a TCP flow lost nothing" test "$asked" = "$answered"
	beat_end udp
	ok "a UDP flow lost nothing" test "$asked" = "$answered"
	ok "a transfer was whole" bulk_is_whole bulk4
	ok "one of IPv6 too" bulk_is_whole bulk6
	ok "outside got every packet that inside sent" nothing_lost inside outside
	ok "and inside got every packet back" nothing_lost outside inside
	ok "nfr had no doubts" test "$(doubts)" = "$before"
}

states() { # FILTER...
	on gate nfload show states "$@" --json --bpffs "$lab_dir/bpf" 2>>"$out" |
		jq '.states | length'
}

test_full_table() {
	ok "a policy for 500 states" load_redirect 'set limit states 500' \
		'pass in on lan0' \
		'pass out on wan0 inet from 10.1.0.0/24 nat-to 203.0.113.2'
	beat_start inside 203.0.113.1 80
	gate_talk inside syns 203.0.113.1 80 5000 >/dev/null
	changed=${EPOCHREALTIME/./}
	count=$(states)
	beat_end
	ok "a flow goes on while 5,000 SYNs fill the table" goes_on
	ok "which holds no more than that ($count)" test "$count" -le 500
	ok "and is full" test "$count" -ge 400
	ok "new flows are refused" is_refused
	ok "with a reason" counted state-full
	ok "and status says so" status_says "500 of at most 500 states: new flows"
	ok "states can be killed" gate_nfload kill states proto tcp
	ok "then there is room" is_served
}

is_served() { # by a server outside
	gate_talk inside who 203.0.113.1 80 >"$out"
}

is_served_datagrams() {
	gate_talk inside who 203.0.113.1 80 udp >"$out"
}

status_says() { # TEXT
	on gate nfload status --bpffs "$lab_dir/bpf" >"$out"
	grep -qF "$1" "$out"
}

is_refused() {
	! TALK_SECONDS=0.5 is_served
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
	ok "a flow" is_served_datagrams
	ok "has a state" test "$(states proto udp)" -gt 0
	sleep 2.2
	ok "and no more, when it was silent for its time" test "$(states proto udp)" = 0
}

to_2_v6='pass in on wan0 inet6 proto tcp to port 8000 rdr-to fd01::2 port 80'

# More connections than the rule takes, while a flow of the same source runs.
too_many() { # ADDRESS
	beat_start outside "$1" 8000
	for _ in 1 2 3 4 5 6 7 8; do
		TALK_SECONDS=0.3 gate_talk outside who "$1" 8000
	done >/dev/null
	changed=${EPOCHREALTIME/./}
	sleep 0.3
	beat_end
}

# The first flow of a source began before it was too many: "flush" ends it, for
# this rule alone, and the table keeps later ones out.
test_overload() {
	local options='keep state (max-src-conn-rate 5/10, overload <banned> flush)'
	local addr source
	while read -r addr source; do
		ok "$source: a policy that counts connections" load_redirect \
			'table <banned> persist' "$to_2 $options" "$to_2_v6 $options"
		nfload_table flush
		too_many "$addr"
		ok "a flow of who was too many ends by flush alone" stops
		ok "and its source is in the table" nfload_table test "$source"
		ok "one that asks the table" load_redirect \
			'table <banned> persist' 'block in quick on wan0 from <banned>' \
			"$to_2 $options" "$to_2_v6 $options"
		ok "blocks it" kept_out "$addr"
		sleep 10 # as long as its connections count
		nfload_table flush
		ok "until it is taken out" comes_in "$addr"
		too_many "$addr"
		ok "and too many again" kept_out "$addr"
		ok "one without flush" load_redirect 'table <banned> persist' \
			"$to_2 ${options/ flush/}" "$to_2_v6 ${options/ flush/}"
		nfload_table flush
		too_many "$addr"
		ok "leaves the flow that it has" goes_on
		ok "and fills the table" nfload_table test "$source"
	done <<-END
		203.0.113.2 203.0.113.1
		2001:db8:1::2 2001:db8:1::1
	END
}

# What packets put into a table while it changes is in it, whichever generation
# they met.
test_overload_meanwhile() {
	local i asked held
	ip -n outside route add local 10.66.0.0/16 dev lo
	on outside sysctl -qw net.ipv4.conf.all.arp_announce=2
	ok "a policy whose table is filled by packets" load_redirect \
		'table <banned> persist' \
		"$to_2 keep state (max-src-conn-rate 1/600, overload <banned>)"
	nfload_table flush
	rm -f "$lab_dir/enough"
	gate_talk outside twice 203.0.113.2 8000 3000 from=10.66.0.1 \
		until="$lab_dir/enough" >"$lab_dir/twice" &
	for i in {1..8}; do nfload_table add "192.0.2.$i"; done
	touch "$lab_dir/enough"
	wait $!
	asked=$(<"$lab_dir/twice")
	held=$(on gate nfload table banned show --bpffs "$lab_dir/bpf" |
		grep -c ' 10\.66\.')
	echo "$asked were too many, $held are in the table" | tee "$out" | sed 's/^/# /'
	ok "all that were too many while a table changed are in it" \
		test "${asked:-0}" -gt 100 -a "$held" = "$asked"
	ok "and what was added" nfload_table test 192.0.2.{1..8}
}

comes_in() { # ADDRESS
	gate_talk outside who "$1" 8000 >"$out"
}

kept_out() { # ADDRESS
	! TALK_SECONDS=0.5 comes_in "$1"
}

gate_up
gate_serve outside sink 82 # one flow at a time each
test_removed_rule
test_rollback
test_table_change
test_reloads
test_full_table
test_expiry
test_overload
test_overload_meanwhile
echo "1..$number"
[ -z "${GATE_KEEP-}" ] || cp -r "$lab_dir" "$GATE_KEEP"
[ $failed = 0 ]
