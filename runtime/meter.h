/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: the stages of a verb's work -> what each took, and a line on a
 * terminal for who waits.
 */
#ifndef NFR_METER_H
#define NFR_METER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../compiler/progress.h"

#define METER_STAGES_MAX 16u
#define METER_WAIT_MS 1000u /* before the line is shown */

struct meter_stage {
	const char *name;
	uint64_t ns;
	uint64_t peak; /* bytes: the most that the process had until its end */
};

struct meter {
	struct progress progress; /* what work is given */
	struct meter_stage stages[METER_STAGES_MAX];
	size_t count;
	uint64_t peak;
	uint64_t stage_ns; /* when the last one began; 0: none is open */
	/* The line, which a thread of its own writes. */
	FILE *out; /* NULL: there is none */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	bool is_over, is_shown;
	_Atomic(const char *)
		name; /* of the stage; NULL: nothing to wait for */
	atomic_size_t done, total;
};

/*
 * out: where the line goes when work takes longer than METER_WAIT_MS, a
 * terminal; NULL: nowhere. The meter must not move until meter_end().
 */
void meter_begin(struct meter *, FILE *out);
/* No stage is open, and the line is gone: something else is to be written. */
void meter_pause(struct meter *);
void meter_end(struct meter *);
/* The most memory that this process had until now, in bytes; 0: not known. */
uint64_t meter_peak(struct meter *);

#endif
