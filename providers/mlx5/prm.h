/* SPDX-License-Identifier: MIT */
/*
 * What an mlx5 device reads and writes: work queue elements, completions, records, registers.
 *
 * Sources: Mellanox Adapters Programmer's Reference Manual (PRM), the chapters on work queues, WQE
 * formats, completion queues and doorbells; where it is silent, rdma-core providers/mlx5.
 * tests/unit/mlx5 holds every layout here against <infiniband/mlx5dv.h>.
 *
 * Each segment of a WQE is two 64-bit words, because that is how it is stored: two neighbouring
 * 32-bit fields at once, the one with the lower address in the high half. A ring is only accessed
 * as such words (and by memcpy), so that copying it to BlueFlame aliases nothing.
 */
#ifndef BV_PROVIDERS_MLX5_PRM_H
#define BV_PROVIDERS_MLX5_PRM_H

#include <assert.h>
#include <stddef.h>

#include <bareverbs/hw/endian.h>

enum {
	PRM_WQEBB = 64, /* a send WQE takes whole basic blocks */
	PRM_DS = 16,    /* unit of a WQE's length, and size of a segment */
	PRM_WQEBB_DS = PRM_WQEBB / PRM_DS,
	PRM_SQ_WQEBB_MAX = 1 << 15, /* a 16-bit index names the block and tells laps apart */
	PRM_WQE_DS_MAX = 63,
};

struct prm_seg {
	bv_be64 w[2];
};

static_assert(sizeof(struct prm_seg) == PRM_DS, "segment");

/* Opcodes of send WQEs; a requester's completion repeats them. */
enum {
	PRM_OPCODE_WRITE = 0x08,
	PRM_OPCODE_WRITE_IMM = 0x09,
	PRM_OPCODE_SEND = 0x0a,
	PRM_OPCODE_SEND_IMM = 0x0b,
	PRM_OPCODE_READ = 0x10,
	PRM_OPCODE_COMPARE_SWAP = 0x11,
	PRM_OPCODE_FETCH_ADD = 0x12,
};

/* Byte fm_ce_se of the control segment. */
enum {
	PRM_CTRL_SOLICITED = 0x02,
	PRM_CTRL_CQ_UPDATE = 0x08, /* completion also when it succeeds */
	PRM_CTRL_FENCE = 0x80,     /* wait for reads and atomics before this one */
};

/*
 * Control segment: opcode modifier 31:24, index of the WQE's first block 23:8, opcode 7:0 | QPN
 * 31:8, length in units of PRM_DS 5:0 | signature 31:24, fm_ce_se 7:0 | immediate.
 */
static inline struct prm_seg prm_ctrl(uint16_t index, unsigned opcode, uint32_t qpn_shifted,
				      unsigned ds, uint32_t fm_ce_se, uint32_t imm)
{
	assert(ds >= 1 && ds <= PRM_WQE_DS_MAX && !(qpn_shifted & 0xff));
	return (struct prm_seg){ { bv_to_be32x2((uint32_t)index << 8 | opcode, qpn_shifted | ds),
				   bv_to_be32x2(fm_ce_se, imm) } };
}

static inline unsigned prm_ctrl_ds(const struct prm_seg *ctrl)
{
	return (unsigned)bv_from_be64(ctrl->w[0]) & PRM_WQE_DS_MAX;
}

/* Remote address segment: address | rkey | reserved. */
static inline struct prm_seg prm_raddr(uint64_t addr, uint32_t rkey)
{
	return (struct prm_seg){ { bv_to_be64(addr), bv_to_be32x2(rkey, 0) } };
}

/*
 * Atomic segment: what is stored or added | what is compared with (reserved if nothing is). Host order
 * of both sides is the device's business: it answers in ours where the driver reports atomics at all
 * (get_atomic_caps_qp() of the kernel's mlx5_ib: atomic_req_8B_endianness_mode).
 */
static inline struct prm_seg prm_atomic(uint64_t swap_add, uint64_t compare)
{
	return (struct prm_seg){ { bv_to_be64(swap_add), bv_to_be64(compare) } };
}

/* Data segment: length 30:0 | lkey | address. Length 0 would mean 2 GiB: leave empty ones out. */
static inline struct prm_seg prm_data(uint64_t addr, uint32_t length, uint32_t lkey)
{
	return (struct prm_seg){ { bv_to_be32x2(length, lkey), bv_to_be64(addr) } };
}

/* Ends the list of a receive WQE that has fewer data segments than places. */
static inline struct prm_seg prm_list_end(void)
{
	return prm_data(0, 0, 0x100);
}

/* Inline data: a 32-bit head, then the payload, padded to a whole segment. */
enum {
	PRM_INLINE_HEAD = 4,
};

static inline uint32_t prm_inline_head(uint32_t length)
{
	return 0x80000000u | length;
}

/* Segments that inline data takes; an empty payload takes none. */
static inline unsigned prm_inline_ds(size_t length)
{
	return length ? (unsigned)((PRM_INLINE_HEAD + length + PRM_DS - 1) / PRM_DS) : 0;
}

/* Words of a queue pair's doorbell record: free-running counts, 15:0. */
enum {
	PRM_DBREC_RECV = 0,
	PRM_DBREC_SEND = 1,
};

/*
 * A completion queue's record: consumer index; and what the queue was armed with: sequence number
 * 29:28, only for solicited ones 24, consumer index 23:0.
 */
enum {
	PRM_CQ_DBREC_CI = 0,
	PRM_CQ_DBREC_ARM = 1,
	PRM_CQ_CI_MASK = 0xffffff,
	PRM_CQ_ARM_SOLICITED = 1 << 24,
	PRM_CQ_ARM_SN_SHIFT = 28,
};

/* In the UAR page: arm word in the high half, CQN in the low one. */
#define PRM_UAR_CQ_ARM 0x20

/* op_own 7:4 */
enum {
	PRM_CQE_REQ = 0x0,
	PRM_CQE_RESP_WRITE_IMM = 0x1,
	PRM_CQE_RESP_SEND = 0x2,
	PRM_CQE_RESP_SEND_IMM = 0x3,
	PRM_CQE_REQ_ERR = 0xd,
	PRM_CQE_RESP_ERR = 0xe,
	PRM_CQE_INVALID = 0xf, /* never written yet */
};

/* op_own 3:0 */
enum {
	PRM_CQE_OWNER = 0x1, /* parity of the lap */
	PRM_CQE_SE = 0x2,
	PRM_CQE_SCATTER = 0xc,    /* one of the two: the payload is inside the completion; */
	PRM_CQE_SCATTER_32 = 0x4, /* in its first half */
	PRM_CQE_SCATTER_64 = 0x8, /* before it, where it is the second half of 128 bytes */
	PRM_CQE_COMPRESSED = 0xc, /* both: the title of a block */
};

enum {
	PRM_CQE_PAYLOAD = 32,
};

/*
 * A completion; the device writes all of it at once. What a requester needs is in @tail, so that
 * one load both decides and delivers.
 */
struct prm_cqe {
	uint8_t rsvd0[32];
	bv_be32 uidx;
	bv_be32 imm;
	uint8_t app[4];
	bv_be32 byte_cnt;
	bv_be64 stamp; /* time stamp; of an error: vendor syndrome 15:8, syndrome 7:0 */
	bv_be64 tail; /* WQE opcode 63:56, QPN 55:32, WQE index 31:16, signature 15:8, op_own 7:0 */
};

/*
 * What entries of a compressed block do not have in common. The first eight are in the entry behind the
 * title, and every eight more in the entry that would be the first of them.
 */
struct prm_mini_cqe {
	uint8_t rsvd0[4]; /* of receives: a hash, or a checksum */
	bv_be32 byte_cnt;
};

enum {
	PRM_MINIS = 8,
};

static_assert(sizeof(struct prm_mini_cqe) * PRM_MINIS == sizeof(struct prm_cqe),
	      "mini completions");
static_assert(sizeof(struct prm_cqe) == 64, "completion");
static_assert(offsetof(struct prm_cqe, imm) == 36, "completion");
static_assert(offsetof(struct prm_cqe, byte_cnt) == 44, "completion");
static_assert(offsetof(struct prm_cqe, tail) == 56, "completion");

static inline unsigned prm_tail_wqe_opcode(uint64_t tail)
{
	return (unsigned)(tail >> 56);
}

static inline uint16_t prm_tail_wqe_index(uint64_t tail)
{
	return (uint16_t)(tail >> 16);
}

static inline uint8_t prm_tail_op_own(uint64_t tail)
{
	return (uint8_t)tail;
}

/* Syndromes of completions with error. */
enum {
	PRM_SYNDROME_LOCAL_LENGTH = 0x01,
	PRM_SYNDROME_LOCAL_QP_OPERATION = 0x02,
	PRM_SYNDROME_LOCAL_PROTECTION = 0x04,
	PRM_SYNDROME_FLUSH = 0x05,
	PRM_SYNDROME_MW_BIND = 0x06,
	PRM_SYNDROME_BAD_RESPONSE = 0x10,
	PRM_SYNDROME_LOCAL_ACCESS = 0x11,
	PRM_SYNDROME_REMOTE_INVALID_REQUEST = 0x12,
	PRM_SYNDROME_REMOTE_ACCESS = 0x13,
	PRM_SYNDROME_REMOTE_OPERATION = 0x14,
	PRM_SYNDROME_RETRY_EXCEEDED = 0x15,
	PRM_SYNDROME_RNR_RETRY_EXCEEDED = 0x16,
	PRM_SYNDROME_REMOTE_ABORTED = 0x22,
};

#endif
