/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "mr.h"
#include "qp.h"
#include "receive.h"
#include "timer.h"
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* See fault.h. State is emu.fault; the rules and their counts are fault/decide.h's. */

enum {
	OVERTAKE_NS = 1000000, /* what waits to be overtaken leaves by then in any case */
};

int emu_fault_load(const char *text, char *message, size_t size)
{
	struct emu_fault_plan plan;
	struct emu_fault_error error;

	if (!text)
		text = "";
	if (emu_fault_parse(text, strlen(text), &plan, &error) < 0) {
		emu_fault_error_print(&error, message, size);
		return -EINVAL;
	}
	if (!emu.fabric) {
		snprintf(message, size, "no device is open");
		return -ENODEV;
	}
	emu_faults_start(&emu.fault.faults, &plan, emu_fabric_slot(emu.fabric), emu_now_ns());
	emu_fabric_block(emu.fabric, false);
	emu.fault.full_until = 0;
	emu.fault.noted = 0;
	emu.fault.active = plan.nrules > 0;
	if (emu.fault.active)
		emu_info("fault plan: %u rules, seed %llu", plan.nrules,
			 (unsigned long long)plan.seed);
	return 0;
}

void emu_fault_unload(void)
{
	emu_hold_clear(&emu.fault.hold);
	emu.fault = (struct emu_fault_state){ .full_until = 0 };
}

/* ---- asking ---- */

static uint32_t packet_bit(const struct emu_packet *p)
{
	switch (p->opcode) {
	case EMU_WIRE_SEND:
		return EMU_FAULT_OP_SEND;
	case EMU_WIRE_WRITE:
		return EMU_FAULT_OP_WRITE;
	case EMU_WIRE_READ:
		return EMU_FAULT_OP_READ;
	case EMU_WIRE_COMPARE_SWAP:
		return EMU_FAULT_OP_CAS;
	case EMU_WIRE_FETCH_ADD:
		return EMU_FAULT_OP_FAA;
	case EMU_WIRE_READ_RESPONSE:
		return EMU_FAULT_OP_READ_RESPONSE;
	case EMU_WIRE_ATOMIC_ACK:
		return EMU_FAULT_OP_ATOMIC_RESPONSE;
	default:
		return p->syndrome == EMU_AETH_ACK ? EMU_FAULT_OP_ACK : EMU_FAULT_OP_NAK;
	}
}

static uint32_t transport_bit(enum emu_wire_service service)
{
	switch (service) {
	case EMU_SERVICE_UC:
		return EMU_FAULT_UC;
	case EMU_SERVICE_UD:
		return EMU_FAULT_UD;
	case EMU_SERVICE_XRC:
		return EMU_FAULT_XRC;
	default:
		return EMU_FAULT_RC;
	}
}

static uint32_t work_bit(uint8_t opcode)
{
	switch (opcode) {
	case EMU_OP_UMR:
		return EMU_FAULT_OP_UMR;
	case EMU_OP_SEND:
	case EMU_OP_SEND_IMM:
	case EMU_OP_SEND_INVAL:
		return EMU_FAULT_OP_SEND;
	case EMU_OP_WRITE:
	case EMU_OP_WRITE_IMM:
		return EMU_FAULT_OP_WRITE;
	case EMU_OP_READ:
		return EMU_FAULT_OP_READ;
	case EMU_OP_ATOMIC_CS:
		return EMU_FAULT_OP_CAS;
	case EMU_OP_ATOMIC_FA:
		return EMU_FAULT_OP_FAA;
	default:
		return EMU_FAULT_OP_NOP;
	}
}

/* A datagram is one packet; its GRH does not count against the MTU. */
static uint32_t packets(const struct emu_packet *p)
{
	return p->length && p->service != EMU_SERVICE_UD ? emu_packets(p->length, p->mtu) : 1;
}

static struct emu_fault_event packet_event(enum emu_fault_point point, const struct emu_packet *p,
					   bool in)
{
	return (struct emu_fault_event){
		.point = point,
		.opcode = packet_bit(p),
		.transport = transport_bit(p->service),
		.in = in,
		.qpn = p->src_qpn,
		.peer_qpn = p->dst_qpn,
		.psn = p->psn,
		.packets = packets(p),
		.now_ns = emu_now_ns(),
	};
}

/* Whatever a rule asks for that is not the event's own matter. */
static void note(const struct emu_fault_rule *r)
{
	switch (r->action) {
	case EMU_FAULT_KILL:
		(void)raise(SIGKILL);
		break;
	case EMU_FAULT_PORT_DOWN:
	case EMU_FAULT_PORT_UP:
	case EMU_FAULT_FATAL:
		emu.fault.noted |= 1u << r->action;
		break;
	case EMU_FAULT_EVENT:
		emu.fault.noted |= 1u << r->action;
		emu.fault.events |= r->events;
		break;
	case EMU_FAULT_FULL:
		emu.fault.full_until = emu_now_ns() + r->for_ns;
		emu.fault.noted |= 1u << r->action;
		break;
	default:
		break;
	}
}

static const struct emu_fault_rule *next(const struct emu_fault_event *event, unsigned *at)
{
	const struct emu_fault_rule *r = emu_faults_next(&emu.fault.faults, event, at);

	if (!r)
		return NULL;
	emu.counters.faults++;
	emu_debug("fault: %s, QP 0x%06x PSN %u", emu_fault_action_name(r->action), event->qpn,
		  event->psn);
	note(r);
	return r;
}

static bool about(enum emu_fault_point point)
{
	return emu.fault.active && emu_faults_about(&emu.fault.faults, point);
}

/* ---- packets ---- */

struct fate {
	unsigned copies; /* 0 = lost */
	uint64_t delay;
	uint64_t overtake;
};

static struct fate judge(const struct emu_packet *p, bool in)
{
	const struct emu_fault_event event = packet_event(EMU_FAULT_PACKET, p, in);
	struct fate fate = { .copies = 1 };
	const struct emu_fault_rule *r;
	unsigned at = 0;

	while (about(EMU_FAULT_PACKET) && (r = next(&event, &at))) {
		if (r->action == EMU_FAULT_LOSE)
			fate.copies = 0;
		else if (r->action == EMU_FAULT_DUPLICATE && fate.copies)
			fate.copies++;
		else if (r->action == EMU_FAULT_DELAY)
			fate.delay += r->by;
		else if (r->action == EMU_FAULT_REORDER)
			fate.overtake = r->by;
	}
	return fate;
}

static const char *fate_name(const struct fate *fate)
{
	if (fate->copies != 1)
		return fate->copies ? "sent twice" : "sent and lost";
	if (fate->delay)
		return "sent and delayed";
	return fate->overtake ? "sent and overtaken" : "sent";
}

/* One copy waits; any others go their way at once. */
static void hold(struct fate *fate, const uint8_t *datagram, size_t size, bool in, unsigned slot)
{
	const struct emu_held what = {
		.in = in,
		.slot = slot,
		.due_ns = emu_now_ns() + (fate->delay ? fate->delay : OVERTAKE_NS),
		.overtake = fate->overtake,
	};

	if (fate->copies && (fate->delay || fate->overtake) &&
	    emu_hold_add(&emu.fault.hold, &what, datagram, size) == 0)
		fate->copies--;
}

int emu_fault_send(struct emu_qp *qp, const struct emu_packet *p, bool keep)
{
	const unsigned slot = emu_qpn_slot(p->dst_qpn);
	const size_t size = EMU_WIRE_HEADER + p->length;
	struct fate fate;

	/* A port that is down is the end of the wire: nobody hears that nothing arrives. */
	if (!qp->dev->port_active || qp->dev->fatal)
		return 0;
	emu_wire_encode(p, emu.tx);
	if (!about(EMU_FAULT_PACKET) && !emu_trace_on())
		return emu_fabric_send(emu.fabric, slot, emu.tx, size, keep);
	/* Judged and seen once: what passes leaves or waits in the fabric, and is not offered again. */
	if (!keep && !emu_fabric_clear(emu.fabric, slot))
		return -EAGAIN;
	fate = judge(p, false);
	/* Before it can arrive, so that no answer is seen before its question. */
	if (emu_trace_on())
		emu_trace_sent(qp, p, emu.tx + EMU_WIRE_HEADER, fate_name(&fate));
	hold(&fate, emu.tx, size, false, slot);
	for (unsigned i = 0; i < fate.copies; i++)
		(void)emu_fabric_send(emu.fabric, slot, emu.tx, size, true);
	if (fate.copies)
		emu_hold_passed(&emu.fault.hold, false, slot);
	return 0;
}

unsigned emu_fault_receive(const struct emu_qp *qp, const struct emu_packet *p,
			   const uint8_t *datagram, size_t size, unsigned slot)
{
	struct fate fate;

	if (!qp->dev->port_active)
		return 0;
	if (!about(EMU_FAULT_PACKET))
		return 1;
	fate = judge(p, true);
	hold(&fate, datagram, size, true, slot);
	if (fate.copies)
		emu_hold_passed(&emu.fault.hold, true, slot);
	return fate.copies;
}

uint32_t emu_fault_payload(uint8_t mtu)
{
	const uint32_t one_packet = 1u << EMU_FAULT_PACKET | 1u << EMU_FAULT_REQUEST |
				    1u << EMU_FAULT_READY;

	if (emu.fault.active && (emu.fault.faults.points & one_packet))
		return emu_mtu_bytes(mtu);
	return EMU_WIRE_MAX_PAYLOAD;
}

/* ---- requests at the responder ---- */

static uint8_t nak_of(enum emu_fault_nak nak)
{
	switch (nak) {
	case EMU_FAULT_NAK_ACCESS:
		return EMU_AETH_NAK_REMOTE_ACCESS;
	case EMU_FAULT_NAK_REQUEST:
		return EMU_AETH_NAK_INVALID_REQUEST;
	default:
		return EMU_AETH_NAK_REMOTE_OPERATION;
	}
}

/* The peer learns of it as of any responder that is broken (IBA vol 1 section 9.7.5.2.8). */
static uint8_t abort_request(struct emu_qp *qp)
{
	emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

static uint8_t begin_request(struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_fault_event event = packet_event(EMU_FAULT_REQUEST, p, true);
	const struct emu_fault_rule *r;
	uint8_t syndrome = EMU_AETH_ACK;
	unsigned at = 0;

	while ((r = next(&event, &at))) {
		if (r->action == EMU_FAULT_NAK)
			syndrome = nak_of(r->nak);
		else if (r->action == EMU_FAULT_REVOKE && p->opcode != EMU_WIRE_SEND)
			emu_mr_revoke(p->rkey);
		else if (r->action == EMU_FAULT_QP_ERROR)
			syndrome = abort_request(qp);
	}
	return syndrome;
}

uint8_t emu_fault_request(struct emu_qp *qp, const struct emu_packet *p)
{
	const bool message = p->opcode == EMU_WIRE_SEND || p->opcode == EMU_WIRE_WRITE;
	const bool begins = !message || (p->flags & EMU_WIRE_FIRST);
	/* IBA vol 1 section 9.7.5.2.8: what an RNR NAK may answer. */
	const bool needs = p->opcode == EMU_WIRE_WRITE ? p->flags & EMU_WIRE_IMM : begins;
	uint8_t syndrome = EMU_AETH_ACK;
	struct emu_fault_event event;
	unsigned at = 0;

	if (begins && about(EMU_FAULT_REQUEST))
		syndrome = begin_request(qp, p);
	if (syndrome != EMU_AETH_ACK || !needs || !about(EMU_FAULT_READY))
		return syndrome;
	event = packet_event(EMU_FAULT_READY, p, true);
	while (next(&event, &at))
		syndrome = (uint8_t)(EMU_AETH_RNR | qp->attr.min_rnr_timer);
	return syndrome;
}

/* ---- WQEs and completions ---- */

uint64_t emu_fault_wqe(struct emu_qp *qp, const struct emu_swqe *w)
{
	const struct emu_fault_event event = {
		.point = EMU_FAULT_WQE,
		.opcode = work_bit((uint8_t)w->opcode),
		.transport = transport_bit(qp->transport->service),
		.qpn = qp->qpn,
		.peer_qpn = qp->qpn,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	uint64_t rest = 0;
	unsigned at = 0;

	if (!about(EMU_FAULT_WQE))
		return 0;
	while ((r = next(&event, &at))) {
		if (r->action == EMU_FAULT_SLOW)
			rest += r->by;
		else if (r->action == EMU_FAULT_REVOKE && w->nseg && !w->seg[0].is_inline)
			emu_mr_revoke(w->seg[0].lkey);
		else if (r->action == EMU_FAULT_QP_ERROR)
			emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	}
	return rest;
}

static void revoke_receive(struct emu_qp *qp)
{
	struct emu_rwqe w;

	if (emu_receive_read(qp, &w) && w.nseg)
		emu_mr_revoke(w.seg[0].lkey);
}

void emu_fault_taken(struct emu_qp *qp)
{
	const struct emu_fault_event event = {
		.point = EMU_FAULT_RECEIVE,
		.opcode = EMU_FAULT_OP_RECV,
		.transport = transport_bit(qp->transport->service),
		.qpn = qp->qpn,
		.peer_qpn = qp->qpn,
		.srqn = qp->srq ? qp->srq->srqn : 0,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	unsigned at = 0;

	while (about(EMU_FAULT_RECEIVE) && (r = next(&event, &at))) {
		if (r->action == EMU_FAULT_REVOKE)
			revoke_receive(qp);
		else if (r->action == EMU_FAULT_LIMIT && qp->srq)
			emu_srq_limit(qp->srq);
		else if (r->action == EMU_FAULT_SRQ_ERROR && qp->srq)
			emu_srq_fail(qp->srq);
		else if (r->action == EMU_FAULT_QP_ERROR)
			emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	}
}

bool emu_fault_completion(const struct emu_cq *cq, const struct emu_completion *c)
{
	const struct emu_qp *qp = emu_qp_find_any(c->qpn);
	const bool send = c->opcode == EMU_CQE_REQ || c->opcode == EMU_CQE_REQ_ERR;
	const struct emu_fault_event event = {
		.point = EMU_FAULT_COMPLETION,
		.opcode = send ? work_bit(c->wqe_opcode) : EMU_FAULT_OP_RECV,
		.transport = qp ? transport_bit(qp->transport->service) : EMU_FAULT_TRANSPORTS,
		.cqn = cq->cqn,
		.qpn = c->qpn,
		.peer_qpn = c->qpn,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	bool overrun = false;
	unsigned at = 0;

	if (!about(EMU_FAULT_COMPLETION))
		return false;
	while ((r = next(&event, &at)))
		if (r->action == EMU_FAULT_OVERFLOW)
			overrun = true;
	return overrun;
}

/* ---- commands ---- */

int emu_command_fault(struct emu_device *dev, unsigned command)
{
	struct emu_fault_event event = {
		.point = EMU_FAULT_COMMAND,
		.opcode = EMU_FAULT_OP_ALL,
		.transport = EMU_FAULT_TRANSPORTS,
		.command = 1u << command,
	};
	const struct emu_fault_rule *r;
	unsigned at = 0;
	int rc = 0;

	emu_lock();
	if (!dev->orphan && about(EMU_FAULT_COMMAND)) {
		event.now_ns = emu_now_ns();
		while ((r = next(&event, &at)))
			if (r->action == EMU_FAULT_FAIL)
				rc = -r->error;
		emu_thread_kick();
	}
	emu_unlock();
	return rc;
}

/* ---- rounds ---- */

static void release(const struct emu_held *held)
{
	if (held->in)
		emu_receive_again(held->data, held->size, held->slot);
	else
		(void)emu_fabric_send(emu.fabric, held->slot, held->data, held->size, true);
}

void emu_fault_release(void)
{
	struct emu_held *held;

	while ((held = emu_hold_take(&emu.fault.hold, UINT64_MAX))) {
		if (!held->in)
			release(held);
		free(held);
	}
}

unsigned emu_fault_begin_round(void)
{
	struct emu_fault_event event = { .point = EMU_FAULT_TIME };
	struct emu_held *held;
	unsigned at = 0, n = 0;

	if (!emu.fault.active && !emu.fault.hold.first && !emu.fault.full_until)
		return 0;
	event.now_ns = emu_now_ns();
	if (emu.fault.full_until && event.now_ns >= emu.fault.full_until) {
		emu.fault.full_until = 0;
		emu_fabric_block(emu.fabric, false);
		n++;
	}
	while ((held = emu_hold_take(&emu.fault.hold, event.now_ns))) {
		release(held);
		free(held);
		n++;
	}
	if (about(EMU_FAULT_TIME))
		while (next(&event, &at))
			n++;
	return n;
}

static bool take_noted(enum emu_fault_action action)
{
	const uint32_t bit = 1u << action;
	const bool noted = emu.fault.noted & bit;

	emu.fault.noted &= ~bit;
	return noted;
}

/* They say that something changed, which a program then asks for: it is what it was. */
static void raise_port_events(struct emu_device *dev)
{
	static const enum emu_event types[] = { EMU_EVENT_LID_CHANGE, EMU_EVENT_PKEY_CHANGE,
						EMU_EVENT_SM_CHANGE, EMU_EVENT_CLIENT_REREGISTER,
						EMU_EVENT_GID_CHANGE };

	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (emu.fault.events & 1u << i && !dev->fatal)
			emu_raise(dev, types[i], NULL, 1);
}

unsigned emu_fault_end_round(void)
{
	struct emu_list *node, *following;

	if (!emu.fault.noted)
		return 0;
	if (take_noted(EMU_FAULT_FULL))
		emu_fabric_block(emu.fabric, true);
	emu_list_each(node, following, &emu.devices)
	{
		struct emu_device *dev = emu_container(node, struct emu_device, node);

		if (emu.fault.noted & 1u << EMU_FAULT_PORT_DOWN)
			emu_port_change(dev, false);
		if (emu.fault.noted & 1u << EMU_FAULT_PORT_UP)
			emu_port_change(dev, true);
		raise_port_events(dev);
		if (emu.fault.noted & 1u << EMU_FAULT_FATAL)
			emu_device_fatal(dev);
	}
	emu.fault.noted = 0;
	emu.fault.events = 0;
	return 1;
}

uint64_t emu_fault_deadline(void)
{
	uint64_t deadline = emu_hold_deadline(&emu.fault.hold), at;

	if (emu.fault.full_until && emu.fault.full_until < deadline)
		deadline = emu.fault.full_until;
	if (!about(EMU_FAULT_TIME))
		return deadline;
	at = emu_faults_deadline(&emu.fault.faults);
	return at < deadline ? at : deadline;
}
