/* SPDX-License-Identifier: MIT */
#include "umr.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"

#include <stdlib.h>
#include <string.h>

/*
 * The key by its index: of one that is free, the lowest byte may be an older one, because verbs count
 * it on from the last binding, and an invalidation by libmlx5 sets it to 0.
 */
static struct emu_mr *find(const struct emu_qp *qp, const struct emu_umr *umr, const char **why)
{
	struct emu_mr *mr = emu_ids_get(&emu.mrs, umr->key >> 8);

	if (!mr || mr->dev != qp->dev || (mr->key != umr->key && !mr->free))
		*why = "no such key";
	else if (!mr->indirect || !mr->umr)
		*why = "the key cannot be changed";
	else if (mr->pd != qp->pd)
		*why = "the key belongs to another protection domain";
	else if (umr->flags & EMU_UMR_CHECK_FREE && !mr->free)
		*why = "the window is bound already";
	else if (umr->flags & EMU_UMR_CHECK_QPN && (mr->free || mr->qpn != qp->qpn))
		*why = "the window is not bound to this queue pair";
	else
		return mr;
	return NULL;
}

/* IBA vol 1 section 10.6.7.2.2: what a window may be bound to. */
static const char *check_window(const struct emu_qp *qp, const struct emu_umr *umr,
				const struct emu_key_range *range, uint32_t n)
{
	const uint32_t needs = umr->access & (EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_ATOMIC) ?
				       EMU_ACCESS_LOCAL_WRITE :
				       0;
	const struct emu_mr *mr = n == 1 ? emu_mr_find(range->key) : NULL;

	if (!mr || mr->revoked || mr->indirect)
		return "no region has this key";
	if (mr->pd != qp->pd)
		return "the region belongs to another protection domain";
	if (!(mr->access & EMU_ACCESS_MW_BIND))
		return "the region does not allow windows";
	if ((mr->access & needs) != needs)
		return "the window gives rights that the region lacks";
	if (range->va < mr->iova || range->va - mr->iova > mr->length ||
	    range->length > mr->length - (range->va - mr->iova) || umr->length > range->length)
		return "the window is not inside the region";
	return NULL;
}

static void apply(struct emu_mr *mr, const struct emu_umr *umr)
{
	static const struct {
		uint64_t mask;
		uint32_t access;
	} rights[] = {
		{ EMU_UMR_MASK_LW, EMU_ACCESS_LOCAL_WRITE },
		{ EMU_UMR_MASK_RR, EMU_ACCESS_REMOTE_READ },
		{ EMU_UMR_MASK_RW, EMU_ACCESS_REMOTE_WRITE },
		{ EMU_UMR_MASK_A, EMU_ACCESS_REMOTE_ATOMIC },
	};

	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		if (umr->mask & rights[i].mask)
			mr->access = (mr->access & ~rights[i].access) |
				     (umr->access & rights[i].access);
	}
	if (umr->mask & EMU_UMR_MASK_LEN)
		mr->length = umr->length;
	if (umr->mask & EMU_UMR_MASK_START)
		mr->iova = umr->start;
	if (umr->mask & EMU_UMR_MASK_QPN)
		mr->qpn = umr->qpn;
	if (umr->mask & EMU_UMR_MASK_MKEY)
		mr->key = (mr->key & ~0xffu) | umr->variant;
	if (umr->mask & EMU_UMR_MASK_FREE)
		mr->free = umr->free;
}

/* Takes over a list; padding ends it. */
static const char *set_list(struct emu_mr *mr, const struct emu_qp *qp, const struct emu_umr *umr,
			    const struct emu_key_range *range)
{
	uint32_t n = 0;
	const char *why;

	while (n < umr->nranges && (range[n].key || range[n].length))
		n++;
	if (n > mr->max_ranges)
		return "the list is longer than the key has room for";
	why = mr->window ? check_window(qp, umr, range, n) : NULL;
	if (why)
		return why;
	memcpy(mr->range, range, n * sizeof(*range));
	mr->nranges = n;
	return NULL;
}

/* A list that is not in the request. */
static const char *read_list(const struct emu_qp *qp, const struct emu_umr *umr,
			     struct emu_key_range *range)
{
	const struct emu_key_use use = { .pd = qp->pd, .qpn = qp->qpn };
	const size_t size = (size_t)umr->nranges * 16;
	struct iovec iov[EMU_MAX_IOV];
	struct emu_pieces pieces = { .iov = iov, .room = EMU_MAX_IOV };
	uint8_t *bytes = malloc(size);
	const char *why =
		bytes ? emu_key_pieces(&use, umr->list_key, umr->list_addr, size, &pieces) :
			"no memory";

	if (!why && emu_memory_read(bytes, iov, pieces.n, size) < 0)
		why = "a page of the list is not mapped";
	for (uint32_t i = 0; i < umr->nranges && !why; i++)
		emu_umr_range(bytes + (size_t)i * 16, &range[i]);
	free(bytes);
	return why;
}

static const char *change_list(struct emu_mr *mr, const struct emu_qp *qp,
			       const struct emu_umr *umr)
{
	struct emu_key_range *range;
	const char *why;

	if (umr->flags & EMU_UMR_INLINE)
		return set_list(mr, qp, umr, umr->range);
	range = calloc(umr->nranges, sizeof(*range));
	if (!range)
		return "no memory";
	why = read_list(qp, umr, range);
	if (!why)
		why = set_list(mr, qp, umr, range);
	free(range);
	return why;
}

const char *emu_umr_execute(const struct emu_qp *qp, const struct emu_umr *umr)
{
	const char *why = NULL;
	struct emu_mr *mr = find(qp, umr, &why);

	if (mr && umr->has_list)
		why = change_list(mr, qp, umr);
	if (!why)
		apply(mr, umr);
	return why;
}

const char *emu_invalidate(const struct emu_qp *qp, const struct emu_pd *pd, uint32_t key)
{
	struct emu_mr *mr = emu_mr_find(key);

	if (!mr || mr->free)
		return "no window is bound to this key";
	if (!mr->indirect || !mr->remote_invalidate)
		return "the key cannot be invalidated by a peer";
	if (mr->pd != pd)
		return "the key belongs to another protection domain";
	if (mr->qpn != EMU_ANY_QPN && mr->qpn != qp->qpn)
		return "the key belongs to another queue pair";
	mr->free = true;
	return NULL;
}
