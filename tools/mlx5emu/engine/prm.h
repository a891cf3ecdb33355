/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_PRM_H
#define MLX5EMU_ENGINE_PRM_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Layouts of the mlx5 device interface as the *device* reads them: Mellanox Adapters Programmer's
 * Reference Manual (PRM), "Work Request Formats" and "Completion Queue Entry"; numbers that the PRM
 * leaves open follow rdma-core providers/mlx5 (wqe.h, mlx5dv.h, cq.c).
 *
 * Deliberately not shared with providers/mlx5: two independent readings check each other. Every
 * multi-byte field is big-endian in memory, hence its own type.
 */

typedef struct {
	uint16_t be;
} emu_be16;

typedef struct {
	uint32_t be;
} emu_be32;

typedef struct {
	uint64_t be;
} emu_be64;

static inline uint16_t emu_get16(emu_be16 v)
{
	return be16toh(v.be);
}

static inline uint32_t emu_get32(emu_be32 v)
{
	return be32toh(v.be);
}

static inline uint64_t emu_get64(emu_be64 v)
{
	return be64toh(v.be);
}

static inline emu_be16 emu_put16(uint16_t v)
{
	return (emu_be16){ htobe16(v) };
}

static inline emu_be32 emu_put32(uint32_t v)
{
	return (emu_be32){ htobe32(v) };
}

static inline emu_be64 emu_put64(uint64_t v)
{
	return (emu_be64){ htobe64(v) };
}

/* ---- work queue elements ---- */

enum {
	EMU_WQEBB = 64, /* a send WQE takes whole 64-byte basic blocks */
	EMU_DS = 16,    /* and is measured in 16-byte units */
	EMU_MAX_DS = 63,
};

enum emu_opcode { /* PRM "WQE opcodes" */
		  EMU_OP_NOP = 0x00,
		  EMU_OP_SEND_INVAL = 0x01,
		  EMU_OP_WRITE = 0x08,
		  EMU_OP_WRITE_IMM = 0x09,
		  EMU_OP_SEND = 0x0a,
		  EMU_OP_SEND_IMM = 0x0b,
		  EMU_OP_READ = 0x10,
		  EMU_OP_ATOMIC_CS = 0x11,
		  EMU_OP_ATOMIC_FA = 0x12,
		  EMU_OP_UMR = 0x25,
};

struct emu_ctrl_seg {
	emu_be32 opmod_idx_opcode; /* opmod 31:24, wqe index 23:8, opcode 7:0 */
	emu_be32 qpn_ds;           /* qpn 31:8, reserved 7:6, ds 5:0 */
	uint8_t signature;         /* where the queue has them, which is not offered */
	uint8_t stream[2];         /* DC initiators only */
	uint8_t fm_ce_se;          /* fm 7:5, reserved 4, ce 3:2, se 1, reserved 0 */
	emu_be32 imm;
};
static_assert(sizeof(struct emu_ctrl_seg) == EMU_DS, "PRM control segment");
static_assert(offsetof(struct emu_ctrl_seg, fm_ce_se) == 11, "PRM control segment");

enum {
	EMU_CTRL_FM_SHIFT = 5,
	EMU_FM_NONE = 0,
	EMU_FM_SMALL_FENCE = 1,  /* after local (UMR) work: always true here */
	EMU_FM_FENCE_ALL = 2,    /* after all earlier work of this queue */
	EMU_FM_STRONG_ORDER = 3, /* the same, as far as an observer can tell */
	EMU_FM_FENCE = 4,        /* after earlier reads and atomics (IBV_SEND_FENCE) */
	EMU_CTRL_CE_SHIFT = 2,
	EMU_CE_ON_ERROR = 0,
	EMU_CE_CQE = 2,
	EMU_CE_CQE_AND_EQE = 3,
	EMU_CTRL_SE = 1 << 1,
	EMU_CTRL_RESERVED = 0x11,
};

struct emu_av_seg { /* PRM "datagram segment": address vector and Q_Key of one send on UD */
	emu_be32 qkey;
	emu_be32 reserved4;
	emu_be32 dqp_dct; /* extended AV 31, reserved 30:24, destination qpn 23:0 */
	uint8_t stat_rate_sl;
	uint8_t fl_mlid;
	emu_be16 rlid; /* InfiniBand: the destination; RoCE v2: the UDP source port */
	uint8_t reserved16[4];
	uint8_t rmac[6];
	uint8_t tclass;
	uint8_t hop_limit;
	emu_be32 grh_gid_fl; /* GRH 30 on InfiniBand, reserved 31:28, source GID index 27:20, flow label 19:0 */
	uint8_t rgid[16];
};
static_assert(sizeof(struct emu_av_seg) == 48, "PRM datagram segment");

enum {
	EMU_AV_EXTENDED = INT32_MIN, /* bit 31 of dqp_dct: all 48 bytes, not the first 16 alone */
	EMU_AV_QPN = 0xffffff,
	EMU_AV_GRH = 1 << 30,       /* of grh_gid_fl, InfiniBand */
	EMU_QKEY_OF_QP = INT32_MIN, /* bit 31: the queue's own Q_Key (IBA vol 1 section 10.2.5) */
};

struct emu_xrc_seg {   /* PRM "XRC segment" */
	emu_be32 srqn; /* reserved 31:24 */
	uint8_t reserved[12];
};
static_assert(sizeof(struct emu_xrc_seg) == EMU_DS, "PRM XRC segment");

struct emu_raddr_seg {
	emu_be64 raddr;
	emu_be32 rkey;
	emu_be32 reserved;
};
static_assert(sizeof(struct emu_raddr_seg) == EMU_DS, "PRM remote address segment");

struct emu_atomic_seg {
	emu_be64 swap_add;
	emu_be64 compare;
};
static_assert(sizeof(struct emu_atomic_seg) == EMU_DS, "PRM atomic segment");

struct emu_data_seg {
	emu_be32 byte_count; /* bit 31 clear; 0 stands for 2^31 bytes */
	emu_be32 lkey;
	emu_be64 addr;
};
static_assert(sizeof(struct emu_data_seg) == EMU_DS, "PRM data segment");

struct emu_umr_ctrl_seg { /* PRM "UMR control segment" */
	uint8_t flags;
	uint8_t reserved1[3];
	emu_be16 klm_octowords;
	emu_be16 translation_offset;
	emu_be64 mkey_mask;
	uint8_t reserved16[32];
};
static_assert(sizeof(struct emu_umr_ctrl_seg) == 48, "PRM UMR control segment");

enum {
	EMU_UMR_CHECK_QPN = 1 << 3,
	EMU_UMR_OFFSET = 1 << 4, /* the list takes the place of what begins at translation_offset */
	EMU_UMR_CHECK_FREE = 1 << 5,
	EMU_UMR_INLINE = 1 << 7,
	EMU_UMR_FLAGS = EMU_UMR_CHECK_QPN | EMU_UMR_OFFSET | EMU_UMR_CHECK_FREE | EMU_UMR_INLINE,
	EMU_UMR_MASK_LEN = 1 << 0,
	EMU_UMR_MASK_START = 1 << 6,
	EMU_UMR_MASK_MKEY = 1 << 13,
	EMU_UMR_MASK_QPN = 1 << 14,
	EMU_UMR_MASK_LW = 1 << 18,
	EMU_UMR_MASK_RR = 1 << 19,
	EMU_UMR_MASK_RW = 1 << 20,
	EMU_UMR_MASK_A = 1 << 21,
	EMU_UMR_MASK_FREE = 1 << 29,
	EMU_UMR_MASKS = EMU_UMR_MASK_LEN | EMU_UMR_MASK_START | EMU_UMR_MASK_MKEY |
			EMU_UMR_MASK_QPN | EMU_UMR_MASK_LW | EMU_UMR_MASK_RR | EMU_UMR_MASK_RW |
			EMU_UMR_MASK_A | EMU_UMR_MASK_FREE,
};

/* A list that begins with this key is a repeat block (rdma-core's mlx5_wqe_umr_repeat_block_seg). */
enum { EMU_UMR_REPEAT = 0x400 };

/* PRM "mkey context" in a UMR; fields that no mask names keep what an earlier WQE left there. */
struct emu_mkey_seg {
	uint8_t free; /* bit 6 */
	uint8_t reserved1;
	uint8_t access_flags;
	uint8_t sf;
	emu_be32 qpn_mkey; /* qpn 31:8, lowest byte of the key 7:0 */
	emu_be32 reserved8;
	emu_be32 flags_pd;
	emu_be64 start_addr;
	emu_be64 len;
	uint8_t rest[32];
};
static_assert(sizeof(struct emu_mkey_seg) == 64, "PRM mkey context segment");

enum {
	EMU_MKEY_SEG_FREE = 1 << 6,
	EMU_MKEY_SEG_LW = 1 << 3,
	EMU_MKEY_SEG_RR = 1 << 4,
	EMU_MKEY_SEG_RW = 1 << 5,
	EMU_MKEY_SEG_A = 1 << 6,
};

struct emu_srq_next_seg { /* PRM "next segment": the first of each WQE of a linked-list queue */
	emu_be16 reserved0;
	emu_be16 next_wqe_index;
	uint8_t signature;
	uint8_t reserved5[11];
};
static_assert(sizeof(struct emu_srq_next_seg) == EMU_DS, "PRM next segment");

enum {
	EMU_INLINE_FLAG = INT32_MIN, /* bit 31 of byte_count: data follows in the WQE */
	EMU_INLINE_HEADER = 4,
	EMU_TERMINATOR_LKEY = 0x100, /* ends a receive scatter list (MLX5_INVALID_LKEY) */
};

/* ---- completion queue entries ---- */

enum emu_cqe_opcode { /* PRM "CQE opcode", op_own bits 7:4 */
		      EMU_CQE_REQ = 0x0,
		      EMU_CQE_RESP_WRITE_IMM = 0x1,
		      EMU_CQE_RESP_SEND = 0x2,
		      EMU_CQE_RESP_SEND_IMM = 0x3,
		      EMU_CQE_RESP_SEND_INV = 0x4,
		      EMU_CQE_RESIZE = 0x5,
		      EMU_CQE_REQ_ERR = 0xd,
		      EMU_CQE_RESP_ERR = 0xe,
};

enum emu_roce_type { /* of flags_rqpn; kernel: MLX5_CQE_ROCE_L3_HEADER_TYPE_* */
		     EMU_ROCE_V1,
		     EMU_ROCE_V2_IPV6,
		     EMU_ROCE_V2_IPV4,
};

enum {
	EMU_CQE_GRH_SHIFT = 28,
	EMU_CQE_ROCE_SHIFT = 24,
	EMU_CQE_OPCODE_SHIFT = 4,
	EMU_CQE_SE = 1 << 1,
	EMU_CQE_SCATTER_32 = 1 << 2, /* payload in the first half of the entry's last 64 bytes */
	EMU_CQE_SCATTER_64 = 1 << 3, /* payload in the first half of an entry of 128 */
	EMU_CQE_COMPRESSED = 3 << 2, /* both: the title of a block */
	EMU_CQE_SCATTER_MAX = 64,
};

struct emu_cqe64 {
	uint8_t reserved0[22];
	emu_be16 slid; /* UD on InfiniBand */
	emu_be32 flags_rqpn; /* UD: GRH present 29:28, RoCE type 25:24 (InfiniBand: SL 27:24), source qpn 23:0 */
	uint8_t reserved28[4];
	emu_be32 srqn_uidx;
	emu_be32 imm;
	uint8_t reserved40[4];
	emu_be32 byte_cnt;
	emu_be64 timestamp;
	emu_be32 sop_drop_qpn; /* WQE opcode 31:24, qpn 23:0 */
	emu_be16 wqe_counter;
	uint8_t signature;
	uint8_t op_own;
};
static_assert(sizeof(struct emu_cqe64) == 64, "PRM CQE");
static_assert(offsetof(struct emu_cqe64, srqn_uidx) == 32, "PRM CQE");
static_assert(offsetof(struct emu_cqe64, timestamp) == 48, "PRM CQE");
static_assert(offsetof(struct emu_cqe64, op_own) == 63, "PRM CQE");

struct emu_mini_cqe {         /* PRM "mini CQE": what entries of a block do not have in common */
	emu_be16 wqe_counter; /* of a requester; else these four bytes are a hash, or a checksum */
	uint8_t s_wqe_opcode;
	uint8_t reserved3;
	emu_be32 byte_cnt;
};
static_assert(sizeof(struct emu_mini_cqe) == 8, "PRM mini CQE");

enum {
	EMU_MINIS = 8, /* of an entry */
};

struct emu_err_cqe64 {
	uint8_t reserved0[32];
	emu_be32 srqn_uidx;
	uint8_t reserved36[18];
	uint8_t vendor_syndrome;
	uint8_t syndrome;
	emu_be32 opcode_qpn;
	emu_be16 wqe_counter;
	uint8_t signature;
	uint8_t op_own;
};
static_assert(sizeof(struct emu_err_cqe64) == 64, "PRM error CQE");
static_assert(offsetof(struct emu_err_cqe64, syndrome) == 55, "PRM error CQE");

enum emu_syndrome { /* PRM "error syndromes" */
		    EMU_SYN_NONE = 0,
		    EMU_SYN_LOCAL_LENGTH = 0x01,
		    EMU_SYN_LOCAL_QP_OPERATION = 0x02,
		    EMU_SYN_LOCAL_PROTECTION = 0x04,
		    EMU_SYN_FLUSH = 0x05,
		    EMU_SYN_MW_BIND = 0x06,
		    EMU_SYN_BAD_RESPONSE = 0x10,
		    EMU_SYN_REMOTE_INVALID_REQUEST = 0x12,
		    EMU_SYN_REMOTE_ACCESS = 0x13,
		    EMU_SYN_REMOTE_OPERATION = 0x14,
		    EMU_SYN_RETRY_EXCEEDED = 0x15,
		    EMU_SYN_RNR_RETRY_EXCEEDED = 0x16,
};

/* ---- doorbells ---- */

enum {
	EMU_DBREC_RQ = 0, /* words of a QP's doorbell record */
	EMU_DBREC_SQ = 1,
	EMU_DBREC_CQ_CI = 0, /* words of a CQ's doorbell record */
	EMU_DBREC_CQ_ARM = 1,
	EMU_UAR_CQ_ARM = 0x20,     /* offsets in a UAR page */
	EMU_UAR_BLUEFLAME = 0x800, /* four slots: two registers with two halves each */
	EMU_UAR_SLOT = 0x100,
	EMU_UAR_SLOTS = 4,
	EMU_CQ_CI_MASK = 0xffffff,
	EMU_CQ_ARM_SOLICITED = 1 << 24,
};

#endif
