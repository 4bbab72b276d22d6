/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pool.c: pools and packets -> the addresses and ports that they give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/pool.h"

#define V4(a, b, c, d)                                                         \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const __u32 source[4] = {V4(10, 1, 2, 3)};

static struct nfr_pool_addr prefix4(uint32_t first, unsigned bits)
{
	return (struct nfr_pool_addr){
		.first = {first},
		.mask = {bits ? ~0u << (32 - bits) : 0, ~0u, ~0u, ~0u}};
}

static struct nfr_pool pool_of(enum nfr_pool_type type, uint32_t count)
{
	return (struct nfr_pool){.id = 7,
				 .key = {1, 2, 3, 4},
				 .count = count,
				 .type = (uint8_t)type,
				 .family = NFR_FAMILY_IPV4};
}

static uint32_t choose4(const struct nfr_pool *pool,
			const struct nfr_pool_addr *entries,
			const __u32 replaced[4], const struct pool_draw *draw)
{
	__u32 out[4], at = pool_entry(pool, source, draw);

	assert_true(at < pool->count);
	pool_address(pool, &entries[at], source, replaced, draw, out);
	assert_true(pool_entry_has(&entries[at], out));
	assert_int_equal(out[1] | out[2] | out[3], 0);
	return out[0];
}

/* The key of the paper (appendix A), and a message of our length. */
static void the_hash_is_siphash(void **state)
{
	/* 17 bytes: 00 01 .. 0f, then n = 0x10. */
	const __u32 key[4] = {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c};

	(void)state;
	/* openssl mac -macopt size:8 SIPHASH, over 00 .. 10 */
	assert_true(pool_hash(key, key, 0x10) == 0x699ae9f52cbe4794);
}

static void round_robin_takes_each_address_in_turn(void **state)
{
	const struct nfr_pool_addr entries[] = {
		prefix4(V4(192, 0, 2, 0), 31),
		prefix4(V4(198, 51, 100, 4), 32)};
	const struct nfr_pool pool = pool_of(NFR_POOL_ROUND_ROBIN, 2);
	const uint32_t want[] = {V4(192, 0, 2, 0), V4(198, 51, 100, 4),
				 V4(192, 0, 2, 1), V4(198, 51, 100, 4),
				 V4(192, 0, 2, 0)};

	(void)state;
	for (uint32_t n = 0; n < 5; n++) {
		struct pool_draw draw = {.turn = n};

		assert_int_equal(choose4(&pool, entries, source, &draw),
				 want[n]);
	}
}

static void random_stays_in_the_pool_and_reaches_all_of_it(void **state)
{
	const struct nfr_pool_addr entries[] = {prefix4(V4(192, 0, 2, 16), 28),
						prefix4(V4(192, 0, 2, 64), 28)};
	const struct nfr_pool pool = pool_of(NFR_POOL_RANDOM, 2);
	uint8_t seen[256] = {0};
	unsigned count = 0;

	(void)state;
	for (uint32_t n = 0; n < 4096; n++) {
		struct pool_draw draw = {.entry = n * 7919, .host = n / 3};

		seen[choose4(&pool, entries, source, &draw) & 255] = 1;
	}
	for (unsigned i = 0; i < 256; i++)
		count += seen[i];
	assert_int_equal(count, 32);
}

static void source_hash_depends_on_source_and_key_alone(void **state)
{
	const struct nfr_pool_addr entries[] = {prefix4(V4(10, 9, 0, 0), 16)};
	struct nfr_pool pool = pool_of(NFR_POOL_SOURCE_HASH, 1);
	const struct pool_draw one = {1, 2, 3, 4}, two = {5, 6, 7, 8};
	const __u32 to[4] = {V4(1, 1, 1, 1)};
	uint32_t first = choose4(&pool, entries, source, &one);

	(void)state;
	assert_int_equal(first, choose4(&pool, entries, to, &two));
	pool.key[3] ^= 1;
	assert_int_not_equal(first, choose4(&pool, entries, source, &one));
}

static void bitmask_keeps_the_host_bits_of_what_goes(void **state)
{
	const struct nfr_pool_addr entries[] = {prefix4(V4(172, 16, 0, 0), 12)};
	const struct nfr_pool pool = pool_of(NFR_POOL_BITMASK, 1);
	const struct pool_draw draw = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(choose4(&pool, entries, source, &draw),
			 V4(172, 16 + 1, 2, 3));
}

static void ipv6_offsets_carry_all_bits(void **state)
{
	const struct nfr_pool_addr entry = {.first = {0x20010db8, 0, 0, 0},
					    .mask = {~0u, 0xffff0000, 0, 0}};
	const __u32 from[4] = {0x20010db8, 1, 2, 3};
	struct nfr_pool pool = pool_of(NFR_POOL_SOURCE_HASH, 1);
	const struct pool_draw draw = {.turn = 5};
	__u32 out[4];

	(void)state;
	pool.family = NFR_FAMILY_IPV6;
	pool_address(&pool, &entry, from, from, &draw, out);
	assert_true(pool_entry_has(&entry, out));
	assert_true(out[1] != 0 && out[2] != 0 && out[3] != 0);
	pool.type = NFR_POOL_ROUND_ROBIN;
	pool_address(&pool, &entry, from, from, &draw, out);
	assert_int_equal(out[3], 5);
	assert_int_equal(out[0], 0x20010db8);
}

static void rdr_ports_are_fixed_shifted_or_of_a_range(void **state)
{
	struct nfr_pool pool = pool_of(NFR_POOL_ROUND_ROBIN, 1);
	struct pool_draw draw = {.port = 5};

	(void)state;
	assert_int_equal(pool_rdr_port(&pool, 0, 80, &draw), 80);
	pool.port_low = pool.port_high = 8080;
	assert_int_equal(pool_rdr_port(&pool, 0, 80, &draw), 8080);
	pool.port_high = 8083;
	pool.flags = NFR_POOL_PORT_SHIFT;
	assert_int_equal(pool_rdr_port(&pool, 2000, 2003, &draw), 8083);
	assert_int_equal(pool_rdr_port(&pool, 2000, 2004, &draw), 8080);
	assert_int_equal(pool_rdr_port(&pool, 2000, 2007, &draw), 8083);
	assert_int_equal(pool_rdr_port(&pool, 0, 65535, &draw), 8083);
	pool.flags = 0;
	assert_int_equal(pool_rdr_port(&pool, 0, 80, &draw), 8081);
}

static void nat_ports_are_tried_once_each_and_stay_in_range(void **state)
{
	struct nfr_pool pool = pool_of(NFR_POOL_ROUND_ROBIN, 1);
	struct pool_draw draw = {.port = 12, .host = 2};

	(void)state;
	assert_int_equal(pool_nat_candidates(&pool, 1), POOL_CANDIDATES);
	for (uint32_t ports = 1; ports < 5000; ports += 1 + ports / 3) {
		static bool seen[5000];

		memset(seen, 0, sizeof(seen));
		pool.port_low = 1000;
		pool.port_high = 1000 + ports - 1;
		for (uint32_t n = 0; n < POOL_CANDIDATES && n < ports; n++) {
			uint32_t port =
				pool_nat_port(&pool, 1, 0, 40000, &draw, n);

			assert_in_range(port, 1000, pool.port_high);
			assert_false(seen[port - 1000]);
			seen[port - 1000] = true;
		}
	}
	pool.port_low = pool.port_high = 0; /* pf's range */
	for (uint32_t n = 0; n < 100000; n += 77) {
		draw.port = n;
		assert_in_range(pool_nat_port(&pool, 1, 0, 1, &draw, n & 15),
				50001, 65535);
		assert_in_range(pool_nat_port(&pool, 1, 1, 1, &draw, n & 15), 1,
				65535);
	}
	pool.flags = NFR_POOL_STATIC_PORT;
	assert_int_equal(pool_nat_candidates(&pool, 1), 1);
	assert_int_equal(pool_nat_port(&pool, 1, 0, 40000, &draw, 0), 40000);
	pool.flags = 0;
	assert_int_equal(pool_nat_candidates(&pool, 0), 1);
	assert_int_equal(pool_nat_port(&pool, 0, 0, 0, &draw, 0), 0);
}

static uint32_t xorshift(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Of pf's range, by flows to one port of one host: all but 2,535. */
static void nat_finds_one_of_the_last_free_ports(void **state)
{
	const struct nfr_pool pool = pool_of(NFR_POOL_ROUND_ROBIN, 1);
	static bool taken[65536];
	uint32_t random = 2463534242u;

	(void)state;
	for (uint32_t flow = 0; flow < 13000; flow++) {
		struct pool_draw draw = {.port = xorshift(&random),
					 .host = xorshift(&random)};
		uint32_t n = 0, port;

		do {
			assert_true(n < pool_nat_candidates(&pool, 1));
			port = pool_nat_port(&pool, 1, 0, 1, &draw, n++);
		} while (taken[port]);
		taken[port] = true;
	}
}

static void what_a_pool_can_not_give_is_refused(void **state)
{
	struct nfr_pool pool = pool_of(NFR_POOL_RANDOM, 0);

	(void)state;
	assert_false(pool_is_usable(&pool, NFR_FAMILY_IPV4));
	pool.count = 1;
	assert_true(pool_is_usable(&pool, NFR_FAMILY_IPV4));
	assert_false(pool_is_usable(&pool, NFR_FAMILY_IPV6));
	pool.type = NFR_POOL_LEAST_STATES;
	assert_false(pool_is_usable(&pool, NFR_FAMILY_IPV4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_siphash),
		cmocka_unit_test(round_robin_takes_each_address_in_turn),
		cmocka_unit_test(
			random_stays_in_the_pool_and_reaches_all_of_it),
		cmocka_unit_test(source_hash_depends_on_source_and_key_alone),
		cmocka_unit_test(bitmask_keeps_the_host_bits_of_what_goes),
		cmocka_unit_test(ipv6_offsets_carry_all_bits),
		cmocka_unit_test(rdr_ports_are_fixed_shifted_or_of_a_range),
		cmocka_unit_test(
			nat_ports_are_tried_once_each_and_stay_in_range),
		cmocka_unit_test(nat_finds_one_of_the_last_free_ports),
		cmocka_unit_test(what_a_pool_can_not_give_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
