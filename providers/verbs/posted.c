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

/* A power of two, so that the place of a number is a mask away. */
static struct verbs_posted *ring_create(uint32_t works, uint32_t *mask)
{
	struct verbs_posted *ring;
	size_t places = 1;

	while (places < works)
		places *= 2;
	*mask = (uint32_t)places - 1;
	ring = aligned_alloc(VERBS_LINE, places * sizeof(*ring));
	if (ring)
		memset(ring, 0, places * sizeof(*ring));
	return ring;
}

int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr)
{
	v->posted_send = ring_create(attr->max_send, &v->posted_send_mask);
	v->posted_recv = ring_create(attr->max_recv, &v->posted_recv_mask);
	v->results = calloc((size_t)v->posted_recv_mask + 1, sizeof(*v->results));
	return v->posted_send && v->posted_recv && v->results ? 0 : -ENOMEM;
}

void bvi_verbs_posted_destroy(struct verbs_channel *v)
{
	free(v->posted_send);
	free(v->posted_recv);
	free(v->results);
}

void bvi_verbs_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	const struct verbs_channel *v = (const struct verbs_channel *)(const void *)ch;

	*wc = v->results[number & v->posted_recv_mask];
}

void bvi_verbs_keep_list(struct verbs_posted *posted, const struct ibv_sge *sge, unsigned nsge)
{
	uint32_t rest = 0;

	static_assert(VERBS_POSTED_SGE == 2, "elements one by one");
	if (nsge > 0)
		posted->sge[0] = sge[0];
	if (nsge > 1)
		posted->sge[1] = sge[1];
	for (unsigned i = VERBS_POSTED_SGE; i < nsge; i++)
		rest += sge[i].length;
	posted->rest = rest;
}

static void add_ranges(struct bv_work_info *info, const struct verbs_posted *posted)
{
	const unsigned nsge = posted->what & VERBS_POSTED_NSGE;

	for (unsigned i = 0; i < nsge && i < VERBS_POSTED_SGE; i++) {
		const struct ibv_sge *sge = &posted->sge[i];

		if (!sge->length)
			continue;
		info->range[info->nshown++] = (struct bv_work_range){
			.addr = sge->addr,
			.length = sge->length,
			.lkey = sge->lkey,
		};
		info->bytes += sge->length;
	}
	info->nranges = info->nshown;
	if (nsge > VERBS_POSTED_SGE) {
		info->nranges += nsge - VERBS_POSTED_SGE;
		info->bytes += posted->rest;
	}
}

static int describe_send(const struct verbs_posted *posted, struct bv_work_info *info)
{
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
	return 0;
}

int bvi_verbs_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info)
{
	const struct verbs_channel *v = (const struct verbs_channel *)(const void *)ch;
	const uint64_t number = (uint64_t)(work & ~BV_WORK_RECV);
	const struct verbs_posted *posted;
	int rc = 0;

	*info = (struct bv_work_info){ .op = BV_OP_NONE };
	if (work & BV_WORK_RECV) {
		posted = &v->posted_recv[number & v->posted_recv_mask];
		info->op = BV_OP_RECV;
	} else {
		posted = verbs_posted_send(v, number);
		rc = describe_send(posted, info);
	}
	if (rc < 0)
		return rc;
	/* No payload is no element either. */
	if (posted->what & VERBS_POSTED_INLINE && posted->rest > 0) {
		info->is_inline = true;
		info->bytes = posted->rest;
	} else {
		add_ranges(info, posted);
	}
	return 0;
}

uint32_t bvi_verbs_channel_unsignaled(const struct bv_channel *ch)
{
	const struct verbs_channel *v = (const struct verbs_channel *)(const void *)ch;
	uint64_t last = ch->sq_posted;

	while (last > bvi_sq_done(ch) &&
	       !(verbs_posted_send(v, last - 1)->what & VERBS_POSTED_SIGNALED))
		last--;
	return (uint32_t)(ch->sq_posted - last);
}
