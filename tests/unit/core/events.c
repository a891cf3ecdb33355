/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events: which kernel event becomes which of ours and whose it is, what is acknowledged,
 * and what happens when descriptors, memory or the kernel fail.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/pd.h"

#define QUEUE 32

static struct {
	struct ibv_async_event event[QUEUE];
	unsigned int count, next, acknowledged;
	int error; /* of a read of the empty queue; 0: EAGAIN */
} kernel;

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;

int __wrap_ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event);
int __wrap_ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	(void)context;
	if (kernel.next == kernel.count) {
		errno = kernel.error ? kernel.error : EAGAIN;
		return -1;
	}
	*event = kernel.event[kernel.next++];
	return 0;
}

void __wrap_ibv_ack_async_event(struct ibv_async_event *event);
void __wrap_ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	kernel.acknowledged++;
}

static struct ibv_async_event *raise(enum ibv_event_type type)
{
	struct ibv_async_event *event = &kernel.event[kernel.count++];

	assert_true(kernel.count <= QUEUE);
	*event = (struct ibv_async_event){ .event_type = type };
	event->element.qp = ch->core->qp;
	return event;
}

static int setup(void **state)
{
	const struct bv_endpoint peer = fake_peer();

	host_reset(state);
	memset(&kernel, 0, sizeof(kernel));
	ch = fake_channel(NULL, &dev, &pd);
	dev->context->async_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	return 0;
}

static int teardown(void **state)
{
	const int fd = dev->context->async_fd;

	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	close(fd);
	assert_int_equal(kernel.acknowledged, kernel.next);
	return host_check(state);
}

#define events_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void none(void **state)
{
	struct bv_event event = { .code = 77 };

	(void)state;
	assert_int_equal(bv_device_event(dev, &event), 0);
	assert_int_equal(bv_channel_event(ch, &event), 0);
	kernel.error = EINTR;
	assert_int_equal(bv_device_event(dev, &event), 0);
	assert_int_equal(event.code, 77);
	assert_int_equal(bv_device_event(NULL, &event), -EINVAL);
	assert_int_equal(bv_device_event(dev, NULL), -EINVAL);
	assert_text("bv_device_event: an argument is NULL");
	assert_int_equal(bv_channel_event(NULL, &event), -EINVAL);
	assert_int_equal(bv_channel_event(ch, NULL), -EINVAL);
	assert_text("bv_channel_event: an argument is NULL");
	assert_int_equal(bv_device_event_fd(NULL), -EINVAL);
}

static void of_the_channel(void **state)
{
	static const struct {
		enum ibv_event_type from;
		enum bv_event_type to;
		const char *name;
	} cases[] = {
		{ IBV_EVENT_COMM_EST, BV_EVENT_CHANNEL_ESTABLISHED, "channel established" },
		{ IBV_EVENT_SQ_DRAINED, BV_EVENT_OTHER, "other event" },
		{ IBV_EVENT_PATH_MIG, BV_EVENT_OTHER, "other event" },
		{ IBV_EVENT_PATH_MIG_ERR, BV_EVENT_OTHER, "other event" },
		{ IBV_EVENT_QP_LAST_WQE_REACHED, BV_EVENT_OTHER, "other event" },
		{ IBV_EVENT_QP_FATAL, BV_EVENT_CHANNEL_FATAL, "channel fatal error" },
		{ IBV_EVENT_QP_REQ_ERR, BV_EVENT_CHANNEL_REQUEST_ERROR, "channel request error" },
		{ IBV_EVENT_QP_ACCESS_ERR, BV_EVENT_CHANNEL_ACCESS_ERROR, "channel access error" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_event event;

		raise(cases[i].from);
		assert_int_equal(bv_channel_event(ch, &event), 1);
		assert_int_equal(event.type, cases[i].to);
		assert_int_equal(event.code, cases[i].from);
		assert_ptr_equal(event.channel, ch);
		assert_int_equal(event.qpn, 0x1234);
		assert_int_equal(event.port, 0);
		assert_string_equal(bv_event_name(event.type), cases[i].name);
		/* Errors stop it, and the first one is why. */
		assert_int_equal(bv_channel_state(ch), i < 5 ? BV_CHANNEL_READY : BV_CHANNEL_ERROR);
	}
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_text("channel fatal error");
}

static void of_ports_and_the_device(void **state)
{
	static const struct {
		enum ibv_event_type from;
		enum bv_event_type to;
		const char *name;
		uint8_t port;
	} cases[] = {
		{ IBV_EVENT_PORT_ACTIVE, BV_EVENT_PORT_UP, "port up", 2 },
		{ IBV_EVENT_PORT_ERR, BV_EVENT_PORT_DOWN, "port down", 2 },
		{ IBV_EVENT_LID_CHANGE, BV_EVENT_PORT_CHANGED, "port changed", 2 },
		{ IBV_EVENT_PKEY_CHANGE, BV_EVENT_PORT_CHANGED, "port changed", 2 },
		{ IBV_EVENT_SM_CHANGE, BV_EVENT_PORT_CHANGED, "port changed", 2 },
		{ IBV_EVENT_CLIENT_REREGISTER, BV_EVENT_PORT_CHANGED, "port changed", 2 },
		{ IBV_EVENT_GID_CHANGE, BV_EVENT_PORT_CHANGED, "port changed", 2 },
		{ IBV_EVENT_DEVICE_FATAL, BV_EVENT_DEVICE_FATAL, "device fatal error", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_event event;

		raise(cases[i].from)->element.port_num = 2;
		assert_int_equal(bv_channel_event(ch, &event), 0);
		assert_int_equal(bv_device_event(dev, &event), 1);
		assert_int_equal(event.type, cases[i].to);
		assert_int_equal(event.port, cases[i].port);
		assert_null(event.channel);
		assert_int_equal(event.qpn, 0);
		assert_string_equal(bv_event_name(event.type), cases[i].name);
	}
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
}

/* Completion queues are those of the queue pair, whichever of the two it is. */
static void of_completion_queues(void **state)
{
	struct ibv_cq send_cq, recv_cq, strange;
	struct bv_event event;

	(void)state;
	ch->core->qp->send_cq = &send_cq;
	ch->core->qp->recv_cq = &recv_cq;
	raise(IBV_EVENT_CQ_ERR)->element.cq = &strange;
	assert_int_equal(bv_device_event(dev, &event), 0);
	raise(IBV_EVENT_CQ_ERR)->element.cq = &recv_cq;
	assert_int_equal(bv_device_event(dev, &event), 1);
	assert_int_equal(event.type, BV_EVENT_CHANNEL_CQ_ERROR);
	assert_ptr_equal(event.channel, ch);
	/* Only who takes it for the channel changes the channel: others have no right to. */
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	raise(IBV_EVENT_CQ_ERR)->element.cq = &send_cq;
	assert_int_equal(bv_channel_event(ch, &event), 1);
	assert_string_equal(bv_event_name(event.type), "channel completion queue error");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
}

/* What nobody here owns is acknowledged and forgotten. */
static void of_strangers(void **state)
{
	struct ibv_qp strange;
	struct bv_event event;

	(void)state;
	raise(IBV_EVENT_QP_FATAL)->element.qp = &strange;
	raise(IBV_EVENT_SRQ_ERR);
	raise(IBV_EVENT_SRQ_LIMIT_REACHED);
	raise(IBV_EVENT_WQ_FATAL);
	assert_int_equal(bv_device_event(dev, &event), 0);
	assert_int_equal(kernel.acknowledged, 4);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
}

/* Each gets its own, in order, and nobody those of a channel that is gone. */
static void two_channels(void **state)
{
	struct bv_channel *other;
	struct bv_event event;

	(void)state;
	assert_int_equal(bv_channel_create(pd, NULL, &other), 0);
	raise(IBV_EVENT_QP_ACCESS_ERR);
	raise(IBV_EVENT_COMM_EST)->element.qp = other->core->qp;
	raise(IBV_EVENT_QP_REQ_ERR)->element.qp = other->core->qp;
	raise(IBV_EVENT_COMM_EST);
	assert_int_equal(bv_channel_event(other, &event), 1);
	assert_ptr_equal(event.channel, other);
	assert_int_equal(event.type, BV_EVENT_CHANNEL_ESTABLISHED);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	bv_channel_destroy(other);
	assert_int_equal(bv_channel_event(ch, &event), 1);
	assert_int_equal(event.type, BV_EVENT_CHANNEL_ACCESS_ERROR);
	assert_int_equal(bv_device_event(dev, &event), 1);
	assert_int_equal(event.type, BV_EVENT_CHANNEL_ESTABLISHED);
	assert_ptr_equal(event.channel, ch);
	assert_int_equal(bv_device_event(dev, &event), 0);
}

/* A work that failed says more than the event that came with it. */
static void event_and_failure(void **state)
{
	struct bv_event event;

	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	raise(IBV_EVENT_QP_ACCESS_ERR);
	assert_int_equal(bv_channel_event(ch, &event), 1);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_text("channel access error");
	fake_complete_send(ch, 0, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(bv_test(ch, 0, NULL), -EIO);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_text("send-queue work 0 failed with remote access error");
}

/* What nobody took goes with the device. */
static void left_in_the_list(void **state)
{
	struct bv_event event;

	(void)state;
	raise(IBV_EVENT_PORT_ERR);
	raise(IBV_EVENT_PORT_ACTIVE);
	assert_int_equal(bv_channel_event(ch, &event), 0);
	assert_int_equal(kernel.acknowledged, 2);
}

static void kernel_fails(void **state)
{
	struct bv_event event;

	(void)state;
	raise(IBV_EVENT_COMM_EST);
	raise(IBV_EVENT_PORT_ERR);
	kernel.error = EIO;
	/* What came before is delivered first. */
	assert_int_equal(bv_channel_event(ch, &event), 1);
	assert_int_equal(bv_channel_event(ch, &event), -EIO);
	assert_text("mlx5_0: the kernel gives no more events: Input/output error");
	assert_int_equal(bv_device_event(dev, &event), 1);
	assert_int_equal(bv_device_event(dev, &event), -EIO);
}

static void no_memory(void **state)
{
	struct bv_event event;

	(void)state;
	raise(IBV_EVENT_COMM_EST);
	host_fail(HOST_MALLOC, 1, ENOMEM);
	assert_int_equal(bv_device_event(dev, &event), -ENOMEM);
	assert_text("no memory for an event");
	assert_int_equal(kernel.next, 0);
	assert_int_equal(bv_device_event(dev, &event), 1);
	assert_int_equal(event.type, BV_EVENT_CHANNEL_ESTABLISHED);
}

/* The kernel's descriptor must not block us: 1 its flags are not told, 2 they cannot be changed. */
static void descriptor_would_block(void **state)
{
	struct bv_event event;

	(void)state;
	raise(IBV_EVENT_COMM_EST);
	for (int n = 1; n <= 2; n++) {
		host_fail(HOST_FCNTL, n, EBADF);
		assert_int_equal(bv_device_event(dev, &event), -EBADF);
		assert_text("Bad file descriptor");
		assert_int_equal(kernel.next, 0);
	}
	assert_int_equal(bv_device_event(dev, &event), 1);
}

static bool readable(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, 0) == 1;
}

/* Readable while the list has something, also what was read for somebody else. */
static void descriptor(void **state)
{
	struct bv_event event;
	uint64_t one = 1;
	int fd;

	(void)state;
	fd = bv_device_event_fd(dev);
	assert_true(fd >= 0);
	assert_int_equal(bv_device_event_fd(dev), fd);
	assert_false(readable(fd));
	assert_int_equal(write(dev->context->async_fd, &one, sizeof(one)), sizeof(one));
	assert_true(readable(fd));
	assert_int_equal(read(dev->context->async_fd, &one, sizeof(one)), sizeof(one));
	raise(IBV_EVENT_PORT_ERR);
	raise(IBV_EVENT_COMM_EST);
	assert_int_equal(bv_channel_event(ch, &event), 1);
	assert_true(readable(fd));
	assert_int_equal(bv_device_event(dev, &event), 1);
	assert_false(readable(fd));
}

static void no_descriptor(void **state)
{
	static const struct {
		enum host_call call;
		int in, error;
	} cases[] = {
		{ HOST_EVENTFD, 1, EMFILE },
		{ HOST_EPOLL_CREATE, 1, ENFILE },
		{ HOST_EPOLL_CTL, 1, ENOMEM },
		{ HOST_EPOLL_CTL, 2, ENOSPC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_fail(cases[i].call, cases[i].in, cases[i].error);
		assert_int_equal(bv_device_event_fd(dev), -cases[i].error);
		assert_text("mlx5_0: no descriptor for its events: ");
		assert_true(host_failed(cases[i].call));
	}
	assert_true(bv_device_event_fd(dev) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		events_test(none),
		events_test(of_the_channel),
		events_test(of_ports_and_the_device),
		events_test(of_completion_queues),
		events_test(of_strangers),
		events_test(two_channels),
		events_test(event_and_failure),
		events_test(left_in_the_list),
		events_test(kernel_fails),
		events_test(no_memory),
		events_test(descriptor_would_block),
		events_test(descriptor),
		events_test(no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
