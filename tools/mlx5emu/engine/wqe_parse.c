/* SPDX-License-Identifier: MIT */
#include "wqe_parse.h"
#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where a parse stands: the linear bytes, the position in it, and whose error it would be. */
struct cursor {
	struct emu_wqe *wqe;
	struct emu_wqe_error *error;
	const struct emu_wqe_ring *ring;
	unsigned at, end; /* bytes */
};

const char *emu_opcode_name(unsigned opcode)
{
	switch (opcode) {
	case EMU_OP_NOP:
		return "NOP";
	case EMU_OP_SEND_INVAL:
		return "SEND_INVAL";
	case EMU_OP_UMR:
		return "UMR";
	case EMU_OP_WRITE:
		return "WRITE";
	case EMU_OP_WRITE_IMM:
		return "WRITE_IMM";
	case EMU_OP_SEND:
		return "SEND";
	case EMU_OP_SEND_IMM:
		return "SEND_IMM";
	case EMU_OP_READ:
		return "READ";
	case EMU_OP_ATOMIC_CS:
		return "ATOMIC_CS";
	case EMU_OP_ATOMIC_FA:
		return "ATOMIC_FA";
	default:
		return "?";
	}
}

/* The one way to refuse: names the field, what it is, and what it should be. */
static int refuse(const struct cursor *c, enum emu_syndrome syndrome, const char *field,
		  uint64_t found, const char *expected)
{
	c->error->syndrome = syndrome;
	snprintf(c->error->text, sizeof(c->error->text),
		 "QP 0x%06x WQE %u %s: %s is 0x%" PRIx64 ", expected %s", c->ring->qpn,
		 c->wqe->index, emu_opcode_name(c->wqe->opcode), field, found, expected);
	return -EINVAL;
}

static int refuse_operation(const struct cursor *c, const char *field, uint64_t found,
			    const char *expected)
{
	return refuse(c, EMU_SYN_LOCAL_QP_OPERATION, field, found, expected);
}

/* What silicon would not notice: the first such fault is named, and refused where the level asks. */
static int object(const struct cursor *c, const char *field, uint64_t found, const char *expected)
{
	struct cursor passing = *c;
	struct emu_wqe_error error;

	if (c->ring->strict == EMU_STRICT_OFF)
		return 0;
	if (emu_strict_refuses(c->ring->strict))
		return refuse_operation(c, field, found, expected);
	if (c->error->text[0])
		passing.error = &error;
	refuse_operation(&passing, field, found, expected);
	return 0;
}

/* Where a library leaves bytes of an earlier WQE. */
static int object_to_leftover(const struct cursor *c, const char *field, uint64_t found)
{
	return found && c->ring->strict == EMU_STRICT_PEDANTIC ? object(c, field, found, "0") : 0;
}

void emu_wqe_linearise(const struct emu_wqe_ring *ring, uint16_t index, uint8_t *to, size_t size)
{
	const size_t start = (size_t)(index & (ring->blocks - 1)) * EMU_WQEBB;
	const size_t room = (size_t)ring->blocks * EMU_WQEBB - start;
	const size_t first = size < room ? size : room;

	memcpy(to, ring->bytes + start, first);
	memcpy(to + first, ring->bytes, size - first);
}

static uint16_t blocks_of(unsigned ds)
{
	const unsigned per_block = EMU_WQEBB / EMU_DS;

	return ds == 0 ? 1 : (uint16_t)((ds + per_block - 1) / per_block);
}

unsigned emu_wqe_copy(const struct emu_wqe_ring *ring, uint16_t index,
		      uint8_t to[EMU_WQE_MAX_BYTES])
{
	const size_t whole = (size_t)ring->blocks * EMU_WQEBB;
	struct emu_ctrl_seg ctrl;
	size_t size;

	emu_wqe_linearise(ring, index, (uint8_t *)&ctrl, sizeof(ctrl));
	size = (emu_get32(ctrl.qpn_ds) & EMU_MAX_DS) * (size_t)EMU_DS;
	if (size == 0)
		size = EMU_WQEBB;
	if (size > whole)
		size = whole;
	emu_wqe_linearise(ring, index, to, size);
	return (unsigned)size;
}

uint16_t emu_wqe_blocks(const struct emu_wqe_ring *ring, uint16_t index, uint8_t *opcode)
{
	struct emu_ctrl_seg ctrl;

	emu_wqe_linearise(ring, index, (uint8_t *)&ctrl, sizeof(ctrl));
	if (opcode)
		*opcode = (uint8_t)emu_get32(ctrl.opmod_idx_opcode);
	return blocks_of(emu_get32(ctrl.qpn_ds) & EMU_MAX_DS);
}

/* IBA vol 1 section 9.1, table 34: reads and atomics need an answer, datagrams have no memory. */
static bool carries(enum emu_qp_type type, unsigned opcode)
{
	static const uint64_t one = 1, keys = one << EMU_OP_UMR,
			      invalidates = one << EMU_OP_SEND_INVAL;
	enum {
		SENDS = 1 << EMU_OP_NOP | 1 << EMU_OP_SEND | 1 << EMU_OP_SEND_IMM,
		WRITES = 1 << EMU_OP_WRITE | 1 << EMU_OP_WRITE_IMM,
		READS = 1 << EMU_OP_READ | 1 << EMU_OP_ATOMIC_CS | 1 << EMU_OP_ATOMIC_FA,
	};
	uint64_t opcodes = SENDS;

	if (type != EMU_QPT_UD)
		opcodes |= WRITES | keys;
	if (type != EMU_QPT_UD && type != EMU_QPT_UC)
		opcodes |= READS | invalidates;
	return opcode < 64 && (opcodes & one << opcode);
}

/* fm, ce, se and the reserved bits beside them. */
static int parse_flags(const struct cursor *c, const struct emu_ctrl_seg *ctrl)
{
	const unsigned flags = ctrl->fm_ce_se;
	const unsigned ce = flags >> EMU_CTRL_CE_SHIFT & 3;
	int rc = 0;

	if (flags & EMU_CTRL_RESERVED)
		rc = object(c, "ctrl.fm_ce_se", flags, "bits 0 and 4 clear");
	if (rc == 0 && flags >> EMU_CTRL_FM_SHIFT > EMU_FM_FENCE)
		rc = object(c, "ctrl.fm", flags >> EMU_CTRL_FM_SHIFT, "0..4");
	if (rc == 0 && ce != EMU_CE_ON_ERROR && ce != EMU_CE_CQE && ce != EMU_CE_CQE_AND_EQE)
		rc = object(c, "ctrl.ce", ce, "0, 2 or 3");
	if (rc < 0)
		return rc;
	c->wqe->fence = (uint8_t)(flags >> EMU_CTRL_FM_SHIFT);
	c->wqe->signaled = ce != EMU_CE_ON_ERROR;
	c->wqe->solicited = flags & EMU_CTRL_SE;
	return 0;
}

/* What silicon has no use for in the control segment of these queues. */
static int parse_unused(const struct cursor *c, const struct emu_ctrl_seg *ctrl)
{
	const unsigned stream = (unsigned)ctrl->stream[0] << 8 | ctrl->stream[1];
	const uint32_t word = emu_get32(ctrl->opmod_idx_opcode), qpn_ds = emu_get32(ctrl->qpn_ds);
	int rc = 0;

	if ((word >> 8 & 0xffff) != c->wqe->index)
		rc = object(c, "ctrl.wqe_index", word >> 8 & 0xffff,
			    "the WQE's position in the queue");
	if (rc == 0 && (qpn_ds & 0xc0))
		rc = object(c, "ctrl.qpn_ds bits 7:6", qpn_ds >> 6 & 3, "0, ds has 6 bits");
	if (rc == 0)
		rc = object_to_leftover(c, "ctrl.signature", ctrl->signature);
	if (rc == 0)
		rc = object_to_leftover(c, "ctrl.dci_stream", stream);
	if (rc == 0 && !emu_opcode_has_imm(word & 0xff) && !emu_opcode_has_key(word & 0xff))
		rc = object_to_leftover(c, "ctrl.imm", emu_get32(ctrl->imm));
	return rc;
}

static int parse_ctrl(struct cursor *c, uint32_t posted)
{
	struct emu_ctrl_seg ctrl;
	uint32_t word, qpn_ds;
	int rc;

	memcpy(&ctrl, c->wqe->bytes, sizeof(ctrl));
	word = emu_get32(ctrl.opmod_idx_opcode);
	qpn_ds = emu_get32(ctrl.qpn_ds);
	c->wqe->opcode = (enum emu_opcode)(word & 0xff);
	c->wqe->blocks = blocks_of(qpn_ds & EMU_MAX_DS);
	c->wqe->imm = ctrl.imm.be;
	c->at = sizeof(ctrl);
	c->end = (qpn_ds & EMU_MAX_DS) * EMU_DS;
	if (!carries(c->ring->type, word & 0xff))
		return refuse_operation(c, "ctrl.opcode", word & 0xff,
					"an opcode of the queue's transport");
	if (word >> 24)
		return refuse_operation(c, "ctrl.opmod", word >> 24, "0");
	if (qpn_ds >> 8 != c->ring->qpn)
		return refuse_operation(c, "ctrl.qpn", qpn_ds >> 8, "the queue's own number");
	if ((qpn_ds & EMU_MAX_DS) == 0)
		return refuse_operation(c, "ctrl.ds", 0, "1..63");
	if (c->wqe->blocks > posted)
		return refuse_operation(c, "ctrl.ds", qpn_ds & EMU_MAX_DS,
					"no more than the doorbell record has posted");
	rc = parse_unused(c, &ctrl);
	return rc < 0 ? rc : parse_flags(c, &ctrl);
}

static int take(struct cursor *c, void *segment, unsigned size, const char *name)
{
	if (c->end - c->at < size)
		return refuse_operation(c, "ctrl.ds", c->end / EMU_DS, name);
	memcpy(segment, c->wqe->bytes + c->at, size);
	c->at += size;
	return 0;
}

static int parse_raddr(struct cursor *c)
{
	struct emu_raddr_seg seg;
	int rc = take(c, &seg, sizeof(seg), "room for the remote address segment");

	if (rc < 0)
		return rc;
	c->wqe->raddr = emu_get64(seg.raddr);
	c->wqe->rkey = emu_get32(seg.rkey);
	return object_to_leftover(c, "raddr.reserved", emu_get32(seg.reserved));
}

static bool all_zero(const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Who it goes to, without which nothing can leave. */
static int check_destination(const struct cursor *c, const struct emu_av_seg *seg)
{
	const uint32_t dqp = emu_get32(seg->dqp_dct);

	if (!(dqp & (uint32_t)EMU_AV_EXTENDED))
		return refuse_operation(c, "av.dqp_dct", dqp, "bit 31 set, for an extended AV");
	if (c->ring->infiniband)
		return emu_get16(seg->rlid) ?
			       0 :
			       refuse_operation(c, "av.rlid", 0, "the LID of the peer's port");
	if (all_zero(seg->rmac, sizeof(seg->rmac)))
		return refuse_operation(c, "av.rmac", 0, "the peer's Ethernet address");
	return 0;
}

static int check_datagram(const struct cursor *c, const struct emu_av_seg *seg)
{
	const uint32_t dqp = emu_get32(seg->dqp_dct), grh = emu_get32(seg->grh_gid_fl);
	const uint32_t reserved = c->ring->infiniband ? grh & ~(uint32_t)EMU_AV_GRH : grh;
	int rc = check_destination(c, seg);

	if (rc < 0)
		return rc;
	if (dqp & ~(uint32_t)(EMU_AV_EXTENDED | EMU_AV_QPN))
		rc = object(c, "av.dqp_dct", dqp, "bits 30:24 clear");
	if (rc == 0 && reserved >> 28)
		rc = object(c, "av.grh_gid_fl", grh,
			    c->ring->infiniband ? "bits 31 and 29:28 clear" :
						  "bits 31:28 clear on RoCE");
	if (rc == 0 && !c->ring->infiniband && seg->fl_mlid)
		rc = object(c, "av.fl_mlid", seg->fl_mlid, "0 on RoCE");
	/* Ethernet has eight priorities (in libmlx5: mlx5_create_ah()) */
	if (rc == 0 && !c->ring->infiniband && (seg->stat_rate_sl & 1))
		rc = object(c, "av.stat_rate_sl", seg->stat_rate_sl, "bit 0 clear on RoCE");
	if (rc == 0)
		rc = object_to_leftover(c, "av.reserved[1]", emu_get32(seg->reserved4));
	if (rc == 0 && !all_zero(seg->reserved16, sizeof(seg->reserved16)))
		rc = object_to_leftover(c, "av.reserved[4]", 1);
	return rc;
}

static int parse_datagram(struct cursor *c)
{
	struct emu_av_seg seg;
	struct emu_ud_av *av = &c->wqe->av;
	int rc = take(c, &seg, sizeof(seg), "room for the datagram segment");

	if (rc == 0)
		rc = check_datagram(c, &seg);
	if (rc < 0)
		return rc;
	*av = (struct emu_ud_av){
		.qpn = emu_get32(seg.dqp_dct) & EMU_AV_QPN,
		.qkey = emu_get32(seg.qkey),
		.grh = !c->ring->infiniband || (emu_get32(seg.grh_gid_fl) & EMU_AV_GRH),
		.dlid = c->ring->infiniband ? emu_get16(seg.rlid) : 0,
		.sl = seg.stat_rate_sl & 0xf,
		.flow_label = emu_get32(seg.grh_gid_fl) & 0xfffff,
		.sgid_index = (uint8_t)(emu_get32(seg.grh_gid_fl) >> 20),
		.tclass = seg.tclass,
		.hop_limit = seg.hop_limit,
	};
	memcpy(av->dgid, seg.rgid, sizeof(av->dgid));
	return 0;
}

static int parse_xrc(struct cursor *c)
{
	struct emu_xrc_seg seg;
	int rc = take(c, &seg, sizeof(seg), "room for the XRC segment");

	if (rc < 0)
		return rc;
	c->wqe->srqn = emu_get32(seg.srqn);
	if (c->wqe->srqn >> 24)
		return refuse_operation(c, "xrc.srqn", c->wqe->srqn, "24 bits");
	if (all_zero(seg.reserved, sizeof(seg.reserved)))
		return 0;
	return object_to_leftover(c, "xrc.reserved", 1);
}

static int parse_atomic(struct cursor *c)
{
	struct emu_atomic_seg seg;
	int rc = take(c, &seg, sizeof(seg), "room for the atomic segment");

	if (rc < 0)
		return rc;
	c->wqe->swap_add = emu_get64(seg.swap_add);
	c->wqe->compare = emu_get64(seg.compare);
	if (c->wqe->opcode == EMU_OP_ATOMIC_FA)
		return object_to_leftover(c, "atomic.compare", c->wqe->compare);
	return 0;
}

static int parse_inline(struct cursor *c, uint32_t length)
{
	struct emu_seg *seg = &c->wqe->seg[c->wqe->nseg];
	const unsigned padded = (EMU_INLINE_HEADER + length + EMU_DS - 1) / EMU_DS * EMU_DS;

	if (c->wqe->opcode == EMU_OP_READ || emu_opcode_is_atomic(c->wqe->opcode))
		return refuse_operation(c, "inline.byte_count", length,
					"a data segment, the operation writes to it");
	if (length > EMU_WQE_MAX_BYTES || padded > c->end - c->at)
		return refuse_operation(c, "inline.byte_count", length,
					"no more than ds has room for");
	*seg = (struct emu_seg){
		.addr = c->at + EMU_INLINE_HEADER,
		.length = length,
		.is_inline = true,
	};
	c->at += padded;
	return 0;
}

static int parse_segment(struct cursor *c)
{
	struct emu_seg *seg = &c->wqe->seg[c->wqe->nseg];
	struct emu_data_seg data;
	uint32_t count;
	int rc;

	memcpy(&data, c->wqe->bytes + c->at, sizeof(data));
	count = emu_get32(data.byte_count);
	if (count & (uint32_t)EMU_INLINE_FLAG) {
		rc = parse_inline(c, count & ~(uint32_t)EMU_INLINE_FLAG);
		if (rc < 0)
			return rc;
	} else {
		if (count == 0)
			return refuse(c, EMU_SYN_LOCAL_LENGTH, "data.byte_count", 0,
				      "1.. (0 stands for 2^31 bytes)");
		*seg = (struct emu_seg){
			.addr = emu_get64(data.addr),
			.length = count,
			.lkey = emu_get32(data.lkey),
		};
		c->at += sizeof(data);
	}
	if (seg->length > EMU_MAX_MSG - c->wqe->length)
		return refuse(c, EMU_SYN_LOCAL_LENGTH, "sum of byte counts",
			      (uint64_t)c->wqe->length + seg->length, "at most 2^30");
	c->wqe->length += seg->length;
	c->wqe->nseg++;
	return 0;
}

/* An atomic brings back eight bytes, to one place. */
static int check_atomic(const struct cursor *c)
{
	if (c->wqe->nseg != 1)
		return refuse_operation(c, "number of data segments", c->wqe->nseg, "1");
	if (c->wqe->length != 8)
		return refuse(c, EMU_SYN_LOCAL_LENGTH, "data.byte_count", c->wqe->length, "8");
	return 0;
}

static void read_mkey(const struct emu_mkey_seg *seg, struct emu_umr *umr)
{
	const uint8_t flags = seg->access_flags;

	umr->free = seg->free & EMU_MKEY_SEG_FREE;
	umr->variant = (uint8_t)emu_get32(seg->qpn_mkey);
	umr->qpn = emu_get32(seg->qpn_mkey) >> 8;
	umr->access = (flags & EMU_MKEY_SEG_LW ? EMU_ACCESS_LOCAL_WRITE : 0u) |
		      (flags & EMU_MKEY_SEG_RR ? EMU_ACCESS_REMOTE_READ : 0u) |
		      (flags & EMU_MKEY_SEG_RW ? EMU_ACCESS_REMOTE_WRITE : 0u) |
		      (flags & EMU_MKEY_SEG_A ? EMU_ACCESS_REMOTE_ATOMIC : 0u);
	umr->start = emu_get64(seg->start_addr);
	umr->length = emu_get64(seg->len);
}

/* The ranges, in the request or where it says. */
static int parse_list(struct cursor *c)
{
	struct emu_umr *umr = &c->wqe->umr;
	struct emu_data_seg data;
	uint8_t klm[16] = { 0 };
	int rc = 0;

	if (!(umr->flags & EMU_UMR_INLINE)) {
		rc = take(c, &data, sizeof(data), "room for the data segment of the list");
		if (rc == 0 && emu_get32(data.byte_count) < umr->nranges * sizeof(klm))
			rc = refuse_operation(c, "data.byte_count", emu_get32(data.byte_count),
					      "all of klm_octowords ranges");
		umr->list_addr = rc == 0 ? emu_get64(data.addr) : 0;
		umr->list_key = rc == 0 ? emu_get32(data.lkey) : 0;
		return rc;
	}
	for (uint32_t i = 0; i < umr->nranges && rc == 0; i++) {
		rc = take(c, klm, sizeof(klm), "room for klm_octowords ranges");
		if (rc == 0)
			emu_umr_range(klm, &umr->range[i]);
	}
	return rc;
}

static int parse_umr(struct cursor *c)
{
	struct emu_umr *umr = &c->wqe->umr;
	struct emu_umr_ctrl_seg ctrl;
	struct emu_mkey_seg mkey;
	int rc = take(c, &ctrl, sizeof(ctrl), "room for the UMR control segment");

	if (rc == 0)
		rc = take(c, &mkey, sizeof(mkey), "room for the key's context segment");
	if (rc < 0)
		return rc;
	umr->key = be32toh(c->wqe->imm);
	umr->flags = ctrl.flags;
	umr->mask = emu_get64(ctrl.mkey_mask);
	umr->nranges = emu_get16(ctrl.klm_octowords);
	umr->has_list = umr->nranges;
	if (umr->flags & ~EMU_UMR_FLAGS)
		return refuse_operation(c, "umr.flags", umr->flags, "bits 7, 5, 4 and 3 alone");
	if (umr->mask & ~(uint64_t)EMU_UMR_MASKS)
		return refuse_operation(c, "umr.mkey_mask", umr->mask,
					"length, start, key, qpn, rights and free alone");
	if (emu_get16(ctrl.translation_offset))
		return refuse_operation(c, "umr.translation_offset",
					emu_get16(ctrl.translation_offset), "0");
	if (umr->nranges > EMU_MAX_KEY_RANGES ||
	    (umr->flags & EMU_UMR_INLINE && umr->nranges > EMU_UMR_MAX_INLINE))
		return refuse_operation(c, "umr.klm_octowords", umr->nranges,
					"no more than ds has room for");
	/* Lists are padded to 64 bytes (in libmlx5: get_klm_octo() and mlx5_send_wr_set_mkey_layout()) */
	if (umr->nranges % 4)
		rc = object(c, "umr.klm_octowords", umr->nranges, "a multiple of 4");
	if (rc == 0 && !all_zero(ctrl.reserved1, sizeof(ctrl.reserved1)))
		rc = object(c, "umr.reserved[1]", 1, "0");
	if (rc == 0 && !all_zero(ctrl.reserved16, sizeof(ctrl.reserved16)))
		rc = object(c, "umr.reserved[16]", 1, "0");
	read_mkey(&mkey, umr);
	if (rc == 0)
		rc = parse_list(c);
	if (rc == 0 && c->at < c->end)
		rc = object(c, "ctrl.ds", c->end / EMU_DS, "no more than the list ends in");
	return rc;
}

/* After the control segment. A NOP's further segments are padding. */
static int parse_body(struct cursor *c)
{
	int rc = 0;

	if (c->wqe->opcode == EMU_OP_NOP)
		return 0;
	if (c->wqe->opcode == EMU_OP_UMR)
		return parse_umr(c);
	if (c->wqe->opcode == EMU_OP_SEND_INVAL)
		c->wqe->rkey = be32toh(c->wqe->imm);
	if (c->ring->type == EMU_QPT_UD)
		rc = parse_datagram(c);
	if (c->ring->type == EMU_QPT_XRC_INI)
		rc = parse_xrc(c);
	if (rc == 0 && emu_opcode_has_raddr(c->wqe->opcode))
		rc = parse_raddr(c);
	if (rc == 0 && emu_opcode_is_atomic(c->wqe->opcode))
		rc = parse_atomic(c);
	while (rc == 0 && c->at < c->end)
		rc = parse_segment(c);
	if (rc == 0 && emu_opcode_is_atomic(c->wqe->opcode))
		rc = check_atomic(c);
	return rc;
}

int emu_wqe_parse(const struct emu_wqe_ring *ring, uint16_t index, uint32_t posted,
		  struct emu_wqe *out, struct emu_wqe_error *error)
{
	struct cursor c = { .wqe = out, .error = error, .ring = ring };
	const size_t whole = (size_t)ring->blocks * EMU_WQEBB;
	int rc;

	error->text[0] = '\0';
	out->index = index;
	out->length = 0;
	out->nseg = 0;
	out->size = 0;
	out->raddr = 0;
	out->rkey = 0;
	out->compare = 0;
	out->swap_add = 0;
	out->srqn = 0;
	emu_wqe_linearise(ring, index, out->bytes, EMU_DS);
	rc = parse_ctrl(&c, posted);
	if (rc < 0)
		return rc;
	out->size = c.end < whole ? c.end : (unsigned)whole;
	emu_wqe_linearise(ring, index, out->bytes, out->size);
	return parse_body(&c);
}

/* ---- receive ---- */

static int refuse_receive(struct emu_wqe_error *error, uint32_t qpn, uint16_t index, unsigned seg,
			  const char *field, uint64_t found, const char *expected)
{
	error->syndrome = EMU_SYN_LOCAL_QP_OPERATION;
	snprintf(error->text, sizeof(error->text),
		 "QP 0x%06x receive WQE %u: data[%u].%s is 0x%" PRIx64 ", expected %s", qpn, index,
		 seg, field, found, expected);
	return -EINVAL;
}

int emu_rwqe_parse(const uint8_t *wqe, uint32_t size, uint16_t index, uint32_t qpn,
		   struct emu_rwqe *out, struct emu_wqe_error *error)
{
	struct emu_data_seg data;
	uint32_t count;

	out->length = 0;
	out->nseg = 0;
	for (unsigned i = 0; i < size / EMU_DS && i < EMU_RWQE_MAX_SEG; i++) {
		memcpy(&data, wqe + i * EMU_DS, sizeof(data));
		count = emu_get32(data.byte_count);
		if (count == 0 && emu_get32(data.lkey) == EMU_TERMINATOR_LKEY)
			break;
		if (count == 0)
			return refuse_receive(error, qpn, index, i, "byte_count", 0,
					      "1.., or 0 with lkey 0x100 as the end");
		if (count & (uint32_t)EMU_INLINE_FLAG)
			return refuse_receive(error, qpn, index, i, "byte_count", count,
					      "bit 31 clear, a receive cannot be inline");
		out->seg[i] = (struct emu_seg){
			.addr = emu_get64(data.addr),
			.length = count,
			.lkey = emu_get32(data.lkey),
		};
		out->length += count;
		out->nseg++;
	}
	return 0;
}
