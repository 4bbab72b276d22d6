/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * hash_user.h: an image -> what classify_hash.h asks for, in user space.
 * Included where struct env is defined, which has the image; before it.
 */
#ifndef NFR_HASH_USER_H
#define NFR_HASH_USER_H

#include "hash_format.h"
#include "packet.h"

NFR_INLINE int env_hash_open(struct env *env)
{
	return env->image->hash_len < HASH_READ_MAX;
}

NFR_INLINE const void *env_hash(struct env *env, __u32 at)
{
	__u32 last = env->image->hash_len - HASH_READ_MAX;

	return env->image->hash + (at <= last ? at : 0);
}

#endif
