/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c: paths and text -> files in one offset space -> file:line:col. */
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCES_MAX ((size_t)64 << 20)

struct entry {
	struct source_file file; /* first: a file pointer is its entry's */
	bool is_file;		 /* so that it can be read again */
	uint64_t hash;		 /* of its text, while that is released */
	uint32_t *line_starts;	 /* offsets in text */
	size_t line_count, line_capacity;
	struct source_use *uses; /* sorted, as the text is read in order */
	size_t use_count, use_capacity;
};

struct sources {
	struct arena *arena;
	struct arena *texts;	/* of files that can be read again; or arena */
	struct entry **entries; /* sorted by base */
	size_t count, capacity;
	size_t total; /* bytes of all files */
};

struct sources *sources_new(struct arena *arena)
{
	struct sources *s = arena_new_of(arena, struct sources);
	s->arena = s->texts = arena;
	return s;
}

void sources_keep_texts_in(struct sources *s, struct arena *texts)
{
	s->texts = texts;
}

static void index_lines(struct sources *s, struct entry *e)
{
	const char *text = e->file.text, *end = text + e->file.len;
	for (const char *line = text; line;) {
		e->line_starts =
			arena_grow(s->arena, e->line_starts, e->line_count,
				   &e->line_capacity, sizeof(*e->line_starts));
		e->line_starts[e->line_count++] = (uint32_t)(line - text);
		const char *newline =
			line < end ? memchr(line, '\n', (size_t)(end - line))
				   : NULL;
		line = newline ? newline + 1 : NULL;
	}
}

/* text is in the arena and has a NUL behind it. */
static struct entry *entry_add(struct sources *s, const char *path,
			       const char *text, size_t len)
{
	struct entry *e = arena_new_of(s->arena, struct entry);
	e->file.path = arena_strdup(s->arena, path);
	e->file.text = text;
	e->file.len = len;
	e->file.index = (uint32_t)s->count;
	/* One more than its length, so that each end of file has a place. */
	e->file.base = sources_end(s);
	s->total += len;
	s->entries = arena_grow(s->arena, s->entries, s->count, &s->capacity,
				sizeof(*s->entries));
	s->entries[s->count++] = e;
	index_lines(s, e);
	return e;
}

/* path as seen from the directory of the file that names it. */
static const char *path_resolve(struct sources *s, const char *path,
				struct span from)
{
	struct location loc;
	sources_locate(s, from.start, &loc);
	if (!loc.file || path[0] == '/' || !strcmp(path, "-"))
		return path;
	const char *slash = strrchr(loc.file->path, '/');
	if (!slash)
		return path;
	return arena_printf(s->arena, "%.*s/%s", (int)(slash - loc.file->path),
			    loc.file->path, path);
}

/* All of fd, up to max bytes; *out is malloc'd. */
static int read_all(int fd, size_t max, char **out, size_t *out_len)
{
	char *text = NULL;
	size_t len = 0, capacity = 0;
	for (;;) {
		if (len == capacity) {
			capacity = capacity ? capacity * 2 : 4096;
			char *moved = realloc(text, capacity);
			if (!moved) {
				free(text);
				return -ENOMEM;
			}
			text = moved;
		}
		ssize_t got = read(fd, text + len, capacity - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (size_t)got + len > max) {
			int err = got < 0 ? -errno : -EFBIG;
			free(text);
			return err;
		}
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*out = text;
	*out_len = len;
	return 0;
}

int sources_read(struct sources *s, const char *path, struct span from,
		 const struct source_file **out)
{
	bool is_stdin = !strcmp(path, "-");
	const char *resolved = path_resolve(s, path, from);
	int fd = is_stdin ? STDIN_FILENO : open(resolved, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char *text = NULL;
	size_t len = 0;
	struct stat st;
	int err = 0;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else
		err = read_all(fd, SOURCES_MAX - s->total, &text, &len);
	if (!is_stdin)
		close(fd);
	if (err)
		return err;
	bool is_file = !is_stdin && S_ISREG(st.st_mode);
	struct arena *arena = is_file ? s->texts : s->arena;
	struct entry *e =
		entry_add(s, resolved, arena_strndup(arena, text, len), len);
	e->is_file = is_file;
	e->file.included = from;
	free(text);
	*out = &e->file;
	return 0;
}

static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return hash;
}

void sources_release_texts(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct entry *e = s->entries[i];
		if (!e->is_file || !e->file.text)
			continue;
		e->hash = text_hash(e->file.text, e->file.len);
		e->file.text = NULL;
	}
	arena_release(s->texts, (struct arena_mark){0, 0});
}

/* So many bytes of fd, and no more are there. */
static bool read_exactly(int fd, char *text, size_t len)
{
	size_t have = 0;
	char more;
	for (;;) {
		bool is_end = have == len;
		ssize_t got = read(fd, is_end ? &more : text + have,
				   is_end ? 1 : len - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || is_end)
			return got == 0 && is_end;
		have += (size_t)got;
	}
}

/* What is not as it was stays without its text. */
static void text_restore(struct sources *s, struct entry *e)
{
	int fd = open(e->file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size == e->file.len) {
		char *text = arena_alloc(s->texts, e->file.len + 1);
		if (read_exactly(fd, text, e->file.len) &&
		    text_hash(text, e->file.len) == e->hash)
			e->file.text = text;
	}
	if (fd >= 0)
		close(fd);
}

void sources_restore_texts(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->entries[i]->file.text)
			text_restore(s, s->entries[i]);
}

const struct source_file *sources_add(struct sources *s, const char *path,
				      const char *text, size_t len)
{
	assert(len <= SOURCES_MAX - s->total);
	return &entry_add(s, path, arena_strndup(s->arena, text, len), len)
			->file;
}

const struct source_file *sources_file(const struct sources *s, uint32_t index)
{
	return index < s->count ? &s->entries[index]->file : NULL;
}

uint32_t sources_end(const struct sources *s)
{
	return (uint32_t)(1 + s->total + s->count);
}

uint32_t sources_count(const struct sources *s)
{
	return (uint32_t)s->count;
}

static struct entry *entry_find(const struct sources *s, uint32_t offset)
{
	if (offset == 0 || s->count == 0)
		return NULL;
	size_t low = 0, high = s->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (s->entries[middle]->file.base <= offset)
			low = middle;
		else
			high = middle;
	}
	struct entry *e = s->entries[low];
	return offset <= e->file.base + e->file.len ? e : NULL;
}

void sources_locate(const struct sources *s, uint32_t offset,
		    struct location *loc)
{
	*loc = (struct location){0};
	struct entry *e = entry_find(s, offset);
	if (!e)
		return;
	uint32_t in_text = offset - e->file.base;
	size_t low = 0, high = e->line_count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (e->line_starts[middle] <= in_text)
			low = middle;
		else
			high = middle;
	}
	size_t start = e->line_starts[low];
	size_t end = low + 1 < e->line_count ? e->line_starts[low + 1] - 1
					     : e->file.len;
	loc->file = &e->file;
	loc->line = (uint32_t)low + 1;
	loc->col = in_text - (uint32_t)start + 1;
	loc->line_text = e->file.text ? e->file.text + start : NULL;
	loc->line_len = end - start;
}

void sources_add_use(struct sources *s, struct span use, const char *name,
		     struct span defined)
{
	struct entry *e = entry_find(s, use.start);
	if (!e)
		return;
	e->uses = arena_grow(s->arena, e->uses, e->use_count, &e->use_capacity,
			     sizeof(*e->uses));
	const struct source_use *last =
		e->use_count ? &e->uses[e->use_count - 1] : NULL;
	name = last && !strcmp(last->name, name) ? last->name
						 : arena_strdup(s->arena, name);
	e->uses[e->use_count++] = (struct source_use){use, defined, name};
}

const struct source_use *sources_find_use(const struct sources *s,
					  uint32_t offset)
{
	struct entry *e = entry_find(s, offset);
	if (!e)
		return NULL;
	size_t low = 0, high = e->use_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (e->uses[middle].use.end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_inside = low < e->use_count && e->uses[low].use.start <= offset;
	return is_inside ? &e->uses[low] : NULL;
}

struct span span_join(struct span a, struct span b)
{
	if (!a.start)
		return b;
	if (!b.start)
		return a;
	struct span joined = a;
	if (b.end > joined.end)
		joined.end = b.end;
	return joined;
}
