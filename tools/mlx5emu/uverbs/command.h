/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_COMMAND_H
#define MLX5EMU_UVERBS_COMMAND_H

#include "fault/plan.h"
#include "uverbs/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rdma/rdma_user_ioctl_cmds.h>

/*
 * One kernel command on its way through: ioctl.c has found and bounded its attributes, the handler
 * copies what it needs. Handlers run under file->lock, return 0 or -errno, and write their answer
 * as their last act; if that fails they undo what they did.
 */

/* An attribute as the program wrote it; @at is where it lies in the program, 0 when absent. */
struct emu_attr {
	struct ib_uverbs_attr a;
	uint64_t at;
	bool own; /* made by us: a.data is an address of ours, whatever the size */
};

/* The legacy write commands come with up to four buffers. */
struct emu_cmd {
	struct emu_file *file;
	struct emu_attr in, out;         /* the core structures */
	struct emu_attr drv_in, drv_out; /* mlx5's part */
	struct emu_evfile *events;       /* of what it makes; NULL: as the context's */
};

/*
 * The kernel's rules for sizes (drivers/infiniband/core/uverbs_cmd.c): a shorter request is
 * zero-extended, the unknown end of a longer one must be zero (-EOPNOTSUPP); an answer is cut or
 * zero-filled to the room given. -EFAULT for a bad address.
 */
int emu_attr_read(const struct emu_attr *attr, void *buf, size_t size);
int emu_attr_write(const struct emu_attr *attr, const void *buf, size_t size);

/* Sets the handle that a creating ioctl method returns. */
int emu_attr_write_handle(const struct emu_attr *attr, uint32_t handle);

/* The object whose handle an ioctl method was given. -ENOENT no such one; -EINVAL another type. */
int emu_attr_object(const struct emu_file *file, const struct emu_attr *attr,
		    enum emu_object_type type, struct emu_object **out);

/* What both buffers of a command were given: core first, then mlx5's. */
int emu_cmd_answer(const struct emu_cmd *cmd, const void *core, size_t core_size, const void *drv,
		   size_t drv_size);

/* Where events of what @cmd makes go, with a reference. */
struct emu_evfile *emu_cmd_events(const struct emu_cmd *cmd);

enum { EMU_MAX_SPEC = 15 };

enum emu_attr_kind {
	EMU_ATTR_IN,     /* data, length within bounds */
	EMU_ATTR_OUT,    /* room for data, likewise */
	EMU_ATTR_CONST,  /* an inline number */
	EMU_ATTR_HANDLE, /* an object's handle, in or out */
};

struct emu_attr_spec {
	const char *name; /* in a trace */
	uint16_t id;
	enum emu_attr_kind kind;
	uint16_t min_len, max_len; /* EMU_ATTR_IN, EMU_ATTR_OUT */
	bool mandatory;
};

/* Of a method that becomes a write command, and is asked about as that alone. */
enum { EMU_FAULT_AS_WRITTEN = EMU_FAULT_COMMANDS };

/* An ioctl method. */
struct emu_method {
	const char *name; /* in a trace; NULL: what it does has a line of a write command */
	uint8_t fault;    /* in a plan: enum emu_fault_command, or EMU_FAULT_AS_WRITTEN */
	uint16_t object_id, method_id;
	unsigned nspec;
	struct emu_attr_spec spec[EMU_MAX_SPEC];
	int (*run)(struct emu_file *file, const struct emu_attr *attr); /* indexed like spec */
};

/* Those of DEVX: devx.c; of queues: create.c. */
extern const struct emu_method emu_devx_methods[], emu_create_methods[];
extern const size_t emu_devx_nmethods, emu_create_nmethods;

/* Entry of a table keyed by command number; the smallest core sizes a caller may give. */
struct emu_write_method {
	uint16_t in_size, out_size;
	uint8_t fault; /* in a plan: enum emu_fault_command */
	int (*run)(struct emu_cmd *cmd);
};

/* INVOKE_WRITE: @command of enum ib_uverbs_write_cmds, with IB_USER_VERBS_CMD_FLAG_EXTENDED. */
int emu_write_command(uint64_t command, struct emu_cmd *cmd);

/* The same by write(2). @buf: address of the program's struct ib_uverbs_cmd_hdr. */
int emu_write_file(struct emu_file *file, uint64_t buf, size_t size);

/* The run shall have no INVOKE_WRITE, so that programs use write(2). */
bool emu_write_commands_only(void);

/* RDMA_VERBS_IOCTL. @arg: address of the program's struct ib_uverbs_ioctl_hdr. */
int emu_verbs_ioctl(struct emu_file *file, uint64_t arg);

enum { EMU_COMP_VECTORS = 1 };

/* device.c */
int emu_cmd_get_context(struct emu_cmd *cmd);
int emu_cmd_query_device(struct emu_cmd *cmd);
int emu_cmd_query_device_ex(struct emu_cmd *cmd);
int emu_cmd_query_port(struct emu_cmd *cmd);
/* memory.c */
int emu_cmd_alloc_pd(struct emu_cmd *cmd);
int emu_cmd_dealloc_pd(struct emu_cmd *cmd);
int emu_cmd_reg_mr(struct emu_cmd *cmd);
int emu_cmd_dereg_mr(struct emu_cmd *cmd);
/* mw.c */
int emu_cmd_alloc_mw(struct emu_cmd *cmd);
int emu_cmd_dealloc_mw(struct emu_cmd *cmd);
/* cq.c */
int emu_cmd_create_comp_channel(struct emu_cmd *cmd);
int emu_cmd_create_cq(struct emu_cmd *cmd);
int emu_cmd_create_cq_ex(struct emu_cmd *cmd);
int emu_cmd_modify_cq(struct emu_cmd *cmd);
int emu_cmd_resize_cq(struct emu_cmd *cmd);
int emu_cmd_destroy_cq(struct emu_cmd *cmd);
/* xrcd.c */
int emu_cmd_open_xrcd(struct emu_cmd *cmd);
int emu_cmd_close_xrcd(struct emu_cmd *cmd);
int emu_cmd_open_qp(struct emu_cmd *cmd);
/* srq.c */
int emu_cmd_create_srq(struct emu_cmd *cmd);
int emu_cmd_create_xsrq(struct emu_cmd *cmd);
int emu_cmd_modify_srq(struct emu_cmd *cmd);
int emu_cmd_query_srq(struct emu_cmd *cmd);
int emu_cmd_destroy_srq(struct emu_cmd *cmd);
/* ah.c */
int emu_cmd_create_ah(struct emu_cmd *cmd);
int emu_cmd_destroy_ah(struct emu_cmd *cmd);
/* qp.c */
int emu_cmd_create_qp(struct emu_cmd *cmd);
int emu_cmd_create_qp_ex(struct emu_cmd *cmd);
int emu_cmd_modify_qp(struct emu_cmd *cmd);
int emu_cmd_modify_qp_ex(struct emu_cmd *cmd);
int emu_cmd_query_qp(struct emu_cmd *cmd);
int emu_cmd_destroy_qp(struct emu_cmd *cmd);
/* mcast.c */
int emu_cmd_attach_mcast(struct emu_cmd *cmd);
int emu_cmd_detach_mcast(struct emu_cmd *cmd);
/* uar.c: the two ioctl methods that have no write command */
int emu_uar_obj_alloc(struct emu_file *file, const struct emu_attr *attr);
int emu_uar_obj_destroy(struct emu_file *file, const struct emu_attr *attr);
/* memory.c: and this */
int emu_advise_mr(struct emu_file *file, const struct emu_attr *attr);
/* memory.c: registers what @mr will name, and answers an ioctl method with its keys and handle. */
struct emu_mr_attr;
struct emu_mr_answer {
	const struct emu_attr *handle, *lkey, *rkey;
};
int emu_mr_reg_answer(struct emu_file *file, const struct emu_mr_attr *region,
		      const struct emu_mr_answer *answer, struct emu_object *mr);
/* dm.c: nor have these */
int emu_dm_alloc(struct emu_file *file, const struct emu_attr *attr);
int emu_dm_free(struct emu_file *file, const struct emu_attr *attr);
int emu_reg_dm_mr(struct emu_file *file, const struct emu_attr *attr);
/* dmabuf.c: it has none either */
int emu_reg_dmabuf_mr(struct emu_file *file, const struct emu_attr *attr);
/* import.c: nor these */
int emu_query_context(struct emu_file *file, const struct emu_attr *attr);
int emu_async_event_alloc(struct emu_file *file, const struct emu_attr *attr);
int emu_query_pd(struct emu_file *file, const struct emu_attr *attr);
int emu_query_mr(struct emu_file *file, const struct emu_attr *attr);
int emu_query_dm(struct emu_file *file, const struct emu_attr *attr);
/* device.c: mlx5's part of what a context is told */
int emu_answer_context(const struct emu_file *file, const struct emu_attr *attr);
/* clock.c: what the device's time is on the wall. */
void emu_clock_info_write(const struct emu_file *file);
/* devx_event.c */
int emu_devx_event_channel(struct emu_file *file, const struct emu_attr *attr);
int emu_devx_subscribe(struct emu_file *file, const struct emu_attr *attr);
/* From the engine's upcalls: @obj of a command, or NULL for one of the device. */
void emu_devx_event(struct emu_file *file, int event, const struct emu_object *obj);
void emu_devx_completion(struct emu_file *file, const struct emu_object *cq);
/* Drops the subscriptions of @obj or of @ev, whichever is given; with neither, all. */
void emu_devx_unsubscribe(struct emu_file *file, const struct emu_object *obj,
			  const struct emu_evfile *ev);
/* event.c: the engine's upcalls */
struct emu_callbacks;
extern const struct emu_callbacks emu_event_callbacks;

#endif
