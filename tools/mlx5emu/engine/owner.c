/* SPDX-License-Identifier: MIT */
#include "owner.h"
#include "qp.h"

bool emu_owner_may_write(const struct emu_qp *qp, const struct emu_owner *owner, const char *what,
			 uint16_t index)
{
	if (!owner->any || (int16_t)(index - owner->last) > 0)
		return true;
	emu.counters.ownership_errors++;
	emu_error("QP 0x%06x: device would write into the buffer of %s WQE %u, which WQE %u's "
		  "completion gave back",
		  qp->qpn, what, index, owner->last);
	return false;
}

bool emu_owner_may_store(const struct emu_qp *qp, uint32_t psn)
{
	if (!qp->resp.acknowledged || emu_psn_diff(psn, qp->resp.acked_psn) > 0)
		return true;
	emu.counters.ownership_errors++;
	emu_error("QP 0x%06x: device would store a write with PSN %u, after it acknowledged %u",
		  qp->qpn, psn, qp->resp.acked_psn);
	return false;
}
