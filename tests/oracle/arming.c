/* SPDX-License-Identifier: MIT */
/*
 * Arming completion queues: record and register must be equal but for the queue's number, whatever
 * the consumer index and the count of events taken so far are; and both queue pairs must be woken.
 */
#include "tests.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"

/* What the device can see of one arming. */
struct told {
	uint32_t record;
	uint32_t word;
	uint32_t cqn;
};

enum {
	DBREC_ARM = 1,
	ROUNDS = 9, /* the sequence number has two bits */
};

/* A send with immediate, so that both queues complete. */
static const struct request both = { .op = ORACLE_SEND_IMM, .flags = BV_SOLICITED };

static void silence(const struct twin *t)
{
	memset(t->ours.arm, 0, 8);
}

static struct told told(const struct twin *t, const struct cq_ring *cq)
{
	struct told what = { .record = be32toh(cq->dbrec[DBREC_ARM]) };

	memcpy(&what.word, t->ours.arm, 4);
	memcpy(&what.cqn, t->ours.arm + 4, 4);
	what.word = be32toh(what.word);
	what.cqn = be32toh(what.cqn);
	return what;
}

static void arm_both(const struct twin *t, unsigned queue, bool solicited)
{
	const bool send = queue == BV_WAKE_SEND;
	struct told ours, theirs;

	silence(t);
	assert_int_equal(bv_channel_arm(t->ch, queue | (solicited ? BV_WAKE_SOLICITED : 0)), 0);
	ours = told(t, send ? &t->ours.send_cq : &t->ours.recv_cq);
	silence(t);
	assert_int_equal(ibv_req_notify_cq(send ? t->send_cq : t->recv_cq, solicited), 0);
	theirs = told(t, send ? &t->theirs.send_cq : &t->theirs.recv_cq);
	assert_int_equal(ours.record, theirs.record);
	assert_int_equal(ours.word, theirs.word);
	assert_int_equal(ours.cqn, send ? t->ours.send_cq.cqn : t->ours.recv_cq.cqn);
	assert_int_equal(theirs.cqn, send ? t->theirs.send_cq.cqn : t->theirs.recv_cq.cqn);
	assert_int_equal(ours.word, ours.record);
}

/* Which queues of theirs were woken; each event may be taken once. */
static int their_woken(const struct twin *t)
{
	struct ibv_cq *cq;
	void *context;
	int woken = 0;

	while (ibv_get_cq_event(t->wake, &cq, &context) == 0) {
		const int queue = cq == t->send_cq ? BV_WAKE_SEND : BV_WAKE_RECV;

		assert_false(woken & queue);
		woken |= queue;
		ibv_ack_cq_events(cq, 1);
	}
	return woken;
}

static void complete(const struct twin *t, int woken)
{
	assert_int_equal(case_recv_theirs(t, 1), 0);
	assert_true(case_recv_ours(t, 1) >= 0);
	assert_int_equal(case_post_theirs(t, &both, 1), 0);
	assert_true(case_post_ours(t, &both, 0) >= 0);
	twin_run();
	assert_int_equal(bv_channel_woken(t->ch), woken);
	assert_int_equal(their_woken(t), woken);
	expect_same_completions(t, &both, 1);
}

void arming(void **state)
{
	const struct twin *const t = *state;

	for (unsigned round = 0; round < ROUNDS; round++) {
		snprintf(oracle_now, sizeof(oracle_now), "arming, round %u", round);
		arm_both(t, BV_WAKE_SEND, false);
		arm_both(t, BV_WAKE_SEND, false);
		complete(t, BV_WAKE_SEND);
		arm_both(t, BV_WAKE_RECV, round % 2);
		complete(t, BV_WAKE_RECV);
		/* For solicited ones first, then for any. */
		arm_both(t, BV_WAKE_RECV, true);
		arm_both(t, BV_WAKE_RECV, false);
		arm_both(t, BV_WAKE_SEND, false);
		complete(t, BV_WAKE_SEND | BV_WAKE_RECV);
		complete(t, 0);
	}
}
