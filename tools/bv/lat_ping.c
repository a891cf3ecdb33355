/* SPDX-License-Identifier: MIT */
/*
 * The loops through the device.
 *
 * What is timed is the post and the wait for the answer. Messages are filled before the clock
 * starts and verified after it has stopped; the responder does both while the initiator does, and
 * after it has answered.
 */
#include "lat_side.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cpu.h"
#include "error.h"
#include "exchange.h"
#include "pattern.h"

/* How often a wait looks at anything but the thing it waits for; powers of two. */
#define SPINS_BUSY 4096
#define SPINS_YIELDING 64
#define PEER_CHECK_NS (10 * BV_MSEC)
#define LATE_NS (100 * BV_MSEC)

/* A message that is ready to be posted. */
struct shot {
	struct lane *lane;
	const struct lat_row *row;
	uint8_t *buf;
	struct bv_gather gather;
	struct bv_remote remote;
	uint32_t imm;
	unsigned flags;
	int64_t *work;
};

struct wait {
	uint64_t spins;
	int64_t start_ns;
	int64_t next_ns;
};

/* Both directions count alike; what the pattern is made from tells them apart. */
static uint64_t pattern_number(bool from_responder, uint64_t number)
{
	return number * 2 + from_responder;
}

static int work_failed(const struct lane *lane, const struct lat_order *order)
{
	return fail_bv(-EIO, lane->ch, "provider %s, %s of %u bytes", lane->provider,
		       lat_row_name(&order->row), order->row.size);
}

/* Takes what the send queue has completed. */
static int reap(struct lat_side *side, const struct lat_order *order)
{
	struct lane *lane = &side->lanes[order->lane];
	struct bv_wc wc[8];
	int n;

	do {
		n = bv_poll_send(lane->ch, wc, 8);
		if (n < 0)
			return work_failed(lane, order);
		for (int i = 0; i < n; i++) {
			if (wc[i].status != BV_STATUS_SUCCESS)
				return work_failed(lane, order);
		}
	} while (n == 8);
	return 0;
}

/* The peer says nothing while messages fly unless it has failed. */
static int peer_spoke(struct lat_side *side)
{
	int rc = lat_side_expect(side, 0, LAT_FAILED, NULL, 0);

	return rc < 0 ? rc : fail(-EPROTO, "the %s sent an empty message", side->peer_name);
}

__attribute__((cold, noinline)) static int
wait_check(struct lat_side *side, const struct lat_order *order, struct wait *wait)
{
	const struct lane *lane = &side->lanes[order->lane];
	const int64_t now = clock_ns();

	if (wait->start_ns == 0) {
		wait->start_ns = now;
		wait->next_ns = now + PEER_CHECK_NS;
	}
	if (now >= wait->next_ns) {
		wait->next_ns = now + PEER_CHECK_NS;
		if (exchange_pending(side->fd))
			return peer_spoke(side);
	}
	if (now - wait->start_ns > side->options->timeout_ns)
		return fail(-ETIMEDOUT,
			    "provider %s, %s of %u bytes: nothing came from the %s for %.1f s; "
			    "--timeout gives it longer",
			    lane->provider, lat_row_name(&order->row), order->row.size,
			    side->peer_name, (double)side->options->timeout_ns / 1e9);
	/* A message that was lost shows here, as the error of the work that carried it. */
	return reap(side, order);
}

static inline int wait_more(struct lat_side *side, const struct lat_order *order, struct wait *wait)
{
	/* No pause instruction: on some CPUs it is longer than what is measured here. */
	if (side->yield)
		sched_yield();
	if (++wait->spins % (side->yield ? SPINS_YIELDING : SPINS_BUSY) != 0)
		return 0;
	return wait_check(side, order, wait);
}

static int wait_work(struct lat_side *side, const struct lat_order *order, int64_t work)
{
	const struct bv_channel *ch = side->lanes[order->lane].ch;
	struct wait wait = { .spins = 0 };
	int rc = 0;

	while (rc == 0 && !bv_work_done(ch, work)) {
		rc = reap(side, order);
		if (rc == 0 && !bv_work_done(ch, work))
			rc = wait_more(side, order, &wait);
	}
	return rc;
}

/* The answer to a send, or to a write with immediate, uses up a receive. */
static int wait_receive(struct lat_side *side, const struct lat_order *order, struct bv_wc *wc)
{
	struct lane *lane = &side->lanes[order->lane];
	struct wait wait = { .spins = 0 };
	int rc = 0;
	int n;

	while ((n = bv_poll_recv(lane->ch, wc, 1)) == 0 && rc == 0)
		rc = wait_more(side, order, &wait);
	if (rc < 0)
		return rc;
	return n < 0 || wc->status != BV_STATUS_SUCCESS ? work_failed(lane, order) : 0;
}

/* A write shows in memory alone: its last byte is the message's tag. */
static int wait_tag(struct lat_side *side, const struct lat_order *order, uint64_t number)
{
	const uint8_t *tail = lat_target(side, order->lane, number) + order->row.size - 1;
	const uint8_t tag = pattern_tag(pattern_number(!side->responder, number));
	struct wait wait = { .spins = 0 };
	int rc = 0;

	while (__atomic_load_n(tail, __ATOMIC_ACQUIRE) != tag && rc == 0)
		rc = wait_more(side, order, &wait);
	return rc;
}

static int await(struct lat_side *side, const struct lat_order *order, uint64_t number,
		 struct bv_wc *wc)
{
	if (order->row.op == LAT_WRITE)
		return wait_tag(side, order, number);
	return wait_receive(side, order, wc);
}

/* Every signal_every-th work of a queue has a completion; so has each read, which is timed by it. */
static unsigned flags_of(struct lat_side *side, const struct lat_order *order)
{
	const uint64_t posted = ++side->posted[order->lane];

	return posted % side->options->signal_every == 0 || order->row.op == LAT_READ ?
		       0 :
		       BV_UNSIGNALED;
}

static void fill(const struct lat_side *side, uint8_t *buf, uint32_t size, uint64_t number)
{
	if (side->options->check)
		pattern_fill(buf, size, number);
	else if (size > 0)
		buf[size - 1] = pattern_tag(number);
}

/* Fills the next message and works out how it is posted; waits until its slot is free. */
static int load(struct lat_side *side, const struct lat_order *order, uint64_t number,
		struct shot *shot)
{
	struct lane *lane = &side->lanes[order->lane];
	const uint64_t slot = side->posted[order->lane] % side->tx_slots;
	const uint64_t name = pattern_number(side->responder, number);
	const uint32_t size = order->row.size;
	int rc;

	shot->work = &side->tx_work[order->lane * side->tx_slots + slot];
	if (*shot->work >= 0) {
		rc = wait_work(side, order, *shot->work);
		if (rc < 0)
			return rc;
	}
	shot->lane = lane;
	shot->row = &order->row;
	shot->buf = lat_tx(side, order->lane, slot);
	shot->gather = bv_gather(lane->mr, shot->buf, size);
	shot->remote =
		bv_remote_slice_unchecked(&lane->peer, lat_target_offset(side, number), size);
	shot->imm = pattern_imm(name);
	shot->flags = flags_of(side, order);
	if (order->row.op != LAT_READ)
		fill(side, shot->buf, size, name);
	else if (side->options->check)
		memset(shot->buf, 0x5a, size); /* what the read before it left must not pass */
	if (side->responder && side->options->fault == LAT_FAULT_CORRUPT &&
	    side->messages + 1 == side->options->fault_at && size > 0)
		shot->buf[0] ^= 0x01;
	return 0;
}

static int64_t post_inline(const struct shot *shot)
{
	struct bv_channel *ch = shot->lane->ch;
	const uint32_t size = shot->row->size;

	switch (shot->row->op) {
	case LAT_SEND:
		return bv_post_send_inline(ch, shot->buf, size, shot->flags);
	case LAT_SEND_IMM:
		return bv_post_send_inline_imm(ch, shot->buf, size, shot->imm, shot->flags);
	case LAT_WRITE:
		return bv_post_write_inline(ch, shot->buf, size, &shot->remote, shot->flags);
	case LAT_WRITE_IMM:
		return bv_post_write_inline_imm(ch, shot->buf, size, &shot->remote, shot->imm,
						shot->flags);
	default:
		return -EINVAL;
	}
}

static int64_t post(const struct shot *shot)
{
	struct bv_channel *ch = shot->lane->ch;
	const unsigned nsge = shot->row->size > 0;
	struct bv_scatter scatter;

	if (shot->row->inlined)
		return post_inline(shot);
	switch (shot->row->op) {
	case LAT_SEND:
		return bv_post_send(ch, &shot->gather, nsge, shot->flags);
	case LAT_SEND_IMM:
		return bv_post_send_imm(ch, &shot->gather, nsge, shot->imm, shot->flags);
	case LAT_WRITE:
		return bv_post_write(ch, &shot->gather, nsge, &shot->remote, shot->flags);
	case LAT_WRITE_IMM:
		return bv_post_write_imm(ch, &shot->gather, nsge, &shot->remote, shot->imm,
					 shot->flags);
	case LAT_READ:
		scatter = bv_scatter(shot->lane->mr, shot->buf, shot->row->size);
		return bv_post_read(ch, &scatter, nsge, &shot->remote, shot->flags);
	default:
		return -EINVAL;
	}
}

static int fire(struct lat_side *side, const struct lat_order *order, struct shot *shot)
{
	struct wait wait = { .spins = 0 };
	int64_t work = post(shot);
	int rc;

	/* A full queue: completions that are due make room. */
	while (work == -EAGAIN) {
		rc = reap(side, order);
		if (rc == 0)
			rc = wait_more(side, order, &wait);
		if (rc < 0)
			return rc;
		work = post(shot);
	}
	if (work < 0)
		return work_failed(shot->lane, order);
	*shot->work = work;
	side->messages++;
	return 0;
}

static void wrong(struct lat_side *side, const struct lat_order *order, uint64_t number,
		  const char *what)
{
	if (side->seen.wrong++ == 0)
		snprintf(side->seen.wrong_text, sizeof(side->seen.wrong_text),
			 "provider %s, %s of %u bytes, message %llu from the %s: %s",
			 side->lanes[order->lane].provider, lat_row_name(&order->row),
			 order->row.size, (unsigned long long)number,
			 order->row.op == LAT_READ ? "responder" : side->peer_name, what);
}

/*
 * Reading the last byte of a write does not promise the bytes before it, neither in the InfiniBand
 * specification nor on every device: what is not right at first may still be on its way.
 */
static size_t check_late(struct lat_side *side, const uint8_t *buf, uint32_t size, uint64_t name)
{
	const int64_t end = clock_ns() + LATE_NS;
	size_t at;

	do {
		cpu_relax(true);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		at = pattern_check(buf, size, name);
	} while (at < size && clock_ns() < end);
	side->seen.late += at == size;
	return at;
}

static void verify(struct lat_side *side, const struct lat_order *order, const uint8_t *buf,
		   uint64_t number, bool polled)
{
	const uint64_t name = pattern_number(!side->responder, number);
	const uint32_t size = order->row.size;
	size_t at = pattern_check(buf, size, name);
	char what[96];

	if (at < size && polled)
		at = check_late(side, buf, size, name);
	if (at == size) {
		side->seen.verified++;
		return;
	}
	snprintf(what, sizeof(what), "byte %zu is 0x%02x, must be 0x%02x", at, buf[at],
		 pattern_byte(at, size, name));
	wrong(side, order, number, what);
}

/* A receive that completed: verifies what came, and posts its buffer again. */
static int accept_receive(struct lat_side *side, const struct lat_order *order, uint64_t number,
			  const struct bv_wc *wc)
{
	const uint32_t op = order->row.op;
	const bool imm = op != LAT_SEND;
	struct lane *lane = &side->lanes[order->lane];
	uint8_t *rx = lat_rx(side, order->lane, side->received[order->lane]++);
	struct bv_scatter sge = bv_scatter(lane->mr, rx, side->stride);
	int64_t work;

	if (wc->bytes != order->row.size)
		wrong(side, order, number, "its completion has another length");
	else if (imm != !!(wc->flags & BV_WC_IMM) ||
		 (imm && wc->imm != pattern_imm(pattern_number(!side->responder, number))))
		wrong(side, order, number, "its completion has another immediate");
	else if (side->options->check)
		verify(side, order,
		       op == LAT_WRITE_IMM ? lat_target(side, order->lane, number) : rx, number,
		       false);
	work = bv_post_recv(lane->ch, &sge, 1);
	return work < 0 ? work_failed(lane, order) : 0;
}

static int accept(struct lat_side *side, const struct lat_order *order, uint64_t number,
		  const struct bv_wc *wc)
{
	int rc = 0;

	if (order->row.op != LAT_WRITE)
		rc = accept_receive(side, order, number, wc);
	else if (side->options->check)
		verify(side, order, lat_target(side, order->lane, number), number, true);
	return rc < 0 ? rc : reap(side, order);
}

void lat_prepare(struct lat_side *side, const struct lat_order *order)
{
	const uint32_t size = order->row.size;

	side->seen = (struct lat_done){ .verified = 0 };
	for (uint64_t number = order->first; number < order->first + LAT_SLOTS && size > 0;
	     number++) {
		uint8_t *target = lat_target(side, order->lane, number);

		if (order->row.op == LAT_READ)
			fill(side, target, size, pattern_number(side->responder, number));
		else
			target[size - 1] =
				(uint8_t)~pattern_tag(pattern_number(!side->responder, number));
	}
}

static int read_one(struct lat_side *side, const struct lat_order *order, uint64_t i,
		    struct hdr *hdr)
{
	const uint64_t number = order->first + i;
	struct shot shot;
	uint64_t begin;
	int rc = load(side, order, number, &shot);

	if (rc < 0)
		return rc;
	begin = clock_ticks();
	rc = fire(side, order, &shot);
	if (rc == 0)
		rc = wait_work(side, order, *shot.work);
	if (rc < 0)
		return rc;
	if (hdr != NULL)
		hdr_record(hdr, clock_ticks() - begin);
	/* The responder has filled each slot once, with the first message that is in it. */
	if (side->options->check)
		verify(side, order, shot.buf, order->first + i % LAT_SLOTS, false);
	return 0;
}

static int ping_one(struct lat_side *side, const struct lat_order *order, uint64_t number,
		    struct hdr *hdr)
{
	struct bv_wc wc;
	struct shot shot;
	uint64_t begin, ticks;
	int rc = load(side, order, number, &shot);

	if (rc < 0)
		return rc;
	begin = clock_ticks();
	rc = fire(side, order, &shot);
	if (rc == 0)
		rc = await(side, order, number, &wc);
	ticks = clock_ticks() - begin;
	if (rc < 0)
		return rc;
	if (hdr != NULL)
		hdr_record(hdr, ticks);
	return accept(side, order, number, &wc);
}

int lat_initiate(struct lat_side *side, const struct lat_order *order, struct hdr *hdr)
{
	int rc = 0;

	for (uint64_t i = 0; i < order->count && rc == 0; i++)
		rc = order->row.op == LAT_READ ? read_one(side, order, i, hdr) :
						 ping_one(side, order, order->first + i, hdr);
	return rc;
}

static int pong_one(struct lat_side *side, const struct lat_order *order, uint64_t number)
{
	struct bv_wc wc;
	struct shot shot;
	int rc = load(side, order, number, &shot);

	if (rc == 0)
		rc = await(side, order, number, &wc);
	if (rc < 0)
		return rc;
	if (side->options->fault == LAT_FAULT_KILL && side->messages + 1 == side->options->fault_at)
		raise(SIGKILL);
	rc = fire(side, order, &shot);
	return rc < 0 ? rc : accept(side, order, number, &wc);
}

int lat_respond(struct lat_side *side, const struct lat_order *order)
{
	int rc = 0;

	if (order->row.op == LAT_READ)
		return 0; /* the device serves reads by itself */
	for (uint64_t i = 0; i < order->count && rc == 0; i++)
		rc = pong_one(side, order, order->first + i);
	return rc;
}
