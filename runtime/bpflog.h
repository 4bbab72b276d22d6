/* SPDX-License-Identifier: BSD-2-Clause */
/* bpflog.h: libbpf's messages -> the last lines, kept for an error. */
#ifndef NFR_BPFLOG_H
#define NFR_BPFLOG_H

#include "engine.h"

/*
 * libbpf has one callback for the process and gives it no argument, so this is
 * a stack of one: begin, call libbpf, end. Not for two threads at once.
 */
void bpflog_begin(const struct engine_options *);
/* The last whole lines said since begin, to err->log when err is not NULL. */
void bpflog_end(struct engine_error *err);

#endif
