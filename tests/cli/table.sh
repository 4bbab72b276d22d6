#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# table.sh: nfload table against a kernel, in a namespace of its own: what is
# said, what packets then see, and what is refused.
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

says 'a table needs a name and a command' 2 'takes one of "show add' nfload table
says 'an unknown command is refused' 2 'takes one of .*, not counters' \
	nfload table t counters
says 'an address is needed' 2 'which address' nfload table t add
says 'names are not looked up' 2 '"example.org" is no address' \
	nfload table t add example.org
says 'a prefix is checked' 2 '"10.0.0.0/33" is no address' \
	nfload table t add 10.0.0.0/33
says 'only single addresses are tested' 2 'single addresses' \
	nfload table t test 10.0.0.0/8
says 'show takes no address' 2 'takes no address' nfload table t show 10.0.0.1
printf '10.0.0.1\nbad one # here\n' >"$tmp/list"
says 'a mistake in a file has its line' 2 'list:2: "bad one" is no' \
	nfload table t add -f "$tmp/list"
if [ "$(id -u)" != 0 ]; then
	skip 'tables of a policy in force' 'needs root'
	finish
	exit
fi

mkdir "$tmp/bpf"
other_netns
trap 'kill $other; umount -q "$tmp/bpf"; rm -rf "$tmp"' EXIT
mount -t bpf bpf "$tmp/bpf"
export NFR_BPFFS=$tmp/bpf/nfr
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.9.0.1/24 dev v0
ip link set v1 netns $other
nsenter -t $other -n ip link set v1 up
ip link set v0 up
ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev v0

cat >"$tmp/policy.nfr" <<'X'
set skip on lo
table <good> { 10.8.0.0/16 ! 10.8.1.0/24 fd00::/8 }
table <fixed> const counters { 192.0.2.1 10.11.0.0/16 10.11.5.0/24 }
table <kept> persist
table <rest> { 10.7.0.1 }
pass out on v0 proto udp to <good> port 53
pass out on v0 proto udp to <fixed>
pass out on v0 proto udp to <kept> port 54
pass out on v0 proto udp to ! <rest> port 55
X

says 'nothing is loaded: no' 1 'nothing is loaded' nfload table good show
says 'the policy loads' 0 '^generation 1 ' nfload apply "$tmp/policy.nfr"

# ---- show, test ------------------------------------------------------------
fact 'show lists as pfctl does' diff <(nfload table good show) - <<'X'
   10.8.0.0/16
  !10.8.1.0/24
   fd00::/8
X
fact 'show --json' bash -c "nfload table good show --json |
	jq -e '.table == \"good\" and (.addresses | length) == 3'"
says 'an unknown table gets a suggestion' 2 'no table <goof>; did you mean <good>' \
	nfload table goof show
says 'test: all match' 0 '^2/2 addresses match\.$' \
	nfload table good test 10.8.0.1 fd00::1
says 'test: not all match' 2 '^1/2 addresses match\.$' \
	nfload table good test 10.8.0.1 10.8.1.1
says 'test -v says which' 2 '^M  10.8.0.1$' \
	nfload table good test -v 10.8.0.1 10.8.1.1

fact 'show tables lists names' diff <(nfload show tables) - <<'X'
good
fixed
kept
rest
X
fact 'with -v as pfctl does' diff <(nfload show tables -v | head -4 |
	sed 's/ed:     20.*/ed:     20/') - <<'X'
--a-r--	good
	Addresses:   3
	Cleared:     20
	References:  [ Rules: 1                  ]
X
says 'const and counters are told' 0 '^c-a-r-C	fixed$' nfload show tables -v
fact 'show tables --json' bash -c "nfload show tables --json |
	jq -e '.tables[2] | .name == \"kept\" and .persist and .addresses == 0
	and .rules == 1 and .cleared > 1700000000'"

# ---- changes, and what packets see -----------------------------------------
tx() {
	ip -s -j link show v0 | jq ".[0].stats64.tx.packets"
}
# passes ADDRESS PORT: does a datagram reach the wire?
passes() {
	local before
	before=$(tx)
	ip route replace "$1" via 10.9.0.2 dev v0
	echo x >/dev/udp/"$1"/"$2" || true
	[ "$(tx)" != "$before" ]
} 2>/dev/null
blocks() {
	! passes "$@"
}

fact 'what is not in the table is blocked' blocks 10.6.0.1 53
fact 'what is in the other table passes' passes 10.11.5.1 99
passes 10.11.5.2 99
fact 'the longest prefix counts, once a packet' diff \
	<(nfload table fixed show -v | sed 's/Bytes: [1-9][0-9]*/Bytes: N/' |
		tr -s ' ' | grep -A4 10.11) - <<'X'
 10.11.0.0/16
	In/Block: [ Packets: 0 Bytes: 0 ]
	In/Pass: [ Packets: 0 Bytes: 0 ]
	Out/Block: [ Packets: 0 Bytes: 0 ]
	Out/Pass: [ Packets: 0 Bytes: 0 ]
 10.11.5.0/24
	In/Block: [ Packets: 0 Bytes: 0 ]
	In/Pass: [ Packets: 0 Bytes: 0 ]
	Out/Block: [ Packets: 0 Bytes: 0 ]
	Out/Pass: [ Packets: 2 Bytes: N ]
X
fact 'in JSON too' bash -c "nfload table fixed show --json |
	jq -e '.addresses[] | select(.address == \"10.11.5.0/24\") |
	.out_pass_packets == 2 and .out_pass_bytes > 60 and .in_pass_bytes == 0'"
says 'zero clears' 0 '^1 table/stats cleared' nfload table fixed zero
fact 'and then it is zero' bash -c "nfload table fixed show --json |
	jq -e '[.addresses[].out_pass_packets] | add == 0'"
says 'a table without counters shows none' 0 '^   10.8.0.0/16$' \
	nfload table good show -v
says 'add says how many' 0 '^2/3 addresses added\.$' \
	nfload table good add 10.6.0.1 10.6.0.2 10.8.0.0/16
fact 'what was added passes' passes 10.6.0.1 53
says 'it is a generation of its own' 0 'generation 2' nfload status
says 'rules and places are the same' 0 'policy.nfr:6:1' nfload show rules
says 'add -v says what became of each' 0 '^Y  10.8.1.0/24$' \
	nfload table good add -v 10.8.1.0/24 10.6.0.3
says 'what is there already changes nothing' 0 '^0/1 addresses added\.$' \
	nfload table good add 10.6.0.1
says 'and makes no generation' 0 'generation 3' nfload status
says 'delete says how many' 0 '^1/2 addresses deleted\.$' \
	nfload table good delete 10.6.0.1 10.99.0.1
fact 'what was deleted is blocked' blocks 10.6.0.1 53
printf '# a list\n10.5.0.0/16\n10.6.0.2\n!10.5.5.5 # but\n' >"$tmp/list"
fact 'replace says what changed' diff <(nfload table good replace -f "$tmp/list") - <<'X'
2 addresses added.
4 addresses deleted.
X
says 'replace by the same is no change' 0 '^no changes\.$' \
	nfload table good replace -f "$tmp/list"
fact 'a replaced table decides' passes 10.5.0.1 53
fact 'and its exceptions too' blocks 10.5.5.5 53
says 'standard input is a file' 0 '^1/1 addresses added\.$' bash -c \
	'echo 10.4.0.1 | nfload table good add -f -'
says '::/0 leaves IPv4 alone' 0 '^1/1 addresses added\.$' \
	nfload table good add ::/0
fact 'as packets see' blocks 10.6.0.1 53
says 'flush says how many' 0 '^5 addresses deleted\.$' nfload table good flush
fact 'an empty table matches nothing' blocks 10.5.0.1 53
fact 'show of an empty table is silent' test -z "$(nfload table good show)"
says 'zero is accepted' 0 'cleared' nfload table good zero

# ---- flows -----------------------------------------------------------------
nfload -q table good add 10.3.0.1
ip route replace 10.3.0.1 via 10.9.0.2 dev v0
exec 5<>/dev/udp/10.3.0.1/53
flow() {
	local before
	before=$(tx)
	echo x >&5 || true
	[ "$(tx)" != "$before" ]
} 2>/dev/null
fact 'a flow goes on' flow
nfload -q table good delete 10.3.0.1
no_flow() {
	! flow
}
fact 'a flow ends with the address that allowed it' no_flow
exec 5>&-

# ---- refused ---------------------------------------------------------------
before=$(nfload status --json | jq .generation)
says 'a const table does not change' 2 '<fixed> is const' \
	nfload table fixed add 10.0.0.1
says 'a table may not become empty where that opens' 2 'fails-open' \
	nfload table rest delete 10.7.0.1
says 'nor by a flush' 2 'fails-open' nfload table rest flush
says 'nor keep exceptions alone' 2 'fails-open' \
	nfload table rest replace '!10.7.0.2'
says 'it may be replaced' 0 '^1 addresses added\.$' \
	nfload table rest replace 10.7.0.9
fact 'refusals make no generation' test \
	"$(nfload status --json | jq .generation)" = $((before + 1))

# ---- asserts and contract --------------------------------------------------
ip link add wg0 type veth peer name w1
cat >"$tmp/promise.nfr" <<'X'
set skip on lo
table <lan> { 10.0.0.0/8 }
table <web> { 10.1.0.0/16 }
table <ssh> { 10.2.0.0/16 }
tunnel wg0 over any {
	transport proto udp to 198.51.100.7 port 51820
	exclude to <lan>
}
pass out on v0 proto tcp to <web> port 80
pass in on v0 proto tcp from <ssh> to port 22
assert block in on v0 proto tcp from 192.168.0.0/16
assert pass in on v0 inet proto tcp from 10.2.3.0/24 to port 22
X
nfload -q apply "$tmp/promise.nfr"
before=$(nfload status --json | jq .generation)
says 'an assert to block is held, and named' 2 \
	'promise.nfr:11:1: not everything in "assert block.*blocked \[assert\]' \
	nfload table ssh add 192.168.7.7
says 'a packet shows it' 2 \
	'witness: tcp 192.168.7.7:40000 > 9.9.9.9:22 in v0' \
	nfload table ssh add 192.168.7.7
says 'and the rule that passes it' 2 'passed by "pass in .*promise.nfr:10:1' \
	nfload table ssh add 192.168.7.7
fact 'in JSON too' bash -c "nfload table ssh add --json 192.168.7.7 |
	jq -e '.exit == 2 and (.witness | test(\"192.168.7.7\")) and
	(.decided_by | test(\"pass in\"))'"
says 'an assert to pass is held' 2 'promise.nfr:12:1: .* would pass \[assert\]' \
	nfload table ssh delete 10.2.0.0/16
says 'by an exception, too' 2 'witness: tcp 10.2.3.9:40000' \
	nfload table ssh add '!10.2.3.9'
says 'and by a flush' 2 'would pass' nfload table ssh flush
says 'a rule may not begin to leak' 2 \
	'promise.nfr:9:1: "pass out on v0.*outside the tunnel \[contract\]' \
	nfload table web add 203.0.113.9
says 'exclude may not become everything' 2 \
	'promise.nfr:7:2: "exclude" lets every IPv4 .* \[contract\]' \
	nfload table lan add 0.0.0.0/0
says 'nor by halves' 2 'guard no IPv6' nfload table lan add ::/1 8000::/1
fact 'nothing of that was put in force' test \
	"$(nfload status --json | jq .generation)" = "$before"
fact 'and the tables are as they were' diff <(nfload table ssh show) - <<'X'
   10.2.0.0/16
X
says 'exclude may grow' 0 '^1/1 addresses added' \
	nfload table lan add 203.0.113.0/24
says 'and then the rule may, too' 0 '^1/1 addresses added' \
	nfload table web add 203.0.113.9
says 'but exclude may not shrink below the rule' 2 \
	'witness: tcp .* > 203.0.113.9:80 out v0' \
	nfload table lan delete 203.0.113.0/24
says 'what keeps the asserts is done' 0 '^1/1 addresses added' \
	nfload table ssh add 10.9.9.9
nfload -q apply "$tmp/policy.nfr"

# ---- applied again ---------------------------------------------------------
nfload -q table kept add 10.2.0.1
nfload -q table good add 10.1.0.1
fact 'both are there' passes 10.2.0.1 54
nfload -q apply "$tmp/policy.nfr"
fact 'a persist table without addresses keeps them' passes 10.2.0.1 54
says 'the others are as written' 0 '^   10.8.0.0/16$' nfload table good show
fact 'and only that' blocks 10.1.0.1 53
sed 's/persist/persist { }/' "$tmp/policy.nfr" >"$tmp/empty.nfr"
nfload -q apply "$tmp/empty.nfr"
fact 'one that is written empty is empty' blocks 10.2.0.1 54
nfload compile -q -o "$tmp/policy.nfi" "$tmp/policy.nfr"
nfload -q apply "$tmp/policy.nfi"
nfload -q table kept add 10.2.0.2
nfload -q apply "$tmp/policy.nfi"
fact 'so it is with an image' passes 10.2.0.2 54

# ---- several at once -------------------------------------------------------
pids=()
for i in {1..6}; do
	nfload -q table kept add "10.2.1.$i" &
	pids+=($!)
done
wait "${pids[@]}"
fact 'changes at the same time are all there' test \
	"$(nfload table kept show | grep -c '10\.2\.1\.')" = 6
finish
