/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_packet.c: bytes -> frames, one after the other -> the native datapath.
 * None passes of which there is a doubt, that the guard forbids, or that the
 * rules' bytecode in its plainest reading blocks.
 */
#include "fuzz.h"

#include <string.h>

#include "frame_oracle.h"
#include "runtime/datapath_user.h"
#include "tests/agree/reference_vm.h"

/* Nearly everything passes, so that what must not is for others to stop. */
static const char policy_text[] =
	"table <lan> const { 192.168.0.0/16 fd00::/8 }\n"
	"tunnel wg0 over any {\n"
	"	transport proto udp to 198.51.100.7 port 51820\n"
	"	exclude to <lan>\n"
	"	dns 10.64.0.1\n"
	"	link arp ndp dhcp\n"
	"}\n"
	"pass\n"
	"pass in log on eth0 proto tcp to any port 22 no state\n"
	"block in quick on eth0 proto udp to any port 2000:3000\n";

#define ETH0 2u
#define WG0 3u
#define FRAMES_MAX 16
#define HEAD_LEN 3

static struct image policy;
static struct datapath *datapath;
/* Keys of what passed, of one input. */
static struct nfr_key passed[FRAMES_MAX];
static unsigned passed_count;

static bool is_same(const struct nfr_key *a, const struct nfr_key *b,
		    unsigned field, unsigned words)
{
	return memcmp(&a->w[field], &b->w[field], words * sizeof(a->w[0])) == 0;
}

/* Of the same direction and addresses as a first fragment that passed? */
static bool has_first(const struct nfr_key *key)
{
	for (unsigned i = 0; i < passed_count; i++)
		if ((passed[i].w[NFR_F_BITS] &
		     (NFR_BIT_FRAGMENT | NFR_BIT_LATER)) == NFR_BIT_FRAGMENT &&
		    is_same(&passed[i], key, NFR_F_IFID, 4) &&
		    is_same(&passed[i], key, NFR_F_SRC0, 9))
			return true;
	return false;
}

/* An ICMP error about a packet that passed the other way? */
static bool is_error_of_flow(const struct nfr_key *key,
			     const struct nfr_result *result)
{
	uint32_t type = key->w[NFR_F_ICMP] >> 8;

	if (!result->from_state ||
	    !(key->w[NFR_F_PROTO] == 1
		      ? type == 3 || type == 4 || type == 11 || type == 12
	      : key->w[NFR_F_PROTO] == 58 ? type >= 1 && type <= 4
					  : false))
		return false;
	for (unsigned i = 0; i < passed_count; i++)
		if (passed[i].w[NFR_F_IFID] == key->w[NFR_F_IFID] &&
		    memcmp(&passed[i].w[NFR_F_SRC0], &key->w[NFR_F_DST0], 16) ==
			    0)
			return true;
	return false;
}

static void passed_rightly(const struct datapath_frame *frame,
			   const struct nfr_key *key,
			   const struct nfr_result *result)
{
	const char *doubt = frame_doubt(frame->bytes, frame->caplen, frame->len,
					frame->ifindex == ETH0);
	uint32_t rule;

	fuzz_require(!doubt, doubt ? doubt : "");
	fuzz_require(!(key->w[NFR_F_BITS] & NFR_BIT_LATER) || has_first(key),
		     "a later fragment passed without its first");
	fuzz_require(result->reason == NFR_REASON_RULE ||
			     result->reason == NFR_REASON_STATE ||
			     result->reason == NFR_REASON_DEFAULT,
		     "passed for a reason that blocks");
	rule = reference_vm_run(&policy, NFR_STAGE_GUARD, key);
	fuzz_require(rule == NFR_NO_RULE ||
			     policy.rules[rule].verdict == NFR_PASS ||
			     is_error_of_flow(key, result),
		     "passed against the guard");
	if (result->from_state)
		return;
	rule = reference_vm_run(&policy, NFR_STAGE_RULES, key);
	fuzz_require(rule == result->rule &&
			     policy.rules[rule].verdict == NFR_PASS,
		     "passed against the rules");
}

/* Of an input's next frame: what it is, then its length, then its bytes. */
static size_t frame_next(const uint8_t *bytes, size_t len,
			 struct datapath_frame *frame)
{
	size_t caplen;

	if (len < HEAD_LEN)
		return 0;
	caplen = (size_t)bytes[1] << 8 | bytes[2];
	if (caplen > len - HEAD_LEN)
		caplen = len - HEAD_LEN;
	frame->bytes = bytes + HEAD_LEN;
	frame->caplen = caplen;
	frame->len = caplen + (bytes[0] & 4 ? bytes[0] >> 4 : 0);
	frame->dir = bytes[0] & 1 ? NFR_DIR_OUT : NFR_DIR_IN;
	frame->ifindex = bytes[0] & 2 ? WG0 : ETH0;
	frame->ingress = bytes[0] & 8 ? ETH0 : 0;
	frame->now_ms += bytes[0] >> 4;
	return HEAD_LEN + caplen;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct datapath_device devices[] = {
		{.name = "eth0", .ifindex = ETH0, .link = NFR_LINK_ETHER},
		{.name = "wg0", .ifindex = WG0, .link = NFR_LINK_RAW},
	};

	(void)argc;
	(void)argv;
	fuzz_compile(policy_text, &policy);
	fuzz_require(datapath_new(64, &datapath) == 0, "datapath_new");
	fuzz_require(datapath_switch(datapath, &policy, devices, 2) == 0,
		     "datapath_switch");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct datapath_frame frame = {.now_ms = 1000};
	size_t step;

	datapath_forget_states(datapath);
	passed_count = 0;
	for (int i = 0; i < FRAMES_MAX; i++) {
		struct nfr_event event;
		struct nfr_key key;
		struct nfr_result result;

		step = frame_next(bytes, len, &frame);
		if (!step)
			break;
		result = datapath_judge(datapath, &frame, &key, &event);
		if (result.verdict == NFR_PASS) {
			passed_rightly(&frame, &key, &result);
			passed[passed_count++] = key;
		}
		bytes += step;
		len -= step;
	}
	return 0;
}
