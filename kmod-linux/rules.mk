# DWARF is for nobody who loads these; BTF stays.
define bpf_strip
	$(Q)llvm-strip -g $@
endef
build/bpf/%.bpf.o: kmod-linux/%.bpf.c | deps-checked
	$(call bpf_object,)
	$(bpf_strip)
# Its instructions alone, which name no map yet.
build/bpf/native_has.bin: build/bpf/native_has.bpf.o
	$(call say,BIN,$@)
	$(Q)! llvm-readelf -S $< | grep -q relnative
	$(Q)llvm-objcopy -O binary --only-section=native $< $@
# datapath: the VM's loop by may_goto (Linux 6.9); datapath-loop: by bpf_loop (5.17).
build/bpf/datapath-loop.bpf.o: kmod-linux/datapath.bpf.c | deps-checked
	$(call bpf_object,-DNFR_BPF_LOOP)
	$(bpf_strip)
build/bpf/floor-loop.bpf.o: kmod-linux/floor.bpf.c | deps-checked
	$(call bpf_object,-DNFR_BPF_LOOP)
	$(bpf_strip)
build/bpf/connect-loop.bpf.o: kmod-linux/connect.bpf.c | deps-checked
	$(call bpf_object,-DNFR_BPF_LOOP)
	$(bpf_strip)
build/bpf/bench_rules-loop.bpf.o: kmod-linux/bench_rules.bpf.c | deps-checked
	$(call bpf_object,-DNFR_BPF_LOOP)
	$(bpf_strip)
