/* SPDX-License-Identifier: MIT */
/*
 * The loops that are timed, and what makes them possible. Each kind of call has a loop of its own,
 * so that nothing is chosen in it; the call is the public one, as a program makes it.
 */
#include "cost.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "cpu.h"
#include "error.h"
#include "stepper.h"

/* Bytes of the works that only make completions: they always fit inline. */
#define FILLER 8
#define DRAIN_TIMEOUT (5 * BV_SEC)
/* How long a device that cannot be stepped gets before completions are polled. */
#define SETTLE_NS (100 * BV_USEC)
#define SETTLE_EACH_NS (2 * BV_USEC)

/* Places in a lane's buffer; receives and reads land in the first half. */
static uint8_t *landing(const struct lane *lane)
{
	return lane->memory;
}

static uint8_t *payload(const struct lane *lane)
{
	return lane->memory + lane->length / 2;
}

/* Every signal_every-th post completes, and the last of a batch always: the drain waits for it. */
static inline unsigned flags_at(const struct cost_options *options, uint32_t i)
{
	return (i + 1) % options->signal_every == 0 || i + 1 == options->batch ? 0 : BV_UNSIGNALED;
}

/*
 * LOOP(call): times options->batch calls, stops at the first that fails. @i may be used in them.
 */
#define LOOP(run, ticks, call)                                                 \
	do {                                                                   \
		const uint32_t count = (run)->options->batch;                  \
		const uint64_t begin = clock_ticks();                          \
                                                                               \
		for (uint32_t i = 0; i < count && (result = (call)) >= 0; i++) \
			;                                                      \
		*(ticks) = clock_ticks() - begin;                              \
	} while (0)

static int64_t time_posts(struct cost_run *run, struct lane *lane, enum cost_call call,
			  uint64_t *ticks)
{
	const struct cost_options *options = run->options;
	const uint32_t size = options->size;
	const struct bv_gather gather = bv_gather(lane->mr, payload(lane), size);
	const struct bv_scatter scatter = bv_scatter(lane->mr, landing(lane), size);
	const struct bv_scatter offer = bv_scatter(lane->mr, landing(lane), lane->length / 2);
	const void *buf = payload(lane);
	struct bv_channel *ch = lane->ch;
	int64_t result = 0;

	switch (call) {
	case COST_WRITE_INLINE:
		LOOP(run, ticks,
		     bv_post_write_inline(ch, buf, size, &lane->peer, flags_at(options, i)));
		break;
	case COST_WRITE:
		LOOP(run, ticks, bv_post_write(ch, &gather, 1, &lane->peer, flags_at(options, i)));
		break;
	case COST_SEND_INLINE:
		LOOP(run, ticks, bv_post_send_inline(ch, buf, size, flags_at(options, i)));
		break;
	case COST_READ:
		LOOP(run, ticks, bv_post_read(ch, &scatter, 1, &lane->peer, flags_at(options, i)));
		break;
	default:
		LOOP(run, ticks, bv_post_recv(ch, &offer, 1));
		break;
	}
	return result;
}

/* The number of completions that the polls of a batch brought. */
static int64_t time_polls(struct cost_run *run, struct lane *lane, enum cost_call call,
			  uint64_t *ticks)
{
	struct bv_channel *ch = lane->ch;
	struct bv_wc wc = { .status = BV_STATUS_SUCCESS };
	int64_t found = 0;
	int result = 0;

	if (call == COST_POLL_RECV)
		LOOP(run, ticks, (found += (result = bv_poll_recv(ch, &wc, 1)), result));
	else
		LOOP(run, ticks, (found += (result = bv_poll_send(ch, &wc, 1)), result));
	if (result < 0 || wc.status != BV_STATUS_SUCCESS)
		return -EIO;
	return found;
}

static int failed(const struct lane *lane, enum cost_call call, int rc)
{
	return fail_bv(rc, lane->ch, "provider %s, %s", lane->provider, cost_call_name(call));
}

static int drain_queue(struct lane *lane,
		       int (*poll)(struct bv_channel *, struct bv_wc *, unsigned), int64_t last,
		       enum cost_call call)
{
	const int64_t end = clock_ns() + DRAIN_TIMEOUT;
	struct bv_wc wc[16];

	while (!bv_work_done(lane->ch, last)) {
		int n = poll(lane->ch, wc, 16);

		for (int i = 0; i < n; i++) {
			if (wc[i].status != BV_STATUS_SUCCESS)
				n = -EIO;
		}
		if (n < 0)
			return failed(lane, call, n);
		if (n > 0)
			continue;
		if (clock_ns() > end)
			return fail(-ETIMEDOUT, "provider %s, %s: works did not complete in 5 s",
				    lane->provider, cost_call_name(call));
		stepper_settle();
	}
	return 0;
}

static int drain_send(struct lane *lane, enum cost_call call)
{
	const int64_t last = bv_last_posted(lane->ch);

	return last < 0 ? 0 : drain_queue(lane, bv_poll_send, last, call);
}

/* @count receives, untimed; *@last is the handle of the last. */
static int fill_receives(struct cost_run *run, struct lane *lane, enum cost_call call,
			 int64_t *last)
{
	const struct bv_scatter scatter = bv_scatter(lane->mr, landing(lane), run->options->size);

	for (uint32_t i = 0; i < run->options->batch; i++) {
		*last = bv_post_recv(lane->ch, &scatter, 1);
		if (*last < 0)
			return failed(lane, call, (int)*last);
	}
	return 0;
}

static int fill_posts(struct cost_run *run, struct lane *lane, enum cost_call call, bool send)
{
	struct bv_channel *ch = lane->ch;
	const void *buf = payload(lane);

	for (uint32_t i = 0; i < run->options->batch; i++) {
		const int64_t work = send ? bv_post_send_inline(ch, buf, FILLER, 0) :
					    bv_post_write_inline(ch, buf, FILLER, &lane->peer, 0);

		if (work < 0)
			return failed(lane, call, (int)work);
	}
	return 0;
}

/* Completions that will be polled must be there before: a device by itself is given time. */
static void settle(const struct cost_run *run)
{
	const int64_t end = clock_ns() + SETTLE_NS + run->options->batch * SETTLE_EACH_NS;

	if (run->manual) {
		stepper_settle();
		return;
	}
	while (clock_ns() < end)
		cpu_relax(false);
}

static int batch_posts(struct cost_run *run, struct lane *lane, enum cost_call call,
		       uint64_t *ticks)
{
	int64_t last = 0;
	int64_t result;
	int rc = 0;

	if (call == COST_SEND_INLINE)
		rc = fill_receives(run, lane, call, &last);
	if (rc < 0)
		return rc;
	result = time_posts(run, lane, call, ticks);
	if (result < 0)
		return failed(lane, call, (int)result);
	if (call == COST_RECV) {
		last = result;
		rc = fill_posts(run, lane, call, true);
	}
	stepper_settle();
	if (rc == 0)
		rc = drain_send(lane, call);
	if (rc == 0 && (call == COST_RECV || call == COST_SEND_INLINE))
		rc = drain_queue(lane, bv_poll_recv, last, call);
	return rc < 0 ? rc : 1;
}

static int batch_polls(struct cost_run *run, struct lane *lane, enum cost_call call,
		       uint64_t *ticks)
{
	const uint32_t expected = call == COST_POLL_EMPTY ? 0 : run->options->batch;
	int64_t last = 0;
	int64_t found;
	int rc = 0;

	if (call == COST_POLL_RECV)
		rc = fill_receives(run, lane, call, &last);
	if (rc == 0 && call != COST_POLL_EMPTY)
		rc = fill_posts(run, lane, call, call == COST_POLL_RECV);
	if (rc < 0)
		return rc;
	settle(run);
	if (call == COST_POLL_RECV)
		rc = drain_send(lane, call);
	if (rc < 0)
		return rc;
	found = time_polls(run, lane, call, ticks);
	if (found < 0)
		return failed(lane, call, (int)found);
	rc = drain_send(lane, call);
	if (rc == 0 && call == COST_POLL_RECV)
		rc = drain_queue(lane, bv_poll_recv, last, call);
	return rc < 0 ? rc : found == expected;
}

int cost_batch(struct cost_run *run, struct lane *lane, enum cost_call call, uint64_t *ticks)
{
	if (call == COST_POLL_SEND || call == COST_POLL_RECV || call == COST_POLL_EMPTY)
		return batch_polls(run, lane, call, ticks);
	return batch_posts(run, lane, call, ticks);
}
