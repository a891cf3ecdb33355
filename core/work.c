/* SPDX-License-Identifier: MIT */
/*
 * Works by handle: test, wait, and the blocking calls.
 *
 * A queue completes in order, so "done" is a compare with a counter that polling moves. How a work
 * ended is then known without keeping it: a send-queue work succeeded if it is below the first one
 * that failed, and was flushed if above; of receives the provider has the last completions.
 *
 * Nothing here allocates, locks, or enters the kernel, but for texts of errors, and for sleeping where
 * the channel's spin_ns asks for it.
 */
#include <bareverbs/work.h>

#include "clock.h"
#include "error.h"
#include "provider.h"
#include "wait.h"

/* Completions taken at a time: enough to catch up, few enough to live on the stack. */
#define BATCH 8u

static bool is_recv(int64_t work)
{
	return work & BV_WORK_RECV;
}

static uint64_t number_of(int64_t work)
{
	return (uint64_t)(work & ~BV_WORK_RECV);
}

/* Reaps what is ready of one queue, until @work is done or nothing is left; -EIO: it is broken. */
static int reap(struct bv_channel *ch, int64_t work)
{
	struct bv_wc wc[BATCH];
	int n;

	do {
		n = is_recv(work) ? bv_poll_recv(ch, wc, BATCH) : bv_poll_send(ch, wc, BATCH);
		if (bvi_unlikely(n < 0))
			return bvi_fail(
				n,
				"the completion queue of the channel (qpn 0x%x) is broken: "
				"overrun, or the device failed; destroy the channel, the kernel "
				"log may say more",
				ch->core->local.qpn);
	} while (n == (int)BATCH && !bv_work_done(ch, work));
	return n;
}

static int send_result(const struct bv_channel *ch, int64_t work, struct bv_wc *wc)
{
	const struct bvi_channel_core *core = ch->core;

	if (bvi_unlikely((uint64_t)work < core->first_send))
		return bvi_fail(-ESTALE,
				"work %llu is of before the channel was reset; the first one "
				"since is %llu",
				(unsigned long long)work, (unsigned long long)core->first_send);
	*wc = (struct bv_wc){ .work = work };
	if (!core->failed_send || work < core->first_send_error.work)
		return 1;
	wc->status = BV_STATUS_WORK_REQUEST_FLUSH_ERROR;
	if (work == core->first_send_error.work) {
		wc->status = core->first_send_error.status;
		wc->vendor_err = core->first_send_error.vendor_err;
	}
	return -EIO;
}

static int recv_result(const struct bv_channel *ch, int64_t work, struct bv_wc *wc)
{
	const struct bvi_channel_core *core = ch->core;

	if (ch->rq_done - (uint64_t)work > ch->max_recv)
		return bvi_fail(-ESTALE,
				"the result of receive %llu is no longer kept: %u later ones "
				"have completed",
				(unsigned long long)number_of(work), ch->max_recv);
	*wc = (struct bv_wc){ .work = work, .status = BV_STATUS_WORK_REQUEST_FLUSH_ERROR };
	if (!core->dropped_recv || (uint64_t)work < core->first_dropped_recv)
		ch->ops->recv_result(ch, (uint64_t)work, wc);
	return wc->status == BV_STATUS_SUCCESS ? 1 : -EIO;
}

static int result_of(const struct bv_channel *ch, int64_t work, struct bv_wc *wc)
{
	struct bv_wc result;
	int rc;

	rc = is_recv(work) ? recv_result(ch, work, &result) : send_result(ch, work, &result);
	if (wc && rc != -ESTALE)
		*wc = result;
	return rc;
}

static int check_handle(const struct bv_channel *ch, int64_t work)
{
	const uint64_t posted = is_recv(work) ? ch->rq_posted : ch->sq_posted;

	if (bvi_likely(work >= 0 && (uint64_t)work < posted))
		return 0;
	return bvi_fail(-EINVAL,
			"no work has the handle 0x%llx: no post of this channel returned it",
			(unsigned long long)work);
}

int bv_test(struct bv_channel *ch, int64_t work, struct bv_wc *wc)
{
	int rc;

	rc = check_handle(ch, work);
	if (rc < 0)
		return rc;
	if (!bv_work_done(ch, work)) {
		rc = reap(ch, work);
		if (rc < 0)
			return rc;
		if (!bv_work_done(ch, work))
			return 0;
	}
	return result_of(ch, work, wc);
}

static unsigned queue_of(int64_t work)
{
	return is_recv(work) ? BV_WAKE_RECV : BV_WAKE_SEND;
}

static int wait_until(struct bv_channel *ch, int64_t work, struct bvi_wait *wait, struct bv_wc *wc)
{
	int rc;

	/* Works that the device was not told of would be waited for in vain. */
	rc = bv_work_done(ch, work) ? 0 : bv_flush(ch);
	if (rc < 0)
		return rc;
	while (!bv_work_done(ch, work)) {
		rc = reap(ch, work);
		if (rc >= 0 && !bv_work_done(ch, work))
			rc = bvi_wait_more(ch, queue_of(work), wait);
		if (rc < 0)
			return rc;
	}
	rc = result_of(ch, work, wc);
	return rc < 0 ? rc : 0;
}

static struct bvi_wait wait_for(const struct bv_channel *ch, int64_t timeout_ns)
{
	const struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);

	return bvi_wait_until(ch, &deadline);
}

int bv_wait(struct bv_channel *ch, int64_t work, int64_t timeout_ns, struct bv_wc *wc)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	const int rc = check_handle(ch, work);

	return rc < 0 ? rc : wait_until(ch, work, &wait, wc);
}

/*
 * The blocking calls: while the queue is full, reap and post again; then wait. again() tells
 * whether to post once more, and replaces -EAGAIN by what ended the attempt when not.
 */
static bool again(struct bv_channel *ch, int64_t queue, struct bvi_wait *wait, int64_t *work)
{
	int n;

	if (*work != -EAGAIN)
		return false;
	n = reap(ch, queue);
	if (n == 0)
		n = bvi_wait_more(ch, queue_of(queue), wait);
	if (n < 0)
		*work = n;
	return n >= 0;
}

static int finish(struct bv_channel *ch, int64_t work, struct bvi_wait *wait, struct bv_wc *wc)
{
	return work < 0 ? (int)work : wait_until(ch, work, wait, wc);
}

int bv_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge, int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_send(ch, sg, nsge, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge, uint32_t imm,
		int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_send_imm(ch, sg, nsge, imm, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
	     const struct bv_remote *remote, int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_write(ch, sg, nsge, remote, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
		 const struct bv_remote *remote, uint32_t imm, int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_write_imm(ch, sg, nsge, remote, imm, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
	    const struct bv_remote *remote, int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_read(ch, sg, nsge, remote, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
		 const struct bv_remote *remote, uint64_t add, int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_fetch_add(ch, result, remote, add, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
		    const struct bv_remote *remote, uint64_t compare, uint64_t swap,
		    int64_t timeout_ns)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_compare_swap(ch, result, remote, compare, swap, 0);
	while (again(ch, 0, &wait, &work));
	return finish(ch, work, &wait, NULL);
}

int bv_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge, int64_t timeout_ns,
	    struct bv_wc *wc)
{
	struct bvi_wait wait = wait_for(ch, timeout_ns);
	int64_t work;

	do
		work = bv_post_recv(ch, sg, nsge);
	while (again(ch, BV_WORK_RECV, &wait, &work));
	return finish(ch, work, &wait, wc);
}
