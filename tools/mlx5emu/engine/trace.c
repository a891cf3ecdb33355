/* SPDX-License-Identifier: MIT */
#include "trace.h"
#include "cq.h"
#include "qp.h"
#include "timer.h"

#include <inttypes.h>
#include <time.h>

/* Lines of the device; frames are in trace_frame.c. */

/* From the device's clock to the time of day, which is what captures have; 0 in manual mode. */
static uint64_t epoch_ns;

int emu_trace_start(const struct emu_run_config *run, bool manual)
{
	struct timespec day, mono;

	epoch_ns = 0;
	if (!manual) {
		clock_gettime(CLOCK_REALTIME, &day);
		clock_gettime(CLOCK_MONOTONIC, &mono);
		epoch_ns = (uint64_t)(day.tv_sec - mono.tv_sec) * 1000000000u +
			   (uint64_t)(day.tv_nsec - mono.tv_nsec);
	}
	return emu_trace_open(run->trace_path, run->frames_path);
}

uint64_t emu_trace_now_ns(void)
{
	return emu_now_ns() + epoch_ns;
}

void emu_trace_begin(struct emu_line *line, const struct emu_device *dev)
{
	emu_line_begin(line, emu_trace_now_ns());
	emu_line_add(line, " %s", dev ? dev->config.name : "-");
}

static bool begin(struct emu_line *line, const struct emu_device *dev)
{
	if (!(emu_trace_sinks & EMU_TRACE_TEXT))
		return false;
	emu_trace_begin(line, dev);
	return true;
}

/* ---- doorbells ---- */

void emu_trace_doorbell(const struct emu_uar *uar, unsigned offset, uint64_t value)
{
	const uint64_t v = be64toh(value);
	struct emu_line line;

	if (!begin(&line, uar->dev))
		return;
	/* PRM: the first eight bytes of the control segment. */
	emu_line_add(&line,
		     " UAR %u doorbell: offset=0x%03x qp=0x%06x wqe_index=%u opcode=%s ds=%u",
		     uar->index, offset, (uint32_t)v >> 8, (unsigned)(v >> 40 & 0xffff),
		     emu_opcode_name((unsigned)(v >> 32 & 0xff)), (unsigned)(v & 0x3f));
	emu_line_write(&line);
}

void emu_trace_arm(const struct emu_cq *cq, uint32_t record)
{
	struct emu_line line;

	if (!begin(&line, cq->dev))
		return;
	emu_line_add(&line, " CQ %u doorbell: arm sn=%u solicited_only=%u ci=%u", cq->cqn,
		     record >> 28 & 3, !!(record & EMU_CQ_ARM_SOLICITED), record & EMU_CQ_CI_MASK);
	emu_line_write(&line);
}

/* ---- work queue elements ---- */

static void add_segments(struct emu_line *line, const struct emu_seg *seg, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (seg[i].is_inline)
			emu_line_add(line, " inline[%u]={length=%u}", i, seg[i].length);
		else
			emu_line_add(line, " data[%u]={addr=0x%" PRIx64 " lkey=0x%x length=%u}", i,
				     seg[i].addr, seg[i].lkey, seg[i].length);
	}
}

static void add_gid(struct emu_line *line, const char *name, const uint8_t gid[16])
{
	emu_line_add(line, " %s=", name);
	for (unsigned i = 0; i < 16; i += 2)
		emu_line_add(line, "%s%02x%02x", i ? ":" : "", gid[i], gid[i + 1]);
}

void emu_trace_wqe(const struct emu_qp *qp, const struct emu_wqe *w)
{
	struct emu_line line;

	if (!begin(&line, qp->dev))
		return;
	emu_line_add(&line,
		     " QP 0x%06x wqe: index=%u opcode=%s blocks=%u signaled=%u solicited=%u"
		     " fence=%u length=%u",
		     qp->qpn, w->index, emu_opcode_name(w->opcode), w->blocks, w->signaled,
		     w->solicited, w->fence, w->length);
	if (emu_opcode_has_imm(w->opcode))
		emu_line_add(&line, " imm=0x%08x", be32toh(w->imm));
	if (emu_opcode_has_raddr(w->opcode))
		emu_line_add(&line, " raddr=0x%" PRIx64 " rkey=0x%x", w->raddr, w->rkey);
	if (emu_opcode_is_atomic(w->opcode))
		emu_line_add(&line, " compare=0x%" PRIx64 " swap_add=0x%" PRIx64, w->compare,
			     w->swap_add);
	if (w->srqn)
		emu_line_add(&line, " srqn=%u", w->srqn);
	if (!qp->transport->connected) {
		emu_line_add(&line, " dst_qp=0x%06x qkey=0x%08x sgid_index=%u", w->av.qpn,
			     w->av.qkey, w->av.sgid_index);
		add_gid(&line, "dgid", w->av.dgid);
	}
	add_segments(&line, w->seg, w->nseg);
	emu_line_write(&line);
}

void emu_trace_refused(const struct emu_qp *qp, unsigned index, const char *why)
{
	struct emu_line line;

	if (!begin(&line, qp->dev))
		return;
	emu_line_add(&line, " QP 0x%06x wqe: index=%u refused: %s", qp->qpn, index, why);
	emu_line_write(&line);
}

void emu_trace_receive(const struct emu_qp *qp, unsigned index, const struct emu_rwqe *w)
{
	struct emu_line line;

	if (!begin(&line, qp->dev))
		return;
	emu_line_add(&line, " QP 0x%06x receive wqe: index=%u", qp->qpn, index);
	if (qp->srq)
		emu_line_add(&line, " srq=%u", qp->srq->srqn);
	emu_line_add(&line, " length=%" PRIu64, w->length);
	add_segments(&line, w->seg, w->nseg);
	emu_line_write(&line);
}

/* ---- completions and events ---- */

static const char *cqe_name(unsigned opcode)
{
	switch (opcode) {
	case EMU_CQE_REQ:
		return "REQ";
	case EMU_CQE_RESP_WRITE_IMM:
		return "RESP_WRITE_IMM";
	case EMU_CQE_RESP_SEND:
		return "RESP_SEND";
	case EMU_CQE_RESP_SEND_IMM:
		return "RESP_SEND_IMM";
	case EMU_CQE_RESP_SEND_INV:
		return "RESP_SEND_INV";
	case EMU_CQE_RESIZE:
		return "RESIZE";
	case EMU_CQE_REQ_ERR:
		return "REQ_ERR";
	case EMU_CQE_RESP_ERR:
		return "RESP_ERR";
	default:
		return "?";
	}
}

void emu_trace_cqe(const struct emu_cq *cq, const struct emu_completion *c)
{
	const bool error = c->opcode == EMU_CQE_REQ_ERR || c->opcode == EMU_CQE_RESP_ERR;
	const bool request = c->opcode == EMU_CQE_REQ || c->opcode == EMU_CQE_REQ_ERR;
	struct emu_line line;

	if (!begin(&line, cq->dev))
		return;
	emu_line_add(&line, " CQ %u cqe: index=%u opcode=%s qp=0x%06x wqe_counter=%u uidx=0x%x",
		     cq->cqn, cq->pi - 1, cqe_name(c->opcode), c->qpn, c->wqe_counter, c->uidx);
	if (request)
		emu_line_add(&line, " wqe_opcode=%s", emu_opcode_name(c->wqe_opcode));
	if (error)
		emu_line_add(&line, " syndrome=0x%02x vendor_syndrome=0x%02x", c->syndrome,
			     c->vendor);
	else if (!request || c->byte_cnt != UINT32_MAX)
		emu_line_add(&line, " byte_cnt=%u", c->byte_cnt);
	if (c->opcode == EMU_CQE_RESP_WRITE_IMM || c->opcode == EMU_CQE_RESP_SEND_IMM)
		emu_line_add(&line, " imm=0x%08x", be32toh(c->imm));
	if (c->opcode == EMU_CQE_RESP_SEND_INV)
		emu_line_add(&line, " invalidated=0x%x", be32toh(c->imm));
	if (c->flags_rqpn)
		emu_line_add(&line, " src_qp=0x%06x", c->flags_rqpn & 0xffffff);
	emu_line_add(&line, " solicited=%u", c->solicited);
	emu_line_write(&line);
}

/* Upcalls know objects by cookies; a trace has the time to look. */
static void add_object(struct emu_line *line, const struct emu_device *dev, const void *cookie)
{
	for (uint32_t i = 0; cookie && i < emu.qps.size; i++) {
		const struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (qp && qp->dev == dev && qp->init.cookie == cookie) {
			emu_line_add(line, " QP 0x%06x", qp->qpn);
			return;
		}
	}
	for (uint32_t i = 0; cookie && i < emu.cqs.size; i++) {
		const struct emu_cq *cq = emu_ids_get(&emu.cqs, i);

		if (cq && cq->dev == dev && cq->attr.cookie == cookie) {
			emu_line_add(line, " CQ %u", cq->cqn);
			return;
		}
	}
	for (uint32_t i = 0; cookie && i < emu.srqs.size; i++) {
		const struct emu_srq *srq = emu_ids_get(&emu.srqs, i);

		if (srq && srq->dev == dev && srq->attr.cookie == cookie) {
			emu_line_add(line, " SRQ %u", srq->srqn);
			return;
		}
	}
	emu_line_add(line, " port 1");
}

void emu_trace_event(const struct emu_device *dev, unsigned type, const void *cookie)
{
	static const char *const names[] = {
		"CQ_ERR",
		"QP_FATAL",
		"QP_REQ_ERR",
		"QP_ACCESS_ERR",
		"COMM_EST",
		"SQ_DRAINED",
		"PATH_MIG",
		"PATH_MIG_ERR",
		"DEVICE_FATAL",
		"PORT_ACTIVE",
		"PORT_ERR",
		"LID_CHANGE",
		"PKEY_CHANGE",
		"SM_CHANGE",
		"SRQ_ERR",
		"SRQ_LIMIT_REACHED",
		"QP_LAST_WQE_REACHED",
		"CLIENT_REREGISTER",
		"GID_CHANGE",
	};
	struct emu_line line;

	if (!begin(&line, dev))
		return;
	add_object(&line, dev, cookie);
	emu_line_add(&line, " event: type=%s",
		     type < sizeof(names) / sizeof(*names) ? names[type] : "?");
	emu_line_write(&line);
}
