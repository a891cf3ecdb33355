/* SPDX-License-Identifier: MIT */
/*
 * What was posted, place by place, and how an error's text gets at it.
 *
 * A place is written anew only after its completion was taken and another work was posted there, and
 * in the error state none is posted: what failed is there as long as the channel is in that state.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"

static void *lines_create(size_t n, size_t size)
{
	void *lines = aligned_alloc(VERBS_LINE, n * size);

	return lines ? memset(lines, 0, n * size) : NULL;
}

/* What posts find there, but the numbers (bvi_verbs_number_places()). */
static void posted_fill(struct verbs_channel *v, uint32_t places)
{
	v->posted_end = v->posted + places;
	v->posted_size = places * sizeof(*v->posted);
	v->sq_room = places + 1;
	for (uint32_t i = 0; i < places; i++)
		v->posted[i].channel = v;
}

/* What posts of receives find there (recv.c). */
static void requests_fill(struct verbs_channel *v)
{
	for (uint32_t i = 0; i <= v->posted_recv_mask; i++) {
		struct verbs_received *place = &v->posted_recv[i];

		place->wr.wr_id = (uintptr_t)place;
		place->wr.sg_list = &place->first;
		place->wr.num_sge = 1;
		v->recv_chain[i] = place->wr;
		v->recv_chain[i].next = &v->recv_chain[(i + 1) & v->posted_recv_mask];
	}
}

int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr)
{
	size_t receives = 1;

	/* A power of two, so that the place of a number is a mask away. */
	while (receives < attr->max_recv)
		receives *= 2;
	v->posted_recv_mask = (uint32_t)receives - 1;
	v->posted = lines_create(attr->max_send, sizeof(*v->posted));
	v->posted_recv = lines_create(receives, sizeof(*v->posted_recv));
	v->recv_lists = calloc(receives, sizeof(*v->recv_lists));
	v->recv_chain = calloc(receives, sizeof(*v->recv_chain));
	if (!v->posted || !v->posted_recv || !v->recv_lists || !v->recv_chain)
		return -ENOMEM;
	posted_fill(v, attr->max_send);
	if (attr->max_send_sge >= VERBS_POSTED_SGE)
		v->what_longest =
			(uint32_t)bvi_what(BV_OP_WRITE, VERBS_POSTED_SGE, BVI_SHORT_LIST, 0);
	requests_fill(v);
	return 0;
}

void bvi_verbs_posted_destroy(struct verbs_channel *v)
{
	free(v->posted);
	free(v->posted_recv);
	free(v->recv_lists);
	free(v->recv_chain);
}

void bvi_verbs_number_places(struct verbs_channel *v)
{
	assert(v->posted + v->base.max_send == v->posted_end);
	v->first_posted = v->base.sq_posted;
	v->at = v->posted;
	for (uint32_t i = 0; i < v->base.max_send; i++) {
		v->posted[i].number = v->first_posted + i;
		v->posted[i].qp = v->qp_ex;
	}
	v->is_numbered = true;
}

void bvi_verbs_withdraw(struct verbs_channel *v, uint64_t number)
{
	for (uint64_t i = number; i < v->base.sq_posted; i++)
		verbs_posted_send(v, i)->number = i;
	v->at = verbs_posted_send(v, number);
	v->base.sq_posted = number;
}

void bvi_verbs_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	const struct verbs_channel *v = to_verbs_const(ch);
	const struct verbs_result *result = &v->posted_recv[number & v->posted_recv_mask].result;
	const bool good = result->status == BV_STATUS_SUCCESS;

	*wc = (struct bv_wc){
		.work = (int64_t)number,
		.flags = result->flags,
		.op = result->op,
		.status = result->status,
		.bytes = result->bytes,
		.imm = result->flags & BV_WC_IMM ? result->imm : 0,
		.vendor_err = good ? 0 : result->vendor_err,
	};
}

/* Always in the buffer: queue pairs put no payload into completions. */
int bvi_verbs_poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				unsigned max)
{
	const struct verbs_channel *const v = to_verbs(ch);
	const int n = ch->ops->poll_recv(ch, wc, max);

	for (int i = 0; i < n; i++) {
		const uint64_t place = (uint64_t)wc[i].work & v->posted_recv_mask;

		payload[i] = (const void *)(uintptr_t)v->posted_recv[place].first.addr;
	}
	return n;
}

static void add_range(struct bv_work_info *info, const struct ibv_sge *sge)
{
	if (!sge->length)
		return;
	info->range[info->nshown++] = (struct bv_work_range){
		.addr = sge->addr,
		.length = sge->length,
		.lkey = sge->lkey,
	};
	info->bytes += sge->length;
}

/* @nsge elements, of which the first and @others are kept, and what is behind these has @rest bytes. */
static void add_ranges(struct bv_work_info *info, const struct ibv_sge *first,
		       const struct ibv_sge *others, unsigned nsge, uint32_t rest)
{
	for (unsigned i = 0; i < nsge && i < VERBS_POSTED_SGE; i++)
		add_range(info, i ? &others[i - 1] : first);
	info->nranges = info->nshown;
	if (nsge > VERBS_POSTED_SGE) {
		info->nranges += nsge - VERBS_POSTED_SGE;
		info->bytes += rest;
	}
}

static int describe_recv(const struct verbs_channel *v, uint64_t number, struct bv_work_info *info)
{
	const uint64_t at = number & v->posted_recv_mask;
	const struct verbs_recv_list *list = &v->recv_lists[at];
	const bool is_list = list->number == number;

	info->op = BV_OP_RECV;
	add_ranges(info, &v->posted_recv[at].first, list->others, is_list ? list->nsge : 1,
		   list->rest);
	return 0;
}

static int describe_send(const struct verbs_posted *posted, struct bv_work_info *info)
{
	const unsigned kind = verbs_kind(posted);
	const unsigned n = verbs_n(posted);

	info->op = verbs_op(posted);
	if (info->op == BV_OP_NONE)
		return -ENOENT;
	info->has_imm = kind & VERBS_IMM;
	if (info->has_imm)
		info->imm = be32toh(posted->to.imm);
	if (info->op != BV_OP_SEND) {
		info->remote_addr = posted->to.addr;
		info->rkey = posted->to.rkey;
	}
	if (!(kind & VERBS_INLINE)) {
		add_ranges(info, &posted->sge[0], &posted->sge[1], n, posted->rest);
	} else if (n) {
		info->is_inline = true;
		info->bytes = n;
	}
	return 0;
}

int bvi_verbs_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info)
{
	const struct verbs_channel *v = to_verbs_const(ch);

	*info = (struct bv_work_info){ .op = BV_OP_NONE };
	if (work & BV_WORK_RECV)
		return describe_recv(v, (uint64_t)work, info);
	return describe_send(verbs_posted_send(v, (uint64_t)work), info);
}

uint32_t bvi_verbs_channel_unsignaled(const struct bv_channel *ch)
{
	const struct verbs_channel *v = to_verbs_const(ch);
	uint64_t last = ch->sq_posted;

	while (last > bvi_sq_done(ch) &&
	       verbs_kind(verbs_posted_send(v, last - 1)) & VERBS_UNSIGNALED)
		last--;
	return (uint32_t)(ch->sq_posted - last);
}
