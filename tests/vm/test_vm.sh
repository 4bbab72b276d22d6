#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test_vm.sh SERIES: inside.sh on Debian's kernel of that series.
set -u
here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
for tool in qemu-system-x86_64 busybox cpio modprobe apt-get; do
	command -v $tool >/dev/null || {
		echo "SKIP a VM: no $tool"
		exit 0
	}
done
kernel=$("$here/kernel.sh" "$1" "$top/build/vm") || {
	echo "SKIP a VM: no kernel $1 from apt"
	exit 0
}
script=$(mktemp /tmp/nfr-vm-inside.XXXXXX)
trap 'rm -f "$script"' EXIT
printf '#!/bin/bash\ncd %q && exec tests/vm/inside.sh\n' "$top" >"$script"
"$here/boot.sh" "$kernel" "$script"
