/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_search.h: an image whose tables were changed -> a promise that it no
 * longer keeps, with a packet that shows it.
 */
#ifndef NFR_IMAGE_SEARCH_H
#define NFR_IMAGE_SEARCH_H

#include "image.h"

enum image_promise {
	IMAGE_PROMISE_ASSERT,  /* index: of asserts */
	IMAGE_PROMISE_RULE,    /* index: a rule that lets out what the guard
				  then stops */
	IMAGE_PROMISE_EXCLUDE, /* index: of excludes; all of a family goes
				  outside */
};

struct image_finding {
	enum image_promise promise;
	__u32 index;
	__u32 rule;	    /* that decided the packet, perhaps the guard's */
	struct nfr_key key; /* the packet; with EXCLUDE only its family */
};

/*
 * Packets are searched at the ends of what tables, asserts and rules hold,
 * first where before, which may be NULL, holds other entries. 1 with *out
 * filled in, 0 when nothing was found, which is no proof that there is nothing
 * but for EXCLUDE, or -ENOMEM. The same images give the same answer.
 */
int image_search(const struct image *before, const struct image *,
		 struct image_finding *out);

/* "udp 10.0.0.1:40000 > 9.9.9.9:53 out eth0", as check says it. */
#define IMAGE_KEY_TEXT_MAX 256
const char *image_key_text(const struct image *, const struct nfr_key *,
			   char out[IMAGE_KEY_TEXT_MAX]);

#endif
