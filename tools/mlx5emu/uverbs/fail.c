/* SPDX-License-Identifier: MIT */
#include "uverbs/fail.h"

#include "engine/engine.h"
#include "fault/plan.h"

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

/* Names of plans for the kernel's numbers; one more than the number, 0 = none. */
#define IS(name) EMU_FAULT_##name + 1

static const uint8_t commands[] = {
	[IB_USER_VERBS_CMD_QUERY_DEVICE] = IS(QUERY_DEVICE),
	[IB_USER_VERBS_CMD_QUERY_PORT] = IS(QUERY_PORT),
	[IB_USER_VERBS_CMD_ALLOC_PD] = IS(ALLOC_PD),
	[IB_USER_VERBS_CMD_DEALLOC_PD] = IS(DEALLOC_PD),
	[IB_USER_VERBS_CMD_REG_MR] = IS(REG_MR),
	[IB_USER_VERBS_CMD_DEREG_MR] = IS(DEREG_MR),
	[IB_USER_VERBS_CMD_ALLOC_MW] = IS(ALLOC_MW),
	[IB_USER_VERBS_CMD_DEALLOC_MW] = IS(DEALLOC_MW),
	[IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL] = IS(CREATE_CHANNEL),
	[IB_USER_VERBS_CMD_CREATE_CQ] = IS(CREATE_CQ),
	[IB_USER_VERBS_CMD_RESIZE_CQ] = IS(RESIZE_CQ),
	[IB_USER_VERBS_CMD_DESTROY_CQ] = IS(DESTROY_CQ),
	[IB_USER_VERBS_CMD_CREATE_SRQ] = IS(CREATE_SRQ),
	[IB_USER_VERBS_CMD_CREATE_XSRQ] = IS(CREATE_SRQ),
	[IB_USER_VERBS_CMD_MODIFY_SRQ] = IS(MODIFY_SRQ),
	[IB_USER_VERBS_CMD_QUERY_SRQ] = IS(QUERY_SRQ),
	[IB_USER_VERBS_CMD_DESTROY_SRQ] = IS(DESTROY_SRQ),
	[IB_USER_VERBS_CMD_CREATE_QP] = IS(CREATE_QP),
	[IB_USER_VERBS_CMD_MODIFY_QP] = IS(MODIFY_QP),
	[IB_USER_VERBS_CMD_QUERY_QP] = IS(QUERY_QP),
	[IB_USER_VERBS_CMD_DESTROY_QP] = IS(DESTROY_QP),
	[IB_USER_VERBS_CMD_CREATE_AH] = IS(CREATE_AH),
	[IB_USER_VERBS_CMD_DESTROY_AH] = IS(DESTROY_AH),
	[IB_USER_VERBS_CMD_OPEN_XRCD] = IS(OPEN_XRCD),
	[IB_USER_VERBS_CMD_CLOSE_XRCD] = IS(CLOSE_XRCD),
	[IB_USER_VERBS_CMD_ATTACH_MCAST] = IS(ATTACH_MCAST),
	[IB_USER_VERBS_CMD_DETACH_MCAST] = IS(DETACH_MCAST),
};

static const uint8_t extended[] = {
	[IB_USER_VERBS_EX_CMD_QUERY_DEVICE] = IS(QUERY_DEVICE),
	[IB_USER_VERBS_EX_CMD_CREATE_CQ] = IS(CREATE_CQ),
	[IB_USER_VERBS_EX_CMD_MODIFY_CQ] = IS(MODIFY_CQ),
	[IB_USER_VERBS_EX_CMD_CREATE_QP] = IS(CREATE_QP),
	[IB_USER_VERBS_EX_CMD_MODIFY_QP] = IS(MODIFY_QP),
};

static const struct {
	uint16_t object, method;
	uint8_t is;
} methods[] = {
	{ UVERBS_OBJECT_DM, UVERBS_METHOD_DM_ALLOC, IS(ALLOC_DM) },
	{ UVERBS_OBJECT_DM, UVERBS_METHOD_DM_FREE, IS(FREE_DM) },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_DM_MR_REG, IS(REG_MR) },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_REG_DMABUF_MR, IS(REG_MR) },
	{ UVERBS_OBJECT_MR, UVERBS_METHOD_ADVISE_MR, IS(ADVISE_MR) },
	{ MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC, IS(ALLOC_UAR) },
	{ MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER, IS(DEVX) },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_CREATE, IS(DEVX) },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_MODIFY, IS(DEVX) },
	{ MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_QUERY, IS(DEVX) },
	{ MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_REG, IS(DEVX) },
};

static int ask(const struct emu_file *file, uint8_t is)
{
	return is && file->device ? emu_command_fault(file->device, is - 1u) : 0;
}

int emu_fail_write(const struct emu_file *file, uint64_t command)
{
	const uint64_t number = command & IB_USER_VERBS_CMD_COMMAND_MASK;

	if (command & IB_USER_VERBS_CMD_FLAG_EXTENDED)
		return number < sizeof(extended) ? ask(file, extended[number]) : 0;
	return number < sizeof(commands) ? ask(file, commands[number]) : 0;
}

int emu_fail_method(const struct emu_file *file, unsigned object, unsigned method)
{
	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].object == object && methods[i].method == method)
			return ask(file, methods[i].is);
	return 0;
}
