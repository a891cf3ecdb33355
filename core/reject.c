/* SPDX-License-Identifier: MIT */
/*
 * Why a post was refused before it reached the provider: the inline call found that something does
 * not fit, and leaves it to these to say what. Checks are in the order in which a caller would make
 * them: shape of the call, then sizes.
 */
#include <bareverbs/work.h>

#include <inttypes.h>

#include "error.h"
#include "provider.h"

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

int64_t bvi_reject_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			  const struct bv_remote *remote, unsigned flags)
{
	if (flags & ~BV_POST_FLAGS)
		return unknown_flags(flags);
	if (result->length != sizeof(uint64_t))
		return bvi_fail(-EINVAL,
				"post: the result of an atomic is 8 bytes; the element has %u",
				result->length);
	if (remote->length < sizeof(uint64_t))
		return beyond_remote(sizeof(uint64_t), remote);
	if (remote->addr % sizeof(uint64_t) != 0)
		return bvi_fail(-EINVAL,
				"post: an atomic works on 8 bytes at a multiple of 8; the remote "
				"address is 0x%" PRIx64,
				remote->addr);
	if (ch->core->state == BV_CHANNEL_READY && ch->core->rd_atomic == 0)
		return bvi_fail(-EOPNOTSUPP,
				"post: no atomics on this connection: it allows none in flight; "
				"set rd_atomic above 0 on both sides");
	return bvi_fail(
		-EOPNOTSUPP,
		"post: the device has no atomics (atomic_cap of ibv_devinfo -v); use sends, "
		"and let the peer change its memory");
}
