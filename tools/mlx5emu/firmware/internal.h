/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FIRMWARE_INTERNAL_H
#define MLX5EMU_FIRMWARE_INTERNAL_H

#include "firmware.h"
#include "layout.h"

/* Between the files of this folder. */

enum { EMU_FW_MAX_UMEM = 4096 };

struct emu_fw_umem {
	bool used;
	uint64_t addr, length;
	uint32_t access;
	unsigned users;
};

struct emu_fw {
	struct emu_fw_config config;
	struct emu_fw_umem umem[EMU_FW_MAX_UMEM]; /* id 0 stays free */
};

/* Why a command is refused; the syndrome in the answer is EMU_FW_SYNDROME plus this. */
enum emu_fw_reason {
	EMU_FW_NOT_OFFERED = 1,
	EMU_FW_SHORT_INPUT,
	EMU_FW_SHORT_OUTPUT,
	EMU_FW_NO_CAPABILITY,
	EMU_FW_NOT_INFINIBAND,
	EMU_FW_NO_OPTION,
	EMU_FW_BAD_ADDRESS_INDEX,
	EMU_FW_WRONG_STATE,
	EMU_FW_BAD_VALUES,
	EMU_FW_NO_ROOM,
	EMU_FW_IN_USE,
	EMU_FW_BROKEN,
	EMU_FW_NREASONS,
};
enum { EMU_FW_SYNDROME = 0x4d4c0000 };

/* Rounded down; of 0 it is 0. */
static inline uint32_t emu_fw_log2(uint32_t n)
{
	uint32_t log = 0;

	while (n >>= 1)
		log++;
	return log;
}

/* Writes the answer of a refused command. Always -EREMOTEIO. */
int emu_fw_refuse(struct emu_box *box, enum emu_fw_reason reason);

/* As above, for what a call of the engine returned; 0 for 0. */
int emu_fw_result(struct emu_box *box, int rc);

/*
 * Where @offset of a range lies in the program. -EINVAL no such range, or @length does not fit behind
 * @offset.
 */
int emu_fw_umem_place(const struct emu_fw *fw, uint32_t id, uint64_t offset, uint64_t length,
		      uint64_t *addr);
/* @obj, which succeeded, lies in it. */
void emu_fw_umem_use(struct emu_fw *fw, struct emu_fw_object *obj, uint32_t id);

/* Handlers: 0, or -EREMOTEIO with the refusal in the box. Lengths were checked. */
typedef int emu_fw_handler(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj);

/* caps.c */
emu_fw_handler emu_fw_query_hca_cap;
/* general.c */
emu_fw_handler emu_fw_nop, emu_fw_query_lag, emu_fw_query_nic_vport, emu_fw_query_hca_vport;
/* mkey.c */
emu_fw_handler emu_fw_create_mkey;
/* cq.c */
emu_fw_handler emu_fw_create_cq;
/* rmp.c */
emu_fw_handler emu_fw_create_rmp;
/* qp.c */
emu_fw_handler emu_fw_modify_qp, emu_fw_query_qp;
/* qp_create.c */
emu_fw_handler emu_fw_create_qp;

#endif
