/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c: the field table -> objects with these fields. */
#include "json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BOOLEAN JSON_TRUE

static const struct json_field_info fields[] = {
#define NFR_JSON(sym, object, name, type, text)                                \
	{(object), (name), JSON_##type, (text)},
#include "json.def"
#undef NFR_JSON
};

const struct json_field_info *json_field_info(enum json_field field)
{
	assert(field < JSON_FIELD_COUNT);
	return &fields[field];
}

void json_put(json_t *object, enum json_field field, json_t *value)
{
	if (!object) {
		json_decref(value);
		return;
	}
	if (!value)
		abort();
	assert(field < JSON_FIELD_COUNT);
	assert(fields[field].type == JSON_TRUE
		       ? json_is_boolean(value)
		       : json_typeof(value) == fields[field].type);
	if (json_object_set_new(object, fields[field].name, value))
		abort();
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy;

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		abort();
	for (char *at = copy; *at; at++)
		if (*at & 0x80)
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

void json_put_text(json_t *object, enum json_field field, const char *text)
{
	if (object)
		json_put(object, field, json_text(text));
}

void json_put_int(json_t *object, enum json_field field, json_int_t number)
{
	if (object)
		json_put(object, field, json_integer(number));
}

void json_put_bool(json_t *object, enum json_field field, int is_true)
{
	if (object)
		json_put(object, field, json_boolean(is_true));
}

void json_print_fields(FILE *out)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "object",   [JSON_ARRAY] = "array",
		[JSON_STRING] = "string",   [JSON_INTEGER] = "integer",
		[JSON_BOOLEAN] = "boolean",
	};

	for (size_t i = 0; i < JSON_FIELD_COUNT; i++) {
		int len =
			fprintf(out, "%s.%s", fields[i].object, fields[i].name);

		fprintf(out, "%*s%-8s %s\n", len < 24 ? 24 - len : 1, "",
			types[fields[i].type], fields[i].text);
	}
}
