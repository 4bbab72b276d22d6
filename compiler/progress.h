/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.h: how far work is -> whoever waits for it. */
#ifndef NFR_PROGRESS_H
#define NFR_PROGRESS_H

#include <stddef.h>

/* Both are called in the order of the work, by the thread that does it. */
struct progress {
	void (*stage)(void *arg, const char *name); /* a static string */
	void (*at)(void *arg, size_t done, size_t total);
	void *arg;
};

/* p may be NULL: nobody waits. */
static inline void progress_stage(const struct progress *p, const char *name)
{
	if (p)
		p->stage(p->arg, name);
}

static inline void progress_at(const struct progress *p, size_t done,
			       size_t total)
{
	if (p)
		p->at(p->arg, done, total);
}

#endif
