/* SPDX-License-Identifier: MIT */
/* Send WQEs that are wrong by themselves. */
#include "faults.h"

#include <string.h>

/* A correct WRITE with one byte changed, and a whole one behind it, for which the doorbell is. */
static void write_with(struct rig *rig, unsigned at, uint8_t value)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	wqe[at] = value;
	post_record(&rig->a, wqe);
	post(rig, &rig->a, wqe_good(rig, &rig->a, OP_WRITE));
}

static void unknown_opcode(struct rig *rig)
{
	write_with(rig, 3, 0x2d);
}

static void read_on_uc(struct rig *rig)
{
	post(rig, &rig->a, wqe_good(rig, &rig->a, OP_READ));
}

static void opmod(struct rig *rig)
{
	write_with(rig, 0, 1);
}

static void index_ahead(struct rig *rig)
{
	write_with(rig, 2, 1);
}

/* The ring came round, and the record with it, but nothing was written. */
static void stale_wqe(struct rig *rig)
{
	struct side *s = &rig->a;

	warm_up(rig, s, s->dv.sq.wqe_cnt);
	post(rig, s, (const uint8_t *)s->dv.sq.buf);
}

static void other_qpn(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	put32(wqe + 4, rig->b.qp->qp_num << 8 | 3);
	post_record(s, wqe);
	post(rig, s, wqe_good(rig, s, OP_WRITE));
}

static void no_ds(struct rig *rig)
{
	write_with(rig, 7, 0);
}

static void ds_beyond_six_bits(struct rig *rig)
{
	write_with(rig, 7, 0x40 | 3);
}

static void ds_beyond_record(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	post_record(s, wqe);
	wqe[7] = 5;
	post_doorbell(s, wqe);
	step();
}

static void fence_mode(struct rig *rig)
{
	write_with(rig, 11, SIGNALED | 5 << 5);
}

static void completion_mode(struct rig *rig)
{
	write_with(rig, 11, 1 << 2);
}

static void reserved_flag(struct rig *rig)
{
	write_with(rig, 11, SIGNALED | 0x10);
}

static void signature(struct rig *rig)
{
	write_with(rig, 8, 0x5a);
}

static void stream(struct rig *rig)
{
	write_with(rig, 10, 1);
}

static void immediate_of_none(struct rig *rig)
{
	write_with(rig, 15, 7);
}

static const struct fault control[] = {
	{ "asks for an operation that there is not",
	  "WQE 0 ?: ctrl.opcode is 0x2d, expected an opcode of the queue's transport", BREACH,
	  RIG_RC, unknown_opcode },
	{ "reads over an unreliable connection",
	  "WQE 0 READ: ctrl.opcode is 0x10, expected an opcode of the queue's transport", BREACH,
	  RIG_UC, read_on_uc },
	{ "modifies an operation that has one form only", "ctrl.opmod is 0x1, expected 0", BREACH,
	  RIG_RC, opmod },
	{ "numbers a WQE ahead of its place",
	  "WQE 0 WRITE: ctrl.wqe_index is 0x1, expected the WQE's position in the queue", BREACH,
	  RIG_RC, index_ahead },
	{ "posts a place of the ring that still holds the WQE of the lap before",
	  "ctrl.wqe_index is 0x0, expected the WQE's position in the queue", BREACH, RIG_RC,
	  stale_wqe },
	{ "names another queue pair in a WQE", ", expected the queue's own number", BREACH, RIG_RC,
	  other_qpn },
	{ "leaves ds empty", "ctrl.ds is 0x0, expected 1..63", BREACH, RIG_RC, no_ds },
	{ "counts more than 63 units", "ctrl.qpn_ds bits 7:6 is 0x1, expected 0, ds has 6 bits",
	  BREACH, RIG_RC, ds_beyond_six_bits },
	{ "counts more units than the record posts",
	  "ctrl.ds is 0x5, expected no more than the doorbell record has posted", BREACH, RIG_RC,
	  ds_beyond_record },
	{ "sets a fence mode that is reserved", "ctrl.fm is 0x5, expected 0..4", BREACH, RIG_RC,
	  fence_mode },
	{ "sets a completion mode that is reserved", "ctrl.ce is 0x1, expected 0, 2 or 3", BREACH,
	  RIG_RC, completion_mode },
	{ "sets a reserved flag", "ctrl.fm_ce_se is 0x18, expected bits 0 and 4 clear", BREACH,
	  RIG_RC, reserved_flag },
	{ "leaves a signature on a queue that does not sign", "ctrl.signature is 0x5a, expected 0",
	  PEDANTIC, RIG_RC, signature },
	{ "leaves a stream number on a queue that has none", "ctrl.dci_stream is 0x1, expected 0",
	  PEDANTIC, RIG_RC, stream },
	{ "leaves an immediate on an operation without", "ctrl.imm is 0x7, expected 0", PEDANTIC,
	  RIG_RC, immediate_of_none },
};

const struct faults faults_control = { .title = "Control segment", FAULTS(control) };

/* ---- what follows the control segment ---- */

static void no_raddr(struct rig *rig)
{
	write_with(rig, 7, 1);
}

static void no_atomic(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_CAS);

	wqe[7] = 2;
	post(rig, &rig->a, wqe);
}

static void no_result(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_CAS);

	wqe[7] = 3;
	post(rig, &rig->a, wqe);
}

static void raddr_reserved(struct rig *rig)
{
	write_with(rig, 31, 6);
}

static void inline_too_long(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	put32(wqe + 32, (uint32_t)INLINE | 13);
	post(rig, &rig->a, wqe);
}

static void inline_read(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_READ);

	put32(wqe + 32, (uint32_t)INLINE | 8);
	post(rig, &rig->a, wqe);
}

static void no_bytes(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	put32(wqe + 32, 0);
	post(rig, &rig->a, wqe);
}

static void too_many_bytes(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	put32(wqe + 32, 0x40000001);
	post(rig, &rig->a, wqe);
}

/* Of another place than the segment: the address and the length are in each other's. */
static void unaligned_segment(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_WRITE);

	memmove(wqe + 36, wqe + 32, 12);
	put32(wqe + 32, 0);
	post(rig, &rig->a, wqe);
}

static void atomic_of_four(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_CAS);

	put32(wqe + 48, 4);
	post(rig, &rig->a, wqe);
}

static void atomic_of_two(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_CAS);
	uint8_t *next = (uint8_t *)s->dv.sq.buf + 64;

	wqe[7] = 5;
	put_data(next, rig_data(rig), 8, rig->mr->lkey);
	post(rig, s, wqe);
}

static void swapped_compare(struct rig *rig)
{
	uint8_t *wqe = wqe_good(rig, &rig->a, OP_CAS);

	wqe[3] = OP_FAA;
	put64(wqe + 32 + 8, 1);
	post(rig, &rig->a, wqe);
}

/* A datagram to the other queue pair, all but for @at. */
static void datagram_with(struct rig *rig, unsigned at, uint8_t value)
{
	static const uint8_t mac[6] = { 2, 0x42, 0x4d, 0x4c, 0x58, 0 };
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_begin(s, OP_SEND, 5), *second;
	union ibv_gid gid;

	ibv_query_gid(rig->ctx, 1, 3, &gid);
	put32(wqe + 16, 0x11);
	put32(wqe + 24, 0x80000000 | rig->b.qp->qp_num);
	memcpy(wqe + 36, mac, sizeof(mac));
	wqe[43] = 64;
	put32(wqe + 44, 3 << 20);
	memcpy(wqe + 48, gid.raw, sizeof(gid.raw));
	wqe[at] = value;
	second = (uint8_t *)s->dv.sq.buf + 64;
	put_data(second, rig_data(rig), 64, rig->mr->lkey);
	post(rig, s, wqe);
}

static void short_address(struct rig *rig)
{
	datagram_with(rig, 24, 0);
}

static void reserved_address(struct rig *rig)
{
	datagram_with(rig, 24, 0x81);
}

static void no_mac(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_begin(s, OP_SEND, 4);

	put32(wqe + 24, 0x80000000 | rig->b.qp->qp_num);
	post(rig, s, wqe);
}

static void reserved_route(struct rig *rig)
{
	datagram_with(rig, 44, 0x10);
}

static void stale_address(struct rig *rig)
{
	datagram_with(rig, 20, 1);
}

static void path_bits(struct rig *rig)
{
	datagram_with(rig, 29, 1);
}

static void odd_priority(struct rig *rig)
{
	datagram_with(rig, 28, 1);
}

/* A binding of one range, all but for the control segment of the update at @at. */
static void update_with(struct rig *rig, unsigned ds, unsigned at, uint8_t value)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_begin(s, OP_UMR, ds);

	memset((uint8_t *)s->dv.sq.buf + 64, 0, 3 * 64);
	wqe[16] = 0x80; /* ranges in the request, */
	wqe[21] = 4;    /* four with padding */
	wqe[at] = value;
	post(rig, s, wqe);
}

static void update_reserved(struct rig *rig)
{
	update_with(rig, 12, 17, 1);
}

static void update_flags(struct rig *rig)
{
	update_with(rig, 12, 16, 0x81);
}

static void update_unpadded(struct rig *rig)
{
	update_with(rig, 9, 21, 1);
}

static void update_short(struct rig *rig)
{
	update_with(rig, 11, 21, 4);
}

static void update_long(struct rig *rig)
{
	update_with(rig, 13, 21, 4);
}

/* Of 64 bytes somewhere else. */
static void update_list_short(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_begin(s, OP_UMR, 9);

	put_data((uint8_t *)s->dv.sq.buf + 128, rig_data(rig), 48, rig->mr->lkey);
	memset((uint8_t *)s->dv.sq.buf + 64, 0, 64);
	wqe[21] = 4;
	post(rig, s, wqe);
}

static const struct fault segments[] = {
	{ "leaves out the remote address",
	  "ctrl.ds is 0x1, expected room for the remote address segment", BREACH, RIG_RC,
	  no_raddr },
	{ "leaves out the operands of an atomic",
	  "ctrl.ds is 0x2, expected room for the atomic segment", BREACH, RIG_RC, no_atomic },
	{ "leaves out where the result of an atomic goes",
	  "number of data segments is 0x0, expected 1", BREACH, RIG_RC, no_result },
	{ "leaves a word behind the remote key", "raddr.reserved is 0x6, expected 0", PEDANTIC,
	  RIG_RC, raddr_reserved },
	{ "puts more bytes inline than ds counts",
	  "inline.byte_count is 0xd, expected no more than ds has room for", BREACH, RIG_RC,
	  inline_too_long },
	{ "reads into the WQE", "READ: inline.byte_count is 0x8, expected a data segment", BREACH,
	  RIG_RC, inline_read },
	{ "gives an element of no bytes",
	  "data.byte_count is 0x0, expected 1.. (0 stands for 2^31 bytes)", BREACH, RIG_RC,
	  no_bytes },
	{ "sends more than a message holds",
	  "sum of byte counts is 0x40000001, expected at most 2^30", BREACH, RIG_RC,
	  too_many_bytes },
	{ "writes a segment four bytes behind its place", "data.byte_count is 0x0", BREACH, RIG_RC,
	  unaligned_segment },
	{ "takes four bytes as the result of an atomic", "data.byte_count is 0x4, expected 8",
	  BREACH, RIG_RC, atomic_of_four },
	{ "gives two places for the result of an atomic",
	  "number of data segments is 0x2, expected 1", BREACH, RIG_RC, atomic_of_two },
	{ "leaves a compare operand on a fetch-and-add", "atomic.compare is 0x1, expected 0",
	  PEDANTIC, RIG_RC, swapped_compare },
	{ "gives a datagram an address of 16 bytes", "expected bit 31 set, for an extended AV",
	  BREACH, RIG_UD, short_address },
	{ "sets a reserved bit beside the datagram's target", "expected bits 30:24 clear", BREACH,
	  RIG_UD, reserved_address },
	{ "forgets the datagram's Ethernet address",
	  "av.rmac is 0x0, expected the peer's Ethernet address", BREACH, RIG_UD, no_mac },
	{ "sets a reserved bit beside the datagram's source",
	  "av.grh_gid_fl is 0x10300000, expected bits 31:28 clear on RoCE", BREACH, RIG_UD,
	  reserved_route },
	{ "leaves a word behind the datagram's key", "av.reserved[1] is 0x1000000, expected 0",
	  PEDANTIC, RIG_UD, stale_address },
	{ "gives a datagram on Ethernet the path bits of a LID",
	  "av.fl_mlid is 0x1, expected 0 on RoCE", BREACH, RIG_UD, path_bits },
	{ "gives a datagram on Ethernet one of sixteen service levels",
	  "av.stat_rate_sl is 0x1, expected bit 0 clear on RoCE", BREACH, RIG_UD, odd_priority },
	{ "sets a reserved bit beside the flags of a key's update",
	  "UMR: umr.reserved[1] is 0x1, expected 0", BREACH, RIG_RC, update_reserved },
	{ "updates a key by a flag that there is not",
	  "UMR: umr.flags is 0x81, expected bits 7, 5, 4 and 3 alone", BREACH, RIG_RC,
	  update_flags },
	{ "does not pad a key's list", "UMR: umr.klm_octowords is 0x1, expected a multiple of 4",
	  BREACH, RIG_RC, update_unpadded },
	{ "counts more ranges of a key than ds",
	  "UMR: ctrl.ds is 0xb, expected room for klm_octowords ranges", BREACH, RIG_RC,
	  update_short },
	{ "counts fewer ranges of a key than ds",
	  "UMR: ctrl.ds is 0xd, expected no more than the list ends in", BREACH, RIG_RC,
	  update_long },
	{ "points to fewer ranges of a key than it counts",
	  "UMR: data.byte_count is 0x30, expected all of klm_octowords ranges", BREACH, RIG_RC,
	  update_list_short },
};

const struct faults faults_segments = { .title = "Other segments", FAULTS(segments) };
