/* SPDX-License-Identifier: MIT */
/*
 * Which commands there are. The table holds all that the kernel's devx.c lets a program send, so that
 * what is merely not offered here is answered by the device, as hardware that lacks it does, and what
 * no kernel would pass on is refused before it.
 */
#include "internal.h"

#include "engine/engine.h"
#include "engine/log.h"

#include <errno.h>
#include <stdlib.h>

enum status { /* PRM "command delivery status" */
	      BAD_OP = 0x02,
	      BAD_PARAM = 0x03,
	      RESOURCE_BUSY = 0x06,
	      INTERNAL_ERR = 0x01,
	      NO_RESOURCES = 0x0f,
	      BAD_QP_STATE = 0x10,
	      BAD_INPUT_LEN = 0x50,
	      BAD_OUTPUT_LEN = 0x51,
};

static const struct {
	enum status status;
	const char *text;
} reasons[EMU_FW_NREASONS] = {
	[EMU_FW_NOT_OFFERED] = { BAD_OP, "this device does not offer the command" },
	[EMU_FW_SHORT_INPUT] = { BAD_INPUT_LEN, "the input is shorter than the command" },
	[EMU_FW_SHORT_OUTPUT] = { BAD_OUTPUT_LEN, "the output has no room for the answer" },
	[EMU_FW_NO_CAPABILITY] = { BAD_PARAM, "no capabilities of this type" },
	[EMU_FW_NOT_INFINIBAND] = { BAD_PARAM, "the port is not InfiniBand" },
	[EMU_FW_NO_OPTION] = { BAD_PARAM, "an optional parameter that is not offered" },
	[EMU_FW_BAD_ADDRESS_INDEX] = { BAD_PARAM, "the source address index is of an empty entry" },
	[EMU_FW_WRONG_STATE] = { BAD_QP_STATE, "the queue pair is in another state" },
	[EMU_FW_BAD_VALUES] = { BAD_PARAM, "a value does not fit" },
	[EMU_FW_NO_ROOM] = { NO_RESOURCES, "no more objects of this kind" },
	[EMU_FW_IN_USE] = { RESOURCE_BUSY, "another object uses it" },
	[EMU_FW_BROKEN] = { INTERNAL_ERR, "the device is broken" },
};

/* What is modified or queried here is a queue pair. */
struct command {
	uint16_t opcode;
	enum emu_fw_class class;
	uint16_t in, out; /* shortest lengths; the header's where 0 */
	emu_fw_handler *run;
};

static const struct command commands[] = {
	{ EMU_CMD_QUERY_HCA_CAP, EMU_FW_GENERAL, 0, 0, emu_fw_query_hca_cap },
	{ EMU_CMD_QUERY_LAG, EMU_FW_GENERAL, 0, 0, emu_fw_query_lag },
	{ EMU_CMD_QUERY_NIC_VPORT_CONTEXT, EMU_FW_GENERAL, 0, 0x14, emu_fw_query_nic_vport },
	{ EMU_CMD_QUERY_HCA_VPORT_CONTEXT, EMU_FW_GENERAL, 0, 0, emu_fw_query_hca_vport },
	{ EMU_CMD_NOP, EMU_FW_GENERAL, 0, 0, emu_fw_nop },
	{ EMU_CMD_QUERY_ADAPTER, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_ISSI, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_ESW_FUNCTIONS, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_ESW_VPORT_CONTEXT, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_ROCE_ADDRESS, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_VNIC_ENV, EMU_FW_GENERAL, 0, 0, NULL },
	{ EMU_CMD_QUERY_VPORT_COUNTER, EMU_FW_GENERAL, 0, 0, NULL },

	{ EMU_CMD_CREATE_MKEY, EMU_FW_CREATE, EMU_MKEY_LIST_AT, 0, emu_fw_create_mkey },
	{ EMU_CMD_CREATE_CQ, EMU_FW_CREATE, EMU_CREATE_CQ_IN, 0, emu_fw_create_cq },
	{ EMU_CMD_CREATE_QP, EMU_FW_CREATE, EMU_CREATE_QP_IN, 0, emu_fw_create_qp },
	{ EMU_CMD_CREATE_PSV, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_SRQ, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_XRC_SRQ, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_DCT, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_XRQ, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_ALLOC_Q_COUNTER, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_ALLOC_PD, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_ALLOC_XRCD, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_ALLOC_TRANSPORT_DOMAIN, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_TIR, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_SQ, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_RQ, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_RMP, EMU_FW_CREATE, EMU_CREATE_RMP_IN, 0, emu_fw_create_rmp },
	{ EMU_CMD_CREATE_TIS, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_RQT, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_FLOW_TABLE, EMU_FW_CREATE, 0, 0, NULL },
	{ EMU_CMD_CREATE_GENERAL_OBJECT, EMU_FW_CREATE, 0, 0, NULL },

	{ EMU_CMD_RST2INIT_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_INIT2INIT_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_INIT2RTR_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_RTR2RTS_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_RTS2RTS_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_SQD_RTS_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_SQERR2RTS_QP, EMU_FW_MODIFY, EMU_MODIFY_QPC_IN, 0, emu_fw_modify_qp },
	{ EMU_CMD_2ERR_QP, EMU_FW_MODIFY, 0, 0, emu_fw_modify_qp },
	{ EMU_CMD_2RST_QP, EMU_FW_MODIFY, 0, 0, emu_fw_modify_qp },
	{ EMU_CMD_MODIFY_CQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_MODIFY_SQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_MODIFY_RQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_MODIFY_RMP, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_ARM_RQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_ARM_XRC_SRQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_ARM_XRQ, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_DRAIN_DCT, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_SET_XRQ_DC_PARAMS_ENTRY, EMU_FW_MODIFY, 0, 0, NULL },
	{ EMU_CMD_MODIFY_GENERAL_OBJECT, EMU_FW_MODIFY, 0, 0, NULL },

	{ EMU_CMD_QUERY_QP, EMU_FW_QUERY, 0, EMU_QUERY_QP_OUT, emu_fw_query_qp },
	{ EMU_CMD_QUERY_MKEY, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_CQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_SRQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_XRC_SRQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_DCT, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_XRQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_Q_COUNTER, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_SQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_RQ, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_RMP, EMU_FW_QUERY, 0, 0, NULL },
	{ EMU_CMD_QUERY_GENERAL_OBJECT, EMU_FW_QUERY, 0, 0, NULL },
};

int emu_fw_refuse(struct emu_box *box, enum emu_fw_reason reason)
{
	emu_set(box->out, EMU_OUT_STATUS, reasons[reason].status);
	emu_set(box->out, EMU_OUT_SYNDROME, EMU_FW_SYNDROME + (uint32_t)reason);
	emu_info("command 0x%x refused: %s (status 0x%x, syndrome 0x%x)",
		 emu_get(box->in, EMU_IN_OPCODE), reasons[reason].text,
		 (unsigned)reasons[reason].status, EMU_FW_SYNDROME + (unsigned)reason);
	return -EREMOTEIO;
}

int emu_fw_result(struct emu_box *box, int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -ENOMEM:
		return emu_fw_refuse(box, EMU_FW_NO_ROOM);
	case -EBUSY:
		return emu_fw_refuse(box, EMU_FW_IN_USE);
	case -EIO:
	case -ENODEV:
		return emu_fw_refuse(box, EMU_FW_BROKEN);
	default:
		return emu_fw_refuse(box, EMU_FW_BAD_VALUES);
	}
}

static const struct command *find(uint32_t opcode, enum emu_fw_class class)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].opcode == opcode && commands[i].class == class)
			return &commands[i];
	}
	return NULL;
}

/* Objects are named at one place in all commands about them, keys without their lowest byte. */
static bool names(const struct emu_box *box, const struct emu_fw_object *obj)
{
	const uint32_t name = emu_get(box->in, EMU_IN_OBJECT);

	return name == (obj->kind == EMU_FW_MKEY ? obj->number >> 8 : obj->number);
}

int emu_fw_execute(struct emu_fw *fw, enum emu_fw_class class, struct emu_box *box,
		   struct emu_fw_object *obj)
{
	const struct command *c;

	if (box->in_len < EMU_BOX_HEADER || box->out_len < EMU_BOX_HEADER)
		return -EINVAL;
	c = find(emu_get(box->in, EMU_IN_OPCODE), class);
	if (!c)
		return -EINVAL;
	if ((class == EMU_FW_MODIFY || class == EMU_FW_QUERY) &&
	    (!names(box, obj) || (c->run && obj->kind != EMU_FW_QP)))
		return -EINVAL;
	if (!c->run)
		return emu_fw_refuse(box, EMU_FW_NOT_OFFERED);
	if (box->in_len < c->in)
		return emu_fw_refuse(box, EMU_FW_SHORT_INPUT);
	if (box->out_len < c->out)
		return emu_fw_refuse(box, EMU_FW_SHORT_OUTPUT);
	return c->run(fw, box, obj);
}

int emu_fw_object_destroy(struct emu_fw *fw, struct emu_fw_object *obj)
{
	int rc;

	switch (obj->kind) {
	case EMU_FW_QP:
		rc = emu_qp_destroy(fw->config.dev, obj->number);
		break;
	case EMU_FW_MKEY:
		rc = emu_mr_dereg(fw->config.dev, obj->number);
		break;
	case EMU_FW_CQ:
		rc = emu_cq_destroy(fw->config.dev, obj->number);
		break;
	case EMU_FW_RMP:
		rc = emu_srq_destroy(fw->config.dev, obj->number);
		break;
	default:
		rc = -EINVAL;
	}
	for (unsigned i = 0; i < EMU_FW_MAX_USES && rc == 0 && obj->umem[i]; i++)
		fw->umem[obj->umem[i]].users--;
	return rc;
}

int emu_fw_create(const struct emu_fw_config *config, struct emu_fw **out)
{
	struct emu_fw *fw = calloc(1, sizeof(*fw));

	if (!fw)
		return -ENOMEM;
	fw->config = *config;
	*out = fw;
	return 0;
}

void emu_fw_destroy(struct emu_fw *fw)
{
	free(fw);
}
