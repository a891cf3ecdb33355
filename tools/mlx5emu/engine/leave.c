/* SPDX-License-Identifier: MIT */
#include "qp.h"
#include "stat.h"
#include "state.h"
#include "timer.h"

#include <time.h>

/*
 * The end of a process, or of its last device. What has been sent to a peer whose socket is full waits
 * in the fabric and would go with it, the acknowledges of what was received above all: the peer would
 * ask in vain. An adapter's wire has no such queue. Hence some patience with peers that take what
 * waits for them, and little with those that do not; by the machine's clock, as nobody moves that of
 * manual mode any more.
 */

enum {
	LOOK_NS = 1000000,
	PATIENCE_NS = 1000000000, /* nothing was taken for so long */
};

/* In all: nobody can fork, or open a device, while the last one goes. */
#define LONGEST_NS UINT64_C(10000000000)

struct farewell {
	uint64_t began;
	uint64_t since; /* when something was taken last */
	unsigned waiting;
};

/* Lock held. */
static void send_off(struct farewell *f)
{
	const unsigned before = f->waiting;

	emu_drain_locked();
	f->waiting = emu.fabric ? emu_fabric_waiting(emu.fabric) : 0;
	if (f->waiting < before)
		f->since = emu_machine_ns();
}

/* False: there is nothing left to wait for. */
static bool rest(const struct farewell *f)
{
	const struct timespec look = { 0, LOOK_NS };
	const uint64_t now = emu_machine_ns();

	if (!f->waiting || now - f->since > PATIENCE_NS || now - f->began > LONGEST_NS)
		return false;
	nanosleep(&look, NULL);
	return true;
}

void emu_leave_wire(void)
{
	const uint64_t now = emu_machine_ns();
	struct farewell f = { .began = now, .since = now };

	do {
		emu_lock();
		send_off(&f);
		emu_unlock();
	} while (rest(&f));
}

/* Lock held. */
static void last_turns(void)
{
	struct emu_list *node, *following;

	emu_list_each(node, following, &emu.devices)
		emu_qps_last_turns(emu_container(node, struct emu_device, node));
}

/*
 * It may run inside a call of the engine, by a signal handler that calls exit(): then nobody gives the lock
 * back.
 */
__attribute__((destructor)) static void leave(void)
{
	const uint64_t now = emu_machine_ns();
	struct farewell f = { .began = now, .since = now, .waiting = 1 };
	bool first = true;

	if (emu.fabric) {
		do {
			if (pthread_mutex_trylock(&emu.lock) != 0)
				continue;
			if (first) {
				last_turns();
				emu_doorbells_watch_last();
			}
			first = false;
			send_off(&f);
			emu_unlock();
		} while (rest(&f));
	}
	emu_stat_leave();
}
