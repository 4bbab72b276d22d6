bench_src := $(wildcard bench/*.c)
