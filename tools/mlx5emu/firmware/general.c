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
	(void)obj;
	emu_set(box->out, EMU_NIC_VPORT_ROCE_EN, !fw->config.infiniband);
	return 0;
}

int emu_fw_query_hca_vport(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	enum { LINK_UP = 5, DISABLED = 3, DOWN = 1, ACTIVE = 4, SM_LID = 1 };
	const struct emu_fw_config *config = &fw->config;
	uint8_t *vport = box->out + EMU_HCA_VPORT_AT;

	(void)obj;
	if (!config->infiniband)
		return emu_fw_refuse(box, EMU_FW_NOT_INFINIBAND);
	emu_set(vport, EMU_HCA_VPORT_PHYSICAL_STATE, config->active ? LINK_UP : DISABLED);
	emu_set(vport, EMU_HCA_VPORT_PORT_STATE, config->active ? ACTIVE : DOWN);
	emu_set(vport, EMU_HCA_VPORT_STATE, config->active ? ACTIVE : DOWN);
	emu_set_long(vport, EMU_HCA_VPORT_SYSTEM_GUID_AT, config->guid);
	emu_set_long(vport, EMU_HCA_VPORT_PORT_GUID_AT, config->guid);
	emu_set_long(vport, EMU_HCA_VPORT_NODE_GUID_AT, config->guid);
	emu_set(vport, EMU_HCA_VPORT_CM_SUPPORTED, 1);
	emu_set(vport, EMU_HCA_VPORT_LID, config->lid);
	emu_set(vport, EMU_HCA_VPORT_SM_LID, SM_LID);
	return 0;
}
