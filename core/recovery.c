/* SPDX-License-Identifier: MIT */
/*
 * Ending works and connections. A QP stands in one of two places here: somewhere between INIT and
 * ERR, or in RESET (core->in_reset), which it leaves for INIT only; some devices fail RESET to
 * RESET.
 */
#include "recovery.h"

#include <bareverbs/recovery.h>

#include <string.h>

#include "channel.h"
#include "connect.h"
#include "debug.h"
#include "error.h"
#include "pd.h"
#include "wait.h"

#define BATCH 8u
/* Receives start at a multiple of this: rings of any size start at their first place then. */
#define RECV_STEP 65536u

static const struct bv_provider *provider_of(const struct bv_channel *ch)
{
	return ch->core->pd->device->provider;
}

static int set_state(struct bv_channel *ch, enum ibv_qp_state state, const char *name)
{
	struct ibv_qp_attr attr = { .qp_state = state };
	const int rc = bv_rc(ibv_modify_qp(ch->core->qp, &attr, IBV_QP_STATE));

	if (rc < 0)
		return bvi_fail(rc, "%s: the queue pair 0x%x could not go to %s: %s",
				ch->core->pd->device->name, ch->core->local.qpn, name,
				bvi_errno_text(rc));
	return 0;
}

void bvi_channel_enter_error(struct bv_channel *ch, const char *why)
{
	struct bvi_channel_core *core = ch->core;

	if (core->state == BV_CHANNEL_ERROR)
		return;
	core->state = BV_CHANNEL_ERROR;
	core->stopped = why;
	bvi_channel_enter(ch, core->error);
}

/* Whether a completion is still to come for the last send-queue work. */
static bool tail_is_silent(const struct bv_channel *ch)
{
	return ch->core->state == BV_CHANNEL_READY && bvi_sq_outstanding(ch) > 0 &&
	       provider_of(ch)->channel_unsignaled(ch) > 0;
}

static void signal_tail(struct bv_channel *ch)
{
	static const struct bv_remote nowhere;

	/* A full queue has signaled works in it: another look, another try. */
	(void)bv_post_write(ch, NULL, 0, &nowhere, 0);
}

int bvi_channel_settle(struct bv_channel *ch, uint64_t send, uint64_t recv,
		       struct bvi_deadline *deadline)
{
	struct bvi_wait wait = bvi_wait_until(ch, deadline);
	struct bv_wc wc[BATCH];
	bool sends, recvs, found = true;
	int rc;

	/* If it fails, the last works are outstanding no more. */
	(void)bv_flush(ch);
	for (;;) {
		int sent = 0, received = 0;

		sends = bvi_sq_done(ch) < send && bvi_sq_outstanding(ch) > 0;
		recvs = ch->rq_done < recv && ch->rq_done != ch->rq_posted;
		if (!sends && !recvs)
			return 0;
		rc = found ? 0 :
			     bvi_wait_more(ch,
					   (sends ? BV_WAKE_SEND : 0) | (recvs ? BV_WAKE_RECV : 0),
					   &wait);
		if (rc < 0)
			return rc;
		if (sends && tail_is_silent(ch))
			signal_tail(ch);
		/* A queue that is not asked for is left alone: its completions are the caller's. */
		if (sends)
			sent = bv_poll_send(ch, wc, BATCH);
		if (recvs)
			received = bv_poll_recv(ch, wc, BATCH);
		if (sent < 0 || received < 0)
			return bvi_fail(-EIO,
					"%s: the completion queue of the channel (qpn 0x%x) is "
					"broken: overrun, or the device failed",
					ch->core->pd->device->name, ch->core->local.qpn);
		found = sent > 0 || received > 0;
	}
}

int bvi_channel_stop(struct bv_channel *ch, const char *why)
{
	int rc;

	if (ch->core->in_reset)
		return 0;
	rc = set_state(ch, IBV_QPS_ERR, "ERR");
	if (rc == 0)
		bvi_channel_enter_error(ch, why);
	return rc;
}

/* The device has forgotten them: they end as if it had flushed them. */
static void flush_sends(struct bv_channel *ch)
{
	const struct bv_wc wc = {
		.work = (int64_t)bvi_sq_done(ch),
		.status = BV_STATUS_WORK_REQUEST_FLUSH_ERROR,
	};
	const uint64_t left = bvi_sq_outstanding(ch);

	if (left == 0)
		return;
	bvi_channel_failed(ch, &wc);
	ch->core->flushed += left - 1;
	ch->sq_limit = ch->sq_posted + ch->max_send;
}

static void flush_recvs(struct bv_channel *ch)
{
	struct bv_wc wc = { .status = BV_STATUS_WORK_REQUEST_FLUSH_ERROR };

	if (ch->rq_done == ch->rq_posted)
		return;
	ch->core->dropped_recv = true;
	ch->core->first_dropped_recv = ch->rq_done;
	for (; ch->rq_done != ch->rq_posted; ch->rq_done++, ch->rq_limit++) {
		wc.work = (int64_t)ch->rq_done;
		bvi_channel_failed(ch, &wc);
	}
}

int bvi_channel_abandon(struct bv_channel *ch, const char *why)
{
	int rc;

	if (!ch->core->in_reset) {
		provider_of(ch)->channel_before_reset(ch);
		rc = set_state(ch, IBV_QPS_RESET, "RESET");
		if (rc < 0)
			return rc;
		ch->core->in_reset = true;
		provider_of(ch)->channel_reset(ch);
	}
	bvi_channel_enter_error(ch, why);
	flush_sends(ch);
	flush_recvs(ch);
	bvi_debug_forget(ch);
	return 0;
}

int bvi_channel_flush(struct bv_channel *ch, const char *why, int64_t timeout_ns)
{
	struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);
	int rc, dropped;

	rc = bvi_channel_stop(ch, why) < 0 ? -EIO :
					     bvi_channel_settle(ch, BVI_ALL, BVI_ALL, &deadline);
	if (rc == 0)
		return 0;
	dropped = bvi_channel_abandon(ch, why);
	return dropped < 0 ? dropped : rc;
}

int bv_channel_drain(struct bv_channel *ch, int64_t timeout_ns)
{
	if (!ch)
		return bvi_fail(-EINVAL, "bv_channel_drain: ch is NULL");
	return bvi_channel_flush(ch, "it was drained", timeout_ns);
}

/* As after creation, but for the numbers: those of before must not come again. */
static void forget(struct bv_channel *ch)
{
	struct bvi_channel_core *core = ch->core;
	const uint64_t steps = (ch->rq_posted + ch->max_recv) / RECV_STEP + 1;

	ch->rq_posted = ch->rq_done = steps * RECV_STEP;
	ch->rq_limit = ch->rq_done + ch->max_recv;
	core->first_send = ch->sq_posted;
	bvi_debug_forget(ch);
	bvi_channel_disconnect(core);
	core->failed = core->failed_recv = core->failed_send = core->dropped_recv = false;
	core->first_error = core->first_send_error = (struct bv_wc){ 0 };
	core->flushed = 0;
	core->stopped = NULL;
	core->shutdown = (struct bvi_shutdown){ 0 };
	core->peer = (struct bv_endpoint){ 0 };
	core->mtu = 0;
	core->rd_atomic = 0;
	core->ack_timeout = core->attr.ack_timeout;
	core->min_rnr_timer = core->attr.min_rnr_timer;
}

/* What the kernel says; some devices fail RESET to RESET, so it is asked rather than tried. */
static bool stands_in_reset(const struct bv_channel *ch)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	return ibv_query_qp(ch->core->qp, &attr, IBV_QP_STATE, &init) == 0 &&
	       attr.qp_state == IBV_QPS_RESET;
}

/*
 * Soft-RoCE of Linux 6.12 may be late with an error of before, and take a QP that is in RESET to ERR
 * (rxe_qp_error() in a task that was still running): a second RESET finds nothing running.
 */
static int start_again(struct bv_channel *ch)
{
	int rc = -EIO;

	for (unsigned int tries = 0; rc < 0 && tries < 2; tries++) {
		rc = bvi_channel_abandon(ch, "it was being reset");
		if (rc < 0)
			return rc;
		rc = bvi_channel_init(ch);
		ch->core->in_reset = rc < 0 && stands_in_reset(ch);
	}
	return rc;
}

int bv_channel_reset(struct bv_channel *ch)
{
	struct bvi_channel_core *core;
	uint64_t dropped;
	int rc;

	if (!ch)
		return bvi_fail(-EINVAL, "bv_channel_reset: ch is NULL");
	core = ch->core;
	dropped = ch->rq_posted - ch->rq_done;
	rc = start_again(ch);
	if (rc < 0)
		return rc;
	forget(ch);
	core->state = BV_CHANNEL_PREPARED;
	bvi_channel_enter(ch, core->prepared);
	return (int)dropped;
}

static bool sends_failed(const struct bv_channel *ch)
{
	return ch->core->failed_send;
}

int bv_channel_close(struct bv_channel *ch, int64_t timeout_ns)
{
	struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);
	int rc;

	if (!ch)
		return bvi_fail(-EINVAL, "bv_channel_close: ch is NULL");
	rc = bvi_channel_settle(ch, BVI_ALL, timeout_ns > 0 ? 0 : BVI_ALL, &deadline);
	if (timeout_ns <= 0 && bvi_outstanding(ch) > 0)
		return bvi_fail(-EBUSY,
				"bv_channel_close: channel qpn 0x%x has %llu works of the send "
				"queue and %llu receives outstanding: reap them, or give a "
				"time-out to have them drained",
				ch->core->local.qpn, (unsigned long long)bvi_sq_outstanding(ch),
				(unsigned long long)(ch->rq_posted - ch->rq_done));
	if (sends_failed(ch))
		rc = -EIO;
	/* Its result adds nothing: destruction ends what is left, whatever came of it. */
	if (bvi_outstanding(ch) > 0)
		(void)bvi_channel_flush(ch, "it was closed", BVI_FLUSH_NS);
	bv_channel_destroy(ch);
	return rc;
}

int64_t bv_channel_retry_ns(const struct bv_channel *ch)
{
	const struct bvi_channel_core *core = ch->core;
	const int64_t once = bv_ack_timeout_ns(core->ack_timeout);

	return once == BV_FOREVER ? once : once * (core->attr.retry + 1);
}

int bv_channel_probe(struct bv_channel *ch, int64_t timeout_ns)
{
	struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);
	static const struct bv_remote nowhere;
	int64_t work;
	int rc;

	if (!ch)
		return bvi_fail(-EINVAL, "bv_channel_probe: ch is NULL");
	for (;;) {
		work = bv_post_write(ch, NULL, 0, &nowhere, 0);
		if (work != -EAGAIN)
			break;
		rc = bvi_channel_settle(ch, bvi_sq_done(ch) + 1, 0, &deadline);
		if (rc < 0)
			return rc;
	}
	if (work < 0)
		return (int)work;
	rc = bvi_channel_settle(ch, (uint64_t)work + 1, 0, &deadline);
	return rc == 0 && sends_failed(ch) ? -EIO : rc;
}
