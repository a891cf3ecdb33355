/* SPDX-License-Identifier: MIT */
/*
 * The checks of debug builds: what is found and what is not, the default handler, and channels whose
 * checks found no memory.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define READS 2u

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;
static jmp_buf aborted;

static struct {
	unsigned int count, check;
	char text[512];
} found;

static const struct bv_remote remote = { .addr = 0x1000, .length = 4096, .rkey = 1 };

void __wrap_abort(void) __attribute__((noreturn));
void __wrap_abort(void)
{
	longjmp(aborted, 1);
}

static void report(unsigned check, const char *text)
{
	found.count++;
	found.check = check;
	strncpy(found.text, text, sizeof(found.text) - 1);
}

#define assert_found(kind, part)                   \
	assert_int_equal(found.count, 1);          \
	assert_int_equal(found.check, kind);       \
	assert_non_null(strstr(found.text, part)); \
	memset(&found, 0, sizeof(found))

#define assert_nothing_found() assert_int_equal(found.count, 0)

static int setup(void **state)
{
	const struct bv_endpoint peer = fake_peer();

	host_reset(state);
	memset(&found, 0, sizeof(found));
	bv_debug_set(BV_DEBUG_DEFAULT | BV_DEBUG_OVERLAP, report);
	ch = fake_channel(NULL, &dev, &pd);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	return 0;
}

static int teardown(void **state)
{
	bv_debug_set(BV_DEBUG_DEFAULT, NULL);
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return host_check(state);
}

#define debug_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void *post_there(void *arg)
{
	(void)arg;
	return bv_post_send(ch, NULL, 0, 0) < 0 ? "refused" : NULL;
}

static void *end_there(void *arg)
{
	return bv_scope_end(arg, 0) < 0 ? "refused" : NULL;
}

static void elsewhere(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, run, arg), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
}

/* A channel is another thread's as soon as nothing of it is open, or it was handed over. */
static void threads(void **state)
{
	struct bv_scope s;

	(void)state;
	elsewhere(post_there, NULL);
	assert_nothing_found();
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	assert_found(BV_DEBUG_THREAD, "1 works of the send queue, 0 receives and 0 scopes open");
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	assert_int_equal(bv_wait(ch, 0, 0, NULL), 0);
	elsewhere(post_there, NULL);
	assert_found(BV_DEBUG_THREAD, "0 works of the send queue, 1 receives and 0 scopes open");
	bv_channel_hand_over(ch);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 2);
	assert_nothing_found();
	assert_int_equal(bv_channel_reset(ch), 1);
	bv_scope_begin(&s, ch, 0);
	elsewhere(end_there, &s);
	assert_int_equal(found.count, 1); /* the first of what is wrong with it */
	memset(&found, 0, sizeof(found));
	/* Not asked for, not told. */
	bv_debug_set(BV_DEBUG_DEFAULT & ~BV_DEBUG_THREAD, report);
	bv_scope_begin(&s, ch, 0);
	elsewhere(end_there, &s);
	assert_nothing_found();
}

static void *poll_there(void *arg)
{
	struct bv_wc wc;

	(void)arg;
	return bvi_poll_send_one(ch, &wc) < 0 || bvi_poll_recv_one(ch, &wc) < 0 ? "broken" : NULL;
}

/* What a poll for a constant 1 is in an optimised build. */
static void polls_for_one(void **state)
{
	struct bv_wc wc;

	(void)state;
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	elsewhere(poll_there, NULL);
	assert_int_equal(found.count, 1); /* the second is behind the first */
	assert_int_equal(found.check, BV_DEBUG_THREAD);
	memset(&found, 0, sizeof(found));
	bv_channel_hand_over(ch);
	assert_int_equal(bvi_poll_recv_one(ch, &wc), 0);
	fake_complete_recv(ch, 0, BV_STATUS_SUCCESS);
	assert_int_equal(bvi_poll_recv_one(ch, &wc), 1);
	assert_int_equal(wc.work, BV_WORK_RECV);
	assert_int_equal(bvi_poll_send_one(ch, &wc), 0);
	assert_nothing_found();
}

/* An idle channel may be another thread's, but not the scope that was begun on it. */
static void scope_of_another_thread(void **state)
{
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, 0);
	bv_channel_hand_over(ch);
	elsewhere(end_there, &s);
	assert_found(BV_DEBUG_THREAD, "must not end it");
}

static int64_t read_into(const struct bv_scatter *sg, unsigned nsge)
{
	return bv_post_read(ch, sg, nsge, &remote, 0);
}

static void overlaps(void **state)
{
	const struct bv_scatter apart[READS] = { { 0x1000, 16, 1 }, { 0x2000, 16, 1 } };
	const struct bv_scatter same[READS] = { { 0x5000, 16, 1 }, { 0x500f, 16, 1 } };
	const struct bv_scatter empty[READS] = { { 0x1000, 0, 1 }, { 0x7000, 16, 1 } };
	const struct bv_scatter second = { 0x200f, 1, 1 };
	const struct bv_gather from = { 0x9000, 16, 1 };
	const struct bv_scatter into_send = { 0x9000, 16, 1 };

	(void)state;
	assert_int_equal(read_into(apart, READS), 0);
	assert_int_equal(read_into(empty, READS), 1);
	assert_nothing_found();
	assert_int_equal(read_into(same, READS), 2);
	assert_found(BV_DEBUG_OVERLAP, "elements 0 and 1 of the list overlap at 0x500f");
	assert_int_equal(bv_post_recv(ch, &second, 1), BV_WORK_RECV);
	assert_found(BV_DEBUG_OVERLAP, "overlap 16 bytes at 0x2000 of send-queue work 0");
	assert_int_equal(read_into(&second, 1), 3);
	assert_int_equal(found.count, 1);
	memset(&found, 0, sizeof(found));
	/* What is only read may be read by several, and be written meanwhile. */
	assert_int_equal(bv_post_send(ch, &from, 1, 0), 4);
	assert_int_equal(bv_post_recv(ch, &into_send, 1), BV_WORK_RECV | 1);
	assert_nothing_found();
	/* Completed, its bytes are free. */
	fake_complete_send(ch, 4, BV_STATUS_SUCCESS);
	assert_int_equal(bv_wait(ch, 4, 0, NULL), 0);
	assert_int_equal(read_into(apart, 1), 5);
	assert_nothing_found();
	bv_debug_set(0, report);
	assert_int_equal(read_into(same, READS), 6);
	assert_nothing_found();
}

static void receive_overlaps_receive(void **state)
{
	const struct bv_scatter a = { 0x1000, 16, 1 }, b = { 0xff8, 9, 1 };

	(void)state;
	assert_int_equal(bv_post_recv(ch, &a, 1), BV_WORK_RECV);
	assert_int_equal(bv_post_recv(ch, &b, 1), BV_WORK_RECV | 1);
	assert_found(BV_DEBUG_OVERLAP, "bv_post_recv: 9 bytes at 0xff8 overlap 16 bytes at 0x1000 "
				       "of receive 0");
	/* Refused, it is not outstanding, and overlaps nothing. */
	fake.post_rc = -EIO;
	fake.post_rc_at = 0;
	assert_int_equal(read_into(&a, 1), -EIO);
	assert_nothing_found();
}

/* Works of a chain that the driver did not take are nobody's any more. */
static void withdrawn(void **state)
{
	const struct bv_scatter taken = { 0x1000, 16, 1 }, refused = { 0x2000, 16, 1 };

	(void)state;
	assert_int_equal(bv_post_read(ch, &taken, 1, &remote, BV_MORE), 0);
	assert_int_equal(bv_post_read(ch, &refused, 1, &remote, BV_MORE), 1);
	fake.flush_withdraws = 1;
	fake.flush_rc = -EIO;
	assert_int_equal(bv_flush(ch), -EIO);
	assert_int_equal(bv_post_recv(ch, &refused, 1), BV_WORK_RECV);
	assert_nothing_found();
	assert_int_equal(bv_post_recv(ch, &taken, 1), BV_WORK_RECV | 1);
	assert_found(BV_DEBUG_OVERLAP, "overlap 16 bytes at 0x1000 of send-queue work 0");
	/* Its number is given again. */
	assert_int_equal(read_into(&refused, 1), 1);
	assert_found(BV_DEBUG_OVERLAP, "overlap 16 bytes at 0x2000 of receive 0");
}

/* The result of an atomic is written like the bytes of a read. */
static void atomics(void **state)
{
	const struct bv_scatter result = { 0x1000, 8, 1 };

	(void)state;
	assert_int_equal(bv_post_fetch_add(ch, &result, &remote, 1, 0), 0);
	assert_nothing_found();
	assert_int_equal(bv_post_compare_swap(ch, &result, &remote, 1, 2, 0), 1);
	assert_found(BV_DEBUG_OVERLAP, "overlap 8 bytes at 0x1000 of send-queue work 0");
}

static void regions_in_use(void **state)
{
	static uint8_t memory[2][64];
	struct bv_mr *mr[2];
	struct bv_pd *other;
	struct bv_scatter list[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(bv_mr_reg(pd, memory[i], 64, BV_ACCESS_LOCAL_WRITE, &mr[i]), 0);
	/* The fake gives one key to all. */
	mr[1]->lkey = 0x9999;
	list[0] = bv_scatter(mr[1], memory[1], 0);
	list[1] = bv_scatter(mr[0], memory[0], 64);
	assert_int_equal(bv_post_recv(ch, list, 2), BV_WORK_RECV);
	/* An element without bytes is in nobody's way, and a pd of others neither. */
	bv_mr_dereg(mr[1]);
	assert_int_equal(bv_pd_alloc(dev, &other), 0);
	bv_pd_free(other);
	assert_nothing_found();
	bv_mr_dereg(mr[0]);
	assert_found(BV_DEBUG_IN_USE, "is in use by receive 0 of channel qpn 0x1234");
}

static void domain_in_use(void **state)
{
	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	bv_pd_free(pd);
	assert_found(BV_DEBUG_IN_USE, "bv_pd_free: the protection domain is in use by send-queue "
				      "work 0");
	bv_channel_destroy(ch);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
	assert_int_equal(bv_channel_create(pd, NULL, &ch), 0);
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	bv_debug_set(BV_DEBUG_DEFAULT & ~BV_DEBUG_IN_USE, report);
	bv_pd_free(pd);
	assert_nothing_found();
	bv_channel_destroy(ch);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
	assert_int_equal(bv_channel_create(pd, NULL, &ch), 0);
}

/* Nobody asked to be told: the program ends where the mistake is, and stderr says which. */
static void default_handler(void **state)
{
	const int saved = dup(STDERR_FILENO);
	volatile bool returned = false;
	char text[512] = "";
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	bv_debug_set(BV_DEBUG_DEFAULT, NULL);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	dup2(fd[1], STDERR_FILENO);
	if (setjmp(aborted) == 0) {
		bv_pd_free(pd);
		returned = true;
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd[1]);
	assert_true(read(fd[0], text, sizeof(text) - 1) > 0);
	close(fd[0]);
	assert_false(returned);
	assert_ptr_equal(strstr(text, "bareverbs: bv_pd_free: the protection domain is in use"),
			 text);
}

/* Without memory for them a channel does without checks, and with everything else. */
static void no_memory(void **state)
{
	const struct bv_scatter same[READS] = { { 0x5000, 16, 1 }, { 0x500f, 16, 1 } };
	const struct bv_endpoint peer = fake_peer();
	struct bv_channel *other;
	uint64_t word = 0;
	struct bv_scope s;
	struct bv_mr *mr;

	(void)state;
	for (int n = 1; n <= 5; n++) {
		host_fail(HOST_MALLOC, n, ENOMEM);
		assert_int_equal(bv_channel_create(pd, NULL, &other), 0);
		assert_true(host_failed(HOST_MALLOC));
		assert_int_equal(bv_channel_connect(other, &peer), 0);
		bv_scope_begin(&s, other, 0);
		assert_int_equal(bv_post_read(other, same, READS, &remote, 0), 0);
		bv_channel_hand_over(other);
		fake_complete_send(other, 0, BV_STATUS_SUCCESS);
		assert_int_equal(bv_scope_end(&s, 0), 0);
		assert_int_equal(bv_post_recv(other, same, READS), BV_WORK_RECV);
		assert_int_equal(bv_mr_reg(pd, &word, sizeof(word), 0, &mr), 0);
		bv_mr_dereg(mr);
		assert_int_equal(bv_channel_reset(other), 1);
		assert_nothing_found();
		bv_channel_destroy(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		debug_test(threads),
		debug_test(scope_of_another_thread),
		debug_test(polls_for_one),
		debug_test(overlaps),
		debug_test(receive_overlaps_receive),
		debug_test(withdrawn),
		debug_test(atomics),
		debug_test(regions_in_use),
		debug_test(domain_in_use),
		debug_test(default_handler),
		debug_test(no_memory),
	};

	if (!bv_debug_set(BV_DEBUG_DEFAULT, NULL)) {
		print_message("skipped: a library built with NDEBUG has no checks\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
