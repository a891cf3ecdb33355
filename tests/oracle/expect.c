/* SPDX-License-Identifier: MIT */
#include "expect.h"

#include <endian.h>
#include <string.h>

enum {
	BLOCK = TWIN_BLOCK,
	LONGEST = 1024, /* bytes of a WQE, and one block more is looked at */
	CANARY = 0xa5,
};

/* What the registers hold before a doorbell. */
static struct {
	uint8_t ours[2 * TWIN_BF_SIZE];
	uint8_t theirs[2 * TWIN_BF_SIZE];
} before;

/* @size bytes of a ring from @at on, across its end. */
static void ring_read(const uint8_t *ring, uint32_t ring_size, uint32_t at, uint8_t *out,
		      uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		out[i] = ring[(at + i) % ring_size];
}

static void ring_fill(uint8_t *ring, uint32_t ring_size, uint32_t at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		ring[(at + i) % ring_size] = CANARY;
}

static void prepare_send(const struct twin *t, uint32_t index, uint32_t size)
{
	ring_fill(t->ours.sq, t->ours.sq_size, index * BLOCK, size);
	ring_fill(t->theirs.sq, t->theirs.sq_size, index * BLOCK, size);
	/* The device has put zeroes where the doorbells were; all else lies there as it was written. */
	memcpy(before.ours, t->ours.bf, sizeof(before.ours));
	memcpy(before.theirs, t->theirs.bf, sizeof(before.theirs));
}

void expect_prepare_send(const struct twin *t, uint32_t index)
{
	prepare_send(t, index, LONGEST + BLOCK);
}

void expect_prepare_chain(const struct twin *t)
{
	prepare_send(t, 0, t->ours.sq_size);
}

void expect_prepare_recv(const struct twin *t, uint32_t index)
{
	const uint32_t stride = t->ours.rq_stride;

	ring_fill(t->ours.rq, t->ours.rq_size, index * stride, stride);
	ring_fill(t->theirs.rq, t->theirs.rq_size, index * stride, stride);
}

/* Bytes of a WQE that mean something: inline payload may end before its last segment does. */
static uint32_t meaningful(const uint8_t *wqe, const struct request *r)
{
	const uint32_t ds = wqe[7] & 0x3f;
	const uint32_t head = r->op == ORACLE_SEND || r->op == ORACLE_SEND_IMM ? 16 : 32;

	return r->inlined && r->len ? head + 4 + r->len : ds * 16;
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

/* libmlx5 leaves what nothing is compared with as the ring had it. */
static void drop_compare(uint8_t *wqe, const struct request *r)
{
	if (r->op == ORACLE_FETCH_ADD)
		memset(wqe + 40, 0, 8);
}

/* The one thing that must differ. */
static void take_qpn(uint8_t *wqe, uint32_t qpn)
{
	assert_int_equal(wqe[4] << 16 | wqe[5] << 8 | wqe[6], qpn);
	memset(wqe + 4, 0, 3);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

/* Drops what may differ of the same WQE in both rings; returns the blocks of it. */
static uint32_t equalise(const struct twin *t, const struct request *r, uint8_t *ours,
			 uint8_t *theirs)
{
	uint32_t used;
	uint32_t padding;

	take_qpn(ours, t->ours.qpn);
	take_qpn(theirs, t->theirs.qpn);
	used = meaningful(theirs, r);
	padding = round_up(used, BLOCK) - used; /* the rest of a block may have anything */
	memset(ours + used, 0, padding);
	memset(theirs + used, 0, padding);
	drop_compare(ours, r);
	drop_compare(theirs, r);
	return round_up(used, BLOCK) / BLOCK;
}

/* How a doorbell was rung: both may be true where the register had the same before. */
struct rung {
	bool second; /* half of the register */
	bool whole;  /* with all of the WQE */
	bool word;   /* with its first eight bytes alone */
};

/* One half was rung, with the WQE at block @index. */
static struct rung rung_with(const struct rings *rings, const uint8_t *had, uint32_t index)
{
	const bool second = is_zero(rings->bf, 8);
	const size_t half = second ? TWIN_BF_SIZE : 0, other = TWIN_BF_SIZE - half;
	const uint8_t *const bf = rings->bf + half;
	const bool word = !memcmp(bf + 8, had + half + 8, TWIN_BF_SIZE - 8);
	uint8_t wqe[TWIN_BF_SIZE];
	uint32_t used, size;

	assert_memory_equal(rings->bf + other, had + other, TWIN_BF_SIZE);
	ring_read(rings->sq, rings->sq_size, index * BLOCK, wqe, sizeof(wqe));
	assert_memory_equal(bf, wqe, 8);
	used = (wqe[7] & 0x3f) * 16;
	size = round_up(used, BLOCK);
	if (size > TWIN_BF_SIZE) {
		assert_true(word);
		return (struct rung){ second, false, word };
	}
	if (!word)
		assert_memory_equal(bf, wqe, used);
	assert_memory_equal(bf + size, had + half + size, TWIN_BF_SIZE - size);
	return (struct rung){ second, !memcmp(bf, wqe, used), word };
}

/*
 * Of a BlueFlame register, libmlx5 takes the half that we take, and writes eight bytes where a copy
 * brings the device nothing; we write as many where a copy does not fit, and to a register that is not
 * BlueFlame.
 */
static void same_doorbell(const struct twin *t, uint32_t index)
{
	const struct rung theirs = rung_with(&t->theirs, before.theirs, index);
	const struct rung ours = rung_with(&t->ours, before.ours, index);
	uint8_t ctrl[8];

	ring_read(t->ours.sq, t->ours.sq_size, index * BLOCK, ctrl, sizeof(ctrl));
	if (t->ours.blueflame) {
		assert_int_equal(ours.second, theirs.second);
		assert_true((ctrl[7] & 0x3f) <= TWIN_BF_SIZE / 16 ? ours.whole : ours.word);
	} else {
		assert_false(ours.second);
		assert_true(ours.word);
	}
}

void expect_same_send(const struct twin *t, uint32_t index, const struct request *r)
{
	uint8_t ours[LONGEST + BLOCK];
	uint8_t theirs[LONGEST + BLOCK];

	ring_read(t->ours.sq, t->ours.sq_size, index * BLOCK, ours, sizeof(ours));
	ring_read(t->theirs.sq, t->theirs.sq_size, index * BLOCK, theirs, sizeof(theirs));
	equalise(t, r, ours, theirs);
	assert_memory_equal(ours, theirs, sizeof(ours));
	assert_int_equal(t->ours.dbrec[1], t->theirs.dbrec[1]);
	same_doorbell(t, index);
}

void expect_untold_chain(const struct twin *t, uint32_t index)
{
	assert_int_equal(be32toh(t->ours.dbrec[1]) % (t->ours.sq_size / BLOCK), index);
	assert_memory_equal(t->ours.bf, before.ours, sizeof(before.ours));
}

void expect_same_chain(const struct twin *t, uint32_t index, const struct request *r, unsigned n)
{
	const uint32_t size = t->ours.sq_size;
	uint8_t ours[8192];
	uint8_t theirs[8192];
	uint32_t at = 0;
	uint32_t blocks = 0;

	assert_true(size <= sizeof(ours));
	ring_read(t->ours.sq, size, index * BLOCK, ours, size);
	ring_read(t->theirs.sq, size, index * BLOCK, theirs, size);
	for (unsigned i = 0; i < n; i++) {
		at += blocks;
		blocks = equalise(t, &r[i], ours + at * BLOCK, theirs + at * BLOCK);
	}
	assert_memory_equal(ours, theirs, size);
	assert_int_equal(t->ours.dbrec[1], t->theirs.dbrec[1]);
	same_doorbell(t, index + at);
}

void expect_same_recv(const struct twin *t, uint32_t index)
{
	uint8_t ours[512];
	uint8_t theirs[512];
	const uint32_t stride = t->ours.rq_stride;

	assert_true(stride <= sizeof(ours));
	ring_read(t->ours.rq, t->ours.rq_size, index * stride, ours, stride);
	ring_read(t->theirs.rq, t->theirs.rq_size, index * stride, theirs, stride);
	assert_memory_equal(ours, theirs, stride);
	assert_int_equal(t->ours.dbrec[0], t->theirs.dbrec[0]);
}

static enum bv_op op_of(enum ibv_wc_opcode opcode)
{
	switch (opcode) {
	case IBV_WC_SEND:
		return BV_OP_SEND;
	case IBV_WC_RDMA_WRITE:
		return BV_OP_WRITE;
	case IBV_WC_RDMA_READ:
		return BV_OP_READ;
	case IBV_WC_FETCH_ADD:
		return BV_OP_FETCH_ADD;
	case IBV_WC_COMP_SWAP:
		return BV_OP_COMPARE_SWAP;
	case IBV_WC_RECV:
		return BV_OP_RECV;
	case IBV_WC_RECV_RDMA_WITH_IMM:
		return BV_OP_RECV_WRITE_IMM;
	default:
		return BV_OP_NONE;
	}
}

static void same_wc(const struct bv_wc *ours, const struct ibv_wc *theirs)
{
	const bool imm = theirs->opcode & IBV_WC_RECV && theirs->wc_flags & IBV_WC_WITH_IMM;
	const bool sized = theirs->opcode & IBV_WC_RECV || theirs->opcode >= IBV_WC_RDMA_READ;

	assert_int_equal(theirs->status, IBV_WC_SUCCESS);
	assert_int_equal(ours->status, theirs->status);
	assert_int_equal(ours->op, op_of(theirs->opcode));
	assert_int_equal(ours->bytes, sized ? theirs->byte_len : 0);
	assert_int_equal(ours->flags, imm ? BV_WC_IMM : 0);
	assert_int_equal(ours->imm, imm ? be32toh(theirs->imm_data) : 0);
}

static void same_sends(const struct twin *t, int n)
{
	struct bv_wc ours[TWIN_MAX_SEND];
	struct ibv_wc theirs[TWIN_MAX_SEND];

	assert_int_equal(bv_poll_send(t->ch, ours, TWIN_MAX_SEND), n);
	assert_int_equal(ibv_poll_cq(t->send_cq, TWIN_MAX_SEND, theirs), n);
	for (int i = 0; i < n; i++)
		same_wc(&ours[i], &theirs[i]);
}

static void same_receive(const struct twin *t, const struct request *r)
{
	struct bv_wc ours;
	struct ibv_wc theirs;

	assert_int_equal(bv_poll_recv(t->ch, &ours, 1), 1);
	assert_int_equal(ibv_poll_cq(t->recv_cq, 1, &theirs), 1);
	same_wc(&ours, &theirs);
	assert_int_equal(ours.bytes, case_bytes(r));
}

static void no_receive(const struct twin *t)
{
	struct bv_wc ours;
	struct ibv_wc theirs;

	assert_int_equal(bv_poll_recv(t->ch, &ours, 1), 0);
	assert_int_equal(ibv_poll_cq(t->recv_cq, 1, &theirs), 0);
}

void expect_same_completions(const struct twin *t, const struct request *r, int sends)
{
	same_sends(t, sends);
	if (case_consumes_receive(r))
		same_receive(t, r);
	no_receive(t);
}

void expect_same_chain_completions(const struct twin *t, const struct request *r, unsigned n)
{
	int signaled = 0;

	for (unsigned i = 0; i < n; i++) {
		signaled += !(r[i].flags & BV_UNSIGNALED);
		if (case_consumes_receive(&r[i]))
			same_receive(t, &r[i]);
	}
	same_sends(t, signaled);
	no_receive(t);
}
