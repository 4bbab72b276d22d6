nfload_src := $(wildcard runtime/verb_*.c)
runtime_src := $(filter-out runtime/nfload.c runtime/nftrace.c runtime/embed.c $(nfload_src),$(wildcard runtime/*.c))
