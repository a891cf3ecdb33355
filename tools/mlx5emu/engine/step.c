/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "grh.h"
#include "qp.h"
#include "relay.h"
#include "state.h"
#include "timer.h"
#include "trace.h"

#include <errno.h>

/*
 * One round of the device, in the order in which hardware would notice: what arrived, what was rung,
 * what expired, then everything that follows from it.
 */

enum {
	RX_BUDGET = 64, /* datagrams per round */
};

static bool is_request(enum emu_wire_opcode opcode)
{
	return opcode < EMU_WIRE_ACK;
}

static void deliver(struct emu_qp *qp, const struct emu_packet *p)
{
	if (is_request(p->opcode))
		qp->transport->request(qp, p);
	else
		emu_requester_receive(qp, p);
}

/* IBA vol 1 section 10.9.3: one partition, and at least one of the two is a full member. */
static bool pkeys_match(uint16_t a, uint16_t b)
{
	enum { FULL_MEMBER = 0x8000 };

	return ((a ^ b) & (FULL_MEMBER - 1)) == 0 && ((a | b) & FULL_MEMBER);
}

/*
 * A queue hears its own transport (IBA vol 1 section 9.6.1.2) and partition and, where it is
 * connected, its peer alone; and whoever it hears, from the process that owns that queue pair.
 */
static bool hears(const struct emu_qp *qp, const struct emu_packet *p, unsigned slot)
{
	if (p->service != qp->transport->service || emu_qpn_slot(p->src_qpn) != slot)
		return false;
	if (is_request(p->opcode) ? !qp->transport->request : !qp->transport->sends)
		return false;
	if (!pkeys_match(p->pkey, emu_qp_pkey(qp)))
		return false;
	return !qp->transport->connected ||
	       (qp->attr.dest_qpn == p->src_qpn && qp->attr.path_mtu != 0);
}

/* A packet and the datagram that it came in. */
struct arrival {
	struct emu_packet packet;
	const uint8_t *datagram;
	size_t size;
	unsigned slot;
	bool judged; /* by a fault plan, already */
};

static void arrive(struct emu_qp *qp, const struct arrival *a)
{
	unsigned copies = 1;

	if (qp->dev->fatal)
		return;
	if (!emu_qp_port_takes(qp, &a->packet)) {
		emu.counters.datagrams_dropped++;
		return;
	}
	if (emu_trace_on())
		emu_trace_arrived(qp, &a->packet);
	if (!a->judged)
		copies = emu_fault_receive(qp, &a->packet, a->datagram, a->size, a->slot);
	while (copies--) {
		qp->stat->work.packets_received += emu_packets_in(&a->packet);
		deliver(qp, &a->packet);
	}
}

/* To all members of the group but the sender itself (IBA vol 1 section 10.5.2). */
static void receive_multicast(const struct arrival *a)
{
	uint8_t gid[16];

	if (a->packet.service != EMU_SERVICE_UD)
		return;
	(void)emu_grh_destination(a->packet.payload, gid);
	for (uint32_t i = 0; i < emu.qps.size; i++) {
		struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (qp && qp->groups && !qp->dev->orphan && qp->qpn != a->packet.src_qpn &&
		    emu_mcast_member(qp, gid) && hears(qp, &a->packet, a->slot))
			arrive(qp, a);
	}
}

static void receive(const uint8_t *datagram, size_t size, unsigned slot, bool judged)
{
	struct arrival a = { .datagram = datagram, .size = size, .slot = slot, .judged = judged };
	const struct emu_packet *p = &a.packet;
	const char *wrong = emu_wire_decode(datagram, size, &a.packet);
	struct emu_qp *qp;

	if (wrong) {
		emu.counters.datagrams_dropped++;
		emu_warn("datagram from slot %u dropped: %s", slot, wrong);
		return;
	}
	if (p->dst_qpn == EMU_MULTICAST_QPN) {
		receive_multicast(&a);
		return;
	}
	qp = emu_qp_find_any(p->dst_qpn);
	if (!qp || qp->dev->orphan || !hears(qp, p, slot)) {
		emu.counters.datagrams_dropped++;
		emu_debug(
			"datagram of QP 0x%06x for QP 0x%06x dropped: not connected, or in another partition",
			p->src_qpn, p->dst_qpn);
		return;
	}
	arrive(qp, &a);
}

void emu_receive_again(const uint8_t *datagram, size_t size, unsigned slot)
{
	receive(datagram, size, slot, true);
}

static unsigned run_fabric(void)
{
	unsigned slot = 0, n = 0;
	size_t size = 0;

	while (n < RX_BUDGET &&
	       emu_fabric_receive(emu.fabric, emu.rx, sizeof(emu.rx), &size, &slot) == 0) {
		emu.counters.datagrams_received++;
		if (emu_relay_is(emu.rx, size))
			emu_relay_receive(emu.rx, size, slot);
		else
			receive(emu.rx, size, slot, false);
		n++;
	}
	return n;
}

/* A QP leaves the list when a turn finds nothing; what it waits for puts it back. */
static unsigned run_work(void)
{
	struct emu_list *node, *following;
	unsigned n = 0;

	emu_list_each(node, following, &emu.work)
	{
		struct emu_qp *qp = emu_container(node, struct emu_qp, work_node);
		const unsigned done = emu_responder_run(qp) + emu_requester_run(qp);

		n += done;
		/* A slot that takes nothing now gives no signal when it does: stay, and try again. */
		if (done == 0 && !qp->req.blocked && !emu_responder_owes(&qp->resp))
			emu_list_remove(node);
	}
	return n;
}

static unsigned run_failed(void)
{
	struct emu_list *node, *following;
	unsigned n = 0;

	emu_list_each(node, following, &emu.failed)
		n += emu_qp_flush(emu_container(node, struct emu_qp, failed_node));
	return n;
}

/*
 * What has arrived goes before what expires: an answer that waits unread is not lost. An adapter is never
 * that far behind, a thread that shares its processor is. Not for ever, or who floods the device
 * would stop its clock.
 */
static unsigned run_timers(unsigned received)
{
	enum {
		PATIENCE_NS = 1000000000,
	};
	const bool behind = received >= RX_BUDGET && !emu.manual;

	if (!behind) {
		emu.behind_since = 0;
	} else if (emu.behind_since == 0) {
		emu.behind_since = emu_now_ns();
		return 0;
	} else if (emu_now_ns() - emu.behind_since < PATIENCE_NS) {
		return 0;
	}
	return emu_timers_run();
}

unsigned emu_drain_locked(void)
{
	unsigned n;

	if (!emu.fabric)
		return 0;
	emu_fault_release();
	n = emu_fabric_flush(emu.fabric) + run_work();
	emu_cqs_flush();
	return n;
}

unsigned emu_step_locked(void)
{
	unsigned n, received;

	if (!emu.fabric)
		return 0;
	n = emu_fault_begin_round();
	n += emu_fabric_flush(emu.fabric);
	received = run_fabric();
	n += received;
	n += emu_uar_scan();
	n += run_timers(received);
	n += run_work();
	n += run_failed();
	emu_cqs_flush();
	n += emu_fault_end_round();
	emu_doorbells_watch();
	return n;
}
