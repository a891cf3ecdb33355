/* SPDX-License-Identifier: MIT */
/*
 * The checks of debug builds: each mistake is caught, and named. Skipped above a release library.
 */
#include "ends.h"

#include <pthread.h>
#include <string.h>

#include "pause.h"

static unsigned caught;
static char text[1024];

static void keep(unsigned check, const char *what)
{
	caught |= check;
	strncpy(text, what, sizeof(text) - 1);
}

static int start(void **state)
{
	caught = 0;
	text[0] = '\0';
	return ends_start(state);
}

static int stop(void **state)
{
	const int rc = ends_stop(state);

	bv_debug_set(BV_DEBUG_DEFAULT, NULL);
	return rc;
}

static void catch_them(unsigned mask)
{
	if (bv_debug_set(mask, keep))
		return;
	skip_because("a release library has no checks");
}

static void expect_caught(unsigned check, const char *call, const char *what)
{
	assert_int_equal(caught, check);
	expect_word(text, call);
	expect_word(text, what);
	caught = 0;
}

static void reap(struct bv_channel *ch, int64_t work)
{
	const int64_t end = pause_now() + WAIT_NS;

	while (bv_test(ch, work, NULL) == 0) {
		assert_true(pause_now() < end);
		pause_once();
	}
}

static void region_in_use(void **state)
{
	static uint8_t other[64];
	struct bv_mr *mr;
	struct bv_scatter sg;

	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	assert_int_equal(bv_mr_reg(e.pd, other, sizeof(other), BV_ACCESS_LOCAL, &mr), 0);
	receive8(e.a, 1024);
	sg = bv_scatter_unchecked(mr, other, 8);
	assert_true(bv_post_recv(e.a, &sg, 1) >= 0);
	bv_mr_dereg(mr);
	expect_caught(BV_DEBUG_IN_USE, "bv_mr_dereg", "receive 1");
	assert_int_equal(bv_mr_reg(e.pd, other, sizeof(other), BV_ACCESS_LOCAL, &mr), 0);
	reap(e.a, write8(e.a, 0, 2048, 0));
	bv_mr_dereg(mr);
	assert_int_equal(caught, 0);
}

/* Done is done only when it has been reaped. */
static void region_in_use_by_a_write(void **state)
{
	struct bv_mr *mr = e.mr;
	int64_t work;

	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	work = write8(e.a, 0, 2048, 0);
	bv_mr_dereg(mr);
	expect_caught(BV_DEBUG_IN_USE, "bv_mr_dereg", "send-queue work 0");
	assert_int_equal(bv_mr_reg(e.pd, memory, sizeof(memory), BV_ACCESS_SHARED, &e.mr), 0);
	reap(e.a, work);
}

/* The result of an atomic is a destination as that of a read is. Whether the peer allows it is not asked. */
static void region_in_use_by_an_atomic(void **state)
{
	static uint64_t old;
	const uint64_t past = e.remote.addr % sizeof(old);
	struct bv_remote number;
	struct bv_scatter result;
	struct bv_mr *mr;
	int64_t work;

	(void)state;
	catch_them(BV_DEBUG_DEFAULT | BV_DEBUG_OVERLAP);
	assert_int_equal(bv_remote_sub(&e.remote, past ? sizeof(old) - past : 0, &number), 0);
	assert_int_equal(bv_mr_reg(e.pd, &old, sizeof(old), BV_ACCESS_LOCAL, &mr), 0);
	result = bv_scatter_unchecked(mr, &old, sizeof(old));
	work = bv_post_fetch_add(e.a, &result, &number, 1, 0);
	if (work == -EOPNOTSUPP) {
		bv_mr_dereg(mr);
		skip_because("the device has no atomics");
	}
	assert_int_equal(work, 0);
	assert_int_equal(bv_post_compare_swap(e.a, &result, &number, 1, 2, 0), 1);
	expect_caught(BV_DEBUG_OVERLAP, "bv_post_compare_swap", "send-queue work 0");
	bv_mr_dereg(mr);
	expect_caught(BV_DEBUG_IN_USE, "bv_mr_dereg", "send-queue work 0");
	reap(e.a, 1);
	bv_pd_free(e.pd);
	assert_int_equal(caught, 0);
	assert_int_equal(bv_pd_alloc(e.dev, &e.pd), 0);
}

static void domain_in_use(void **state)
{
	struct bv_device *dev = bv_pd_device(e.pd);

	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	receive8(e.b, 1024);
	bv_pd_free(e.pd);
	expect_caught(BV_DEBUG_IN_USE, "bv_pd_free", "receive 0");
	assert_int_equal(bv_pd_alloc(dev, &e.pd), 0);
}

/* After a reset nothing is outstanding, though no completion said so. */
static void not_in_use_after_reset(void **state)
{
	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	receive8(e.a, 1024);
	write8(e.a, 0, 2048, 0);
	assert_int_equal(bv_channel_reset(e.a), 1);
	bv_mr_dereg(e.mr);
	assert_int_equal(caught, 0);
	assert_int_equal(bv_mr_reg(e.pd, memory, sizeof(memory), BV_ACCESS_SHARED, &e.mr), 0);
	receive8(e.a, 1024);
	bv_mr_dereg(e.mr);
	expect_caught(BV_DEBUG_IN_USE, "bv_mr_dereg", "receive 65536");
	assert_int_equal(bv_mr_reg(e.pd, memory, sizeof(memory), BV_ACCESS_SHARED, &e.mr), 0);
}

static void *use_a(void *argument)
{
	struct bv_wc wc;

	(void)argument;
	bv_poll(e.a, &wc, 1);
	return NULL;
}

static void *end_scope(void *scope)
{
	const int rc = bv_scope_end(scope, 0);

	(void)rc;
	return NULL;
}

static void in_a_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
	pthread_join(thread, NULL);
}

static void two_threads(void **state)
{
	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	in_a_thread(use_a, NULL); /* idle */
	assert_int_equal(caught, 0);
	receive8(e.a, 1024);
	in_a_thread(use_a, NULL);
	expect_caught(BV_DEBUG_THREAD, "bv_poll_send", "1 receives");
}

static void handed_over(void **state)
{
	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	receive8(e.a, 1024);
	bv_channel_hand_over(e.a);
	in_a_thread(use_a, NULL);
	assert_int_equal(caught, 0);
}

static void scope_of_another_thread(void **state)
{
	struct bv_scope s;

	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	bv_scope_begin(&s, e.a, 0);
	in_a_thread(use_a, NULL);
	expect_caught(BV_DEBUG_THREAD, "bv_poll_send", "1 scopes");
	in_a_thread(end_scope, &s);
	assert_int_equal(caught, BV_DEBUG_THREAD);
	expect_word(text, "bv_scope_end");
}

static void overlapping_destinations(void **state)
{
	const struct bv_scatter list[] = {
		bv_scatter_unchecked(e.mr, memory + 512, 16),
		bv_scatter_unchecked(e.mr, memory + 520, 0),
		bv_scatter_unchecked(e.mr, memory + 527, 8),
	};

	(void)state;
	catch_them(BV_DEBUG_DEFAULT);
	receive8(e.a, 1024);
	receive8(e.a, 1024);
	assert_int_equal(caught, 0); /* unless asked for */
	catch_them(BV_DEBUG_OVERLAP);
	receive8(e.a, 1032);
	assert_int_equal(caught, 0);
	receive8(e.a, 1031);
	expect_caught(BV_DEBUG_OVERLAP, "bv_post_recv", "receive 0");
	assert_true(bv_post_read(e.a, list, 3, &e.remote, 0) >= 0);
	expect_caught(BV_DEBUG_OVERLAP, "bv_post_read", "elements 0 and 2");
	write8(e.a, 1024, 2048, 0); /* a source */
	assert_int_equal(caught, 0);
}

#define CHECK(test, guarantee) TEST(test, guarantee, start, stop)

static const struct test tests[] = {
	CHECK(region_in_use, "17.1 B12 a region released under a receive"),
	CHECK(region_in_use_by_a_write, "17.1 a region released under a write"),
	CHECK(region_in_use_by_an_atomic, "17.1 17.2 the result of an atomic"),
	CHECK(domain_in_use, "17.1 a protection domain released under a receive"),
	CHECK(not_in_use_after_reset, "17.1 nothing is in use after a reset"),
	CHECK(two_threads, "17.3 a channel in two threads"),
	CHECK(handed_over, "17.3 a channel that changes its thread"),
	CHECK(scope_of_another_thread, "17.3 a scope touched by another thread"),
	CHECK(overlapping_destinations, "17.2 B16 destinations that overlap"),
};

GROUP(checks, tests);
