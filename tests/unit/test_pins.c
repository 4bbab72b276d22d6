/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pins.c: names and sizes of pins, paths, and what is refused; on a bpffs
 * of its own when root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/links.h"
#include "runtime/pins.h"

#define BPFFS "/tmp/nfr-test-pins"

static void check_specs(const struct pin_spec *specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_non_null(specs[i].pin);
		assert_null(strchr(specs[i].pin, '.'));
		assert_true(strlen(specs[i].name) < BPF_OBJ_NAME_LEN);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(specs[i].pin, specs[j].pin);
			assert_string_not_equal(specs[i].name, specs[j].name);
		}
	}
}

static void pins_have_names_that_a_bpffs_takes(void **state)
{
	(void)state;
	check_specs(pins_shared, PIN_SHARED_COUNT);
	check_specs(pins_generation, PIN_GENERATION_COUNT);
}

static void a_path_has_one_slash_a_step(void **state)
{
	struct pins pins = {.dir = "/b/nfr"};
	char path[PATH_MAX];

	(void)state;
	pins_path(&pins, "", "control", path);
	assert_string_equal(path, "/b/nfr/control");
	pins_path(&pins, pins_slot_dir(1), "code", path);
	assert_string_equal(path, "/b/nfr/gen1/code");
	pins_path(&pins, PINS_LINKS, "", path);
	assert_string_equal(path, "/b/nfr/links");
}

static void the_namespace_has_a_cookie(void **state)
{
	uint64_t cookie = 0;
	uint32_t inode = 0;

	(void)state;
	assert_int_equal(pins_netns(&cookie, &inode), 0);
	assert_true(cookie != 0 && inode != 0);
}

static void a_plain_directory_is_refused(void **state)
{
	struct engine_error err = {0};
	struct pins *pins = NULL;

	(void)state;
	assert_int_equal(pins_open("/tmp", true, &pins, &err), -ENODEV);
	assert_non_null(strstr(err.text, "/tmp is not on a mounted bpffs"));
	assert_int_equal(pins_open("", true, &pins, &err), -EINVAL);
	assert_null(pins);
}

static void loopback_is_listed_as_ethernet(void **state)
{
	struct engine_devices devices = {0};

	(void)state;
	assert_int_equal(links_list(&devices), 0);
	assert_true(devices.count >= 1);
	assert_string_equal(devices.items[0].name, "lo");
	assert_true(devices.items[0].flags & IFF_LOOPBACK);
	assert_int_equal(devices.items[0].link, NFR_LINK_ETHER);
	assert_null(links_find(&devices, 1u << 30));
	engine_devices_free(&devices);
}

static void an_unknown_link_type_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(links_type(ARPHRD_NONE), NFR_LINK_RAW);
	assert_int_equal(links_type(ARPHRD_PPP), NFR_LINK_RAW);
	assert_int_equal(links_type(ARPHRD_ETHER), NFR_LINK_ETHER);
	assert_int_equal(links_type(ARPHRD_SIT), NFR_LINK_UNKNOWN);
}

static struct pins *open_pins(const char *dir)
{
	struct engine_error err = {0};
	struct pins *pins = NULL;

	if (pins_open(dir, true, &pins, &err))
		fail_msg("%s", err.text);
	return pins;
}

static void an_empty_new_directory_is_removed_under_the_lock(void **state)
{
	struct pins *first = open_pins(BPFFS "/nfr");
	struct engine_error err;
	struct pins *second;
	struct stat st;

	(void)state;
	second = open_pins(BPFFS "/nfr");
	assert_int_equal(pins_lock(second, 0, &err), 0);
	assert_int_equal(pins_lock(first, 30, &err), -EBUSY);
	pins_close(&first);
	assert_int_equal(stat(BPFFS "/nfr", &st), 0);
	pins_close(&second);
	first = open_pins(BPFFS "/nfr");
	first->is_new = true;
	assert_int_equal(pins_lock(first, 0, &err), 0);
	pins_close(&first);
	assert_int_equal(stat(BPFFS "/nfr", &st), -1);
}

static void a_directory_removed_while_we_waited_is_made_again(void **state)
{
	struct pins *pins = open_pins(BPFFS "/nfr");
	struct engine_error err;
	struct stat st;

	(void)state;
	assert_int_equal(rmdir(BPFFS "/nfr"), 0);
	assert_int_equal(pins_lock(pins, 0, &err), 0);
	assert_int_equal(stat(BPFFS "/nfr", &st), 0);
	pins_close(&pins);
}

static void the_mount_point_itself_will_do(void **state)
{
	struct pins *pins = open_pins(BPFFS "/");

	(void)state;
	assert_string_equal(pins->dir, BPFFS);
	pins_close(&pins);
}

static void put_map(const struct pins *pins, const char *pin, const char *name,
		    uint32_t value_size)
{
	struct engine_error err;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, value_size, 1,
				NULL);

	assert_true(fd >= 0);
	assert_int_equal(pins_put(pins, "", pin, fd, &err), 0);
	close(fd);
}

static void a_pin_is_judged_before_it_is_used(void **state)
{
	const struct pin_spec *control = &pins_shared[PIN_CONTROL];
	struct pins *pins = open_pins(BPFFS "/nfr");
	struct engine_error err;
	int fd;

	(void)state;
	assert_int_equal(pins_get(pins, "", control, &err), -ENOENT);
	put_map(pins, "control", "nfr_other", sizeof(struct nfr_control));
	assert_int_equal(pins_get(pins, "", control, &err), -EEXIST);
	assert_int_equal(pins_remove(pins, "", control, &err), -EEXIST);
	unlink(BPFFS "/nfr/control");
	put_map(pins, "control", "nfr_control", 8);
	assert_int_equal(pins_get(pins, "", control, &err), -EPROTO);
	assert_int_equal(pins_remove(pins, "", control, &err), 0);
	put_map(pins, "control", "nfr_control", sizeof(struct nfr_control));
	fd = pins_get(pins, "", control, &err);
	assert_true(fd >= 0);
	assert_int_equal(pins_kind(fd), 'm');
	assert_int_equal(pins_put(pins, "", "control", fd, &err), -EEXIST);
	close(fd);
	assert_int_equal(pins_remove(pins, "", control, &err), 0);
	assert_int_equal(mkdir(BPFFS "/nfr/control", 0700), 0);
	assert_int_equal(pins_get(pins, "", control, &err), -EEXIST);
	rmdir(BPFFS "/nfr/control");
	rmdir(BPFFS "/nfr");
	pins_close(&pins);
}

/* A /tmp of its own: this test runs twice at once, in two builds. */
static int group_setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) ||
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

int main(void)
{
	const struct CMUnitTest plain[] = {
		cmocka_unit_test(pins_have_names_that_a_bpffs_takes),
		cmocka_unit_test(a_path_has_one_slash_a_step),
		cmocka_unit_test(the_namespace_has_a_cookie),
		cmocka_unit_test(a_plain_directory_is_refused),
		cmocka_unit_test(loopback_is_listed_as_ethernet),
		cmocka_unit_test(an_unknown_link_type_is_unknown),
	};
	const struct CMUnitTest root[] = {
		cmocka_unit_test(
			an_empty_new_directory_is_removed_under_the_lock),
		cmocka_unit_test(
			a_directory_removed_while_we_waited_is_made_again),
		cmocka_unit_test(the_mount_point_itself_will_do),
		cmocka_unit_test(a_pin_is_judged_before_it_is_used),
	};
	int failed = cmocka_run_group_tests(plain, NULL, NULL);

	if (geteuid()) {
		printf("SKIP test_pins on a bpffs: needs root\n");
		return failed;
	}
	return failed +
	       cmocka_run_group_tests(root, group_setup, group_teardown);
}
