build/bpf/stub.bpf.o: kmod-linux/stub.bpf.c | deps-checked
	$(call bpf_object,)
# datapath: the VM's loop by may_goto (Linux 6.9); datapath-loop: by bpf_loop (5.17).
build/bpf/datapath.bpf.o: kmod-linux/datapath.bpf.c | deps-checked
	$(call bpf_object,)
build/bpf/datapath-loop.bpf.o: kmod-linux/datapath.bpf.c | deps-checked
	$(call bpf_object,-DNFR_BPF_LOOP)
