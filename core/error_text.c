/* SPDX-License-Identifier: MIT */
/*
 * One line for whatever went wrong: that of the channel's failed work, or that of the thread's last
 * failed call.
 */
#include "diagnosis.h"
#include "error.h"
#include "provider.h"

static _Thread_local char buffer[BV_ERRINFO_TEXT_MAX];

const char *bv_error_text(const struct bv_channel *ch)
{
	struct bvi_text out = { buffer, sizeof(buffer), 0 };
	struct bv_diagnosis d;

	if (!ch || !ch->core || !bvi_diagnosis_facts(ch, &d))
		return bv_last_error()->text;
	bvi_diagnosis_line(&d, &out);
	return buffer;
}
