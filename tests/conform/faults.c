/* SPDX-License-Identifier: MIT */
/*
 * One work goes wrong: its exact status on either end, the error that is kept, the flushes that
 * follow, and what is left to do with the channel. The statuses are those of the InfiniBand
 * specification, volume 1, 11.6.2 (completion errors) and 9.9 (what requester and responder do), or
 * where a device is known to depart from it (device_status()), the device's.
 */
#include "link.h"

#include <string.h>

#include "device.h"
#include "options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Regions of a test's own: at end A and end B, in the arena's halves from TEST_OFFSET on. */
enum {
	TEST_MR_A = 1,
	TEST_MR_B = 2,
	TEST_OFFSET = 1 << 20,
	TEST_BYTES = 4096,
	FLUSHED_SENDS = 3,
	FLUSHED_RECEIVES = 2,
};

struct fault {
	/* Changes what is made before the link is: attributes may be changed. */
	void (*attributes)(struct bv_channel_attr *a, struct bv_channel_attr *b);
	/* Makes @post (a good write of 8 bytes) or @recv (a good receive of 8) the bad one. */
	void (*arrange)(struct link *link, struct post *post, struct post *recv);
	enum bv_status a;
	/* Of end B's receive; BV_STATUS_SUCCESS: end B does not even notice. */
	enum bv_status b;
};

static struct bv_remote reg_at(const struct end *end, unsigned mr, unsigned pd, unsigned access)
{
	struct bv_remote remote;

	if (side_reg(end->side, mr, pd, end->base + TEST_OFFSET, TEST_BYTES, access, &remote) < 0)
		fail_msg("register: %s", end->side->text);
	return remote;
}

/* Takes memory of @mr instead of the arena's: the same bytes, other rights. */
static void use_mr(struct post *post, const struct end *end, unsigned mr)
{
	post->list = end_piece(end, TEST_OFFSET, 8);
	post->list.piece[0].mr = mr;
}

static void wrong_rkey(struct link *link, struct post *post, struct post *recv)
{
	(void)link;
	(void)recv;
	post->remote.rkey ^= 0xffffff00;
}

static void wrong_rkey_read(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_READ;
	wrong_rkey(link, post, recv);
}

static void wrong_rkey_write_imm(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_WRITE_IMM;
	wrong_rkey(link, post, recv);
}

static void stale_rkey(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	post->remote = reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_SHARED);
	assert_int_equal(side_dereg(link->b.side, TEST_MR_B), 0);
}

static void foreign_pd_rkey(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	post->remote = reg_at(&link->b, TEST_MR_B, PD_OTHER, BV_ACCESS_SHARED);
}

static void beyond_remote(struct link *link, struct post *post, struct post *recv)
{
	const struct bv_remote region = reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_SHARED);

	(void)recv;
	post->remote = bv_remote_slice_unchecked(&region, TEST_BYTES - 7, 8);
}

static void beyond_remote_read(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_READ;
	beyond_remote(link, post, recv);
}

static void before_remote(struct link *link, struct post *post, struct post *recv)
{
	const struct bv_remote region = reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_SHARED);

	(void)recv;
	post->remote = bv_remote_slice_unchecked(&region, UINT64_MAX, 8);
}

/* The caller's unchecked post is longer than the region that it names. */
static void unchecked_post(struct link *link, struct post *post, struct post *recv)
{
	const struct bv_remote region = reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_SHARED);

	(void)recv;
	post->unchecked = true;
	post->remote = bv_remote_slice_unchecked(&region, TEST_BYTES, 0);
}

static void no_right_to_write(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	post->remote =
		reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_LOCAL | BV_ACCESS_REMOTE_READ);
}

static void no_right_to_read(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	post->op = OP_READ;
	post->remote =
		reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_LOCAL | BV_ACCESS_REMOTE_WRITE);
}

static void channel_read_only(struct bv_channel_attr *a, struct bv_channel_attr *b)
{
	(void)a;
	b->access = BV_ACCESS_REMOTE_READ;
}

static void channel_write_only(struct bv_channel_attr *a, struct bv_channel_attr *b)
{
	(void)a;
	b->access = BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE;
}

static void write_it(struct link *link, struct post *post, struct post *recv)
{
	(void)link;
	(void)recv;
	post->op = OP_WRITE;
}

static void read_it(struct link *link, struct post *post, struct post *recv)
{
	(void)link;
	(void)recv;
	post->op = OP_READ;
}

static void foreign_pd_lkey(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	reg_at(&link->a, TEST_MR_A, PD_OTHER, BV_ACCESS_LOCAL);
	use_mr(post, &link->a, TEST_MR_A);
}

static void foreign_pd_lkey_send(struct link *link, struct post *post, struct post *recv)
{
	foreign_pd_lkey(link, post, recv);
	post->op = OP_SEND;
}

static void stale_lkey(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	reg_at(&link->a, TEST_MR_A, PD_MAIN, BV_ACCESS_LOCAL);
	use_mr(post, &link->a, TEST_MR_A);
	assert_int_equal(side_dereg(link->a.side, TEST_MR_A), 0);
}

static void beyond_local(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	reg_at(&link->a, TEST_MR_A, PD_MAIN, BV_ACCESS_LOCAL);
	use_mr(post, &link->a, TEST_MR_A);
	post->list.piece[0].offset += TEST_BYTES - 7;
}

static void read_into_read_only(struct link *link, struct post *post, struct post *recv)
{
	(void)recv;
	reg_at(&link->a, TEST_MR_A, PD_MAIN, 0);
	use_mr(post, &link->a, TEST_MR_A);
	post->op = OP_READ;
}

static void receive_foreign_pd(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_SEND;
	reg_at(&link->b, TEST_MR_B, PD_OTHER, BV_ACCESS_LOCAL);
	use_mr(recv, &link->b, TEST_MR_B);
}

static void receive_into_read_only(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_SEND_IMM;
	reg_at(&link->b, TEST_MR_B, PD_MAIN, 0);
	use_mr(recv, &link->b, TEST_MR_B);
}

static void receive_beyond_local(struct link *link, struct post *post, struct post *recv)
{
	post->op = OP_SEND_INLINE;
	reg_at(&link->b, TEST_MR_B, PD_MAIN, BV_ACCESS_LOCAL);
	use_mr(recv, &link->b, TEST_MR_B);
	recv->list.piece[0].offset += TEST_BYTES - 7;
}

static void receive_too_small(struct link *link, struct post *post, struct post *recv)
{
	(void)link;
	post->op = OP_SEND;
	recv->list.piece[0].length = 7;
}

static void receive_without_memory(struct link *link, struct post *post, struct post *recv)
{
	(void)link;
	post->op = OP_SEND_IMM;
	recv->list.n = 0;
}

/* Works of end A around the bad one: a good one before it, and some behind that get flushed. */
static int64_t post_works(struct link *link, const struct post *good, const struct post *bad)
{
	const struct post recv = post_recv8(&link->a);
	int64_t work;

	for (unsigned i = 0; i < FLUSHED_RECEIVES; i++)
		end_post(&link->a, &recv);
	end_post(&link->a, good);
	work = end_post(&link->a, bad);
	for (unsigned i = 0; i < FLUSHED_SENDS; i++)
		end_post(&link->a, good);
	return work;
}

static void expect_refusals(struct end *end, const struct link *link)
{
	const struct post recv = post_recv8(end);

	for (int op = 0; op < OP_RECV; op++) {
		const struct post post = post_of(link, (enum op)op, 0);

		end_refused(end, &post, -EIO);
		expect_word(end->side->text, "ERROR");
	}
	end_refused(end, &recv, -EIO);
}

/* By handle, each work still tells how it ended. */
static void expect_tests(struct end *end, int64_t bad, enum bv_status status)
{
	struct bv_wc wc;

	assert_int_equal(side_test(end->side, end->slot, bad - 1, &wc), 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_int_equal(side_test(end->side, end->slot, bad, &wc), -EIO);
	assert_int_equal(wc.work, bad);
	assert_int_equal(wc.status, status);
	for (unsigned i = 1; i <= FLUSHED_SENDS; i++) {
		assert_int_equal(side_wait(end->side, end->slot, bad + i, WAIT_NS, &wc), -EIO);
		assert_int_equal(wc.work, bad + i);
		assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	}
	assert_int_equal(side_test(end->side, end->slot, BV_WORK_RECV, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
}

static void expect_error(const struct end *end, int64_t work, enum bv_status status,
			 uint64_t flushed)
{
	struct side_state state;

	end_state(end, &state);
	assert_int_equal(state.state, BV_CHANNEL_ERROR);
	assert_int_equal(state.failed, 1);
	assert_int_equal(state.error.work, work);
	assert_int_equal(state.error.status, status);
	assert_int_equal(state.flushed, flushed);
	expect_word(state.text, bv_status_name(status));
	assert_non_null(strstr(state.text, bv_status_hint(status)));
}

/* Where the device flushes the failed work itself, it flushes good ones before it, too. */
static void need_cause(enum bv_status specified, enum bv_status reported)
{
	if (reported != BV_STATUS_WORK_REQUEST_FLUSH_ERROR || reported == specified ||
	    device_status(specified, reported) != reported)
		return;
	skip_because("this driver flushes all works when it finds one wrong itself");
}

static void expect_end_a(struct link *link, enum op good, int64_t bad, enum bv_status status)
{
	struct bv_wc wc[1 + 1 + FLUSHED_SENDS];

	end_reap(&link->a, false, COUNT(wc), wc);
	need_cause(status, wc[1].status);
	expect_sent(&wc[0], bad - 1, good, 8);
	status = device_status(status, wc[1].status);
	expect_failed(&wc[1], bad, status);
	for (unsigned i = 0; i < FLUSHED_SENDS; i++)
		expect_failed(&wc[2 + i], bad + 1 + i, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	end_reap(&link->a, true, FLUSHED_RECEIVES, wc);
	for (unsigned i = 0; i < FLUSHED_RECEIVES; i++)
		expect_failed(&wc[i], (int64_t)i | BV_WORK_RECV,
			      BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	expect_error(&link->a, bad, status, FLUSHED_SENDS + FLUSHED_RECEIVES);
	expect_tests(&link->a, bad, status);
	expect_refusals(&link->a, link);
	expect_error(&link->a, bad, status, FLUSHED_SENDS + FLUSHED_RECEIVES);
}

static void expect_end_b(struct link *link, enum bv_status status)
{
	struct side_state state;
	struct bv_wc wc[2];

	if (status == BV_STATUS_SUCCESS) {
		end_reap_none(&link->b, true, 0);
		end_state(&link->b, &state);
		assert_int_equal(state.state, BV_CHANNEL_READY);
		assert_int_equal(state.failed, 0);
		assert_int_equal(state.flushed, 0);
		return;
	}
	end_reap(&link->b, true, COUNT(wc), wc);
	status = device_status(status, wc[0].status);
	expect_failed(&wc[0], BV_WORK_RECV, status);
	expect_failed(&wc[1], BV_WORK_RECV | 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	expect_error(&link->b, BV_WORK_RECV, status, 1);
}

static void run_fault(void **state)
{
	const struct fault *fault = *state;
	struct bv_channel_attr a = link_attr(), b = link_attr();
	struct list source, target;
	struct post good, post, recv, good_recv;
	struct link link;
	int64_t bad;

	if (fault->attributes)
		fault->attributes(&a, &b);
	link_up(&link, &a, &b);
	source = end_piece(&link.a, TEST_OFFSET, TEST_BYTES);
	target = end_piece(&link.b, TEST_OFFSET, TEST_BYTES);
	end_fill(&link.a, &source, SEED_GUARD);
	end_fill(&link.b, &target, SEED_GUARD);
	post = good = post_of(&link, b.access & BV_ACCESS_REMOTE_WRITE ? OP_WRITE : OP_READ, 0);
	recv = good_recv = post_recv8(&link.b);
	fault->arrange(&link, &post, &recv);
	end_post(&link.b, &recv);
	end_post(&link.b, &good_recv);
	bad = post_works(&link, &good, &post);
	expect_end_a(&link, good.op, bad, fault->a);
	expect_end_b(&link, fault->b);
	end_check(&link.a, &source, SEED_GUARD, 0);
	/* A request that was refused changed nothing; a receive that failed may have been begun. */
	if (fault->b == BV_STATUS_SUCCESS || fault->b == BV_STATUS_WORK_REQUEST_FLUSH_ERROR)
		end_check(&link.b, &target, SEED_GUARD, 0);
}

/*
 * No receive is posted: the sender tries as often as it was told, then gives up. The receiver does
 * not notice.
 */
static void receiver_not_ready(void **state)
{
	struct bv_channel_attr a = link_attr();
	struct link link;
	struct post good, bad;
	int64_t work;

	(void)state;
	a.rnr_retry = 2;
	link_up(&link, &a, NULL);
	good = post_write8(&link, 0);
	bad = post_of(&link, OP_SEND, 0);
	work = post_works(&link, &good, &bad);
	expect_end_a(&link, OP_WRITE, work, BV_STATUS_RNR_RETRY_EXCEEDED_ERROR);
	expect_end_b(&link, BV_STATUS_SUCCESS);
}

/* With rnr_retry 7 the sender waits as long as it takes; what was posted behind stays in order. */
static void receiver_late(void **state)
{
	struct bv_channel_attr a = link_attr();
	struct post post, recv;
	struct link link;
	struct bv_wc wc[3];

	(void)state;
	a.rnr_retry = BV_RNR_RETRY_FOREVER;
	link_up(&link, &a, NULL);
	post = post_of(&link, OP_SEND_IMM, 0);
	recv = post_recv8(&link.b);
	for (unsigned i = 0; i < COUNT(wc); i++) {
		post.imm = i;
		end_post(&link.a, &post);
	}
	/* Many times the RNR timer of 10 us. */
	end_reap_none(&link.a, false, 20 * BV_MSEC);
	for (unsigned i = 0; i < COUNT(wc); i++)
		end_post(&link.b, &recv);
	end_reap(&link.a, false, COUNT(wc), wc);
	for (unsigned i = 0; i < COUNT(wc); i++)
		expect_sent(&wc[i], i, OP_SEND_IMM, 0);
	end_reap(&link.b, true, COUNT(wc), wc);
	for (unsigned i = 0; i < COUNT(wc); i++)
		expect_received(&wc[i], (int64_t)i | BV_WORK_RECV, OP_SEND_IMM, 8, i);
}

/* Flushed receives may be polled before the send that is their cause: the error names the cause. */
static void cause_found_later(void **state)
{
	struct link link;
	struct post good, bad, recv;
	struct bv_wc wc[1 + 1 + FLUSHED_SENDS];
	int64_t work;

	(void)state;
	link_up(&link, NULL, NULL);
	good = bad = post_write8(&link, 0);
	wrong_rkey(&link, &bad, &recv);
	work = post_works(&link, &good, &bad);
	end_reap(&link.a, true, FLUSHED_RECEIVES, wc);
	expect_failed(&wc[0], BV_WORK_RECV, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	expect_error(&link.a, BV_WORK_RECV, BV_STATUS_WORK_REQUEST_FLUSH_ERROR,
		     FLUSHED_RECEIVES - 1);
	expect_refusals(&link.a, &link);
	end_reap(&link.a, false, COUNT(wc), wc);
	expect_sent(&wc[0], work - 1, OP_WRITE, 0);
	expect_failed(&wc[1], work, BV_STATUS_REMOTE_ACCESS_ERROR);
	expect_error(&link.a, work, BV_STATUS_REMOTE_ACCESS_ERROR,
		     FLUSHED_SENDS + FLUSHED_RECEIVES);
	expect_tests(&link.a, work, BV_STATUS_REMOTE_ACCESS_ERROR);
}

/* A program that unmaps what it registered breaks its own work at most; others go on. */
static void expect_others_work(void)
{
	struct link other;
	struct bv_wc wc;
	struct post post;

	link_create_at(&other, 1, NULL, NULL);
	link_connect(&other);
	post = post_write8(&other, 0);
	end_post(&other.a, &post);
	end_reap(&other.a, false, 1, &wc);
	expect_sent(&wc, 0, OP_WRITE, 0);
}

static void unmapped_source(void **state)
{
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	link_up(&link, NULL, NULL);
	assert_int_equal(side_reg_own(link.a.side, TEST_MR_A, TEST_BYTES, BV_ACCESS_LOCAL, NULL),
			 0);
	assert_int_equal(side_unmap(link.a.side, TEST_MR_A), 0);
	post = post_write8(&link, 0);
	post.list.piece[0] = (struct piece){ .offset = 0, .length = 8, .mr = TEST_MR_A };
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	assert_int_equal(wc.work, 0);
	expect_others_work();
}

static void unmapped_target(void **state)
{
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	link_up(&link, NULL, NULL);
	post = post_write8(&link, 0);
	assert_int_equal(side_reg_own(link.b.side, TEST_MR_B, TEST_BYTES, BV_ACCESS_SHARED,
				      &post.remote),
			 0);
	assert_int_equal(side_unmap(link.b.side, TEST_MR_B), 0);
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	assert_int_equal(wc.work, 0);
	expect_others_work();
}

static void unmapped_receive(void **state)
{
	struct link link;
	struct post post, recv = { .op = OP_RECV };
	struct bv_wc wc;

	(void)state;
	if (options.completions & BV_COMPLETIONS_INLINE)
		skip_because("a poll copies short messages to where receives point");
	link_up(&link, NULL, NULL);
	assert_int_equal(side_reg_own(link.b.side, TEST_MR_B, TEST_BYTES, BV_ACCESS_LOCAL, NULL),
			 0);
	recv.list = (struct list){ .n = 1, .piece = { { .length = 8, .mr = TEST_MR_B } } };
	end_post(&link.b, &recv);
	assert_int_equal(side_unmap(link.b.side, TEST_MR_B), 0);
	post = post_of(&link, OP_SEND, 0);
	end_post(&link.a, &post);
	end_reap(&link.b, true, 1, &wc);
	assert_int_equal(wc.work, BV_WORK_RECV);
	end_reap(&link.a, false, 1, &wc);
	assert_int_equal(wc.work, 0);
	expect_others_work();
}

#define FAULT(promise, attributes, arrange, a, b)                                                  \
	{                                                                                          \
		.name = #arrange, .guarantee = promise, .run = run_fault, .teardown = world_reset, \
		.state = &(struct fault)                                                           \
		{                                                                                  \
			attributes, arrange, BV_STATUS_##a, BV_STATUS_##b                          \
		}                                                                                  \
	}

static const struct test tests[] = {
	FAULT("remote: wrong rkey, write", NULL, wrong_rkey, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: wrong rkey, read", NULL, wrong_rkey_read, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: wrong rkey, write_imm", NULL, wrong_rkey_write_imm, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: rkey of a released region", NULL, stale_rkey, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: rkey of another pd", NULL, foreign_pd_rkey, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("RMR-4 remote: write ends behind the region", NULL, beyond_remote,
	      REMOTE_ACCESS_ERROR, WORK_REQUEST_FLUSH_ERROR),
	FAULT("RMR-4 remote: read ends behind the region", NULL, beyond_remote_read,
	      REMOTE_ACCESS_ERROR, WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: write starts before the region", NULL, before_remote, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: unchecked post behind the region", NULL, unchecked_post, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("ACC-1 remote: region grants no write", NULL, no_right_to_write, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("ACC-1 remote: region grants no read", NULL, no_right_to_read, REMOTE_ACCESS_ERROR,
	      WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: channel grants no write", channel_read_only, write_it,
	      REMOTE_INVALID_REQUEST_ERROR, WORK_REQUEST_FLUSH_ERROR),
	FAULT("remote: channel grants no read", channel_write_only, read_it,
	      REMOTE_INVALID_REQUEST_ERROR, WORK_REQUEST_FLUSH_ERROR),
	FAULT("local: lkey of another pd, write", NULL, foreign_pd_lkey, LOCAL_PROTECTION_ERROR,
	      SUCCESS),
	FAULT("local: lkey of another pd, send", NULL, foreign_pd_lkey_send, LOCAL_PROTECTION_ERROR,
	      SUCCESS),
	FAULT("B15 local: lkey of a released region", NULL, stale_lkey, LOCAL_PROTECTION_ERROR,
	      SUCCESS),
	FAULT("local: element ends behind the region", NULL, beyond_local, LOCAL_PROTECTION_ERROR,
	      SUCCESS),
	FAULT("local: read into a region without local write", NULL, read_into_read_only,
	      LOCAL_PROTECTION_ERROR, SUCCESS),
	FAULT("receive: lkey of another pd", NULL, receive_foreign_pd, REMOTE_OPERATION_ERROR,
	      LOCAL_PROTECTION_ERROR),
	FAULT("receive: region without local write", NULL, receive_into_read_only,
	      REMOTE_OPERATION_ERROR, LOCAL_PROTECTION_ERROR),
	FAULT("receive: element ends behind the region", NULL, receive_beyond_local,
	      REMOTE_OPERATION_ERROR, LOCAL_PROTECTION_ERROR),
	FAULT("receive: buffer too small", NULL, receive_too_small, REMOTE_INVALID_REQUEST_ERROR,
	      LOCAL_LENGTH_ERROR),
	FAULT("receive: no memory for a message that has some", NULL, receive_without_memory,
	      REMOTE_INVALID_REQUEST_ERROR, LOCAL_LENGTH_ERROR),
	CONFORM(receiver_not_ready, "ERR-3 rnr_retry counts, then RNR retry exceeded"),
	CONFORM(receiver_late, "rnr_retry 7 waits for the receive"),
	CONFORM(cause_found_later, "first error kept; a flush is none if its cause is known"),
	CONFORM(unmapped_source, "B15 no crash when memory under a region goes"),
	CONFORM(unmapped_target, "B15 no crash when memory under a region goes"),
	CONFORM(unmapped_receive, "B15 no crash when memory under a region goes"),
};

GROUP(faults, tests, .two_ends = true);
