/* SPDX-License-Identifier: MIT */
#include "srq.h"
#include "cq.h"
#include "memory.h"
#include "qp.h"
#include "report.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_BITS = 16 };
static_assert((int)EMU_MAX_SRQ < 1 << INDEX_BITS, "a slot fits above the index");

static uint32_t index_of(uint32_t srqn)
{
	return srqn & ((1u << INDEX_BITS) - 1);
}

struct emu_srq *emu_srq_find_any(uint32_t srqn)
{
	struct emu_srq *srq = emu_ids_get(&emu.srqs, index_of(srqn));

	return srq && srq->srqn == srqn ? srq : NULL;
}

struct emu_srq *emu_srq_find(const struct emu_device *dev, uint32_t srqn)
{
	struct emu_srq *srq = emu_srq_find_any(srqn);

	return srq && srq->dev == dev ? srq : NULL;
}

static int check_attr(const struct emu_srq_attr *a)
{
	uint64_t bytes;

	if (a->wqe_count == 0 || (a->wqe_count & (a->wqe_count - 1)) ||
	    a->wqe_count > EMU_MAX_SRQ_WQE || a->stride_shift < 5 || a->stride_shift > 9)
		return -EINVAL;
	bytes = (uint64_t)a->wqe_count << a->stride_shift;
	if (a->buf_addr % EMU_DS || a->dbrec_addr % 4 || a->buf_addr > UINT64_MAX - bytes)
		return -EINVAL;
	if (emu_memory_populate(a->buf_addr, bytes, false) < 0 ||
	    emu_memory_populate(a->dbrec_addr, sizeof(emu_be32), false) < 0)
		return -EFAULT;
	return 0;
}

/* Lock held. */
static int add(struct emu_device *dev, struct emu_srq *srq)
{
	int rc = emu_device_usable(dev);

	if (rc < 0)
		return rc;
	srq->pd = emu_pd_find(dev, srq->attr.pdn);
	if (srq->attr.xrcdn) {
		srq->xrcd = emu_xrcd_find(dev, srq->attr.xrcdn);
		srq->cq = emu_cq_find(dev, srq->attr.cqn);
	}
	if (!srq->pd || (srq->attr.xrcdn && (!srq->xrcd || !srq->cq)))
		return -EINVAL;
	rc = emu_ids_add(&emu.srqs, srq, &srq->srqn);
	if (rc < 0)
		return rc;
	srq->pd->users++;
	if (srq->xrcd) {
		srq->srqn |= emu_fabric_slot(emu.fabric) << INDEX_BITS;
		srq->xrcd->users++;
		srq->cq->users++;
	}
	return 0;
}

static void srq_free(struct emu_srq *srq)
{
	free(srq->owned);
	free(srq);
}

static struct emu_srq *srq_new(const struct emu_srq_attr *attr)
{
	struct emu_srq *srq = calloc(1, sizeof(*srq));

	if (!srq)
		return NULL;
	srq->attr = *attr;
	if (!attr->cyclic)
		srq->owned = calloc(attr->wqe_count, 1);
	if (attr->cyclic || srq->owned)
		return srq;
	free(srq);
	return NULL;
}

int emu_srq_create(struct emu_device *dev, const struct emu_srq_attr *attr, uint32_t *srqn)
{
	struct emu_srq *srq;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	srq = srq_new(attr);
	if (!srq)
		return -ENOMEM;
	srq->dev = dev;
	srq->ring = (const uint8_t *)(uintptr_t)attr->buf_addr;
	srq->dbrec = (emu_be32 *)(uintptr_t)attr->dbrec_addr;
	emu_lock();
	rc = add(dev, srq);
	emu_unlock();
	if (rc < 0) {
		srq_free(srq);
		return rc;
	}
	emu_info("SRQ %u: %u WQEs of %u bytes", srq->srqn, attr->wqe_count,
		 1u << attr->stride_shift);
	*srqn = srq->srqn;
	return 0;
}

static void report_record(const struct emu_srq *srq, uint32_t word, bool possible)
{
	if (!possible)
		emu_report(
			"SRQ %u: doorbell record is %u, expected %u to %u: the queue has %u WQEs",
			srq->srqn, (uint16_t)word, srq->taken,
			(uint16_t)(srq->taken + srq->attr.wqe_count), srq->attr.wqe_count);
	else if (word > UINT16_MAX)
		emu_report("SRQ %u: doorbell record is 0x%x, expected 16 bits", srq->srqn, word);
	else
		emu_report("SRQ %u: doorbell record is %u, expected %u or more: it went back",
			   srq->srqn, word, srq->seen);
}

/* Whether the device can go on with this record; of one that is wrong, it says so once. */
static bool record_ok(struct emu_srq *srq, uint32_t word)
{
	const uint16_t posted = (uint16_t)((uint16_t)word - srq->taken);
	const bool possible = posted <= srq->attr.wqe_count;
	const bool wrong = !possible || word > UINT16_MAX ||
			   posted < (uint16_t)(srq->seen - srq->taken);

	if (wrong && !srq->record_told && (!possible || emu.strict != EMU_STRICT_OFF)) {
		srq->record_told = true;
		report_record(srq, word, possible);
	}
	return !wrong || (possible && !emu_strict_refuses(emu.strict));
}

/* The record for a last time: nobody may have sent since it moved. */
static void settle(struct emu_srq *srq)
{
	const struct iovec at = { srq->dbrec, sizeof(emu_be32) };
	emu_be32 word = { 0 };

	if (!srq->failed && emu.strict != EMU_STRICT_OFF &&
	    emu_memory_read(&word, &at, 1, sizeof(word)) == 0)
		(void)record_ok(srq, emu_get32(word));
}

static void destroy(struct emu_srq *srq)
{
	if (srq->xrcd) {
		emu_qps_forget_srq(srq);
		srq->xrcd->users--;
		srq->cq->users--;
	}
	srq->pd->users--;
	emu_ids_remove(&emu.srqs, index_of(srq->srqn));
	srq_free(srq);
}

int emu_srq_destroy(struct emu_device *dev, uint32_t srqn)
{
	struct emu_srq *srq;
	int rc;

	emu_lock();
	srq = emu_srq_find(dev, srqn);
	rc = emu_object_check(dev, srq);
	if (rc == 0 && srq->users)
		rc = -EBUSY;
	if (rc == 0) {
		settle(srq);
		destroy(srq);
	}
	emu_unlock();
	return rc;
}

void emu_srqs_destroy(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.srqs.size; i++) {
		struct emu_srq *srq = emu_ids_get(&emu.srqs, i);

		if (!srq || srq->dev != dev)
			continue;
		emu_object_left(dev);
		destroy(srq);
	}
}

/* ---- what waits in it ---- */

/* IBA vol 1 section 11.6.3.3: the queue is of no use any more, and its owner learns of it. */
static int broken(struct emu_srq *srq)
{
	srq->failed = true;
	emu_raise(srq->dev, EMU_EVENT_SRQ_ERR, srq->attr.cookie, 0);
	return -EPROTO;
}

static int follow_link(struct emu_srq *srq, uint16_t index, uint16_t *next)
{
	static const struct emu_srq_next_seg none;
	struct emu_srq_next_seg seg;

	memcpy(&seg, srq->ring + ((size_t)index << srq->attr.stride_shift), sizeof(seg));
	*next = emu_get16(seg.next_wqe_index);
	seg.next_wqe_index = emu_put16(0);
	if (emu.strict == EMU_STRICT_PEDANTIC && memcmp(&seg, &none, sizeof(seg)) != 0) {
		emu_report(
			"SRQ %u WQE %u: reserved bytes of its next segment are in use, expected 0",
			srq->srqn, index);
		return broken(srq);
	}
	if (*next < srq->attr.wqe_count)
		return 0;
	emu_report("SRQ %u WQE %u: next_wqe_index is %u, expected below %u", srq->srqn, index,
		   *next, srq->attr.wqe_count);
	return broken(srq);
}

/*
 * From now on the WQEs up to @record are the device's. The link of the last one is followed when the
 * next is posted; if it was taken meanwhile, the device has its link, and it may have another one now.
 */
static int walk(struct emu_srq *srq, uint16_t record)
{
	int rc = 0;

	for (; srq->seen != record && rc == 0; srq->seen++) {
		const uint16_t from = srq->last;

		if (srq->seen == srq->taken)
			srq->last = srq->next;
		else
			rc = follow_link(srq, from, &srq->last);
		if (rc == 0 && srq->owned[srq->last]) {
			emu_report("SRQ %u WQE %u: next_wqe_index is %u, expected a WQE that the "
				   "device does not own: the list is a loop",
				   srq->srqn, from, srq->last);
			rc = broken(srq);
		}
		if (rc == 0)
			srq->owned[srq->last] = 1;
	}
	return rc;
}

int emu_srq_posted(struct emu_srq *srq)
{
	const uint32_t word = be32toh(__atomic_load_n(&srq->dbrec->be, __ATOMIC_ACQUIRE));
	const uint16_t posted = (uint16_t)((uint16_t)word - srq->taken);
	int rc = 0;

	if (srq->failed)
		return -EPROTO;
	if (!record_ok(srq, word))
		return broken(srq);
	/* What was seen is the device's, whatever the record says now. */
	if (posted < (uint16_t)(srq->seen - srq->taken))
		return (uint16_t)(srq->seen - srq->taken);
	if (srq->owned)
		rc = walk(srq, (uint16_t)word);
	else
		srq->seen = (uint16_t)word;
	return rc < 0 ? rc : posted;
}

void emu_srq_return(struct emu_srq *srq, uint16_t index)
{
	if (srq->owned && index < srq->attr.wqe_count)
		srq->owned[index] = 0;
}

/* Armed once, told once (IBA vol 1 section 10.2.9.1). */
void emu_srq_limit(struct emu_srq *srq)
{
	if (!srq->limit)
		return;
	srq->limit = 0;
	emu_raise(srq->dev, EMU_EVENT_SRQ_LIMIT_REACHED, srq->attr.cookie, 0);
}

static void check_limit(struct emu_srq *srq)
{
	const int posted = srq->limit ? emu_srq_posted(srq) : 0;

	if (posted >= 0 && (uint32_t)posted < srq->limit)
		emu_srq_limit(srq);
}

void emu_srq_fail(struct emu_srq *srq)
{
	if (srq->failed)
		return;
	srq->failed = true;
	emu_raise(srq->dev, EMU_EVENT_SRQ_ERR, srq->attr.cookie, 0);
}

/* By the links of the list. 0 or -EPROTO. */
static int take_next(struct emu_srq *srq, uint16_t *index)
{
	const uint16_t taken = srq->next;
	const int rc = follow_link(srq, taken, &srq->next);

	if (rc == 0)
		*index = taken;
	return rc;
}

int emu_srq_take(struct emu_srq *srq, uint16_t *index)
{
	int rc = 0;

	if (srq->attr.cyclic)
		*index = srq->taken;
	else
		rc = take_next(srq, index);
	if (rc < 0)
		return rc;
	srq->taken++;
	check_limit(srq);
	return 0;
}

const uint8_t *emu_srq_segments(const struct emu_srq *srq, uint16_t index, uint32_t *size)
{
	const size_t place = index & (srq->attr.wqe_count - 1);

	*size = (1u << srq->attr.stride_shift) - (uint32_t)sizeof(struct emu_srq_next_seg);
	return srq->ring + (place << srq->attr.stride_shift) + sizeof(struct emu_srq_next_seg);
}

/* ---- calls of engine.h ---- */

int emu_srq_arm(struct emu_device *dev, uint32_t srqn, uint32_t limit)
{
	struct emu_srq *srq;
	int rc;

	emu_lock();
	srq = emu_srq_find(dev, srqn);
	rc = emu_object_usable(dev, srq);
	if (rc == 0 && limit >= srq->attr.wqe_count)
		rc = -EINVAL;
	if (rc == 0) {
		srq->limit = limit;
		check_limit(srq);
	}
	emu_unlock();
	return rc;
}

int emu_srq_query(struct emu_device *dev, uint32_t srqn, struct emu_srq_attr *attr, uint32_t *limit)
{
	struct emu_srq *srq;
	int rc;

	emu_lock();
	srq = emu_srq_find(dev, srqn);
	rc = emu_object_check(dev, srq);
	if (rc == 0) {
		*attr = srq->attr;
		*limit = srq->limit;
	}
	emu_unlock();
	return rc;
}
