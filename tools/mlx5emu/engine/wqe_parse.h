/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_WQE_PARSE_H
#define MLX5EMU_ENGINE_WQE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "prm.h"
#include "umr.h"

/*
 * The strict reader of work queue elements: bytes in, a checked description or one readable reason
 * out. Pure functions on memory, without any state, so that tests and fuzzers can call them.
 *
 * A send WQE in the ring (64-byte blocks; bytes wrap at the end of the ring, even within an inline
 * segment):
 *
 *	| ctrl 16 | raddr 16 | atomic 16 | data 16 or inline 4 + n, padded to 16 | ... |
 *	            write,read,  atomics    send, write: any number of either
 *	            atomics      only       read: data only; atomic: one data segment of 8 bytes
 *	| ctrl 16 | datagram 48 | data or inline | ... |	on a UD queue
 *	| ctrl 16 | xrc 16 | as above after ctrl |		on an XRC queue
 *	UMR requests: umr.h
 *
 * ds counts 16-byte units from ctrl to the end. Anything else is refused: hardware may tolerate
 * it, but code that relies on that is wrong. Three kinds of fault:
 *
 *	cannot be carried out			refused at every level of strictness
 *	can, but nobody may rely on it		named; refused unless the level is warn or off
 *	words in which libmlx5 or UCX leave	the same, but at the level pedantic alone
 *	bytes of an earlier WQE			(docs/mlx5emu-strict.md has the list)
 */

enum {
	EMU_WQE_ERROR_TEXT = 300,
	EMU_WQE_MAX_BYTES = EMU_MAX_DS * EMU_DS,
};

/* A send ring, and what its WQEs are held against. */
struct emu_wqe_ring {
	const uint8_t *bytes;
	uint32_t blocks; /* a power of two */
	uint32_t qpn;
	enum emu_qp_type type;
	bool infiniband; /* the port's link layer */
	enum emu_strict strict;
};

struct emu_wqe_error {
	enum emu_syndrome syndrome;    /* for the error completion */
	char text[EMU_WQE_ERROR_TEXT]; /* "QP 0x010001 WQE 5 WRITE: data[0].byte_count is 0, ..." */
};

struct emu_seg {
	uint64_t addr; /* of an inline segment: offset in emu_wqe.bytes */
	uint32_t length;
	uint32_t lkey;
	bool is_inline;
};

/* Where a datagram goes. */
struct emu_ud_av {
	uint32_t qpn, qkey;
	bool grh;      /* always, but on InfiniBand */
	uint16_t dlid; /* InfiniBand */
	uint8_t sl;
	uint32_t flow_label;
	uint8_t sgid_index, tclass, hop_limit;
	uint8_t dgid[16];
};

struct emu_wqe {
	enum emu_opcode opcode;
	uint8_t fence; /* fm of the control segment */
	bool signaled, solicited;
	uint16_t index; /* of its first block, free-running */
	uint16_t blocks;
	uint32_t imm; /* as it lies in the WQE */
	uint64_t raddr;
	uint32_t rkey;
	uint64_t compare, swap_add;
	struct emu_ud_av av; /* UD */
	uint32_t srqn;       /* XRC */
	struct emu_umr umr;  /* UMR */
	uint32_t length;     /* payload bytes */
	unsigned nseg;
	unsigned size; /* ds in bytes */
	struct emu_seg seg[EMU_MAX_DS];
	uint8_t bytes[EMU_WQE_MAX_BYTES]; /* the WQE, linear */
};

/*
 * Reads the WQE at @index, from where on @posted blocks belong to the device. 0, with @error's text
 * empty or the fault that the level lets pass; or -EINVAL with @error filled: @out is undefined then,
 * but out->blocks is the WQE's size as far as it can be told (at least 1).
 */
int emu_wqe_parse(const struct emu_wqe_ring *ring, uint16_t index, uint32_t posted,
		  struct emu_wqe *out, struct emu_wqe_error *error);

/* Copies @size bytes at block @index out of the ring, across its end if need be. */
void emu_wqe_linearise(const struct emu_wqe_ring *ring, uint16_t index, uint8_t *to, size_t size);

/* Copies out the WQE at @index, by its ds alone; of one without a ds its first block. The bytes. */
unsigned emu_wqe_copy(const struct emu_wqe_ring *ring, uint16_t index,
		      uint8_t to[EMU_WQE_MAX_BYTES]);

/* Blocks of the WQE at @index by its ds alone, at least 1; for flushing. @opcode may be NULL. */
uint16_t emu_wqe_blocks(const struct emu_wqe_ring *ring, uint16_t index, uint8_t *opcode);

static inline bool emu_opcode_has_raddr(unsigned opcode)
{
	return opcode == EMU_OP_WRITE || opcode == EMU_OP_WRITE_IMM || opcode == EMU_OP_READ ||
	       opcode == EMU_OP_ATOMIC_CS || opcode == EMU_OP_ATOMIC_FA;
}

static inline bool emu_opcode_has_imm(unsigned opcode)
{
	return opcode == EMU_OP_WRITE_IMM || opcode == EMU_OP_SEND_IMM;
}

/* In the place of an immediate. */
static inline bool emu_opcode_has_key(unsigned opcode)
{
	return opcode == EMU_OP_SEND_INVAL || opcode == EMU_OP_UMR;
}

static inline bool emu_opcode_is_atomic(unsigned opcode)
{
	return opcode == EMU_OP_ATOMIC_CS || opcode == EMU_OP_ATOMIC_FA;
}

const char *emu_opcode_name(unsigned opcode);

/* ---- receive ---- */

enum {
	EMU_RWQE_MAX_SEG = 32,
};

struct emu_rwqe {
	uint64_t length; /* room for this many bytes */
	unsigned nseg;
	struct emu_seg seg[EMU_RWQE_MAX_SEG];
};

/* Reads the receive WQE of @size bytes (a multiple of 16, at most 512). As emu_wqe_parse(). */
int emu_rwqe_parse(const uint8_t *wqe, uint32_t size, uint16_t index, uint32_t qpn,
		   struct emu_rwqe *out, struct emu_wqe_error *error);

#endif
