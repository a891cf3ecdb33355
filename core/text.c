/* SPDX-License-Identifier: MIT */
/*
 * Texts that grow piece by piece.
 */
#include <stdarg.h>
#include <stdio.h>

#include "diagnosis.h"

void bvi_text_add(struct bvi_text *out, const char *format, ...)
{
	const bool room = out->used < out->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? out->text + out->used : NULL, room ? out->size - out->used : 0, format,
		      args);
	va_end(args);
	out->used += n > 0 ? (size_t)n : 0;
}
