/* SPDX-License-Identifier: MIT */
/*
 * The calls that work.h makes into a channel. They go through its pointers, to whichever provider it is of. A
 * program that is compiled with -DBV_PIN_PROVIDER=mlx5 has that provider's short ways inline instead
 * (pin_mlx5.h), and takes the pointers for everything else; it works with channels of every provider all the
 * same. What it has inline belongs to the very version of the library that it is compiled with.
 */
#ifndef BV_BAREVERBS_PIN_H
#define BV_BAREVERBS_PIN_H

#include <bareverbs/queue.h>

#ifdef BV_PIN_PROVIDER
#define BVI_PIN_mlx5 1
#define BVI_PIN(provider) BVI_PIN_##provider
#define BVI_PIN_EXPAND(provider) BVI_PIN(provider)
#if BVI_PIN_EXPAND(BV_PIN_PROVIDER) != 1
#error "BV_PIN_PROVIDER: mlx5 is the only provider with short ways"
#endif
#include <bareverbs/pin_mlx5.h>
#define BVI_PINNED 1
#else
#define BVI_PINNED 0
#endif

/*
 * Short ways are inline where the compiler knows that they apply; tests have them wherever they do, to see more of
 * them.
 */
#ifdef BVI_PIN_ALWAYS
#define BVI_KNOWN(value) ((void)(value), true)
#else
#define BVI_KNOWN(value) __builtin_constant_p(value)
#endif

BV_BEGIN_DECLS

/* What a call does not look at: no instruction is spent on it, nor a register that outlives the call. */
BVI_INLINE uint64_t bvi_nothing(void)
{
	uint64_t nothing;

	__asm__ volatile("" : "=r"(nothing));
	return nothing;
}

BVI_INLINE int64_t bvi_post(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			    uint64_t what)
{
	const unsigned how = (uint16_t)what;

#if BVI_PINNED
	if (BVI_KNOWN(how) && (how == 0 || how == BV_MORE) && bvi_mlx5_takes(ch) &&
	    bvi_mlx5_takes_element(sg))
		return bvi_mlx5_post_one(ch, sg, remote != NULL, remote, what, how == BV_MORE);
#endif
	if (bvi_likely(how == 0))
		return ch->post_one(ch, sg, remote, what);
	if (how == BV_MORE)
		return (remote ? ch->write_one_more : ch->send_one_more)(ch, sg, remote, what);
	return ch->post_other(ch, sg, remote, what, bvi_nothing(), bvi_nothing());
}

BVI_INLINE int64_t bvi_post_inline(struct bv_channel *ch, const void *buf,
				   const struct bv_remote *remote, uint64_t what)
{
	const unsigned how = (uint16_t)what;

#if BVI_PINNED
	if (BVI_KNOWN(how) && (how == 0 || how == BV_MORE) && bvi_mlx5_takes(ch))
		return bvi_mlx5_post_inline8(ch, buf, remote != NULL, remote, what, how == BV_MORE);
#endif
	if (bvi_likely(how == 0))
		return ch->post_inline8(ch, buf, remote, what);
	if (how == BV_MORE)
		return (remote ? ch->write_inline8_more : ch->send_inline8_more)(ch, buf, remote,
										 what);
	return ch->post_other(ch, buf, remote, what | BVI_WHAT_INLINE, bvi_nothing(),
			      bvi_nothing());
}

BVI_INLINE int64_t bvi_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
#if BVI_PINNED
	if (ch->recv_gate && bvi_mlx5_takes_recv(ch, sg, nsge))
		return bvi_mlx5_recv_one(ch, sg);
#endif
	return ch->post_recv(ch, sg, nsge);
}

BVI_INLINE int bvi_call_poll_send(struct bv_channel *ch, struct bv_wc *wc)
{
	return ch->poll_send_one(ch, wc);
}

BVI_INLINE int bvi_call_poll_recv(struct bv_channel *ch, struct bv_wc *wc)
{
	return ch->poll_recv_one(ch, wc);
}

BVI_INLINE int bvi_poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
#if BVI_PINNED
	if (bvi_likely(ch->gate))
		return bvi_mlx5_take_send(ch, wc, bvi_call_poll_send);
#endif
	return bvi_call_poll_send(ch, wc);
}

BVI_INLINE int bvi_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
#if BVI_PINNED
	if (bvi_likely(ch->recv_gate))
		return bvi_mlx5_take_recv(ch, wc, bvi_call_poll_recv);
#endif
	return bvi_call_poll_recv(ch, wc);
}

BV_END_DECLS

#endif
