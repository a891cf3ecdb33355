/* SPDX-License-Identifier: MIT */
/*
 * Making the objects of a channel, and taking their queues over.
 *
 * libibverbs and libmlx5 create everything; mlx5dv_init_obj() then tells where rings, records and
 * doorbell register lie, and from there on no call of theirs touches them but destruction (and the
 * move to RESET, which no channel makes while it lives).
 *
 *	thread domain -> its own doorbell register    parent domain = the caller's pd + thread domain
 *	or, where BlueFlame is unwanted, the uncached register that libmlx5 has for doorbells alone
 *	two completion queues, 64-byte entries, twice as deep as their queues
 *	QP in the parent domain
 *
 * Completions are plain, uncompressed and without payloads, unless the channel asks for others.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "wqe.h"

static_assert(sizeof(struct mlx5_sge) == sizeof(struct bv_gather) &&
		      offsetof(struct mlx5_sge, addr) == offsetof(struct bv_gather, addr) &&
		      offsetof(struct mlx5_sge, length) == offsetof(struct bv_gather, length) &&
		      offsetof(struct mlx5_sge, lkey) == offsetof(struct bv_gather, lkey),
	      "a gather list is read as it is");
static_assert(sizeof(struct mlx5_sge) == sizeof(struct bv_scatter) &&
		      offsetof(struct mlx5_sge, addr) == offsetof(struct bv_scatter, addr) &&
		      offsetof(struct mlx5_sge, length) == offsetof(struct bv_scatter, length) &&
		      offsetof(struct mlx5_sge, lkey) == offsetof(struct bv_scatter, lkey),
	      "so is a scatter list");

const struct bv_channel_ops bvi_mlx5_ops_prepared[2] = {
	{ BVI_REFUSE_SENDS, BVI_MLX5_RECV_LISTS, BVI_MLX5_REAPS },
	{ BVI_REFUSE_SENDS, BVI_MLX5_RECV_ONES, BVI_MLX5_REAPS },
};

const struct bv_channel_ops bvi_mlx5_ops_error = { BVI_REFUSE_POSTS, BVI_MLX5_REAPS };

struct reason {
	char *text;
	size_t size;
};

static __attribute__((format(printf, 3, 4))) int fail(const struct reason *why, int rc,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, why->size, fmt, args);
	va_end(args);
	return rc;
}

/* What a libibverbs constructor that returned NULL left in errno. */
static int fail_call(const struct reason *why, const char *call, const char *hint)
{
	const int rc = errno > 0 ? -errno : -EIO;

	return fail(why, rc, "%s: %s%s", call, strerror(-rc), hint);
}

/* As libmlx5 asks (get_shut_up_bf() in mlx5.c). */
static bool blueflame_unwanted(void)
{
	const char *const shut_up = getenv("MLX5_SHUT_UP_BF");

	return shut_up && strcmp(shut_up, "0");
}

/*
 * The register of a thread domain is mapped write-combining, wanted or not. The one that queue pairs of
 * no thread domain have when BlueFlame is unwanted is not cached (mlx5_get_qp_uar() in verbs.c).
 */
static int domain_create(struct mlx5_channel *c, const struct bv_channel_params *params,
			 const struct reason *why)
{
	struct ibv_td_init_attr td_attr = { 0 };
	struct ibv_parent_domain_init_attr attr = { .pd = params->pd };

	if (blueflame_unwanted())
		return 0;
	c->td = ibv_alloc_td(params->context, &td_attr);
	if (!c->td)
		return fail_call(why, "ibv_alloc_td",
				 ": no doorbell register left for this channel; destroy unused "
				 "channels, or use provider verbs");
	attr.td = c->td;
	c->domain = ibv_alloc_parent_domain(params->context, &attr);
	if (!c->domain)
		return fail_call(why, "ibv_alloc_parent_domain", "");
	return 0;
}

/*
 * The largest block of compressed completions, 0: none. The format is of no consequence, since receives have
 * neither a hash nor a checksum: it is the one that all devices have.
 */
static uint32_t block_max(struct ibv_context *context)
{
	struct mlx5dv_context dv = { .comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION };

	if (mlx5dv_query_device(context, &dv) ||
	    !(dv.comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION) ||
	    !(dv.cqe_comp_caps.supported_format & MLX5DV_CQE_RES_FORMAT_HASH))
		return 0;
	return dv.cqe_comp_caps.max_num;
}

static struct ibv_cq_ex *cq_make(const struct bv_channel_params *params, uint32_t entries,
				 bool compressed)
{
	const bool unchecked = params->attr->completions & BV_COMPLETIONS_UNCHECKED;
	struct ibv_cq_init_attr_ex attr = {
		.cqe = entries,
		.channel = params->wake,
		.comp_mask = unchecked ? IBV_CQ_INIT_ATTR_MASK_FLAGS : 0,
		.flags = unchecked ? IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN : 0,
	};
	/* The size is asked for, as the default may come from the environment. */
	struct mlx5dv_cq_init_attr dv_attr = {
		.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE |
			     (compressed ? MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE : 0),
		.cqe_comp_res_format = MLX5DV_CQE_RES_FORMAT_HASH,
		.cqe_size = sizeof(struct prm_cqe),
	};

	return mlx5dv_create_cq(params->context, &attr, &dv_attr);
}

/*
 * libmlx5 marks entries that were never written by their opcode alone. They get the owner of the
 * lap "before the first" as well, and the opcode of a success, so that the first lap is polled like any
 * other; but for blocks that were compressed, the device only ever writes here.
 */
static int cq_create(struct mlx5_cq *cq, const struct bv_channel_params *params, uint32_t depth,
		     uint32_t blocks, struct ibv_cq **ibv, const struct reason *why)
{
	struct mlx5dv_cq dv = { 0 };
	struct mlx5dv_obj obj = { .cq = { .out = &dv } };
	/* The title of a block may lie that much before a completion whose result is asked for. */
	const uint32_t titles = blocks < depth ? blocks : depth;
	struct ibv_cq_ex *ex = cq_make(params, 2 * depth + titles, blocks);
	struct prm_cqe *ring;
	int rc;

	if (!ex)
		return fail_call(why, "mlx5dv_create_cq", "");
	*ibv = ibv_cq_ex_to_cq(ex);
	obj.cq.in = *ibv;
	rc = mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ);
	if (rc)
		return fail(why, -rc, "mlx5dv_init_obj(CQ): %s", strerror(rc));
	if (dv.cqe_size != sizeof(struct prm_cqe) || dv.cqe_cnt < 2 * depth ||
	    dv.cqe_cnt & (dv.cqe_cnt - 1))
		return fail(why, -EOPNOTSUPP,
			    "completion queue of %u entries of %u bytes; needs %u of 64 bytes",
			    dv.cqe_cnt, dv.cqe_size, 2 * depth);
	ring = dv.buf;
	for (uint32_t i = 0; i < dv.cqe_cnt; i++)
		ring[i].tail = bv_to_be64(PRM_CQE_REQ << 4 | PRM_CQE_OWNER);
	*cq = (struct mlx5_cq){
		.ring = dv.buf,
		.dbrec = (bv_be32 *)(void *)dv.dbrec,
		.count = dv.cqe_cnt,
		.arm = (uint8_t *)dv.cq_uar + PRM_UAR_CQ_ARM,
		.cqn = dv.cqn,
		.unchecked = params->attr->completions & BV_COMPLETIONS_UNCHECKED,
	};
	return 0;
}

/* The send queue's is never compressed: a completion is for as many works as its program wants. */
static int cqs_create(struct mlx5_channel *c, const struct bv_channel_params *params,
		      const struct reason *why)
{
	const struct bv_channel_attr *const attr = params->attr;
	int rc;

	if (attr->completions & BV_COMPLETIONS_COMPRESSED)
		c->block_max = block_max(params->context);
	c->payloads = attr->completions & BV_COMPLETIONS_INLINE;
	rc = cq_create(&c->send_cq, params, attr->max_send, 0, &c->ibv_send_cq, why);
	if (rc == 0)
		rc = cq_create(&c->recv_cq, params, attr->max_recv, c->block_max, &c->ibv_recv_cq,
			       why);
	c->core.send_cq = c->ibv_send_cq;
	c->core.recv_cq = c->ibv_recv_cq;
	return rc;
}

static struct ibv_qp *qp_create(struct mlx5_channel *c, const struct bv_channel_params *params)
{
	const struct bv_channel_attr *attr = params->attr;
	struct ibv_qp_init_attr_ex init = {
		.send_cq = c->ibv_send_cq,
		.recv_cq = c->ibv_recv_cq,
		.cap = {
			.max_send_wr = attr->max_send,
			.max_recv_wr = attr->max_recv,
			.max_send_sge = attr->max_send_sge,
			.max_recv_sge = attr->max_recv_sge,
			/* The short ways take eight bytes of any channel: they fit a WQE of one block. */
			.max_inline_data = attr->max_inline > 8 ? attr->max_inline : 8,
		},
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = c->domain ? c->domain : params->pd,
	};
	struct mlx5dv_qp_init_attr dv_init = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
		.create_flags = c->payloads ? MLX5DV_QP_CREATE_ALLOW_SCATTER_TO_CQE :
					      MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE,
	};
	struct ibv_qp *qp = mlx5dv_create_qp(params->context, &init, &dv_init);

	if (qp)
		c->core.max_inline = init.cap.max_inline_data;
	return qp;
}

/* Blocks of the largest work that this channel accepts. */
static uint32_t largest_work(uint32_t max_sge, uint32_t max_inline)
{
	const unsigned list = max_sge;
	const unsigned payload = prm_inline_ds(max_inline);

	return wqe_blocks(2 + (list > payload ? list : payload));
}

static int sq_check(struct mlx5_channel *c, const struct mlx5dv_qp *dv,
		    const struct bv_channel_attr *attr, const struct reason *why)
{
	const uint32_t blocks = largest_work(attr->max_send_sge, c->core.max_inline);

	if (dv->sq.stride != PRM_WQEBB || dv->sq.wqe_cnt > PRM_SQ_WQEBB_MAX ||
	    dv->sq.wqe_cnt & (dv->sq.wqe_cnt - 1) ||
	    dv->sq.wqe_cnt < (uint64_t)attr->max_send * blocks)
		return fail(
			why, -EOPNOTSUPP,
			"send queue of %u blocks of %u bytes; needs %u works of %u blocks of 64",
			dv->sq.wqe_cnt, dv->sq.stride, attr->max_send, blocks);
	if ((uintptr_t)dv->bf.reg & dv->bf.size || dv->bf.size & (dv->bf.size - 1) ||
	    dv->bf.size > 1u << 15)
		return fail(why, -EOPNOTSUPP, "doorbell register of %u bytes at offset %#x",
			    dv->bf.size, (unsigned)((uintptr_t)dv->bf.reg & 0xfff));
	return 0;
}

static int sq_init(struct mlx5_channel *c, const struct mlx5dv_qp *dv,
		   const struct bv_channel_params *params, const struct reason *why)
{
	const struct bv_channel_attr *const attr = params->attr;
	struct bv_channel *const ch = c->base;
	struct bvi_mlx5_post *const post = bvi_mlx5_post_of(ch);
	const bool blueflame = dv->bf.size && c->td;
	struct ibv_port_attr port;
	bool usual;

	c->qpn = c->core.qp->qp_num;
	bvi_mlx5_sq_init(ch, c->qpn, dv->sq.wqe_cnt, attr);
	post->ring = dv->sq.buf;
	post->dbrec = (bv_be32 *)(void *)dv->dbrec + PRM_DBREC_SEND;
	post->bf = dv->bf.reg;
	c->bf_size = (uint16_t)dv->bf.size;
	c->bf_ds = (uint16_t)(blueflame ? dv->bf.size / PRM_DS : 0);
	c->signal_every = (uint16_t)((attr->max_send + 1) / 2);
	usual = attr->max_send_sge > 0 && ibv_query_port(params->context, attr->port, &port) == 0 &&
		port.max_msg_sz >= BVI_MLX5_MSG;
	c->core.gate = usual && blueflame && dv->bf.size == BVI_MLX5_BF;
	c->sends = usual && !dv->bf.size ? bvi_mlx5_ops_doorbell : bvi_mlx5_ops_any;
	snprintf(c->data_path, sizeof(c->data_path), "%s, %s register, 64-byte CQEs%s%s%s",
		 blueflame ? "BlueFlame" : "doorbell",
		 c->td       ? "own doorbell" :
		 dv->bf.size ? "combining" :
			       "uncached",
		 c->block_max ? ", compressed for receives" : "",
		 c->payloads ? ", with short payloads" : "",
		 c->send_cq.unchecked ? ", overruns unchecked" : "");
	return c->core.gate ? bvi_mlx5_cpu_sends(&c->sends, why->text, why->size) : 0;
}

/* Where completions are not plain, bursts have a function of their own, and polls of one where they can. */
static void variant_init(struct mlx5_channel *c)
{
	const struct bv_channel_ops **const tables[] = { &c->core.prepared, &c->core.ready,
							 &c->core.error };

	c->inside = c->payloads && c->core.recv_gate;
	if (!c->block_max && !c->inside)
		return;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		c->variant[i] = **tables[i];
		c->variant[i].poll_recv = bvi_mlx5_poll_recv_blocks;
		if (c->inside) {
			c->variant[i].poll_recv_one = bvi_mlx5_poll_recv_one_inside;
			c->variant[i].poll_recv_inplace = bvi_mlx5_poll_recv_inplace_inside;
		}
		*tables[i] = &c->variant[i];
	}
}

static int rq_init(struct mlx5_channel *c, const struct mlx5dv_qp *dv,
		   const struct bv_channel_attr *attr, const struct reason *why)
{
	struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(c->base);

	if (dv->rq.stride < PRM_DS || dv->rq.stride & (dv->rq.stride - 1) ||
	    dv->rq.stride / PRM_DS < attr->max_recv_sge || dv->rq.wqe_cnt < attr->max_recv ||
	    dv->rq.wqe_cnt & (dv->rq.wqe_cnt - 1) || dv->rq.wqe_cnt > 1u << 16)
		return fail(why, -EOPNOTSUPP,
			    "receive queue of %u strides of %u bytes; needs %u with %u elements",
			    dv->rq.wqe_cnt, dv->rq.stride, attr->max_recv, attr->max_recv_sge);
	rq->ring = dv->rq.buf;
	rq->dbrec = (bv_be32 *)(void *)dv->dbrec + PRM_DBREC_RECV;
	rq->mask = (uint16_t)(dv->rq.wqe_cnt - 1);
	rq->stride = dv->rq.stride;
	c->max_seg = (uint16_t)(dv->rq.stride / PRM_DS);
	c->core.recv_gate = dv->rq.stride == PRM_DS && attr->max_recv_sge > 0;
	c->core.prepared = &bvi_mlx5_ops_prepared[c->core.recv_gate];
	c->core.ready = &c->sends[c->core.recv_gate];
	variant_init(c);
	return 0;
}

/* The part of the channel that the short ways need, once the size of its ring is known. */
static int base_create(struct mlx5_channel *c, uint32_t blocks, const struct reason *why)
{
	const size_t size = sizeof(*c->base) + blocks * sizeof(struct bvi_mlx5_done);

	c->base = aligned_alloc(BV_MLX5_LINE,
				(size + BV_MLX5_LINE - 1) / BV_MLX5_LINE * BV_MLX5_LINE);
	if (!c->base)
		return fail(why, -ENOMEM, "no memory for a send queue of %u blocks", blocks);
	memset(c->base, 0, size);
	c->base->core = &c->core;
	return 0;
}

static int queues_create(struct mlx5_channel *c, const struct bv_channel_params *params,
			 const struct reason *why)
{
	const struct bv_channel_attr *attr = params->attr;
	struct mlx5dv_qp dv = { 0 };
	struct mlx5dv_obj obj = { .qp = { .out = &dv } };
	int rc;

	rc = cqs_create(c, params, why);
	if (rc < 0)
		return rc;
	c->core.qp = qp_create(c, params);
	if (!c->core.qp)
		return fail_call(why, "mlx5dv_create_qp",
				 ": ask for fewer or smaller works, elements or inline bytes");
	obj.qp.in = c->core.qp;
	rc = mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP);
	if (rc)
		return fail(why, -rc, "mlx5dv_init_obj(QP): %s", strerror(rc));
	rc = sq_check(c, &dv, attr, why);
	if (rc == 0)
		rc = base_create(c, dv.sq.wqe_cnt, why);
	if (rc < 0)
		return rc;
	rc = sq_init(c, &dv, params, why);
	if (rc < 0)
		return rc;
	bvi_mlx5_cqs_start(c->base);
	return rq_init(c, &dv, attr, why);
}

static void destroy(struct mlx5_channel *c);

int bvi_mlx5_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			    char *why, size_t size)
{
	const struct reason reason = { why, size };
	struct mlx5_channel *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return fail(&reason, -ENOMEM, "no memory for a channel");
	c->core.data_path = c->data_path;
	c->core.error = &bvi_mlx5_ops_error;
	rc = domain_create(c, params, &reason);
	if (rc == 0)
		rc = queues_create(c, params, &reason);
	if (rc < 0) {
		destroy(c);
		return rc;
	}
	*ch = c->base;
	return 0;
}

/* Also takes a channel that was made in part. */
static void destroy(struct mlx5_channel *c)
{
	if (c->core.qp)
		ibv_destroy_qp(c->core.qp);
	if (c->ibv_recv_cq)
		ibv_destroy_cq(c->ibv_recv_cq);
	if (c->ibv_send_cq)
		ibv_destroy_cq(c->ibv_send_cq);
	if (c->domain)
		ibv_dealloc_pd(c->domain);
	if (c->td)
		ibv_dealloc_td(c->td);
	free(c->base);
	free(c);
}

void bvi_mlx5_channel_destroy(struct bv_channel *ch)
{
	destroy(to_mlx5(ch));
}
