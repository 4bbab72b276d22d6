/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpflog.c: libbpf's messages -> the last lines, kept for an error.
 *
 * A verifier's log has up to megabytes and says what matters at its end, so
 * the buffer keeps the end.
 */
#include "bpflog.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const struct engine_options *options;
	libbpf_print_fn_t before;
	char tail[sizeof(((struct engine_error *)0)->log)];
	size_t len;
} bpflog;

static void bpflog_keep(const char *text, size_t len)
{
	size_t room = sizeof(bpflog.tail) - 1;

	if (len > room) {
		text += len - room;
		len = room;
	}
	if (bpflog.len + len > room) {
		size_t drop = bpflog.len + len - room;

		memmove(bpflog.tail, bpflog.tail + drop, bpflog.len - drop);
		bpflog.len -= drop;
	}
	memcpy(bpflog.tail + bpflog.len, text, len);
	bpflog.len += len;
	bpflog.tail[bpflog.len] = '\0';
}

static void bpflog_forward(char *text)
{
	const struct engine_options *options = bpflog.options;
	char *rest = NULL;

	if (!options || !options->log)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		options->log(options->log_arg, line);
}

static int __attribute__((format(printf, 2, 0)))
bpflog_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text = NULL;
	int len;

	if (level == LIBBPF_DEBUG && !(bpflog.options && bpflog.options->log))
		return 0;
	len = vasprintf(&text, fmt, ap);
	if (len < 0)
		return 0;
	if (level != LIBBPF_DEBUG)
		bpflog_keep(text, (size_t)len);
	bpflog_forward(text);
	free(text);
	return len;
}

void bpflog_begin(const struct engine_options *options)
{
	bpflog.options = options;
	bpflog.len = 0;
	bpflog.tail[0] = '\0';
	bpflog.before = libbpf_set_print(bpflog_print);
}

void bpflog_end(struct engine_error *err)
{
	const char *from = bpflog.tail;

	libbpf_set_print(bpflog.before);
	bpflog.options = NULL;
	if (!err)
		return;
	if (bpflog.len == sizeof(bpflog.tail) - 1 && strchr(from, '\n'))
		from = strchr(from, '\n') + 1;
	memcpy(err->log, from, strlen(from) + 1);
}
