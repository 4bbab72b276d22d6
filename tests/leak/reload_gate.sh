#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# reload_gate.sh [RELOADS]: reloads of rules/vpn.nfr (300) under floods as fast as
# they go: nothing leaks, and not one packet that is allowed is lost, neither in
# the LAN nor in the tunnel. TAP.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/columns.sh"
lab_enter "$0" "$@"

reloads=${1:-300}
cd "$lab_top" || exit 2

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
count() { # NETNS PORT
	on "$1" nft -f - <<-END
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

world_up
world_client
{ count router 7030 && count printer 7031 && count endpoint 7032; } ||
	lab_die 'nothing to count with'
attack
sleep 0.5
attack_end
control=$(counted router)
ok "without nfr the flood leaks: $control packets" [ "$control" -gt 100 ]

nfr_up || lab_die 'nfr does not start'
lab_until 10 "the tunnel's answer" tunnel_answers
on router nft delete table inet gate
count router 7030
attack
send lan 7031 $lab_printer4 pps=2000
allowed=("$lab_pid")
send tunnel 7032 $lab_tunnel_dns pps=500
allowed+=("$lab_pid")
sleep 0.2
refused=0
for ((i = 0; i < reloads; i++)); do
	nfr_reload || refused=$((refused + 1))
done
sleep 0.2
kill -TERM "${allowed[@]}"
wait "${allowed[@]}" 2>/dev/null
attack_end
sleep 0.5
tried=$(($(<"$lab_dir/attack4") + $(<"$lab_dir/attack6")))
lan=$(<"$lab_dir/lan") tunnel=$(<"$lab_dir/tunnel")
ok "all $reloads reloads succeeded" [ $refused = 0 ]
ok "at least 50 tries a reload: $tried" [ "$tried" -ge $((reloads * 50)) ]
ok "nothing leaked: $(counted router) packets" [ "$(counted router)" = 0 ]
ok "LAN: none of $lan lost: $((lan - $(counted printer)))" \
	[ "$lan" = "$(counted printer)" ]
ok "tunnel: none of $tunnel lost: $((tunnel - $(counted endpoint)))" \
	[ "$tunnel" = "$(counted endpoint)" ]
ok 'all is guarded' nfr_run status
echo "1..$number"
column_down nfr
exit $failed
