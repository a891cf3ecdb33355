/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events, as far as a test can make a device raise them: the peer breaks a rule.
 */
#include "ends.h"

#include <poll.h>

#include "device.h"
#include "pause.h"

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void wait_readable(int fd)
{
	const int64_t end = pause_now() + WAIT_NS;

	while (!readable(fd)) {
		assert_true(pause_now() < end);
		pause_once();
	}
}

/* End A uses a key that end B does not have. */
static void break_b(void)
{
	const int64_t end = pause_now() + WAIT_NS;
	struct bv_wc wc;
	int64_t work;

	if (!device_raises_access_errors()) {
		skip_because("this driver raises no event when it refuses access");
	}
	work = bad_write(e.a);
	while (bv_test(e.a, work, &wc) == 0) {
		assert_true(pause_now() < end);
		pause_once();
	}
	assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
}

static void expect_access_error(const struct bv_event *event, const struct bv_channel *ch)
{
	struct bv_channel_info info;

	bv_channel_query(ch, &info);
	assert_int_equal(event->type, BV_EVENT_CHANNEL_ACCESS_ERROR);
	assert_ptr_equal(event->channel, ch);
	assert_int_equal(event->qpn, info.qpn);
	assert_int_equal(event->port, 0);
}

static void of_the_device(void **state)
{
	const int fd = bv_device_event_fd(e.dev);
	struct bv_event event;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bv_device_event_fd(e.dev), fd);
	assert_false(readable(fd));
	assert_int_equal(bv_device_event(e.dev, &event), 0);
	break_b();
	wait_readable(fd);
	assert_int_equal(bv_device_event(e.dev, &event), 1);
	expect_access_error(&event, e.b);
	assert_int_equal(bv_device_event(e.dev, &event), 0);
	assert_int_equal(bv_channel_event(e.b, &event), 0);
	assert_false(readable(fd));
	assert_int_equal(bv_channel_state(e.b), BV_CHANNEL_READY); /* another thread may have it */
}

/* Taken by nobody else, and kept for its channel while others look. */
static void of_the_channel(void **state)
{
	const int fd = bv_device_event_fd(e.dev);
	struct bv_event event;

	(void)state;
	break_b();
	wait_readable(fd);
	assert_int_equal(bv_channel_event(e.a, &event), 0);
	assert_true(readable(fd));
	assert_int_equal(bv_channel_event(e.b, &event), 1);
	expect_access_error(&event, e.b);
	assert_false(readable(fd));
	assert_int_equal(bv_device_event(e.dev, &event), 0);
	assert_int_equal(bv_channel_state(e.b), BV_CHANNEL_ERROR);
	assert_true(bv_post_recv(e.b, NULL, 0) < 0);
	expect_word(bv_last_error()->text, "channel access error");
}

/* The descriptor comes late, or never: no event is lost by that. */
static void descriptor_asked_for_late(void **state)
{
	struct bv_event event;
	int fd;

	(void)state;
	break_b();
	assert_int_equal(bv_channel_event(e.a, &event), 0);
	fd = bv_device_event_fd(e.dev);
	wait_readable(fd);
	assert_int_equal(bv_device_event(e.dev, &event), 1);
	expect_access_error(&event, e.b);
}

/* Neither in the list nor in the kernel is anything left of a channel that is gone. */
static void none_of_the_dead(void **state)
{
	const int fd = bv_device_event_fd(e.dev);
	struct bv_event event;

	(void)state;
	break_b();
	wait_readable(fd);
	if (*state)
		assert_int_equal(bv_channel_event(e.a, &event), 0); /* into the list */
	bv_channel_destroy(e.b);
	e.b = NULL;
	assert_int_equal(bv_device_event(e.dev, &event), 0);
	assert_false(readable(fd));
}

static void left_unread(void **state)
{
	(void)state;
	break_b();
}

/* A channel that is reset has its events before and after. */
static void again_after_reset(void **state)
{
	struct bv_event event;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		break_b();
		wait_readable(bv_device_event_fd(e.dev));
		assert_int_equal(bv_channel_event(e.b, &event), 1);
		expect_access_error(&event, e.b);
		assert_int_equal(bv_channel_reset(e.a), 0);
		assert_int_equal(bv_channel_reset(e.b), 0);
		ends_connect();
	}
}

static void expect_event(enum bv_event_type type, unsigned port)
{
	struct bv_event event;

	wait_readable(bv_device_event_fd(e.dev));
	assert_int_equal(bv_device_event(e.dev, &event), 1);
	assert_int_equal(event.type, type);
	assert_null(event.channel);
	assert_int_equal(event.port, port);
}

static void need_plans(void)
{
	if (device_plan(""))
		return;
	skip_because("nobody can make this device fail");
}

static void of_the_port(void **state)
{
	struct bv_event event;

	(void)state;
	need_plans();
	assert_true(device_plan("port-down at=0ms; port-up at=2ms"));
	expect_event(BV_EVENT_PORT_DOWN, 1);
	expect_event(BV_EVENT_PORT_UP, 1);
	device_plan("");
	assert_int_equal(bv_channel_event(e.a, &event), 0);
	assert_int_equal(bv_device_event(e.dev, &event), 0);
}

static void arguments_and_names(void **state)
{
	struct bv_event event;

	(void)state;
	assert_int_equal(bv_device_event_fd(NULL), -EINVAL);
	assert_int_equal(bv_device_event(NULL, &event), -EINVAL);
	assert_int_equal(bv_device_event(e.dev, NULL), -EINVAL);
	assert_int_equal(bv_channel_event(NULL, &event), -EINVAL);
	assert_int_equal(bv_channel_event(e.a, NULL), -EINVAL);
	for (int type = -1; type <= BV_EVENT_OTHER; type++)
		assert_true(bv_event_name((enum bv_event_type)type)[0]);
}

static const struct test tests[] = {
	ENDS_TEST(of_the_device, "an event of a channel, delivered once"),
	ENDS_TEST(of_the_channel, "an event waits for its channel; the first cause is kept"),
	ENDS_TEST(descriptor_asked_for_late, "an event of before the descriptor"),
	ENDS_TEST(none_of_the_dead, "no event names a channel that was destroyed"),
	{ "none_of_the_dead_in_the_list", "no event names a channel that was destroyed",
	  none_of_the_dead, ends_start, ends_stop, (void *)1 },
	ENDS_TEST(left_unread, "destroying does not wait for events that nobody reads"),
	ENDS_TEST(again_after_reset, "a reset channel has events again"),
	ENDS_TEST(of_the_port, "ports going down and up"),
	ENDS_TEST(arguments_and_names, "arguments, names"),
};

GROUP(events, tests);
