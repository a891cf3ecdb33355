/* SPDX-License-Identifier: MIT */
/*
 * The slots of a table, of the functions post_*() that the including file has, one for each operation.
 * They check what takes the channel's limits to see.
 */
#ifndef BV_PROVIDERS_VERBS_SLOTS_H
#define BV_PROVIDERS_VERBS_SLOTS_H

#include "post.h"

static inline __attribute__((always_inline)) int64_t
list_slot(struct bv_channel *ch, const void *sg, const struct bv_remote *remote, uint64_t what,
	  unsigned nsge, unsigned flags)
{
	if (bvi_unlikely(!bvi_list_fits_channel(ch, sg, nsge)))
		return bvi_refuse_list(ch, nsge);
	switch (bvi_what_op(what)) {
	case BV_OP_WRITE:
		return post_write(ch, sg, nsge, remote, flags);
	case BV_OP_SEND:
		return post_send(ch, sg, nsge, flags);
	default:
		return post_read(ch, sg, nsge, remote, flags);
	}
}

static inline __attribute__((always_inline)) int64_t inline_slot(struct bv_channel *ch,
								 const void *buf,
								 const struct bv_remote *remote,
								 size_t len, unsigned flags)
{
	if (bvi_unlikely(len > ch->max_inline))
		return bvi_refuse_length(ch, (unsigned)len);
	return remote ? post_write_inline(ch, buf, len, remote, flags) :
			post_send_inline(ch, buf, len, flags);
}

static int64_t slot_post_one(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			     uint64_t what)
{
	return list_slot(ch, sg, remote, what, 1, 0);
}

static int64_t slot_post(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what)
{
	return list_slot(ch, sg, remote, what, bvi_what_n(what, BVI_SHORT_LIST),
			 bvi_what_flags(what));
}

static int64_t slot_post_inline8(struct bv_channel *ch, const void *buf,
				 const struct bv_remote *remote, uint64_t what)
{
	(void)what;
	return inline_slot(ch, buf, remote, 8, 0);
}

static int64_t slot_post_inline(struct bv_channel *ch, const void *buf,
				const struct bv_remote *remote, uint64_t what)
{
	return inline_slot(ch, buf, remote, bvi_what_n(what, BVI_SHORT_INLINE),
			   bvi_what_flags(what));
}

static int64_t slot_post_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			     uint64_t what, uint32_t imm)
{
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST), flags = bvi_what_flags(what);

	if (bvi_unlikely(!bvi_list_fits_channel(ch, sg, nsge)))
		return bvi_refuse_list(ch, nsge);
	return remote ? post_write_imm(ch, sg, nsge, remote, imm, flags) :
			post_send_imm(ch, sg, nsge, imm, flags);
}

static int64_t slot_post_inline_imm(struct bv_channel *ch, const void *buf,
				    const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE), flags = bvi_what_flags(what);

	if (bvi_unlikely(len > ch->max_inline))
		return bvi_refuse_length(ch, len);
	return remote ? post_write_inline_imm(ch, buf, len, remote, imm, flags) :
			post_send_inline_imm(ch, buf, len, imm, flags);
}

static int64_t slot_post_atomic(struct bv_channel *ch, const void *result,
				const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
				uint64_t compare)
{
	const unsigned flags = bvi_what_flags(what);

	if (bvi_unlikely(!ch->max_send_sge))
		return bvi_refuse_list(ch, 1);
	return bvi_what_op(what) == BV_OP_FETCH_ADD ?
		       post_fetch_add(ch, result, remote, swap_add, flags) :
		       post_compare_swap(ch, result, remote, compare, swap_add, flags);
}

static int64_t slot_post_other(struct bv_channel *ch, const void *payload,
			       const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			       uint64_t compare)
{
	return bvi_post_other_by(slot_post, slot_post_inline, slot_post_atomic, ch, payload, remote,
				 what, swap_add, compare);
}

/* The short ones by the general ones, ... */
#define VERBS_SHORT_POSTS                                                                          \
	.post_one = slot_post_one, .post_inline8 = slot_post_inline8, .write_one_more = slot_post, \
	.write_inline8_more = slot_post_inline, .send_one_more = slot_post,                        \
	.send_inline8_more = slot_post_inline
/* ... and these. */
#define VERBS_POSTS                                               \
	.post_other = slot_post_other, .post_imm = slot_post_imm, \
	.post_inline_imm = slot_post_inline_imm, VERBS_RECEIVES

#endif
