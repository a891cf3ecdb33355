/* SPDX-License-Identifier: MIT */
/*
 * Works by handle: order, results, the first error and its flushes, time-outs, stale results.
 */
#include "fake.h"

#include <errno.h>

#include "core/clock.h"

static struct bv_channel *ch;

#define SENDS 4
#define RECVS 5

static int setup(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = fake_peer();

	fake_reset(state);
	attr.max_send = SENDS;
	attr.max_recv = RECVS;
	attr.max_send_sge = 2;
	attr.max_recv_sge = 3;
	attr.max_inline = 28; /* the fake grants 4 more */
	ch = fake_lone_channel(&attr);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	return 0;
}

static int teardown(void **state)
{
	bv_channel_destroy(ch);
	return fake_check(state);
}

#define channel_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int64_t send(void)
{
	return bv_post_send(ch, NULL, 0, 0);
}

static int64_t recv(void)
{
	return bv_post_recv(ch, NULL, 0);
}

static void in_order(void **state)
{
	struct bv_wc wc;

	(void)state;
	for (int i = 0; i < SENDS; i++)
		assert_int_equal(send(), i);
	assert_int_equal(send(), -EAGAIN);
	assert_int_equal(bv_test(ch, 0, &wc), 0);
	fake_complete_send(ch, 2, BV_STATUS_SUCCESS); /* 0 and 1 were not signaled */
	assert_false(bv_work_done(ch, 0));
	assert_int_equal(bv_test(ch, 1, &wc), 1);
	assert_int_equal(wc.work, 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_int_equal(wc.op, BV_OP_NONE);
	assert_int_equal(wc.bytes, 0);
	assert_true(bv_work_done(ch, 2));
	assert_int_equal(bv_test(ch, 2, NULL), 1);
	assert_int_equal(bv_test(ch, 2, NULL), 1); /* as often as you like */
	assert_int_equal(bv_test(ch, 3, &wc), 0);
	assert_int_equal(send(), 4);
}

static void unknown_handles(void **state)
{
	static const int64_t handles[] = { -1, INT64_MIN,    -EAGAIN,          INT64_MAX,
					   1,  BV_WORK_RECV, BV_WORK_RECV + 1, BV_WORK_RECV - 1 };
	struct bv_wc wc = { .work = 77 };

	(void)state;
	send();
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
		assert_int_equal(bv_test(ch, handles[i], &wc), -EINVAL);
		assert_text("no work has the handle");
		assert_int_equal(bv_wait(ch, handles[i], BV_FOREVER, &wc), -EINVAL);
	}
	assert_int_equal(wc.work, 77);
	assert_int_equal(fake_polls(ch), 0);
}

static void receives_have_results(void **state)
{
	struct bv_wc wc;

	(void)state;
	assert_int_equal(recv(), BV_WORK_RECV | 0);
	assert_int_equal(recv(), BV_WORK_RECV | 1);
	fake_complete_recv(ch, 100, BV_STATUS_SUCCESS);
	fake_complete_recv(ch, 200, BV_STATUS_SUCCESS);
	assert_int_equal(bv_test(ch, BV_WORK_RECV | 1, &wc), 1);
	assert_int_equal(wc.bytes, 200);
	assert_int_equal(wc.op, BV_OP_RECV);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV | 0, 0, &wc), 0);
	assert_int_equal(wc.work, BV_WORK_RECV);
	assert_int_equal(wc.bytes, 100);
}

/* Kept until max_recv later receives have completed: not one less, not one more. */
static void stale_receives(void **state)
{
	struct bv_wc wc = { .work = 77 };

	(void)state;
	recv();
	fake_complete_recv(ch, 1000, BV_STATUS_SUCCESS);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, NULL), 0);
	for (int64_t later = 1; later < RECVS; later++) {
		recv();
		fake_complete_recv(ch, 1000 + (uint32_t)later, BV_STATUS_SUCCESS);
		assert_int_equal(bv_wait(ch, BV_WORK_RECV | later, 0, NULL), 0);
		assert_int_equal(bv_test(ch, BV_WORK_RECV, &wc), 1);
		assert_int_equal(wc.bytes, 1000);
	}
	recv();
	fake_complete_recv(ch, 1000 + RECVS, BV_STATUS_SUCCESS);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV | RECVS, 0, NULL), 0);
	wc.work = 77;
	assert_int_equal(bv_test(ch, BV_WORK_RECV, &wc), -ESTALE);
	assert_text("no longer kept");
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, &wc), -ESTALE);
	assert_int_equal(wc.work, 77);
	assert_int_equal(bv_test(ch, BV_WORK_RECV | 1, &wc), 1);
	assert_int_equal(wc.bytes, 1001);
}

static void first_error_and_flushes(void **state)
{
	struct bv_wc wc;

	(void)state;
	for (int i = 0; i < SENDS; i++)
		send();
	recv();
	fake_complete_send(ch, 1, BV_STATUS_REMOTE_ACCESS_ERROR);
	fake_complete_send(ch, 2, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	fake_complete_send(ch, 3, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	fake_complete_recv(ch, 0, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_test(ch, 0, &wc), 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_int_equal(bv_test(ch, 1, &wc), -EIO);
	assert_int_equal(wc.work, 1);
	assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(wc.vendor_err, 0x81);
	for (int64_t later = 2; later < SENDS; later++) {
		assert_int_equal(bv_wait(ch, later, 0, &wc), -EIO);
		assert_int_equal(wc.work, later);
		assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
		assert_int_equal(wc.vendor_err, 0);
	}
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	assert_int_equal(bv_channel_flushed(ch), 2);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(wc.vendor_err, 0x51);
	assert_int_equal(bv_channel_flushed(ch), 3);
	assert_int_equal(bv_channel_error(ch, &wc), 1);
	assert_int_equal(wc.work, 1);
	assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(send(), -EIO);
	assert_text(
		"in ERROR, it must be READY: send-queue work 1 failed with remote access error");
	assert_int_equal(recv(), -EIO);
	assert_text("bv_post_recv: ");
}

/* The receive queue was polled first, so a flush was met before its cause. */
static void flush_before_its_cause(void **state)
{
	struct bv_wc wc;

	(void)state;
	send();
	send();
	recv();
	fake_complete_recv(ch, 0, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, NULL), -EIO);
	assert_int_equal(bv_channel_error(ch, &wc), 1);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_channel_flushed(ch), 0);
	fake_complete_send(ch, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	fake_complete_send(ch, 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, 1, 0, NULL), -EIO);
	assert_int_equal(bv_channel_error(ch, &wc), 1);
	assert_int_equal(wc.work, 0);
	assert_int_equal(wc.status, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_channel_flushed(ch), 2);
}

/* A receive failed; sends done before succeeded, and only those flushed later did not. */
static void receive_fails_first(void **state)
{
	struct bv_wc wc;

	(void)state;
	send();
	send();
	recv();
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	fake_complete_recv(ch, 0, BV_STATUS_LOCAL_LENGTH_ERROR);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 0, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_LOCAL_LENGTH_ERROR);
	assert_non_null(strstr(bv_error_text(ch), "receive #0 failed: local length error"));
	assert_int_equal(send(), -EIO);
	assert_text("receive work 0 failed with local length error");
	assert_int_equal(bv_wait(ch, 0, 0, NULL), 0);
	fake_complete_send(ch, 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, 1, 0, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_test(ch, 0, &wc), 1);
	assert_int_equal(bv_channel_error(ch, &wc), 1);
	assert_int_equal(wc.work, BV_WORK_RECV);
}

static void texts(void **state)
{
	const char *text;

	(void)state;
	send();
	send();
	send();
	fake_complete_send(ch, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	fake_complete_send(ch, 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, 1, 0, NULL), -EIO);
	text = bv_error_text(ch);
	assert_non_null(strstr(text,
			       "mlx5_0:1 channel qpn 0x1234 (fast): send-queue work #0 failed: "
			       "retry exceeded error [transport], vendor syndrome 0x81; "));
	assert_non_null(strstr(text,
			       "peer qpn 0x4321, gid ::ffff:10.0.0.9, mtu 1024; tried 7 times, "
			       "waiting 67.109 ms each, 469.762 ms in all; "));
	assert_null(strchr(text, '\n'));
	assert_non_null(strstr(text, bv_status_hint(BV_STATUS_RETRY_EXCEEDED_ERROR)));
	assert_non_null(strstr(text, "1 other work was flushed"));
	fake_complete_send(ch, 2, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(ch, 2, 0, NULL), -EIO);
	assert_non_null(strstr(bv_error_text(ch), "2 other works were flushed"));
}

static void text_of_rnr(void **state)
{
	(void)state;
	send();
	fake_complete_send(ch, 0, BV_STATUS_RNR_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_wait(ch, 0, 0, NULL), -EIO);
	assert_non_null(strstr(bv_error_text(ch), "retried 6 times"));
	assert_null(strstr(bv_error_text(ch), "flushed"));
}

/* A receive that fails before there is a peer, and a time-out that never comes. */
static void text_without_peer_or_time(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = {
		.qpn = 5, .lid = 9, .link_layer = BV_LINK_INFINIBAND, .mtu = 2048
	};
	struct bv_device *ib;
	struct bv_pd *ib_pd;
	struct bv_channel *other;

	(void)state;
	attr.ack_timeout = 0;
	assert_int_equal(bv_open("ib0", NULL, &ib), 0);
	assert_int_equal(bv_pd_alloc(ib, &ib_pd), 0);
	assert_int_equal(bv_channel_create(ib_pd, &attr, &other), 0);
	assert_int_equal(bv_post_recv(other, NULL, 0), BV_WORK_RECV);
	fake_complete_recv(other, 0, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_wait(other, BV_WORK_RECV, 0, NULL), -EIO);
	assert_non_null(
		strstr(bv_error_text(other), "ib0:1 channel qpn 0x1234 (fast): receive #0 "));
	assert_non_null(strstr(bv_error_text(other), "not connected"));
	bv_channel_destroy(other);
	assert_int_equal(bv_channel_create(ib_pd, &attr, &other), 0);
	assert_int_equal(bv_channel_connect(other, &peer), 0);
	assert_int_equal(bv_post_send(other, NULL, 0, 0), 0);
	fake_complete_send(other, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_wait(other, 0, 0, NULL), -EIO);
	assert_non_null(strstr(bv_error_text(other), "peer qpn 0x5, lid 9, mtu 2048; the peer"));
	bv_channel_destroy(other);
	bv_pd_free(ib_pd);
	bv_close(ib);
}

static void broken_queue(void **state)
{
	struct bv_wc wc = { .work = 77 };

	(void)state;
	send();
	send();
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	fake_break(ch);
	assert_int_equal(bv_test(ch, 0, NULL), 1); /* reaped before is delivered first */
	assert_int_equal(bv_test(ch, 1, &wc), -EIO);
	assert_text("completion queue of the channel (qpn 0x1234) is broken");
	assert_int_equal(bv_wait(ch, 1, BV_FOREVER, &wc), -EIO);
	assert_int_equal(wc.work, 77);
	assert_int_equal(bv_send(ch, NULL, 0, BV_FOREVER), -EIO);
	assert_string_equal(bv_error_text(ch), bv_last_error()->text);
}

static void time_out_of_zero_looks_once(void **state)
{
	const unsigned int looks = fake.clock_looks;

	(void)state;
	send();
	assert_int_equal(bv_wait(ch, 0, 0, NULL), -ETIMEDOUT);
	assert_int_equal(fake_polls(ch), 1);
	assert_int_equal(bv_wait(ch, 0, -5, NULL), -ETIMEDOUT);
	assert_int_equal(fake_polls(ch), 2);
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	assert_int_equal(bv_wait(ch, 0, 0, NULL), 0);
	assert_int_equal(fake.clock_looks, looks);
	assert_int_equal(bv_wait(ch, 0, 0, NULL), 0);
	assert_int_equal(fake_polls(ch), 3); /* a compare suffices */
}

static void times_out(void **state)
{
	const struct bv_errinfo before = *bv_last_error();

	(void)state;
	send();
	fake.tick = BV_MSEC;
	assert_int_equal(bv_wait(ch, 0, 10 * BV_MSEC, NULL), -ETIMEDOUT);
	assert_in_range(fake_polls(ch), 10 * BVI_CLOCK_POLLS, 11 * BVI_CLOCK_POLLS);
	/* Ordinary, so it leaves the last error alone; the work is still there. */
	assert_memory_equal(bv_last_error(), &before, sizeof(before));
	fake_complete_at_poll(ch, 1000);
	assert_int_equal(bv_wait(ch, 0, BV_FOREVER, NULL), 0);
	assert_int_equal(fake_polls(ch) % 1000, (10 * BVI_CLOCK_POLLS) % 1000);
}

static void blocking_calls(void **state)
{
	const struct bv_remote remote = { .addr = 0, .length = 64, .rkey = 1 };
	struct bv_wc wc;

	(void)state;
	fake_complete_at_poll(ch, 3);
	assert_int_equal(bv_send(ch, NULL, 0, BV_SEC), 0);
	fake_complete_at_poll(ch, 3);
	assert_int_equal(bv_send_imm(ch, NULL, 0, 5, BV_SEC), 0);
	fake_complete_at_poll(ch, 3);
	assert_int_equal(bv_write(ch, NULL, 0, &remote, BV_SEC), 0);
	fake_complete_at_poll(ch, 3);
	assert_int_equal(bv_write_imm(ch, NULL, 0, &remote, 5, BV_SEC), 0);
	fake_complete_at_poll(ch, 3);
	assert_int_equal(bv_read(ch, NULL, 0, &remote, BV_SEC), 0);
	assert_int_equal(bv_last_posted(ch), 4);
	fake_complete_recv(ch, 12, BV_STATUS_SUCCESS);
	assert_int_equal(bv_recv(ch, NULL, 0, BV_SEC, &wc), 0);
	assert_int_equal(wc.bytes, 12);
	assert_int_equal(bv_recv(ch, NULL, 0, 0, &wc), -ETIMEDOUT);
	fake_complete_recv(ch, 0, BV_STATUS_LOCAL_LENGTH_ERROR);
	assert_int_equal(bv_wait(ch, BV_WORK_RECV | 1, 0, &wc), -EIO);
	assert_int_equal(bv_recv(ch, NULL, 0, 0, &wc), -EIO);
	assert_int_equal(bv_send(ch, NULL, 0, BV_FOREVER), -EIO);
}

static void blocking_call_waits_for_room(void **state)
{
	(void)state;
	for (int i = 0; i < SENDS; i++)
		send();
	assert_int_equal(bv_send(ch, NULL, 0, 0), -ETIMEDOUT);
	assert_int_equal(bv_last_posted(ch), SENDS - 1); /* nothing was posted */
	fake.tick = BV_MSEC;
	assert_int_equal(bv_send(ch, NULL, 0, 3 * BV_MSEC), -ETIMEDOUT);
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	/* Room is made with the one look, and then the post is not done in time. */
	assert_int_equal(bv_send(ch, NULL, 0, 0), -ETIMEDOUT);
	assert_int_equal(bv_last_posted(ch), SENDS);
	for (int i = 0; i < RECVS; i++)
		recv();
	assert_int_equal(bv_recv(ch, NULL, 0, 0, NULL), -ETIMEDOUT);
	fake_complete_recv(ch, 1, BV_STATUS_SUCCESS);
	assert_int_equal(bv_recv(ch, NULL, 0, 0, NULL), -ETIMEDOUT);
	assert_int_equal(ch->rq_posted, (RECVS + 1) | BV_WORK_RECV);
}

/* Not a flag, not a byte, not an element too many; and nothing is posted. */
static void rejected(void **state)
{
	const struct bv_remote remote = { .addr = 0x1000, .length = 64, .rkey = 1 };
	struct bv_gather big[3] = { { .length = UINT32_MAX }, { .length = UINT32_MAX } };
	struct bv_scatter in[3] = { { .length = 60 }, { .length = 5 } };
	struct bv_scatter far[2] = { { .length = UINT32_MAX }, { .length = UINT32_MAX } };
	struct bv_gather out[3] = { { .length = 60 }, { .length = 5 } };
	const char *buf = "x";

	(void)state;
#define REJECTED(call, code, text)    \
	assert_int_equal(call, code); \
	assert_text(text)
	REJECTED(bv_post_send(ch, out, 3, 0), -EINVAL, "3 elements; the channel was created for 2");
	REJECTED(bv_post_send(ch, NULL, UINT32_MAX, 0), -EINVAL, "elements");
	REJECTED(bv_post_send(ch, NULL, 0, 0x18), -EINVAL, "unknown flags 0x10");
	REJECTED(bv_post_send(ch, big, 1, 0), -EMSGSIZE, "more than 1073741824 bytes");
	REJECTED(bv_post_send_imm(ch, big, 2, 0, 0), -EMSGSIZE, "more than");
	REJECTED(bv_post_send_imm(ch, out, 3, 0, 0), -EINVAL, "elements");
	REJECTED(bv_post_send_inline(ch, buf, 33, 0), -EMSGSIZE,
		 "33 bytes inline; the channel takes 32");
	REJECTED(bv_post_send_inline_imm(ch, buf, SIZE_MAX, 0, 0), -EMSGSIZE, "inline");
	REJECTED(bv_post_send_inline(ch, buf, 1, 0x80000000), -EINVAL, "unknown flags");
	REJECTED(bv_post_send_inline_imm(ch, buf, 1, 0, 0x80000000), -EINVAL, "unknown flags");
	REJECTED(bv_post_write_inline(ch, buf, 1, &remote, 16), -EINVAL, "unknown flags");
	REJECTED(bv_post_write_inline_imm(ch, buf, 33, &remote, 0, 0), -EMSGSIZE, "inline");
	REJECTED(bv_post_write_inline_imm(ch, buf, 1, &remote, 0, 16), -EINVAL, "unknown flags");
	REJECTED(bv_post_read(ch, in, 1, &remote, 16), -EINVAL, "unknown flags");
	REJECTED(bv_post_write(ch, out, 3, &remote, 0), -EINVAL, "elements");
	REJECTED(bv_post_write_unchecked(ch, out, 3, &remote, 0), -EINVAL, "elements");
	REJECTED(bv_post_write_unchecked(ch, big, 2, &remote, 0), -EMSGSIZE, "more than");
	REJECTED(bv_post_write(ch, out, 2, &remote, 0), -ERANGE,
		 "65 bytes do not fit into the remote region, which has 64 from 0x1000 on");
	REJECTED(bv_post_write_imm(ch, out, 2, &remote, 0, 0), -ERANGE, "remote region");
	REJECTED(bv_post_write_imm(ch, out, 3, &remote, 0, 0), -EINVAL, "elements");
	REJECTED(bv_post_write(ch, out, 1, &remote, 16), -EINVAL, "unknown flags");
	REJECTED(bv_post_write_inline(ch, buf, 33, &remote, 0), -EMSGSIZE, "inline");
	REJECTED(bv_post_write_inline(ch, buf, 9, &(struct bv_remote){ .length = 8 }, 0), -ERANGE,
		 "9 bytes do not fit");
	REJECTED(bv_post_write_inline_imm(ch, buf, 9, &(struct bv_remote){ .length = 8 }, 0, 0),
		 -ERANGE, "9 bytes do not fit");
	REJECTED(bv_post_read(ch, in, 2, &remote, 0), -ERANGE, "remote region");
	REJECTED(bv_post_read(ch, in, 3, &remote, 0), -EINVAL, "elements");
	REJECTED(bv_post_recv(ch, in, 4), -EINVAL, "4 elements; the channel was created for 3");
	REJECTED(bv_post_write(ch, big, 2, &(struct bv_remote){ .length = UINT64_MAX }, 0),
		 -EMSGSIZE, "more than");
	REJECTED(bv_post_read(ch, far, 2, &(struct bv_remote){ .length = UINT64_MAX }, 0),
		 -EMSGSIZE, "more than");
#undef REJECTED
	assert_int_equal(bv_last_posted(ch), -1);
	assert_int_equal(ch->rq_posted, BV_WORK_RECV);
	assert_int_equal(bv_post_write(ch, out, 1, &remote, BV_POST_FLAGS), 0);
	assert_int_equal(bv_post_send_inline(ch, buf, 0, 0), 1);
	assert_int_equal(bv_post_read(ch, in, 1, &remote, 0), 2);
}

static void poll_takes_sends_first(void **state)
{
	struct bv_wc wc[4];

	(void)state;
	send();
	send();
	recv();
	fake_complete_recv(ch, 7, BV_STATUS_SUCCESS);
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	fake_complete_send(ch, 1, BV_STATUS_SUCCESS);
	assert_int_equal(bv_poll(ch, wc, 1), 1);
	assert_int_equal(wc[0].work, 0);
	assert_int_equal(bv_poll(ch, wc, 4), 2);
	assert_int_equal(wc[0].work, 1);
	assert_int_equal(wc[1].work, BV_WORK_RECV);
	assert_int_equal(bv_poll(ch, wc, 4), 0);
	/* What was reaped is delivered before the queue is said to be broken. */
	send();
	fake_complete_send(ch, 2, BV_STATUS_SUCCESS);
	fake_break(ch);
	assert_int_equal(bv_poll(ch, wc, 4), 1);
	assert_int_equal(wc[0].work, 2);
	assert_int_equal(bv_poll(ch, wc, 4), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		channel_test(in_order),
		channel_test(unknown_handles),
		channel_test(receives_have_results),
		channel_test(stale_receives),
		channel_test(first_error_and_flushes),
		channel_test(flush_before_its_cause),
		channel_test(receive_fails_first),
		channel_test(texts),
		channel_test(text_of_rnr),
		channel_test(text_without_peer_or_time),
		channel_test(broken_queue),
		channel_test(time_out_of_zero_looks_once),
		channel_test(times_out),
		channel_test(blocking_calls),
		channel_test(blocking_call_waits_for_room),
		channel_test(rejected),
		channel_test(poll_takes_sends_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
