/* SPDX-License-Identifier: MIT */
#include "umr.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"

#include <stdlib.h>
#include <string.h>

/* A window of type 1 belongs to no queue pair and is not invalidated; other keys may be all queue pairs'. */
static bool is_of(const struct emu_mr *mr, const struct emu_qp *qp)
{
	return !mr->free && (mr->qpn == qp->qpn || (mr->qpn == EMU_ANY_QPN && !mr->window));
}

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
	else if (umr->flags & EMU_UMR_CHECK_QPN && !is_of(mr, qp))
		*why = "the key is not bound to this queue pair";
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
	if (!emu_mr_covers(mr, range->va, range->length) || umr->length > range->length)
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

/*
 * Takes over a repeat block, read as if it were a list:
 *
 *	| bytes of a cycle 4 | EMU_UMR_REPEAT 4 | cycles 4 | reserved 2 | entries 2 |
 *	| stride 2 | bytes 2 | key 4 | address 8 |, an entry
 */
static const char *set_repeat(struct emu_mr *mr, const struct emu_umr *umr,
			      const struct emu_key_range *range)
{
	const struct emu_key_range *head = &range[0];
	const uint32_t n = (uint16_t)head->va, cycles = (uint32_t)(head->va >> 32);
	uint64_t bytes = 0;

	if (mr->window || mr->log_entity)
		return "this kind of key has no entries that repeat";
	if (n == 0 || n >= umr->nranges || cycles == 0)
		return "the repeat block has no cycles, or not as many entries as it says";
	if (n >= mr->max_ranges)
		return "the list is longer than the key has room for";
	for (uint32_t i = 1; i <= n; i++)
		bytes += (uint16_t)range[i].length;
	if (bytes == 0 || bytes != head->length)
		return "the repeat block's byte count is not that of its entries";
	for (uint32_t i = 0; i < n; i++)
		mr->range[i] = (struct emu_key_range){
			.va = range[i + 1].va,
			.length = (uint16_t)range[i + 1].length,
			.key = range[i + 1].key,
			.stride = (uint32_t)(range[i + 1].length >> 16),
		};
	mr->nranges = n;
	mr->cycles = cycles;
	return NULL;
}

/* Takes over a list; padding ends it. */
static const char *set_list(struct emu_mr *mr, const struct emu_qp *qp, const struct emu_umr *umr,
			    const struct emu_key_range *range)
{
	uint32_t n = 0;
	const char *why;

	if (range[0].key == EMU_UMR_REPEAT)
		return set_repeat(mr, umr, range);
	while (n < umr->nranges && (range[n].key || range[n].length))
		n++;
	if (n > mr->max_ranges)
		return "the list is longer than the key has room for";
	why = mr->window ? check_window(qp, umr, range, n) : NULL;
	if (why)
		return why;
	memcpy(mr->range, range, n * sizeof(*range));
	mr->nranges = n;
	mr->cycles = 0;
	return NULL;
}

/* A list that is not in the request. */
static const char *read_list(const struct emu_qp *qp, const struct emu_umr *umr,
			     struct emu_key_range *range)
{
	const struct emu_key_use use = { .pd = qp->pd, .qpn = qp->qpn };
	const size_t size = (size_t)umr->nranges * 16;
	struct emu_pieces *pieces = emu_no_pieces();
	uint8_t *bytes = malloc(size);
	const char *why =
		bytes ? emu_key_pieces(&use, umr->list_key, umr->list_addr, size, pieces) :
			"no memory";

	if (!why && emu_memory_read(bytes, pieces->iov, pieces->n, size) < 0)
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
