#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# states.sh: nfload show states, show info and kill against a kernel, in a
# namespace of their own: real flows, seen, and ended.
# shellcheck disable=SC2016 # for the inner bash
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- what is asked ---------------------------------------------------------
says 'kill takes states' 2 'takes "states", not state$' nfload kill state
says 'kill needs a criterion' 2 'a filter, or --all' nfload kill states
says 'or --all, not both' 2 'not both' nfload kill states in --all
says 'a mistake in a filter has its place' 2 '^  from 10\.0\.0\.0/8 prot tcp$' \
	nfload show states from 10.0.0.0/8 prot tcp
says 'and a caret' 2 '^ {18}\^~~~$' nfload show states from 10.0.0.0/8 prot tcp
says 'and what is near' 2 'did you mean "proto"' nfload kill states prot tcp
says 'a filter may be one operand' 2 '"x" is no port' \
	nfload show states 'in and port x'
says 'names are not looked up' 2 'not looked up' nfload show states to example.org
says 'count is of states' 2 'show states' nfload show rules --count
if [ "$(id -u)" != 0 ]; then
	skip 'states of a policy in force' 'needs root'
	finish
	exit
fi

mkdir "$tmp/bpf"
mount -t bpf bpf "$tmp/bpf"
export NFR_BPFFS=$tmp/bpf/nfr
says 'nothing is loaded: no' 1 'nothing is loaded' nfload show states
says 'nor to be killed' 1 'nothing is loaded' nfload kill states --all

# ---- a peer with an echo server ---------------------------------------------
other_netns
server=
trap 'kill $other $server; umount -q "$tmp/bpf"; rm -rf "$tmp"' EXIT
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 netns $other
ip addr add 10.9.0.1/24 dev v0
ip addr add fd09::1/64 dev v0 nodad
ip link set v0 up
nsenter -t $other -n ip addr add 10.9.0.2/24 dev v1
nsenter -t $other -n ip addr add fd09::2/64 dev v1 nodad
nsenter -t $other -n ip link set v1 up
cat >"$tmp/echo.py" <<'X'
import socketserver, socket
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = daemon_threads = True
Server(("::", 7000), Echo).serve_forever()
X
nsenter -t $other -n python3 "$tmp/echo.py" >/dev/null 2>&1 &
server=$!

cat >"$tmp/policy.nfr" <<'X'
set skip on lo
pass out on v0 proto tcp to any port 7000 flags S/SA label "an echo"
pass out on v0 inet proto udp to any port 53 label "dns"
pass on v0 inet6 proto icmp6
X
nfload -q apply "$tmp/policy.nfr"

# talks FD TEXT: does the peer send the line back?
talks() {
	local line=
	echo "$2" >&"$1" && read -r -t 2 -u "$1" line && [ "$line" = "$2" ]
}
silent() {
	! talks "$@"
}
connects() { # FD ADDRESS, tried for 5 s until the server is up
	local turn
	for turn in {1..50}; do
		eval "exec $1<>/dev/tcp/$2/7000" && return
		sleep 0.1
	done
	echo "$turn turns"
	return 1
} 2>/dev/null
fact 'an IPv4 flow' connects 5 10.9.0.2
fact 'that talks' talks 5 one
fact 'an IPv6 flow' connects 6 fd09::2
fact 'that talks, too' talks 6 one
exec 7<>/dev/udp/10.9.0.2/53
# Nobody listens there: the error of the last datagram is the next write's.
asks() {
	echo x >&7 || echo x >&7
} 2>/dev/null
asks

# ---- show ------------------------------------------------------------------
says 'a TCP state' 0 '^v0 tcp 10\.9\.0\.1:[0-9]+ -> 10\.9\.0\.2:7000  ESTABLISHED$' \
	nfload show states
says 'an IPv6 one' 0 '^v0 tcp fd09::1\[[0-9]+\] -> fd09::2\[7000\]  ESTABLISHED$' \
	nfload show states
says 'a UDP one' 0 '^v0 udp 10\.9\.0\.1:[0-9]+ -> 10\.9\.0\.2:53  SINGLE$' \
	nfload show states
says 'a filter' 0 '' nfload show states proto tcp port 53
says 'a label with a blank' 0 ':7000 ' nfload show states label 'an echo'
says '-v has the rule and its generation' 0 \
	'^    rule @[0-9]+ label "dns", judged by generation 1$' \
	nfload show states -v proto udp
says '-v has age and counts' 0 \
	'^    age 00:00:[0-9]{2}, expires in (23|24):[0-9:]+, out [1-9][0-9]*:[1-9][0-9]*, in [1-9]' \
	nfload show states -v proto tcp inet
says '-v -v has the rule itself' 0 '^    pass out on v0 .*port = 53 label' \
	nfload show states -vv proto udp
says '--count says only how many' 0 \
	'^2 of [3-9] states, at most 65536; 0 expired; 0 packets' \
	nfload show states --count label 'an echo'
says 'rule N is that rule' 0 '^1 of ' bash -c \
	'nfload show states --count rule "$(nfload show states --json proto udp |
	jq .states[0].rule)"'
says 'a rule that is not there' 2 'has no rule @99' nfload show states rule 99
says 'show info has the count' 0 '^states now +[3-9]' nfload show info
says 'and the limit' 0 '^states at most +65536' nfload show info
fact 'JSON' bash -c 'nfload show states --json proto tcp inet |
	jq -e "(.states | length) == 1 and .states_shown == 1 and .states_now >= 3
	and (.states[0] | .phase == \"ESTABLISHED\" and .far == \"10.9.0.2\"
	and .far_port == 7000 and .label == \"an echo\" and .current
	and .dir == \"out\" and .packets_in > 0 and .expires > 80000)"'
fact 'every field of it is in json.def' bash -c '
	nfload help json | sed -n "s/^state\.\([a-z_]*\) .*/\1/p" | sort >"$1"
	nfload show states --json | jq -r ".states[] | keys[]" | sort -u |
		comm -23 - "$1" | grep . && exit 1
	exit 0' - "$tmp/fields"
says 'show info --json' 0 '"states_limit": 65536' nfload show info --json
nfload -q apply "$tmp/policy.nfr"
says 'after a load -v says who judged, and who will' 0 \
	'judged by generation 1, now 2$' nfload show states -v proto udp
fact 'the flow goes on' talks 5 two
says 'and is judged by the new policy' 0 'judged by generation 2$' \
	nfload show states -v proto tcp inet
fact 'JSON says so, too' bash -c 'nfload show states --json proto udp |
	jq -e ".states[0].current == false"'

# ---- kill ------------------------------------------------------------------
says 'a dry run says how many' 0 '^1 state would be killed\.$' \
	nfload kill states --dry-run inet proto tcp to 10.9.0.2 port 7000
fact 'and ends none' talks 5 three
says 'kill says how many' 0 '^1 state killed\.$' \
	nfload kill states inet proto tcp to 10.9.0.2 port 7000
says 'the state is gone' 0 '^0 of ' \
	nfload show states --count inet proto tcp
fact 'and its flow does not begin anew without a SYN' silent 5 four
fact 'another flow goes on' talks 6 two
says 'there is none any more: no' 1 '^0 states killed\.$' \
	nfload kill states inet proto tcp
fact 'a new connection is a new flow' connects 8 10.9.0.2
fact 'that talks as well' talks 8 one
says '-v shows what was killed' 0 '^v0 udp .*:53  SINGLE$' \
	nfload kill states -v label dns
asks
says 'a UDP flow begins anew' 0 '^1 of ' nfload show states --count proto udp
fact 'kill --json' bash -c 'nfload kill states --json proto udp |
	jq -e ".states_killed == 1 and .exit == 0"'
says '--all' 0 '^[2-9] states killed\.$' nfload kill states --all
says 'is all of them' 0 '^0 states, ' nfload show states --count
fact 'and no flow goes on' silent 6 three

# ---- limits ------------------------------------------------------------------
exec 5>&- 6>&- 8>&-
cat >"$tmp/limits.nfr" <<'X'
set skip on lo
table <busy> persist
pass out on v0 inet proto tcp to any port 7000 keep state (max 9, max-src-conn 1, overload <busy>)
pass on v0 inet6 proto icmp6
X
nfload -q apply "$tmp/limits.nfr"
fact 'the first connection' connects 5 10.9.0.2
fact 'talks' talks 5 one
says 'its source is not in the table' 0 '' nfload table busy show
exec 6<>/dev/tcp/10.9.0.2/7000
fact 'one too many does not' silent 6 one
says 'its source is in the table' 0 '^ +10\.9\.0\.1$' nfload table busy show
nfload -q apply "$tmp/limits.nfr"
says 'also after a reload' 0 '^ +10\.9\.0\.1$' nfload table busy show
says 'it can be taken out' 0 '^1/1 addresses deleted' \
	nfload table busy delete 10.9.0.1
says 'then it is not in it' 0 '' nfload table busy show
exec 5>&- 6>&-
says 'kill ends what limits count' 0 '^[1-9] states? killed' \
	nfload kill states proto tcp
says 'and shows it no more' 0 '^0 of ' nfload show states --count proto tcp
fact 'which makes room' connects 5 10.9.0.2
fact 'for a connection' talks 5 two
says 'blocked hooks have states to show, too' 0 '^1 states, ' bash -c \
	'nfload -q unload --leave=blocked && nfload show states --count'
finish
