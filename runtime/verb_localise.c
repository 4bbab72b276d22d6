/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_localise.c: an image that was read -> the image for this host and this
 * moment: tables of interfaces' addresses are filled from the interfaces, and
 * tables that persist keep what they hold in the policy that is in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/image_edit.h"
#include "engine_added.h"
#include "engine_names.h"
#include "nfload.h"

/*
 * Tables of the policy in force -> those of the same name. Where it can not be
 * read there is none, or applying fails for the same reason and says it better.
 */
static void keep_tables(struct nfload *t, struct image_edit *edit,
			size_t *found)
{
	struct engine_error err = {0};
	struct engine *engine = NULL;
	const struct image *old;
	struct image live;
	__u8 *bytes = NULL;
	int rc;

	if (!image_keeps_tables(edit->image))
		return;
	rc = engine_open(t->bpffs, &engine, &err);
	if (!rc)
		rc = engine_image(engine, 0, &old, &err);
	if (!rc)
		rc = engine_image_live(engine, 0, old, &live, &bytes, &err);
	if (!rc)
		*found += image_edit_keep(edit, &live);
	free(bytes);
	engine_close(&engine);
}

struct renames {
	struct arena *arena;
	struct host *host;
};

static void rename_tunnel(void *arg, const char *now, const char *name)
{
	struct renames *r = arg;

	host_rename(r->host, now, arena_printf(r->arena, "%s", name));
}

/* engine NULL: names are the devices' own. */
static int refill_tables(struct nfload *t, struct engine *engine,
			 struct image_edit *edit, size_t *found)
{
	struct arena *arena = arena_new();
	struct engine_error ignored;
	struct host *host;
	int rc = 0;

	/* A profile describes another host, and that was asked for. */
	if (!t->compile.host_profile) {
		rc = host_system(arena, &host);
		if (!rc && engine)
			engine_names(engine, rename_tunnel,
				     &(struct renames){arena, host}, &ignored);
		if (!rc)
			*found += image_edit_refill(edit, host);
	}
	arena_free(&arena);
	if (rc)
		return report_fail(t, EXIT_INPUT, "the system's interfaces: %s",
				   strerror(-rc));
	return 0;
}

static int replace_image(struct nfload *t, struct image_edit *edit,
			 struct input *in)
{
	char error[IMAGE_ERROR_MAX] = "";
	__u8 *bytes = NULL;
	size_t len;
	int rc = image_edit_finish(edit, &bytes, &len);

	if (rc)
		return report_fail(t, EXIT_INPUT, "%s: the tables: %s", t->file,
				   strerror(-rc));
	in->localised = bytes;
	if (image_open(bytes, len, &in->image, error))
		return report_fail(t, EXIT_INPUT, "%s: the tables: %s", t->file,
				   error);
	return 0;
}

int localise_refill(struct nfload *t, struct engine *engine,
		    const struct image *image, __u8 **bytes, struct image *out)
{
	char error[IMAGE_ERROR_MAX] = "";
	struct image_edit edit;
	size_t found = 0, len = 0;
	int status, rc = 0;

	*bytes = NULL;
	image_edit_begin(&edit, image);
	status = refill_tables(t, engine, &edit, &found);
	if (!status && found)
		rc = image_edit_finish(&edit, bytes, &len);
	image_edit_free(&edit);
	if (!status && !rc && found && image_open(*bytes, len, out, error))
		rc = -EBADMSG;
	if (rc)
		status = report_fail(t, EXIT_INPUT, "the tables: %s",
				     *error ? error : strerror(-rc));
	if (!status && found &&
	    memcmp(out->header->hash, image->header->hash, IMAGE_HASH_LEN))
		return 0;
	free(*bytes);
	*bytes = NULL;
	return status;
}

static int refuse_open(struct nfload *t, const struct image *image)
{
	int table = image_find_open(image);

	if (table < 0)
		return 0;
	report_fail(t, EXIT_INPUT,
		    "%s: the table <%s> is empty here, and a rule passes what "
		    "is not in it [fails-open]",
		    t->file, image_string(image, image->tables[table].name));
	report_hint(t,
		    image->tables[table].flags & IMAGE_TABLE_DYNAMIC
			    ? "apply again when the interface has an address"
			    : "give the table an entry, or leave the rule out");
	return EXIT_INPUT;
}

int input_localise(struct nfload *t, struct input *in)
{
	struct image before = in->image;
	struct image_edit edit;
	size_t found = 0;
	int status;

	in->failure = "1 error";
	image_edit_begin(&edit, &in->image);
	status = refill_tables(t, NULL, &edit, &found);
	if (!status)
		keep_tables(t, &edit, &found);
	if (!status && found)
		status = replace_image(t, &edit, in);
	image_edit_free(&edit);
	if (!status)
		status = refuse_open(t, &in->image);
	if (!status && found)
		status = refuse_broken(t, &before, &in->image);
	return status;
}
