/* SPDX-License-Identifier: MIT */
#include "relay.h"
#include "qp.h"
#include "timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The target's half; see relay.h. */

enum {
	REPEAT_NS = 20000000,
	LATER_MAX = 1024, /* datagrams that wait; what comes beyond counts as lost */
};

bool emu_relay_wanted(const struct emu_qp *qp, uint32_t srqn)
{
	return qp->xrcd && emu_qpn_slot(srqn) != emu_fabric_slot(emu.fabric) &&
	       emu_xrcd_key(qp->xrcd);
}

bool emu_relay_waits(const struct emu_qp *qp)
{
	return qp->relay && qp->relay->request.number;
}

void emu_relay_later(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_relay *r = qp->relay;

	emu_wire_encode(p, emu.tx);
	if (p->length)
		memcpy(emu.tx + EMU_WIRE_HEADER, p->payload, p->length);
	if (r->later.count >= LATER_MAX ||
	    emu_queue_put(&r->later, emu.tx, EMU_WIRE_HEADER + p->length) < 0)
		emu.counters.datagrams_dropped++;
}

/* Greater than those of all processes that ended: slots and queue pair numbers come again. */
static uint64_t next_number(void)
{
	if (emu.last_relay == 0)
		emu.last_relay = emu_machine_ns();
	return ++emu.last_relay;
}

static struct emu_relay *find_or_make(struct emu_qp *qp)
{
	struct emu_relay *r = qp->relay;

	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	emu_list_init(&r->node);
	r->qp = qp;
	r->since = next_number();
	qp->relay = r;
	return r;
}

/* ---- questions ---- */

/* A repetition does not wait for an owner that takes nothing: they would pile up. */
static void ask_now(struct emu_question *q, bool again)
{
	(void)emu_fabric_send(emu.fabric, q->slot, q->datagram, q->size, !again);
	q->repeat_at = emu_now_ns() + REPEAT_NS;
	if (q->repeat_at < emu.next_deadline)
		emu.next_deadline = q->repeat_at;
}

static void close_question(struct emu_relay *r, struct emu_question *q)
{
	free(q->datagram);
	*q = (struct emu_question){ 0 };
	if (!r->request.number && !r->fetch.number)
		emu_list_remove(&r->node);
}

/* -ENOMEM */
static int open_question(struct emu_relay *r, struct emu_question *q, enum emu_relay_kind kind,
			 const struct emu_packet *p)
{
	const struct emu_relayed m = {
		.kind = kind,
		.qpn = r->qp->qpn,
		.number = next_number(),
		.since = r->since,
		.domain = *emu_xrcd_key(r->qp->xrcd),
		.length = EMU_WIRE_HEADER + p->length,
	};
	uint8_t *datagram = malloc(EMU_RELAY_HEADER + (size_t)m.length);

	if (!datagram)
		return -ENOMEM;
	emu_relay_encode(&m, datagram);
	emu_wire_encode(p, datagram + EMU_RELAY_HEADER);
	if (p->length)
		memcpy(datagram + EMU_RELAY_HEADER + EMU_WIRE_HEADER, p->payload, p->length);
	*q = (struct emu_question){
		.number = m.number,
		.slot = emu_qpn_slot(p->srqn),
		.size = EMU_RELAY_HEADER + (size_t)m.length,
		.datagram = datagram,
	};
	emu_list_append(&emu.relays, &r->node);
	emu_debug("QP 0x%06x: opcode %d PSN %u is for SRQ %u of the process in slot %u", m.qpn,
		  (int)p->opcode, p->psn, p->srqn, q->slot);
	ask_now(q, false);
	return 0;
}

/* ---- requests ---- */

static void explain(const struct emu_qp *qp, uint32_t srqn, const char *why)
{
	emu_warn("QP 0x%06x: SRQ %u of another process (slot %u) %s", qp->qpn, srqn,
		 emu_qpn_slot(srqn), why);
}

/* They came in this order; the first that is for another process again makes the others wait on. */
static void go_on(struct emu_relay *r)
{
	struct emu_queued *item;
	struct emu_packet p;

	while (!r->request.number && (item = emu_queue_take(&r->later))) {
		if (!emu_wire_decode(item->data, item->size, &p))
			emu_responder_receive(r->qp, &p);
		free(item);
	}
}

static void done(struct emu_relay *r, uint8_t syndrome, uint8_t flags, uint64_t value)
{
	const struct emu_packet p = r->packet;

	close_question(r, &r->request);
	if (r->qp->dev->fatal)
		return;
	if (flags & EMU_RELAY_FATAL)
		emu_qp_fatal(r->qp, EMU_EVENT_QP_FATAL);
	emu_responder_relayed(r->qp, &p, syndrome, value);
	go_on(r);
}

void emu_relay_request(struct emu_qp *qp, const struct emu_packet *p)
{
	const unsigned slot = emu_qpn_slot(p->srqn);
	struct emu_relay *r = find_or_make(qp);

	if (r && !r->owner[slot & 0xff] && !emu_fabric_held(emu.fabric, slot)) {
		explain(qp, p->srqn, "does not exist: that process is gone");
		emu_responder_relayed(qp, p, EMU_AETH_NAK_INVALID_REQUEST, 0);
		return;
	}
	if (!r || open_question(r, &r->request, EMU_RELAY_REQUEST, p) < 0) {
		emu.counters.datagrams_dropped++;
		return;
	}
	r->owner[slot & 0xff] = true;
	r->packet = *p;
	r->packet.payload = NULL;
}

/* ---- reads ---- */

int emu_relay_fetch(struct emu_qp *qp, const struct emu_answer *a, uint32_t length,
		    const char **why)
{
	struct emu_relay *r = find_or_make(qp);
	const struct emu_packet p = {
		.opcode = EMU_WIRE_READ,
		.service = EMU_SERVICE_XRC,
		.mtu = (uint8_t)qp->attr.path_mtu,
		.pkey = emu_qp_pkey(qp),
		.src_qpn = qp->attr.dest_qpn,
		.dst_qpn = qp->qpn,
		.psn = a->psn,
		.raddr = a->va,
		.rkey = a->rkey,
		.dma_len = length,
		.srqn = a->srqn,
	};

	if (!r || r->fetch.number)
		return -EAGAIN;
	if (!r->fetched || r->va != a->va || r->length != length) {
		r->fetched = false;
		r->va = a->va;
		r->length = length;
		(void)open_question(r, &r->fetch, EMU_RELAY_FETCH, &p);
		return -EAGAIN;
	}
	r->fetched = false; /* memory changes: the next read of it asks again */
	if (r->syndrome == EMU_AETH_ACK)
		memcpy(emu.tx + EMU_WIRE_HEADER, r->data, length);
	else
		*why = "the process of its shared receive queue does not allow it, or is gone";
	return 0;
}

static void fetched(struct emu_relay *r, uint8_t syndrome, const uint8_t *data, uint32_t length)
{
	close_question(r, &r->fetch);
	free(r->data);
	r->data = NULL;
	if (syndrome == EMU_AETH_ACK && length == r->length)
		r->data = malloc(length);
	if (r->data)
		memcpy(r->data, data, length);
	r->syndrome = r->data ? EMU_AETH_ACK : EMU_AETH_NAK_REMOTE_ACCESS;
	r->fetched = true;
	emu_qp_kick(r->qp);
}

/* ---- the end ---- */

void emu_relay_end(struct emu_qp *qp, bool flush)
{
	const struct emu_relayed m = {
		.kind = EMU_RELAY_END,
		.flags = flush ? EMU_RELAY_FLUSH : 0,
		.qpn = qp->qpn,
	};
	struct emu_relay *r = qp->relay;
	uint8_t header[EMU_RELAY_HEADER];

	if (!r)
		return;
	emu_relay_encode(&m, header);
	for (unsigned slot = 0; slot < 256 && emu.fabric; slot++) {
		if (r->owner[slot])
			(void)emu_fabric_send(emu.fabric, slot, header, sizeof(header), true);
	}
	close_question(r, &r->request);
	close_question(r, &r->fetch);
	emu_queue_clear(&r->later);
	free(r->data);
	free(r);
	qp->relay = NULL;
}

/* ---- answers ---- */

static void receive_answer(const struct emu_relayed *m, unsigned slot)
{
	struct emu_qp *qp = emu_qp_find_any(m->qpn);
	struct emu_relay *r = qp && !qp->dev->orphan ? qp->relay : NULL;

	if (!r || !r->owner[slot])
		return;
	if (m->kind == EMU_RELAY_FAILED) {
		if (m->flags & EMU_RELAY_FATAL)
			emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
		else
			emu_qp_fail(qp);
	} else if (m->number == r->request.number && slot == r->request.slot) {
		if (m->syndrome == EMU_AETH_NAK_INVALID_REQUEST)
			explain(qp, r->packet.srqn,
				"is none of the queue pair's XRC domain, or does not take the "
				"request");
		done(r, m->syndrome, m->flags, m->value);
	} else if (m->number == r->fetch.number && slot == r->fetch.slot) {
		fetched(r, m->syndrome, m->payload, m->length);
	}
}

void emu_relay_receive(const uint8_t *datagram, size_t size, unsigned slot)
{
	struct emu_relayed m;
	const char *wrong = emu_relay_decode(datagram, size, &m);

	if (wrong) {
		emu.counters.datagrams_dropped++;
		emu_warn("relay from slot %u dropped: %s", slot, wrong);
	} else if (m.kind == EMU_RELAY_DONE || m.kind == EMU_RELAY_FAILED) {
		receive_answer(&m, slot);
	} else {
		emu_stand_in_receive(&m, slot);
	}
}

/* ---- time ---- */

/* Whether the owner of the question is gone; else it is asked again when that is due. */
static bool in_vain(struct emu_question *q, uint64_t now)
{
	if (!q->number || now < q->repeat_at)
		return false;
	if (!emu_fabric_held(emu.fabric, q->slot))
		return true;
	ask_now(q, true);
	return false;
}

static void note(const struct emu_question *q)
{
	if (q->number && q->repeat_at < emu.next_deadline)
		emu.next_deadline = q->repeat_at;
}

unsigned emu_relays_timeout(uint64_t now)
{
	struct emu_list *node, *following;
	unsigned n = 0;

	emu_list_each(node, following, &emu.relays)
	{
		struct emu_relay *r = emu_container(node, struct emu_relay, node);

		if (in_vain(&r->fetch, now)) {
			fetched(r, EMU_AETH_NAK_REMOTE_ACCESS, NULL, 0);
			n++;
		}
		if (in_vain(&r->request, now)) {
			explain(r->qp, r->packet.srqn,
				"does not exist any more: that process is gone");
			done(r, EMU_AETH_NAK_INVALID_REQUEST, 0, 0);
			n++;
		}
		note(&r->fetch);
		note(&r->request);
	}
	return n;
}
