#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# engine.sh: apply --engine=auto|vm|native|hash, in a namespace of its own -> what
# finds the rules, as apply and status say it, and packets that meet them. A kernel
# that refuses native code is ours with a call in between that refuses some names.
if [ "$(id -u)" = 0 ] && [ -z "${NFR_CLI_INSIDE-}" ]; then
	export NFR_CLI_INSIDE=1
	exec unshare -nm "$0"
fi
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

says 'a word that is no engine is a mistake' 2 'one of "auto vm native hash inline"' \
	nfload apply --engine=jit /nowhere
if [ "$(id -u)" != 0 ]; then
	skip 'each engine, and what refuses it' 'needs root'
	finish
	exit
fi

# shellcheck source=tests/cli/engine_lib.sh
. "$(dirname "$0")/engine_lib.sh"

{
	cat "$tmp/small.nfr"
	for i in {1..99}; do
		echo "block out proto tcp from 10.$i.0.0/16 to 10.9.$i.0/24 port $i"
	done
} >"$tmp/many.nfr"
echo 'pass all probability 50%' >"$tmp/lots.nfr"
# ---- by name ---------------------------------------------------------------
says 'auto is inline for few rules' 0 '^engine inline: the rules are .* eBPF' \
	nfload apply -v "$tmp/small.nfr"
judges inline
says 'vm by name' 0 '^engine vm: it was asked for' \
	nfload apply -v --engine=vm "$tmp/small.nfr"
judges vm
says 'native by name' 0 '^engine native: the rules are .* eBPF' \
	nfload apply -v --engine=native "$tmp/small.nfr"
judges native
says 'auto is native for a hundred' 0 '^engine native: ' \
	nfload apply -v "$tmp/many.nfr"
judges native
says 'hash by name' 0 '^engine hash: it was asked for' \
	nfload apply -v --engine=hash "$tmp/many.nfr"
judges hash
says 'vm by name, where native rules were' 0 '^engine vm: it was asked for' \
	nfload apply -v --engine=vm "$tmp/many.nfr"
judges vm
says 'native, where the VM was' 0 '^engine native: ' \
	nfload apply -v --engine=native "$tmp/many.nfr"
judges native
: >"$tmp/names"
says 'other native code' 0 '^engine native: ' \
	env LD_PRELOAD="$tmp/refuse.so" nfload apply -v "$tmp/small.nfr"
judges native
fact 'is all that the verifier looks at then' diff \
	<(printf 'nfr_native_%s\n' tc xdp) <(sort "$tmp/names" | grep -x 'nfr_native.*')

# ---- what can not be -------------------------------------------------------
nfload compile "$tmp/many.nfr" -o "$tmp/many.nfi" >/dev/null
says 'an image with a hash is not vm' 2 'has a data form' \
	nfload apply --engine=vm "$tmp/many.nfi"
says 'but native' 0 '^engine native: ' \
	nfload apply -v --engine=native "$tmp/many.nfi"
says 'what draws lots stays with the VM, and apply says so' 0 \
	'^engine native: the rules of [1-5] of 6 entries .* only the VM runs' \
	nfload apply -v --engine=native "$tmp/lots.nfr"
says 'tags are only the VM'"'"'s' 3 'rules ask for tags' \
	nfload apply --engine=native "$tmp/tags.nfr"
says 'which auto knows' 0 '^engine vm: rules ask for tags' \
	nfload apply -v "$tmp/tags.nfr"

# IPv6 prefixes of so many pairs of lengths are no data form.
for a in {16..64}; do
	for b in {16..64}; do
		echo "block out proto tcp from 2001:db8:$a::/$a to 2001:db8:$b::/$b port $((a * 64 + b))"
	done
done >"$tmp/pairs.nfr"
says 'rules that are too different to be data are bytecode, and a note says so' 0 \
	'the rules are not data, but vm: they are too many, or too different' \
	nfload apply --engine=hash "$tmp/pairs.nfr"
says 'status says so too' 0 '^  engine vm, ' nfload status -v
says 'which auto need not say' 0 '^engine native: ' nfload apply -v "$tmp/pairs.nfr"
says 'nor where IPv4 has one' 0 '^engine hash: it was asked for' \
	nfload apply -v --engine=hash <(cat "$tmp/many.nfr" "$tmp/pairs.nfr")
judges hash
says 'rules of which none can be data are a mistake' 2 'no rules here fit a data form' \
	nfload apply --engine=hash "$tmp/lots.nfr"

# ---- the kernel refuses ----------------------------------------------------
: >"$tmp/names"
says 'what the kernel refuses, the hash finds, and a note says so' 0 \
	'the rules are not native code, but hash: the kernel does not take' \
	env LD_PRELOAD="$tmp/refuse.so" REFUSE=nfr_native_xdp \
	nfload apply "$tmp/many.nfr"
fact 'it was refused' grep -q nfr_native_xdp "$tmp/names"
judges hash
says 'half of it is none of it' 0 'not native code, but vm: ' \
	env LD_PRELOAD="$tmp/refuse.so" REFUSE=nfr_native_tc \
	nfload apply --engine=native "$tmp/small.nfr"
judges vm
nfload unload --leave=open >/dev/null
says 'what refuses all is no policy' 3 'can not load' \
	env LD_PRELOAD="$tmp/refuse.so" REFUSE=nfr_ \
	nfload apply --engine=native "$tmp/small.nfr"

# ---- 100,000 rules ---------------------------------------------------------
# Of IPv6, whose texts, addresses and data form are the largest.
awk 'BEGIN { for (n = 0; n < 100000; n++)
	printf "%s in quick inet6 proto tcp from 2001:db8:%x::/%d to 2001:db8:%x::%x port %d%s\n",
		n % 2 ? "pass" : "block", n % 4096, 48 + n % 16,
		n / 16 % 65536, n % 65536, n % 700 + 1,
		n % 2 ? " no state" : "" }' >"$tmp/huge.nfr"
for what in 'the first' 'the other slot' 'a slot again'; do
	nfload apply --json "$tmp/huge.nfr" >"$tmp/json"
	fact "100,000 rules take less than 64 MB: $what" \
		jq -e '.engine == "hash" and .peak_bytes < 67108864' "$tmp/json"
done
fact 'what it takes in the kernel is more than the image, and is told' \
	jq -e '.kernel_bytes > .policy.bytes + .policy.hash_bytes' "$tmp/json"
says '-v tells it in MB' 0 '^[1-9][0-9]*\.[0-9] MB in the kernel$' \
	nfload apply -v "$tmp/many.nfr"
nfload unload --leave=open >/dev/null

# ---- the kernel has no room ------------------------------------------------
# in_force: the short hash of the policy in force, and what finds its rules.
in_force() {
	nfload status --json | jq -r '.hash + " " + .engine'
}

nfload apply --engine=vm "$tmp/small.nfr" >/dev/null
before=$(in_force)
# no_map NAME BYTES NFLOAD...: none of that name, of so many bytes or more.
no_map() {
	local name=$1 bytes=$2
	shift 2
	env LD_PRELOAD="$tmp/refuse.so" REFUSE_MAP="$name" REFUSE_BYTES="$bytes" "$@"
}

says 'without any map of it there is no policy' 3 \
	'generation [0-9]+ stays in force' \
	no_map nfr_hash 0 nfload apply --engine=hash "$tmp/many.nfr"
fact 'the one before is in force' test "$(in_force)" = "$before"
judges vm
says 'data that the kernel has no map for are bytecode, and a note says so' 0 \
	'the rules are not data, but vm: the kernel has no room for a data form of [0-9]+ bytes' \
	no_map nfr_hash 1000 nfload apply --engine=hash "$tmp/many.nfr"
judges vm
says 'native code does not miss them' 0 '^engine native: the rules are .* eBPF' \
	no_map nfr_hash 1000 nfload apply -v "$tmp/many.nfr"
judges native
says 'with native code refused too, bytecode is what is left' 0 \
	'the rules are not native code, but vm: the kernel does not take' \
	no_map nfr_hash 1000 env REFUSE=nfr_native nfload apply "$tmp/many.nfr"
judges vm
nfload unload --leave=open >/dev/null
says 'of the first policy too' 0 'not data, but vm: ' \
	no_map nfr_hash 1000 nfload apply --engine=hash "$tmp/many.nfr"
judges vm
# ---- nor for a table --------------------------------------------------------
nfload apply "$tmp/small.nfr" >/dev/null
before=$(in_force)
for i in {1..200}; do
	for j in {1..10}; do echo "10.$i.$((2 * j)).0/24"; done
done >"$tmp/large"
says 'a table that the kernel has no map for is refused by its size' 3 \
	'of which tables take [1-9][0-9]{4} bytes' \
	no_map nfr_tables 10000 nfload table far add -f "$tmp/large"
fact 'the one before is in force' test "$(in_force)" = "$before"
fact 'with what it held' test "$(nfload table far show)" = '   10.9.0.3'
judges inline
says 'a smaller one is not' 0 '^1/1 addresses added' \
	no_map nfr_tables 10000 nfload table far add 10.9.9.9
says 'nor the large one where there is room' 0 '^2000/2000 addresses added' \
	nfload table far add -f "$tmp/large"
fact 'and all of it is there' test "$(nfload table far show | wc -l)" = 2002

nfload apply --engine=hash "$tmp/many.nfr" >/dev/null
many=$(in_force)
many=${many% *}
nfload apply --engine=vm "$tmp/small.nfr" >/dev/null
before=$(in_force)
for update in 1 2 4 8 16; do
	env LD_PRELOAD="$tmp/refuse.so" REFUSE_UPDATE=$update \
		nfload apply --engine=hash "$tmp/many.nfr" >"$tmp/said" 2>&1
	status=$?
	now=$(in_force)
	fact "update $update fails, and all of a policy is in force" \
		test "$status/$now" = "3/$before" -o \
		"$status/$now" = "0/$many hash" -o "$status/$now" = "0/$many vm"
	[ $status = 3 ] || nfload apply --engine=vm "$tmp/small.nfr" >/dev/null
done

finish
