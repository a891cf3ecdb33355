/* SPDX-License-Identifier: MIT */
#include "cq_check.h"
#include "cqe.h"
#include "fault.h"
#include "memory.h"
#include "timer.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct emu_cq *emu_cq_find(const struct emu_device *dev, uint32_t cqn)
{
	struct emu_cq *cq = emu_ids_get(&emu.cqs, cqn);

	return cq && cq->dev == dev ? cq : NULL;
}

static int check_attr(const struct emu_cq_attr *a)
{
	const uint64_t bytes = (uint64_t)a->cqe_size * a->cqe_count;

	if ((a->cqe_size != 64 && a->cqe_size != 128) || a->cqe_count == 0 ||
	    (a->cqe_count & (a->cqe_count - 1)) || a->cqe_count > EMU_MAX_CQE + 1u)
		return -EINVAL;
	if (a->padded && a->cqe_size != 128)
		return -EINVAL;
	if (a->buf_addr % 64 || a->dbrec_addr % 8 || a->buf_addr > UINT64_MAX - bytes)
		return -EINVAL;
	if (emu_memory_populate(a->buf_addr, bytes, true) < 0 ||
	    emu_memory_populate(a->dbrec_addr, 2 * sizeof(emu_be32), true) < 0)
		return -EFAULT;
	return 0;
}

/* Lock held. */
static int add(struct emu_device *dev, struct emu_cq *cq)
{
	int rc = emu_device_usable(dev);

	if (rc < 0)
		return rc;
	cq->uar = emu_uar_find(dev, cq->attr.uar_page);
	if (!cq->uar)
		return -EINVAL;
	rc = emu_ids_add(&emu.cqs, cq, &cq->cqn);
	if (rc < 0)
		return rc;
	emu_uar_get(cq->uar);
	emu_list_append(&cq->uar->cqs, &cq->node);
	return 0;
}

/*
 * The first arming that libmlx5 writes is 0, what it also leaves in the record of a new CQ. Any
 * doorbell of the UAR page makes us look at the records of all its CQs (one doorbell may overwrite
 * another), so a CQ that was not armed yet must show it: by a word that no arming is, as its two
 * highest bits are reserved.
 */
static void never_armed(struct emu_cq *cq)
{
	cq->arm_record = UINT32_MAX;
	__atomic_store_n(&cq->dbrec[EMU_DBREC_CQ_ARM].be, htobe32(cq->arm_record),
			 __ATOMIC_RELAXED);
}

static struct emu_cq *cq_new(struct emu_device *dev, const struct emu_cq_attr *attr)
{
	struct emu_cq *cq = calloc(1, sizeof(*cq));

	if (!cq)
		return NULL;
	if (attr->compresses) {
		cq->block = calloc(1, sizeof(*cq->block));
		if (!cq->block) {
			free(cq);
			return NULL;
		}
		emu_list_init(&cq->block->node);
		cq->block->cq = cq;
	}
	cq->dev = dev;
	cq->attr = *attr;
	emu_list_init(&cq->node);
	emu_list_init(&cq->timed_node);
	return cq;
}

static void cq_free(struct emu_cq *cq)
{
	free(cq->block);
	free(cq);
}

int emu_cq_create(struct emu_device *dev, const struct emu_cq_attr *attr, uint32_t *cqn)
{
	struct emu_cq *cq;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	cq = cq_new(dev, attr);
	if (!cq)
		return -ENOMEM;
	cq->ring = (uint8_t *)(uintptr_t)attr->buf_addr;
	cq->dbrec = (emu_be32 *)(uintptr_t)attr->dbrec_addr;
	never_armed(cq);
	emu_lock();
	rc = add(dev, cq);
	emu_unlock();
	if (rc < 0) {
		cq_free(cq);
		return rc;
	}
	emu_info("CQ %u: %u entries of %u bytes%s%s", cq->cqn, attr->cqe_count, attr->cqe_size,
		 attr->compresses ? ", compressed" : "",
		 attr->overwrites ? ", overruns ignored" : "");
	*cqn = cq->cqn;
	return 0;
}

static void destroy(struct emu_cq *cq)
{
	emu_list_remove(&cq->node);
	emu_uar_put(cq->uar);
	emu_ids_remove(&emu.cqs, cq->cqn);
	emu_list_remove(&cq->timed_node);
	if (cq->block)
		emu_list_remove(&cq->block->node);
	cq_free(cq);
}

int emu_cq_destroy(struct emu_device *dev, uint32_t cqn)
{
	struct emu_cq *cq;
	int rc;

	emu_lock();
	cq = emu_cq_find(dev, cqn);
	rc = emu_object_check(dev, cq);
	if (rc == 0 && cq->users)
		rc = -EBUSY;
	if (rc == 0) {
		emu_uar_scan_arm(cq->uar);
		emu_cq_settle(cq);
		destroy(cq);
	}
	emu_unlock();
	return rc;
}

void emu_cqs_destroy(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.cqs.size; i++) {
		struct emu_cq *cq = emu_cq_find(dev, i);

		if (!cq)
			continue;
		emu_object_left(dev);
		destroy(cq);
	}
}

/* ---- notification ---- */

static void no_deadline(struct emu_cq *cq)
{
	cq->deadline = 0;
	emu_list_remove(&cq->timed_node);
}

/* Whether moderation lets an event pass that announces completions up to @newest. */
static bool passes(struct emu_cq *cq, uint32_t newest)
{
	if (!cq->moderation_count || !cq->moderation_us ||
	    emu_cq_distance(newest, cq->event_pi) >= cq->moderation_count)
		return true;
	if (cq->deadline)
		return cq->deadline <= emu_now_ns();
	cq->deadline = emu_now_ns() + cq->moderation_us * UINT64_C(1000);
	emu_list_append(&emu.moderated, &cq->timed_node);
	if (cq->deadline < emu.next_deadline)
		emu.next_deadline = cq->deadline;
	return false;
}

static void notify(struct emu_cq *cq)
{
	const uint32_t written = cq->pi - (cq->block ? cq->block->n : 0);
	const uint32_t newest = cq->arm_solicited ? cq->solicited_pi : written;

	if (!cq->armed || emu_cq_distance(newest, cq->arm_ci) <= 0 ||
	    emu_cq_distance(newest, cq->event_pi) <= 0 || !passes(cq, newest))
		return;
	no_deadline(cq);
	cq->armed = false;
	cq->event_pi = written;
	emu.counters.comp_events++;
	emu_debug("CQ %u: completion event", cq->cqn);
	cq->dev->config.cb.comp_event(cq->attr.cookie);
}

void emu_cq_arm(struct emu_cq *cq)
{
	const uint32_t value = emu_cq_record(cq, EMU_DBREC_CQ_ARM);

	if (value == cq->arm_record)
		return;
	cq->arm_record = value;
	cq->silent_told = false;
	/* IBA vol 1 section 11.4.2.2: a request for any completion that is pending stays one */
	cq->arm_solicited = value & EMU_CQ_ARM_SOLICITED && (!cq->armed || cq->arm_solicited);
	cq->armed = true;
	cq->arm_ci = value & EMU_CQ_CI_MASK;
	no_deadline(cq);
	emu.counters.arms++;
	if (emu_trace_on())
		emu_trace_arm(cq, value);
	notify(cq);
}

unsigned emu_cqs_timeout(uint64_t now)
{
	struct emu_list *node, *following;
	unsigned n = 0;

	emu_list_each(node, following, &emu.moderated)
	{
		struct emu_cq *cq = emu_container(node, struct emu_cq, timed_node);

		if (cq->deadline <= now) {
			notify(cq);
			no_deadline(cq);
			n++;
		} else if (cq->deadline < emu.next_deadline) {
			emu.next_deadline = cq->deadline;
		}
	}
	return n;
}

int emu_cq_moderate(struct emu_device *dev, uint32_t cqn, uint32_t count, uint32_t period_us)
{
	struct emu_cq *cq;
	int rc;

	if (count > EMU_MAX_CQ_COUNT || period_us > EMU_MAX_CQ_PERIOD)
		return -EINVAL;
	emu_lock();
	cq = emu_cq_find(dev, cqn);
	rc = emu_object_usable(dev, cq);
	if (rc == 0) {
		cq->moderation_count = (uint16_t)count;
		cq->moderation_us = (uint16_t)period_us;
		no_deadline(cq);
		notify(cq);
	}
	emu_unlock();
	return rc;
}

/* ---- entries ---- */

static void set_overrun(struct emu_cq *cq)
{
	cq->overrun = true;
	emu_warn("CQ %u overrun: %u entries, producer %u, consumer record %u", cq->cqn,
		 cq->attr.cqe_count, cq->pi & EMU_CQ_CI_MASK,
		 emu_cq_record(cq, EMU_DBREC_CQ_CI) & EMU_CQ_CI_MASK);
	emu_raise(cq->dev, EMU_EVENT_CQ_ERR, cq->attr.cookie, 0);
}

static bool full(struct emu_cq *cq)
{
	const int32_t unread = emu_cq_distance(cq->pi, emu_cq_record(cq, EMU_DBREC_CQ_CI));

	if (cq->attr.overwrites)
		return false;
	if (emu.strict == EMU_STRICT_OFF)
		return unread < 0 || unread >= (int32_t)cq->attr.cqe_count;
	if (!emu_cq_consumed_ok(cq) && emu_strict_refuses(emu.strict))
		return true;
	return unread >= (int32_t)cq->attr.cqe_count;
}

static void count(struct emu_cq *cq, const struct emu_completion *c)
{
	const bool failed = c->opcode == EMU_CQE_REQ_ERR || c->opcode == EMU_CQE_RESP_ERR;

	if (emu_trace_on())
		emu_trace_cqe(cq, c);
	emu.counters.cqes++;
	emu.counters.error_cqes += failed;
	if (failed || c->solicited)
		cq->solicited_pi = cq->pi;
}

int emu_cq_push(struct emu_cq *cq, const struct emu_completion *c)
{
	if (cq->overrun)
		return -EOVERFLOW;
	if (full(cq) || emu_fault_completion(cq, c)) {
		emu_block_close(cq);
		set_overrun(cq);
		return -EOVERFLOW;
	}
	if (!emu_block_add(cq, c))
		emu_cqe_put(cq, c);
	count(cq, c);
	notify(cq);
	return 0;
}

void emu_cqs_flush(void)
{
	struct emu_list *node, *following;

	emu_list_each(node, following, &emu.blocks)
	{
		struct emu_cq *cq = emu_container(node, struct emu_block, node)->cq;

		emu_block_close(cq);
		notify(cq);
	}
}

/* ---- resizing ---- */

static int resize(struct emu_cq *cq, uint64_t buf_addr, uint32_t cqe_count)
{
	const struct emu_completion marker = { .opcode = EMU_CQE_RESIZE };
	const uint32_t unread = (cq->pi - emu_cq_record(cq, EMU_DBREC_CQ_CI)) & EMU_CQ_CI_MASK;

	/* One more entry on either side: the marker in the old ring, what follows it in the new one. */
	if (cq->overrun || unread >= cq->attr.cqe_count || unread >= cqe_count)
		return -EINVAL;
	emu_block_close(cq);
	emu_cqe_put(cq, &marker);
	/* The program gives each unread entry the next higher number: so do we. */
	cq->event_pi++;
	cq->solicited_pi++;
	cq->arm_ci++;
	cq->attr.buf_addr = buf_addr;
	cq->attr.cqe_count = cqe_count;
	cq->ring = (uint8_t *)(uintptr_t)buf_addr;
	return 0;
}

int emu_cq_resize(struct emu_device *dev, uint32_t cqn, uint64_t buf_addr, uint32_t cqe_count)
{
	struct emu_cq_attr attr = { 0 };
	struct emu_cq *cq;
	int rc = emu_cq_query(dev, cqn, &attr);

	if (rc < 0)
		return rc;
	attr.buf_addr = buf_addr;
	attr.cqe_count = cqe_count;
	rc = check_attr(&attr);
	if (rc < 0)
		return rc;
	emu_lock();
	cq = emu_cq_find(dev, cqn);
	rc = emu_object_usable(dev, cq);
	if (rc == 0)
		rc = resize(cq, buf_addr, cqe_count);
	emu_unlock();
	if (rc == 0)
		emu_info("CQ %u: resized to %u entries", cqn, cqe_count);
	return rc;
}

int emu_cq_query(struct emu_device *dev, uint32_t cqn, struct emu_cq_attr *attr)
{
	struct emu_cq *cq;
	int rc;

	emu_lock();
	cq = emu_cq_find(dev, cqn);
	rc = emu_object_check(dev, cq);
	if (rc == 0)
		*attr = cq->attr;
	emu_unlock();
	return rc;
}
