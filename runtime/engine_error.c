/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_error.c: what went wrong -> struct engine_error, and its code. */
#include "engine_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct engine_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	err->hint[0] = '\0';
	return code;
}

void error_hint(struct engine_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

int error_kernel(struct engine_error *err, int code, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	error_set(err, code, "can not %s: %s", what, strerror(-code));
	if (code == -EPERM || code == -EACCES) {
		error_hint(err, "run it as root, or with CAP_BPF, CAP_NET_ADMIN"
				" and CAP_PERFMON");
		return -EPERM;
	}
	if (code == -ENOSYS) {
		error_hint(err,
			   "this kernel was built without CONFIG_BPF_SYSCALL");
		return -EOPNOTSUPP;
	}
	if (code == -EOPNOTSUPP)
		error_hint(err, "this kernel does not have the feature");
	return code;
}
