/* SPDX-License-Identifier: MIT */
#include "../trace/raw.h"
#include "fault.h"
#include "stat.h"
#include "state.h"
#include "timer.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The device thread: rounds of emu_step_locked(), with naps in between.
 *
 * Verbs programs spin without yielding, so on a machine with fewer cores than spinners the scheduler
 * decides how fast the device is. Real-time class with naps of 20 us gives tens of microseconds per
 * round trip (40 us: half as much again; 5 us starve the programs); without the privilege a short
 * slice of the fair class (EEVDF custom slice, Linux 6.12) is the next best. A datagram ends a nap
 * at once; a doorbell cannot, it is a store to memory: hence naps grow only while nothing happens.
 */

enum {
	NAP_BUSY_NS = 20000,
	ROUNDS_WITHOUT_NAP = 64,
	STACK_BYTES = 256 * 1024,
	SLICE_NS = 100000,
};

static struct {
	pthread_t thread;
	bool started;
	bool stop;
	bool resting; /* in a nap longer than the busy one */
	int kick_fd;
} dev_thread = { .kick_fd = -1 };

/* No glibc wrapper before 2.41; the layout is the kernel's first version (uapi sched/types.h). */
struct sched_attr_v0 {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
};

static void choose_scheduling(void)
{
	const struct sched_param rr = { .sched_priority = 1 };
	struct sched_attr_v0 slice = {
		.size = sizeof(slice),
		.sched_policy = SCHED_OTHER,
		.sched_runtime = SLICE_NS,
	};

	(void)prctl(PR_SET_NAME, "mlx5emu", 0, 0, 0);
	(void)prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	if (sched_setscheduler(0, SCHED_RR, &rr) == 0)
		return;
	if (syscall(SYS_sched_setattr, 0, &slice, 0) < 0)
		emu_info("device thread runs at ordinary priority: latencies will be long");
}

/*
 * How long an idle device may close its eyes: a fiftieth of the time since it last saw work up to
 * 2 ms, which costs a program at rest 2 % of a core; after ten seconds a five-thousandth, to 10 ms.
 */
static uint64_t nap_ns(uint64_t idle_ns)
{
	enum {
		LONG_NS = 2000000,
		LONGEST_NS = 10000000,
	};
	uint64_t nap = idle_ns / 50;

	if (nap < NAP_BUSY_NS)
		return NAP_BUSY_NS;
	if (nap < LONG_NS)
		return nap;
	nap = idle_ns / 5000;
	if (nap < LONG_NS)
		return LONG_NS;
	return nap < LONGEST_NS ? nap : LONGEST_NS;
}

/* Lock held. UINT64_MAX: until something arrives. */
static uint64_t next_nap(uint64_t last_work)
{
	const uint64_t now = emu_now_ns(), fault = emu_fault_deadline();
	uint64_t nap = UINT64_MAX, deadline = emu.next_deadline;

	if (!emu_list_empty(&emu.work) || emu_fabric_waiting(emu.fabric))
		nap = NAP_BUSY_NS;
	else if (!emu_list_empty(&emu.uars))
		nap = nap_ns(now - last_work);
	if (fault < deadline)
		deadline = fault;
	if (deadline != UINT64_MAX) {
		const uint64_t until = deadline > now ? deadline - now : 0;

		if (until < nap)
			nap = until;
	}
	return nap;
}

static void take_nap(uint64_t ns, int fabric_fd)
{
	struct pollfd fds[] = {
		{ .fd = dev_thread.kick_fd, .events = POLLIN },
		{ .fd = fabric_fd, .events = POLLIN },
	};
	const struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
	uint64_t count;

	(void)ppoll(fds, 2, ns == UINT64_MAX ? NULL : &ts, NULL);
	if ((fds[0].revents & POLLIN) && read(dev_thread.kick_fd, &count, sizeof(count)) < 0)
		return;
}

static void *run(void *unused)
{
	uint64_t last_work = 0;
	unsigned rounds = 0;

	(void)unused;
	choose_scheduling();
	emu_lock();
	last_work = emu_now_ns();
	while (!dev_thread.stop) {
		uint64_t nap;
		int fd;

		if (emu_step_locked()) {
			last_work = emu_now_ns();
			if (++rounds % ROUNDS_WITHOUT_NAP)
				continue;
		}
		emu_stat_publish();
		nap = next_nap(last_work);
		fd = emu_fabric_fd(emu.fabric);
		dev_thread.resting = nap > NAP_BUSY_NS;
		emu_unlock();
		take_nap(nap, fd);
		emu_lock();
		dev_thread.resting = false;
	}
	emu_unlock();
	return NULL;
}

/* All signals stay with the program's own threads. */
static int create(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&dev_thread.thread, &attr, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

int emu_thread_start(void)
{
	int rc;

	dev_thread.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev_thread.kick_fd < 0)
		return -errno;
	dev_thread.stop = false;
	rc = create();
	if (rc < 0) {
		close(dev_thread.kick_fd);
		return rc;
	}
	dev_thread.started = true;
	return 0;
}

static void wake(void)
{
	const uint64_t one = 1;

	if (write(dev_thread.kick_fd, &one, sizeof(one)) < 0)
		return; /* full: a wake-up is on its way already */
}

void emu_thread_stop(void)
{
	emu_lock();
	dev_thread.stop = true;
	dev_thread.started = false;
	emu_unlock();
	wake();
	pthread_join(dev_thread.thread, NULL);
	emu_raw_close(dev_thread.kick_fd);
}

void emu_thread_forget(void)
{
	if (dev_thread.started)
		close(dev_thread.kick_fd);
	dev_thread.started = false;
}

void emu_thread_kick(void)
{
	if (dev_thread.started && dev_thread.resting)
		wake();
}
