/* SPDX-License-Identifier: MIT */
/* Receive queues, shared ones, and completion queues. */
#include "faults.h"

#include <string.h>

static void empty_entry(struct rig *rig)
{
	uint8_t *wqe = recv_good(rig, &rig->b);

	put32(wqe + 16 + 4, 0);
	recv_post(&rig->b);
	send_to(rig);
}

static void inline_entry(struct rig *rig)
{
	uint8_t *wqe = recv_good(rig, &rig->b);

	put32(wqe, (uint32_t)INLINE | 8);
	recv_post(&rig->b);
	send_to(rig);
}

static void bad_lkey(struct rig *rig)
{
	uint8_t *wqe = recv_good(rig, &rig->b);

	put32(wqe + 4, 0xdead00);
	recv_post(&rig->b);
	send_to(rig);
}

static void too_small(struct rig *rig)
{
	uint8_t *wqe = recv_good(rig, &rig->b);

	put32(wqe, 32);
	recv_post(&rig->b);
	send_to(rig);
}

static void set_record(struct rig *rig, uint32_t value)
{
	put32((uint8_t *)&rig->b.dv.dbrec[0], value);
}

static void record_beyond(struct rig *rig)
{
	recv_good(rig, &rig->b);
	set_record(rig, rig->b.dv.rq.wqe_cnt + 1);
	send_to(rig);
}

static void record_back(struct rig *rig)
{
	recv_good(rig, &rig->b);
	recv_post(&rig->b);
	send_to(rig);
	drain(rig);
	set_record(rig, 0xffff);
	send_to(rig);
}

/* Of two that the device has seen one is there no more. */
static void record_back_in_ring(struct rig *rig)
{
	for (unsigned i = 0; i < 3; i++) {
		recv_good(rig, &rig->b);
		recv_post(&rig->b);
	}
	send_to(rig);
	set_record(rig, 2);
	send_to(rig);
}

static void record_beyond_at_the_end(struct rig *rig)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };

	set_record(rig, rig->b.dv.rq.wqe_cnt + 1);
	ibv_modify_qp(rig->b.qp, &attr, IBV_QP_STATE);
}

static void record_beyond_after_error(struct rig *rig)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	ibv_modify_qp(rig->b.qp, &attr, IBV_QP_STATE);
	step();
	set_record(rig, rig->b.dv.rq.wqe_cnt + 1);
	step();
}

static void record_too_wide(struct rig *rig)
{
	recv_good(rig, &rig->b);
	set_record(rig, 0x10001);
	send_to(rig);
}

/* The first packet of two takes the receive; the second one comes later. */
static void changed_while_owned(struct rig *rig)
{
	uint8_t *send, *wqe = recv_good(rig, &rig->b);

	put32(wqe, 2048);
	recv_post(&rig->b);
	fault_plan("lose opcode=send nth=2");
	send = wqe_good(rig, &rig->a, OP_SEND);
	put_data(send + 16, rig_data(rig), 2048, rig->mr->lkey);
	post(rig, &rig->a, send);
	wqe[15] ^= 8;
	pass_ms(200);
	fault_plan("");
}

/* ---- shared ---- */

static uint8_t *shared(const struct rig *rig, unsigned index)
{
	uint8_t *wqe = (uint8_t *)rig->dv_srq.buf + (size_t)index * rig->dv_srq.stride;

	put_data(wqe + 16, rig_data(rig) + 1024, 64, rig->mr->lkey);
	return wqe;
}

static void shared_post(struct rig *rig, uint32_t record)
{
	put32((uint8_t *)rig->dv_srq.dbrec, record);
	send_to(rig);
}

static void link_beyond(struct rig *rig)
{
	put16(shared(rig, 0) + 2, 999);
	shared_post(rig, 1);
}

static void link_loop(struct rig *rig)
{
	put16(shared(rig, 0) + 2, 1);
	put16(shared(rig, 1) + 2, 0);
	shared_post(rig, 3);
}

static void link_reserved(struct rig *rig)
{
	shared(rig, 0)[8] = 1;
	shared_post(rig, 1);
}

static void shared_beyond(struct rig *rig)
{
	shared(rig, 0);
	shared_post(rig, 1000);
}

static void shared_back(struct rig *rig)
{
	for (unsigned i = 0; i < 3; i++)
		put16(shared(rig, i) + 2, (uint16_t)(i + 1));
	shared_post(rig, 3);
	shared_post(rig, 2);
}

static void shared_too_wide(struct rig *rig)
{
	shared(rig, 0);
	shared_post(rig, 0x10001);
}

static void shared_lkey(struct rig *rig)
{
	put32(shared(rig, 0) + 16 + 4, 0xdead00);
	shared_post(rig, 1);
}

static const struct fault receives[] = {
	{ "ends a list of buffers by zeros",
	  "receive WQE 0: data[1].byte_count is 0x0, expected 1.., or 0 with lkey 0x100 as the end",
	  BREACH, RIG_RC, empty_entry },
	{ "receives inline",
	  "receive WQE 0: data[0].byte_count is 0x80000008, expected bit 31 clear", BREACH, RIG_RC,
	  inline_entry },
	{ "receives by a key that nobody has",
	  "receive WQE 0: data[0].lkey is 0xdead00, expected the key of a region", ERROR, RIG_RC,
	  bad_lkey },
	{ "receives into less than the message",
	  "receive WQE 0: a message of 64 bytes or more, expected at most 32", ERROR, RIG_RC,
	  too_small },
	{ "posts more receives than the ring holds", "receives, and WQE 0 was not taken", BREACH,
	  RIG_RC, record_beyond },
	{ "moves the record of receives back",
	  "receive doorbell record is 65535, expected 1 or more: it went back", BREACH, RIG_RC,
	  record_back },
	{ "takes back a receive that it has posted",
	  "receive doorbell record is 2, expected 3 or more: it went back", BREACH, RIG_RC,
	  record_back_in_ring },
	{ "posts more receives than the ring holds, and gives up the queue pair",
	  "receives, and WQE 0 was not taken", NOTED, RIG_RC, record_beyond_at_the_end },
	{ "posts more receives than the ring holds in the error state",
	  "receives, and WQE 0 was not taken", BREACH, RIG_RC, record_beyond_after_error },
	{ "counts on in the record of receives behind 16 bits",
	  "receive doorbell record is 0x10001, expected 16 bits", BREACH, RIG_RC, record_too_wide },
	{ "changes a receive while a message arrives in it",
	  "receive WQE 0: data[0] byte +0f is 0x", BREACH, RIG_RC, changed_while_owned },
	{ "links a shared receive to none", "WQE 0: next_wqe_index is 999, expected below", BREACH,
	  RIG_SRQ, link_beyond },
	{ "links shared receives in a loop",
	  "WQE 1: next_wqe_index is 0, expected a WQE that the device does not own: the list is a loop",
	  BREACH, RIG_SRQ, link_loop },
	{ "keeps bytes of its own beside the link of a shared receive",
	  "WQE 0: reserved bytes of its next segment are in use, expected 0", PEDANTIC, RIG_SRQ,
	  link_reserved },
	{ "posts more shared receives than there are", "doorbell record is 1000, expected 0 to ",
	  BREACH, RIG_SRQ, shared_beyond },
	{ "takes back a shared receive that it has posted",
	  "doorbell record is 2, expected 3 or more: it went back", BREACH, RIG_SRQ, shared_back },
	{ "counts on in the record of shared receives behind 16 bits",
	  "doorbell record is 0x10001, expected 16 bits", BREACH, RIG_SRQ, shared_too_wide },
	{ "names a key that nobody has in a shared receive",
	  "data[0].lkey is 0xdead00, expected the key of a region", ERROR, RIG_SRQ, shared_lkey },
};

const struct faults faults_receives = { .title = "Receives", FAULTS(receives) };

/* ---- completion queues ---- */

enum { CI = 0, ARM = 1 };

static void arm(struct rig *rig, uint32_t record, uint32_t word, uint32_t cqn)
{
	uint8_t bell[8];
	uint64_t value;

	put32((uint8_t *)&rig->dv_cq.dbrec[ARM], record);
	put32(bell, word);
	put32(bell + 4, cqn);
	memcpy(&value, bell, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)((uint8_t *)rig->dv_cq.cq_uar + 0x20), value,
			 __ATOMIC_RELEASE);
	step();
}

static void consumer_ahead(struct rig *rig)
{
	put32((uint8_t *)&rig->dv_cq.dbrec[CI], 5);
	post(rig, &rig->a, wqe_good(rig, &rig->a, OP_WRITE));
}

static void consumer_back(struct rig *rig)
{
	warm_up(rig, &rig->a, 3);
	put32((uint8_t *)&rig->dv_cq.dbrec[CI], 1);
	post(rig, &rig->a, wqe_good(rig, &rig->a, OP_WRITE));
}

static void arm_of_nobody(struct rig *rig)
{
	arm(rig, 0, 0, 0xabcd);
}

static void arm_differs(struct rig *rig)
{
	arm(rig, 0, 1, rig->dv_cq.cqn);
}

static void arm_reserved(struct rig *rig)
{
	arm(rig, 0x80000000, 0x80000000, rig->dv_cq.cqn);
}

static void arm_without_doorbell(struct rig *rig)
{
	put32((uint8_t *)&rig->dv_cq.dbrec[ARM], 0);
	pass_ms(2500);
}

static const struct fault completions[] = {
	{ "consumes completions that were not written",
	  "consumer index record is 5, expected at most 0, what was written", BREACH, RIG_RC,
	  consumer_ahead },
	{ "gives completions back that it has consumed",
	  "consumer index record is 1, expected 2 or more: it went back", BREACH, RIG_RC,
	  consumer_back },
	{ "arms a completion queue that there is not",
	  "arm doorbell names CQ 43981, expected one that has this page", NOTED, RIG_RC,
	  arm_of_nobody },
	{ "arms by another word than the record's",
	  "arm doorbell is 0x00000001, expected 0x00000000 as its record", NOTED, RIG_RC,
	  arm_differs },
	{ "sets a reserved bit of an arm",
	  "arm doorbell is 0x80000000, expected bits 31:30 and 27:25 clear", NOTED, RIG_RC,
	  arm_reserved },
	{ "moves the arm record, and forgets to ring",
	  "arm record without doorbell: the record is 0x00000000, expected a doorbell", NOTED,
	  RIG_RC, arm_without_doorbell },
};

const struct faults faults_completions = { .title = "Completion queues", FAULTS(completions) };
