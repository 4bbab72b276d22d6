/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_devices.c: devices and their hooks -> a table, a clause, or JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "nfload.h"
#include "term.h"

#define CELL_MAX 320

static const char *const link_names[] = {
	[NFR_LINK_UNKNOWN] = "unknown",
	[NFR_LINK_ETHER] = "ether",
	[NFR_LINK_RAW] = "raw",
};

static const char *link_name(enum nfr_link link)
{
	return (unsigned)link <= NFR_LINK_RAW ? link_names[link] : "unknown";
}

bool device_is_guarded(const struct engine_device *d)
{
	return d->hook[NFR_DIR_IN].mode != ENGINE_MODE_NONE &&
	       d->hook[NFR_DIR_OUT].mode != ENGINE_MODE_NONE;
}

/* "tcx 0/2": the first of two; "xdp-native"; "none". */
static const char *hook_text(const struct engine_hook *hook, char out[CELL_MAX])
{
	if (hook->mode == ENGINE_MODE_NONE || hook->position < 0 ||
	    !hook->chain_len)
		snprintf(out, CELL_MAX, "%s", engine_mode_name(hook->mode));
	else
		snprintf(out, CELL_MAX, "%s %d/%u",
			 engine_mode_name(hook->mode), hook->position,
			 hook->chain_len);
	return out;
}

static const char *about_text(const struct engine_device *d, char out[CELL_MAX])
{
	const char *in_why = d->hook[NFR_DIR_IN].why;
	const char *out_why = d->hook[NFR_DIR_OUT].why;

	snprintf(out, CELL_MAX, "%s%s%s%s%s",
		 d->is_skipped	 ? "skipped: not guarded"
		 : !d->is_tunnel ? ""
		 : d->is_trusted ? "tunnel"
				 : "tunnel, but another device than at the "
				   "load: blocks",
		 *in_why ? "; in: " : "", in_why, *out_why ? "; out: " : "",
		 out_why);
	return out[0] == ';' ? out + 2 : out;
}

void devices_print_table(struct nfload *t, const struct engine_devices *devices)
{
	static const char *const heading[] = {"device", "link", "in", "out",
					      ""};
	struct term_table table;

	term_table_begin(&table, 5, "lllll");
	term_table_add(&table, heading);
	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *d = &devices->items[i];
		char in[CELL_MAX], out[CELL_MAX], about[CELL_MAX];
		const char *cells[] = {d->name, link_name(d->link),
				       hook_text(&d->hook[NFR_DIR_IN], in),
				       hook_text(&d->hook[NFR_DIR_OUT], out),
				       about_text(d, about)};

		term_table_add(&table, cells);
	}
	term_table_end(&table, stdout, t->use_color);
}

void devices_print_brief(const struct engine_devices *devices, FILE *out)
{
	const char *gap = "";

	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *d = &devices->items[i];

		if (d->is_skipped)
			fprintf(out, "%s%s skipped", gap, d->name);
		else
			fprintf(out, "%s%s in %s, out %s", gap, d->name,
				engine_mode_name(d->hook[NFR_DIR_IN].mode),
				engine_mode_name(d->hook[NFR_DIR_OUT].mode));
		gap = "; ";
	}
}

static json_t *hook_json(const struct engine_hook *hook)
{
	json_t *o = json_object();

	json_put_text(o, JSON_FIELD_HOOK_MODE, engine_mode_name(hook->mode));
	if (hook->position >= 0)
		json_put_int(o, JSON_FIELD_HOOK_POSITION, hook->position);
	if (hook->chain_len)
		json_put_int(o, JSON_FIELD_HOOK_CHAIN, hook->chain_len);
	json_put_bool(o, JSON_FIELD_HOOK_NEW, hook->is_new);
	if (*hook->why)
		json_put_text(o, JSON_FIELD_HOOK_WHY, hook->why);
	return o;
}

void devices_put(struct nfload *t, const struct engine_devices *devices)
{
	json_t *list;

	if (!t->json)
		return;
	list = json_array();
	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *d = &devices->items[i];
		json_t *o = json_object();

		json_put_text(o, JSON_FIELD_DEVICE_NAME, d->name);
		json_put_int(o, JSON_FIELD_DEVICE_IFINDEX, d->ifindex);
		json_put_text(o, JSON_FIELD_DEVICE_KIND, d->kind);
		json_put_text(o, JSON_FIELD_DEVICE_LINK, link_name(d->link));
		json_put_bool(o, JSON_FIELD_DEVICE_SKIPPED, d->is_skipped);
		json_put_bool(o, JSON_FIELD_DEVICE_TUNNEL, d->is_tunnel);
		if (d->is_tunnel)
			json_put_bool(o, JSON_FIELD_DEVICE_TRUSTED,
				      d->is_trusted);
		json_put(o, JSON_FIELD_DEVICE_IN,
			 hook_json(&d->hook[NFR_DIR_IN]));
		json_put(o, JSON_FIELD_DEVICE_OUT,
			 hook_json(&d->hook[NFR_DIR_OUT]));
		json_array_append_new(list, o);
	}
	json_put(t->json, JSON_FIELD_DEVICES, list);
}
