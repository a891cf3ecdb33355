/* SPDX-License-Identifier: MIT */
#include "cq_check.h"
#include "cq.h"
#include "memory.h"
#include "report.h"
#include "state.h"
#include "timer.h"

enum {
	ARM_RESERVED = (int)0xce000000,
};

void emu_arm_check(const struct emu_uar *uar, uint64_t value)
{
	const uint32_t word = (uint32_t)(be64toh(value) >> 32), cqn = (uint32_t)be64toh(value);
	const struct emu_cq *cq = emu_cq_find(uar->dev, cqn);
	uint32_t now;

	if (emu.strict == EMU_STRICT_OFF)
		return;
	if (!cq || cq->uar != uar) {
		emu_report("UAR page %u: arm doorbell names CQ %u, expected one that has this page",
			   uar->index, cqn);
		return;
	}
	now = emu_cq_record(cq, EMU_DBREC_CQ_ARM);
	if (word & (uint32_t)ARM_RESERVED)
		emu_report("CQ %u: arm doorbell is 0x%08x, expected bits 31:30 and 27:25 clear",
			   cqn, word);
	/* The record may be of a later arm, whose doorbell is on its way; in manual mode all is. */
	else if (word != now && (emu.manual || emu_cq_distance(word, now) > 0))
		emu_report("CQ %u: arm doorbell is 0x%08x, expected 0x%08x as its record", cqn,
			   word, now);
}

bool emu_cq_consumed_ok(struct emu_cq *cq)
{
	const uint32_t ci = emu_cq_record(cq, EMU_DBREC_CQ_CI) & EMU_CQ_CI_MASK;
	const bool ahead = emu_cq_distance(ci, cq->pi) > 0,
		   back = emu_cq_distance(ci, cq->consumed) < 0;

	if (!ahead && !back) {
		cq->consumed = ci;
		return true;
	}
	if (!cq->consumed_told && ahead)
		emu_report(
			"CQ %u: consumer index record is %u, expected at most %u, what was written",
			cq->cqn, ci, cq->pi & EMU_CQ_CI_MASK);
	else if (!cq->consumed_told)
		emu_report("CQ %u: consumer index record is %u, expected %u or more: it went back",
			   cq->cqn, ci, cq->consumed);
	cq->consumed_told = true;
	return false;
}

/* As a send record that nobody rang for, it may be gone. */
static bool readable(const struct emu_cq *cq, unsigned word, uint32_t *out)
{
	const struct iovec at = { &cq->dbrec[word], sizeof(emu_be32) };
	emu_be32 found = { 0 };

	if (emu_memory_read(&found, &at, 1, sizeof(found)) < 0)
		return false;
	*out = emu_get32(found);
	return true;
}

void emu_arm_check_silent(struct emu_cq *cq, uint64_t patience)
{
	uint32_t now = 0;

	if (emu.strict == EMU_STRICT_OFF || !readable(cq, EMU_DBREC_CQ_ARM, &now))
		return;
	if (now == cq->arm_record) {
		cq->silent_since = 0;
		return;
	}
	if (!cq->silent_since)
		cq->silent_since = emu_now_ns() | 1;
	if (cq->silent_told || emu_now_ns() - cq->silent_since < patience)
		return;
	cq->silent_told = true;
	emu_report("CQ %u: arm record without doorbell: the record is 0x%08x, expected a doorbell",
		   cq->cqn, now);
}

void emu_cq_settle(struct emu_cq *cq)
{
	uint32_t ci = 0;

	emu_arm_check_silent(cq, 0);
	if (emu.strict != EMU_STRICT_OFF && !cq->attr.overwrites &&
	    readable(cq, EMU_DBREC_CQ_CI, &ci))
		(void)emu_cq_consumed_ok(cq);
}
