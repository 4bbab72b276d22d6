#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# demo.sh: "make demo"; rules/vpn.nfr around a real tunnel, attacked; a table of
# what a capture on the router's side of the uplink saw. The last line says how
# many leaks; exit status 0 if none and all that should work does.
set -u
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/leaks.sh"
lab_enter "$0" "$@"

bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

rule() {
	printf '%s%.94s%s\n' "$dim" "$(printf -- '-%.0s' {1..94})" "$plain"
}

declare -A should=(
	[inside]='works, inside' [outside]='works, outside'
	[none]='nothing leaves' [hold]='nothing leaves'
)
leaks=0 failed=0

leaks_row() { # ID KIND TEXT WITHOUT WITH VERDICT NOTE
	local colour=$green
	if [ "$6" != ok ]; then
		colour=$red failed=$((failed + 1))
	fi
	if [ "$1" = all ]; then
		leaks=$5
		rule
	fi
	printf '%-43s %-14s %11s %9s   %s%s%s\n' "$3" "${should[$2]}" "$4" "$5" \
		"$colour" "$6" "$plain"
	[ -z "$7" ] || printf '%s   (%s)%s\n' "$dim" "$7" "$plain"
}

cat <<END
${bold}nfr: a split tunnel that does not leak${plain}

   client ---uplink--- router ------ internet        web servers
     |        (capture)   |             |
     +--wg0 (WireGuard)   +-- printer   +-- endpoint  the tunnel's other end

Namespaces on this machine, a real wireguard-go, rules/vpn.nfr as it is shipped.
Everything is tried twice, first without nfr (the control) and then with it, and
counted in frames on the router's side of the uplink.

END
cd "$lab_top" || exit 2
lab_up
printf '%strying without nfr ...%s\n\n' "$dim" "$plain"
printf '%s%-43s %-14s %11s %9s   %s%s\n' "$bold" 'what was tried' 'should' \
	'without nfr' 'with nfr' 'verdict' "$plain"
rule
leaks_measure rules/vpn.nfr || {
	echo "demo: could not measure" >&2
	exit 2
}
echo
on client nfload status --bpffs "$lab_dir/bpf" | head -n 1
[ $failed = 0 ] || echo "$failed rows are not as they should be"
echo "leaks: $leaks"
[ $failed = 0 ]
