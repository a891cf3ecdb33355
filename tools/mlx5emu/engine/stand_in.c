/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "fault.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"
#include "receive.h"
#include "relay.h"

#include <stdlib.h>

/*
 * The owner's half of relay.h. A stand-in is made by the first request of a target, and goes when the
 * target ends, when its shared receive queue does, or, if its process was killed, before the next stand-in
 * is made. What execute.c and receive.c do to it they would do to the target; what it cannot do itself,
 * to be in error and to raise an event, is told to the target.
 */
struct emu_stand_in {
	struct emu_stand_in *next; /* of emu.stand_ins */
	struct emu_qp qp;
	struct emu_stat_qp line;
	uint64_t since; /* another one: the target has begun anew */
	bool fatal;
	struct emu_relayed last; /* how the newest request ended; number 0 = there was none */
};

/* Where the pointer to the target's stand-in is, or where it would go. */
static struct emu_stand_in **find(uint32_t qpn)
{
	struct emu_stand_in **at = &emu.stand_ins[(qpn ^ qpn >> 16) % EMU_STAND_IN_LISTS];

	while (*at && (*at)->qp.qpn != qpn)
		at = &(*at)->next;
	return at;
}

static void drop(struct emu_stand_in **at)
{
	struct emu_stand_in *const s = *at;

	*at = s->next;
	free(s);
}

static void drop_those(bool (*goes)(const struct emu_stand_in *s, void *arg), void *arg)
{
	for (unsigned i = 0; i < EMU_STAND_IN_LISTS; i++) {
		struct emu_stand_in **at = &emu.stand_ins[i];

		while (*at) {
			if (goes(*at, arg))
				drop(at);
			else
				at = &(*at)->next;
		}
	}
}

static bool is_of(const struct emu_stand_in *s, void *queue)
{
	const struct emu_srq *const *const srq = queue;

	return !*srq || s->qp.srq == *srq;
}

void emu_stand_ins_forget(const struct emu_srq *srq)
{
	drop_those(is_of, &srq);
}

enum process { UNKNOWN, ALIVE, DEAD };

static bool is_of_dead(const struct emu_stand_in *s, void *known)
{
	enum process *const process = (enum process *)known + emu_qpn_slot(s->qp.qpn);

	if (*process == UNKNOWN)
		*process = emu_fabric_held(emu.fabric, emu_qpn_slot(s->qp.qpn)) ? ALIVE : DEAD;
	return *process == DEAD;
}

/* Of processes that could not say that they end. */
static void drop_dead(void)
{
	enum process by_slot[256] = { UNKNOWN };

	drop_those(is_of_dead, by_slot);
}

static struct emu_stand_in *make(uint32_t qpn, uint64_t since)
{
	struct emu_stand_in *s = calloc(1, sizeof(*s)), **at;

	if (!s)
		return NULL;
	drop_dead();
	s->since = since;
	s->qp.stand_in = s;
	s->qp.stat = &s->line;
	s->qp.qpn = qpn;
	s->qp.init.type = EMU_QPT_XRC_TGT;
	s->qp.transport = emu_transport_of(EMU_QPT_XRC_TGT);
	s->qp.attr.qp_state = EMU_QPS_RTS;
	emu_list_init(&s->qp.uar_node);
	emu_list_init(&s->qp.work_node);
	emu_list_init(&s->qp.timed_node);
	emu_list_init(&s->qp.failed_node);
	at = find(qpn);
	s->next = *at;
	*at = s;
	return s;
}

void emu_stand_in_fatal(struct emu_stand_in *s)
{
	s->fatal = true;
}

/* ---- answers ---- */

static void tell(const struct emu_relayed *m, unsigned slot)
{
	emu_relay_encode(m, emu.tx);
	(void)emu_fabric_send(emu.fabric, slot, emu.tx, EMU_RELAY_HEADER + (size_t)m->length, true);
}

static uint8_t fatal_flag(const struct emu_stand_in *s)
{
	return s->fatal ? EMU_RELAY_FATAL : 0;
}

/* ---- requests ---- */

static struct emu_srq *find_srq(const struct emu_relayed *m, const struct emu_packet *p)
{
	struct emu_srq *srq = emu_srq_find_any(p->srqn);

	return srq && srq->xrcd && emu_xrcd_has_key(srq->xrcd, &m->domain) ? srq : NULL;
}

static bool is_message(const struct emu_packet *p)
{
	return p->opcode == EMU_WIRE_SEND || p->opcode == EMU_WIRE_WRITE;
}

/* The target has looked at the sequence; this half may have lost its message to the end of its queue. */
static bool continues(const struct emu_qp *qp, const struct emu_srq *srq,
		      const struct emu_packet *p)
{
	if (qp->resp.message && qp->srq != srq)
		return false;
	if (!is_message(p))
		return !qp->resp.message;
	return !(p->flags & EMU_WIRE_FIRST) == (qp->resp.message == p->opcode);
}

static uint8_t execute(struct emu_qp *qp, struct emu_srq *srq, const struct emu_packet *p,
		       uint64_t *value)
{
	uint8_t syndrome;

	if (!continues(qp, srq, p))
		return EMU_AETH_NAK_INVALID_REQUEST;
	if (qp->attr.qp_state == EMU_QPS_ERR)
		return EMU_AETH_NAK_REMOTE_OPERATION;
	qp->dev = srq->dev;
	qp->srq = srq;
	qp->xrcd = srq->xrcd;
	qp->attr.dest_qpn = p->src_qpn;
	qp->attr.path_mtu = p->mtu;
	syndrome = emu_fault_request(qp, p);
	if (syndrome != EMU_AETH_ACK)
		return syndrome;
	switch (p->opcode) {
	case EMU_WIRE_SEND:
		return emu_execute_send(qp, p);
	case EMU_WIRE_WRITE:
		return emu_execute_write(qp, p);
	case EMU_WIRE_READ:
		return emu_execute_read_allowed(qp, p);
	default:
		return emu_execute_atomic_memory(qp, p, value);
	}
}

/* The answer leaves before the completion shows, for the same reason as an acknowledge does. */
static void request(const struct emu_relayed *m, const struct emu_packet *p, struct emu_srq *srq,
		    unsigned slot)
{
	struct emu_stand_in **const at = find(m->qpn), *s = *at;

	if (s && s->since != m->since) {
		drop(at);
		s = NULL;
	}
	if (!s)
		s = make(m->qpn, m->since);
	if (!s)
		return; /* it will be asked for again */
	if (s->last.number != m->number) {
		s->last = (struct emu_relayed){
			.kind = EMU_RELAY_DONE,
			.qpn = m->qpn,
			.number = m->number,
		};
		s->last.syndrome = execute(&s->qp, srq, p, &s->last.value);
		s->last.flags = fatal_flag(s);
		emu_debug(
			"SRQ %u: opcode %d PSN %u for QP 0x%06x of another process: syndrome 0x%02x",
			srq->srqn, (int)p->opcode, p->psn, m->qpn, s->last.syndrome);
	}
	tell(&s->last, slot);
	emu_receive_complete(&s->qp);
	if (s->qp.attr.qp_state == EMU_QPS_ERR && s->last.syndrome == EMU_AETH_ACK)
		tell(&(struct emu_relayed){ .kind = EMU_RELAY_FAILED,
					    .flags = fatal_flag(s),
					    .qpn = m->qpn },
		     slot);
}

/* Changes nothing, so it may be asked for twice. */
static void fetch(const struct emu_relayed *m, const struct emu_packet *p,
		  const struct emu_srq *srq, unsigned slot)
{
	const struct emu_key_use use = {
		.pd = srq->pd,
		.qpn = m->qpn,
		.access = EMU_ACCESS_REMOTE_READ,
	};
	struct emu_relayed answer = {
		.kind = EMU_RELAY_DONE,
		.syndrome = EMU_AETH_ACK,
		.qpn = m->qpn,
		.number = m->number,
		.length = p->dma_len,
	};
	struct emu_pieces *pieces = emu_no_pieces();

	if (p->dma_len > EMU_WIRE_MAX_PAYLOAD ||
	    emu_key_pieces(&use, p->rkey, p->raddr, p->dma_len, pieces) ||
	    emu_memory_read(emu.tx + EMU_RELAY_HEADER, pieces->iov, pieces->n, p->dma_len) < 0) {
		answer.syndrome = EMU_AETH_NAK_REMOTE_ACCESS;
		answer.length = 0;
	}
	tell(&answer, slot);
}

static void end(const struct emu_relayed *m)
{
	struct emu_stand_in **const at = find(m->qpn), *const s = *at;

	if (!s)
		return;
	if (m->flags & EMU_RELAY_FLUSH && s->qp.srq)
		(void)emu_receive_flush(&s->qp);
	drop(at);
}

/* A packet that @m carries: a request of XRC for that target. */
static bool read_packet(const struct emu_relayed *m, struct emu_packet *p)
{
	if (emu_wire_decode(m->payload, m->length, p))
		return false;
	if (p->service != EMU_SERVICE_XRC || p->dst_qpn != m->qpn || p->opcode >= EMU_WIRE_ACK)
		return false;
	return m->kind == EMU_RELAY_REQUEST || p->opcode == EMU_WIRE_READ;
}

void emu_stand_in_receive(const struct emu_relayed *m, unsigned slot)
{
	struct emu_packet p;
	struct emu_srq *srq;

	if (emu_qpn_slot(m->qpn) != slot)
		return;
	if (m->kind == EMU_RELAY_END) {
		end(m);
		return;
	}
	if (!read_packet(m, &p)) {
		emu.counters.datagrams_dropped++;
		return;
	}
	srq = find_srq(m, &p);
	if (!srq)
		tell(&(struct emu_relayed){ .kind = EMU_RELAY_DONE,
					    .syndrome = EMU_AETH_NAK_INVALID_REQUEST,
					    .qpn = m->qpn,
					    .number = m->number },
		     slot);
	else if (srq->dev->fatal)
		return;
	else if (m->kind == EMU_RELAY_FETCH)
		fetch(m, &p, srq, slot);
	else
		request(m, &p, srq, slot);
}
