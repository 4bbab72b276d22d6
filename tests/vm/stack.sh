#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# stack.sh: no chain of calls of the datapath takes more than 512 bytes of stack, as
# Linux 6.1 counts them; that kernel itself is asked by "make vm".
cd "$(dirname "$0")/../.." || exit 2
command -v llvm-objdump >/dev/null || {
	echo "SKIP the stack of eBPF programs: no llvm-objdump"
	exit 0
}
exec /usr/bin/python3 tests/vm/stack.py build/bpf/datapath-loop.bpf.o \
	build/bpf/floor-loop.bpf.o build/bpf/connect-loop.bpf.o \
	build/bpf/socket.bpf.o build/bpf/stub.bpf.o \
	build/bpf/floor_stub.bpf.o build/bpf/connect_stub.bpf.o
