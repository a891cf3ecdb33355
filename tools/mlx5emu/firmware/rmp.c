/* SPDX-License-Identifier: MIT */
/*
 * CREATE_RMP: a receive memory pool is to the device what a shared receive queue is, with a ring that
 * may be walked by its links or round and round. Queue pairs take either by the same number.
 */
#include "internal.h"

#include "engine/engine.h"

#include <errno.h>

enum { WQ_LIST = 0, WQ_CYCLIC = 1 }; /* PRM "wq_type"; 2 and 3 are striding queues */
enum { STATE_READY = 1 };
enum { DBREC_BYTES = 4 };

int emu_fw_create_rmp(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	const uint8_t *rmpc = box->in + EMU_RMPC_AT, *wq = rmpc + EMU_RMPC_WQ_AT;
	const uint32_t type = emu_get(wq, EMU_WQ_TYPE);
	struct emu_srq_attr attr = {
		.pdn = emu_get(wq, EMU_WQ_PD),
		.wqe_count = 1u << emu_get(wq, EMU_WQ_LOG_SIZE),
		.stride_shift = emu_get(wq, EMU_WQ_LOG_STRIDE),
		.cyclic = type == WQ_CYCLIC,
		.cookie = obj->cookie,
	};
	uint32_t number = 0;
	int rc;

	if (type > WQ_CYCLIC || emu_get(wq, EMU_WQ_SIGNATURE) ||
	    emu_get(rmpc, EMU_RMPC_BASIC_CYCLIC) || emu_get(rmpc, EMU_RMPC_STATE) != STATE_READY)
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	rc = emu_fw_umem_place(fw, emu_get(wq, EMU_WQ_UMEM),
			       emu_get_long(wq, EMU_WQ_UMEM_OFFSET_AT),
			       (uint64_t)attr.wqe_count << attr.stride_shift, &attr.buf_addr);
	if (rc == 0)
		rc = emu_fw_umem_place(fw, emu_get(wq, EMU_WQ_DBR_UMEM),
				       emu_get_long(wq, EMU_WQ_DBR_ADDR_AT), DBREC_BYTES,
				       &attr.dbrec_addr);
	if (rc == 0)
		rc = emu_srq_create(fw->config.dev, &attr, &number);
	if (rc < 0)
		return emu_fw_result(box, rc);
	obj->kind = EMU_FW_RMP;
	obj->number = number;
	emu_fw_umem_use(fw, obj, emu_get(wq, EMU_WQ_UMEM));
	emu_fw_umem_use(fw, obj, emu_get(wq, EMU_WQ_DBR_UMEM));
	emu_set(box->out, EMU_OUT_OBJECT, number);
	return 0;
}
