/* SPDX-License-Identifier: MIT */
/*
 * Reaping completions.
 *
 *	  owner 1     owner 1     owner 0 ...          (lap 1 has owner 0, lap 2 owner 1, ...)
 *	| reaped    | ready     | not written in this lap |
 *	             ^ next                            ^ end
 *
 * A completion is ours when its owner bit is that of the lap. One byte tells that, and whether it is a
 * plain success, which goes the short way (pin_mlx5.h). What was known of a send-queue work at its post is
 * looked up by the block that its completion names. Each queue has its completion queue to itself, so
 * nothing else needs to be.
 *
 * A completion that makes no sense is not taken: the completion queue stays broken there, and every later
 * call says so.
 */
#include "cqe.h"

static const uint8_t status_of_syndrome[] = {
	[PRM_SYNDROME_LOCAL_LENGTH] = BV_STATUS_LOCAL_LENGTH_ERROR,
	[PRM_SYNDROME_LOCAL_QP_OPERATION] = BV_STATUS_LOCAL_QP_OPERATION_ERROR,
	[PRM_SYNDROME_LOCAL_PROTECTION] = BV_STATUS_LOCAL_PROTECTION_ERROR,
	[PRM_SYNDROME_FLUSH] = BV_STATUS_WORK_REQUEST_FLUSH_ERROR,
	[PRM_SYNDROME_MW_BIND] = BV_STATUS_MEMORY_WINDOW_BIND_ERROR,
	[PRM_SYNDROME_BAD_RESPONSE] = BV_STATUS_BAD_RESPONSE_ERROR,
	[PRM_SYNDROME_LOCAL_ACCESS] = BV_STATUS_LOCAL_ACCESS_ERROR,
	[PRM_SYNDROME_REMOTE_INVALID_REQUEST] = BV_STATUS_REMOTE_INVALID_REQUEST_ERROR,
	[PRM_SYNDROME_REMOTE_ACCESS] = BV_STATUS_REMOTE_ACCESS_ERROR,
	[PRM_SYNDROME_REMOTE_OPERATION] = BV_STATUS_REMOTE_OPERATION_ERROR,
	[PRM_SYNDROME_RETRY_EXCEEDED] = BV_STATUS_RETRY_EXCEEDED_ERROR,
	[PRM_SYNDROME_RNR_RETRY_EXCEEDED] = BV_STATUS_RNR_RETRY_EXCEEDED_ERROR,
	[PRM_SYNDROME_REMOTE_ABORTED] = BV_STATUS_REMOTE_ABORT_ERROR,
};

static inline const struct prm_cqe *prm(const struct bvi_mlx5_cqe *cqe)
{
	return (const struct prm_cqe *)(const void *)cqe;
}

static void cq_start(struct mlx5_cq *cq, const struct bvi_mlx5_cqe **next)
{
	*next = cq->ring;
	cq->stop = cq->ring + (cq->unchecked ? cq->count : cq->count / 2);
}

void bvi_mlx5_cqs_start(struct bv_channel *ch)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	struct mlx5_channel *const c = to_mlx5(ch);

	cq_start(&c->send_cq, &send->cqe);
	cq_start(&c->recv_cq, &recv->cqe);
	send->stop = (uint16_t)(uintptr_t)c->send_cq.stop;
	recv->stop = (uint32_t)(uintptr_t)c->recv_cq.stop;
}

/*
 * On to entry @to, or the end of the ring. In the middle and at the end of the ring the device is told, which
 * compares that with its own index to detect an overrun, unless it ignores those; no order with anything is
 * needed.
 */
static void cq_advance(struct mlx5_cq *cq, const struct bvi_mlx5_cqe **next,
		       const struct bvi_mlx5_cqe *to, bool *turned)
{
	const struct bvi_mlx5_cqe *const end = cq->ring + cq->count;

	*turned = false;
	*next = to;
	if (to < cq->stop)
		return;
	cq->stop = end;
	if (to == end) {
		cq->ci += cq->count;
		cq_start(cq, next);
		*turned = true;
	}
	if (!cq->unchecked)
		bv_dbrec_write(cq->dbrec + PRM_CQ_DBREC_CI,
			       bv_to_be32(mlx5_cq_index(cq, *next) & PRM_CQ_CI_MASK));
}

static unsigned send_state(const struct bvi_mlx5_send *send)
{
	return bvi_mlx5_cqe_op_own(send->cqe) ^ send->places >> BVI_MLX5_OWNER_SHIFT;
}

static void send_advance(struct bv_channel *ch)
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	struct mlx5_cq *const cq = &to_mlx5(ch)->send_cq;
	bool turned;

	cq_advance(cq, &send->cqe, send->cqe + 1, &turned);
	send->stop = (uint16_t)(uintptr_t)cq->stop;
	send->places ^= (uint32_t)turned << BVI_MLX5_OWNER_SHIFT;
}

void bvi_mlx5_recv_advance(struct bv_channel *ch, unsigned n)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	struct mlx5_cq *const cq = &to_mlx5(ch)->recv_cq;
	bool turned;

	cq_advance(cq, &recv->cqe, recv->cqe + n, &turned);
	recv->stop = (uint32_t)(uintptr_t)cq->stop;
	recv->owner ^= turned;
}

static unsigned recv_state(const struct bvi_mlx5_poll_recv *recv)
{
	return bvi_mlx5_cqe_op_own(recv->cqe) ^ recv->owner;
}

/* Whether @state is of a success that is not plain: its payload is inside, or it is a block's title. */
static bool is_filled(unsigned state)
{
	return state & PRM_CQE_SCATTER && state >> 4 < PRM_CQE_REQ_ERR;
}

static bool is_title(const struct mlx5_channel *c, unsigned state)
{
	return is_filled(state) && (state & PRM_CQE_SCATTER) == PRM_CQE_COMPRESSED && c->block_max;
}

/* Makes ordinary entries of what is left of the block that is next. False: it is none. */
static bool recv_expand(struct bv_channel *ch)
{
	const struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	struct mlx5_channel *const c = to_mlx5(ch);

	if (!bvi_mlx5_expand(&c->recv_cq, recv->cqe, recv->owner, c->block_taken))
		return false;
	if (c->block_taken)
		bvi_mlx5_recv_advance(ch, c->block_taken);
	c->block_taken = 0;
	return true;
}

/*
 * Makes the next completion what it would be without what the channel asked for: ordinary entries of a
 * block, and moves a payload to its buffer. False: the channel did not ask for it, or it makes no sense.
 */
static bool recv_plain(struct bv_channel *ch)
{
	const struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct mlx5_channel *const c = to_mlx5(ch);
	const unsigned state = recv_state(recv);

	if (!is_filled(state))
		return true;
	if (is_title(c, state))
		return recv_expand(ch);
	return (state & PRM_CQE_SCATTER) == PRM_CQE_SCATTER_32 && c->payloads &&
	       bvi_mlx5_put_received(ch, recv->cqe, ch->rq_done);
}

static bool send_payload(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, unsigned state)
{
	return !(state & PRM_CQE_SCATTER) ||
	       ((state & PRM_CQE_SCATTER) == PRM_CQE_SCATTER_32 && to_mlx5(ch)->payloads &&
		bvi_mlx5_put_fetched(ch, cqe));
}

void bvi_mlx5_discard(struct bv_channel *ch)
{
	const struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);

	while (!(send_state(send) & PRM_CQE_OWNER))
		send_advance(ch);
	while (!(recv_state(recv) & PRM_CQE_OWNER)) {
		if (is_title(to_mlx5(ch), recv_state(recv)))
			(void)recv_expand(ch);
		bvi_mlx5_recv_advance(ch, 1);
	}
}

static void cqe_error(const struct bvi_mlx5_cqe *cqe, struct bv_wc *wc, int64_t work)
{
	const uint64_t stamp = bv_from_be64(prm(cqe)->stamp);
	const size_t syndrome = stamp & 0xff;

	*wc = (struct bv_wc){ .work = work, .vendor_err = (stamp >> 8) & 0xff };
	if (syndrome < sizeof(status_of_syndrome))
		wc->status = status_of_syndrome[syndrome];
	if (!wc->status)
		wc->status = BV_STATUS_GENERAL_ERROR;
}

/*
 * Decodes the completion of receive @number, of which the owner is out of @state, wherever its payload is.
 * False: it is none.
 */
static bool recv_decode(const struct bvi_mlx5_cqe *cqe, unsigned state, uint64_t number,
			struct bv_wc *wc)
{
	state &= ~(unsigned)PRM_CQE_SCATTER;
	if (bvi_mlx5_is_received(state))
		bvi_mlx5_received(cqe, state, number, wc);
	else if (state >> 4 == PRM_CQE_RESP_ERR)
		cqe_error(cqe, wc, (int64_t)number);
	else
		return false;
	return true;
}

/* Takes one completion, whatever it is. Returns 1; 0 there is none; -EIO. */
static BV_COLD_PATH int send_other(struct bv_channel *ch, struct bv_wc *wc)
{
	const struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const struct bvi_mlx5_cqe *const cqe = send->cqe;
	const unsigned state = send_state(send);
	const struct bvi_mlx5_done *done;

	if (state & PRM_CQE_OWNER)
		return 0;
	bv_owner_before_cqe(); /* the syndrome */
	done = mlx5_done(ch, bvi_mlx5_cqe_tail(cqe) >> 16);
	if ((uint64_t)done->work - bvi_sq_done(ch) >= bvi_sq_outstanding(ch))
		return -EIO;
	if (state >> 4 == PRM_CQE_REQ && send_payload(ch, cqe, state))
		bvi_mlx5_sent(ch, cqe, wc);
	else if (state >> 4 == PRM_CQE_REQ_ERR)
		cqe_error(cqe, wc, done->work);
	else
		return -EIO;
	ch->sq_limit = (uint64_t)done->work + send->room;
	if (wc->status)
		bvi_channel_failed(ch, wc);
	send_advance(ch);
	return 1;
}

int bvi_mlx5_poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return bvi_mlx5_take_send(ch, wc, send_other);
}

/* Completions that are looked at one after the other without a look at their count. */
#define AT_ONCE 4

BVI_INLINE bool send_plain(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, unsigned plain,
			   struct bv_wc *wc)
{
	if (bvi_mlx5_cqe_op_own(cqe) != plain)
		return false;
	bv_owner_before_cqe();
	bvi_mlx5_sent(ch, cqe, wc);
	return true;
}

/* The first of @n completions that is no plain success, or the one behind them. */
BVI_INLINE const struct bvi_mlx5_cqe *
send_all_plain(struct bv_channel *ch, const struct bvi_mlx5_cqe *cqe, unsigned n, struct bv_wc *wc)
{
	const unsigned plain = bvi_mlx5_send_of(ch)->places >> BVI_MLX5_OWNER_SHIFT;

	for (; n >= AT_ONCE; n -= AT_ONCE, cqe += AT_ONCE, wc += AT_ONCE) {
#pragma GCC unroll 4
		for (unsigned k = 0; k < AT_ONCE; k++) {
			if (!send_plain(ch, &cqe[k], plain, &wc[k]))
				return &cqe[k];
		}
	}
	for (; n && send_plain(ch, cqe, plain, wc); n--, cqe++)
		wc++;
	return cqe;
}

/* Plain successes up to where the short way stops; returns how many. */
BVI_INLINE unsigned send_run(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const struct bvi_mlx5_cqe *const cqe = send->cqe;
	const unsigned left = mlx5_short_way_send(cqe, send->stop);
	const struct bvi_mlx5_cqe *const end = send_all_plain(ch, cqe, max < left ? max : left, wc);
	const unsigned n = (unsigned)(end - cqe);

	if (n == 0)
		return 0;
	ch->sq_limit = (uint64_t)wc[n - 1].work + send->room;
	send->cqe = end;
	return n;
}

/* What is behind the @n that the short way took. */
static BV_NOINLINE int send_rest(struct bv_channel *ch, struct bv_wc *wc, unsigned max, unsigned n)
{
	int rc;

	do {
		rc = send_other(ch, &wc[n]);
		if (rc != 1)
			return n ? (int)n : rc;
		n++;
		n += send_run(ch, wc + n, max - n);
	} while (n < max);
	return (int)n;
}

int bvi_mlx5_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	const unsigned n = send_run(ch, wc, max);

	return bvi_likely(n == max) ? (int)n : send_rest(ch, wc, max, n);
}

/* As send_other(). */
static BV_COLD_PATH int recv_other(struct bv_channel *ch, struct bv_wc *wc)
{
	const struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);

	if (recv_state(recv) & PRM_CQE_OWNER)
		return 0;
	bv_owner_before_cqe(); /* the syndrome, and the minis of a block */
	if (ch->rq_done == ch->rq_posted || !recv_plain(ch) ||
	    !recv_decode(recv->cqe, recv_state(recv), ch->rq_done, wc))
		return -EIO;
	if (wc->status)
		bvi_channel_failed(ch, wc);
	ch->rq_done++;
	ch->rq_limit++;
	bvi_mlx5_recv_advance(ch, 1);
	return 1;
}

int bvi_mlx5_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return bvi_mlx5_take_recv(ch, wc, recv_other);
}

/* The first of @n completions that is not of the kind of the first, or the one behind them. */
BVI_INLINE const struct bvi_mlx5_cqe *recv_all_alike(const struct bvi_mlx5_cqe *cqe, unsigned n,
						     unsigned op_own, unsigned state,
						     uint64_t number, struct bv_wc *wc)
{
	const struct mlx5_recv_kind *const kind = mlx5_recv_kind(state);
	const bvi_v16 how = kind->how;

	for (; n >= AT_ONCE; n -= AT_ONCE, cqe += AT_ONCE, wc += AT_ONCE, number += AT_ONCE) {
#pragma GCC unroll 4
		for (unsigned k = 0; k < AT_ONCE; k++) {
			if (bvi_mlx5_cqe_op_own(&cqe[k]) != op_own)
				return &cqe[k];
			bv_owner_before_cqe();
			mlx5_received_as(kind, how, &cqe[k], number + k, &wc[k]);
		}
	}
	for (; n && bvi_mlx5_cqe_op_own(cqe) == op_own; n--, cqe++) {
		bv_owner_before_cqe();
		mlx5_received_as(kind, how, cqe, number++, wc++);
	}
	return cqe;
}

/* Receives of one kind up to where the short way stops; returns how many. */
BVI_INLINE unsigned recv_run(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const cqe = recv->cqe;
	const unsigned left = mlx5_short_way(cqe, recv->stop);
	const unsigned op_own = bvi_mlx5_cqe_op_own(cqe);
	const unsigned state = op_own ^ recv->owner;
	const struct bvi_mlx5_cqe *end;
	size_t n;

	if (!bvi_mlx5_is_received(state))
		return 0;
	end = recv_all_alike(cqe, max < left ? max : left, op_own, state, ch->rq_done, wc);
	n = (size_t)(end - recv->cqe); /* still @cqe, and not kept in a register for this */
	mlx5_recv_took(ch, end, n);
	return (unsigned)n;
}

/* What is behind the @n that the short way took: another kind, or none of its own. */
static BV_NOINLINE int recv_rest(struct bv_channel *ch, struct bv_wc *wc, unsigned max, unsigned n)
{
	while (n < max) {
		const unsigned more = recv_run(ch, wc + n, max - n);
		const int rc = more ? (int)more : recv_other(ch, &wc[n]);

		if (rc <= 0)
			return n ? (int)n : rc;
		n += (unsigned)rc;
	}
	return (int)n;
}

/* Of channels whose completions are not plain, behind the @n that were taken: all kinds. */
int bvi_mlx5_poll_recv_mixed(struct bv_channel *ch, struct bv_wc *wc, unsigned max, unsigned n)
{
	const struct mlx5_channel *const c = to_mlx5(ch);

	while (n < max) {
		unsigned more = bvi_mlx5_take_block(ch, wc + n, max - n);
		int rc;

		if (!more)
			more = recv_run(ch, wc + n, max - n);
		if (!more && c->inside)
			more = bvi_mlx5_take_inside(ch, wc + n, max - n);
		rc = more ? (int)more : recv_other(ch, &wc[n]);
		if (rc <= 0)
			return n ? (int)n : rc;
		n += (unsigned)rc;
	}
	return (int)n;
}

int bvi_mlx5_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	const unsigned n = recv_run(ch, wc, max);

	return bvi_likely(n == max) ? (int)n : recv_rest(ch, wc, max, n);
}

/* It lies in its entry until the ring has come round: twice max_recv receives later. */
void bvi_mlx5_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	const struct mlx5_channel *const c = to_mlx5(ch);
	const struct mlx5_cq *const cq = &c->recv_cq;
	const uint32_t index = c->recv_ci + (uint32_t)number;
	const struct bvi_mlx5_cqe *cqe = cq->ring + (index & (cq->count - 1));
	struct bvi_mlx5_cqe as;

	if (c->block_max && bvi_mlx5_marked(cq, index, &as))
		cqe = &as;
	recv_decode(cqe, bvi_mlx5_cqe_op_own(cqe) & ~(unsigned)PRM_CQE_OWNER, number, wc);
}
