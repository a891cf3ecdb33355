/* SPDX-License-Identifier: MIT */
/*
 * Payload that lies in its completion: the first 32 bytes of an entry, where the device would write what
 * nobody asks for. It is copied to where the work says, as libmlx5 does (mlx5_copy_to_recv_wqe(),
 * mlx5_copy_to_send_wqe() in qp.c). The work is still in its ring: its place is written anew only after
 * this completion was taken.
 *
 * Or it is read in place. The entry is written anew by the completion of a receive that is as many receives later
 * as the queue has entries: twice max_recv or more, of which all but max_recv were polled before that one could be
 * posted. So it stays as long as the result of a receive does, and nobody has to give it back.
 */
#include "cqe.h"
#include "wqe.h"

/* To @nseg segments from @seg on, which go on at @ring when they meet @end. False: they, or an entry, hold less. */
static bool copy_out(const struct prm_seg *seg, unsigned nseg, const struct prm_seg *ring,
		     const struct prm_seg *end, const uint8_t *from, size_t length)
{
	if (length > PRM_CQE_PAYLOAD)
		return false;
	for (; nseg && length; nseg--, seg++) {
		size_t n;

		if (seg == end)
			seg = ring;
		n = bv_from_be64(seg->w[0]) >> 32; /* 0 ends a list */
		n = n < length ? n : length;
		wqe_copy((uint8_t *)(uintptr_t)bv_from_be64(seg->w[1]), from, n);
		from += n;
		length -= n;
		if (!n)
			break;
	}
	return !length;
}

bool bvi_mlx5_put_received(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, uint64_t number)
{
	const struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(ch);
	const void *const wqe = rq->ring + (size_t)(number & rq->mask) * rq->stride;

	return copy_out(wqe, to_mlx5(ch)->max_seg, NULL, NULL, cqe->rsvd0,
			bv_from_be32(cqe->byte_cnt));
}

bool bvi_mlx5_put_fetched(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe)
{
	const struct prm_seg *const wqe = wqe_at(ch, bvi_mlx5_cqe_tail(cqe) >> 16);
	const unsigned opcode = (unsigned)(bv_from_be64(wqe->w[0]) >> 32) & 0xff;
	const unsigned ds = (unsigned)bv_from_be64(wqe->w[0]) & PRM_WQE_DS_MAX;
	const bool read = opcode == PRM_OPCODE_READ;
	/* Control, remote address, and what an atomic asks for. */
	const unsigned head = read ? 2 : 3;

	if (ds <= head ||
	    (!read && opcode != PRM_OPCODE_COMPARE_SWAP && opcode != PRM_OPCODE_FETCH_ADD))
		return false;
	return copy_out(wqe + head, ds - head, wqe_ring(ch), wqe_ring_end(ch), cqe->rsvd0,
			read ? bv_from_be32(cqe->byte_cnt) : sizeof(uint64_t));
}

/* Up to 32 bytes. */
BVI_INLINE void copy_short(uint8_t *dst, const uint8_t *src, size_t length)
{
	if (bvi_unlikely(length < 16)) {
		wqe_copy(dst, src, length);
		return;
	}
	memcpy(dst, src, 16);
	memcpy(dst + length - 16, src + length - 16, 16);
}

/* Takes @cqe, if it is of receive @number, of one element, and has its payload inside. */
BVI_INLINE bool take_inside(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, uint32_t owner,
			    uint64_t number, struct bv_wc *wc)
{
	const struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(ch);
	const unsigned state = bvi_mlx5_cqe_op_own(cqe) ^ owner ^ PRM_CQE_SCATTER_32;
	const struct prm_seg *const seg =
		(const void *)(rq->ring + (size_t)(number & rq->mask) * PRM_DS);
	const struct mlx5_recv_kind *kind;
	uint32_t length;

	if (bvi_unlikely(!bvi_mlx5_is_received(state)))
		return false;
	bv_owner_before_cqe(); /* length and payload */
	length = bv_from_be32(cqe->byte_cnt);
	if (bvi_unlikely(length > PRM_CQE_PAYLOAD || length > bv_from_be64(seg->w[0]) >> 32))
		return false;
	copy_short((uint8_t *)(uintptr_t)bv_from_be64(seg->w[1]), cqe->rsvd0, length);
	kind = mlx5_recv_kind(state);
	mlx5_received_as(kind, kind->how, cqe, number, wc);
	return true;
}

/*
 * Receives of one element whose payloads are inside, up to where the short way stops; how many. What makes no
 * sense is left to the long way.
 */
unsigned bvi_mlx5_take_inside(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const first = recv->cqe;
	const unsigned left = mlx5_short_way(first, recv->stop);
	const uint64_t number = ch->rq_done;
	const uint32_t owner = recv->owner;
	unsigned n = 0;

	max = max < left ? max : left;
	while (n < max && take_inside(ch, first + n, owner, number + n, &wc[n]))
		n++;
	mlx5_recv_took(ch, first + n, n);
	return n;
}

int bvi_mlx5_poll_recv_one_inside(struct bv_channel *ch, struct bv_wc *wc)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const cqe = recv->cqe;

	if (bvi_mlx5_recv_stops(cqe, recv->stop) ||
	    !take_inside(ch, cqe, recv->owner, ch->rq_done, wc))
		return bvi_mlx5_poll_recv_one(ch, wc);
	mlx5_recv_took(ch, cqe + 1, 1);
	return 1;
}

static const void *buffer_of(struct bv_channel *ch, uint64_t number)
{
	const struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(ch);
	const struct prm_seg *const seg =
		(const void *)(rq->ring + (size_t)(number & rq->mask) * rq->stride);

	return (const void *)(uintptr_t)bv_from_be64(seg->w[1]);
}

/* Takes @cqe, if it is a success of receive @number; one with its payload inside only if @inside. */
BVI_INLINE bool take_where(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, unsigned state,
			   uint64_t number, struct bv_wc *wc, const void **payload, bool inside)
{
	const unsigned how = inside ? state & ~(unsigned)PRM_CQE_SCATTER_32 : state;
	const struct mlx5_recv_kind *kind;

	if (bvi_unlikely(!bvi_mlx5_is_received(how)))
		return false;
	bv_owner_before_cqe(); /* length and payload */
	kind = mlx5_recv_kind(how);
	mlx5_received_as(kind, kind->how, cqe, number, wc);
	if (how != state) {
		*payload = cqe->rsvd0;
		return bvi_likely(wc->bytes <= PRM_CQE_PAYLOAD);
	}
	*payload = buffer_of(ch, number);
	return true;
}

/* Successes up to where the short way stops; how many. */
BVI_INLINE unsigned take_all_where(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				   unsigned max, bool inside)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const first = recv->cqe;
	const unsigned left = mlx5_short_way(first, recv->stop);
	const uint64_t number = ch->rq_done;
	const uint32_t owner = recv->owner;
	unsigned n = 0;

	max = max < left ? max : left;
	while (n < max && take_where(ch, first + n, bvi_mlx5_cqe_op_own(first + n) ^ owner,
				     number + n, &wc[n], &payload[n], inside))
		n++;
	mlx5_recv_took(ch, first + n, n);
	return n;
}

/* What is behind the @n that were taken. */
static BV_NOINLINE int poll_rest(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				 unsigned max, unsigned n, bool inside)
{
	do {
		/* The table may be another one since an error. */
		const int rc = ch->ops->poll_recv_one(ch, wc + n);

		if (rc <= 0)
			return n ? (int)n : rc;
		payload[n] = buffer_of(ch, (uint64_t)wc[n].work);
		n++;
		n += take_all_where(ch, wc + n, payload + n, max - n, inside);
	} while (n < max);
	return (int)n;
}

BVI_INLINE int poll_where(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			  unsigned max, bool inside)
{
	const unsigned n = take_all_where(ch, wc, payload, max, inside);

	return bvi_likely(n == max) ? (int)n : poll_rest(ch, wc, payload, max, n, inside);
}

static BV_NOINLINE int poll_plain(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				  unsigned max)
{
	return poll_where(ch, wc, payload, max, false);
}

static BV_NOINLINE int poll_inside(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				   unsigned max)
{
	return poll_where(ch, wc, payload, max, true);
}

/* A poll of one that finds it, before the end of the short way. */
BVI_INLINE bool poll_one_where(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			       unsigned max, bool inside)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const cqe = recv->cqe;

	if (max != 1 || bvi_mlx5_recv_stops(cqe, recv->stop) ||
	    !take_where(ch, cqe, bvi_mlx5_cqe_op_own(cqe) ^ recv->owner, ch->rq_done, wc, payload,
			inside))
		return false;
	mlx5_recv_took(ch, cqe + 1, 1);
	return true;
}

int bvi_mlx5_poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			       unsigned max)
{
	return poll_one_where(ch, wc, payload, max, false) ? 1 : poll_plain(ch, wc, payload, max);
}

int bvi_mlx5_poll_recv_inplace_inside(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				      unsigned max)
{
	return poll_one_where(ch, wc, payload, max, true) ? 1 : poll_inside(ch, wc, payload, max);
}
