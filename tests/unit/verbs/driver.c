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

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	assert_ptr_equal(qp, &now->qp);
	now->chain = 0;
	for (; wr; wr = wr->next) {
		assert_true(wr->num_sge <= 4);
		*bad = wr;
		if (now->refuse && now->chain == now->refuse_after)
			break;
		now->wr = *wr;
		for (int i = 0; i < wr->num_sge; i++)
			now->list[i] = wr->sg_list[i];
		if (wr->send_flags & IBV_SEND_INLINE)
			memcpy(now->payload, (const void *)(uintptr_t)wr->sg_list[0].addr,
			       wr->sg_list[0].length);
		now->wr_ids[now->chain++ % DRIVER_MAX_SEND] = wr->wr_id;
	}
	return keep(&now->refuse);
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
	assert_null(wr->next);
	assert_true(wr->num_sge <= 4);
	*bad = wr;
	now->recv_wr = *wr;
	for (int i = 0; i < wr->num_sge; i++)
		now->list[i] = wr->sg_list[i];
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
		.max_send_sge = 4,
	};
	struct driver *d = calloc(1, sizeof(*d));
	struct bv_channel *ch;

	assert_non_null(d);
	now = d;
	d->context.ops.post_send = post_send;
	d->context.ops.post_recv = post_recv;
	d->context.ops.poll_cq = poll_cq;
	d->context.ops.req_notify_cq = req_notify;
	d->qp.context = &d->context;
	cq_fill(&d->send);
	cq_fill(&d->recv);
	d->v.qp = &d->qp;
	d->v.send_cq = ibv_cq_ex_to_cq(&d->send.cq);
	d->v.recv_cq = ibv_cq_ex_to_cq(&d->recv.cq);
	d->v.send_cq_ex = extended ? &d->send.cq : NULL;
	d->v.recv_cq_ex = extended ? &d->recv.cq : NULL;
	d->v.signal_every = DRIVER_MAX_SEND / 2;
	for (unsigned i = 0; i < VERBS_BURST; i++)
		d->v.wc[i].wr_id = VERBS_NO_WORK;
	assert_int_equal(bvi_verbs_posted_create(&d->v, &attr), 0);
	d->v.core.max_inline = sizeof(d->payload);
	assert_int_equal(bvi_verbs_chain_create(&d->v, &attr), 0);
	ch = driver_channel(d);
	ch->core = &d->v.core;
	ch->ops = extended ? &bvi_verbs_ops_ready_ex : &bvi_verbs_ops_ready;
	ch->core->error = ch->ops;
	ch->max_send = DRIVER_MAX_SEND;
	ch->max_recv = DRIVER_MAX_RECV;
	ch->max_msg = 1u << 30;
	ch->max_inline = sizeof(d->payload);
	ch->atomics = true;
	ch->max_send_sge = 4;
	ch->max_recv_sge = 4;
	ch->recv_result_mask = DRIVER_MAX_RECV - 1;
	ch->recv_results = calloc(DRIVER_MAX_RECV, sizeof(*ch->recv_results));
	assert_non_null(ch->recv_results);
	return d;
}

void driver_free(struct driver *d)
{
	assert_int_equal(d->send.starts, d->send.ends);
	assert_int_equal(d->recv.starts, d->recv.ends);
	bvi_verbs_posted_destroy(&d->v);
	bvi_verbs_chain_destroy(&d->v);
	free(d->v.base.recv_results);
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
	cq->entries[cq->tail++] = wc;
}

/* Of core, which is not here: no test asks for what the public calls refuse. */
int64_t bvi_reject_list(const struct bv_channel *ch, unsigned nsge, unsigned max_sge,
			uint64_t length, const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	fail_msg("refused: %u of %u elements, %llu bytes, flags %#x", nsge, max_sge,
		 (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_inline(const struct bv_channel *ch, uint64_t length,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	fail_msg("refused: %llu bytes inline, flags %#x", (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	fail_msg("refused: an atomic of %u bytes at 0x%llx, flags %#x", result->length,
		 (unsigned long long)remote->addr, flags);
	return -EINVAL;
}
