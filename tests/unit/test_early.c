/* SPDX-License-Identifier: BSD-2-Clause */
/* test_early.c: policies -> can a socket be told before it sends? */
#include "policy_text.h"

#include "compiler/image.h"
#include "compiler/lower.h"

static bool is_early(const char *rules)
{
	struct policy_text text = policy_text_sound(rules);
	char error[IMAGE_ERROR_MAX];
	struct image img;
	struct code code;
	__u8 *bytes;
	size_t len;
	bool is;

	assert_int_equal(lower_policy(text.arena, text.policy, &code), 0);
	assert_int_equal(
		image_write(text.policy, &code, text.sources, &bytes, &len), 0);
	if (image_open(bytes, len, &img, error) != 0)
		fail_msg("%s", error);
	is = img.config->flags & NFR_CONFIG_EARLY;
	free(bytes);
	policy_text_free(&text);
	return is;
}

static void where_it_goes_and_whose_it_is_is_known(void **state)
{
	(void)state;
	assert_true(is_early("pass out\n"));
	assert_true(is_early("pass out proto tcp to 192.0.2.0/24 port 80\n"
			     "pass out inet6 from ::1 user 1001\n"
			     "block out proto udp to port 1:1000 group 7\n"));
	assert_true(is_early("table <t> { 192.0.2.1 }\n"
			     "pass out proto tcp from <t> to ! <t>\n"));
}

static void a_tunnel_asks_nothing_else(void **state)
{
	(void)state;
	assert_true(is_early("tunnel wg0 over any {\n"
			     "transport proto udp to 192.0.2.1 port 9\n"
			     "exclude to 10.0.0.0/8 user 1001\n"
			     "dns 10.64.0.1\n"
			     "link arp ndp dhcp\n"
			     "}\n"));
}

static void a_port_that_the_kernel_gives_is_not_known(void **state)
{
	(void)state;
	assert_true(is_early("pass out proto udp from port 53\n"));
	assert_true(is_early("pass out proto udp from port 1024:65535\n"));
	assert_true(is_early("pass out proto udp from port < 1024\n"));
	assert_false(is_early("pass out proto udp from port 1024\n"));
	assert_false(is_early("block out proto tcp from port 40000:50000\n"));
	assert_false(is_early("pass out proto tcp from port > 5000\n"));
}

static void what_is_written_into_the_packet_is_not_known(void **state)
{
	(void)state;
	assert_true(is_early("pass out proto tcp flags S/SA\n"));
	assert_false(is_early("pass out proto tcp flags S/SAEW\n"));
	assert_false(is_early("pass out tos 0x10\n"));
	assert_false(is_early("block out fragment\n"));
	assert_false(is_early("block out probability 50%\n"));
}

static void what_comes_in_does_not_matter(void **state)
{
	(void)state;
	assert_true(is_early("pass in proto udp from port 5000\n"
			     "block in fragment\n"
			     "pass out\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_it_goes_and_whose_it_is_is_known),
		cmocka_unit_test(a_tunnel_asks_nothing_else),
		cmocka_unit_test(a_port_that_the_kernel_gives_is_not_known),
		cmocka_unit_test(what_is_written_into_the_packet_is_not_known),
		cmocka_unit_test(what_comes_in_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
