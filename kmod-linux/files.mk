bpf_obj := build/bpf/stub.bpf.o build/bpf/datapath.bpf.o build/bpf/datapath-loop.bpf.o \
	build/bpf/bench.bpf.o
