/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_OBJECT_H
#define MLX5EMU_UVERBS_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/firmware.h"

/*
 * The objects of one device file, named by handles as the kernel names them: small integers, the
 * lowest free one first, one number space for all types. An object counts its users; it cannot go
 * while it has any. The owning file's lock guards everything but the event counters.
 */
struct emu_evfile;
struct emu_file;

enum emu_object_type {
	EMU_OBJECT_PD,
	EMU_OBJECT_MR,
	EMU_OBJECT_CQ,
	EMU_OBJECT_SRQ,
	EMU_OBJECT_QP,
	EMU_OBJECT_UAR,
	EMU_OBJECT_AH,
	EMU_OBJECT_XRCD,
	EMU_OBJECT_DM,
	EMU_OBJECT_UMEM,
	EMU_OBJECT_DEVX,
	EMU_OBJECT_MW,
};

enum { EMU_OBJECT_USES = 4 }; /* of a QP: PD, two CQs, SRQ */

struct emu_object {
	enum emu_object_type type;
	uint32_t handle;
	/*
	 * The engine's name: pdn, key, xrcdn, cqn, srqn, qpn, UAR page; the first page of a DM, the id
	 * of a umem. None of an AH.
	 */
	uint32_t num;
	unsigned users;
	struct emu_object *uses[EMU_OBJECT_USES]; /* NULL-padded */
	uint64_t user_handle;                     /* what events carry: the program's cookie */
	void *map; /* of an MR: what it has mapped, NULL for nothing */
	size_t map_size;
	uint64_t length;           /* of an MR or a DM */
	uint64_t iova;             /* of an MR */
	struct emu_fw_object devx; /* of one made by command, in @file */
	struct emu_file *file;
	bool has_bfreg; /* of a QP: the kernel chose its register (bfreg.h) */
	uint32_t bfreg;
	struct emu_evfile *channel; /* of a CQ; a reference */
	struct emu_evfile *async;   /* of a CQ, SRQ or QP; a reference */
	atomic_uint comp_events;    /* written by the engine's callbacks */
	atomic_uint async_events;
};

struct emu_object_table {
	struct emu_object **slot;
	uint32_t size;
	uint32_t lowest; /* no slot below it is free */
};

/* A new object in the lowest free slot, using nothing yet; NULL without memory. */
struct emu_object *emu_object_new(struct emu_object_table *table, enum emu_object_type type);

/* Records that @obj uses @used (which may be NULL). */
void emu_object_use(struct emu_object *obj, struct emu_object *used);

/* Releases what it uses and frees it; the engine's object must be gone already. */
void emu_object_free(struct emu_object_table *table, struct emu_object *obj);

/* -ENOENT no such handle; -EINVAL an object of another type. */
int emu_object_find(const struct emu_object_table *table, enum emu_object_type type,
		    uint32_t handle, struct emu_object **out);

/* Frees all; the engine's device must be gone already. */
void emu_object_table_free(struct emu_object_table *table);

#endif
