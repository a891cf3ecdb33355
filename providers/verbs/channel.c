/* SPDX-License-Identifier: MIT */
/*
 * Making the objects of a channel.
 *
 * A channel is used by one thread at a time, and says so to drivers that can do without locks then:
 * by a thread domain for the QP, and by "single-threaded" completion queues. Both are optional.
 *
 * Of the two ways to use a driver, the extended one costs less where there is a thread domain
 * (docs/performance.md), so it is taken if all of it is there, else the classic one. BV_VERBS_CALLS in
 * the environment, "classic" or "extended", leaves no choice.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"

static const struct bv_channel_ops ops_prepared = {
	BVI_REFUSE_SENDS,
	VERBS_RECEIVES,
	VERBS_REAPS,
	.flush = bvi_verbs_flush,
};

static const struct bv_channel_ops ops_prepared_wr = {
	BVI_REFUSE_SENDS,
	VERBS_RECEIVES,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};

static const struct bv_channel_ops ops_error = {
	BVI_REFUSE_POSTS,
	VERBS_REAPS,
	.flush = bvi_verbs_flush,
};

static const struct bv_channel_ops ops_error_wr = {
	BVI_REFUSE_POSTS,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};

enum calls {
	CALLS_BEST,
	CALLS_CLASSIC,
	CALLS_EXTENDED,
};

/* What the environment asks for. */
static int wanted_calls(enum calls *calls, char *why, size_t size)
{
	const char *word = getenv("BV_VERBS_CALLS");

	if (!word || !*word)
		*calls = CALLS_BEST;
	else if (strcmp(word, "classic") == 0)
		*calls = CALLS_CLASSIC;
	else if (strcmp(word, "extended") == 0)
		*calls = CALLS_EXTENDED;
	else {
		snprintf(why, size,
			 "BV_VERBS_CALLS is '%s': classic (ibv_post_send) or extended (ibv_wr_*)",
			 word);
		return -EINVAL;
	}
	return 0;
}

/* What a libibverbs constructor that returned NULL left in errno. */
static int fail_call(char *why, size_t size, const char *call, const char *hint)
{
	const int rc = errno > 0 ? -errno : -EIO;

	snprintf(why, size, "%s: %s%s", call, strerror(-rc), hint);
	return rc;
}

/* Without a thread domain, or without a parent domain for it, the channel goes without both. */
static void domain_create(struct verbs_channel *v, const struct bv_channel_params *params)
{
	struct ibv_td_init_attr td_attr = { 0 };
	struct ibv_parent_domain_init_attr attr = { .pd = params->pd };

	v->td = ibv_alloc_td(params->context, &td_attr);
	if (!v->td)
		return;
	attr.td = v->td;
	v->domain = ibv_alloc_parent_domain(params->context, &attr);
	if (v->domain)
		return;
	ibv_dealloc_td(v->td);
	v->td = NULL;
}

static struct ibv_cq_ex *cq_create_ex(const struct bv_channel_params *params, uint32_t depth)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = depth,
		.channel = params->wake,
		.wc_flags = IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_IMM,
		.comp_mask = IBV_CQ_INIT_ATTR_MASK_FLAGS,
		.flags = IBV_CREATE_CQ_ATTR_SINGLE_THREADED,
	};

	return ibv_create_cq_ex(params->context, &attr);
}

static int cqs_create(struct verbs_channel *v, const struct bv_channel_params *params, char *why,
		      size_t size)
{
	const int depth_send = (int)params->attr->max_send;
	const int depth_recv = (int)params->attr->max_recv;

	v->send_cq = ibv_create_cq(params->context, depth_send, NULL, params->wake, 0);
	if (!v->send_cq)
		return fail_call(why, size, "ibv_create_cq (send)", "");
	v->recv_cq = ibv_create_cq(params->context, depth_recv, NULL, params->wake, 0);
	return v->recv_cq ? 0 : fail_call(why, size, "ibv_create_cq (receive)", "");
}

/* Completions that the device does not know to be taken need room beside all that are outstanding. */
static bool has_room(const struct ibv_cq *cq, uint32_t outstanding)
{
	return (int64_t)cq->cqe - outstanding >= VERBS_BATCH - 1;
}

static int cqs_create_ex(struct verbs_channel *v, const struct bv_channel_params *params, char *why,
			 size_t size)
{
	v->send_cq_ex = cq_create_ex(params, params->attr->max_send);
	if (!v->send_cq_ex)
		return fail_call(why, size, "ibv_create_cq_ex (send)", "");
	v->send_cq = ibv_cq_ex_to_cq(v->send_cq_ex);
	v->recv_cq_ex = cq_create_ex(params, params->attr->max_recv);
	if (!v->recv_cq_ex)
		return fail_call(why, size, "ibv_create_cq_ex (receive)", "");
	v->recv_cq = ibv_cq_ex_to_cq(v->recv_cq_ex);
	if (has_room(v->send_cq, params->attr->max_send) &&
	    has_room(v->recv_cq, params->attr->max_recv))
		v->batch = VERBS_BATCH;
	return 0;
}

/* What the channel will do, once its queues are there. */
static void choose_tables(struct verbs_channel *v, const struct bv_channel_attr *attr)
{
	const bool wr = v->qp_ex;
	const bool narrow = v->core.max_inline < BVI_SHORT_INLINE || !attr->max_send_sge;

	v->core.prepared = wr ? &ops_prepared_wr : &ops_prepared;
	v->core.ready = !wr    ? &bvi_verbs_ops_ready :
			narrow ? &bvi_verbs_ops_ready_wr_narrow :
				 &bvi_verbs_ops_ready_wr;
	v->core.error = wr ? &ops_error_wr : &ops_error;
	if (v->domain)
		v->core.data_path = wr ? "ibv_wr_* and ibv_start_poll, thread domain" :
					 "ibv_post_send and ibv_poll_cq, thread domain";
	else
		v->core.data_path = wr ? "ibv_wr_* and ibv_start_poll" :
					 "ibv_post_send and ibv_poll_cq";
}

/* One element at least: inline payload is one, also on a channel without lists. */
static uint32_t at_least_one(uint32_t n)
{
	return n ? n : 1;
}

/* All operations of a channel, or the driver will have to be used the classic way. */
#define SEND_OPS                                                                          \
	(IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM | IBV_QP_EX_WITH_RDMA_WRITE | \
	 IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM | IBV_QP_EX_WITH_RDMA_READ |                  \
	 IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP | IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD)

static int qp_create(struct verbs_channel *v, const struct bv_channel_params *params, bool wr,
		     char *why, size_t size)
{
	const struct bv_channel_attr *attr = params->attr;
	struct ibv_qp_init_attr_ex init = {
		.send_cq = v->send_cq,
		.recv_cq = v->recv_cq,
		.cap = {
			.max_send_wr = attr->max_send,
			.max_recv_wr = attr->max_recv,
			.max_send_sge = at_least_one(attr->max_send_sge),
			.max_recv_sge = at_least_one(attr->max_recv_sge),
			.max_inline_data = attr->max_inline,
		},
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | (wr ? IBV_QP_INIT_ATTR_SEND_OPS_FLAGS : 0),
		.pd = v->domain ? v->domain : params->pd,
		.send_ops_flags = wr ? SEND_OPS : 0,
	};

	v->qp = params->qp_create ? params->qp_create(params->context, &init) :
				    ibv_create_qp_ex(params->context, &init);
	if (!v->qp)
		return fail_call(why, size, wr ? "ibv_create_qp_ex" : "ibv_create_qp",
				 ": ask for fewer or smaller works, elements or inline bytes");
	v->qp_ex = wr ? ibv_qp_to_qp_ex(v->qp) : NULL;
	v->core.max_inline = init.cap.max_inline_data;
	return 0;
}

static void queues_destroy(struct verbs_channel *v)
{
	bvi_verbs_poll_end(v, BV_WAKE_SEND | BV_WAKE_RECV);
	if (v->qp)
		ibv_destroy_qp(v->qp);
	if (v->recv_cq)
		ibv_destroy_cq(v->recv_cq);
	if (v->send_cq)
		ibv_destroy_cq(v->send_cq);
	v->qp = NULL;
	v->qp_ex = NULL;
	v->send_cq = v->recv_cq = NULL;
	v->send_cq_ex = v->recv_cq_ex = NULL;
}

static int queues_create_as(struct verbs_channel *v, const struct bv_channel_params *params,
			    bool extended, char *why, size_t size)
{
	int rc;

	rc = extended ? cqs_create_ex(v, params, why, size) : cqs_create(v, params, why, size);
	if (rc == 0)
		rc = qp_create(v, params, extended, why, size);
	if (rc < 0)
		queues_destroy(v);
	return rc;
}

/*
 * Unless told to, the extended way is only tried with a thread domain: what it saves is mostly locks,
 * and the extended queues of rxe in rdma-core 44 cannot be used: ibv_next_poll() that finds nothing
 * ends the polling, and ibv_end_poll() once more, one completion too far (cq_next_poll() in
 * providers/rxe/rxe.c).
 */
static int queues_create(struct verbs_channel *v, const struct bv_channel_params *params, char *why,
			 size_t size)
{
	enum calls calls;
	int rc;

	rc = wanted_calls(&calls, why, size);
	if (rc < 0)
		return rc;
	rc = -EOPNOTSUPP;
	if (calls == CALLS_EXTENDED || (calls == CALLS_BEST && v->domain))
		rc = queues_create_as(v, params, true, why, size);
	if (rc < 0 && calls != CALLS_EXTENDED)
		rc = queues_create_as(v, params, false, why, size);
	if (rc < 0)
		return rc;
	v->post_recv = params->context->ops.post_recv;
	v->core.qp = v->qp;
	v->core.send_cq = v->send_cq;
	v->core.recv_cq = v->recv_cq;
	if (v->qp_ex)
		bvi_verbs_cq_functions_set(v);
	else
		rc = bvi_verbs_chain_create(v, params->attr);
	if (rc < 0)
		snprintf(why, size, "no memory for a channel");
	return rc;
}

int bvi_verbs_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			     char *why, size_t size)
{
	struct verbs_channel *v = aligned_alloc(VERBS_LINE, sizeof(*v));
	int rc;

	if (!v) {
		snprintf(why, size, "no memory for a channel");
		return -ENOMEM;
	}
	memset(v, 0, sizeof(*v));
	v->base.core = &v->core;
	v->batch = 1;
	v->signal_every = (params->attr->max_send + 1) / 2;
	v->usual_recv_sge = params->attr->max_recv_sge ? 1 : UINT32_MAX;
	for (unsigned i = 0; i < VERBS_BURST; i++)
		v->wc[i].wr_id = VERBS_NO_WORK;
	domain_create(v, params);
	rc = bvi_verbs_posted_create(v, params->attr);
	if (rc < 0)
		snprintf(why, size, "no memory for a channel");
	else
		rc = queues_create(v, params, why, size);
	if (rc < 0) {
		bvi_verbs_channel_destroy(&v->base);
		return rc;
	}
	choose_tables(v, params->attr);
	*ch = &v->base;
	return 0;
}

/* Also takes a channel that was made in part. */
void bvi_verbs_channel_destroy(struct bv_channel *ch)
{
	struct verbs_channel *v = to_verbs(ch);

	queues_destroy(v);
	if (v->domain)
		ibv_dealloc_pd(v->domain);
	if (v->td)
		ibv_dealloc_td(v->td);
	bvi_verbs_posted_destroy(v);
	bvi_verbs_chain_destroy(v);
	free(v);
}
