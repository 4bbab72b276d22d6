/* SPDX-License-Identifier: BSD-2-Clause */
/* config.h: an image -> the configuration that the datapath runs with. */
#ifndef NFR_CONFIG_H
#define NFR_CONFIG_H

#include "../compiler/image.h"
#include "abi.h"

/* generation is not 0; hz: jiffies a second of the datapath's clock. */
void config_of_image(const struct image *, __u32 generation, __u32 hz,
		     struct nfr_config *out);

#endif
