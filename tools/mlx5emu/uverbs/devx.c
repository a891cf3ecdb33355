/* SPDX-License-Identifier: MIT */
/*
 * DEVX: commands that the program writes itself (kernel: drivers/infiniband/hw/mlx5/devx.c). The
 * kernel checks what a command is and whose object it is about, and passes it on; so do we, to
 * firmware/. A command that the device refuses is -EREMOTEIO, with its status and syndrome in the
 * output.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "firmware/firmware.h"

#include <errno.h>
#include <stdlib.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

/* ---- commands ---- */

/* Room on the heap for both mailboxes, with what the firmware's handlers may touch behind them. */
static int box_read(const struct emu_attr *in, const struct emu_attr *out, struct emu_box *box)
{
	const size_t in_room = in->a.len < EMU_BOX_ROOM ? EMU_BOX_ROOM : in->a.len;
	const size_t out_room = out->a.len < EMU_BOX_ROOM ? EMU_BOX_ROOM : out->a.len;
	uint8_t *memory = calloc(1, in_room + out_room);
	int rc;

	if (!memory)
		return -ENOMEM;
	rc = emu_attr_read(in, memory, in->a.len);
	if (rc < 0) {
		free(memory);
		return rc;
	}
	*box = (struct emu_box){
		.in = memory,
		.in_len = in->a.len,
		.out = memory + in_room,
		.out_len = out->a.len,
	};
	return 0;
}

static void box_free(struct emu_box *box)
{
	free((void *)(uintptr_t)box->in);
}

/* Carries out a command about @obj, with its answer written. */
static int execute(struct emu_file *file, enum emu_fw_class class, const struct emu_attr *in,
		   const struct emu_attr *out, struct emu_fw_object *obj)
{
	struct emu_box box;
	int rc, written;

	if (!file->fw)
		return -EINVAL;
	rc = box_read(in, out, &box);
	if (rc < 0)
		return rc;
	rc = emu_fw_execute(file->fw, class, &box, obj);
	if (rc == 0 || rc == -EREMOTEIO) {
		written = emu_attr_write(out, box.out, box.out_len);
		rc = written < 0 ? written : rc;
	}
	box_free(&box);
	return rc;
}

enum { GENERAL_IN, GENERAL_OUT };

static int general(struct emu_file *file, const struct emu_attr *attr)
{
	return execute(file, EMU_FW_GENERAL, &attr[GENERAL_IN], &attr[GENERAL_OUT], NULL);
}

enum { OBJ_HANDLE, OBJ_IN, OBJ_OUT };

/* devx_is_valid_obj_id(): objects of verbs may be asked and changed by command, too. */
static int find_object(const struct emu_file *file, const struct emu_attr *handle,
		       struct emu_fw_object *out)
{
	struct emu_object *obj;
	int rc = emu_attr_object(file, handle, EMU_OBJECT_QP, &obj);

	if (rc == 0) {
		*out = (struct emu_fw_object){ .kind = EMU_FW_QP, .number = obj->num };
		return 0;
	}
	rc = emu_attr_object(file, handle, EMU_OBJECT_DEVX, &obj);
	if (rc == 0)
		*out = obj->devx;
	return rc;
}

static int create(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj = emu_object_new(&file->objects, EMU_OBJECT_DEVX);
	int rc;

	if (!obj)
		return -ENOMEM;
	obj->devx.cookie = obj;
	obj->file = file;
	rc = execute(file, EMU_FW_CREATE, &attr[OBJ_IN], &attr[OBJ_OUT], &obj->devx);
	if (rc < 0)
		goto free_obj;
	obj->num = obj->devx.number;
	rc = emu_attr_write_handle(&attr[OBJ_HANDLE], obj->handle);
	if (rc < 0)
		goto destroy;
	return 0;

destroy:
	emu_fw_object_destroy(file->fw, &obj->devx);
free_obj:
	emu_object_free(&file->objects, obj);
	return rc;
}

static int destroy(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj;
	int rc = emu_attr_object(file, &attr[OBJ_HANDLE], EMU_OBJECT_DEVX, &obj);

	if (rc == 0)
		rc = emu_fw_object_destroy(file->fw, &obj->devx);
	if (rc < 0)
		return rc;
	emu_devx_unsubscribe(file, obj, NULL);
	emu_object_free(&file->objects, obj);
	return 0;
}

static int about_object(struct emu_file *file, enum emu_fw_class class, const struct emu_attr *attr)
{
	struct emu_fw_object obj;
	const int rc = find_object(file, &attr[OBJ_HANDLE], &obj);

	return rc < 0 ? rc : execute(file, class, &attr[OBJ_IN], &attr[OBJ_OUT], &obj);
}

static int modify(struct emu_file *file, const struct emu_attr *attr)
{
	return about_object(file, EMU_FW_MODIFY, attr);
}

static int query(struct emu_file *file, const struct emu_attr *attr)
{
	return about_object(file, EMU_FW_QUERY, attr);
}

/* ---- event queues and user memory ---- */

enum { EQN_VECTOR, EQN_NUMBER };

/* There are no event queues to name but by this number, which CREATE_CQ wants. */
static int query_eqn(struct emu_file *file, const struct emu_attr *attr)
{
	uint32_t vector, eqn;
	const int rc = emu_attr_read(&attr[EQN_VECTOR], &vector, sizeof(vector));

	if (rc < 0)
		return rc;
	if (!file->fw || vector >= EMU_COMP_VECTORS)
		return -EINVAL;
	eqn = vector + 1;
	return emu_attr_write(&attr[EQN_NUMBER], &eqn, sizeof(eqn));
}

enum {
	UMEM_HANDLE,
	UMEM_ADDR,
	UMEM_LENGTH,
	UMEM_ACCESS,
	UMEM_ID,
	UMEM_PAGE_SIZES,
};

static int umem_reg(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj;
	uint64_t addr, length;
	uint32_t access;
	int rc = emu_attr_read(&attr[UMEM_ADDR], &addr, sizeof(addr));

	if (rc == 0)
		rc = emu_attr_read(&attr[UMEM_LENGTH], &length, sizeof(length));
	if (rc == 0)
		rc = emu_attr_read(&attr[UMEM_ACCESS], &access, sizeof(access));
	if (rc == 0 && !file->fw)
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	obj = emu_object_new(&file->objects, EMU_OBJECT_UMEM);
	if (!obj)
		return -ENOMEM;
	rc = emu_fw_umem_reg(file->fw, addr, length, access, &obj->num);
	if (rc < 0)
		goto free_obj;
	rc = emu_attr_write(&attr[UMEM_ID], &obj->num, sizeof(obj->num));
	if (rc == 0)
		rc = emu_attr_write_handle(&attr[UMEM_HANDLE], obj->handle);
	if (rc < 0)
		goto dereg;
	return 0;

dereg:
	emu_fw_umem_dereg(file->fw, obj->num);
free_obj:
	emu_object_free(&file->objects, obj);
	return rc;
}

static int umem_dereg(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj;
	int rc = emu_attr_object(file, &attr[UMEM_HANDLE], EMU_OBJECT_UMEM, &obj);

	if (rc == 0)
		rc = emu_fw_umem_dereg(file->fw, obj->num);
	if (rc == 0)
		emu_object_free(&file->objects, obj);
	return rc;
}

const struct emu_method emu_devx_methods[] = {
	{ "DEVX_OTHER",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX,
	  MLX5_IB_METHOD_DEVX_OTHER,
	  2,
	  { { "cmd_in", MLX5_IB_ATTR_DEVX_OTHER_CMD_IN, EMU_ATTR_IN, 16, UINT16_MAX, true },
	    { "cmd_out", MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, EMU_ATTR_OUT, 16, UINT16_MAX, true } },
	  general },
	{ "DEVX_QUERY_EQN",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX,
	  MLX5_IB_METHOD_DEVX_QUERY_EQN,
	  2,
	  { { "user_vec", MLX5_IB_ATTR_DEVX_QUERY_EQN_USER_VEC, EMU_ATTR_IN, 4, 4, true },
	    { "dev_eqn", MLX5_IB_ATTR_DEVX_QUERY_EQN_DEV_EQN, EMU_ATTR_OUT, 4, 4, true } },
	  query_eqn },
	{ "DEVX_SUBSCRIBE_EVENT",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX,
	  MLX5_IB_METHOD_DEVX_SUBSCRIBE_EVENT,
	  4,
	  { { "fd_handle", MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE, EMU_ATTR_HANDLE, 0, 0,
	      true },
	    { "obj_handle", MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE, EMU_ATTR_HANDLE, 0, 0,
	      false },
	    { "type_num_list", MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST, EMU_ATTR_IN, 2,
	      UINT16_MAX, true },
	    { "cookie", MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE, EMU_ATTR_IN, 8, 8, false } },
	  emu_devx_subscribe },
	{ "DEVX_ASYNC_EVENT_FD_ALLOC",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_ASYNC_EVENT_FD,
	  MLX5_IB_METHOD_DEVX_ASYNC_EVENT_FD_ALLOC,
	  2,
	  { { "handle", MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "flags", MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS, EMU_ATTR_IN, 4, 8, true } },
	  emu_devx_event_channel },
	{ "DEVX_OBJ_CREATE",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_OBJ,
	  MLX5_IB_METHOD_DEVX_OBJ_CREATE,
	  3,
	  { { "handle", MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "cmd_in", MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN, EMU_ATTR_IN, 16, UINT16_MAX, true },
	    { "cmd_out", MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, EMU_ATTR_OUT, 16, UINT16_MAX,
	      true } },
	  create },
	{ "DEVX_OBJ_DESTROY",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_OBJ,
	  MLX5_IB_METHOD_DEVX_OBJ_DESTROY,
	  1,
	  { { "handle", MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE, EMU_ATTR_HANDLE, 0, 0, true } },
	  destroy },
	{ "DEVX_OBJ_MODIFY",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_OBJ,
	  MLX5_IB_METHOD_DEVX_OBJ_MODIFY,
	  3,
	  { { "handle", MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "cmd_in", MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN, EMU_ATTR_IN, 16, UINT16_MAX, true },
	    { "cmd_out", MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT, EMU_ATTR_OUT, 16, UINT16_MAX,
	      true } },
	  modify },
	{ "DEVX_OBJ_QUERY",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_OBJ,
	  MLX5_IB_METHOD_DEVX_OBJ_QUERY,
	  3,
	  { { "handle", MLX5_IB_ATTR_DEVX_OBJ_QUERY_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "cmd_in", MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_IN, EMU_ATTR_IN, 16, UINT16_MAX, true },
	    { "cmd_out", MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_OUT, EMU_ATTR_OUT, 16, UINT16_MAX, true } },
	  query },
	{ "DEVX_UMEM_REG",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_UMEM,
	  MLX5_IB_METHOD_DEVX_UMEM_REG,
	  6,
	  { { "handle", MLX5_IB_ATTR_DEVX_UMEM_REG_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "addr", MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR, EMU_ATTR_IN, 8, 8, true },
	    { "len", MLX5_IB_ATTR_DEVX_UMEM_REG_LEN, EMU_ATTR_IN, 8, 8, true },
	    { "access", MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS, EMU_ATTR_IN, 4, 8, true },
	    { "id", MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, EMU_ATTR_OUT, 4, 4, true },
	    { "pgsz_bitmap", MLX5_IB_ATTR_DEVX_UMEM_REG_PGSZ_BITMAP, EMU_ATTR_IN, 8, 8, false } },
	  umem_reg },
	{ "DEVX_UMEM_DEREG",
	  EMU_FAULT_DEVX,
	  MLX5_IB_OBJECT_DEVX_UMEM,
	  MLX5_IB_METHOD_DEVX_UMEM_DEREG,
	  1,
	  { { "handle", MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE, EMU_ATTR_HANDLE, 0, 0, true } },
	  umem_dereg },
};

const size_t emu_devx_nmethods = sizeof(emu_devx_methods) / sizeof(emu_devx_methods[0]);
