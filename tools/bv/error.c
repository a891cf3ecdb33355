/* SPDX-License-Identifier: MIT */
/* One text per process: bv's commands are single-threaded. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bareverbs/bareverbs.h>

static char text[4096];

int fail(int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return rc;
}

int fail_bv(int rc, const struct bv_channel *ch, const char *format, ...)
{
	const char *detail = bv_error_text(ch);
	size_t length;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length, ": %s",
		 detail[0] != '\0' ? detail : strerror(-rc));
	return rc;
}

const char *fail_text(void)
{
	return text;
}
