/* SPDX-License-Identifier: BSD-2-Clause */
/* record.c: a file of nfbench's JSON lines -> measurements. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const char *path;
	struct records *out;
	size_t line, room;
	char *error;
};

static int refuse(const struct reader *r, const char *what)
{
	snprintf(r->error, RECORD_ERROR_MAX, "%s:%zu: %s", r->path, r->line,
		 what);
	return -EINVAL;
}

static int parse(const struct reader *r, const char *text, size_t len,
		 struct record *out)
{
	char what[JSON_ERROR_TEXT_LENGTH + 32];
	json_error_t why;
	int rules = 0;

	*out = (struct record){.path = r->path, .line = r->line};
	out->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!out->json) {
		snprintf(what, sizeof(what), "column %d: %s", why.column,
			 why.text);
		return refuse(r, what);
	}
	if (json_unpack_ex(out->json, &why, 0,
			   "{ss ss ss ss ss ss ss si sF sF sF sF sF sF}", "set",
			   &out->set, "family", &out->family, "engine",
			   &out->engine, "hook", &out->hook, "trace",
			   &out->trace, "kernel", &out->kernel, "cpu",
			   &out->cpu, "rules", &rules, "ns", &out->ns, "p25",
			   &out->p25, "p75", &out->p75, "floor_ns",
			   &out->floor_ns, "ratio", &out->ratio, "added_ns",
			   &out->added_ns))
		return refuse(r, why.text);
	if (rules < 0)
		return refuse(r, "less than no rules");
	out->rules = (unsigned)rules;
	if (out->floor_ns <= 0 || out->ratio <= 0 || out->p25 <= 0 ||
	    out->ns < out->p25 || out->p75 < out->ns)
		return refuse(r, "times that do not fit together");
	return 0;
}

static int add(struct reader *r, const struct record *record)
{
	const struct record *before = records_find(r->out, record);
	char what[RECORD_ERROR_MAX / 2];

	if (before) {
		snprintf(what, sizeof(what), "the same case as in %s:%zu",
			 before->path, before->line);
		return refuse(r, what);
	}
	if (r->out->count == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		void *items =
			realloc(r->out->items, room * sizeof(*r->out->items));

		if (!items)
			return refuse(r, "not enough memory");
		r->out->items = items;
		r->room = room;
	}
	r->out->items[r->out->count++] = *record;
	return 0;
}

static int read_lines(struct reader *r, FILE *file)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (len = getline(&text, &room, file)) >= 0) {
		struct record record;

		r->line++;
		ret = parse(r, text, (size_t)len, &record);
		if (!ret)
			ret = add(r, &record);
		if (ret)
			json_decref(record.json);
	}
	if (!ret && ferror(file))
		ret = refuse(r, strerror(errno));
	free(text);
	return ret;
}

int records_read(const char *path, struct records *out,
		 char error[RECORD_ERROR_MAX])
{
	struct reader r = {
		.path = path, .out = out, .room = out->count, .error = error};
	size_t before = out->count;
	FILE *file = fopen(path, "re");
	int ret;

	if (!file) {
		ret = -errno;
		snprintf(error, RECORD_ERROR_MAX, "%s: %s", path,
			 strerror(-ret));
		return ret;
	}
	ret = read_lines(&r, file);
	fclose(file);
	if (!ret && out->count == before) {
		snprintf(error, RECORD_ERROR_MAX, "%s: no measurement in it",
			 path);
		ret = -EINVAL;
	}
	return ret;
}

void records_free(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		json_decref(r->items[i].json);
	free(r->items);
	*r = (struct records){0};
}

static bool record_is_same(const struct record *a, const struct record *b)
{
	return a->rules == b->rules && !strcmp(a->set, b->set) &&
	       !strcmp(a->family, b->family) && !strcmp(a->engine, b->engine) &&
	       !strcmp(a->hook, b->hook) && !strcmp(a->trace, b->trace);
}

const struct record *records_find(const struct records *r,
				  const struct record *like)
{
	for (size_t i = 0; i < r->count; i++)
		if (record_is_same(&r->items[i], like))
			return &r->items[i];
	return NULL;
}
