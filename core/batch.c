/* SPDX-License-Identifier: MIT */
/*
 * Batches: the posts of work.h, one after the other, all but the last with BV_MORE.
 */
#include <bareverbs/batch.h>

#include <limits.h>

#include "error.h"
#include "provider.h"

static int64_t post_plain(struct bv_channel *ch, const struct bv_request *r, unsigned flags)
{
	switch (r->op) {
	case BV_REQUEST_SEND:
		return bv_post_send(ch, r->gather, r->nsge, flags);
	case BV_REQUEST_SEND_INLINE:
		return bv_post_send_inline(ch, r->buf, r->len, flags);
	case BV_REQUEST_WRITE:
		return bv_post_write(ch, r->gather, r->nsge, r->remote, flags);
	case BV_REQUEST_WRITE_INLINE:
		return bv_post_write_inline(ch, r->buf, r->len, r->remote, flags);
	case BV_REQUEST_READ:
		return bv_post_read(ch, r->scatter, r->nsge, r->remote, flags);
	default:
		return bvi_fail(-EINVAL, "bv_post_batch: no operation has the number %u",
				(unsigned)r->op);
	}
}

static int64_t post(struct bv_channel *ch, const struct bv_request *r, unsigned flags)
{
	switch (r->op) {
	case BV_REQUEST_SEND_IMM:
		return bv_post_send_imm(ch, r->gather, r->nsge, r->imm, flags);
	case BV_REQUEST_SEND_INLINE_IMM:
		return bv_post_send_inline_imm(ch, r->buf, r->len, r->imm, flags);
	case BV_REQUEST_WRITE_IMM:
		return bv_post_write_imm(ch, r->gather, r->nsge, r->remote, r->imm, flags);
	case BV_REQUEST_WRITE_INLINE_IMM:
		return bv_post_write_inline_imm(ch, r->buf, r->len, r->remote, r->imm, flags);
	case BV_REQUEST_FETCH_ADD:
		return bv_post_fetch_add(ch, r->scatter, r->remote, r->add, flags);
	case BV_REQUEST_COMPARE_SWAP:
		return bv_post_compare_swap(ch, r->scatter, r->remote, r->compare, r->swap, flags);
	default:
		return post_plain(ch, r, flags);
	}
}

int bv_post_batch(struct bv_channel *ch, const struct bv_request *requests, unsigned n)
{
	const uint64_t first = ch->sq_posted;
	int64_t rc = 0;

	if (n > INT_MAX)
		return bvi_fail(-EINVAL, "bv_post_batch: %u requests; the limit is %d", n, INT_MAX);
	for (unsigned i = 0; i < n && rc >= 0; i++)
		rc = post(ch, &requests[i], requests[i].flags | (i + 1 < n ? BV_MORE : 0));
	if (rc < 0) {
		const int flushed = bv_flush(ch);

		rc = flushed < 0 ? flushed : rc;
	}
	/* Works of before the batch may have been withdrawn with it. */
	if (ch->sq_posted > first)
		return (int)(ch->sq_posted - first);
	return rc < 0 ? (int)rc : 0;
}
