/* SPDX-License-Identifier: MIT */
#include "timer.h"
#include "qp.h"
#include "relay.h"

#include <time.h>

enum {
	RNR_CODES = 32,
	/*
	 * Without a clock of its own a peer answers when the scheduler lets it, so the shortest
	 * codes would mean lost peers on a busy machine. ConnectX-5 and later refuse to go below
	 * code 12 as well (measured by Fukuoka et al., "Pitfalls of InfiniBand with On-Demand
	 * Paging", ISPASS 2021). Manual mode keeps the exact time.
	 */
	ACK_TIMEOUT_FLOOR = 12,
	ACK_TIMEOUT_MAX = 31,
};

uint64_t emu_machine_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t emu_now_ns(void)
{
	return emu.manual ? emu.virtual_ns : emu_machine_ns();
}

uint64_t emu_rnr_ns(uint8_t code)
{
	/* In units of 10 us; code 0 is the longest. */
	static const uint32_t units[RNR_CODES] = {
		65536, 1,    2,    3,    4,    6,     8,     12,    16,    24,    32,
		48,    64,   96,   128,  192,  256,   384,   512,   768,   1024,  1536,
		2048,  3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
	};

	return (uint64_t)units[code % RNR_CODES] * 10000u;
}

/*
 * The NAK's time is the least that it may be (IBA vol 1 section 9.7.5.2.8). The peer's program shares a
 * processor with those who ask, so the longer it has posted no receive the less often they do: as
 * long again as they have waited, up to 10 ms.
 */
uint64_t emu_rnr_wait_ns(uint8_t code, unsigned retries)
{
	enum {
		FIRST_NS = 10000,
		DOUBLINGS = 10,
	};
	const uint64_t asked = emu_rnr_ns(code);
	const uint64_t polite = (uint64_t)FIRST_NS << (retries < DOUBLINGS ? retries : DOUBLINGS);

	return emu.manual || asked > polite ? asked : polite;
}

uint64_t emu_ack_timeout_ns(uint8_t code)
{
	if (!emu.manual && code < ACK_TIMEOUT_FLOOR)
		code = ACK_TIMEOUT_FLOOR;
	return UINT64_C(4096) << (code > ACK_TIMEOUT_MAX ? ACK_TIMEOUT_MAX : code);
}

/* The list holds every QP with a timer; next_deadline only ever errs on the early side. */
static void update(struct emu_qp *qp, uint64_t deadline)
{
	if (!qp->req.ack_deadline && !qp->req.rnr_deadline && !qp->req.slow_deadline) {
		emu_list_remove(&qp->timed_node);
		return;
	}
	if (emu_list_empty(&qp->timed_node))
		emu_list_append(&emu.timed, &qp->timed_node);
	if (deadline && deadline < emu.next_deadline)
		emu.next_deadline = deadline;
}

void emu_timer_ack(struct emu_qp *qp, uint64_t deadline)
{
	qp->req.ack_deadline = deadline;
	update(qp, deadline);
}

void emu_timer_rnr(struct emu_qp *qp, uint64_t deadline)
{
	qp->req.rnr_deadline = deadline;
	update(qp, deadline);
}

void emu_timer_slow(struct emu_qp *qp, uint64_t deadline)
{
	qp->req.slow_deadline = deadline;
	update(qp, deadline);
}

static bool expired(uint64_t deadline, uint64_t now)
{
	return deadline && deadline <= now;
}

static unsigned run_qp(struct emu_qp *qp, uint64_t now)
{
	unsigned n = 0;

	if (expired(qp->req.rnr_deadline, now)) {
		emu_timer_rnr(qp, 0);
		emu_requester_rnr_timeout(qp);
		n++;
	}
	if (expired(qp->req.slow_deadline, now)) {
		emu_timer_slow(qp, 0);
		emu_qp_kick(qp);
		n++;
	}
	if (expired(qp->req.ack_deadline, now)) {
		emu_timer_ack(qp, 0);
		emu_requester_ack_timeout(qp);
		n++;
	}
	return n;
}

static void note(uint64_t deadline)
{
	if (deadline && deadline < emu.next_deadline)
		emu.next_deadline = deadline;
}

unsigned emu_timers_run(void)
{
	struct emu_list *node, *following;
	uint64_t now;
	unsigned n = 0;

	if (emu.next_deadline == UINT64_MAX)
		return 0;
	now = emu_now_ns();
	if (now < emu.next_deadline)
		return 0;
	emu.next_deadline = UINT64_MAX;
	emu_list_each(node, following, &emu.timed)
	{
		struct emu_qp *qp = emu_container(node, struct emu_qp, timed_node);

		n += run_qp(qp, now);
		note(qp->req.ack_deadline);
		note(qp->req.rnr_deadline);
		note(qp->req.slow_deadline);
	}
	n += emu_cqs_timeout(now);
	n += emu_relays_timeout(now);
	return n;
}
