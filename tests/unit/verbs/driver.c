/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct driver *now; /* the one driver of a test */

static int keep(int *refuse)
{
	const int rc = *refuse;

	*refuse = 0;
	errno = now->refuse_errno;
	now->posts++;
	return rc;
}

/* One more of the chain. */
static void take(uint64_t wr_id)
{
	const uint64_t number = verbs_number(verbs_place_of(wr_id));

	now->numbers[now->chain++ % DRIVER_MAX_SEND] = number;
	now->wr_ids[number % DRIVER_MAX_SEND] = wr_id;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	assert_ptr_equal(qp, &now->qp);
	assert_null(now->v.qp_ex);
	now->chain = 0;
	for (; wr; wr = wr->next) {
		assert_true(wr->num_sge <= DRIVER_MAX_SGE);
		*bad = wr;
		if (now->refuse && now->chain == now->refuse_after)
			break;
		now->wr = *wr;
		for (int i = 0; i < wr->num_sge; i++)
			now->list[i] = wr->sg_list[i];
		if (wr->send_flags & IBV_SEND_INLINE)
			memcpy(now->payload, (const void *)(uintptr_t)wr->sg_list[0].addr,
			       wr->sg_list[0].length);
		take(wr->wr_id);
	}
	return keep(&now->refuse);
}

static void wr_start(struct ibv_qp_ex *qp)
{
	assert_ptr_equal(qp, &now->qp);
	assert_false(now->started);
	now->started = true;
	now->built = true;
	now->chain = 0;
}

static int wr_complete(struct ibv_qp_ex *qp)
{
	assert_ptr_equal(qp, &now->qp);
	assert_true(now->started && now->built);
	now->started = false;
	return keep(&now->refuse);
}

static void begin(enum ibv_wr_opcode opcode, uint32_t rkey, uint64_t addr, uint32_t imm)
{
	struct ibv_send_wr *wr = &now->wr;

	assert_true(now->started && now->built);
	now->built = false;
	*wr = (struct ibv_send_wr){
		.wr_id = now->qp.wr_id,
		.opcode = opcode,
		.send_flags = now->qp.wr_flags,
		.imm_data = imm,
	};
	wr->wr.rdma.remote_addr = addr;
	wr->wr.rdma.rkey = rkey;
	take(wr->wr_id);
}

static void wr_send(struct ibv_qp_ex *qp)
{
	(void)qp;
	begin(IBV_WR_SEND, 0, 0, 0);
}

static void wr_send_imm(struct ibv_qp_ex *qp, uint32_t imm)
{
	(void)qp;
	begin(IBV_WR_SEND_WITH_IMM, 0, 0, imm);
}

static void wr_rdma_write(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr)
{
	(void)qp;
	begin(IBV_WR_RDMA_WRITE, rkey, addr, 0);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr, uint32_t imm)
{
	(void)qp;
	begin(IBV_WR_RDMA_WRITE_WITH_IMM, rkey, addr, imm);
}

static void wr_rdma_read(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr)
{
	(void)qp;
	begin(IBV_WR_RDMA_READ, rkey, addr, 0);
}

static void begin_atomic(enum ibv_wr_opcode opcode, uint32_t rkey, uint64_t addr, uint64_t operand,
			 uint64_t swap)
{
	begin(opcode, 0, 0, 0);
	now->wr.wr.atomic.remote_addr = addr;
	now->wr.wr.atomic.rkey = rkey;
	now->wr.wr.atomic.compare_add = operand;
	now->wr.wr.atomic.swap = swap;
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr, uint64_t add)
{
	(void)qp;
	begin_atomic(IBV_WR_ATOMIC_FETCH_AND_ADD, rkey, addr, add, 0);
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr, uint64_t compare,
			      uint64_t swap)
{
	(void)qp;
	begin_atomic(IBV_WR_ATOMIC_CMP_AND_SWP, rkey, addr, compare, swap);
}

static void wr_set_sge_list(struct ibv_qp_ex *qp, size_t n, const struct ibv_sge *list)
{
	(void)qp;
	assert_true(!now->built && n <= DRIVER_MAX_SGE);
	now->built = true;
	now->wr.num_sge = (int)n;
	for (size_t i = 0; i < n; i++)
		now->list[i] = list[i];
}

static void wr_set_sge(struct ibv_qp_ex *qp, uint32_t lkey, uint64_t addr, uint32_t length)
{
	const struct ibv_sge sge = { .addr = addr, .length = length, .lkey = lkey };

	wr_set_sge_list(qp, 1, &sge);
}

/* Shows up as one inline element, or as none of an empty payload. */
static void wr_set_inline_data(struct ibv_qp_ex *qp, void *data, size_t length)
{
	const struct ibv_sge sge = { .addr = (uintptr_t)data, .length = (uint32_t)length };

	assert_true(length <= sizeof(now->payload));
	wr_set_sge_list(qp, length ? 1 : 0, &sge);
	if (!length)
		return;
	now->wr.send_flags |= IBV_SEND_INLINE;
	memcpy(now->payload, data, length);
}

static void qp_fill(struct ibv_qp_ex *qp)
{
	qp->qp_base.context = &now->context;
	qp->wr_start = wr_start;
	qp->wr_complete = wr_complete;
	qp->wr_send = wr_send;
	qp->wr_send_imm = wr_send_imm;
	qp->wr_rdma_write = wr_rdma_write;
	qp->wr_rdma_write_imm = wr_rdma_write_imm;
	qp->wr_rdma_read = wr_rdma_read;
	qp->wr_atomic_fetch_add = wr_atomic_fetch_add;
	qp->wr_atomic_cmp_swp = wr_atomic_cmp_swp;
	qp->wr_set_sge = wr_set_sge;
	qp->wr_set_sge_list = wr_set_sge_list;
	qp->wr_set_inline_data = wr_set_inline_data;
}

static int req_notify(struct ibv_cq *cq, int solicited_only)
{
	now->notified[cq == now->v.recv_cq]++;
	now->solicited_only = solicited_only;
	return keep(&now->refuse);
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	assert_ptr_equal(qp, &now->qp);
	now->receives = 0;
	for (; wr; wr = wr->next) {
		assert_true(wr->num_sge <= DRIVER_MAX_SGE);
		*bad = now->mute ? NULL : wr;
		if (now->refuse && now->receives == now->refuse_after)
			break;
		now->recv_wr = *wr;
		for (int i = 0; i < wr->num_sge; i++)
			now->list[i] = wr->sg_list[i];
		now->landings[now->receives++ % DRIVER_MAX_RECV] = now->list[0].addr;
	}
	return keep(&now->refuse);
}

static struct driver_cq *to_driver_cq(void *cq)
{
	return cq == &now->send ? &now->send : &now->recv;
}

/* The entry that is next: 1; none 0; broken -1. */
static int look(const struct driver_cq *cq)
{
	if ((int)cq->head == cq->broken_at)
		return -1;
	return cq->head < cq->tail;
}

static int poll_cq(struct ibv_cq *ibcq, int max, struct ibv_wc *wc)
{
	struct driver_cq *cq = to_driver_cq(ibcq);
	int n = 0;

	for (; n < max; n++) {
		const int rc = look(cq);

		if (rc < 0)
			return DRIVER_BROKEN;
		if (!rc)
			break;
		wc[n] = cq->entries[cq->head++];
	}
	return n;
}

static int show(struct driver_cq *cq)
{
	const int rc = look(cq);

	if (rc != 1)
		return rc ? EINVAL : ENOENT;
	cq->cq.wr_id = cq->entries[cq->head].wr_id;
	cq->cq.status = cq->entries[cq->head].status;
	cq->head++;
	return 0;
}

static int start_poll(struct ibv_cq_ex *ex, struct ibv_poll_cq_attr *attr)
{
	struct driver_cq *cq = to_driver_cq(ex);
	const int rc = show(cq);

	assert_false(cq->polling);
	assert_int_equal(attr->comp_mask, 0);
	cq->polling = !rc;
	cq->starts += !rc;
	return rc;
}

static int next_poll(struct ibv_cq_ex *ex)
{
	assert_true(to_driver_cq(ex)->polling);
	return show(to_driver_cq(ex));
}

static void end_poll(struct ibv_cq_ex *ex)
{
	struct driver_cq *cq = to_driver_cq(ex);

	assert_true(cq->polling);
	cq->polling = false;
	cq->ends++;
}

static const struct ibv_wc *shown(struct ibv_cq_ex *ex)
{
	const struct driver_cq *cq = to_driver_cq(ex);

	assert_true(cq->polling);
	return &cq->entries[cq->head - 1];
}

static enum ibv_wc_opcode read_opcode(struct ibv_cq_ex *ex)
{
	return shown(ex)->opcode;
}

static uint32_t read_vendor_err(struct ibv_cq_ex *ex)
{
	return shown(ex)->vendor_err;
}

static uint32_t read_byte_len(struct ibv_cq_ex *ex)
{
	return shown(ex)->byte_len;
}

static uint32_t read_imm_data(struct ibv_cq_ex *ex)
{
	return shown(ex)->imm_data;
}

static unsigned int read_wc_flags(struct ibv_cq_ex *ex)
{
	return shown(ex)->wc_flags;
}

static void cq_fill(struct driver_cq *cq)
{
	cq->broken_at = -1;
	cq->cq.context = &now->context;
	cq->cq.start_poll = start_poll;
	cq->cq.next_poll = next_poll;
	cq->cq.end_poll = end_poll;
	cq->cq.read_opcode = read_opcode;
	cq->cq.read_vendor_err = read_vendor_err;
	cq->cq.read_byte_len = read_byte_len;
	cq->cq.read_imm_data = read_imm_data;
	cq->cq.read_wc_flags = read_wc_flags;
}

struct driver *driver_new(bool extended)
{
	const struct bv_channel_attr attr = {
		.max_send = DRIVER_MAX_SEND,
		.max_recv = DRIVER_MAX_RECV,
		.max_send_sge = DRIVER_MAX_SGE,
	};
	struct driver *d = aligned_alloc(VERBS_LINE, sizeof(*d));
	struct bv_channel *ch;

	assert_non_null(d);
	memset(d, 0, sizeof(*d));
	now = d;
	d->context.ops.post_send = post_send;
	d->context.ops.post_recv = post_recv;
	d->context.ops.poll_cq = poll_cq;
	d->context.ops.req_notify_cq = req_notify;
	qp_fill(&d->qp);
	cq_fill(&d->send);
	cq_fill(&d->recv);
	d->v.qp = &d->qp.qp_base;
	d->v.post_recv = post_recv;
	d->v.qp_ex = extended ? &d->qp : NULL;
	d->v.send_cq = ibv_cq_ex_to_cq(&d->send.cq);
	d->v.recv_cq = ibv_cq_ex_to_cq(&d->recv.cq);
	d->v.send_cq_ex = extended ? &d->send.cq : NULL;
	d->v.recv_cq_ex = extended ? &d->recv.cq : NULL;
	d->v.signal_every = DRIVER_MAX_SEND / 2;
	d->v.usual_recv_sge = 1;
	d->v.batch = VERBS_BATCH;
	if (extended)
		bvi_verbs_cq_functions_set(&d->v);
	for (unsigned i = 0; i < VERBS_BURST; i++)
		d->v.wc[i].wr_id = VERBS_NO_WORK;
	assert_int_equal(bvi_verbs_posted_create(&d->v, &attr), 0);
	d->v.core.max_inline = sizeof(d->payload);
	assert_int_equal(bvi_verbs_chain_create(&d->v, &attr), 0);
	ch = driver_channel(d);
	ch->core = &d->v.core;
	ch->max_send = DRIVER_MAX_SEND;
	ch->max_recv = DRIVER_MAX_RECV;
	ch->max_msg = 1u << 30;
	ch->max_inline = sizeof(d->payload);
	ch->atomics = true;
	bvi_calls_set(ch, extended ? &bvi_verbs_ops_ready_wr : &bvi_verbs_ops_ready);
	ch->core->error = ch->ops;
	ch->max_send_sge = DRIVER_MAX_SGE;
	ch->max_recv_sge = DRIVER_MAX_SGE;
	ch->sq_limit = DRIVER_MAX_SEND;
	ch->rq_posted = ch->rq_done = BV_WORK_RECV;
	ch->rq_limit = ch->rq_done + DRIVER_MAX_RECV;
	return d;
}

void driver_free(struct driver *d)
{
	assert_false(d->started);
	bvi_verbs_poll_end(&d->v, BV_WAKE_SEND | BV_WAKE_RECV);
	assert_int_equal(d->send.starts, d->send.ends);
	assert_int_equal(d->recv.starts, d->recv.ends);
	bvi_verbs_posted_destroy(&d->v);
	bvi_verbs_chain_destroy(&d->v);
	free(d);
	now = NULL;
}

struct bv_channel *driver_channel(struct driver *d)
{
	return &d->v.base;
}

void driver_complete(struct driver_cq *cq, struct ibv_wc wc)
{
	assert_true(cq->tail < DRIVER_CQE);
	if (cq == &now->send)
		wc.wr_id = now->wr_ids[wc.wr_id % DRIVER_MAX_SEND];
	else
		wc.wr_id = (uintptr_t)&now->v.posted_recv[cq->tail & now->v.posted_recv_mask];
	cq->entries[cq->tail++] = wc;
}
