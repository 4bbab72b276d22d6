/* SPDX-License-Identifier: BSD-2-Clause */
/* test_host.c: host profiles and the running system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/host.h"

static void profile_lists_interfaces_in_order(void **state)
{
	struct arena *a = arena_new();
	const char *const *names;
	const char *error = NULL;
	struct host *h;
	size_t count;

	(void)state;
	assert_int_equal(host_profile(a, "tests/hosts/laptop.json", &h, &error),
			 0);
	names = host_iface_names(h, &count);
	assert_int_equal(count, 3);
	assert_string_equal(names[0], "lo");
	assert_string_equal(names[2], "wg0");
	assert_null(host_iface(h, "eth1"));
	arena_free(&a);
}

static void profile_keeps_addresses_and_loopback(void **state)
{
	struct arena *a = arena_new();
	const struct host_iface *eth0;
	const char *error = NULL;
	char text[ADDR_TEXT_MAX];
	struct host *h;

	(void)state;
	assert_int_equal(host_profile(a, "tests/hosts/laptop.json", &h, &error),
			 0);
	eth0 = host_iface(h, "eth0");
	assert_true(host_iface(h, "lo")->is_loopback);
	assert_false(eth0->is_loopback);
	assert_int_equal(eth0->addr_count, 2);
	assert_int_equal(eth0->addrs[0].prefix_len, 24);
	assert_int_equal(eth0->addrs[0].family, FAMILY_IPV4);
	assert_string_equal(
		addr_format(&eth0->addrs[0].broadcast, FAMILY_IPV4, text),
		"192.168.1.255");
	assert_int_equal(eth0->addrs[1].family, FAMILY_IPV6);
	arena_free(&a);
}

static void profile_says_who_has_the_default_route(void **state)
{
	struct arena *a = arena_new();
	const char *const *names;
	const char *error = NULL;
	struct host *h;
	size_t count;

	(void)state;
	assert_int_equal(host_profile(a, "tests/hosts/laptop.json", &h, &error),
			 0);
	names = host_default_ifaces(h, &count);
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "eth0");
	assert_int_equal(
		host_profile(a, "tests/hosts/openbsd.json", &h, &error), 0);
	host_default_ifaces(h, &count);
	assert_int_equal(count, 0);
	arena_free(&a);
}

static void services_of_a_profile_are_the_only_ones(void **state)
{
	struct arena *a = arena_new();
	const char *error = NULL;
	struct host *h;

	(void)state;
	assert_int_equal(host_profile(a, "tests/hosts/laptop.json", &h, &error),
			 0);
	assert_int_equal(host_service(h, "ssh", "tcp"), 22);
	assert_int_equal(host_service(h, "ssh", NULL), 22);
	assert_int_equal(host_service(h, "ssh", "udp"), -1);
	assert_int_equal(host_service(h, "gopher", "tcp"), -1);
	arena_free(&a);
}

static void assert_profile_refused(const char *json, const char *words)
{
	char path[] = "/tmp/nfr-host-XXXXXX";
	struct arena *a = arena_new();
	const char *error = NULL;
	struct host *h = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, json, strlen(json)), (ssize_t)strlen(json));
	close(fd);
	assert_true(host_profile(a, path, &h, &error) < 0);
	unlink(path);
	assert_null(h);
	assert_non_null(error);
	if (!strstr(error, words))
		fail_msg("wanted \"%s\", got \"%s\"", words, error);
	arena_free(&a);
}

static void bad_profiles_are_refused_with_a_reason(void **state)
{
	(void)state;
	assert_profile_refused("{\n  \"interfaces\": [,]\n}", ":2:");
	assert_profile_refused("[]", "must be an object");
	assert_profile_refused("{}", "interfaces must be an array");
	assert_profile_refused("{\"interfaces\": [{}]}", "with a name");
	assert_profile_refused("{\"interfaces\": [{\"name\": \"a\"},"
			       "{\"name\": \"a\"}]}",
			       "twice");
	assert_profile_refused("{\"interfaces\": [{\"name\": \"a\","
			       "\"addresses\": [\"1.2.3\"]}]}",
			       "1.2.3 is not an address");
	assert_profile_refused("{\"interfaces\": [{\"name\": \"a\","
			       "\"addresses\": [\"1.2.3.4/33\"]}]}",
			       "1.2.3.4/33 is not a prefix");
	assert_profile_refused("{\"interfaces\": [{\"name\": \"a\","
			       "\"addresses\": [{\"address\": \"1.2.3.4\","
			       "\"broadcast\": 4}]}]}",
			       "broadcast must be an address");
	assert_profile_refused("{\"interfaces\": [],"
			       "\"services\": {\"ssh\": {\"tcp\": 70000}}}",
			       "ssh must be a number");
	assert_profile_refused("{\"interfaces\": [{\"name\": \"a\","
			       "\"default-route\": 1}]}",
			       "default-route of a wrong type");
	assert_profile_refused("{\"interfaces\": [], \"users\": 3}",
			       "users must be an object");
}

static void missing_profile_is_refused_by_name(void **state)
{
	struct arena *a = arena_new();
	const char *error = NULL;
	struct host *h = NULL;

	(void)state;
	assert_true(host_profile(a, "/nonexistent/x.json", &h, &error) < 0);
	assert_non_null(strstr(error, "/nonexistent/x.json"));
	arena_free(&a);
}

static void the_system_has_loopback(void **state)
{
	struct arena *a = arena_new();
	struct host *h = NULL;

	(void)state;
	assert_int_equal(host_system(a, &h), 0);
	assert_non_null(host_iface(h, "lo"));
	assert_true(host_iface(h, "lo")->is_loopback);
	arena_free(&a);
}

static void protocols_have_pf_s_names(void **state)
{
	(void)state;
	assert_int_equal(host_proto("tcp"), 6);
	assert_int_equal(host_proto("icmp6"), 58);
	assert_string_equal(host_proto_name(58), "ipv6-icmp");
	assert_string_equal(host_proto_name(103), "pim");
	assert_null(host_proto_name(255));
	assert_int_equal(host_proto("nonsense"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_lists_interfaces_in_order),
		cmocka_unit_test(profile_keeps_addresses_and_loopback),
		cmocka_unit_test(profile_says_who_has_the_default_route),
		cmocka_unit_test(services_of_a_profile_are_the_only_ones),
		cmocka_unit_test(bad_profiles_are_refused_with_a_reason),
		cmocka_unit_test(missing_profile_is_refused_by_name),
		cmocka_unit_test(the_system_has_loopback),
		cmocka_unit_test(protocols_have_pf_s_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
