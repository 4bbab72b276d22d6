/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_input.c: FILE, a policy or an image -> an image that was verified. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfload.h"

#define INPUT_LISTED_MAX (1 << 20) /* bytes of a file */
#define INPUT_LONG "rules of files over 1 MiB are listed by \"nfload print\""

#define IMAGE_LEN_MAX (256u << 20)

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* By its first bytes, or by its name, so that a damaged one is told so. */
static bool is_image(const char *path)
{
	__u32 magic = 0;
	bool has_magic;
	int fd;

	if (!strcmp(path, "-"))
		return false;
	if (ends_in(path, ".nfi"))
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	has_magic = pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) &&
		    magic == IMAGE_MAGIC;
	close(fd);
	return has_magic;
}

/* 0 or -errno. */
static int read_bytes(const char *path, void **bytes, size_t *len)
{
	struct stat st;
	size_t have = 0;
	ssize_t got = 1;
	int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > IMAGE_LEN_MAX)
		rc = -EFBIG;
	if (rc)
		goto out;
	*bytes = malloc((size_t)st.st_size + 1);
	if (!*bytes)
		abort();
	while (have < (size_t)st.st_size && got > 0) {
		got = read(fd, (char *)*bytes + have,
			   (size_t)st.st_size - have);
		if (got > 0)
			have += (size_t)got;
	}
	if (got < 0)
		rc = -errno;
	*len = have;
out:
	close(fd);
	return rc;
}

static int read_image(struct nfload *t, struct input *in)
{
	char error[IMAGE_ERROR_MAX] = "";
	size_t len = 0;
	int rc = read_bytes(t->file, &in->bytes, &len);

	in->failure = "1 error";
	if (rc)
		return report_fail(t, EXIT_INPUT, "%s: %s", t->file,
				   strerror(-rc));
	rc = image_open(in->bytes, len, &in->image, error);
	if (rc)
		return report_fail(t, EXIT_INPUT, "%s: %s", t->file,
				   *error ? error : strerror(-rc));
	return 0;
}

void input_show(struct nfload *t, const struct diag *diag)
{
	if (t->json) {
		json_put(t->json, JSON_FIELD_DIAGNOSTICS, diag_json(diag));
		return;
	}
	diag_print(diag, stderr, t->use_error_color);
	fflush(stderr);
}

/* What -v would list takes several times the memory of what is loaded. */
static bool is_long(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > INPUT_LISTED_MAX;
}

static int compile_text(struct nfload *t, struct input *in)
{
	char error[IMAGE_ERROR_MAX] = "";
	const char *message = NULL;
	struct compilation *c;
	int rc;

	in->failure = "1 error";
	t->compile.is_checked = t->verb == VERB_CHECK ||
				t->verb == VERB_PRINT ||
				t->verb == VERB_CONVERT;
	t->compile.is_converted = t->verb == VERB_CONVERT;
	t->compile.lists_differences =
		t->verb == VERB_CHECK || t->verb == VERB_CONVERT;
	t->compile.is_lean = (!t->verbose || is_long(t->file)) &&
			     (t->verb == VERB_CHECK || t->verb == VERB_APPLY ||
			      t->verb == VERB_COMPILE);
	rc = compile_file(t->file, &t->compile, &in->compilation, &message);
	meter_pause(t->meter);
	c = in->compilation;
	if (rc)
		return report_fail(t, EXIT_INPUT, "%s",
				   message ? message : strerror(-rc));
	if (!t->compile.is_converted)
		input_show(t, c->diag);
	if (t->compile.is_lean)
		sources_release_texts(c->sources);
	if (diag_errors(c->diag)) {
		in->failure = diag_summary(c->diag);
		return EXIT_INPUT;
	}
	if (!c->image && t->compile.is_checked)
		return 0;
	progress_stage(t->compile.progress, "verify");
	/* An image that its own reader refuses is a bug, and not loaded. */
	if (!c->image || image_open(c->image, c->image_len, &in->image, error))
		return report_fail(t, EXIT_INPUT,
				   "%s: the compiler made a bad image: %s",
				   t->file, error);
	meter_pause(t->meter);
	return 0;
}

int input_read(struct nfload *t, unsigned flags, struct input *in)
{
	memset(in, 0, sizeof(*in));
	json_put_text(t->json, JSON_FIELD_FILE, t->file);
	if (!is_image(t->file))
		return compile_text(t, in);
	if (!(flags & INPUT_TEXT_ONLY))
		return read_image(t, in);
	in->failure = "1 error";
	report_fail(t, EXIT_INPUT,
		    "%s: an image; \"nfload %s\" needs the rules as text",
		    t->file, nfload_options.verbs[t->verb].name);
	report_hint(t, "\"nfload dump --stage=image\" shows what it holds");
	return EXIT_INPUT;
}

void input_free(struct input *in)
{
	compile_free(&in->compilation);
	free(in->bytes);
	free(in->localised);
	memset(in, 0, sizeof(*in));
}

const char *input_summary(struct nfload *t, const struct input *in,
			  char out[INPUT_SUMMARY_MAX])
{
	const struct image *image = &in->image;
	char rules[COUNT_TEXT_MAX], guard[COUNT_TEXT_MAX];
	char tables[COUNT_TEXT_MAX], ifaces[COUNT_TEXT_MAX];
	char insns[COUNT_TEXT_MAX];
	const char *warnings = NULL;
	__u32 guard_first = image->header->guard_first;

	if (in->compilation)
		warnings = diag_summary(in->compilation->diag);
	snprintf(out, INPUT_SUMMARY_MAX, "%.200s: %s, %s, %s, %s; %s%s%.80s",
		 t->file, report_count(rules, guard_first, "rule"),
		 report_count(guard, image->rule_count - guard_first,
			      "guard rule"),
		 report_count(tables, image->table_count, "table"),
		 report_count(ifaces, image->iface_count, "interface"),
		 report_count(insns, image->insn_count, "instruction"),
		 warnings ? "; " : "", warnings ? warnings : "");
	return out;
}

void input_put(struct nfload *t, const struct input *in)
{
	const struct image *image = &in->image;
	__u32 guard_first = image->header->guard_first;
	char hash[13];
	json_t *o;

	if (!t->json)
		return;
	o = json_object();
	image_short_hash(image, hash);
	json_put_int(o, JSON_FIELD_POLICY_RULES, guard_first);
	json_put_int(o, JSON_FIELD_POLICY_GUARD,
		     image->rule_count - guard_first);
	json_put_int(o, JSON_FIELD_POLICY_TABLES, image->table_count);
	json_put_int(o, JSON_FIELD_POLICY_IFACES, image->iface_count);
	json_put_int(o, JSON_FIELD_POLICY_INSNS, image->insn_count);
	json_put_int(o, JSON_FIELD_POLICY_BYTES, (json_int_t)image->len);
	json_put_int(o, JSON_FIELD_POLICY_CODE_BYTES,
		     (json_int_t)image->insn_count * sizeof(*image->code));
	json_put_int(o, JSON_FIELD_POLICY_HASH_BYTES, image->hash_len);
	json_put_text(o, JSON_FIELD_POLICY_HASH, hash);
	json_put(t->json, JSON_FIELD_POLICY, o);
}

static json_t *node_json(const struct ast_node *node)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *value;

	if (!out)
		abort();
	print_node(node, out);
	if (fclose(out))
		abort();
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	value = json_text(text);
	free(text);
	return value;
}

void input_print(struct nfload *t, const struct input *in)
{
	const struct ast_node *node;
	json_t *list;

	if (t->compile.is_lean) {
		if (t->json)
			report_note(t, INPUT_LONG);
		else
			puts(INPUT_LONG);
		return;
	}
	node = in->compilation->policy->printable;
	list = t->json ? json_array() : NULL;
	for (; node; node = node->next) {
		if (list)
			json_array_append_new(list, node_json(node));
		else
			print_node(node, stdout);
	}
	if (list)
		json_put(t->json, JSON_FIELD_STATEMENTS, list);
}
