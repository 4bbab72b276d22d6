#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# flood.sh: a library, part of gate.sh; a SYN flood from addresses where nobody
# is, of both families at once, against a table for few flows, under each engine:
# what becomes of a transfer that was there before, and of who comes new.
#
# nf_conntrack_max is one number for all network namespaces, and only the first
# may set it, so nftables is bound by a rule: "ct count over", with a counter.
# shellcheck disable=SC2154 # lab_dir is lab.sh's

flood_limit=300 # flows; nfr has a state for each of the two devices
flood_seconds=4 # that a flow which never opens is kept

flood_policy() {
	cat <<-POLICY
		set limit states $((2 * flood_limit))
		set timeout { tcp.first $flood_seconds, tcp.opening $flood_seconds }
	POLICY
	cat "$lab_dir/gate.nfr"
}

flood_ruleset() {
	cat <<-RULES
		table inet flood {
			chain forward {
				type filter hook forward priority -1;
				ct state new ct count over $flood_limit counter drop
			}
		}
	RULES
}

flood_begin() { # ENGINE
	on outside ip route replace blackhole 100.64.0.0/10
	on outside ip -6 route replace blackhole 2001:db8:64::/48
	on inside sysctl -qw net.ipv4.tcp_synack_retries=0
	case $1 in
	nft)
		on gate sysctl -qw \
			net.netfilter.nf_conntrack_tcp_timeout_syn_sent=$flood_seconds \
			net.netfilter.nf_conntrack_tcp_timeout_syn_recv=$flood_seconds
		flood_ruleset | on gate nft -f - || lab_die "nft: flood"
		;;
	nfr)
		flood_policy >"$lab_dir/flood.nfr"
		gate_nfload apply "$lab_dir/flood.nfr" || lab_die "nfload: flood"
		gate_nfload kill states --all
		;;
	esac
}

# 100 new flows were blocked, and the engine says so: by the reason's name, and
# by status.
flood_is_told() { # ENGINE
	case $1 in
	nft)
		on gate nft list chain inet flood forward |
			grep -q 'counter packets [1-9][0-9][0-9]'
		;;
	nfr)
		on gate nfload status --bpffs "$lab_dir/bpf" |
			grep -q "of at most $((2 * flood_limit)) states: new flows" &&
			on gate nfload show counters --json \
				--bpffs "$lab_dir/bpf" | jq -e '[.counters[] |
				select(.reason == "state-full") | .packets] | add > 99'
		;;
	esac >/dev/null
}

flood_address() { # FAMILY: of the gate, for those outside
	[ "$1" = 4 ] && echo 203.0.113.2 || echo 2001:db8:1::2
}

flood_has_transfer() { # FAMILY
	on inside ss "-$1Htn" state established "sport >= 81 and sport <= 82" |
		grep -q .
}

flood_transfer() { # FAMILY
	gate_talk outside bulk "$(flood_address "$1")" 8003 1500000 \
		until="$lab_dir/flood.enough" >"$lab_dir/flood.bulk$1" &
	flood_talkers+=($!)
	lab_until 10 "a transfer, IPv$1" flood_has_transfer "$1"
}

flood_syns() { # FAMILY FROM
	gate_talk outside syns "$(flood_address "$1")" 8000 1000 from="$2" \
		until="$lab_dir/flood.over" >/dev/null &
	flood_talkers+=($!)
}

flood_new() { # FAMILY: is somebody who comes new answered?
	TALK_SECONDS=0.5 gate_talk outside who "$(flood_address "$1")" 8000 \
		>/dev/null
}

# At last, with no process of the engine's anywhere.
flood_new_again() { # FAMILY
	local deadline=$((SECONDS + 5 * flood_seconds))
	until flood_new "$1"; do
		[ $SECONDS -lt $deadline ] || return
	done
	! pgrep -x nfload >/dev/null
}

flood_transfer_is() { # FAMILY
	local same again vain
	read -r same again _ vain _ <"$lab_dir/flood.bulk$1"
	[ "$again" = "$vain" ] && echo "$same" || echo "lost some"
}

# flood_measure ENGINE: what was seen, of both families in $lab_dir/flood.4 and 6.
# The limits stay, until gate_engine.
flood_measure() {
	local family blocked=() after=() flood_talkers=()
	rm -f "$lab_dir"/flood.*
	flood_new 4 || return # there is no way in
	flood_begin "$1"
	flood_transfer 4
	flood_transfer 6
	flood_syns 4 100.64.0.0
	flood_syns 6 2001:db8:64::
	lab_until 10 "a full table" flood_is_told "$1"
	for family in 4 6; do
		blocked[family]=blocked
		! flood_new $family || blocked[family]=passed
	done
	touch "$lab_dir/flood.over"
	for family in 4 6; do
		after[family]=blocked
		! flood_new_again $family || after[family]=passed
	done
	touch "$lab_dir/flood.enough"
	wait "${flood_talkers[@]}"
	for family in 4 6; do
		echo "$(flood_transfer_is $family)," \
			"new ${blocked[family]}, then ${after[family]}" \
			>"$lab_dir/flood.$family"
	done
}

try_flood4() { # ENGINE
	flood_measure "$1"
	cat "$lab_dir/flood.4"
}
try_flood6() { cat "$lab_dir/flood.6"; } # the same flood
