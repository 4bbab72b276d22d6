/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c: an image's entry points and settings -> struct nfr_config. */
#include "config.h"

#include <string.h>

#include "program.h"

void config_of_image(const struct image *image, __u32 generation, __u32 hz,
		     struct nfr_config *out)
{
	/* Of the forms that are the image's own. */
	bool is_steady = programs_are_steady(image, image->header->entry);

	*out = (struct nfr_config){
		.abi_version = NFR_ABI_VERSION,
		.generation = generation,
		.hz = hz,
		.insn_count = image->insn_count,
		.rule_count = image->rule_count,
		.flags = image->config->flags |
			 (image->hash_len ? NFR_CONFIG_HASH : 0) |
			 (is_steady ? NFR_CONFIG_STEADY : 0),
		.state_limit = image->config->state_limit,
	};
	memcpy(out->timeouts, image->config->timeouts, sizeof(out->timeouts));
	for (unsigned i = 0; i < NFR_ENTRIES; i++) {
		out->entry[i] = image->header->entry[i];
		if (i >= NFR_ENTRY(NFR_STAGE_GUARD, 0, 0) &&
		    out->entry[i] != NFR_NO_ENTRY)
			out->has_guard = 1;
	}
}
