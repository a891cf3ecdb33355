/* SPDX-License-Identifier: MIT */
/* Commands about the device and its port, but for capabilities. */
#include "internal.h"

int emu_fw_nop(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	(void)fw;
	(void)box;
	(void)obj;
	return 0;
}

/* Zero throughout: no ports are bundled (lag_state 0). */
int emu_fw_query_lag(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	(void)fw;
	(void)box;
	(void)obj;
	return 0;
}

int emu_fw_query_nic_vport(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	(void)fw;
	(void)obj;
	emu_set(box->out, EMU_NIC_VPORT_ROCE_EN, 1);
	return 0;
}

int emu_fw_query_hca_vport(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	(void)fw;
	(void)obj;
	return emu_fw_refuse(box, EMU_FW_NOT_INFINIBAND);
}
