/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FIRMWARE_FIRMWARE_H
#define MLX5EMU_FIRMWARE_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailbox.h"

/*
 * The device's firmware: it takes commands as mailboxes (PRM "Commands"), which is how DEVX reaches
 * the device, and turns them into calls of the engine. What it does not offer it refuses with a
 * status of the PRM and a syndrome of its own, one for each reason, and says so in the log.
 *
 * One for each engine device. Callers serialise: a kernel's file lock does.
 */
struct emu_device;
struct emu_fw;

struct emu_fw_config {
	struct emu_device *dev;
	unsigned gid_table; /* entries of the port's GID table */
	unsigned ngids;     /* of which the first ones are filled */
	unsigned eqns;      /* event queue numbers, 1..eqns */
	uint32_t dm_bytes;  /* device memory */
	uint64_t guid;      /* of the device and its port, first byte in the top bits */
	bool cqe_v0;        /* completions of version 0 alone */
	bool infiniband;    /* link layer; else Ethernet */
	bool active;        /* port state */
	uint16_t lid;       /* InfiniBand, else 0 */
};

/* -ENOMEM. */
int emu_fw_create(const struct emu_fw_config *config, struct emu_fw **out);
/* Forgets its objects; those in the engine go with the engine's device. */
void emu_fw_destroy(struct emu_fw *fw);

/* What a command is about; the kernel has an ioctl for each (devx_is_general_cmd() and friends). */
enum emu_fw_class {
	EMU_FW_GENERAL,
	EMU_FW_CREATE,
	EMU_FW_MODIFY,
	EMU_FW_QUERY,
};

enum emu_fw_kind {
	EMU_FW_QP,
	EMU_FW_MKEY,
	EMU_FW_RMP,
	EMU_FW_CQ,
};

enum { EMU_FW_MAX_USES = 2 };

/* What a command made, or is about. */
struct emu_fw_object {
	enum emu_fw_kind kind;
	uint32_t number;                /* the engine's */
	void *cookie;                   /* of the caller, for the engine's events */
	uint32_t umem[EMU_FW_MAX_USES]; /* in which it lies; 0 for none */
};

/*
 * Carries out a command of @class. @obj: NULL for a general one; filled by one that creates, but for
 * the cookie; else what the caller holds, and the command must name the same.
 * Return: 0 or -EREMOTEIO, both with an answer in the box; -EINVAL, without: the command is not of
 * the class, is none that the kernel lets pass, or is about another object.
 */
int emu_fw_execute(struct emu_fw *fw, enum emu_fw_class class, struct emu_box *box,
		   struct emu_fw_object *obj);

/* Takes apart what a command made. -EBUSY another object uses it. */
int emu_fw_object_destroy(struct emu_fw *fw, struct emu_fw_object *obj);

/* ---- user memory: what queues of DEVX lie in ---- */

/* Values of enum ibv_access_flags. -EINVAL; -EFAULT not mapped; -ENOMEM. */
int emu_fw_umem_reg(struct emu_fw *fw, uint64_t addr, uint64_t length, uint32_t access,
		    uint32_t *id);
/* -EINVAL no such one; -EBUSY an object lies in it. */
int emu_fw_umem_dereg(struct emu_fw *fw, uint32_t id);

#endif
