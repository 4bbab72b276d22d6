# SPDX-License-Identifier: BSD-2-Clause
# nfr: one readable Makefile, one fragment a folder that lists its files.
# Everything generated goes to build/: build/rel (the tools), build/san (ASan
# and UBSan), build/clang (the other compiler), build/bpf, build/gen.

PREFIX ?= /usr/local
DESTDIR ?=
CC := gcc
CLANG ?= clang
FLEX ?= flex
BISON ?= bison
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

VERSION := 0.1.0
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wpointer-arith
CFLAGS ?= -O2 -g
BASE := -std=c11 -D_GNU_SOURCE -DNFR_VERSION='"$(VERSION)"' -I. -Ibuild/gen -iquote compiler $(WARN)
LIBS := -lbpf -lelf -lz -lpcap -ljansson -lmnl -lmd
# Not :=, as gcc may be what "make deps" installs first.
MULTIARCH = $(shell gcc -print-multiarch)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

include compiler/files.mk
include runtime/files.mk
include kmod-linux/files.mk
include bench/files.mk
include tests/files.mk
include docs/files.mk
include packaging/files.mk

LIB_SRC := $(compiler_src) $(runtime_src) $(bench_lib_src)
GEN_SRC := build/gen/parse.tab.c build/gen/scan.c
TOOLS := nfload nftrace nfbench

# A variant is a folder of objects made by one compiler with one set of flags.
# $(1) name, $(2) compiler, $(3) flags
define variant
$(1)_obj := $$(LIB_SRC:%.c=build/$(1)/%.o) $$(GEN_SRC:build/gen/%.c=build/$(1)/gen/%.o) build/$(1)/runtime/embed.o
$(1)_tools := $$(TOOLS:%=build/$(1)/bin/%)
$(1)_tests := $$(test_src:%.c=build/$(1)/%)
build/$(1)/%.o: %.c | build/gen/parse.tab.h deps-checked
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(BASE) $(3) -MMD -MP -c -o $$@ $$<
build/$(1)/gen/%.o: build/gen/%.c | build/gen/parse.tab.h
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $$(BASE) $(3) -Icompiler -Wno-unused-function -Wno-sign-compare -MMD -MP -c -o $$@ $$<
build/$(1)/runtime/embed.o: $$(bpf_obj)
build/$(1)/libnfr.a: $$($(1)_obj)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@; ar rcs $$@ $$^
build/$(1)/bin/nfload: build/$(1)/runtime/nfload.o $$(nfload_src:%.c=build/$(1)/%.o) build/$(1)/libnfr.a
build/$(1)/bin/nftrace: build/$(1)/runtime/nftrace.o build/$(1)/libnfr.a
build/$(1)/bin/nfbench: $$(bench_src:%.c=build/$(1)/%.o) build/$(1)/libnfr.a
build/$(1)/bin/%:
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) $(3) -o $$@ $$^ $$(LIBS)
build/$(1)/tests/%: build/$(1)/tests/%.o $$(test_lib_src:%.c=build/$(1)/%.o) build/$(1)/libnfr.a
	$$(call say,LD,$$@)
	$$(Q)$(2) $(3) -o $$@ $$^ -lcmocka $$(LIBS)
-include $$($(1)_obj:.o=.d) $$(wildcard build/$(1)/*/*.d build/$(1)/*/*/*.d)
endef

SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
$(eval $(call variant,rel,$(CC),$(CFLAGS)))
$(eval $(call variant,san,$(CC),$(SAN)))
$(eval $(call variant,clang,$(CLANG),$(CFLAGS)))
include tests/fuzz/fuzz.mk

.PHONY: help all check nightly demo leak vm docs-leaks install uninstall clean lint deps deps-checked \
	gcc-build clang-build san-build
help:
	@echo 'nfr: a packet filter whose split tunnels do not leak'
	@echo
	@sed -n 's/^#: //p' Makefile tests/fuzz/fuzz.mk

#: make demo       install what is missing, build, show a tunnel that does not leak (root)
demo: deps all
	$(Q)tests/net/demo.sh

#: make check      install what is missing, build, run all tests (the rest when root)
check: deps all clang-build san-build
	$(Q)tests/run.sh

#: make nightly    millions of comparisons of model and engines, half an hour (root)
nightly: deps all san-build
	$(Q)tests/nightly.sh

#: make all        build the tools into build/rel/bin
all: deps-checked $(rel_tools)
clang-build: $(clang_tools)
san-build: $(san_tools) $(san_tests) $(rel_tests)

#: make vm         boot Debian's kernels 6.1 and 6.12, load and try a policy (root)
vm: deps all
	$(Q)tests/run.sh vm/linux

#: make leak       every way out in every guard, and 300 reloads under flood (root)
leak: deps all
	$(Q)tests/leak/run.sh >build/leak.log || { tail build/leak.log; exit 1; }
	$(Q)tests/leak/table.py build/leak
	$(Q)tests/leak/reload_gate.sh

#: make docs-leaks put what "make leak" measured into docs/leaks-table.md
docs-leaks:
	$(Q)tests/leak/docs.sh

#: make deps       install Debian packages that are missing (asks nothing)
deps:
	$(Q)tests/deps.sh

# Fails early with the one command that helps, rather than late with a missing header.
deps-checked:
	$(Q)tests/deps.sh --check

# One grammar in several files; messages name the one they are about.
build/gen/parse.y: $(grammar_src)
	$(Q)mkdir -p $(@D)
	$(Q)awk 'FNR == 1 { printf "#line 1 \"%s\"\n", FILENAME } 1' $^ >$@
build/gen/parse.tab.c: build/gen/parse.y
	$(call say,BISON,$@)
	$(Q)$(BISON) -Werror -o $@ --defines=build/gen/parse.tab.h $<
build/gen/parse.tab.h: build/gen/parse.tab.c
build/gen/scan.c: compiler/scan.l build/gen/parse.tab.h
	$(call say,FLEX,$@)
	$(Q)$(FLEX) -o $@ $<

# The eBPF objects. Clang 14 is enough.
BPF_CFLAGS = -O2 -g -Wall -Wextra -Werror -target bpf -mcpu=v3 -I. -I/usr/include/$(MULTIARCH)
define bpf_object
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(1) -MMD -MP -c -o $@ $<
endef
include kmod-linux/rules.mk
-include $(wildcard build/bpf/*.d)

#: make install    install into $(DESTDIR)$(PREFIX)
install: all $(systemd_units)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/nfr \
		$(vim_files:docs/vim/%/nfr.vim=$(DESTDIR)$(PREFIX)/share/nfr/vim/%) \
		$(DESTDIR)$(PREFIX)/$(unit_dir) \
		$(dir $(DESTDIR)$(PREFIX)/$(bash_completion))
	install -m755 $(rel_tools) $(DESTDIR)$(PREFIX)/sbin
	install -m644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m644 docs/man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m644 rules/*.nfr $(DESTDIR)$(PREFIX)/share/nfr
	for f in $(vim_files:docs/vim/%=%); do \
		install -m644 docs/vim/$$f $(DESTDIR)$(PREFIX)/share/nfr/vim/$$f || exit; \
	done
	install -m644 $(systemd_units) $(DESTDIR)$(PREFIX)/$(unit_dir)
	build/rel/bin/nfload completion bash >$(DESTDIR)$(PREFIX)/$(bash_completion)

#: make uninstall  remove what install put there
uninstall:
	rm -f $(TOOLS:%=$(DESTDIR)$(PREFIX)/sbin/%)
	rm -f $(patsubst docs/man/%,$(DESTDIR)$(PREFIX)/share/man/man8/%,$(wildcard docs/man/*.8))
	rm -f $(patsubst docs/man/%,$(DESTDIR)$(PREFIX)/share/man/man5/%,$(wildcard docs/man/*.5))
	rm -f $(DESTDIR)$(PREFIX)/$(bash_completion)
	rm -f $(patsubst build/gen/%,$(DESTDIR)$(PREFIX)/$(unit_dir)/%,$(systemd_units))
	rm -rf $(DESTDIR)$(PREFIX)/share/nfr

#: make lint       clang-tidy, cppcheck, mandoc, shellcheck
lint: deps all
	$(Q)tests/lint.sh

#: make clean      remove build/
clean:
	rm -rf build
