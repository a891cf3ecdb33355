/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "qp.h"
#include "receive.h"

/*
 * Requests on an unreliable connection (IBA vol 1 section 9.8.2). Nothing is answered: a message of
 * which a packet is missing is forgotten up to the next first packet, and its receive serves that
 * one (9.8.2.2.1). What a reliable responder would refuse by a NAK is dropped likewise (9.9.3).
 */

static bool fits(const struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_responder *resp = &qp->resp;

	if (p->opcode != EMU_WIRE_SEND && p->opcode != EMU_WIRE_WRITE)
		return false;
	if (!emu_responder_size_ok(qp, p))
		return false;
	if (!(p->flags & EMU_WIRE_FIRST) && resp->message != p->opcode)
		return false;
	return p->opcode == EMU_WIRE_SEND || (qp->attr.access_flags & EMU_ACCESS_REMOTE_WRITE);
}

void emu_unreliable_receive(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_responder *resp = &qp->resp;
	uint8_t result = EMU_AETH_NAK_INVALID_REQUEST;

	if (!emu_responder_listens(qp))
		return;
	if (p->psn != resp->epsn || (p->flags & EMU_WIRE_FIRST))
		resp->message = 0;
	resp->epsn = emu_psn_add(p->psn, emu_packets(p->length, p->mtu));
	if (fits(qp, p)) {
		result = emu_fault_request(qp, p);
		if (result == EMU_AETH_ACK)
			result = p->opcode == EMU_WIRE_SEND ? emu_execute_send(qp, p) :
							      emu_execute_write(qp, p);
	}
	if (result == EMU_AETH_ACK) {
		emu_receive_complete(qp);
		return;
	}
	resp->message = 0;
	emu.counters.datagrams_dropped++;
	emu_debug("QP 0x%06x: UC packet of QP 0x%06x, opcode %d PSN %u, dropped", qp->qpn,
		  p->src_qpn, (int)p->opcode, p->psn);
}
