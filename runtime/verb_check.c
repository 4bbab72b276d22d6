/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_check.c: a policy -> is it right? its canonical text, or its image. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfload.h"

/* It is right, and can not be put in force yet. */
static void check_unsupported(struct nfload *t, const struct compilation *c)
{
	const struct policy *p = c->policy;
	const char *warnings = diag_summary(c->diag);
	char rules[COUNT_TEXT_MAX], features[COUNT_TEXT_MAX];

	report_summary(t, false,
		       "%s: %s; %s that the datapath does not run yet: %s is "
		       "the first%s%s",
		       t->file, report_count(rules, p->rule_count, "rule"),
		       report_count(features, p->unsupported_count, "place"),
		       feature_name(p->unsupported[0].feature),
		       warnings ? "; " : "", warnings ? warnings : "");
}

int verb_check(struct nfload *t)
{
	char summary[INPUT_SUMMARY_MAX];
	struct input in;
	int status = input_read(t, 0, &in);

	if (status) {
		report_summary(t, true, "%s. Nothing was loaded.", in.failure);
	} else if (in.compilation && !in.compilation->image) {
		check_unsupported(t, in.compilation);
	} else {
		input_put(t, &in);
		if (t->verbose && in.compilation)
			input_print(t, &in);
		report_stages(t);
		report_summary(t, false, "%s", input_summary(t, &in, summary));
	}
	input_free(&in);
	return status;
}

int verb_print(struct nfload *t)
{
	struct input in;
	int status = input_read(t, INPUT_TEXT_ONLY, &in);

	if (status)
		report_summary(t, true, "%s. Nothing was printed.", in.failure);
	else
		input_print(t, &in);
	input_free(&in);
	return status;
}

/* 0 or -errno. */
static int write_all(int fd, const __u8 *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* A new file beside the old, then renamed: no one reads half an image. */
static int write_renamed(const char *path, const struct image *image)
{
	mode_t mask = umask(0);
	char *temporary;
	int rc, fd;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		abort();
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		free(temporary);
		return rc;
	}
	rc = write_all(fd, image->bytes, image->len);
	if (!rc && (fchmod(fd, 0666 & ~mask) || fsync(fd)))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (rc)
		unlink(temporary);
	free(temporary);
	return rc;
}

/* A pipe or a device is written to, never replaced. */
static int write_image(const char *path, const struct image *image)
{
	struct stat st;
	int rc, fd;

	if (!strcmp(path, "-"))
		return write_all(STDOUT_FILENO, image->bytes, image->len);
	if (stat(path, &st) || S_ISREG(st.st_mode))
		return write_renamed(path, image);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, image->bytes, image->len);
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

static int compile_to(struct nfload *t, const struct input *in)
{
	char summary[INPUT_SUMMARY_MAX];
	bool is_stdout = !strcmp(t->output, "-");
	int rc;

	if (is_stdout && isatty(STDOUT_FILENO))
		return report_fail(t, EXIT_INPUT,
				   "an image is not for a terminal; name a "
				   "file with --output");
	rc = write_image(t->output, &in->image);
	if (rc)
		return report_fail(t, EXIT_INPUT, "%s: %s", t->output,
				   strerror(-rc));
	input_put(t, in);
	json_put_text(t->json, JSON_FIELD_OUTPUT, t->output);
	if (!is_stdout)
		report_stages(t);
	if (!is_stdout)
		report_summary(t, false, "%s; %zu bytes in %s",
			       input_summary(t, in, summary), in->image.len,
			       t->output);
	return EXIT_YES;
}

int verb_compile(struct nfload *t)
{
	struct input in = {.failure = "1 error"};
	int status;

	if (!t->output)
		status = report_fail(t, EXIT_INPUT,
				     "\"nfload compile\" needs --output OUT");
	else if (t->json && !strcmp(t->output, "-"))
		status = report_fail(t, EXIT_INPUT,
				     "--json and the image can not both go to "
				     "standard output");
	else
		status = input_read(t, INPUT_TEXT_ONLY, &in);
	if (!status)
		status = compile_to(t, &in);
	if (status)
		report_summary(t, true, "%s. Nothing was written.",
			       in.failure ? in.failure : "1 error");
	input_free(&in);
	return status;
}
