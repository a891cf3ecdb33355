/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: what makes the descriptor readable and what does not, that no completion is slept over,
 * and waits that sleep. End A is in this process; it sleeps on its channel directly.
 */
#include <poll.h>
#include <time.h>

#include "link.h"
#include "local.h"
#include "pause.h"

static struct bv_channel *sleeper(struct link *link, int64_t spin_ns)
{
	struct bv_channel_attr attr = link_attr();

	attr.wakeups = true;
	attr.spin_ns = spin_ns;
	link_up(link, &attr, NULL);
	return link->a.side->local->ch[link->a.slot];
}

static bool readable(struct bv_channel *ch, int timeout_ms)
{
	struct pollfd pfd = { .fd = bv_channel_fd(ch), .events = POLLIN };

	assert_true(pfd.fd >= 0);
	return poll(&pfd, 1, timeout_ms) == 1;
}

static void send_to_a(struct link *link, unsigned flags)
{
	struct link back = { .a = link->b, .b = link->a };
	const struct post recv = post_recv8(&link->a);
	const struct post send = post_of(&back, OP_SEND, flags);

	end_post(&link->a, &recv);
	side_post(link->b.side, link->b.slot, &send);
}

static void needs_wakeups(void **state)
{
	struct link link;
	struct bv_channel *ch;

	(void)state;
	link_up(&link, NULL, NULL);
	ch = link.a.side->local->ch[link.a.slot];
	assert_int_equal(bv_channel_fd(ch), -EINVAL);
	expect_word(bv_last_error()->text, "wakeups");
	assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND), -EINVAL);
	assert_int_equal(bv_channel_woken(ch), -EINVAL);
}

static void each_queue_wakes(void **state)
{
	struct link link;
	struct bv_channel *ch;
	struct bv_wc wc;

	(void)state;
	need_live_device();
	ch = sleeper(&link, BV_FOREVER);
	assert_int_equal(bv_channel_arm(ch, 0), -EINVAL);
	assert_int_equal(bv_channel_arm(ch, 0x10 | BV_WAKE_SEND), -EINVAL);
	for (unsigned round = 0; round < 20; round++) {
		const struct post write = post_write8(&link, 0);

		assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND), 0);
		assert_int_equal(bv_channel_woken(ch), 0);
		end_post(&link.a, &write);
		assert_true(readable(ch, 60000));
		assert_int_equal(bv_channel_woken(ch), BV_WAKE_SEND);
		assert_false(readable(ch, 0));
		assert_int_equal(bv_poll_send(ch, &wc, 1), 1);
		assert_int_equal(bv_channel_arm(ch, BV_WAKE_RECV), 0);
		send_to_a(&link, 0);
		assert_true(readable(ch, 60000));
		assert_int_equal(bv_channel_woken(ch), BV_WAKE_RECV);
		assert_int_equal(bv_poll_recv(ch, &wc, 1), 1);
		end_reap(&link.b, false, 1, &wc);
		link.b.side->next_send[link.b.slot] = wc.work + 1;
	}
}

static void only_solicited_wake(void **state)
{
	struct link link;
	struct bv_channel *ch;
	struct bv_wc wc[2];

	(void)state;
	need_live_device();
	ch = sleeper(&link, BV_FOREVER);
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(bv_channel_arm(ch, BV_WAKE_RECV | BV_WAKE_SOLICITED), 0);
		send_to_a(&link, 0);
		end_reap(&link.a, true, 1, wc);
		assert_false(readable(ch, 20));
		send_to_a(&link, BV_SOLICITED);
		assert_true(readable(ch, 60000));
		assert_int_equal(bv_channel_woken(ch), BV_WAKE_RECV);
		assert_int_equal(bv_poll_recv(ch, wc, 2), 1);
		end_reap(&link.b, false, 2, wc);
	}
}

/*
 * Arming races with the completion that it is for: whichever comes first, either the poll behind it
 * finds the completion, or the descriptor wakes.
 */
static void no_wakeup_is_lost(void **state)
{
	const unsigned rounds = options.races;
	struct link link;
	struct bv_channel *ch;
	struct bv_wc wc[8];
	unsigned slept = 0;

	(void)state;
	need_live_device();
	ch = sleeper(&link, BV_FOREVER);
	for (unsigned round = 0; round < rounds; round++) {
		const struct bv_remote remote = end_remote(&link.b, link.b.base + 64, 8);
		const int64_t work = bv_post_write_inline(ch, &round, 4, &remote, 0);

		assert_true(work >= 0);
		/* Meets the completion at every distance, before, within and behind it. */
		for (unsigned i = 0; i < round % 64; i++)
			pause_now();
		while (!bv_work_done(ch, work)) {
			assert_int_equal(bv_channel_arm(ch, BV_WAKE_SEND), 0);
			if (bv_poll_send(ch, wc, 8) > 0)
				continue;
			if (!readable(ch, 20000))
				fail_msg("round %u: slept over a completion", round);
			assert_true(bv_channel_woken(ch) >= 0);
			slept++;
			bv_poll_send(ch, wc, 8);
		}
	}
	print_message("%u arms, slept %u times\n", rounds, slept);
}

static int64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * BV_SEC + used.tv_nsec;
}

/*
 * Whether nothing comes within 100 ms, and most of that is slept through. An emulated CPU is charged for
 * the time that its host does not let it run: one look of several must do, which one that spins never has.
 */
static bool sleeps_through(struct bv_channel *ch, int64_t work)
{
	for (unsigned i = 0; i < 5; i++) {
		const int64_t cpu = cpu_ns();
		struct bv_wc wc;

		assert_int_equal(bv_wait(ch, work, 100 * BV_MSEC, &wc), -ETIMEDOUT);
		if (cpu_ns() - cpu < 60 * BV_MSEC)
			return true;
	}
	return false;
}

static void waits_sleep(void **state)
{
	const int64_t spins[] = { 0, 20 * BV_USEC };
	struct link link;
	struct bv_channel *ch;
	struct bv_wc wc;
	int64_t work;

	need_live_device();
	for (unsigned i = 0; i < 2; i++) {
		struct post recv;

		ch = sleeper(&link, spins[i]);
		recv = post_recv8(&link.a);
		work = end_post(&link.a, &recv);
		assert_true(sleeps_through(ch, work));
		assert_int_equal(bv_wait(ch, work, 0, &wc), -ETIMEDOUT);
		{
			struct link back = { .a = link.b, .b = link.a };
			const struct post send = post_of(&back, OP_SEND, 0);

			end_post(&link.b, &send);
		}
		assert_int_equal(bv_wait(ch, work, WAIT_NS, &wc), 0);
		assert_int_equal(wc.work, work);
		assert_int_equal(wc.bytes, 8);
		world_reset(state);
	}
}

/* Full queues included: the blocking calls sleep for a free place, too. */
static void blocking_calls_sleep(void **state)
{
	const uint64_t payload = 7;
	struct link link;
	struct bv_channel *ch;
	struct bv_remote remote;
	struct bv_scatter into;

	(void)state;
	need_live_device();
	ch = sleeper(&link, 0);
	remote = end_remote(&link.b, link.b.base + 64, 8);
	into = bv_scatter_unchecked(&link.a.side->local->mr[MR_ARENA].keys,
				    link.a.side->local->arena + link.a.base + 64, 8);
	for (unsigned round = 0; round < 100; round++) {
		while (bv_post_write_inline(ch, &payload, 8, &remote, BV_UNSIGNALED | BV_MORE) >= 0)
			;
		assert_int_equal(bv_read(ch, &into, 1, &remote, WAIT_NS), 0);
	}
	assert_int_equal(bv_channel_drain(ch, WAIT_NS), 0);
}

static const struct test tests[] = {
	CONFORM(needs_wakeups, "wake: -EINVAL without the attribute"),
	CONFORM(each_queue_wakes, "wake: once for each arming"),
	CONFORM(only_solicited_wake, "BV_SOLICITED wakes, others do not if asked so"),
	CONFORM(no_wakeup_is_lost, "wake: arming races with completions"),
	CONFORM(waits_sleep, "spin_ns: a wait sleeps, and keeps its deadline"),
	CONFORM(blocking_calls_sleep, "spin_ns: so do the blocking calls"),
};

GROUP(wakes, tests);
