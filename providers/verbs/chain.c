/* SPDX-License-Identifier: MIT */
/*
 * Works posted with BV_MORE: a list that grows until one ibv_post_send() takes it, which drivers
 * answer with one doorbell.
 *
 * Each has its number, its credit and its completion flag already. If the driver stops in the middle
 * of the list, those that it did not take give them back: they are the last ones of the queue, as a
 * work that follows is posted behind the list or not at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"

int bvi_verbs_chain_create(struct verbs_channel *v, const struct bv_channel_attr *attr)
{
	struct verbs_chain *chain = &v->chain;

	chain->max = attr->max_send < VERBS_CHAIN_MAX ? attr->max_send : VERBS_CHAIN_MAX;
	/* Inline payload is one element, also on a channel without lists. */
	chain->max_sge = attr->max_send_sge ? attr->max_send_sge : 1;
	chain->max_inline = v->core.max_inline;
	chain->wr = calloc(chain->max, sizeof(*chain->wr));
	chain->sge = calloc((size_t)chain->max * chain->max_sge, sizeof(*chain->sge));
	chain->payload = calloc(chain->max, (size_t)chain->max_inline + 1);
	return chain->wr && chain->sge && chain->payload ? 0 : -ENOMEM;
}

void bvi_verbs_chain_destroy(struct verbs_channel *v)
{
	free(v->chain.wr);
	free(v->chain.sge);
	free(v->chain.payload);
}

static void append(struct verbs_chain *chain, const struct ibv_send_wr *from)
{
	struct ibv_send_wr *wr = &chain->wr[chain->n];
	struct ibv_sge *sge = &chain->sge[chain->n * chain->max_sge];
	uint8_t *payload = &chain->payload[chain->n * (size_t)chain->max_inline];

	*wr = *from;
	wr->sg_list = sge;
	wr->next = NULL;
	for (int i = 0; i < from->num_sge; i++)
		sge[i] = from->sg_list[i];
	if (from->send_flags & IBV_SEND_INLINE) {
		memcpy(payload, (const void *)(uintptr_t)sge->addr, sge->length);
		sge->addr = (uintptr_t)payload;
	}
	if (chain->n > 0)
		wr[-1].next = wr;
	chain->n++;
}

static BV_COLD int withdraw(struct verbs_channel *v, const struct ibv_send_wr *bad, int rc)
{
	bvi_verbs_withdraw(v, verbs_number(verbs_place_of(bad->wr_id)));
	/* The next work is signaled: what was taken may have no signaled one at its end. */
	v->unsignaled = v->signal_every;
	return verbs_refused(rc);
}

int bvi_verbs_flush(struct bv_channel *ch)
{
	struct verbs_channel *v = to_verbs(ch);
	struct ibv_send_wr *bad = v->chain.wr;
	int rc;

	if (!v->chain.n)
		return 0;
	v->chain.n = 0;
	v->chained = 0;
	rc = ibv_post_send(v->qp, v->chain.wr, &bad);
	return bvi_likely(!rc) ? 0 : withdraw(v, bad, rc);
}

int bvi_verbs_chain_post(struct verbs_channel *v, unsigned flags)
{
	append(&v->chain, &v->send_wr);
	v->chained = BV_MORE;
	return flags & BV_MORE && v->chain.n < v->chain.max ? 0 : bvi_verbs_flush(&v->base);
}
