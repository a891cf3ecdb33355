/* SPDX-License-Identifier: MIT */
/*
 * The calls that work.h makes into a channel, through its pointers.
 */
#ifndef BV_BAREVERBS_PIN_H
#define BV_BAREVERBS_PIN_H

#include <bareverbs/queue.h>

BV_BEGIN_DECLS

static inline int64_t bvi_post(struct bv_channel *ch, const void *sg,
			       const struct bv_remote *remote, uint64_t what)
{
	const unsigned how = (uint16_t)what;

	if (bvi_likely(how == 0))
		return ch->post_one(ch, sg, remote, what);
	if (how == BV_MORE)
		return (remote ? ch->write_one_more : ch->send_one_more)(ch, sg, remote, what);
	return ch->ops->post(ch, sg, remote, what);
}

static inline int64_t bvi_post_inline(struct bv_channel *ch, const void *buf,
				      const struct bv_remote *remote, uint64_t what)
{
	const unsigned how = (uint16_t)what;

	if (bvi_likely(how == 0))
		return ch->post_inline8(ch, buf, remote, what);
	if (how == BV_MORE)
		return (remote ? ch->write_inline8_more : ch->send_inline8_more)(ch, buf, remote,
										 what);
	return ch->ops->post_inline(ch, buf, remote, what);
}

static inline int64_t bvi_post_recv(struct bv_channel *ch, const struct bv_scatter *sg,
				    unsigned nsge)
{
	return ch->post_recv(ch, sg, nsge);
}

static inline int bvi_poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return ch->poll_send_one(ch, wc);
}

static inline int bvi_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return ch->poll_recv_one(ch, wc);
}

BV_END_DECLS

#endif
