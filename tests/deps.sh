#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh [--check]: the one list of Debian packages that nfr is built and tested
# with. Installs what is missing and says what; --check only tells.
set -eu

# To build: compilers, parser generators, libraries.
build='gcc make pkg-config clang llvm flex bison libbpf-dev libelf-dev zlib1g-dev
libpcap-dev libjansson-dev libmnl-dev libmd-dev linux-libc-dev libc6-dev'
# To test and to show: cmocka, sanitizers' clang runtime, a real WireGuard, real clients;
# iperf3 is what "nfbench throughput" runs.
use='libcmocka-dev libclang-rt-14-dev wireguard-go wireguard-tools tcpdump iproute2
procps util-linux nftables curl iputils-ping netcat-openbsd python3 netbase bpftool
clang-format clang-tidy cppcheck mandoc shellcheck jq gnuplot-nox libxml2-utils
iptables dnsmasq-base busybox udhcpc iperf3 strace'

missing=
for p in $build $use; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "${1-}" = --check ]; then
	# A tool for tests alone need not stop a build.
	for p in $missing; do
		case " $build " in *[[:space:]]"$p"[[:space:]]*)
			echo "deps: missing:$missing" >&2
			echo "deps: run \"make deps\" as root to install them" >&2
			exit 1 ;;
		esac
	done
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing:$missing; run \"make deps\" as root" >&2
	exit 1
fi
echo "deps: installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "deps: done"
