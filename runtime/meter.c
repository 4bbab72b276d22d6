/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.c: stages as they begin -> their times and memory, and a line.
 *
 * The line is written by a thread, as a stage can be one long system call; a
 * timer's signal would interrupt that call, and the verifier would begin again.
 * It is erased before anything else is written to the terminal.
 */
#include "meter.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_EVERY_MS 200u
#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Of this program alone, or 0: getrusage() counts what exec() replaced, too. */
static uint64_t peak_now(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	uint64_t kib = 0;

	while (status && !kib && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtoull(line + 6, NULL, 10);
	if (status)
		fclose(status);
	return kib << 10;
}

/* The kernel counts by CPU and adds up now and then: less is no news. */
uint64_t meter_peak(struct meter *m)
{
	uint64_t now = peak_now();

	m->peak = now > m->peak ? now : m->peak;
	return m->peak;
}

/* ---- stages ------------------------------------------------------------ */

static void stage_close(struct meter *m)
{
	struct meter_stage *s;

	if (!m->stage_ns)
		return;
	s = &m->stages[m->count - 1];
	s->ns += now_ns() - m->stage_ns;
	s->peak = meter_peak(m);
	m->stage_ns = 0;
}

/* Of more than there is room for, the last has all that follows. */
static void stage_open(void *arg, const char *name)
{
	struct meter *m = arg;

	stage_close(m);
	if (m->count < METER_STAGES_MAX)
		m->stages[m->count++].name = name;
	atomic_store(&m->total, 0);
	atomic_store(&m->name, name);
	m->stage_ns = now_ns();
}

static void stage_at(void *arg, size_t done, size_t total)
{
	struct meter *m = arg;

	atomic_store(&m->done, done);
	atomic_store(&m->total, total);
}

/* ---- the line ---------------------------------------------------------- */

static void line_erase(struct meter *m)
{
	if (m->is_shown)
		fputs("\r\033[K", m->out);
	if (m->is_shown)
		fflush(m->out);
	m->is_shown = false;
}

static void line_write(struct meter *m)
{
	const char *name = atomic_load(&m->name);
	size_t total = atomic_load(&m->total), done = atomic_load(&m->done);

	if (!name)
		return;
	fprintf(m->out, "\r%s", name);
	if (total)
		fprintf(m->out, ": %zu %%",
			done < total ? done * 100 / total : 100);
	fputs(" ...\033[K", m->out);
	fflush(m->out);
	m->is_shown = true;
}

static void *line_run(void *arg)
{
	struct meter *m = arg;
	uint64_t next = now_ns() + (uint64_t)METER_WAIT_MS * NS_PER_MS;

	pthread_mutex_lock(&m->lock);
	while (!m->is_over) {
		struct timespec until = {(time_t)(next / NS_PER_S),
					 (long)(next % NS_PER_S)};

		if (now_ns() < next) {
			pthread_cond_timedwait(&m->ended, &m->lock, &until);
			continue;
		}
		line_write(m);
		next = now_ns() + (uint64_t)LINE_EVERY_MS * NS_PER_MS;
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* Without a line when there is no thread to write it. */
static void line_begin(struct meter *m)
{
	pthread_condattr_t attr;
	sigset_t all, before;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->ended, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&m->thread, NULL, line_run, m) != 0) {
		pthread_cond_destroy(&m->ended);
		pthread_mutex_destroy(&m->lock);
		m->out = NULL;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the meter --------------------------------------------------------- */

void meter_begin(struct meter *m, FILE *out)
{
	memset(m, 0, sizeof(*m));
	m->progress = (struct progress){stage_open, stage_at, m};
	m->out = out;
	if (out)
		line_begin(m);
}

void meter_pause(struct meter *m)
{
	stage_close(m);
	if (!m->out)
		return;
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->name, NULL);
	line_erase(m);
	pthread_mutex_unlock(&m->lock);
}

void meter_end(struct meter *m)
{
	meter_pause(m);
	if (!m->out)
		return;
	pthread_mutex_lock(&m->lock);
	m->is_over = true;
	pthread_cond_signal(&m->ended);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->ended);
	pthread_mutex_destroy(&m->lock);
	m->out = NULL;
}
