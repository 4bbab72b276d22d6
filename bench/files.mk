# Linked to nfbench only.
bench_src := bench/bare.c bench/burst.c bench/cases.c bench/clock.c bench/compare.c bench/contract.c bench/craft.c bench/dpdk.c bench/filters.c bench/filters_text.c bench/flow.c bench/gnuplot.c bench/inject.c bench/iperf.c bench/lab.c bench/line.c bench/machine.c bench/measure.c \
	bench/nfbench.c bench/path.c bench/peers.c bench/peers_text.c bench/plot.c bench/record.c bench/rules.c bench/run.c bench/run_rules.c bench/run_sets.c bench/run_trace.c bench/series.c bench/settings.c bench/sink.c bench/state.c \
	bench/state_veth.c bench/stream.c bench/table.c bench/throughput.c bench/tracer.c bench/workload.c bench/worst.c
# In the library: nfload prints the completion of all tools.
bench_lib_src := bench/option_table.c
