# SPDX-License-Identifier: BSD-2-Clause
# fuzz.mk: the targets, once with libFuzzer (build/fuzz), once with replay.c for
# "make check" (build/san/tests/fuzz).
#: make fuzz       fuzz each target for FUZZ_SECONDS=600; crashes in build/fuzz/crashes
fuzz_targets := policy image packet
fuzz_replays := $(fuzz_targets:%=build/san/tests/fuzz/replay_%)
fuzz_parts := tests/fuzz/fuzz.o tests/fuzz/frame_oracle.o tests/agree/reference_vm.o \
	tests/agree/random.o libnfr.a
FUZZ_SECONDS ?= 600
# Files are out of reach: fuzz.c.
FUZZ_LINK := -Wl,--wrap=sources_read
FUZZ := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
$(eval $(call variant,fuzz,$(CLANG),$(FUZZ)))

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(fuzz_parts:%=build/fuzz/%)
	$(call say,LD,$@)
	$(Q)$(CLANG) $(FUZZ) -fsanitize=fuzzer $(FUZZ_LINK) -o $@ $^ $(LIBS)
build/san/tests/fuzz/replay_%: build/san/tests/fuzz/fuzz_%.o build/san/tests/fuzz/replay.o \
		$(fuzz_parts:%=build/san/%)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) $(FUZZ_LINK) -o $@ $^ $(LIBS)
build/san/tests/fuzz/seeds: build/san/tests/fuzz/seeds.o $(test_lib_src:%.c=build/san/%.o) \
		build/san/libnfr.a
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@ $^ $(LIBS)

# Every word of the language, and what words are put together with.
build/fuzz/keywords.dict: compiler/keywords.def runtime/timeouts.def
	$(Q)mkdir -p $(@D)
	$(Q)sed -nE 's/^NFR_(KEYWORD|TIMEOUT)\(.*("[^"]+").*/\2/p' $^ | sort -u >$@
	$(Q)printf '"%s"\n' '{ ' ' }' ' ! ' '\\\\\x0a' '$$x' 'x = ' '<t>' '><' '<>' '!=' '>=' ' - ' \
		'(eth0)' '(eth0:network)' ':0' '->' '10.0.0.1' '10.0.0.0/8' 'fe80::1%eth0' \
		'2001:db8::/32' 'eth0' 'wg0' 'tcp' 'udp' 'icmp' 'icmp6' 'echoreq' 'self' 'egress' '/tmp/*' '\x22' >>$@

.PHONY: fuzz $(fuzz_targets:%=fuzz-%)
fuzz: $(fuzz_targets:%=fuzz-%)
$(fuzz_targets:%=fuzz-%): fuzz-%: build/fuzz/fuzz_% build/fuzz/keywords.dict \
		build/san/tests/fuzz/seeds build/rel/bin/nfload
	$(Q)tests/fuzz/corpus.bash $* build/fuzz/corpus/$*
	$(Q)mkdir -p build/fuzz/crashes
	$(Q)nice build/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 \
		-max_len=8192 -dict=build/fuzz/keywords.dict -print_final_stats=1 \
		-artifact_prefix=build/fuzz/crashes/$*- build/fuzz/corpus/$*

san-build: $(fuzz_replays) build/san/tests/fuzz/seeds
