/* SPDX-License-Identifier: MIT */
/*
 * Waking: sleeping calls are woken, time out, and fail as the kernel does; channels without wakeups
 * refuse.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
	int create_error, get_error;
	unsigned int channels, events, acknowledged;
	struct ibv_cq *from[4]; /* of the events that wait */
	struct ibv_comp_channel made;
} kernel;

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;
static struct ibv_cq send_cq, recv_cq;

struct ibv_comp_channel *__wrap_ibv_create_comp_channel(struct ibv_context *context);
struct ibv_comp_channel *__wrap_ibv_create_comp_channel(struct ibv_context *context)
{
	(void)context;
	if (kernel.create_error) {
		errno = kernel.create_error > 0 ? kernel.create_error : 0;
		return NULL;
	}
	kernel.made.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	kernel.channels++;
	return &kernel.made;
}

int __wrap_ibv_destroy_comp_channel(struct ibv_comp_channel *made);
int __wrap_ibv_destroy_comp_channel(struct ibv_comp_channel *made)
{
	assert_ptr_equal(made, &kernel.made);
	close(made->fd);
	kernel.channels--;
	return 0;
}

int __wrap_ibv_get_cq_event(struct ibv_comp_channel *from, struct ibv_cq **cq, void **context);
int __wrap_ibv_get_cq_event(struct ibv_comp_channel *from, struct ibv_cq **cq, void **context)
{
	uint64_t one;

	if (kernel.get_error || kernel.events == 0) {
		errno = kernel.get_error ? kernel.get_error : EAGAIN;
		return -1;
	}
	assert_int_equal(read(from->fd, &one, sizeof(one)), sizeof(one));
	*cq = kernel.from[--kernel.events];
	*context = NULL;
	return 0;
}

void __wrap_ibv_ack_cq_events(struct ibv_cq *cq, unsigned int n);
void __wrap_ibv_ack_cq_events(struct ibv_cq *cq, unsigned int n)
{
	(void)cq;
	kernel.acknowledged += n;
}

static void wake(struct ibv_cq *cq)
{
	const uint64_t one = 1;

	kernel.from[kernel.events++] = cq;
	assert_int_equal(write(kernel.made.fd, &one, sizeof(one)), sizeof(one));
}

static struct bv_channel_attr with_wakeups(void)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.wakeups = true;
	attr.spin_ns = 0;
	return attr;
}

static int setup(void **state)
{
	const struct bv_channel_attr attr = with_wakeups();
	const struct bv_endpoint peer = fake_peer();

	host_reset(state);
	memset(&kernel, 0, sizeof(kernel));
	ch = fake_channel(&attr, &dev, &pd);
	ch->core->send_cq = &send_cq;
	ch->core->recv_cq = &recv_cq;
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	return 0;
}

static int teardown(void **state)
{
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	assert_int_equal(kernel.channels, 0);
	return host_check(state);
}

#define wakes_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void descriptor(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_fd(ch), kernel.made.fd);
	assert_true(fcntl(kernel.made.fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(bv_channel_woken(ch), 0);
	wake(&recv_cq);
	assert_int_equal(bv_channel_woken(ch), BV_WAKE_RECV);
	wake(&send_cq);
	wake(&recv_cq);
	wake(&send_cq);
	assert_int_equal(bv_channel_woken(ch), BV_WAKE_SEND | BV_WAKE_RECV);
	assert_int_equal(kernel.acknowledged, 4);
	assert_int_equal(bv_channel_woken(ch), 0);
}

static void reading_fails(void **state)
{
	(void)state;
	kernel.get_error = EINTR;
	assert_int_equal(bv_channel_woken(ch), 0);
	kernel.get_error = EIO;
	assert_int_equal(bv_channel_woken(ch), -EIO);
	assert_text("mlx5_0: the completion channel cannot be read: Input/output error");
}

static void arming(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND), 0);
	assert_int_equal(fake.armed, BV_WAKE_SEND);
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_RECV | BV_WAKE_SOLICITED), 0);
	assert_int_equal(fake.armed, BV_WAKE_RECV | BV_WAKE_SOLICITED);
	assert_int_equal(bv_channel_arm(ch, 0), -EINVAL);
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_SOLICITED), -EINVAL);
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND | 8), -EINVAL);
	assert_text("bv_channel_arm: queues 0x9");
	fake.arm_rc = -ENOMEM;
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND), -ENOMEM);
	assert_text("mlx5_0: the completion queue cannot be armed: Cannot allocate memory");
}

static void without_wakeups(void **state)
{
	struct bv_channel *plain;

	(void)state;
	assert_int_equal(bv_channel_create(pd, NULL, &plain), 0);
	assert_int_equal(bv_channel_fd(plain), -EINVAL);
	assert_text("bv_channel_fd: the channel has no wakeups");
	assert_int_equal(bv_channel_arm(plain, BV_WAKE_SEND), -EINVAL);
	assert_text("bv_channel_arm: ");
	assert_int_equal(bv_channel_woken(plain), -EINVAL);
	assert_text("bv_channel_woken: ");
	bv_channel_destroy(plain);
}

static void complete_and_wake(void)
{
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	wake(&send_cq);
	host.before_poll = NULL;
}

/* Woken by its completion, by somebody else's event, or by a signal: it goes on until it is done. */
static void sleeps_until_done(void **state)
{
	(void)state;
	host.before_poll = complete_and_wake;
	assert_int_equal(bv_wait(ch, 0, BV_FOREVER, NULL), 0);
	assert_int_equal(fake.armed, BV_WAKE_SEND);
	assert_int_equal(kernel.acknowledged, 1);
	wake(&send_cq); /* an old one */
	host_fail(HOST_POLL, 1, EINTR);
	fake.tick = 2 * BV_MSEC;
	assert_int_equal(bv_wait(ch, BV_WORK_RECV, 20 * BV_MSEC, NULL), -ETIMEDOUT);
	assert_true(host_failed(HOST_POLL));
	assert_int_equal(fake.armed, BV_WAKE_RECV);
}

static void sleeping_fails(void **state)
{
	(void)state;
	assert_int_equal(bv_wait(ch, 0, 0, NULL), -ETIMEDOUT);
	host_fail(HOST_POLL, 1, ENOMEM);
	assert_int_equal(bv_wait(ch, 0, BV_SEC, NULL), -ENOMEM);
	assert_text("mlx5_0: poll of the completion channel: Cannot allocate memory");
	fake.arm_rc = -EIO;
	assert_int_equal(bv_wait(ch, 0, BV_SEC, NULL), -EIO);
	assert_text("cannot be armed");
	fake.arm_rc = 0;
	kernel.get_error = EBADF;
	wake(&send_cq);
	assert_int_equal(bv_wait(ch, 0, BV_SEC, NULL), -EBADF);
	assert_text("cannot be read");
	assert_false(bv_work_done(ch, 0));
	kernel.get_error = 0;
	assert_int_equal(bv_channel_woken(ch), BV_WAKE_SEND);
	/* The clock moves past the deadline while it arms. */
	fake.tick = 3 * BV_SEC;
	assert_int_equal(bv_wait(ch, 0, 2 * BV_SEC, NULL), -ETIMEDOUT);
}

static void creation_fails(void **state)
{
	const struct bv_channel_attr attr = with_wakeups();
	struct bv_channel *other = NULL;
	struct ibv_comp_channel before = kernel.made;

	(void)state;
	kernel.create_error = ENFILE;
	assert_int_equal(bv_channel_create(pd, &attr, &other), -ENFILE);
	assert_text("mlx5_0: no completion channel: ibv_create_comp_channel: Too many open files");
	kernel.create_error = -1; /* a driver that fails without a word */
	assert_int_equal(bv_channel_create(pd, &attr, &other), -EIO);
	kernel.create_error = 0;
	for (int n = 1; n <= 2; n++) {
		host_fail(HOST_FCNTL, n, EBADF);
		assert_int_equal(bv_channel_create(pd, &attr, &other), -EBADF);
		assert_text("cannot be made non-blocking");
		assert_int_equal(kernel.channels, 1);
	}
	/* What fails later takes it along. */
	fake.channel_create_rc = -ENOMEM;
	assert_int_equal(bv_channel_create(pd, &attr, &other), -ENOMEM);
	assert_int_equal(kernel.channels, 1);
	assert_null(other);
	kernel.made = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wakes_test(descriptor),
		wakes_test(reading_fails),
		wakes_test(arming),
		wakes_test(without_wakeups),
		wakes_test(sleeps_until_done),
		wakes_test(sleeping_fails),
		wakes_test(creation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
