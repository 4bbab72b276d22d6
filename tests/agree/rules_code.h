/* SPDX-License-Identifier: BSD-2-Clause */
/* rules_code.h: an image -> its rules as eBPF in the kernel, for many keys. */
#ifndef NFR_RULES_CODE_H
#define NFR_RULES_CODE_H

#include "compiler/image.h"
#include "runtime/native.h"
#include "runtime/native_keys.h"

struct rules_code {
	struct bpf_object *object;
	struct native_entry *entries; /* NATIVE_KEYS of them, mapped */
	int run, idle;		      /* programs */
	int next;		      /* the map that says which is next */
	struct native_about about;
	uint64_t load_ns;
	uint32_t generation;
	uint64_t hole; /* names the code inside of run; 0: there is none */
	uint64_t used; /* what the configuration names */
};

/*
 * 0; -EOPNOTSUPP: the image has nothing to translate; -EPERM: not root; else a
 * failure. rules_code_close() after a success.
 */
int rules_code_open(const struct image *, struct rules_code *);
/* The keys of all entries -> their rules, which may be NATIVE_NONE. */
int rules_code_judge(struct rules_code *);
/* Rules are found by code inside of the program, or by code that it calls. */
int rules_code_inline(struct rules_code *, bool is_inline);
/* As if another policy came: neither keys nor code of before are known. */
int rules_code_forget(struct rules_code *);
/* The code is gone: who still has a rule knows it from before. */
int rules_code_stop(struct rules_code *);
/* Nanoseconds of a key over what the test itself costs, and that. */
int rules_code_time(struct rules_code *, double *ns, double *idle_ns);
void rules_code_close(struct rules_code *);

#endif
