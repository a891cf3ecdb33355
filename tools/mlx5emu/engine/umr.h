/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_UMR_H
#define MLX5EMU_ENGINE_UMR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine.h"
#include "prm.h"

/*
 * A UMR request ("user memory region update"): it changes an indirect key from the send queue. Memory
 * windows are bound and keys invalidated by it (rdma-core providers/mlx5/qp.c, set_bind_wr()).
 *
 *	| ctrl 16, imm: the key | UMR ctrl 48 | key context 64 | list, 16 a range, in units of 64 |
 *							or | data segment 16: where the list is |
 */
enum {
	EMU_UMR_MAX_INLINE = (EMU_MAX_DS * EMU_DS - 16 - 48 - 64) / 16,
};

struct emu_umr {
	uint32_t key;
	uint8_t flags; /* EMU_UMR_* */
	uint64_t mask; /* EMU_UMR_MASK_*: which of these change */
	bool free;
	uint8_t variant;
	uint32_t qpn, access;
	uint64_t start, length;
	bool has_list;
	uint32_t nranges; /* with EMU_UMR_INLINE in @range, else at @list_addr under @list_key */
	uint64_t list_addr;
	uint32_t list_key;
	struct emu_key_range range[EMU_UMR_MAX_INLINE];
};

struct emu_pd;
struct emu_qp;

/* A range as it lies in a list; an empty one is padding. */
static inline void emu_umr_range(const uint8_t bytes[16], struct emu_key_range *range)
{
	struct emu_data_seg klm; /* the same layout, without the inline bit */

	memcpy(&klm, bytes, sizeof(klm));
	*range = (struct emu_key_range){
		.va = emu_get64(klm.addr),
		.length = emu_get32(klm.byte_count),
		.key = emu_get32(klm.lkey),
	};
}

/* Carries it out for a queue pair. NULL, or the rule against it (a constant string). */
const char *emu_umr_execute(const struct emu_qp *qp, const struct emu_umr *umr);

/*
 * What a peer asks with a send that invalidates (IBA vol 1 section 9.4.1.1, 10.6.5); @pd: whose keys the
 * responder's are. As above.
 */
const char *emu_invalidate(const struct emu_qp *qp, const struct emu_pd *pd, uint32_t key);

#endif
