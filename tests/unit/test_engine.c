/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_engine.c: what a load, a failed load and an unload leave behind, on
 * devices of a namespace of its own. Needs root; says so when it is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/clsact.h"
#include "runtime/engine.h"
#include "tests/agree/fixture.h"

#define BPFFS "/tmp/nfr-test-engine"
#define FLOOR_LINKS 6 /* three hooks, two families */
#define DIR BPFFS "/nfr"

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("%s: status %d", command, status);
}

struct bench {
	struct fixture fixture;
	struct image image;
	struct engine_error err;
	struct engine_report report;
};

static void bench_image(struct bench *b, bool default_is_pass)
{
	fixture_init(&b->fixture);
	fixture_iface(&b->fixture, "lo");
	b->fixture.ifaces[0].is_loopback = true;
	b->fixture.ifaces[0].is_skipped = true;
	fixture_iface(&b->fixture, "veth1");
	fixture_iface(&b->fixture, "tun1");
	b->fixture.ifaces[2].is_tunnel = true;
	fixture_image(&b->fixture, default_is_pass, &b->image);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	run("ip link add veth0 index 50 type veth peer name veth1 index 51; "
	    "ip link set veth0 up; ip link set veth1 up");
	bench_image(b, true);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	struct engine_error err;

	engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &err);
	engine_report_free(&b->report);
	fixture_free(&b->fixture);
	free(b);
	run("rm -rf " DIR "; for i in veth0 veth9 tun1; do "
	    "ip link del $i 2>/dev/null; done; true");
	return 0;
}

static void apply(struct bench *b, const struct engine_options *options)
{
	engine_report_free(&b->report);
	if (engine_apply(DIR, &b->image, options, &b->report, &b->err))
		fail_msg("%s\n%s", b->err.text, b->err.log);
}

static const struct engine_device *device(const struct engine_devices *devices,
					  const char *name)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (!strcmp(devices->items[i].name, name))
			return &devices->items[i];
	}
	fail_msg("no device %s", name);
	return NULL;
}

static void status(struct bench *b, struct engine_status *out)
{
	struct engine *engine = NULL;

	if (engine_open(DIR, &engine, &b->err) ||
	    engine_status(engine, out, &b->err))
		fail_msg("%s", b->err.text);
	engine_close(&engine);
}

static enum engine_posture posture(struct bench *b)
{
	struct engine_status s = {0};
	enum engine_posture found;

	status(b, &s);
	found = s.posture;
	engine_status_free(&s);
	return found;
}

static void a_load_guards_every_device(void **state)
{
	struct engine_options options = {.any_xdp = true};
	struct engine_status s = {0};
	struct bench *b = *state;

	apply(b, &options);
	assert_int_equal(b->report.generation, 1);
	assert_int_equal(b->report.previous, 0);
	status(b, &s);
	assert_int_equal(s.posture, ENGINE_POSTURE_GUARDED);
	assert_int_equal(s.generation, 1);
	assert_int_equal(device(&s.devices, "veth1")->ifid, 2);
	assert_int_equal(device(&s.devices, "veth0")->ifid, 0);
	assert_true(device(&s.devices, "lo")->is_skipped);
	assert_int_equal(device(&s.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_XDP_NATIVE);
	assert_int_equal(device(&s.devices, "veth1")->hook[1].mode,
			 ENGINE_MODE_TCX);
	assert_int_equal(device(&s.devices, "veth1")->hook[1].position, 0);
	engine_status_free(&s);
}

static void a_second_load_takes_the_other_slot(void **state)
{
	struct bench *b = *state;
	uint32_t slot;

	apply(b, NULL);
	slot = b->report.slot;
	apply(b, NULL);
	assert_int_equal(b->report.generation, 2);
	assert_int_equal(b->report.previous, 1);
	assert_int_not_equal(b->report.slot, slot);
	assert_false(device(&b->report.devices, "veth1")->hook[0].is_new);
	apply(b, NULL);
	assert_int_equal(b->report.generation, 3);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

/* XDP on one end takes them from the other one. */
static void a_veth_keeps_its_offloads(void **state)
{
	struct bench *b = *state;

	apply(b, NULL);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_TCX);
	run("! ip -d link show veth1 | grep -q xdp");
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static void every_mode_of_hook_can_be_used(void **state)
{
	struct engine_options options = {.no_native_xdp = true};
	struct bench *b = *state;

	apply(b, &options);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_XDP_GENERIC);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &b->err);
	options = (struct engine_options){.no_xdp = true};
	apply(b, &options);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_TCX);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &b->err);
	options = (struct engine_options){.no_xdp = true, .no_tcx = true};
	apply(b, &options);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[1].mode,
			 ENGINE_MODE_CLSACT);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	apply(b, NULL);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[1].mode,
			 ENGINE_MODE_CLSACT);
}

static void both_loops_verify(void **state)
{
	struct engine_options options = {.loop = ENGINE_LOOP_HELPER};
	struct bench *b = *state;
	struct engine_status s = {0};

	apply(b, &options);
	assert_int_equal(b->report.loop, ENGINE_LOOP_HELPER);
	status(b, &s);
	assert_int_equal(s.loop, ENGINE_LOOP_HELPER);
	engine_status_free(&s);
	options.loop = ENGINE_LOOP_MAY_GOTO;
	apply(b, &options);
	assert_int_equal(b->report.loop, ENGINE_LOOP_MAY_GOTO);
}

static void unload_open_leaves_nothing(void **state)
{
	struct bench *b = *state;
	struct engine *engine = NULL;
	size_t left = 9;
	struct stat st;

	apply(b, NULL);
	assert_int_equal(engine_open(DIR, &engine, &b->err), 0);
	assert_int_equal(
		engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, &left, &b->err), 0);
	assert_int_equal(left, 0);
	assert_int_equal(stat(DIR, &st), -1);
	run("! ip -d link show veth1 | grep -q xdp");
	assert_int_equal(
		engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, &left, &b->err),
		-ENOENT);
	assert_int_equal(engine_set_trace(engine, true, &b->err), -ENOENT);
	engine_close(&engine);
}

static void unload_blocked_keeps_the_hooks(void **state)
{
	struct bench *b = *state;
	size_t left = 0;

	apply(b, NULL);
	assert_int_equal(
		engine_unload(DIR, ENGINE_LEAVE_BLOCKED, NULL, &left, &b->err),
		0);
	assert_int_equal(left, 4 + FLOOR_LINKS);
	assert_int_equal(posture(b), ENGINE_POSTURE_BLOCKED);
	apply(b, NULL);
	/* Flows that the first policy passed are still there, by its number. */
	assert_int_equal(b->report.generation, 2);
	assert_false(device(&b->report.devices, "veth1")->hook[0].is_new);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static int foreign_map(const char *path)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "foreign", 4, 4, 1, NULL);

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	return fd;
}

static void refuse_foreign(struct bench *b, const char *path)
{
	int fd = foreign_map(path);
	struct stat st;

	assert_int_equal(
		engine_apply(DIR, &b->image, NULL, &b->report, &b->err),
		-EEXIST);
	assert_non_null(strstr(b->err.text, "already pinned by someone else"));
	assert_true(b->err.nothing_changed);
	assert_int_equal(stat(path, &st), 0);
	close(fd);
	unlink(path);
}

static void a_foreign_pin_is_left_alone(void **state)
{
	struct bench *b = *state;

	run("mkdir -p " DIR "/links " DIR "/gen1");
	refuse_foreign(b, DIR "/control");
	refuse_foreign(b, DIR "/stub_in");
	refuse_foreign(b, DIR "/gen1/code");
	refuse_foreign(b, DIR "/links/in-7");
	apply(b, NULL);
	refuse_foreign(b, DIR "/links/in-7");
	assert_int_equal(b->err.generation_in_force, 1);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

/* nfr_states was a hash once; its name is still ours. */
static void a_map_of_another_type_is_of_another_version(void **state)
{
	struct bench *b = *state;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "nfr_states", 4, 4, 1, NULL);

	assert_true(fd >= 0);
	apply(b, NULL);
	assert_int_equal(unlink(DIR "/states"), 0);
	assert_int_equal(bpf_obj_pin(fd, DIR "/states"), 0);
	assert_int_equal(
		engine_apply(DIR, &b->image, NULL, &b->report, &b->err),
		-EPROTO);
	assert_non_null(strstr(b->err.text, "of another version of nfr"));
	assert_true(b->err.nothing_changed);
	close(fd);
}

static void a_held_lock_is_waited_for(void **state)
{
	struct engine_options options = {.lock_wait_ms = 60};
	struct bench *b = *state;
	int fd;

	apply(b, NULL);
	fd = open(DIR, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(
		engine_apply(DIR, &b->image, &options, &b->report, &b->err),
		-EBUSY);
	assert_non_null(strstr(b->err.text, "process "));
	close(fd);
	apply(b, &options);
}

static void no_bpffs_is_said(void **state)
{
	struct bench *b = *state;

	assert_int_equal(
		engine_apply("/tmp", &b->image, NULL, &b->report, &b->err),
		-ENODEV);
	assert_non_null(strstr(b->err.hint, "mount -t bpf"));
	assert_int_equal(engine_apply("/nowhere/x", &b->image, NULL, &b->report,
				      &b->err),
			 -ENODEV);
	assert_int_equal(engine_apply(BPFFS "/a.b", &b->image, NULL, &b->report,
				      &b->err),
			 -EINVAL);
}

static void another_namespace_is_refused(void **state)
{
	struct bench *b = *state;
	struct engine *engine = NULL;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	apply(b, NULL);
	engine_report_free(&b->report);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(
		engine_apply(DIR, &b->image, NULL, &b->report, &b->err),
		-EXDEV);
	assert_int_equal(engine_open(DIR, &engine, &b->err), -EXDEV);
	assert_int_equal(
		engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &b->err),
		-EXDEV);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static void a_device_with_an_old_index_is_a_new_one(void **state)
{
	struct engine_status s = {0};
	struct bench *b = *state;

	apply(b, NULL);
	run("ip link del veth0; ip link add veth0 index 50 type veth "
	    "peer name veth1 index 51; ip link set veth0 up");
	status(b, &s);
	assert_int_equal(s.posture,
			 ENGINE_POSTURE_PARTLY); /* the floor is there */
	assert_int_equal(device(&s.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_NONE);
	engine_status_free(&s);
	apply(b, NULL);
	assert_true(device(&b->report.devices, "veth1")->hook[0].is_new);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static void a_recreated_tunnel_is_not_trusted(void **state)
{
	struct engine_status s = {0};
	struct bench *b = *state;
	char command[96];

	run("ip tuntap add tun1 mode tun");
	apply(b, NULL);
	assert_true(device(&b->report.devices, "tun1")->is_trusted);
	assert_int_equal(device(&b->report.devices, "tun1")->hook[0].mode,
			 ENGINE_MODE_TCX);
	snprintf(command, sizeof(command),
		 "ip link del tun1; ip link add tun1 index %u type veth peer "
		 "name veth9",
		 if_nametoindex("tun1"));
	run(command);
	status(b, &s);
	assert_false(device(&s.devices, "tun1")->is_trusted);
	assert_int_equal(s.posture, ENGINE_POSTURE_PARTLY);
	engine_status_free(&s);
}

static void xdp_of_others_stays(void **state)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = 4 /* native */);
	struct engine_options options = {.any_xdp = true};
	struct bench *b = *state;
	int prog, link;

	prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, NULL);
	link = bpf_link_create(prog, 51, BPF_XDP, &opts);
	assert_true(link >= 0);
	apply(b, &options);
	assert_int_equal(device(&b->report.devices, "veth1")->hook[0].mode,
			 ENGINE_MODE_TCX);
	assert_int_equal(device(&b->report.devices, "veth0")->hook[0].mode,
			 ENGINE_MODE_XDP_NATIVE);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	close(link);
	close(prog);
}

static void a_program_in_front_is_told(void **state)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = 1u << 3);
	struct bench *b = *state;
	int prog, link;

	apply(b, NULL);
	prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other", "GPL", insns, 2,
			     NULL);
	link = bpf_link_create(prog, 51, (enum bpf_attach_type)47, &opts);
	assert_true(link >= 0);
	assert_int_equal(posture(b), ENGINE_POSTURE_PARTLY);
	close(link);
	close(prog);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static int pass_program(void)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other", "GPL", insns,
				 2, NULL);

	assert_true(prog >= 0);
	return prog;
}

/* Someone's filter in the place that clsact hooks take. */
static void take_clsact(const char *name)
{
	int prog = pass_program();

	assert_int_equal(clsact_attach(if_nametoindex(name), NFR_DIR_OUT, prog),
			 0);
	close(prog);
}

static void a_program_before_clsact_is_told(void **state)
{
	struct engine_options options = {.no_xdp = true, .no_tcx = true};
	LIBBPF_OPTS(bpf_link_create_opts, link_opts, .flags = 1u << 3);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 51,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, first, .handle = 2, .priority = 1);
	LIBBPF_OPTS(bpf_tc_opts, last, .handle = 1, .priority = 2);
	struct bench *b = *state;
	int prog = pass_program(), link;

	first.prog_fd = last.prog_fd = prog;
	apply(b, &options);
	assert_int_equal(bpf_tc_attach(&hook, &last), 0);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	assert_int_equal(bpf_tc_attach(&hook, &first), 0);
	assert_int_equal(posture(b), ENGINE_POSTURE_PARTLY);
	first.prog_fd = 0;
	first.prog_id = first.flags = 0;
	assert_int_equal(bpf_tc_detach(&hook, &first), 0);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
	link = bpf_link_create(prog, 51, (enum bpf_attach_type)47, &link_opts);
	if (link >= 0)
		assert_int_equal(posture(b), ENGINE_POSTURE_PARTLY);
	close(link);
	close(prog);
}

static void a_failed_first_load_takes_back_its_hooks(void **state)
{
	struct engine_options options = {.no_xdp = true, .no_tcx = true};
	struct bench *b = *state;
	struct stat st;

	take_clsact("veth1");
	assert_int_equal(
		engine_apply(DIR, &b->image, &options, &b->report, &b->err),
		-EEXIST);
	assert_non_null(strstr(b->err.text, "attach to veth1 out"));
	assert_true(b->err.nothing_changed);
	assert_int_equal(stat(DIR, &st), -1);
	run("! tc filter show dev veth0 ingress | grep -q nfr_stub");
}

static void a_failed_reload_takes_back_its_hooks_only(void **state)
{
	struct engine_options options = {.no_xdp = true, .no_tcx = true};
	struct engine_status s = {0};
	struct bench *b = *state;

	apply(b, NULL);
	engine_report_free(&b->report);
	run("ip link add veth8 type veth peer name veth9");
	take_clsact("veth8");
	assert_int_equal(
		engine_apply(DIR, &b->image, &options, &b->report, &b->err),
		-EEXIST);
	assert_int_equal(b->err.generation_in_force, 1);
	status(b, &s);
	assert_int_equal(s.generation, 1);
	assert_int_equal(s.other, 0);
	assert_int_equal(device(&s.devices, "veth9")->hook[0].mode,
			 ENGINE_MODE_NONE);
	assert_int_equal(device(&s.devices, "veth1")->hook[1].mode,
			 ENGINE_MODE_TCX);
	engine_status_free(&s);
	apply(b, NULL);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static void a_renamed_device_is_told(void **state)
{
	struct engine_status s = {0};
	struct bench *b = *state;

	apply(b, NULL);
	run("ip link set veth1 down; ip link set veth1 name veth9");
	status(b, &s);
	assert_non_null(strstr(s.notes[0], "veth9 was renamed"));
	engine_status_free(&s);
	run("ip link set veth9 name veth1");
}

static void a_probe_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct stat st;

	assert_int_equal(engine_probe(DIR, &b->err), 0);
	assert_int_equal(stat(DIR, &st), -1);
	assert_int_equal(engine_probe("/tmp", &b->err), -ENODEV);
}

static void a_damaged_directory_can_be_emptied(void **state)
{
	struct bench *b = *state;
	struct stat st;

	apply(b, NULL);
	run("rm " DIR "/states");
	assert_int_equal(
		engine_apply(DIR, &b->image, NULL, &b->report, &b->err),
		-EPROTO);
	assert_int_equal(
		engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &b->err), 0);
	assert_int_equal(stat(DIR, &st), -1);
}

static void the_residue_of_a_killed_first_load_is_swept(void **state)
{
	struct bench *b = *state;

	apply(b, NULL);
	run("rm " DIR "/links/* " DIR "/control " DIR "/gen0/code 2>/dev/null;"
	    "true");
	apply(b, NULL);
	assert_int_equal(b->report.generation, 1);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static const struct engine_path *path(const struct engine_status *s,
				      const char *name)
{
	for (size_t i = 0; i < s->path_count; i++)
		if (!strcmp(s->paths[i].name, name))
			return &s->paths[i];
	return NULL;
}

static void a_floor_that_lost_a_link_is_told(void **state)
{
	struct engine_status s = {0};
	struct bench *b = *state;

	apply(b, NULL);
	status(b, &s);
	assert_string_equal(path(&s, "IPv6 forward")->mode, "netfilter");
	assert_true(path(&s, "IPv6 forward")->is_guarded);
	engine_status_free(&s);
	run("rm " DIR "/floor/forward6");
	status(b, &s);
	assert_int_equal(s.posture, ENGINE_POSTURE_PARTLY);
	assert_false(path(&s, "IPv6 forward")->is_guarded);
	assert_true(path(&s, "IPv6 output")->is_guarded);
	engine_status_free(&s);
	apply(b, NULL);
	assert_int_equal(posture(b), ENGINE_POSTURE_GUARDED);
}

static void the_floor_falls_back_to_the_root_cgroup(void **state)
{
	struct engine_options options = {.no_netfilter = true};
	struct engine_status s = {0};
	struct bench *b = *state;
	const char *why;

	apply(b, &options);
	status(b, &s);
	assert_int_equal(s.posture, ENGINE_POSTURE_GUARDED);
	assert_string_equal(path(&s, "root cgroup egress")->mode, "cgroup");
	why = path(&s, "root cgroup egress")->why;
	assert_true(why && strstr(why, "forwarded"));
	engine_status_free(&s);
}

static void a_floor_of_another_load_is_refused(void **state)
{
	struct bench *b = *state;

	apply(b, NULL);
	run("rm -r " DIR "/floor/slots; bpftool map create " DIR
	    "/floor/slots type prog_array key 4 value 4 entries 2 "
	    "name nfr_slots_floor");
	assert_int_equal(
		engine_apply(DIR, &b->image, NULL, &b->report, &b->err),
		-EPROTO);
	assert_non_null(strstr(b->err.text, "floor"));
}

static void the_image_is_read_back_whole(void **state)
{
	struct nfr_count counts[8], reasons[2][NFR_REASON_COUNT];
	const struct image *image = NULL, *old = NULL;
	struct bench *b = *state;
	struct engine *engine = NULL;

	apply(b, NULL);
	assert_int_equal(engine_open(DIR, &engine, &b->err), 0);
	assert_int_equal(engine_image(engine, 0, &image, &b->err), 0);
	assert_int_equal(image->len, b->image.len);
	assert_memory_equal(image->bytes, b->image.bytes, image->len);
	assert_int_equal(engine_rule_counts(engine, 0, counts,
					    image->rule_count, &b->err),
			 0);
	assert_int_equal(engine_reasons(engine, reasons, &b->err), 0);
	assert_true(engine_events_fd(engine) >= 0);
	assert_string_equal(engine_ifname(engine, 51), "veth1");
	assert_string_equal(engine_ifname(engine, 999), "if999");
	apply(b, NULL);
	assert_int_equal(engine_image(engine, 1, &old, &b->err), 0);
	assert_ptr_equal(old, image);
	apply(b, NULL);
	assert_int_equal(engine_rule_counts(engine, 1, counts,
					    image->rule_count, &b->err),
			 -ENOENT);
	engine_close(&engine);
}

/* The maps that programs read are filled again by a reload; these are not. */
static void what_is_told_of_a_generation_can_not_be_edited(void **state)
{
	static const char *const frozen[] = {"image", "about"};
	struct bench *b = *state;
	uint32_t zero = 0;
	char path[64];

	apply(b, NULL);
	for (size_t i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++) {
		struct bpf_map_info info = {0};
		uint32_t len = sizeof(info);
		void *value;
		int fd;

		snprintf(path, sizeof(path), DIR "/gen%u/%s", b->report.slot,
			 frozen[i]);
		fd = bpf_obj_get(path);
		assert_true(fd >= 0);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
		value = calloc(1, info.value_size);
		assert_non_null(value);
		assert_int_equal(bpf_map_lookup_elem(fd, &zero, value), 0);
		assert_int_not_equal(bpf_map_update_elem(fd, &zero, value, 0),
				     0);
		assert_int_equal(errno, EPERM);
		free(value);
		close(fd);
	}
}

/* A /tmp of its own: this test runs twice at once, in two builds. */
static int group_setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmp", "/tmp", "tmpfs", 0, NULL) || mkdir(BPFFS, 0700) ||
	    mount("bpf", BPFFS, "bpf", 0, NULL))
		return -1;
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	umount(BPFFS);
	rmdir(BPFFS);
	return 0;
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_load_guards_every_device),
		FACT(a_second_load_takes_the_other_slot),
		FACT(a_veth_keeps_its_offloads),
		FACT(every_mode_of_hook_can_be_used),
		FACT(both_loops_verify),
		FACT(unload_open_leaves_nothing),
		FACT(unload_blocked_keeps_the_hooks),
		FACT(a_foreign_pin_is_left_alone),
		FACT(a_map_of_another_type_is_of_another_version),
		FACT(a_held_lock_is_waited_for),
		FACT(no_bpffs_is_said),
		FACT(another_namespace_is_refused),
		FACT(a_device_with_an_old_index_is_a_new_one),
		FACT(a_recreated_tunnel_is_not_trusted),
		FACT(xdp_of_others_stays),
		FACT(a_program_in_front_is_told),
		FACT(a_program_before_clsact_is_told),
		FACT(a_failed_first_load_takes_back_its_hooks),
		FACT(a_failed_reload_takes_back_its_hooks_only),
		FACT(a_renamed_device_is_told),
		FACT(a_probe_changes_nothing),
		FACT(a_damaged_directory_can_be_emptied),
		FACT(the_residue_of_a_killed_first_load_is_swept),
		FACT(a_floor_that_lost_a_link_is_told),
		FACT(the_floor_falls_back_to_the_root_cgroup),
		FACT(a_floor_of_another_load_is_refused),
		FACT(the_image_is_read_back_whole),
		FACT(what_is_told_of_a_generation_can_not_be_edited),
	};

	if (geteuid()) {
		printf("SKIP test_engine: needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
