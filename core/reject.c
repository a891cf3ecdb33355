/* SPDX-License-Identifier: MIT */
/*
 * Why a post was refused before it reached the provider: the inline call found that something does
 * not fit, and leaves it to these to say what. Checks are in the order in which a caller would make
 * them: shape of the call, then sizes.
 */
#include <bareverbs/work.h>

#include <inttypes.h>

#include "error.h"

static int64_t unknown_flags(unsigned flags)
{
	return bvi_fail(-EINVAL, "post: unknown flags 0x%x", flags & ~BV_POST_FLAGS);
}

static int64_t beyond_remote(uint64_t length, const struct bv_remote *remote)
{
	return bvi_fail(-ERANGE,
			"post: %" PRIu64
			" bytes do not fit into the remote region, which has %" PRIu64
			" from 0x%" PRIx64 " on",
			length, remote->length, remote->addr);
}

int64_t bvi_reject_list(const struct bv_channel *ch, unsigned nsge, unsigned max_sge,
			uint64_t length, const struct bv_remote *remote, unsigned flags)
{
	if (nsge > max_sge)
		return bvi_fail(-EINVAL, "post: %u elements; the channel was created for %u", nsge,
				max_sge);
	if (flags & ~BV_POST_FLAGS)
		return unknown_flags(flags);
	if (remote && length > remote->length)
		return beyond_remote(length, remote);
	return bvi_fail(-EMSGSIZE,
			"post: the list holds more than %u bytes, the longest message of "
			"the port",
			ch->max_msg);
}

int64_t bvi_reject_inline(const struct bv_channel *ch, uint64_t length,
			  const struct bv_remote *remote, unsigned flags)
{
	if (flags & ~BV_POST_FLAGS)
		return unknown_flags(flags);
	if (length > ch->max_inline || !remote)
		return bvi_fail(-EMSGSIZE,
				"post: %" PRIu64
				" bytes inline; the channel takes %u: create it with a "
				"larger max_inline, or post from a region",
				length, ch->max_inline);
	return beyond_remote(length, remote);
}
