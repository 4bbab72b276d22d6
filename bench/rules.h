/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h: an image and a trace in private maps of the kernel -> the rule of
 * each header, and ns a header, of each form that the rules can run in.
 */
#ifndef NFR_RULES_H
#define NFR_RULES_H

#include "filters.h"
#include "measure.h"

#define RULES_VM_MAX 20000u /* above them a walk takes milliseconds */

enum rules_form {
	RULES_FLOOR,
	RULES_VM,
	RULES_NATIVE,
	RULES_INLINE,
	RULES_HASH,
	RULES_FORMS
};
extern const char *const rules_form_names[RULES_FORMS];

struct rules {
	struct bpf_object *object;
	int prog[RULES_FORMS];
	int cursor;
	bool is_ipv6;
	enum measure_loop loop;
	double load_ms[RULES_FORMS];
	size_t bytes[RULES_FORMS]; /* that the form reads; 0: there is none */
	char why_not[MEASURE_ERROR_MAX];    /* there is no native code ... */
	char why_called[MEASURE_ERROR_MAX]; /* ... or not inside */
	uint64_t hole;			    /* names what is; 0: nothing */
	const struct filters *set;
	uint32_t *rule_of; /* the image's rule of each filter */
	uint32_t otherwise;
};

/* All: 0, or -errno with error set. Freed by rules_free() in any case. */
int rules_load(const struct image *, const struct filters *, bool is_ipv6,
	       enum measure_loop, struct rules *out,
	       char error[MEASURE_ERROR_MAX]);
void rules_free(struct rules *);
/* Every header of the trace finds what a walk over the filters finds. */
int rules_check(const struct rules *, enum rules_form,
		char error[MEASURE_ERROR_MAX]);
/* Mean ns of so many runs over the trace; one: always its first header. */
int rules_run(const struct rules *, enum rules_form, bool is_one,
	      uint32_t repeat, double *ns, char error[MEASURE_ERROR_MAX]);

#endif
