#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench_dpdk.sh: nfbench run --set --peers dpdk: what dpdk-test-acl is given, and
# what is made of what it says. It stands in here for itself: a walk over the
# files it is given, which speaks as DPDK's does (22.11).
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/path"
cat >"$tmp/path/dpdk-test-acl" <<'PYTHON'
#!/usr/bin/env python3
import ipaddress, os, sys
said = dict(a[2:].split('=') for a in sys.argv if a.startswith('--') and '=' in a)
wide = '--ipv6' in sys.argv
def number(text):
    return int(ipaddress.ip_address(text)) if wide else int(text)
def net(text):
    n = ipaddress.ip_network(text)
    return int(n.network_address), int(n.netmask)
rules = []
for line in open(said['rulesf']):
    f = line.lstrip('@').replace('\t', ' ').split()
    value, mask = (int(x, 16) for x in f[8].split('/'))
    rules.append((*net(f[0]), *net(f[1]), int(f[2]), int(f[4]), int(f[5]),
                  int(f[7]), value, mask))
trace = [line.split() for line in open(said['tracef'])]
if len(rules) >= int(said['rulenum']) or len(trace) >= int(said['tracenum']):
    sys.exit('too many')
if os.environ.get('DPDK') == 'breaks':
    sys.exit('EAL: it broke')
if said['verbose'] == '2':
    for at, (src, dst, sport, dport, proto) in enumerate(trace):
        src, dst = number(src), number(dst)
        sport, dport, proto = int(sport), int(dport), int(proto)
        found = next((i for i, r in enumerate(rules)
            if src & r[1] == r[0] and dst & r[3] == r[2] and
            r[4] <= sport <= r[5] and r[6] <= dport <= r[7] and
            proto & r[9] == r[8]), 4294967295)
        if os.environ.get('DPDK') == 'lies' and at == 7:
            found += 1
        print('ipv%d_5tuple: %d, category: 0, result: %d' %
              (6 if wide else 4, at + 1, found))
rate = 8e6 if said['tracestep'] == '1' else 40e6
print('search_ip5tuples  @lcore 0: %s iterations, %d pkts, 1 categories, '
      '24 cycles (0.00 sec), 12.00 cycles/pkt, %.2f pkt/sec' %
      (said['iter'], len(trace) * int(said['iter']), rate))
PYTHON
chmod +x "$tmp/path/dpdk-test-acl"

measure() {
	PATH=$tmp/path:$PATH nfbench run --json --set split --rules 20 \
		--rounds 2 --time 1 --peers dpdk
}

says 'it is measured in place' 2 'dpdk is measured in place' \
	nfbench run --set split --peers dpdk --method veth
says 'and of sets' 2 'on veth with --set only' nfbench run --peers dpdk
says 'it is no peer of state' 2 '--peers of state is nft or none' \
	nfbench state --peers dpdk
if [ "$(id -u)" = 0 ]; then
	measure >"$tmp/lines"
	fact 'each header finds in it what a walk finds' test "$?" = 0
	# shellcheck disable=SC2016 # jq's
	fact 'both ways, of both families, have what it says' jq -s -e '
		map(select(.engine | startswith("dpdk")) |
		[.engine, .hook, .family, .trace, .ns, .added_ns]) == (
		["inet", "inet6"] | map(. as $family |
		["dpdk-scalar", "key", $family, "random", 125, 125],
		["dpdk-avx2", "key", $family, "random", 25, 25]))' "$tmp/lines"
	fact 'and nfr stands beside it' jq -s -e \
		'any(.engine == "native" and .hook == "key")' "$tmp/lines"
	says 'one that finds another filter ends it' 3 \
		'dpdk-scalar finds filter [0-9-]+ for header 8, a walk' \
		env DPDK=lies bash -c "$(declare -f measure); tmp=$tmp measure"
	says 'one that breaks says why' 3 \
		'dpdk-scalar: dpdk-test-acl failed: EAL: it broke$' \
		env DPDK=breaks bash -c "$(declare -f measure); tmp=$tmp measure"
	rm "$tmp/path/dpdk-test-acl"
	# Whoever has it installed lacks it here.
	# shellcheck disable=SC2016 # the inner shell's
	says 'it must be there when it is named' 3 \
		'dpdk-test-acl: it is not installed$' unshare --mount bash -c '
		at=$(command -v dpdk-test-acl) && mount --bind /dev/null "$at"
		nfbench run --set split --rules 1 --peers dpdk'
else
	for fact in 'each header finds in it what a walk finds' \
		'both ways, of both families, have what it says' \
		'and nfr stands beside it' 'one that breaks says why' \
		'one that finds another filter ends it' \
		'it must be there when it is named'; do
		skip "$fact" 'needs root'
	done
fi
finish
