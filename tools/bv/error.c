/* SPDX-License-Identifier: MIT */
/* One text per process: bv's commands are single-threaded. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bareverbs/bareverbs.h>

static char text[8192];

int fail(int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return rc;
}

/* A work that failed is explained at length; a call that failed by its own text. */
static const char *detail_of(struct bv_channel *ch)
{
	static char whole[BV_DIAGNOSIS_TEXT_MAX];
	struct bv_diagnosis diagnosis;
	struct bv_wc wc[8];

	/* A flush was reaped first: the work that caused it is on the other queue. */
	for (int n = 1; ch != NULL && bv_channel_error(ch, wc) == 1 && n > 0 &&
			wc->status == BV_STATUS_WORK_REQUEST_FLUSH_ERROR;)
		n = bv_poll(ch, wc, sizeof(wc) / sizeof(wc[0]));
	if (ch == NULL || bv_diagnose(ch, NULL, &diagnosis) != 1)
		return bv_error_text(ch);
	bv_diagnosis_text(&diagnosis, whole, sizeof(whole));
	return whole;
}

int fail_bv(int rc, struct bv_channel *ch, const char *format, ...)
{
	const char *detail = detail_of(ch);
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
