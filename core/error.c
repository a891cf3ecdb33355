/* SPDX-License-Identifier: MIT */
/*
 * The thread's last error. Only its own thread writes and reads it.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct bv_errinfo last = { .file = "" };

int bvi_fail_at(int code, const char *file, int line, const char *format, ...)
{
	va_list args;

	last.code = code;
	last.file = file;
	last.line = line;
	va_start(args, format);
	vsnprintf(last.text, sizeof(last.text), format, args);
	va_end(args);
	return code;
}

const char *bvi_errno_text(int rc)
{
	return strerror(rc < 0 ? -rc : rc);
}

const struct bv_errinfo *bv_last_error(void)
{
	return &last;
}

enum bv_error_kind bv_error_kind(int rc)
{
	if (rc >= 0)
		return BV_ERROR_NONE;
	switch (rc) {
	case -EINVAL:
	case -EMSGSIZE:
	case -ERANGE:
	case -EBADMSG:
	case -EPROTO:
		return BV_ERROR_INVALID_INPUT;
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
	case -ENOSPC:
	case -ENETDOWN:
		return BV_ERROR_RESOURCE;
	case -EPERM:
	case -EACCES:
		return BV_ERROR_PERMISSION;
	case -ENOENT:
	case -ENODEV:
		return BV_ERROR_NOT_FOUND;
	default:
		return BV_ERROR_DRIVER;
	}
}
