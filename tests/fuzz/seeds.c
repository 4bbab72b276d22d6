/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seeds.c: seeds FOLDER -> inputs of fuzz_packet.c in it, each a few of the
 * frames that the agreement run draws; always the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/agree/random_packet.h"

#define SEEDS 160
#define FRAMES 3

static void frame_write(struct random *r, FILE *out)
{
	struct packet_spec spec;
	uint8_t bytes[PACKET_SPEC_MAX], head[3];
	size_t len;

	random_packet(r, &spec);
	len = packet_build(&spec, bytes);
	head[0] = (uint8_t)((spec.link == NFR_LINK_ETHER ? 0 : 2) |
			    random_below(r, 2));
	head[1] = (uint8_t)(len >> 8);
	head[2] = (uint8_t)len;
	fwrite(head, 1, sizeof(head), out);
	fwrite(bytes, 1, len, out);
}

int main(int argc, char **argv)
{
	char path[4096];

	for (unsigned i = 0; i < SEEDS && argc == 2; i++) {
		struct random r = random_fork(1, i);
		FILE *out;

		snprintf(path, sizeof(path), "%s/packet-%03u", argv[1], i);
		out = fopen(path, "we");
		if (!out) {
			perror(path);
			return 1;
		}
		for (unsigned n = 0; n < FRAMES; n++)
			frame_write(&r, out);
		if (fclose(out)) {
			perror(path);
			return 1;
		}
	}
	return argc != 2;
}
