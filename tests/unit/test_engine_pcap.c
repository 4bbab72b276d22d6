/* SPDX-License-Identifier: BSD-2-Clause */
/* test_engine_pcap.c: captures made here -> what passes, and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include "runtime/engine_pcap.h"
#include "tests/agree/fixture.h"

static char dir[] = "/tmp/nfr-test-pcap-XXXXXX";
static char in_path[64], out_path[64];
static struct fixture f;
static struct image image;
static struct engine_pcap_counts counts;
static char error[ENGINE_PCAP_ERROR_MAX];

struct writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
};

static struct writer begin(int link, int snaplen, u_int precision)
{
	struct writer w;

	w.pcap = pcap_open_dead_with_tstamp_precision(link, snaplen, precision);
	w.dumper = pcap_dump_open(w.pcap, in_path);
	assert_non_null(w.dumper);
	return w;
}

static void end(struct writer *w)
{
	pcap_dump_close(w->dumper);
	pcap_close(w->pcap);
}

/* A UDP packet to a port, behind `before` bytes of link header. */
static void packet(struct writer *w, const uint8_t *link, size_t before,
		   uint16_t port, size_t caplen, long second)
{
	uint8_t b[128] = {0};
	struct pcap_pkthdr header = {.ts = {.tv_sec = second, .tv_usec = 7},
				     .len = (bpf_u_int32)(before + 40)};

	if (before)
		memcpy(b, link, before);
	b[before] = 0x45;
	b[before + 3] = 40;
	b[before + 8] = 64;
	b[before + 9] = 17;
	b[before + 12] = 10;
	b[before + 16] = 192;
	b[before + 20] = 0x9c;
	b[before + 22] = (uint8_t)(port >> 8);
	b[before + 23] = (uint8_t)port;
	b[before + 25] = 20;
	header.caplen = caplen ? (bpf_u_int32)caplen : header.len;
	pcap_dump((u_char *)w->dumper, &header, b);
}

static int filter_as(const char *iface, enum nfr_dir way)
{
	const struct engine_pcap_options options = {.in_path = in_path,
						    .out_path = out_path,
						    .iface = iface,
						    .dir = way};

	return engine_pcap_filter(&image, &options, &counts, error);
}

static int filter(void)
{
	return filter_as(NULL, NFR_DIR_IN);
}

/* "pass in proto udp to port 53", "pass out on wg0", else block. */
static void policy(void)
{
	struct policy_rule *rule = fixture_rule(&f, true);

	rule->match.dirs = 1 << NFR_DIR_IN;
	rule->match.proto = 17;
	rule->match.dport = (struct policy_port){.first = 53, .last = 53};
	rule->keeps_state = true;
	rule = fixture_rule(&f, true);
	rule->match.dirs = 1 << NFR_DIR_OUT;
	rule->match.on_any = false;
	rule->match.ifid = fixture_iface(&f, "wg0");
	f.ifaces[0].is_tunnel = true;
	fixture_image(&f, false, &image);
}

static unsigned count_out(void)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(out_path, text);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	unsigned count = 0;

	assert_non_null(pcap);
	while (pcap_next_ex(pcap, &header, &bytes) == 1)
		count++;
	pcap_close(pcap);
	return count;
}

static void read_file(const char *path, uint8_t out[4096], size_t *len)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	*len = fread(out, 1, 4096, file);
	fclose(file);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static const uint8_t ether[14] = {[12] = 8};

#define TEST(name) static void name(void **state __attribute__((unused)))

TEST(what_passes_is_written_and_all_is_counted)
{
	struct writer w = begin(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_MICRO);

	policy();
	packet(&w, ether, 14, 53, 0, 1);
	packet(&w, ether, 14, 54, 0, 2);
	packet(&w, ether, 14, 53, 0, 3);
	end(&w);
	assert_int_equal(filter(), 0);
	assert_int_equal(counts.all.packets, 3);
	assert_int_equal(counts.all.bytes, 162);
	assert_int_equal(counts.passed.packets, 2);
	assert_int_equal(counts.passed_by[NFR_REASON_RULE].packets, 1);
	assert_int_equal(counts.passed_by[NFR_REASON_STATE].packets, 1);
	assert_int_equal(counts.blocked.packets, 1);
	assert_int_equal(counts.blocked_by[NFR_REASON_DEFAULT].bytes, 54);
	assert_int_equal(count_out(), 2);
}

static void assert_same_file(u_int precision, int snaplen)
{
	struct writer w = begin(DLT_EN10MB, snaplen, precision);
	uint8_t in[4096], out[4096];
	size_t in_len, out_len;

	packet(&w, ether, 14, 53, 0, 1);
	end(&w);
	assert_int_equal(filter(), 0);
	read_file(in_path, in, &in_len);
	read_file(out_path, out, &out_len);
	assert_int_equal(in_len, out_len);
	assert_memory_equal(in, out, in_len);
}

TEST(a_capture_that_passes_whole_comes_out_as_it_was)
{
	policy();
	assert_same_file(PCAP_TSTAMP_PRECISION_MICRO, 1234);
	assert_same_file(PCAP_TSTAMP_PRECISION_NANO, 65535);
}

TEST(the_interface_and_direction_are_the_callers)
{
	struct writer w = begin(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_MICRO);

	policy();
	packet(&w, NULL, 0, 99, 0, 1);
	end(&w);
	assert_int_equal(filter_as("wg0", NFR_DIR_OUT), 0);
	assert_int_equal(counts.passed.packets, 1);
	assert_int_equal(filter_as("wg0", NFR_DIR_IN), 0);
	assert_int_equal(counts.passed.packets, 0);
	assert_int_equal(filter_as("eth0", NFR_DIR_OUT), 0);
	assert_int_equal(counts.passed.packets, 0);
	assert_int_equal(filter_as(NULL, NFR_DIR_OUT), 0);
	assert_int_equal(counts.passed.packets, 0);
}

TEST(time_stamps_are_the_clock)
{
	struct writer w = begin(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_NANO);

	policy();
	packet(&w, NULL, 0, 53, 0, 1000);
	packet(&w, NULL, 0, 53, 0, 1060);
	packet(&w, NULL, 0, 53, 0, 1121);
	end(&w);
	assert_int_equal(filter(), 0);
	assert_int_equal(counts.passed_by[NFR_REASON_RULE].packets, 2);
	assert_int_equal(counts.passed_by[NFR_REASON_STATE].packets, 1);
}

TEST(a_cut_packet_is_judged_by_what_is_there)
{
	struct writer w = begin(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_MICRO);

	policy();
	packet(&w, NULL, 0, 53, 28, 1);
	packet(&w, NULL, 0, 53, 27, 2);
	packet(&w, NULL, 0, 53, 1, 3);
	end(&w);
	assert_int_equal(filter(), 0);
	assert_int_equal(counts.truncated, 3);
	assert_int_equal(counts.passed.packets, 1);
	assert_int_equal(counts.blocked_by[NFR_REASON_SHORT].packets, 2);
}

static void assert_link_passes(int link, const uint8_t *bytes, size_t len)
{
	struct writer w = begin(link, 65535, PCAP_TSTAMP_PRECISION_MICRO);

	packet(&w, bytes, len, 53, 0, 1);
	packet(&w, bytes, len, 54, 0, 2);
	if (len > 1)
		packet(&w, bytes, len, 53, len - 1, 3);
	end(&w);
	assert_int_equal(filter(), 0);
	assert_int_equal(counts.passed.packets, 1);
	assert_int_equal(count_out(), 1);
}

TEST(every_link_type_reaches_the_ip_header)
{
	static const uint8_t null_link[4] = {2};
	static const uint8_t cooked[16] = {[14] = 8};
	static const uint8_t cooked2[20] = {8};

	policy();
	assert_link_passes(DLT_EN10MB, ether, 14);
	assert_link_passes(DLT_RAW, NULL, 0);
	assert_link_passes(DLT_IPV4, NULL, 0);
	assert_link_passes(DLT_NULL, null_link, 4);
	assert_link_passes(DLT_LOOP, null_link, 4);
	assert_link_passes(DLT_LINUX_SLL, cooked, 16);
	assert_link_passes(DLT_LINUX_SLL2, cooked2, 20);
}

TEST(another_link_type_is_an_error_that_names_it)
{
	struct writer w =
		begin(DLT_IEEE802_11, 65535, PCAP_TSTAMP_PRECISION_MICRO);

	policy();
	end(&w);
	assert_int_equal(filter(), -ENOTSUP);
	assert_non_null(strstr(error, "IEEE802_11 (105)"));
	assert_non_null(strstr(error, in_path));
	assert_false(exists(out_path));
}

TEST(what_is_no_capture_is_an_error)
{
	policy();
	write_file(in_path, "hello, this is text", 19);
	assert_int_equal(filter(), -EBADMSG);
	write_file(in_path, "", 0);
	assert_int_equal(filter(), -EBADMSG);
	unlink(in_path);
	assert_int_equal(filter(), -ENOENT);
	assert_false(exists(out_path));
}

TEST(a_capture_that_ends_in_a_packet_leaves_no_output)
{
	struct writer w = begin(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t bytes[4096];
	size_t len;

	policy();
	packet(&w, ether, 14, 53, 0, 1);
	packet(&w, ether, 14, 53, 0, 2);
	end(&w);
	read_file(in_path, bytes, &len);
	write_file(in_path, bytes, len - 1);
	assert_int_equal(filter(), -EBADMSG);
	assert_true(counts.is_cut);
	assert_int_equal(counts.all.packets, 1);
	assert_false(exists(out_path));
}

TEST(input_and_output_must_be_two_files)
{
	struct writer w = begin(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_MICRO);
	struct stat before, after;

	policy();
	packet(&w, ether, 14, 54, 0, 1);
	end(&w);
	stat(in_path, &before);
	assert_int_equal(link(in_path, out_path), 0);
	assert_int_equal(filter(), -EINVAL);
	stat(in_path, &after);
	assert_int_equal(before.st_size, after.st_size);
}

TEST(a_full_disk_is_an_error)
{
	struct writer w = begin(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_MICRO);
	const struct engine_pcap_options options = {.in_path = in_path,
						    .out_path = "/dev/full"};

	policy();
	packet(&w, ether, 14, 53, 0, 1);
	end(&w);
	assert_int_equal(engine_pcap_filter(&image, &options, &counts, error),
			 -ENOSPC);
	assert_true(exists("/dev/full"));
}

static struct nfr_event seen[4];
static uint64_t seen_count;
static int64_t seen_us;
static void note(void *arg, const struct engine_pcap_packet *p)
{
	(void)arg;
	seen[p->number - 1] = *p->event;
	seen_count = p->number;
	seen_us = p->time_us;
}

TEST(each_packet_is_told)
{
	struct writer w = begin(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_MICRO);
	const struct engine_pcap_options options = {.in_path = in_path,
						    .packet = note};

	policy();
	packet(&w, ether, 14, 53, 0, 1);
	packet(&w, ether, 14, 54, 0, 2);
	end(&w);
	assert_int_equal(engine_pcap_filter(&image, &options, &counts, error),
			 0);
	assert_int_equal(seen_count, 2);
	assert_int_equal(seen_us, 2000007);
	assert_int_equal(seen[0].verdict, NFR_PASS);
	assert_int_equal(seen[0].rule, 0);
	assert_int_equal(seen[0].length, 40);
	assert_int_equal(seen[1].verdict, NFR_BLOCK);
	assert_int_equal(seen[1].reason, NFR_REASON_DEFAULT);
	assert_int_equal(seen[1].dport, 54);
	assert_int_equal(seen[1].src[0], 0x0a000000);
}

static int setup(void **state)
{
	(void)state;
	fixture_init(&f);
	unlink(in_path);
	unlink(out_path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_free(&f);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(in_path, sizeof(in_path), "%s/in.pcap", dir);
	snprintf(out_path, sizeof(out_path), "%s/out.pcap", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(in_path);
	unlink(out_path);
	return rmdir(dir);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FACT(what_passes_is_written_and_all_is_counted),
		FACT(a_capture_that_passes_whole_comes_out_as_it_was),
		FACT(the_interface_and_direction_are_the_callers),
		FACT(time_stamps_are_the_clock),
		FACT(a_cut_packet_is_judged_by_what_is_there),
		FACT(every_link_type_reaches_the_ip_header),
		FACT(another_link_type_is_an_error_that_names_it),
		FACT(what_is_no_capture_is_an_error),
		FACT(a_capture_that_ends_in_a_packet_leaves_no_output),
		FACT(input_and_output_must_be_two_files),
		FACT(a_full_disk_is_an_error),
		FACT(each_packet_is_told),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
