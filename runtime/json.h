/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h: fields of json.def, and of nothing else, in jansson's objects. */
#ifndef NFR_JSON_H
#define NFR_JSON_H

#include <jansson.h>
#include <stdio.h>

enum json_field {
#define NFR_JSON(sym, object, name, type, text) JSON_FIELD_##sym,
#include "json.def"
#undef NFR_JSON
	JSON_FIELD_COUNT
};

struct json_field_info {
	const char *object, *name;
	json_type type; /* JSON_TRUE stands for a boolean */
	const char *text;
};

const struct json_field_info *json_field_info(enum json_field);

/*
 * Takes over value. Every put_ is a no-op when object is NULL, so that callers
 * need not ask whether --json was given. Out of memory is abort().
 */
void json_put(json_t *object, enum json_field, json_t *value);
void json_put_text(json_t *object, enum json_field, const char *);
void json_put_int(json_t *object, enum json_field, json_int_t);
void json_put_bool(json_t *object, enum json_field, int);
/* A string whatever bytes it has: what is not UTF-8 is written as "?". */
json_t *json_text(const char *);

/* The table, one field a line, for "nfload help json". */
void json_print_fields(FILE *);

#endif
