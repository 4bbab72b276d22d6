# Linked to nfload only.
nfload_src := runtime/verb_apply.c runtime/verb_check.c runtime/verb_contract.c runtime/verb_convert.c \
	runtime/verb_devices.c runtime/verb_dump.c runtime/verb_filter.c \
	runtime/verb_force.c runtime/verb_help.c runtime/verb_input.c \
	runtime/verb_localise.c runtime/verb_report.c runtime/verb_show.c \
	runtime/verb_states.c runtime/verb_status.c runtime/verb_table.c runtime/verb_table_counts.c runtime/verb_tables.c
# The library; embed.c is built after the eBPF objects it holds.
runtime_src := runtime/bpflog.c runtime/cgroup.c runtime/cgroup_tree.c runtime/connect.c runtime/clsact.c runtime/config.c runtime/datapath_user.c \
	runtime/engine_added.c runtime/engine_bpf.c runtime/engine_error.c runtime/engine_names.c runtime/engine_pcap.c \
	runtime/engine_read.c runtime/engine_states.c runtime/engine_status.c runtime/engine_waits.c runtime/engine_unload.c \
	runtime/event.c runtime/event_packet.c runtime/floor.c runtime/generation.c \
	runtime/generation_code.c runtime/generation_load.c runtime/generation_reuse.c runtime/hash_map.c runtime/hashmap.c runtime/hole_fill.c runtime/hooks.c runtime/hooks_attach.c runtime/hooks_floor.c runtime/hooks_links.c runtime/hooks_socket.c \
	runtime/json.c runtime/meter.c runtime/links.c runtime/localnet.c runtime/native.c runtime/native_code.c runtime/native_load.c runtime/netfilter.c runtime/netlink.c runtime/netpoll.c runtime/object.c runtime/option.c runtime/option_help.c \
	runtime/option_tables.c runtime/pins.c runtime/pins_object.c runtime/poolset.c runtime/program.c \
	runtime/rodata.c runtime/shared.c runtime/steer.c runtime/steer_routes.c runtime/steer_rules.c runtime/socket_diag.c runtime/state_filter.c runtime/state_view.c runtime/statemap.c runtime/table_build.c runtime/table_map.c runtime/tableset.c runtime/tcx.c runtime/term.c
# What follows devices, and goes back.
nfload_src += runtime/notify.c runtime/resolvers.c runtime/verb_history.c runtime/verb_portal.c runtime/verb_trial.c runtime/verb_watch.c
runtime_src += runtime/binding.c runtime/engine_gate.c runtime/gate.c runtime/queues.c runtime/gate_write.c runtime/engine_tend.c runtime/engine_trial.c \
	runtime/history.c runtime/rewriters.c runtime/peers.c runtime/presence.c runtime/rebind.c runtime/ticket.c
