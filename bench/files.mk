bench_src := bench/measure.c bench/nfbench.c bench/workload.c
