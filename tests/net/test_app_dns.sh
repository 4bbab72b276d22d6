#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_app_dns.sh: whom an excluded application asks for names: with "dns", the
# tunnel's resolver in the tunnel, or nobody; without, whom it likes, outside.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lab.sh"
[ "$(id -u)" = 0 ] || {
	echo "SKIP app_dns: needs root"
	exit 0
}
lab_enter "$0" "$@"
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/loader.sh"

owner=$lab_top/tests/net/owner.py
far=10.9.0.2 resolver=10.64.0.1 app=1001 stub=1004

asks() { # USER PROTO ADDRESS PORT
	on host setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$lab_python" -SE "$owner" ask "$2" "$3" "$4" >"$out" 2>&1
	grep -qx yes "$out"
}

in_vain() {
	! asks "$@" && grep -q '^no: ' "$out"
}

serves() { # NAMESPACE PORT...
	local log=$lab_dir/serves.$1
	lab_spawn "$1" "$lab_python" -SE "$owner" serve "${@:2}" >"$log" 2>&1
	lab_until 5 "a server" grep -q ready "$log"
}

policy() { # [CLAUSE [OPTION]]
	cat >"$lab_dir/split.nfr" <<-POLICY
		set skip on lo
		tunnel wg0 over any {
			transport proto udp to 198.51.100.7 port 51820
			exclude user $app
			link arp
			${1-}
		}
	POLICY
	nfload apply ${2+"$2"} "$lab_dir/split.nfr"
}

# The tunnel is a cable to "sink", which is what is behind it. The application's
# own table leads out.
network() {
	lab_netns host
	lab_netns far
	lab_netns sink
	cable
	ip -n host link set lo up
	ip -n host link add wg0 type veth peer name sink0 netns sink
	lab_addr host wg0 10.64.0.2/24
	lab_addr sink sink0 $resolver/24
	ip -n sink link set sink0 up
	ip -n host link set wg0 up
	ip -n host route add default via $resolver dev wg0
	ip -n host route add default via $far dev up0 table 100
	ip -n host rule add uidrange $app-$app lookup 100
	lab_addr far far0 $resolver/32 # as if it were there
	serves far 53 853 1000
	serves sink 53 1000
}

outside() { # PROTO: do the application's questions to the resolver come to far?
	local before
	on far nft -f - <<-COUNT
		table netdev names {
			chain in {
				type filter hook ingress device far0 priority 0;
				udp dport 53 counter
				tcp dport 53 counter
			}
		}
	COUNT
	before=$(asked_far)
	asks $app udp $resolver 53
	asks $app tcp $resolver 53
	echo "$(($(asked_far) - before)) came" >"$out"
	on far nft delete table netdev names
	! grep -qx '0 came' "$out"
}

asked_far() {
	on far nft list chain netdev names in |
		awk '/counter packets/ { n += $(NF - 2) } END { print n }'
}

network
ok "without a policy its questions go outside" outside
ok "and are answered" asks $app tcp $far 53

ok "a policy with dns" policy "dns $resolver"
ok "the application goes outside" asks $app tcp $far 1000
for proto in udp tcp; do
	ok "$proto: a resolver outside does not hear of it" \
		in_vain $app $proto $far 53
	ok "$proto: nor by TLS or QUIC" in_vain $app $proto $far 853
	ok "$proto: the tunnel's is asked inside, wherever its routes lead" \
		asks $app $proto $resolver 53
	ok "$proto: the host's own resolver asks inside" \
		asks $stub $proto $resolver 53
done
if outside; then came=1; else came=0; fi
ok "nothing of it was seen outside" test $came = 0
ok "a policy with dns, not steered" policy "dns $resolver" --steer=off
for proto in udp tcp; do
	ok "$proto: the tunnel's is not where its routes lead" \
		in_vain $app $proto $resolver 53
done
ip -n host route add $resolver dev wg0 table 100
for proto in udp tcp; do
	ok "$proto: with a route to it, it asks inside, too" \
		asks $app $proto $resolver 53
done
ok "and goes outside with the rest" asks $app tcp $far 1000
ip -n host route del $resolver dev wg0 table 100

ok "a policy without dns" policy
for proto in udp tcp; do
	ok "$proto: then it asks outside" asks $app $proto $far 53
	ok "$proto: which nobody else does" in_vain $stub $proto $far 53
done
nfload unload --leave open
finish
