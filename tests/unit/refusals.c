/* SPDX-License-Identifier: MIT */
/* Of core, for a provider that is tested without it: what refuses posts, and fails a test that wants none. */
#include "refusals.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bareverbs/bareverbs.h>

unsigned refusals_wanted;

static bool wanted(void)
{
	if (!refusals_wanted)
		return false;
	refusals_wanted--;
	return true;
}

int64_t bvi_reject_list(const struct bv_channel *ch, unsigned nsge, unsigned max_sge,
			uint64_t length, const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	if (wanted())
		return -EINVAL;
	fail_msg("refused: %u of %u elements, %llu bytes, flags %#x", nsge, max_sge,
		 (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_inline(const struct bv_channel *ch, uint64_t length,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	if (wanted())
		return -EMSGSIZE;
	fail_msg("refused: %llu bytes inline, flags %#x", (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	fail_msg("refused: an atomic of %u bytes at 0x%llx, flags %#x", result->length,
		 (unsigned long long)remote->addr, flags);
	return -EINVAL;
}
