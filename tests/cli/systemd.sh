#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# systemd.sh: the units of packaging/systemd -> what systemd thinks of them, and
# what they promise.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

for unit in nfr nfr-restore; do
	sed "s,@sbindir@,$bin," "packaging/systemd/$unit.service.in" \
		>"$tmp/$unit.service"
done
verify() { # UNIT
	! SYSTEMD_LOG_LEVEL=warning systemd-analyze --man=no verify \
		"$tmp/$1.service" 2>&1 | grep -F "$tmp"
}
for unit in nfr nfr-restore; do
	if command -v systemd-analyze >/dev/null; then
		fact "$unit.service is right to systemd" verify $unit
	else
		skip "$unit.service is right to systemd" \
			'systemd-analyze is not installed'
	fi
	fact "$unit.service comes before the network" \
		grep -q '^Before=network-pre.target' "$tmp/$unit.service"
	fact "$unit.service has the place of the tools" \
		grep -q "^ExecStart=$bin/nfload" "$tmp/$unit.service"
	fact "$unit.service gives up what it does not need" \
		grep -q '^NoNewPrivileges=yes' "$tmp/$unit.service"
done
fact 'nfr.service waits for READY' grep -q '^Type=notify' "$tmp/nfr.service"
fact 'nfr.service comes back' grep -q '^Restart=always' "$tmp/nfr.service"
fact 'nfr.service comes behind the policy' \
	grep -q '^After=nfr-restore' "$tmp/nfr.service"
fact 'nfr-restore.service closes what has no policy' \
	grep -q 'restore --or-block$' "$tmp/nfr-restore.service"
finish
