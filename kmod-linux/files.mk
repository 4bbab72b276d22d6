bpf_obj := build/bpf/stub.bpf.o build/bpf/datapath.bpf.o build/bpf/datapath-loop.bpf.o \
	build/bpf/floor_stub.bpf.o build/bpf/floor.bpf.o build/bpf/floor-loop.bpf.o \
	build/bpf/socket.bpf.o build/bpf/connect_stub.bpf.o build/bpf/connect.bpf.o \
	build/bpf/connect-loop.bpf.o build/bpf/bench.bpf.o build/bpf/bench_rules.bpf.o \
	build/bpf/bench_rules-loop.bpf.o build/bpf/native_keys.bpf.o build/bpf/bench_table.bpf.o build/bpf/native_has.bin
