/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nftrace.c: the ring buffer of what is in force -> a line a packet, live.
 *
 * Overview
 *   Logged packets are always in the buffer; blocked ones only while
 *   control.trace_block is set, which is this tool's doing: set at the start,
 *   cleared at the end, also after SIGINT, SIGTERM, SIGHUP and a closed
 *   standard output. After SIGKILL it stays set until the next nftrace ends.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "event.h"
#include "option_tables.h"
#include "term.h"

#define POLL_MS 250

struct nftrace {
	/* options */
	const char *bpffs;
	const char *on; /* NULL: every interface */
	int dir;	/* -1: both */
	bool wants_blocked, wants_passed;
	unsigned long count; /* 0: no end */
	unsigned time_flags;
	bool is_quiet, is_json, use_color;

	/* the run */
	struct engine *engine;
	int lock_fd;	      /* held until the end */
	struct stat dir_stat; /* of the pin directory, to see it go */
	uint64_t start_ns;    /* CLOCK_MONOTONIC; older events are not shown */
	int64_t last_us;
	unsigned long shown;
	uint64_t lost_before;
	uint32_t generation; /* that image is of; 0: none */
	const struct image *image;
};

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	is_stopped = 1;
}

static int fail(int status, const char *text, const char *hint)
{
	fprintf(stderr, "nftrace: error: %s\n", text);
	if (hint && *hint)
		fprintf(stderr, "  hint: %s\n", hint);
	return status;
}

static int fail_engine(const struct nftrace *t, int rc,
		       const struct engine_error *err)
{
	if (rc != -ENOENT)
		return fail(EXIT_REFUSED, err->text, err->hint);
	fprintf(stderr, "nftrace: nothing is loaded in %s\n", t->bpffs);
	return EXIT_NO;
}

/* ---- one event --------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* By now's difference of the clocks, so that a set clock is followed. */
static int64_t epoch_us(uint64_t monotonic_ns)
{
	int64_t difference_ns =
		(int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));

	return ((int64_t)monotonic_ns + difference_ns) / 1000;
}

/* A generation that is already gone gives events without a place. */
static const struct image *image_of(struct nftrace *t, uint32_t generation)
{
	struct engine_error err;

	if (generation != t->generation) {
		t->image = NULL;
		if (engine_image(t->engine, generation, &t->image, &err))
			t->image = NULL;
		t->generation = generation;
	}
	return t->image;
}

static bool is_wanted(const struct nftrace *t, const struct nfr_event *e,
		      const char *ifname)
{
	if (e->time_ns < t->start_ns)
		return false;
	if (e->verdict == NFR_PASS ? !t->wants_passed : !t->wants_blocked)
		return false;
	if (t->dir >= 0 && e->dir != t->dir)
		return false;
	return !t->on || !strcmp(t->on, ifname);
}

static void show_event(struct nftrace *t, const struct nfr_event *e,
		       const char *ifname)
{
	struct event_context context = {.image = image_of(t, e->generation),
					.ifname = ifname,
					.time_us = epoch_us(e->time_ns),
					.use_color = t->use_color};
	char time_text[EVENT_TIME_MAX];
	json_t *o;

	if (t->is_json) {
		o = event_json(e, &context);
		json_dumpf(o, stdout, JSON_COMPACT);
		json_decref(o);
	} else {
		event_format_time((enum event_time)t->time_flags,
				  context.time_us, t->last_us, time_text);
		fputs(time_text, stdout);
		event_print(e, &context, stdout);
	}
	putchar('\n');
	t->last_us = context.time_us;
	t->shown++;
}

/* Of libbpf's ring buffer; a negative value ends polling. */
static int take_event(void *arg, void *data, size_t len)
{
	struct nftrace *t = arg;
	struct nfr_event e;
	const char *ifname;

	if (len < sizeof(e))
		return 0;
	memcpy(&e, data, sizeof(e));
	ifname = engine_ifname(t->engine, e.ifindex);
	if (is_wanted(t, &e, ifname))
		show_event(t, &e, ifname);
	if (is_stopped || ferror(stdout) || (t->count && t->shown >= t->count))
		return -ECANCELED;
	return 0;
}

/* ---- the run ----------------------------------------------------------- */

static bool is_over(const struct nftrace *t)
{
	return is_stopped || ferror(stdout) ||
	       (t->count && t->shown >= t->count);
}

/* The directory is new, or gone: the maps that are open are no one's. */
static bool is_unloaded(const struct nftrace *t)
{
	struct stat st;

	return stat(t->bpffs, &st) || st.st_ino != t->dir_stat.st_ino ||
	       st.st_dev != t->dir_stat.st_dev;
}

static int follow(struct nftrace *t, struct ring_buffer *ring)
{
	while (!is_over(t)) {
		int rc = ring_buffer__poll(ring, POLL_MS);

		if (rc < 0 && rc != -EINTR && rc != -ECANCELED)
			return fail(EXIT_REFUSED, strerror(-rc), NULL);
		if (rc)
			continue;
		if (is_unloaded(t)) {
			fputs("nftrace: the policy was unloaded\n", stderr);
			return EXIT_NO;
		}
	}
	return EXIT_YES;
}

static void say_lost(const struct nftrace *t)
{
	struct nfr_control control;
	unsigned long long lost;

	if (engine_control(t->engine, &control))
		return;
	lost = control.events_lost - t->lost_before;
	if (lost)
		fprintf(stderr, "%llu event%s lost: the ring buffer was full\n",
			lost, lost == 1 ? "" : "s");
}

/*
 * The ring buffer has one reader's position for all who map it: the second
 * nftrace would tear records. The links' directory stands for it, since
 * loads lock the one above.
 */
static int lock_reader(const struct nftrace *t)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/links", t->bpffs);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd; /* the lock is its */
	close(fd);
	return -EBUSY;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* A closed pipe must not leave trace_block set. */
	sigaction(SIGPIPE, &ignore, NULL);
}

static int run(struct nftrace *t)
{
	struct engine_error err = {0};
	struct nfr_control control;
	struct ring_buffer *ring = NULL;
	int status, rc = engine_open(t->bpffs, &t->engine, &err);

	if (rc)
		return fail_engine(t, rc, &err);
	if (stat(t->bpffs, &t->dir_stat))
		return fail(EXIT_REFUSED, strerror(errno), NULL);
	rc = lock_reader(t);
	if (rc == -EBUSY)
		return fail(EXIT_REFUSED, "another nftrace reads the events",
			    "end it first");
	if (rc < 0)
		return fail(EXIT_REFUSED, strerror(-rc), NULL);
	t->lock_fd = rc;
	ring = ring_buffer__new(engine_events_fd(t->engine), take_event, t,
				NULL);
	if (!ring) {
		status = fail(EXIT_REFUSED, "the ring buffer can not be read",
			      strerror(errno));
		goto out;
	}
	t->start_ns = clock_ns(CLOCK_MONOTONIC);
	catch_signals();
	/* What no one read until now would be in the way. */
	ring_buffer__consume(ring);
	if (!engine_control(t->engine, &control))
		t->lost_before = control.events_lost;
	if (t->wants_blocked) {
		rc = engine_set_trace(t->engine, true, &err);
		if (rc) {
			status = fail_engine(t, rc, &err);
			goto out;
		}
	}
	if (!t->is_quiet)
		fputs("nftrace: listening; Ctrl-C ends\n", stderr);
	status = follow(t, ring);
	if (t->wants_blocked)
		engine_set_trace(t->engine, false, &err);
	say_lost(t);
out:
	ring_buffer__free(ring);
	close(t->lock_fd);
	return status;
}

/* ---- the command line -------------------------------------------------- */

struct parse {
	enum term_color color;
	bool wants_help, wants_version;
};

static void take_option(struct nftrace *t, struct parse *p, int id,
			const char *arg)
{
	switch (id) {
	case OPT_ON:
		t->on = arg;
		break;
	case OPT_DIR:
		t->dir = option_word(DIR_WORDS, arg);
		break;
	case OPT_BLOCKED:
		t->wants_blocked = true;
		break;
	case OPT_PASSED:
		t->wants_passed = true;
		break;
	case OPT_COUNT_EVENTS:
		t->count = strtoul(arg, NULL, 10);
		break;
	case OPT_TIME:
		if (t->time_flags + 1 < EVENT_TIMES)
			t->time_flags++;
		break;
	case OPT_QUIET:
		t->is_quiet = true;
		break;
	case OPT_BPFFS:
		t->bpffs = arg;
		break;
	case OPT_JSON:
		t->is_json = true;
		break;
	case OPT_COLOR:
		p->color = (enum term_color)option_word(COLOR_WORDS, arg);
		break;
	case OPT_HELP:
		p->wants_help = true;
		break;
	case OPT_VERSION:
		p->wants_version = true;
		break;
	}
}

/* 0, or -EINVAL with p->error. */
static int parse_arguments(struct nftrace *t, struct parse *parse,
			   struct option_parser *p, int argc, char **argv)
{
	const struct option_spec *spec;
	const char *arg;
	int rc;

	option_begin(p, &nftrace_options, argc, argv);
	while ((rc = option_next(p, &spec, &arg)) == 1)
		take_option(t, parse, spec->id, arg);
	if (rc)
		return rc;
	if (p->operand_count) {
		snprintf(p->error, sizeof(p->error),
			 "nftrace takes no operand; what is \"%s\"?",
			 p->operands[0]);
		return -EINVAL;
	}
	/* Neither asks for both. */
	if (!t->wants_blocked && !t->wants_passed)
		t->wants_blocked = t->wants_passed = true;
	t->use_color = term_use_color(parse->color, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *bpffs = getenv("NFR_BPFFS");
	struct nftrace trace = {
		.bpffs = bpffs && *bpffs ? bpffs : ENGINE_DIR_DEFAULT,
		.dir = -1,
	};
	struct parse parse = {0};
	struct option_parser p;
	int status;

	if (parse_arguments(&trace, &parse, &p, argc, argv))
		return fail(EXIT_INPUT, p.error,
			    "\"nftrace --help\" lists the options");
	if (parse.wants_help) {
		option_print_help(&nftrace_options, -1, stdout);
		return EXIT_YES;
	}
	if (parse.wants_version) {
		puts("nftrace " NFR_VERSION);
		return EXIT_YES;
	}
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	status = run(&trace);
	engine_close(&trace.engine);
	if (ferror(stdout))
		return fail(EXIT_INPUT, "standard output can not be written",
			    NULL);
	return status;
}
