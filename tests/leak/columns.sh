#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# columns.sh: a library; the protections that are compared. Each brings the
# tunnel up on a new client and guards it as its users would:
#     NAME_up, NAME_reload, NAME_stop (the tunnel is stopped, the guard stays)
# world_families is "4 6" or "4", a tunnel of IPv4 alone.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"

world_families="4 6"
# shellcheck disable=SC2034 # for the users of this library
columns_all="nfr watch none wgquick postup nft tc"

tunnel_answers() {
	on client ping -c 1 -W 0.3 -q $lab_tunnel_dns
}

# none: a tunnel, but nothing leads into it and nothing guards it.
none_up() {
	lab_daemon client wg0
	world_daemons+=("$lab_pid")
	on client wg set wg0 private-key "$lab_dir/client.key" fwmark $lab_mark \
		peer "$(<"$lab_dir/endpoint.pub")" \
		endpoint $lab_endpoint4:$lab_endpoint_port allowed-ips 0.0.0.0/0,::/0
	lab_addr client wg0 10.64.0.2/24 fd00:64::2/64
	ip -n client link set wg0 mtu 1420 up
}
none_reload() { :; }
none_stop() { ip -n client link del wg0; }

# wgquick: wg-quick(8) itself, with wireguard-go where the kernel has none.
wgquick_config() { # POSTUP LINES
	local allowed=0.0.0.0/0 address=10.64.0.2/32
	[[ $world_families != *6* ]] ||
		allowed+=,::/0 address+=,fd00:64::2/128
	(umask 077 && cat >"$lab_dir/wg0.conf") <<-END
	[Interface]
	PrivateKey = $(<"$lab_dir/client.key")
	Address = $address
	MTU = 1420
	$1
	[Peer]
	PublicKey = $(<"$lab_dir/endpoint.pub")
	AllowedIPs = $allowed
	Endpoint = $lab_endpoint4:$lab_endpoint_port
	END
}

wgquick_run() { # up|down
	on client wg-quick "$1" "$lab_dir/wg0.conf" >>"$lab_dir/wg-quick.log" 2>&1
}

wgquick_up() {
	wgquick_config ''
	wgquick_run up
}
wgquick_reload() { wgquick_run down; wgquick_run up; }
wgquick_stop() { wgquick_run down; }

# postup: with the kill switch of wg-quick(8)'s man page, word for word.
postup_up() {
	# shellcheck disable=SC2016 # wg-quick expands it
	local rule='-I OUTPUT ! -o %i -m mark ! --mark $(wg show %i fwmark)'
	rule+=' -m addrtype ! --dst-type LOCAL -j REJECT'
	wgquick_config "PostUp = iptables $rule && ip6tables $rule
PreDown = iptables ${rule/-I/-D} && ip6tables ${rule/-I/-D}"
	wgquick_run up
}
postup_reload() { wgquick_reload; }
postup_stop() { wgquick_stop; }

# nft: what good VPN clients load; ours, in their style.
nft_rules() {
	cat <<-END
	table inet killswitch
	delete table inet killswitch
	table inet killswitch {
		set lan4 { type ipv4_addr; flags interval
			elements = { 192.168.0.0/16, 10.0.0.0/8 } }
		chain before {
			type filter hook prerouting priority -300; policy accept
			iif != "wg0" ip daddr 10.64.0.2 fib saddr type != local drop
			iif != "wg0" ip6 daddr fd00:64::2 fib saddr type != local drop
		}
		chain input {
			type filter hook input priority 0; policy drop
			iif "lo" accept
			iif "wg0" ct state established,related accept
			ip saddr $lab_endpoint4 udp sport $lab_endpoint_port accept
			udp sport 67 udp dport 68 accept
			icmpv6 type { nd-router-advert, nd-neighbor-solicit,
				nd-neighbor-advert } ip6 hoplimit 255 accept
			ip saddr @lan4 accept
			ip6 saddr fd00::/8 accept
		}
		chain allowed {
			oif "lo" accept
			oif "wg0" accept
			meta mark $lab_mark ip daddr $lab_endpoint4 udp dport \
				$lab_endpoint_port accept
			ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
			icmpv6 type { nd-router-solicit, nd-neighbor-solicit,
				nd-neighbor-advert } ip6 hoplimit 255 accept
			meta l4proto { tcp, udp } th dport { 53, 853 } reject
			ip daddr @lan4 accept
			ip6 daddr fd00::/8 accept
			reject
		}
		chain output {
			type filter hook output priority 0; policy drop
			jump allowed
		}
		chain forward {
			type filter hook forward priority 0; policy drop
			oif "wg0" accept
			iif "wg0" ct state established,related accept
			reject
		}
	}
	END
}

nft_load() {
	nft_rules | on client nft -f - 2>>"$lab_dir/nft.log"
}

nft_up() {
	wgquick_up && nft_load
}
nft_reload() { nft_load; }
nft_stop() { wgquick_stop; }

# tc: one default-deny program on the uplink's tc egress (tc_only.bpf.c).
tc_up() {
	wgquick_up
	on client tc qdisc add dev eth0 clsact
	on client tc filter add dev eth0 egress prio 100 handle 1 bpf da \
		obj "$world_out/tc_only.o" sec egress
}
tc_reload() {
	on client tc filter replace dev eth0 egress prio 100 handle 1 bpf da \
		obj "$world_out/tc_only.o" sec egress
}
tc_stop() { wgquick_stop; }

# nfr: rules/vpn.nfr as it is shipped. The routes are wg-quick's, its nftables
# rules are not there: what keeps is nfr alone.
nfr_run() { # NFLOAD ARGUMENTS
	on client nfload "$@" --bpffs "$lab_dir/bpf" >>"$lab_dir/nfload.log" 2>&1
}

nfr_tunnel() {
	lab_tunnel_up
	world_daemons+=("$lab_pid")
	[[ $world_families == *6* ]] || {
		ip -n client -6 route flush table $lab_mark
		ip -n client addr del fd00:64::2/128 dev wg0
		on client wg set wg0 peer "$(<"$lab_dir/endpoint.pub")" \
			allowed-ips 0.0.0.0/0
	}
}

nfr_up() {
	nfr_tunnel && nfr_run apply rules/vpn.nfr
}
nfr_reload() { nfr_run apply rules/vpn.nfr; }
nfr_stop() {
	nfr_run unload --leave=blocked
	ip -n client link del wg0
}

# watch: the same, and "nfload watch" follows what appears.
watch_up() {
	nfr_up || return
	lab_spawn client nfload watch --bpffs "$lab_dir/bpf" \
		>>"$lab_dir/watch.log" 2>&1
	world_daemons+=("$lab_pid")
}
watch_reload() { nfr_reload; }
watch_stop() { nfr_stop; }

# unsteered: nfr, and the routing table says where packets go. Not of the table:
# whom the guard trusts must not depend on where routes lead.
unsteered_up() {
	nfr_tunnel && nfr_run apply --steer=off rules/vpn.nfr
}
unsteered_reload() { nfr_run apply --steer=off rules/vpn.nfr; }
unsteered_stop() { nfr_stop; }

# The guard is gone before the next test, on hooks that are not the client's, too.
# A watch that is at work holds the lock, on a busy machine for long.
column_down() { # NAME
	local pid _
	[[ $1 = @(nfr|watch|unsteered) ]] || return 0
	for pid in $(ip netns pids client 2>/dev/null); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != nfload ] ||
			kill -KILL "$pid" 2>/dev/null
	done
	for _ in {1..40}; do
		! nfr_run unload --leave=open || return 0
		sleep 0.1
	done
}

column_tunnel_pid() {
	pgrep -f '^[^ ]*wireguard-go (-f )?wg0$'
}

tunnel_gone() {
	lab_until 5 "wg0 to go" eval '! lab_has_tunnel'
}

tunnel_kill() {
	kill -KILL "$(column_tunnel_pid)"
	tunnel_gone
}

tunnel_delete() {
	ip -n client link del wg0
	tunnel_gone
}

# As a person or a service manager does it.
column_restart() { # NAME
	case $1 in
	none) none_up ;;
	nfr | watch) nfr_tunnel && nfr_run apply rules/vpn.nfr ;;
	unsteered) unsteered_up ;;
	tc) wgquick_run down; wgquick_up ;;
	*) wgquick_run down; "$1_up" ;;
	esac
}
