/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_image.c: bytes, with the header repaired so that damage gets past the
 * hash -> image_open; what it takes can be run, shown and judged by.
 */
#include "fuzz.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/datapath_user.h"
#include "tests/agree/reference_vm.h"

#define KEYS 8

static void repair(__u8 *bytes, size_t len)
{
	struct image_header *header = (struct image_header *)bytes;
	SHA2_CTX sha;

	header->magic = IMAGE_MAGIC;
	header->abi_version = NFR_ABI_VERSION;
	header->len = (__u32)len;
	memset(header->hash, 0, sizeof(header->hash));
	SHA256Init(&sha);
	SHA256Update(&sha, bytes, len);
	SHA256Final(header->hash, &sha);
}

/* Words drawn from the image itself, so that its comparisons meet them. */
static void key_of(const struct image *img, unsigned turn, struct nfr_key *key)
{
	memset(key, 0, sizeof(*key));
	for (unsigned i = 0; i <= NFR_F_LAST && img->insn_count; i++)
		key->w[i] = img->code[(i * 7 + turn) % img->insn_count].imm +
			    (turn & 1);
	key->w[NFR_F_DIR] = turn & 1;
	key->w[NFR_F_FAMILY] = turn % 3;
}

static void run(const struct image *img)
{
	struct nfr_key key;

	for (unsigned turn = 0; turn < KEYS; turn++) {
		key_of(img, turn, &key);
		reference_vm_run(img, NFR_STAGE_RULES, &key);
		reference_vm_run(img, NFR_STAGE_GUARD, &key);
	}
}

static void show(const struct image *img)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fuzz_require(out != NULL, "open_memstream");
	disasm_image(img, out);
	disasm_code(img, out);
	fclose(out);
	free(text);
}

/* An IPv4 UDP packet, made of what the image holds. */
static void judge(const struct image *img)
{
	static const struct datapath_device devices[] = {
		{.name = "eth0", .ifindex = 2, .link = NFR_LINK_RAW},
		{.name = "wg0", .ifindex = 3, .link = NFR_LINK_RAW},
	};
	__u8 bytes[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17};
	struct datapath_frame frame = {
		.bytes = bytes, .caplen = sizeof(bytes), .len = sizeof(bytes)};
	struct datapath *datapath = NULL;

	bytes[25] = 8;
	fuzz_require(datapath_new(16, &datapath) == 0, "datapath_new");
	if (datapath_switch(datapath, img, devices, 2) == 0)
		for (unsigned turn = 0; turn < KEYS; turn++) {
			frame.ifindex = 2 + turn / 2 % 2;
			frame.dir = turn & 1 ? NFR_DIR_OUT : NFR_DIR_IN;
			bytes[19] = (__u8)turn;
			datapath_judge(datapath, &frame, NULL, NULL);
		}
	datapath_free(&datapath);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char error[IMAGE_ERROR_MAX] = "";
	struct image img;
	/* Of just this size, so that a byte behind it is found. */
	__u8 *own = malloc(len ? len : 1);

	if (!own)
		abort();
	memcpy(own, bytes, len);
	if (len >= sizeof(struct image_header))
		repair(own, len);
	if (image_open(own, len, &img, error) == 0) {
		show(&img);
		run(&img);
		judge(&img);
	} else {
		fuzz_require(*error != '\0', "refused without a word");
	}
	free(own);
	return 0;
}
