#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# dhcp.sh: what udhcpc(8) calls; a lease -> addresses and routes, and a line in
# $DHCP_LOG.
# shellcheck disable=SC2154 # udhcpc sets them
echo "$1 ${ip-} ${staticroutes-}" >>"$DHCP_LOG"
case $1 in
bound | renew)
	ip addr replace "$ip/$mask" dev "$interface"
	# shellcheck disable=SC2086 # a list: prefix router ...
	set -- ${staticroutes-}
	while [ $# -ge 2 ]; do
		ip route replace "$1" via "$2" dev "$interface"
		shift 2
	done
	;;
esac
