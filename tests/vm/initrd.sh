#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# initrd.sh KERNEL SCRIPT OUT: busybox, the modules that a test needs in the order
# of their dependencies, init, and the script that it will run.
set -eu
kernel=$(realpath "$1") script=$2 out=$(realpath -m "$3")
here=$(dirname "$(realpath "$0")")
version=$(basename "$kernel"/lib/modules/*)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# The host's root by virtiofs under an overlay; then what the tests use.
modules="virtio_pci virtiofs overlay wireguard veth tun bridge macvlan dummy
	nf_tables nft_ct nft_counter nft_reject_inet nft_fib_inet nft_log
	sch_ingress cls_bpf vxlan 8021q packet af_packet_diag xdp_diag"

mkdir -p "$tree"/{bin,modules,dev,proc,lower,upper,root}
install -m 755 /bin/busybox "$tree/bin/busybox"
# Its libraries, where it is not static.
{ ldd /bin/busybox 2>/dev/null || true; } | grep -o '/[^ ]*' |
	while read -r library; do
		mkdir -p "$tree$(dirname "$library")"
		cp -L "$library" "$tree$library"
	done
install -m 755 "$here/init" "$tree/init"
install -m 755 "$script" "$tree/command"
for module in $modules; do
	modprobe -d "$kernel" -S "$version" --show-depends "$module" \
		2>/dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r file; do
		name=$(basename "$file")
		name=${name%.xz}
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$tree/modules/$name"
		echo "$name" >>"$tree/modules/order"
	done
(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out"
