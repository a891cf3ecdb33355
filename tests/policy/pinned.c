/* SPDX-License-Identifier: MIT */
/*
 * The calls that a program may have inline, each in a function of its own: fences.sh reads what the compiler
 * makes of them. Not run.
 */
#include <bareverbs/bareverbs.h>

#define POST(name, call)                                                                 \
	int64_t pinned_##name(struct bv_channel *ch, const void *buf,                    \
			      const struct bv_gather *from, const struct bv_scatter *to, \
			      const struct bv_remote *remote);                           \
	int64_t pinned_##name(struct bv_channel *ch, const void *buf,                    \
			      const struct bv_gather *from, const struct bv_scatter *to, \
			      const struct bv_remote *remote)                            \
	{                                                                                \
		(void)buf, (void)from, (void)to, (void)remote;                           \
		return call;                                                             \
	}
POST(write_inline8, bv_post_write_inline(ch, buf, 8, remote, 0))
POST(write_inline8_more, bv_post_write_inline(ch, buf, 8, remote, BV_MORE))
POST(write_one, bv_post_write(ch, from, 1, remote, 0))
POST(write_one_more, bv_post_write(ch, from, 1, remote, BV_MORE))
POST(send_inline8, bv_post_send_inline(ch, buf, 8, 0))
POST(send_inline8_more, bv_post_send_inline(ch, buf, 8, BV_MORE))
POST(send_one, bv_post_send(ch, from, 1, 0))
POST(send_one_more, bv_post_send(ch, from, 1, BV_MORE))
POST(read, bv_post_read(ch, to, 1, remote, 0))
POST(read_more, bv_post_read(ch, to, 1, remote, BV_MORE))
POST(recv, bv_post_recv(ch, to, 1))

int pinned_poll_send(struct bv_channel *ch, struct bv_wc *wc);
int pinned_poll_send(struct bv_channel *ch, struct bv_wc *wc)
{
	return bv_poll_send(ch, wc, 1);
}

int pinned_poll_recv(struct bv_channel *ch, struct bv_wc *wc);
int pinned_poll_recv(struct bv_channel *ch, struct bv_wc *wc)
{
	return bv_poll_recv(ch, wc, 1);
}
