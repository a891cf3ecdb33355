/* SPDX-License-Identifier: MIT */
/*
 * Posting receives through ibv_post_recv(), for both ways of using a driver.
 *
 * Each place of the queue has a request that is complete but for the element it points to, which a post
 * copies there; so what is kept for errors is what the driver reads. Requests for many are the same once
 * more, linked to a ring, of which a call cuts out a list.
 */
#include "post.h"

static inline struct verbs_received *place_of(const struct verbs_channel *v, uint64_t number)
{
	return &v->posted_recv[number & v->posted_recv_mask];
}

/* The number is read again behind the call: that costs less than to save a register for it. */
static inline int64_t post(struct bv_channel *ch, struct ibv_recv_wr *wr)
{
	struct verbs_channel *const v = to_verbs(ch);
	const int rc = v->post_recv(v->qp, wr, &v->bad_recv_wr);
	uint64_t number;

	if (bvi_unlikely(rc))
		return verbs_refused(rc);
	number = ch->rq_posted;
	verbs_forget();
	ch->rq_posted++;
	return (int64_t)number;
}

static inline bool is_full(const struct bv_channel *ch)
{
	return bvi_unlikely(ch->rq_posted == ch->rq_limit);
}

/* Of any number of elements. */
static __attribute__((noinline)) int64_t post_list(struct bv_channel *ch,
						   const struct bv_scatter *sg, unsigned nsge)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct verbs_recv_list *const list = &v->recv_lists[ch->rq_posted & v->posted_recv_mask];
	struct verbs_received *const place = place_of(v, ch->rq_posted);
	struct ibv_recv_wr wr = {
		.wr_id = (uintptr_t)place,
		.sg_list = verbs_sge(sg),
		.num_sge = (int)nsge,
	};

	if (nsge > ch->max_recv_sge)
		return bvi_reject_list(ch, nsge, ch->max_recv_sge, 0, NULL, 0);
	if (is_full(ch))
		return -EAGAIN;
	*list = (struct verbs_recv_list){
		.number = ch->rq_posted,
		.nsge = nsge,
	};
	list->rest = verbs_keep_elements(&place->first, list->others, wr.sg_list, nsge);
	return post(ch, &wr);
}

int64_t bvi_verbs_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	struct verbs_received *place;

	if (bvi_unlikely(nsge != to_verbs(ch)->usual_recv_sge))
		return post_list(ch, sg, nsge);
	if (is_full(ch))
		return -EAGAIN;
	place = place_of(to_verbs(ch), ch->rq_posted);
	place->first = *verbs_sge(sg);
	return post(ch, &place->wr);
}

/* Copies @n elements to places that follow each other from @place on. */
static inline void keep_many(struct verbs_received *place, const struct bv_scatter *sg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		place[i].first = *verbs_sge(&sg[i]);
}

/* @n receives, for which there is room. */
static int post_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	struct verbs_channel *const v = to_verbs(ch);
	const uint32_t mask = v->posted_recv_mask;
	const uint32_t first = (uint32_t)ch->rq_posted & mask;
	const unsigned to_end = mask + 1 - first;
	struct ibv_recv_wr *const last = &v->recv_chain[(first + n - 1) & mask];
	struct ibv_recv_wr *const behind = last->next, *bad = NULL;
	int rc;

	keep_many(&v->posted_recv[first], sg, n < to_end ? n : to_end);
	if (n > to_end)
		keep_many(v->posted_recv, sg + to_end, n - to_end);
	last->next = NULL;
	rc = v->post_recv(v->qp, &v->recv_chain[first], &bad);
	last->next = behind;
	if (bvi_unlikely(rc))
		n = bad ? ((uint32_t)(bad - v->recv_chain) - first) & mask : 0;
	ch->rq_posted += n;
	return n ? (int)n : verbs_refused(rc);
}

int bvi_verbs_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	const int count = bvi_recv_count(ch, n);

	return bvi_likely(count > 0) ? post_many(ch, sg, (unsigned)count) : count;
}
