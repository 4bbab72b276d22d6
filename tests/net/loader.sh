#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# loader.sh: a library; nfload in "host", a cable to "far", and facts about both.
# Sourced behind lab.sh, after lab_enter.

pins=$lab_dir/bpf/nfr
passed=0 failed=0 skipped=0 out=$lab_dir/out
export NFR_STATE=$lab_dir/state

ok() { # WHAT CONDITION...
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok - $what"
	else
		failed=$((failed + 1))
		echo "not ok - $what"
		sed 's/^/# /' "$out"
	fi
}

skip() { # WHAT WHY
	skipped=$((skipped + 1))
	echo "ok - $1 # SKIP $2"
}

nfload() { # ARGUMENTS: in host; its status
	ip netns exec host nfload --bpffs "$pins" "$@" >"$out" 2>&1
}

gives() { # STATUS ARGUMENTS
	local want=$1 status=0
	shift
	nfload "$@" </dev/null || status=$?
	echo "status $status, not $want: nfload $*" >>"$out"
	[ $status = "$want" ]
}

says() { # TEXT: what was last printed has it
	grep -qF -- "$1" "$out"
}

gives_saying() { # TEXT STATUS ARGUMENTS
	local text=$1
	shift
	gives "$@" && says "$text"
}

status_of() { # FIELD of the JSON status
	ip netns exec host nfload --bpffs "$pins" --json status 2>>"$out" |
		jq -r ".$1"
}

is() { # FIELD VALUE: of the JSON status
	local found
	found=$(status_of "$1")
	echo "$1 is $found, not $2" >"$out"
	[ "$found" = "$2" ]
}

cable() { # with addresses that need no ARP
	local mac_host=02:00:00:00:00:01 mac_far=02:00:00:00:00:02
	ip -n host link add up0 address $mac_host type veth \
		peer name far0 netns far address $mac_far
	lab_addr host up0 10.9.0.1/24
	lab_addr far far0 10.9.0.2/24
	ip -n host link set up0 up
	ip -n far link set far0 up
	ip -n host neigh replace 10.9.0.2 lladdr $mac_far dev up0
	ip -n far neigh replace 10.9.0.1 lladdr $mac_host dev far0
	count_far far0 count
}

count_far() { # IF TABLE: UDP to ports 1000, 2000, 3000 that comes there
	ip netns exec far nft -f - <<-COUNT
		table netdev $2
		delete table netdev $2
		table netdev $2 {
			chain in {
				type filter hook ingress device "$1" priority 0;
				udp dport 1000 counter
				udp dport 2000 counter
				udp dport 3000 counter
			}
		}
	COUNT
}

seen() { # PORT [TABLE]: packets that came
	ip netns exec far nft list chain netdev "${2:-count}" in |
		sed -n "s/.*dport $1 counter packets \([0-9]*\).*/\1/p"
}

# Is a packet to that port seen? Sends 3.
reaches() { # PORT [ADDRESS TABLE]
	local before came
	before=$(seen "$1" "${3:-count}")
	on host "$lab_python" "$lab_top/tests/net/send.py" udp "$1" \
		"${2:-10.9.0.2}" count=3 2>>"$out"
	came=$(($(seen "$1" "${3:-count}") - before))
	echo "port $1: $came of 3 came" >"$out"
	[ $came = 3 ]
}

blocks() { # the same
	! reaches "$@"
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
}
