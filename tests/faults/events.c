/* SPDX-License-Identifier: MIT */
/*
 * events PROVIDER: ports that go down and up, devices that fail, channels that are refused, while
 * works are outstanding. Each event reaches those it is about, once, and nobody else; the works end
 * as they must. Under `mlx5emu run --manual -n 2`, so that each run is the same.
 *
 * Three handles: two of mlx5_0, one of mlx5_1. To the kernel each is a device file of its own, with
 * its own events. Each has two pairs of channels.
 */
#include "device.h"
#include "pair.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	HANDLES = 3,
	PAIRS = 2, /* of each handle */
	SEEN = 8,
	WRITES = 8,
	BYTES = 3000,
	CYCLES = 3,
	WORKS = 200,
};

#define LIMIT_NS (60 * BV_SEC)

static const char *provider;

struct handle {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct pair pair[PAIRS];
	struct bv_event seen[SEEN];
	unsigned nseen;
};

static struct handle handles[HANDLES];

static void open_all(void)
{
	static const char *const names[HANDLES] = { "mlx5_0", "mlx5_0", "mlx5_1" };
	const struct bv_channel_attr attr = pair_attr();

	for (unsigned i = 0; i < HANDLES; i++) {
		struct handle *h = &handles[i];

		h->nseen = 0;
		expect_rc(bv_open(names[i], &(struct bv_open_opts){ .provider = provider },
				  &h->dev),
			  NULL, "open the device");
		expect_rc(bv_pd_alloc(h->dev, &h->pd), NULL, "protection domain");
		for (unsigned k = 0; k < PAIRS; k++)
			pair_open(&h->pair[k], h->pd, &attr, 0x5eed + i * PAIRS + k);
	}
	device_need_manual();
}

static void close_all(void)
{
	for (unsigned i = 0; i < HANDLES; i++) {
		struct handle *h = &handles[i];

		for (unsigned k = 0; k < PAIRS; k++)
			pair_close(&h->pair[k]);
		device_check();
		bv_pd_free(h->pd);
		bv_close(h->dev);
	}
	device_check_closed();
}

/* ---- events ---- */

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Nothing is for a channel, and whoever asks for one's takes nothing from the others. */
static void expect_none_of_channels(const struct handle *h)
{
	struct bv_event event;

	for (unsigned k = 0; k < PAIRS; k++)
		for (unsigned i = 0; i < 2; i++)
			expect(bv_channel_event(h->pair[k].end[i].ch, &event) == 0,
			       "no event of a channel");
}

/* Takes what is there; the descriptor says so before, and says no more behind it. */
static void look(struct handle *h)
{
	const int fd = bv_device_event_fd(h->dev);
	struct bv_event event;
	int rc;

	expect(fd >= 0, "the descriptor of events");
	while (readable(fd)) {
		rc = bv_device_event(h->dev, &event);
		expect(rc == 1, "a descriptor that is readable has an event");
		expect(h->nseen < SEEN, "few events");
		h->seen[h->nseen++] = event;
	}
	expect(bv_device_event(h->dev, &event) == 0, "a descriptor that is not has none");
}

static void look_all(void)
{
	for (unsigned i = 0; i < HANDLES; i++)
		look(&handles[i]);
}

static void expect_seen(const struct handle *h, unsigned i, enum bv_event_type type,
			const struct bv_channel *ch, unsigned port)
{
	const struct bv_event *event = &h->seen[i];

	expect(h->nseen > i, "an event for each handle that it is about");
	if (event->type != type)
		fprintf(stderr, "%s instead of %s\n", bv_event_name(event->type),
			bv_event_name(type));
	expect(event->type == type, "the right event");
	expect(event->channel == ch, "of the right channel");
	expect(event->port == port, "of the right port");
}

/* Whatever can still happen now has happened: no event is left. */
static void expect_each_saw(unsigned events)
{
	(void)device_step();
	look_all();
	for (unsigned i = 0; i < HANDLES; i++) {
		if (handles[i].nseen != events)
			fprintf(stderr, "handle %u saw %u\n", i, handles[i].nseen);
		expect(handles[i].nseen == events, "each event once");
	}
}

/* ---- of ports and devices ---- */

static struct pair *pair_at(unsigned i)
{
	return &handles[i / PAIRS].pair[i % PAIRS];
}

/* One round of random works on all channels; whether any is outstanding. */
static bool work_once(uint64_t until)
{
	bool busy = false;
	unsigned found = 0;

	for (unsigned i = 0; i < HANDLES * PAIRS; i++) {
		struct pair *p = pair_at(i);

		if (p->done < until)
			pair_post(p);
		found += pair_poll(p);
		busy = busy || !pair_idle(p) || p->done < until;
	}
	if (found == 0)
		device_idle();
	return busy;
}

static bool all_busy(void)
{
	for (unsigned i = 0; i < HANDLES * PAIRS; i++)
		if (pair_idle(pair_at(i)))
			return false;
	return true;
}

/* The works wait, are sent again, and succeed. */
static void ports_go_down_and_up(void)
{
	int64_t end;

	open_all();
	end = device_time() + LIMIT_NS;
	for (unsigned cycle = 0; cycle < CYCLES; cycle++) {
		const unsigned before = 2 * cycle;
		bool outstanding = false;

		device_plan("port-down on=wqe nth=200; port-up at=60ms");
		while (work_once(WORKS * (cycle + 1))) {
			look_all();
			outstanding |= handles[0].nseen == before + 1 && all_busy();
			for (unsigned i = 0; i < HANDLES; i++)
				expect_none_of_channels(&handles[i]);
			expect(device_time() < end, "no hang beyond the deadline");
		}
		expect(outstanding, "works were outstanding when the ports were down");
		expect_each_saw(before + 2);
		for (unsigned i = 0; i < HANDLES; i++) {
			expect_seen(&handles[i], before, BV_EVENT_PORT_DOWN, NULL, 1);
			expect_seen(&handles[i], before + 1, BV_EVENT_PORT_UP, NULL, 1);
		}
	}
	device_plan("");
	close_all();
	printf("ports down and up %d times\n", CYCLES);
}

/* Nothing completes any more, and every call that waits ends by its deadline. */
static void expect_dead(struct pair *p)
{
	const int64_t limit = 20 * BV_MSEC;

	for (unsigned i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];
		const int64_t last = bv_last_posted(e->ch), begin = pair_now();
		int rc = bv_wait(e->ch, last, limit, NULL);

		expect(e->first_sent == e->last_sent || rc == -ETIMEDOUT || rc == -EIO,
		       "no success without a completion");
		rc = bv_channel_drain(e->ch, limit);
		expect(rc == 0 || rc == -ETIMEDOUT || rc == -EIO, "a drain drops what is left");
		expect(bv_work_done(e->ch, last), "the last work is done");
		expect(pair_now() - begin < limit + PAIR_PATIENCE_NS, "they end by their deadline");
	}
	pair_still(p);
}

static void devices_fail(void)
{
	uint64_t done[HANDLES * PAIRS];
	int64_t end;

	open_all();
	end = device_time() + LIMIT_NS;
	device_plan("fatal on=wqe nth=500");
	for (; handles[0].nseen == 0; look_all()) {
		work_once(UINT64_MAX);
		expect(device_time() < end, "no hang beyond the deadline");
	}
	expect(all_busy(), "works are outstanding when the devices fail");
	for (unsigned i = 0; i < HANDLES * PAIRS; i++)
		done[i] = pair_at(i)->done;
	for (unsigned i = 0; i < 1000; i++)
		work_once(UINT64_MAX);
	expect_each_saw(1);
	for (unsigned i = 0; i < HANDLES; i++) {
		expect_seen(&handles[i], 0, BV_EVENT_DEVICE_FATAL, NULL, 0);
		expect_none_of_channels(&handles[i]);
	}
	for (unsigned i = 0; i < HANDLES * PAIRS; i++) {
		expect(pair_at(i)->done == done[i], "nothing completes on a dead device");
		expect_dead(pair_at(i));
	}
	expect_each_saw(1);
	close_all();
	/* The next ones that are opened are new, and work. */
	open_all();
	end = device_time() + LIMIT_NS;
	while (work_once(WORKS))
		expect(device_time() < end, "no hang beyond the deadline");
	expect_each_saw(0);
	close_all();
	printf("devices failed\n");
}

/* ---- of channels ---- */

static const struct refusal {
	const char *plan;
	unsigned victim; /* whose event it is: 0 sends, 1 answers */
	enum bv_status status;
	unsigned nevents;
	enum bv_event_type event[2];
} refusals[] = {
	{ "nak error=access opcode=write nth=3",
	  1,
	  BV_STATUS_REMOTE_ACCESS_ERROR,
	  1,
	  { BV_EVENT_CHANNEL_ACCESS_ERROR } },
	{ "nak error=request opcode=write nth=3",
	  1,
	  BV_STATUS_REMOTE_INVALID_REQUEST_ERROR,
	  1,
	  { BV_EVENT_CHANNEL_REQUEST_ERROR } },
	{ "nak error=operation opcode=write nth=3", 1, BV_STATUS_REMOTE_OPERATION_ERROR, 0, { 0 } },
	{ "overflow nth=3",
	  0,
	  BV_STATUS_SUCCESS,
	  2,
	  { BV_EVENT_CHANNEL_CQ_ERROR, BV_EVENT_CHANNEL_FATAL } },
};

static uint32_t qpn_of(const struct bv_channel *ch)
{
	struct bv_channel_info info;

	bv_channel_query(ch, &info);
	return info.qpn;
}

/* Two succeed, the third meets the fault (and says so, if it can), the rest is flushed. */
static void write_into_fault(struct pair *p, enum bv_status status)
{
	struct pair_end *e = &p->end[0];
	unsigned n = 0, most = status ? WRITES : 2;
	struct bv_wc wc;

	for (unsigned i = 0; i < WRITES; i++) {
		const struct bv_remote at = bv_remote_slice_unchecked(
			&e->peer, (uint64_t)(PAIR_SLOTS + i) * PAIR_BYTES, PAIR_BYTES);
		const struct bv_gather g = bv_gather(e->mr, pair_own(e, i), BYTES);

		expect_rc(bv_post_write(e->ch, &g, 1, &at, 0), e->ch, "post");
	}
	for (unsigned idle = 0; idle < 100; idle++) {
		while (bv_poll_send(e->ch, &wc, 1) == 1) {
			const enum bv_status wanted = n < 2  ? BV_STATUS_SUCCESS :
						      n == 2 ? status :
							       BV_STATUS_WORK_REQUEST_FLUSH_ERROR;

			expect(n < most, "no completion too many");
			expect(wc.work == n++, "each work completes once, in order");
			expect(wc.status == wanted, "with its status");
		}
		device_idle();
	}
	expect(n == most, "every work completes");
}

/* Taken by the channel's call or by the device's: they are the same events. */
static void expect_refusal(const struct refusal *r, struct handle *h, bool by_channel)
{
	struct bv_channel *ch = h->pair[1].end[r->victim].ch;

	if (by_channel) {
		while (h->nseen < SEEN && bv_channel_event(ch, &h->seen[h->nseen]) == 1)
			h->nseen++;
		expect(r->nevents == 0 || bv_channel_state(ch) == BV_CHANNEL_ERROR,
		       "a channel whose event was taken is in error");
	} else {
		look(h);
	}
	expect(h->nseen == r->nevents, "each event of the channel, once");
	for (unsigned i = 0; i < r->nevents; i++) {
		expect_seen(h, i, r->event[i], ch, 0);
		expect(h->seen[i].qpn == qpn_of(ch), "of the right queue pair");
	}
	expect_none_of_channels(h);
}

/* The second file of a device, and the second device. */
static void channels_are_refused(bool by_channel)
{
	for (unsigned i = 0; i < COUNT(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct handle *h = &handles[by_channel ? 1 : 2];
		struct pair *p = &h->pair[1];
		char plan[100];

		open_all();
		snprintf(plan, sizeof(plan), "%s qpn=%u", r->plan, qpn_of(p->end[r->victim].ch));
		device_plan(plan);
		write_into_fault(p, r->status);
		expect(device_hits(0) == 1, "the fault happened once");
		expect_refusal(r, h, by_channel);
		h->nseen = 0;
		expect_each_saw(0);
		/* All other channels are as before. */
		device_plan("");
		for (unsigned k = 0; k < HANDLES * PAIRS; k++)
			if (pair_at(k) != p)
				pair_run(pair_at(k), WORKS / 4, LIMIT_NS);
		expect_each_saw(0);
		close_all();
	}
	printf("channels refused, events taken by the %s\n", by_channel ? "channel" : "device");
}

int main(int argc, char **argv)
{
	unsigned files = 0;

	device_need();
	if (argc != 2)
		return 2;
	provider = argv[1];
	for (unsigned round = 0; round < 2; round++) {
		ports_go_down_and_up();
		devices_fail();
		channels_are_refused(false);
		channels_are_refused(true);
		if (round == 0)
			files = device_files();
	}
	expect(device_files() == files, "no file descriptor is left behind");
	return 0;
}
