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

says 'a word that is no engine is a mistake' 2 'one of "auto vm native hash"' \
	nfload apply --engine=jit /nowhere
if [ "$(id -u)" != 0 ]; then
	skip 'each engine, and what refuses it' 'needs root'
	finish
	exit
fi

cat >"$tmp/small.nfr" <<'C'
set skip on lo
table <far> { 10.9.0.3 }
pass out on v0 inet proto udp to any port 1000:1009 no state label "open"
block out on v0 inet proto udp to any port { 7 99 } label "shut"
block out on v0 inet proto udp to <far> port 99 label "far"
C
# What judges() sends, by rule: open, 7, 99, far, and the default, which also
# blocks what is open where it comes in, at v1.
counted=('packets 3' 'packets 1' 'packets 1' 'packets 1' 'packets 5')
{
	cat "$tmp/small.nfr"
	for i in {1..99}; do
		echo "block out proto tcp from 10.$i.0.0/16 to 10.9.$i.0/24 port $i"
	done
} >"$tmp/many.nfr"
echo 'pass all probability 50%' >"$tmp/lots.nfr"
printf 'match in tag A\npass out tagged A\n' >"$tmp/tags.nfr"

# A call of the kernel's that takes no program whose name begins with REFUSE, makes
# no map named REFUSE_MAP of REFUSE_BYTES or more, and has no room at the update of
# a map with the number REFUSE_UPDATE. The names of programs it is asked for go to REFUSE_LOG.
cat >"$tmp/refuse.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static long refuse(int error)
{
	errno = error;
	return -1;
}

static int is_named(const char *name, const char *variable)
{
	const char *refused = getenv(variable);

	return refused && !strcmp(name, refused);
}

static int is_refused(const union bpf_attr *map)
{
	const char *bytes = getenv("REFUSE_BYTES");

	return is_named(map->map_name, "REFUSE_MAP") &&
	       (!bytes || map->value_size >= strtoul(bytes, NULL, 10));
}

static int is_update(long command)
{
	static int updates;
	const char *refused = getenv("REFUSE_UPDATE");

	return refused &&
	       (command == BPF_MAP_UPDATE_ELEM ||
		command == BPF_MAP_UPDATE_BATCH) &&
	       ++updates == atoi(refused);
}

long syscall(long number, ...)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	const char *begin = getenv("REFUSE"), *log = getenv("REFUSE_LOG");
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD) {
		const union bpf_attr *attr = (const union bpf_attr *)a[1];
		FILE *out = log ? fopen(log, "a") : NULL;

		if (out) {
			fprintf(out, "%s\n", attr->prog_name);
			fclose(out);
		}
		if (begin && !strncmp(attr->prog_name, begin, strlen(begin)))
			return refuse(E2BIG);
	}
	if (number == SYS_bpf && a[0] == BPF_MAP_CREATE &&
	    is_refused((const union bpf_attr *)a[1]))
		return refuse(E2BIG);
	if (number == SYS_bpf && is_update(a[0]))
		return refuse(ENOMEM);
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
C
"${CC:-cc}" -shared -fPIC -o "$tmp/refuse.so" "$tmp/refuse.c" || exit 1

mkdir "$tmp/bpf"
trap 'umount -q "$tmp/bpf"; rm -rf "$tmp"' EXIT
mount -t bpf bpf "$tmp/bpf"
export NFR_BPFFS=$tmp/bpf/nfr
ip link set lo up
ip link add v0 type veth peer name v1
sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip addr add 10.9.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
for last in 2 3; do
	ip neigh add 10.9.0.$last lladdr 02:00:00:00:00:01 dev v0
done

# The rules do what they say, whatever finds them.
judges() { # ENGINE
	says "status says $1" 0 "^  engine $1, " nfload status -v
	fact 'as JSON too' bash -c \
		"nfload status --json | jq -e '.engine == \"$1\"'"
	for to in 2/1000 2/1009 3/1005 2/1010 3/99 2/7 2/99 2/6; do
		echo x >"/dev/udp/10.9.0.${to%/*}/${to#*/}" || true
	done 2>/dev/null
	fact "$1 finds the rules" diff <(printf '%s\n' "${counted[@]}") \
		<(nfload show rules -v | sed -n 's/^    \(packets [0-9]*\).*/\1/p' |
			grep -v ' 0$')
}

# ---- by name ---------------------------------------------------------------
export REFUSE_LOG=$tmp/names
says 'auto is native for few rules' 0 '^engine native: the rules are .* eBPF' \
	nfload apply -v "$tmp/small.nfr"
judges native
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

# ---- the kernel has no room ------------------------------------------------
# in_force: the short hash of the policy in force, and what finds its rules.
in_force() {
	nfload status --json | jq -r '.hash + " " + .engine'
}

nfload apply --engine=vm "$tmp/small.nfr" >/dev/null
before=$(in_force)
# no_room BYTES NFLOAD...: no map for a data form of so many bytes or more.
no_room() {
	local bytes=$1
	shift
	env LD_PRELOAD="$tmp/refuse.so" REFUSE_MAP=nfr_hash REFUSE_BYTES="$bytes" "$@"
}

says 'without any map of it there is no policy' 3 \
	'generation [0-9]+ stays in force' \
	no_room 0 nfload apply --engine=hash "$tmp/many.nfr"
fact 'the one before is in force' test "$(in_force)" = "$before"
judges vm
says 'data that the kernel has no map for are bytecode, and a note says so' 0 \
	'the rules are not data, but vm: the kernel has no room for a data form of [0-9]+ bytes' \
	no_room 1000 nfload apply --engine=hash "$tmp/many.nfr"
judges vm
says 'native code does not miss them' 0 '^engine native: the rules are .* eBPF' \
	no_room 1000 nfload apply -v "$tmp/many.nfr"
judges native
says 'with native code refused too, bytecode is what is left' 0 \
	'the rules are not native code, but vm: the kernel does not take' \
	no_room 1000 env REFUSE=nfr_native nfload apply "$tmp/many.nfr"
judges vm
nfload unload --leave=open >/dev/null
says 'of the first policy too' 0 'not data, but vm: ' \
	no_room 1000 nfload apply --engine=hash "$tmp/many.nfr"
judges vm
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
