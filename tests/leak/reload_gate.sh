#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# reload_gate.sh [CHANGES [WHAT...]]: so many changes of what is in force (300),
# each kind of them (all) under floods as fast as they go: nothing leaks, and not
# one packet that is allowed is lost, neither in the LAN nor in the tunnel. TAP.
#
# WHAT: reload rollback table, as many as were said; killed (apply, rollback, apply
# --confirm, confirm and table, each ended by SIGKILL at one of its calls), a third;
# watch (its daemon killed and started again), a tenth of it; upgrade (an nfload of
# another ABI version takes over, then this one again), a fiftieth, at least two.
# shellcheck disable=SC2317 # changes are called by name
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/columns.sh"
lab_enter "$0" "$@"

changes=${1:-300}
shift
[ $# != 0 ] || set -- reload rollback table killed watch upgrade
cd "$lab_top" || exit 2
policy=$lab_dir/gate.nfr next=build/leak/next

# The policy as it is shipped, and a table that can change.
write_policy() {
	cat rules/vpn.nfr - >"$policy" <<-'END'
	table <shunned> persist { 203.0.113.99 }
	block out quick to <shunned>
	END
}

# The same nfload but for the version of what it shares with the kernel. Kept, so
# that the next time builds what has changed.
build_next() {
	local version file
	version=$(sed -n 's/^#define NFR_ABI_VERSION //p' runtime/abi.h)
	while read -r file; do
		[ ! "$file" -nt "$next/$file" ] || install -D -p "$file" "$next/$file"
	done < <(git ls-files Makefile bench compiler kmod-linux runtime \
		'*.mk' docs rules packaging tests/deps.sh)
	sed "s/^\(#define NFR_ABI_VERSION\) .*/\1 $((version + 1))/" \
		runtime/abi.h >"$lab_dir/abi.h"
	cmp -s "$lab_dir/abi.h" "$next/runtime/abi.h" ||
		cp "$lab_dir/abi.h" "$next/runtime/abi.h"
	make -C "$next" -j2 build/rel/bin/nfload >"$lab_dir/next.log" 2>&1 ||
		lab_die "no other nfload: $(tail -n 3 "$lab_dir/next.log")"
}

send() { # LOG ARGUMENTS...: in the background; its pid in $lab_pid
	local log=$lab_dir/$1
	shift
	lab_spawn client $lab_python -BSE tests/net/send.py udp "$@" log="$log"
}

attack() {
	send attack4 7030 $lab_web4 dev=eth0
	attackers=("$lab_pid")
	send attack6 7030 $lab_web6 dev=eth0
	attackers+=("$lab_pid")
}

attack_end() {
	kill -TERM "${attackers[@]}"
	wait "${attackers[@]}" 2>/dev/null
}

# Counted by the hosts themselves; no capture keeps up with an open flood.
count() { # NETNS PORT: from 0
	on "$1" nft -f - <<-END
	table inet gate
	delete table inet gate
	table inet gate {
		chain c {
			type filter hook prerouting priority -400
			udp dport $2 counter
		}
	}
	END
}
counted() { # NETNS
	on "$1" nft list table inet gate | grep -oE 'packets [0-9]+' | cut -d' ' -f2
}
arrived() { # NETNS LOG: all that was sent
	[ $(($(counted "$1") + $(overrun "$1"))) = "$(<"$lab_dir/$2")" ]
}
# What came to the endpoint when its daemon had no time for it: its socket's
# buffer, which is behind all that nfr does, was full.
overrun() { # NETNS
	local now
	[ "$1" = endpoint ] || { echo 0; return; }
	now=$(on endpoint nstat -asz UdpRcvbufErrors |
		sed -n 's/^UdpRcvbufErrors *\([0-9]*\) .*/\1/p')
	echo $((now - ${overrun_before:-0}))
}
# A sender that was started late has no log yet.
sends() { # LOG...
	local log
	for log; do
		[ "$(cat "$lab_dir/$log" 2>/dev/null || echo 0)" -gt 0 ] || return 1
	done
}

failed=0 number=0
ok() { # WHAT CONDITION...
	local what=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		failed=1
	fi
}

# ---- changes: change_WHAT NUMBER ---------------------------------------------
change_reload() { nfr_run apply "$policy"; }
change_rollback() { nfr_run rollback; }
change_table() {
	case $(($1 % 3)) in
	0) nfr_run table shunned add 192.0.2.$(($1 % 200)) 2001:db8:99::"$1" ;;
	1) nfr_run table shunned delete 192.0.2.$((($1 - 1) % 200)) ;;
	2) nfr_run table shunned replace 203.0.113.99 198.51.100.$(($1 % 200 + 20)) ;;
	esac
}
# Of these calls a verb makes up to 700; one that has made all of its own goes on.
steps=bpf,mkdir,unlink,unlinkat,rename,renameat,write,sendto,sendmsg,munmap
killed=0
change_killed() {
	local verbs=("apply $policy" rollback "apply --confirm=1s $policy" confirm
		"table shunned add 192.0.2.$1") verb
	verb=${verbs[$1 % 5]}
	[ "$verb" != confirm ] || nfr_run apply --confirm=20s "$policy"
	# shellcheck disable=SC2086 # its words
	on client strace -qq -o /dev/null -e trace=$steps \
		-e inject=$steps:signal=KILL:when=$(($1 * 97 % 500 + 1)) \
		nfload $verb --bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
	[ $? != 137 ] || killed=$((killed + 1))
	# A trial may be on.
	nfr_run apply "$policy" || { nfr_run rollback && nfr_run apply "$policy"; }
}
change_watch() {
	if [ -n "$watcher" ]; then
		kill -$((($1 % 2) ? 9 : 15)) "$watcher"
		wait "$watcher" 2>/dev/null
	fi
	: >"$lab_dir/watch.log"
	lab_spawn client nfload watch --bpffs "$lab_dir/bpf" \
		>>"$lab_dir/watch.log" 2>&1
	watcher=$lab_pid
	try=0
	until grep -q . "$lab_dir/watch.log"; do
		kill -0 "$watcher" 2>/dev/null && [ $((try += 1)) -lt 500 ] || return 1
		sleep 0.02
	done
}
change_upgrade() {
	if [ $(($1 % 2)) = 0 ]; then
		on client "$next/build/rel/bin/nfload" apply "$policy" \
			--bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
	else
		nfr_run apply "$policy"
	fi
}

times() { # WHAT
	case $1 in
	killed) echo $(((changes + 2) / 3)) ;;
	watch) echo $(((changes + 9) / 10)) ;;
	upgrade) echo $((changes < 200 ? 2 : changes / 50)) ;;
	*) echo "$changes" ;;
	esac
}

# Who has lost them: nfr says why it blocks, hosts and devices count what they drop.
lost() {
	local ns
	{
		on client nfload show counters --bpffs "$lab_dir/bpf"
		on client nfload show hooks --bpffs "$lab_dir/bpf"
		ip -n client -s link show wg0
		ip -n endpoint -s link show wgs0
		for ns in client endpoint router; do
			on $ns grep -hE '^(Udp|Udp6|Ip): ' /proc/net/snmp
		done
	} 2>&1 | sed 's/^/# /'
}

phase() { # WHAT
	local what=$1 n refused=0 i tried lan tunnel senders
	n=$(times "$what")
	{ count router 7030 && count printer 7031 && count endpoint 7032; } ||
		lab_die 'nothing to count with'
	rm -f "$lab_dir"/{attack4,attack6,lan,tunnel}
	overrun_before=0
	overrun_before=$(overrun endpoint)
	attack
	send lan 7031 $lab_printer4 pps=2000
	senders=("$lab_pid")
	send tunnel 7032 $lab_tunnel_dns pps=500
	senders+=("$lab_pid")
	lab_until 20 "the floods" sends attack4 attack6 lan tunnel
	for ((i = 0; i < n; i++)); do
		"change_$what" $i || refused=$((refused + 1))
	done
	sleep 0.2
	kill -TERM "${senders[@]}"
	wait "${senders[@]}" 2>/dev/null
	attack_end
	# What is on its way through the tunnel's daemon, on a busy machine.
	for ((i = 0; i < 100; i++)); do
		! { arrived printer lan && arrived endpoint tunnel; } || break
		sleep 0.05
	done
	tried=$(($(<"$lab_dir/attack4") + $(<"$lab_dir/attack6")))
	lan=$(<"$lab_dir/lan") tunnel=$(<"$lab_dir/tunnel")
	ok "$what: all $n succeeded, refused: $refused" [ $refused = 0 ]
	[ "$what" != killed ] ||
		ok "$what: at least a third of them: $killed" [ $killed -ge $((n / 3)) ]
	ok "$what: at least 50 tries each: $tried" [ "$tried" -ge $((n * 50)) ]
	ok "$what: nothing leaked: $(counted router) packets" \
		[ "$(counted router)" = 0 ]
	ok "$what: LAN: none of $lan lost: $((lan - $(counted printer)))" \
		arrived printer lan
	ok "$what: tunnel: none of $tunnel lost: $((tunnel - $(counted endpoint)))\
, at the endpoint's full socket: $(overrun endpoint)" \
		arrived endpoint tunnel
	ok "$what: all is guarded" nfr_run status
	if ! { arrived printer lan && arrived endpoint tunnel; }; then
		lost
	fi
}

write_policy
[[ " $* " != *" upgrade "* ]] || build_next
world_up
world_client
count router 7030 || lab_die 'nothing to count with'
attack
lab_until 20 "the flood" sends attack4 attack6
sleep 0.5
attack_end
control=$(counted router)
ok "without nfr the flood leaks: $control packets" [ "$control" -gt 100 ]

watcher=''
{ nfr_tunnel && nfr_run apply "$policy"; } || lab_die 'nfr does not start'
lab_until 20 "the tunnel's answer" tunnel_answers
# There is something to go back to.
nfr_run apply "$policy"
for what; do
	phase "$what"
done
if [ -n "$watcher" ]; then
	kill -KILL "$watcher"
	wait "$watcher" 2>/dev/null
fi
echo "1..$number"
column_down nfr
[ $failed = 0 ] || tail -n 20 "$lab_dir/nfload.log" | sed 's/^/# /'
exit $failed
