/* SPDX-License-Identifier: MIT */
/* CREATE_CQ: a ring and a doorbell record in user memory. */
#include "internal.h"

#include "engine/engine.h"

#include <errno.h>

enum { CQE_64 = 0, CQE_128 = 1, CQE_128_PADDED = 2 }; /* PRM "cqe_sz" */
enum { MINI_HASH = 0, MINI_CHECKSUM = 1 };            /* PRM "mini_cqe_res_format" */
enum { DBREC_BYTES = 8 };

int emu_fw_create_cq(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	const uint8_t *cqc = box->in + EMU_CQC_AT;
	const uint32_t size = emu_get(cqc, EMU_CQC_CQE_SZ);
	struct emu_cq_attr attr = {
		.cqe_size = size == CQE_64 ? 64 : 128,
		.cqe_count = 1u << emu_get(cqc, EMU_CQC_LOG_SIZE),
		.uar_page = emu_get(cqc, EMU_CQC_UAR_PAGE),
		.compresses = emu_get(cqc, EMU_CQC_COMP_EN),
		.padded = size == CQE_128_PADDED,
		.overwrites = emu_get(cqc, EMU_CQC_OI),
		.cookie = obj->cookie,
	};
	uint32_t cqn = 0;
	int rc;

	if (size > CQE_128_PADDED || emu_get(cqc, EMU_CQC_COMP_LAYOUT) ||
	    emu_get(cqc, EMU_CQC_MINI_FORMAT) > MINI_CHECKSUM || emu_get(cqc, EMU_CQC_COLLAPSED))
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	if (emu_get(cqc, EMU_CQC_EQN) == 0 || emu_get(cqc, EMU_CQC_EQN) > fw->config.eqns)
		return emu_fw_refuse(box, EMU_FW_BAD_VALUES);
	rc = emu_fw_umem_place(fw, emu_get(box->in, EMU_CREATE_CQ_UMEM),
			       emu_get_long(box->in, EMU_CREATE_CQ_OFFSET_AT) +
				       (uint64_t)emu_get(cqc, EMU_CQC_PAGE_OFFSET) * 64,
			       (uint64_t)attr.cqe_count * attr.cqe_size, &attr.buf_addr);
	if (rc == 0)
		rc = emu_fw_umem_place(fw, emu_get(cqc, EMU_CQC_DBR_UMEM),
				       emu_get_long(cqc, EMU_CQC_DBR_ADDR_AT), DBREC_BYTES,
				       &attr.dbrec_addr);
	if (rc == 0)
		rc = emu_cq_create(fw->config.dev, &attr, &cqn);
	if (rc < 0)
		return emu_fw_result(box, rc);
	obj->kind = EMU_FW_CQ;
	obj->number = cqn;
	emu_fw_umem_use(fw, obj, emu_get(box->in, EMU_CREATE_CQ_UMEM));
	emu_fw_umem_use(fw, obj, emu_get(cqc, EMU_CQC_DBR_UMEM));
	emu_set(box->out, EMU_OUT_OBJECT, cqn);
	return 0;
}
