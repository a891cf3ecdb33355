/* SPDX-License-Identifier: MIT */
/*
 * Waking: one completion channel of libibverbs for both queues of a channel. An event is
 * acknowledged as soon as it is read, so that destroying the queues never waits for one.
 */
#include "wait.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "error.h"
#include "pd.h"

#define BOTH_QUEUES (BV_WAKE_SEND | BV_WAKE_RECV)

int bvi_wake_create(struct ibv_context *context, const char *device, struct ibv_comp_channel **wake)
{
	struct ibv_comp_channel *made = ibv_create_comp_channel(context);
	int rc, flags;

	if (!made)
		return bvi_fail(bv_rc(-1), "%s: no completion channel: ibv_create_comp_channel: %s",
				device, bvi_errno_text(bv_rc(-1)));
	flags = fcntl(made->fd, F_GETFL);
	if (flags < 0 || fcntl(made->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		rc = bvi_fail(bv_rc(-1), "%s: the completion channel cannot be made non-blocking",
			      device);
		ibv_destroy_comp_channel(made);
		return rc;
	}
	*wake = made;
	return 0;
}

void bvi_wake_destroy(struct ibv_comp_channel *wake)
{
	if (wake)
		ibv_destroy_comp_channel(wake);
}

static int fail_no_wakeups(const char *call)
{
	return bvi_fail(-EINVAL,
			"%s: the channel has no wakeups: create it with the attribute wakeups, or "
			"with a spin_ns",
			call);
}

int bv_channel_fd(const struct bv_channel *ch)
{
	return ch->core->wake ? ch->core->wake->fd : fail_no_wakeups("bv_channel_fd");
}

int bv_channel_arm(struct bv_channel *ch, unsigned queues)
{
	int rc;

	if (!ch->core->wake)
		return fail_no_wakeups("bv_channel_arm");
	if (!(queues & BOTH_QUEUES) || queues & ~(BOTH_QUEUES | BV_WAKE_SOLICITED))
		return bvi_fail(-EINVAL,
				"bv_channel_arm: queues 0x%x; BV_WAKE_SEND is 0x%x, "
				"BV_WAKE_RECV 0x%x, BV_WAKE_SOLICITED goes with them",
				queues, BV_WAKE_SEND, BV_WAKE_RECV);
	rc = ch->ops->arm(ch, queues);
	if (rc < 0)
		return bvi_fail(rc, "%s: the completion queue cannot be armed: %s",
				ch->core->pd->device->name, bvi_errno_text(rc));
	return 0;
}

int bv_channel_woken(struct bv_channel *ch)
{
	struct bvi_channel_core *core = ch->core;
	struct ibv_cq *cq;
	void *context;
	unsigned woke = 0;
	int rc;

	if (!core->wake)
		return fail_no_wakeups("bv_channel_woken");
	while (ibv_get_cq_event(core->wake, &cq, &context) == 0) {
		ibv_ack_cq_events(cq, 1);
		woke |= cq == core->send_cq ? BV_WAKE_SEND : BV_WAKE_RECV;
		core->send_wakes += cq == core->send_cq;
		core->recv_wakes += cq == core->recv_cq;
	}
	rc = bv_rc(-1);
	if (rc != -EAGAIN && rc != -EINTR)
		return bvi_fail(rc, "%s: the completion channel cannot be read: %s",
				core->pd->device->name, bvi_errno_text(rc));
	return (int)woke;
}

struct bvi_wait bvi_wait_until(const struct bv_channel *ch, const struct bvi_deadline *deadline)
{
	const int64_t spin_ns = ch->core->attr.spin_ns;
	struct bvi_wait wait = { .deadline = *deadline, .spin = { .at = BV_FOREVER } };

	if (bvi_unlikely(spin_ns < BV_FOREVER))
		wait.spin = bvi_deadline_after(spin_ns);
	return wait;
}

/* Until an event is there, or the deadline. */
static int sleep_until(struct bv_channel *ch, int64_t at)
{
	struct pollfd pfd = { .fd = ch->core->wake->fd, .events = POLLIN };
	const int64_t left = at == BV_FOREVER ? BV_FOREVER : at - bvi_clock_ns();
	const struct timespec limit = { .tv_sec = left / BV_SEC, .tv_nsec = left % BV_SEC };
	int n;

	if (left <= 0)
		return -ETIMEDOUT;
	n = ppoll(&pfd, 1, at == BV_FOREVER ? NULL : &limit, NULL);
	if (n < 0 && errno != EINTR)
		return bvi_fail(bv_rc(-1), "%s: poll of the completion channel: %s",
				ch->core->pd->device->name, bvi_errno_text(bv_rc(-1)));
	n = n > 0 ? bv_channel_woken(ch) : 0;
	return n < 0 ? n : 0;
}

int bvi_wait_more(struct bv_channel *ch, unsigned queues, struct bvi_wait *wait)
{
	if (bvi_deadline_passed(&wait->deadline))
		return -ETIMEDOUT;
	if (bvi_likely(!bvi_deadline_passed(&wait->spin)))
		return 0;
	wait->spin.at = 0;
	wait->armed = !wait->armed;
	return wait->armed ? bv_channel_arm(ch, queues) : sleep_until(ch, wait->deadline.at);
}
