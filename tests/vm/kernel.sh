#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kernel.sh SERIES DIR: Debian's newest cloud kernel of a series (6.1, 6.12), by
# apt, unpacked in DIR; nothing is installed. Prints where it is.
set -eu
series=${1:?series} dir=$(realpath -m "${2:?directory}")

package=$(apt-cache search --names-only "^linux-image-${series//./\\.}\..*-cloud-amd64\$" |
	cut -d' ' -f1 | sort -V | tail -n 1)
[ -n "$package" ] || {
	echo "kernel.sh: apt knows no cloud kernel of series $series" >&2
	exit 1
}
kernel=$dir/$package
if [ ! -e "$kernel/done" ]; then
	rm -rf "$kernel"
	mkdir -p "$kernel"
	(cd "$dir" && apt-get download -q "$package" >&2)
	dpkg-deb -x "$dir/${package}"_*.deb "$kernel"
	version=${package#linux-image-}
	ln -s usr/lib "$kernel/lib" 2>/dev/null || true
	depmod -b "$kernel" "$version"
	touch "$kernel/done"
fi
echo "$kernel"
