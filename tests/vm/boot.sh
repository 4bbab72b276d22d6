#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# boot.sh KERNEL SCRIPT [SECONDS]: boots the kernel under qemu (without KVM), with
# this host's root read-only under an overlay; runs the script there, prints what
# it prints and exits with its status; 125: the VM did not say one.
set -u
kernel=${1:?kernel} script=${2:?script} seconds=${3:-880}
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d /tmp/nfr-vm.XXXXXX)
virtiofsd=
# shellcheck disable=SC2317 # by the trap
end() {
	[ -z "$virtiofsd" ] || kill "$virtiofsd" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT

"$here/initrd.sh" "$kernel" "$script" "$dir/initrd" || exit 125
# shellcheck disable=SC2016 # inside
unshare --mount bash -c 'mount --make-rprivate / && mkdir "$1/root" &&
	mount --bind / "$1/root" && mount -o remount,bind,ro "$1/root" &&
	exec /usr/lib/qemu/virtiofsd --socket-path="$1/socket" \
		-o source="$1/root" -o cache=always -o sandbox=chroot' _ "$dir" \
	2>"$dir/virtiofsd.log" &
virtiofsd=$!
for _ in {1..100}; do
	[ ! -S "$dir/socket" ] || break
	sleep 0.05
done
timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -M q35 -cpu max \
	-smp 2 -m 1024 -nodefaults -no-user-config -display none -no-reboot \
	-kernel "$kernel"/boot/vmlinuz-* -initrd "$dir/initrd" \
	-serial "file:$dir/console" -serial "file:$dir/out" \
	-serial "file:$dir/status" \
	-object memory-backend-memfd,id=mem,size=1024M,share=on \
	-machine memory-backend=mem \
	-chardev "socket,id=host,path=$dir/socket" \
	-device vhost-user-fs-pci,chardev=host,tag=host \
	-append "console=ttyS0 quiet panic=-1 8250.nr_uarts=4 mitigations=off
		no_timer_check random.trust_cpu=on nokaslr" \
	</dev/null >"$dir/qemu.log" 2>&1
cat "$dir/out" 2>/dev/null
status=$(tr -dc '0-9' <"$dir/status" 2>/dev/null)
[ -z "$status" ] || exit "$status"
echo "boot.sh: no status from the VM" >&2
tail -n 25 "$dir/console" "$dir/qemu.log" "$dir/virtiofsd.log" >&2
exit 125
