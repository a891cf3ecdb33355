/* SPDX-License-Identifier: MIT */
/* Of core, for a provider that is tested without it: what refuses posts, and fails a test that wants none. */
#include "refusals.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/provider.h"

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

int64_t bvi_post_no_atomics(struct bv_channel *ch, const void *payload,
			    const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			    uint64_t compare)
{
	fail_msg("a post as of a channel without atomics: %#llx", (unsigned long long)what);
	return ch->ops->post_other(ch, payload, remote, what, swap_add, compare);
}
