/* SPDX-License-Identifier: BSD-2-Clause */
/* test_sockets.c: sockets that no packet hook sees are refused, and found. */
#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/sockets.h"

static void nothing_is_found_where_there_is_nothing(void **state)
{
	struct socket_diag found;

	(void)state;
	assert_int_equal(socket_diag(false, &found), 0);
	assert_int_equal(found.bypass + found.xdp + found.hidden, 0);
}

static int packet_socket(int bypass)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	if (bypass)
		assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS,
					    &bypass, sizeof(bypass)),
				 0);
	return fd;
}

static void only_those_that_bypass_are_found(void **state)
{
	struct socket_diag found;
	int plain = packet_socket(0), bypass = packet_socket(1);

	(void)state;
	assert_int_equal(socket_diag(false, &found), 0);
	assert_int_equal(found.bypass, 1);
	assert_int_equal(found.hidden, 0);
	assert_non_null(strstr(found.holders, "test_sockets"));
	close(bypass);
	assert_int_equal(socket_diag(false, &found), 0);
	assert_int_equal(found.bypass, 0);
	close(plain);
}

static void one_that_bypasses_does_so_no_more(void **state)
{
	struct socket_diag found;
	int fd = packet_socket(1), bypass = 1;
	socklen_t len = sizeof(bypass);

	(void)state;
	assert_int_equal(socket_diag(true, &found), 0);
	assert_int_equal(found.ended, 1);
	assert_int_equal(found.bypass, 0);
	assert_non_null(strstr(found.former, "test_sockets"));
	assert_int_equal(
		getsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, &len),
		0);
	assert_int_equal(bypass, 0);
	close(fd);
}

static void an_xdp_socket_is_found(void **state)
{
	struct socket_diag found;
	int fd = socket(44, SOCK_RAW, 0);

	(void)state;
	if (fd < 0) {
		print_message("SKIP: no AF_XDP: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(socket_diag(false, &found), 0);
	assert_int_equal(found.xdp, 1);
	close(fd);
}

/* Others may have packet sockets in the namespace that we leave. */
static int group_setup(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_where_there_is_nothing),
		cmocka_unit_test(only_those_that_bypass_are_found),
		cmocka_unit_test(one_that_bypasses_does_so_no_more),
		cmocka_unit_test(an_xdp_socket_is_found),
	};

	if (geteuid()) {
		printf("SKIP test_sockets: needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, NULL);
}
