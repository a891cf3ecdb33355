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

/* So many lines, all 0. A power of two, so that the place of a number is a mask away. */
static void *ring_create(uint32_t works, uint32_t *mask)
{
	size_t places = 1;
	void *ring;

	while (places < works)
		places *= 2;
	*mask = (uint32_t)places - 1;
	ring = aligned_alloc(VERBS_LINE, places * VERBS_LINE);
	return ring ? memset(ring, 0, places * VERBS_LINE) : NULL;
}

/* What posts of receives find there (recv.c). */
static void requests_fill(struct verbs_channel *v)
{
	for (uint32_t i = 0; i <= v->posted_recv_mask; i++) {
		struct verbs_received *place = &v->posted_recv[i];

		place->wr.sg_list = place->sge;
		place->wr.num_sge = 1;
		v->recv_chain[i] = place->wr;
		v->recv_chain[i].next = &v->recv_chain[(i + 1) & v->posted_recv_mask];
	}
}

int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr)
{
	size_t receives;

	v->posted_send = ring_create(attr->max_send, &v->posted_send_mask);
	v->posted_recv = ring_create(attr->max_recv, &v->posted_recv_mask);
	receives = (size_t)v->posted_recv_mask + 1;
	v->posted_send_mask *= (uint32_t)sizeof(*v->posted_send);
	v->results = calloc(receives, sizeof(*v->results));
	v->recv_lists = calloc(receives, sizeof(*v->recv_lists));
	v->recv_chain = calloc(receives, sizeof(*v->recv_chain));
	if (!v->posted_send || !v->posted_recv || !v->results || !v->recv_lists || !v->recv_chain)
		return -ENOMEM;
	requests_fill(v);
	return 0;
}

void bvi_verbs_posted_destroy(struct verbs_channel *v)
{
	free(v->posted_send);
	free(v->posted_recv);
	free(v->results);
	free(v->recv_lists);
	free(v->recv_chain);
}

void bvi_verbs_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	const struct verbs_channel *v = to_verbs_const(ch);
	const struct verbs_result *result = &v->results[number & v->posted_recv_mask];
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

/* @nsge elements, of which the first are at @kept, and the others have @rest bytes. */
static void add_ranges(struct bv_work_info *info, const struct ibv_sge *kept, unsigned nsge,
		       uint32_t rest)
{
	for (unsigned i = 0; i < nsge && i < VERBS_POSTED_SGE; i++) {
		if (!kept[i].length)
			continue;
		info->range[info->nshown++] = (struct bv_work_range){
			.addr = kept[i].addr,
			.length = kept[i].length,
			.lkey = kept[i].lkey,
		};
		info->bytes += kept[i].length;
	}
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
	add_ranges(info, v->posted_recv[at].sge, is_list ? list->nsge : 1, list->rest);
	return 0;
}

static int describe_send(const struct verbs_posted *posted, struct bv_work_info *info)
{
	const unsigned n = posted->what & VERBS_POSTED_N;

	info->op = (posted->what & VERBS_POSTED_OP) >> VERBS_POSTED_OP_SHIFT;
	if (info->op == BV_OP_NONE)
		return -ENOENT;
	info->has_imm = posted->what & VERBS_POSTED_IMM;
	if (info->has_imm)
		info->imm = be32toh(posted->to.imm);
	if (info->op != BV_OP_SEND) {
		info->remote_addr = posted->to.addr;
		info->rkey = posted->to.rkey;
	}
	if (!(posted->what & VERBS_POSTED_INLINE)) {
		add_ranges(info, posted->sge, n, posted->rest);
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
	       !(verbs_posted_send(v, last - 1)->what & VERBS_POSTED_SIGNALED))
		last--;
	return (uint32_t)(ch->sq_posted - last);
}
