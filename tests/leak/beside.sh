#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# beside.sh: a library; what tools beside the guard do: translate, answer, redirect,
# rename; and the guard's own tool, killed or starved. See vectors.sh.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/answers.sh"

# ---- nftables ----------------------------------------------------------------

# to_printer PORT WHERE4 WHERE6: what goes to the excluded printer goes elsewhere.
to_printer() {
	on client nft -f - <<-END
	table ip careless {
		chain out {
			type nat hook output priority -100
			ip daddr $lab_printer4 udp dport $1 dnat to $2
		}
	}
	table ip6 careless {
		chain out {
			type nat hook output priority -100
			ip6 daddr $lab_printer6 udp dport $1 dnat to $3
		}
	}
	END
	app nobody udp "$1" $lab_printer4 $lab_printer6
}
try_dnat() { to_printer 7071 $lab_web4 $lab_web6; }
try_endpoint_dnat() {
	to_printer 7072 $lab_endpoint4:$lab_endpoint_port $lab_web6
}
nft_answers() { # RULE
	on client nft -f - <<-END || return
	table inet careless {
		chain before {
			type filter hook prerouting priority -310
			tcp dport 7073 notrack
		}
		chain in {
			type filter hook input priority -10
			ip saddr $lab_web4 $1
			ip6 saddr $lab_web6 $1
		}
	}
	END
	hostile probe br0 "$lab_client_mac" $lab_client4 7073
	hostile probe br0 "$lab_client_mac" $lab_client6 7073
	sleep 0.3
}
try_nft_reject() { nft_answers reject; }
try_synproxy() {
	nft_answers 'tcp dport 7073 synproxy mss 1460 wscale 7'
}
try_netdev_reject() {
	on client nft -f - <<-END || return
	table netdev careless {
		chain in {
			type filter hook ingress device "eth0" priority 0
			ip saddr $lab_web4 reject
			ip6 saddr $lab_web6 reject
		}
	}
	END
	hostile probe br0 "$lab_client_mac" $lab_client4 7074
	hostile probe br0 "$lab_client_mac" $lab_client6 7074
	sleep 0.3
}
box_frames() {
	container $lab_python -BSE "$world_here/inject.py" raw eth0 \
		"$lab_router_mac" plain 2>>"$lab_dir/tries.log"
	sleep 0.2
}
prep_nft_forward() { world_box; }
try_nft_forward() {
	on client nft -f - <<-END || return
	table netdev careless {
		chain in {
			type filter hook ingress device "box0" priority 0
			fwd to "eth0"
		}
	}
	END
	box_frames
}

# ---- tc and XDP --------------------------------------------------------------

prep_tc_redirect() { world_box; }
try_tc_redirect() {
	on client tc qdisc add dev box0 clsact 2>/dev/null
	on client tc filter add dev box0 ingress protocol all u32 match u32 0 0 \
		action mirred egress redirect dev eth0 || return
	box_frames
}
prep_xdp_redirect() { world_box; }
try_xdp_redirect() {
	local object=$lab_dir/redirect.o
	bpf_object "$object" || return
	ip -n client link set dev box0 xdpgeneric obj "$object" sec xdp ||
		return
	box_frames
}
told_xdp_redirect() { grep -q 'box0.*XDP'; }

# ---- the endpoint ------------------------------------------------------------

# Another VPN's frames, by its kernel, to the tunnel's endpoint.
try_endpoint_vxlan() {
	local port
	port=$(tunnel_port)
	ip -n client link add vpn2 type vxlan id 7 remote $lab_endpoint4 \
		dstport $lab_endpoint_port srcport "$port" $((port + 1)) dev eth0
	ip -n client addr add 172.20.0.2/24 dev vpn2
	ip -n client link set vpn2 address 02:00:00:00:01:77 up
	ip -n client neigh add 172.20.0.1 lladdr 02:00:00:00:01:78 dev vpn2
	ip -n client route add $lab_endpoint4 via $lab_router4 table 77
	ip -n client rule add pref 5 to $lab_endpoint4 lookup 77
	app nobody udp 7075 172.20.0.1 count=10
	app root udp 7075 172.20.0.1 count=10
}

# ---- names -------------------------------------------------------------------

rename() { # DEV NAME
	ip -n client link set "$1" name "$2" 2>/dev/null && return
	ip -n client link set "$1" down
	ip -n client link set "$1" name "$2" up
}
# The uplink is called as the tunnel is, and the guard is loaded again.
try_uplink_as_tunnel() {
	rename wg0 old0
	rename eth0 wg0
	uplink_addresses wg0 2>/dev/null
	impostor_routes wg0
	plain_and_bound 7076 wg0
	# wg-quick's would delete the cable.
	[[ $leak_column == @(wgquick|postup) ]] || "${leak_column}_reload"
	plain_and_bound 7076 wg0
	inject raw raw wg0 plain
}
try_uplink_as_loopback() {
	rename lo lo9
	rename eth0 lo
	uplink_addresses lo 2>/dev/null
	plain_and_bound 7077 lo
	"${leak_column}_reload"
	plain_and_bound 7077 lo
	inject raw raw lo plain
}

# ---- the guard's own tool ----------------------------------------------------

# A reload that ends by SIGKILL, sooner or later.
reload_killed() { # SECONDS
	local pid
	set -m
	"${leak_column}_reload" &
	pid=$!
	set +m
	sleep "$1"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
}
try_apply_killed() {
	local after
	flood_start 7078 $lab_web4 $lab_web6 dev=eth0
	for after in 0.01 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.5 0.7 0.9 1.2 1.6; do
		reload_killed $after
		inject raw raw eth0 plain
	done
	"${leak_column}_reload"
	flood_stop
}
# Without memory, descriptors, or room for a file.
try_apply_starved() {
	local limit
	flood_start 7079 $lab_web4 $lab_web6 dev=eth0
	for limit in '-v 20000' '-v 60000' '-v 120000' '-n 8' '-n 24' '-n 64' \
		'-f 0' '-l 0' '-s 64'; do
		# shellcheck disable=SC2086 # an option and its number
		(ulimit $limit && "${leak_column}_reload")
		inject raw raw eth0 plain
	done
	"${leak_column}_reload"
	flood_stop
}
