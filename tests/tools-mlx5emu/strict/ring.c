/* SPDX-License-Identifier: MIT */
/* Doorbells, records, BlueFlame, and WQEs that do not keep still. */
#include "faults.h"

#include <string.h>

static void no_record(struct rig *rig)
{
	post_doorbell(&rig->a, wqe_good(rig, &rig->a, OP_WRITE));
	step();
}

static void no_doorbell(struct rig *rig)
{
	post_record(&rig->a, wqe_good(rig, &rig->a, OP_WRITE));
	pass_ms(2500);
}

static void no_doorbell_at_the_end(struct rig *rig)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };

	post_record(&rig->a, wqe_good(rig, &rig->a, OP_WRITE));
	ibv_modify_qp(rig->a.qp, &attr, IBV_QP_STATE);
}

static void set_record(struct side *s, uint32_t value)
{
	put32((uint8_t *)&s->dv.dbrec[1], value);
}

static void record_back(struct rig *rig)
{
	struct side *s = &rig->a;

	warm_up(rig, s, 3);
	set_record(s, 1);
	post_doorbell(s, (const uint8_t *)s->dv.sq.buf);
	step();
}

static void record_beyond_ring(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	set_record(s, s->dv.sq.wqe_cnt + 1);
	post_doorbell(s, wqe);
	step();
}

static void record_too_wide(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	set_record(s, 0x10001);
	post_doorbell(s, wqe);
	step();
}

static void doorbell_of_nobody(struct rig *rig)
{
	uint8_t bell[8] = { 0, 0, 1, OP_SEND };

	put32(bell + 4, PRIVATE_QPN << 8 | 3);
	post_doorbell(&rig->a, bell);
	step();
}

static void half_doorbell(struct rig *rig)
{
	const struct side *s = &rig->a;
	uint8_t *wqe;

	warm_up(rig, &rig->a, 1);
	wqe = wqe_good(rig, &rig->a, OP_WRITE);
	post_record(&rig->a, wqe);
	memcpy((uint8_t *)s->dv.bf.reg + s->bf_offset, wqe, 4);
	step();
}

static void other_doorbell(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE), bell[8];

	memcpy(bell, wqe, sizeof(bell));
	bell[3] = OP_SEND;
	post_record(s, wqe);
	post_doorbell(s, bell);
	step();
}

static void misplaced_doorbell(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	post_record(s, wqe);
	s->bf_offset += 0x40;
	post_doorbell(s, wqe);
	pass_ms(2500);
}

static void blueflame_with(struct rig *rig, unsigned at, unsigned bytes)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE), copy[64];

	memcpy(copy, wqe, sizeof(copy));
	copy[at] ^= 0x40;
	post_record(s, wqe);
	post_blueflame(s, copy, bytes);
	step();
}

static void blueflame_differs(struct rig *rig)
{
	blueflame_with(rig, 0x2f, 64);
}

static void blueflame_short(struct rig *rig)
{
	blueflame_with(rig, 0x3f, 32);
}

/* The WQE has two blocks, the write one. */
static void blueflame_of_one_block(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_WRITE);

	wqe[7] = 5;
	put32(wqe + 32, (uint32_t)INLINE | 40);
	memset(wqe + 36, 0x55, 28);
	memset((uint8_t *)s->dv.sq.buf + 64, 0x55, 64);
	post_record(s, wqe);
	post_blueflame(s, wqe, 64);
	step();
}

/* A receive that is not there keeps the send from completing. */
static void changed_while_owned(struct rig *rig)
{
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_SEND);

	post(rig, s, wqe);
	wqe[16 + 15] ^= 8;
	recv_good(rig, &rig->b);
	recv_post(&rig->b);
	pass_ms(20);
}

/* The same, but what ends it is a flush. */
static void changed_before_flush(struct rig *rig)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct side *s = &rig->a;
	uint8_t *wqe = wqe_good(rig, s, OP_SEND);

	post(rig, s, wqe);
	wqe[16 + 15] ^= 8;
	ibv_modify_qp(s->qp, &attr, IBV_QP_STATE);
	step();
}

static const struct fault doorbells[] = {
	{ "rings, and forgets the record",
	  "WQE 0: doorbell without its record, which is 0, expected 1", BREACH, RIG_RC, no_record },
	{ "moves the record, and forgets to ring",
	  "WQE 0: record without doorbell: the record is 1, expected a doorbell", BREACH, RIG_RC,
	  no_doorbell },
	{ "moves the record, and gives up the queue pair", "WQE 0: record without doorbell", NOTED,
	  RIG_RC, no_doorbell_at_the_end },
	{ "moves the record back", "send doorbell record is 1, expected 3 or more: it went back",
	  BREACH, RIG_RC, record_back },
	{ "posts more than the ring holds", "blocks, and WQE 0 is not done", BREACH, RIG_RC,
	  record_beyond_ring },
	{ "counts on in the record behind 16 bits",
	  "send doorbell record is 0x10001, expected 16 bits", BREACH, RIG_RC, record_too_wide },
	{ "rings for a queue pair that there is not",
	  "names QP 0x00abcd, expected one that has this page", NOTED, RIG_RC, doorbell_of_nobody },
	{ "rings by two stores of four bytes", "half of a doorbell", NOTED, RIG_RC, half_doorbell },
	{ "rings with other bytes than those of the WQE", "WQE 0: doorbell is 0x0000000a", BREACH,
	  RIG_RC, other_doorbell },
	{ "rings beside the register", "40 of UAR page", BREACH, RIG_RC, misplaced_doorbell },
	{ "copies other bytes to BlueFlame than it wrote to the ring",
	  "WQE 0: BlueFlame word +2c is 0x", BREACH, RIG_RC, blueflame_differs },
	{ "copies half of a block to BlueFlame",
	  "WQE 0: BlueFlame write ends at +20, expected all 48 bytes of the WQE", BREACH, RIG_RC,
	  blueflame_short },
	{ "copies one block of two to BlueFlame",
	  "WQE 0: BlueFlame write ends at +40, expected all 80 bytes of the WQE", BREACH, RIG_RC,
	  blueflame_of_one_block },
	{ "changes a WQE before its completion", "WQE 0 SEND: byte +1f is 0x", BREACH, RIG_RC,
	  changed_while_owned },
	{ "changes a WQE before it is flushed", "WQE 0 SEND: byte +1f is 0x", BREACH, RIG_RC,
	  changed_before_flush },
};

const struct faults faults_doorbells = { .title = "Doorbells, records, BlueFlame",
					 FAULTS(doorbells) };
