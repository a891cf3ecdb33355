/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"
#include "relay.h"

#include <errno.h>

/* The FIFO of what a responder owes, and its way onto the wire; see responder.h. */

static struct emu_answer *answer_at(struct emu_responder *resp, unsigned position)
{
	return &resp->answer[position & (EMU_ANSWERS - 1)];
}

void emu_answers_drop(struct emu_responder *resp)
{
	resp->first_answer = resp->last_answer;
	resp->reads_owed = 0;
}

void emu_answer_add(struct emu_qp *qp, const struct emu_answer *answer)
{
	struct emu_responder *resp = &qp->resp;

	if (resp->last_answer - resp->first_answer == EMU_ANSWERS)
		return;
	*answer_at(resp, resp->last_answer++) = *answer;
	if (answer->kind != EMU_ANSWER_AETH && !answer->duplicate)
		resp->reads_owed++;
	emu_qp_kick(qp);
}

void emu_answer_aeth(struct emu_qp *qp, uint32_t psn, uint8_t syndrome)
{
	struct emu_responder *resp = &qp->resp;

	if (syndrome == EMU_AETH_ACK && emu_responder_owes(resp)) {
		struct emu_answer *last = answer_at(resp, resp->last_answer - 1);

		if (last->kind == EMU_ANSWER_AETH && last->syndrome == EMU_AETH_ACK) {
			last->psn = psn;
			return;
		}
	}
	emu_answer_add(qp, &(struct emu_answer){
				   .kind = EMU_ANSWER_AETH,
				   .psn = psn,
				   .syndrome = syndrome,
			   });
}

static int transmit(struct emu_qp *qp, const struct emu_packet *p, bool keep)
{
	const uint32_t packets = emu_packets_in(p);
	const int rc = emu_fault_send(qp, p, keep);

	if (rc < 0)
		return rc;
	emu.counters.datagrams_sent++;
	emu.counters.packets_sent += packets;
	qp->stat->work.packets_sent += packets;
	emu_trace("QP 0x%06x -> 0x%06x: response %d PSN %u syndrome 0x%02x, %u bytes", p->src_qpn,
		  p->dst_qpn, (int)p->opcode, p->psn, p->syndrome, p->length);
	return 0;
}

static struct emu_packet response(const struct emu_qp *qp, const struct emu_answer *a,
				  enum emu_wire_opcode opcode)
{
	return (struct emu_packet){
		.opcode = opcode,
		.service = qp->transport->service,
		.mtu = (uint8_t)qp->attr.path_mtu,
		.pkey = emu_qp_pkey(qp),
		.src_qpn = qp->qpn,
		.dst_qpn = qp->attr.dest_qpn,
		.psn = a->psn,
		.msn = qp->resp.msn,
	};
}

/* The region or its pages went while the response was owed: the read ends here in a NAK. */
static void abandon_read(struct emu_qp *qp, struct emu_answer *a, const char *why)
{
	struct emu_responder *resp = &qp->resp;

	emu_warn("QP 0x%06x: remote read at 0x%llx with rkey 0x%x: %s", qp->qpn,
		 (unsigned long long)a->va, a->rkey, why);
	emu.counters.remote_naks++;
	*a = (struct emu_answer){
		.kind = EMU_ANSWER_AETH,
		.psn = a->psn,
		.syndrome = EMU_AETH_NAK_REMOTE_ACCESS,
	};
	resp->nak_sent = true;
	resp->last_answer = resp->first_answer + 1;
	resp->reads_owed = 0;
	emu_qp_fatal(qp, EMU_EVENT_QP_ACCESS_ERR);
}

/* The next @length bytes into emu.tx. 0, and *@why if they cannot be had; -EAGAIN. */
static int load_read_data(struct emu_qp *qp, const struct emu_answer *a, uint32_t length,
			  const char **why)
{
	const struct emu_key_use use = {
		.pd = emu_responder_pd(qp, a->srqn),
		.qpn = qp->qpn,
		.access = EMU_ACCESS_REMOTE_READ,
	};
	struct emu_pieces *pieces = emu_no_pieces();

	if (length == 0)
		return 0;
	if (emu_relay_wanted(qp, a->srqn))
		return emu_relay_fetch(qp, a, length, why);
	*why = emu_key_pieces(&use, a->rkey, a->va, length, pieces);
	if (!*why && emu_memory_read(emu.tx + EMU_WIRE_HEADER, pieces->iov, pieces->n, length) < 0)
		*why = EMU_NOT_MAPPED;
	return 0;
}

/* 1 all sent, 0 a part of it, -EAGAIN. */
static int send_read_data(struct emu_qp *qp, struct emu_answer *a)
{
	struct emu_packet p = response(qp, a, EMU_WIRE_READ_RESPONSE);
	const uint32_t most = emu_fault_payload(p.mtu);
	const char *why = NULL;
	int rc;

	p.length = a->length;
	p.flags = a->begun ? 0 : EMU_WIRE_FIRST;
	if (p.length > most)
		p.length = most;
	else
		p.flags |= EMU_WIRE_LAST;
	if (!qp->leaves && !emu_fabric_clear(emu.fabric, emu_qpn_slot(p.dst_qpn)))
		return -EAGAIN;
	rc = load_read_data(qp, a, p.length, &why);
	if (rc < 0)
		return rc;
	if (why) {
		abandon_read(qp, a, why);
		return 0;
	}
	rc = transmit(qp, &p, false);
	if (rc < 0)
		return rc;
	a->begun = true;
	a->va += p.length;
	a->length -= p.length;
	a->psn = emu_psn_add(a->psn, emu_packets(p.length, p.mtu));
	return p.flags & EMU_WIRE_LAST ? 1 : 0;
}

static int send_answer(struct emu_qp *qp, struct emu_answer *a)
{
	struct emu_packet p;

	if (a->kind == EMU_ANSWER_READ)
		return send_read_data(qp, a);
	if (a->kind == EMU_ANSWER_ATOMIC) {
		p = response(qp, a, EMU_WIRE_ATOMIC_ACK);
		p.compare = a->value;
	} else {
		p = response(qp, a, EMU_WIRE_ACK);
		p.syndrome = a->syndrome;
		if (a->syndrome == EMU_AETH_ACK) {
			qp->resp.acknowledged = true;
			qp->resp.acked_psn = a->psn;
		}
	}
	(void)transmit(qp, &p, true);
	return 1;
}

unsigned emu_responder_run(struct emu_qp *qp)
{
	enum {
		BUDGET = 16,
	};
	struct emu_responder *resp = &qp->resp;
	unsigned n = 0;

	while (n < BUDGET && emu_responder_owes(resp)) {
		struct emu_answer *a = answer_at(resp, resp->first_answer);
		const int rc = send_answer(qp, a);

		if (rc < 0)
			break;
		n++;
		if (rc == 0)
			continue;
		if (a->kind != EMU_ANSWER_AETH && !a->duplicate && resp->reads_owed)
			resp->reads_owed--;
		resp->first_answer++;
	}
	return n;
}
