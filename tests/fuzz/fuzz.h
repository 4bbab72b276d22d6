/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h: what the targets share. Each is one function from bytes to nothing,
 * linked with libFuzzer, or with replay.c; a crash is a finding.
 */
#ifndef NFR_FUZZ_H
#define NFR_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "compiler/image.h"

/* Names of libFuzzer's, which calls them. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Aborts with a message unless is_so. */
void fuzz_require(bool is_so, const char *what);
/* tests/fuzz/host.json, which leaves nothing to ask the system for; once. */
const struct host *fuzz_host(void);
/*
 * A policy that a target judges by -> its image, which lives as long as the
 * process. Called before the first input.
 */
void fuzz_compile(const char *text, struct image *out);

#endif
