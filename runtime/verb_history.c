/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_history.c: confirmed policies -> listed, noted, restored at boot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "history.h"
#include "nfload.h"

void history_note(struct nfload *t)
{
	struct engine_error err = {0};
	struct engine *engine = NULL;
	const struct image *image;
	struct nfr_control control = {0};
	char note[700];
	int rc;

	if (!t->state)
		return;
	rc = engine_open(t->bpffs, &engine, &err);
	if (!rc)
		rc = engine_control(engine, &control);
	if (!rc)
		rc = engine_image(engine, 0, &image, &err);
	if (!rc)
		rc = history_add(t->state, image,
				 control.generation[control.active & 1], &err);
	if (rc) {
		snprintf(note, sizeof(note),
			 "this policy is not kept for restore and rollback: %s",
			 err.text);
		report_note(t, note);
	}
	engine_close(&engine);
}

/* 0, or an exit status. */
static int read_history(struct nfload *t, struct history *history)
{
	struct engine_error err = {0};
	int rc;

	memset(history, 0, sizeof(*history));
	if (!t->state) {
		report_fail(t, EXIT_INPUT, "%s has no history of its own",
			    t->bpffs);
		report_hint(t, "name its directory with --state or NFR_STATE");
		return EXIT_INPUT;
	}
	rc = history_list(t->state, history, &err);
	if (rc == -ENOENT || (!rc && !history->count))
		return report_fail(t, EXIT_NO, "no confirmed policy is in %s",
				   t->state);
	return rc ? report_engine(t, EXIT_REFUSED, &err) : 0;
}

/* An image of the history into in; 0, or an exit status. */
static int read_entry(struct nfload *t, const struct history_entry *entry,
		      struct input *in)
{
	struct engine_error err = {0};
	char why[IMAGE_ERROR_MAX] = "";
	size_t len = 0;

	memset(in, 0, sizeof(*in));
	in->failure = "1 error";
	if (history_read(t->state, entry, &in->bytes, &len, &err))
		return report_engine(t, EXIT_REFUSED, &err);
	if (image_open(in->bytes, len, &in->image, why))
		return report_fail(t, EXIT_INPUT, "%s/%s: %s", t->state,
				   entry->name, why);
	t->file = in->image.file_count
			  ? image_string(&in->image, in->image.files[0])
			  : entry->name;
	return 0;
}

int history_image(struct nfload *t, const char *which, struct input *in)
{
	const struct history_entry *entry;
	struct history history;
	int status = read_history(t, &history);

	if (status)
		return status;
	entry = history_find(&history, which);
	if (!entry) {
		report_fail(t, EXIT_NO, "no confirmed policy is \"%s\"", which);
		report_hint(t, "\"nfload history\" lists them by number and "
			       "hash");
		return EXIT_NO;
	}
	return read_entry(t, entry, in);
}

int history_other(struct nfload *t, const struct image *image, struct input *in)
{
	struct history history;
	int status = read_history(t, &history);

	for (size_t i = 0; i < history.count && !status; i++) {
		status = read_entry(t, &history.entries[i], in);
		if (!status && !image_same_policy(image, &in->image))
			return 0;
		input_free(in);
	}
	return status ? status
		      : report_fail(t, EXIT_NO,
				    "there is no earlier policy to go back to");
}

/* ---- listed -------------------------------------------------------------- */

static void put_entry(struct nfload *t, json_t *list,
		      const struct history_entry *entry, size_t number,
		      const char *source)
{
	struct tm tm;
	time_t when = (time_t)entry->time;
	char text[40] = "?";
	json_t *o;

	if (!t->json) {
		if (localtime_r(&when, &tm))
			strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		printf("%2zu  %s  %s  generation %-4u  %s\n", number, text,
		       entry->hash, entry->generation, source);
		return;
	}
	o = json_object();
	json_put_int(o, JSON_FIELD_KEPT_NUMBER, (json_int_t)number);
	json_put_int(o, JSON_FIELD_KEPT_TIME, entry->time);
	json_put_text(o, JSON_FIELD_KEPT_HASH, entry->hash);
	json_put_int(o, JSON_FIELD_KEPT_GENERATION, entry->generation);
	json_put_text(o, JSON_FIELD_KEPT_SOURCE, source);
	json_array_append_new(list, o);
}

int verb_history(struct nfload *t)
{
	json_t *list = t->json ? json_array() : NULL;
	struct history history;
	int status = read_history(t, &history);

	for (size_t i = 0; i < history.count && !status; i++) {
		struct engine_error err = {0};
		char why[IMAGE_ERROR_MAX];
		const char *source = "(damaged)";
		struct image image;
		void *bytes = NULL;
		size_t len;

		if (!history_read(t->state, &history.entries[i], &bytes, &len,
				  &err) &&
		    !image_open(bytes, len, &image, why))
			source = image.file_count
					 ? image_string(&image, image.files[0])
					 : "";
		put_entry(t, list, &history.entries[i], i, source);
		free(bytes);
	}
	if (list)
		json_put(t->json, JSON_FIELD_HISTORY, list);
	return status;
}

/* ---- restored ------------------------------------------------------------ */

/* No policy, and the administrator said that nothing may leave then. */
static int block_all(struct nfload *t)
{
	static const char text[] = "# nfload restore --or-block\n"
				   "set skip on lo\nblock all\n";
	int status, fd = memfd_create("restore-or-block.nfr", MFD_CLOEXEC);
	struct nfload blocking = *t;
	struct input in;
	char path[64];

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return report_fail(t, EXIT_REFUSED, "memory: %s",
				   strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	blocking.file = path;
	blocking.state = NULL; /* nobody confirmed this */
	status = input_read(&blocking, 0, &in);
	if (!status)
		status = apply_input(&blocking, &in);
	input_free(&in);
	close(fd);
	return status;
}

int verb_restore(struct nfload *t)
{
	struct input in = {0};
	int status = history_image(t, "0", &in);

	if (!status)
		status = apply_input(t, &in);
	input_free(&in);
	if (!status || !t->or_block)
		return status;
	report_note(t, "no confirmed policy could be restored: everything is "
		       "blocked, but for loopback");
	return block_all(t);
}
