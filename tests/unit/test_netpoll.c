/* SPDX-License-Identifier: BSD-2-Clause */
/* test_netpoll.c: directories as netconsole and pktgen have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/netpoll.h"

static struct engine_device items[] = {{.name = "lo"}, {.name = "eth0"}};
static const struct engine_devices devices = {items, 2};

/* A directory of its own, emptied and removed by the test's end. */
struct place {
	char dir[32], consoles[64], pktgen[64];
};

static void place_write(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void place_console(const struct place *p, const char *name,
			  const char *enabled, const char *device)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/%s", p->consoles, name);
	assert_int_equal(mkdir(dir, 0700), 0);
	place_write(dir, "enabled", enabled);
	place_write(dir, "dev_name", device);
	place_write(dir, "remote_ip", "203.0.113.9\n");
}

static int place_new(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	*state = p;
	if (!p)
		return 1;
	strcpy(p->dir, "/tmp/nfr-netpoll.XXXXXX");
	if (!mkdtemp(p->dir)) {
		free(p);
		return 1;
	}
	snprintf(p->consoles, sizeof(p->consoles), "%s/netconsole", p->dir);
	snprintf(p->pktgen, sizeof(p->pktgen), "%s/pktgen", p->dir);
	return mkdir(p->consoles, 0700) || mkdir(p->pktgen, 0700);
}

static int place_free(void **state)
{
	struct place *p = *state;
	char command[64];
	int ret;

	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	ret = system(command);
	free(p);
	return ret;
}

static size_t look(const struct place *p, struct engine_path out[2])
{
	return netpoll_look(p->consoles, p->pktgen, &devices, out);
}

static void nothing_is_set_up(void **state)
{
	struct engine_path out[2];

	place_console(*state, "off", "0\n", "eth0\n");
	place_console(*state, "elsewhere", "1\n", "eth9\n");
	place_write(((struct place *)*state)->pktgen, "pgctrl", "");
	place_write(((struct place *)*state)->pktgen, "kpktgend_0", "");
	assert_int_equal(look(*state, out), 0);
	assert_int_equal(
		netpoll_look("/nonexistent", "/nonexistent", &devices, out), 0);
}

static void a_console_is_told(void **state)
{
	struct engine_path out[2];

	place_console(*state, "off", "0\n", "eth0\n");
	place_console(*state, "on", "1\n", "eth0\n");
	assert_int_equal(look(*state, out), 1);
	assert_string_equal(out[0].name, "netconsole");
	assert_false(out[0].is_guarded);
	assert_false(out[0].is_advice);
	assert_string_equal(out[0].why,
			    "the kernel's log leaves by eth0 to 203.0.113.9, "
			    "past every hook");
}

static void a_generator_is_told(void **state)
{
	struct engine_path out[2];

	place_console(*state, "on", "Y\n", "eth0\n");
	place_write(((struct place *)*state)->pktgen, "eth0@1", "");
	assert_int_equal(look(*state, out), 2);
	assert_string_equal(out[1].name, "pktgen");
	assert_false(out[1].is_guarded);
	assert_string_equal(out[1].why, "packets of its own leave by eth0, "
					"past every hook");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_set_up, place_new,
						place_free),
		cmocka_unit_test_setup_teardown(a_console_is_told, place_new,
						place_free),
		cmocka_unit_test_setup_teardown(a_generator_is_told, place_new,
						place_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
