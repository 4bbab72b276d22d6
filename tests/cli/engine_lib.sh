# SPDX-License-Identifier: BSD-2-Clause
# engine_lib.sh: a namespace with a veth, a policy, packets that meet its rules,
# and a kernel that refuses; sourced behind lib.sh by those who ask how rules
# are found.
# shellcheck shell=bash disable=SC2154 # lib.sh has the others

cat >"$tmp/small.nfr" <<'C'
set skip on lo
table <far> { 10.9.0.3 }
pass out on v0 inet proto udp to any port 1000:1009 no state label "open"
block out on v0 inet proto udp to any port { 7 99 } label "shut"
block out on v0 inet proto udp to <far> port 99 label "far"
C
# What judges() sends, by rule: open, 7, 99, far, and the default, which also
# blocks what is open where it comes in, at v1.
counted=(3 1 1 1 5)
printf 'match in tag A\npass out tagged A\n' >"$tmp/tags.nfr"

# few0 to few3: the same rules, at other numbers, so that code of one policy would
# count for others in another.
few_rules() {
	local n
	sed '/^table/d; s/<far>/10.9.0.3/' "$tmp/small.nfr" >"$tmp/few0.nfr"
	for n in 1 2 3; do
		sed "2i block out on v0 inet proto tcp to any port 1$n" \
			"$tmp/few$((n - 1)).nfr" >"$tmp/few$n.nfr"
	done
}

# A call of the kernel's that takes no program whose name begins with REFUSE, makes
# no map named REFUSE_MAP of REFUSE_BYTES or more, and has no room at the update of
# a map with the number REFUSE_UPDATE; with REFUSE_FILLED it takes no datapath that
# has code inside (runtime/hole.h). The caller is killed at its call with the number
# KILL_CALL. The names of programs it is asked for go to REFUSE_LOG, a dot for each
# call to CALLS_LOG.
cat >"$tmp/refuse.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
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

static void log_line(const char *variable, const char *text)
{
	const char *path = getenv(variable);
	FILE *out = path ? fopen(path, "a") : NULL;

	if (out) {
		fputs(text, out);
		fclose(out);
	}
}

static void count_call(void)
{
	static int calls;
	const char *last = getenv("KILL_CALL");

	log_line("CALLS_LOG", ".");
	if (last && ++calls == atoi(last))
		raise(SIGKILL);
}

static int is_filled(const union bpf_attr *attr)
{
	const struct bpf_insn *insns = (const struct bpf_insn *)attr->insns;

	for (unsigned i = 0; i < attr->insn_cnt; i++)
		if (insns[i].code == (BPF_ALU64 | BPF_MOV | BPF_K) &&
		    insns[i].imm == 0x6e667231)
			return 0;
	return 1;
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
	const char *begin = getenv("REFUSE");
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_bpf)
		count_call();
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD) {
		const union bpf_attr *attr = (const union bpf_attr *)a[1];

		log_line("REFUSE_LOG", attr->prog_name);
		log_line("REFUSE_LOG", "\n");
		if (begin && !strncmp(attr->prog_name, begin, strlen(begin)))
			return refuse(E2BIG);
		if (getenv("REFUSE_FILLED") &&
		    !strcmp(attr->prog_name, "nfr_xdp") && is_filled(attr))
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

veth_lab
for last in 2 3; do
	ip neigh add 10.9.0.$last lladdr 02:00:00:00:00:01 dev v0
done

# counts TIMES: what the packets are counted by, sent so often, this time too
counts() {
	for to in 2/1000 2/1009 3/1005 2/1010 3/99 2/7 2/99 2/6; do
		echo x >"/dev/udp/10.9.0.${to%/*}/${to#*/}" || true
	done 2>/dev/null
	diff <(for n in "${counted[@]}"; do echo $((n * $1)); done) \
		<(nfload show rules -v | sed -n 's/^    packets \([0-9]*\).*/\1/p' |
			grep -v '^0$')
}

# The rules do what they say, whatever finds them.
judges() { # ENGINE [TIMES]
	says "status says $1" 0 "^  engine $1, " nfload status -v
	fact 'as JSON too' bash -c \
		"nfload status --json | jq -e '.engine == \"$1\"'"
	fact "$1 finds the rules" counts "${2-1}"
}

export REFUSE_LOG=$tmp/names
