/* SPDX-License-Identifier: MIT */
#include "cq.h"
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

int emu_cq_create(struct emu_device *dev, const struct emu_cq_attr *attr, uint32_t *cqn)
{
	struct emu_cq *cq;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return -ENOMEM;
	cq->dev = dev;
	cq->attr = *attr;
	cq->ring = (uint8_t *)(uintptr_t)attr->buf_addr;
	cq->dbrec = (emu_be32 *)(uintptr_t)attr->dbrec_addr;
	never_armed(cq);
	emu_list_init(&cq->node);
	emu_lock();
	rc = add(dev, cq);
	emu_unlock();
	if (rc < 0) {
		free(cq);
		return rc;
	}
	emu_info("CQ %u: %u entries of %u bytes", cq->cqn, attr->cqe_count, attr->cqe_size);
	*cqn = cq->cqn;
	return 0;
}

static void destroy(struct emu_cq *cq)
{
	emu_list_remove(&cq->node);
	emu_uar_put(cq->uar);
	emu_ids_remove(&emu.cqs, cq->cqn);
	free(cq);
}

int emu_cq_destroy(struct emu_device *dev, uint32_t cqn)
{
	struct emu_cq *cq;
	int rc;

	emu_lock();
	rc = emu_device_check(dev);
	cq = emu_cq_find(dev, cqn);
	if (rc == 0 && !cq)
		rc = -EINVAL;
	if (rc == 0 && cq->users)
		rc = -EBUSY;
	if (rc == 0)
		destroy(cq);
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

static uint32_t record(const struct emu_cq *cq, unsigned word)
{
	return be32toh(__atomic_load_n(&cq->dbrec[word].be, __ATOMIC_ACQUIRE));
}

/* ---- notification ---- */

/* a - b of two 24-bit or free-running counts, as far as the low 24 bits tell. */
static int32_t distance(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

static void notify(struct emu_cq *cq)
{
	const uint32_t newest = cq->arm_solicited ? cq->solicited_pi : cq->pi;

	if (!cq->armed || distance(newest, cq->arm_ci) <= 0 || distance(newest, cq->event_pi) <= 0)
		return;
	cq->armed = false;
	cq->event_pi = cq->pi;
	emu.counters.comp_events++;
	emu_debug("CQ %u: completion event", cq->cqn);
	cq->dev->config.cb.comp_event(cq->attr.cookie);
}

void emu_cq_arm(struct emu_cq *cq)
{
	const uint32_t value = record(cq, EMU_DBREC_CQ_ARM);

	if (value == cq->arm_record)
		return;
	cq->arm_record = value;
	cq->armed = true;
	cq->arm_solicited = value & EMU_CQ_ARM_SOLICITED;
	cq->arm_ci = value & EMU_CQ_CI_MASK;
	emu.counters.arms++;
	if (emu_trace_on())
		emu_trace_arm(cq, value);
	notify(cq);
}

/* ---- entries ---- */

static void fill_error(struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	struct emu_err_cqe64 e = {
		.srqn_uidx = emu_put32(c->uidx),
		.vendor_syndrome = c->vendor,
		.syndrome = (uint8_t)c->syndrome,
		.opcode_qpn = emu_put32((uint32_t)c->wqe_opcode << 24 | c->qpn),
		.wqe_counter = emu_put16(c->wqe_counter),
	};

	memcpy(cqe, &e, sizeof(e));
}

static void fill_good(struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	*cqe = (struct emu_cqe64){
		.flags_rqpn = emu_put32(c->flags_rqpn),
		.srqn_uidx = emu_put32(c->uidx),
		.imm = { c->imm },
		.byte_cnt = emu_put32(c->byte_cnt),
		.timestamp = emu_put64(emu_now_ns()),
		.sop_drop_qpn = emu_put32((uint32_t)c->wqe_opcode << 24 | c->qpn),
		.wqe_counter = emu_put16(c->wqe_counter),
	};
}

/* Scattered to the CQE: before it where that is the first half of an entry, else over its first half. */
static void put_payload(uint8_t *at, struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	if (c->scatter == 0)
		return;
	if (c->scatter > 32) {
		cqe->op_own |= EMU_CQE_SCATTER_64;
		memcpy(at - sizeof(*cqe), c->payload, c->byte_cnt);
	} else {
		cqe->op_own |= EMU_CQE_SCATTER_32;
		memcpy(cqe, c->payload, c->byte_cnt);
	}
}

static void publish(struct emu_cq *cq, struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	const uint8_t owner = (cq->pi & cq->attr.cqe_count) ? 1 : 0;
	/* A 128-byte entry has the 64-byte one as its second half. */
	uint8_t *at = cq->ring + (size_t)(cq->pi & (cq->attr.cqe_count - 1)) * cq->attr.cqe_size +
		      (cq->attr.cqe_size - sizeof(*cqe));

	cqe->op_own = (uint8_t)((unsigned)c->opcode << EMU_CQE_OPCODE_SHIFT |
				(c->solicited ? EMU_CQE_SE : 0u) | owner);
	put_payload(at, cqe, c);
	memcpy(at, cqe, offsetof(struct emu_cqe64, op_own));
	__atomic_store_n(at + offsetof(struct emu_cqe64, op_own), cqe->op_own, __ATOMIC_RELEASE);
	cq->pi++;
}

static void set_overrun(struct emu_cq *cq)
{
	cq->overrun = true;
	emu_warn("CQ %u overrun: %u entries, producer %u, consumer record %u", cq->cqn,
		 cq->attr.cqe_count, cq->pi & EMU_CQ_CI_MASK,
		 record(cq, EMU_DBREC_CQ_CI) & EMU_CQ_CI_MASK);
	emu_raise(cq->dev, EMU_EVENT_CQ_ERR, cq->attr.cookie, 0);
}

int emu_cq_push(struct emu_cq *cq, const struct emu_completion *c)
{
	const bool failed = c->opcode == EMU_CQE_REQ_ERR || c->opcode == EMU_CQE_RESP_ERR;
	struct emu_cqe64 cqe;
	uint32_t unread;

	if (cq->overrun)
		return -EOVERFLOW;
	unread = (cq->pi - record(cq, EMU_DBREC_CQ_CI)) & EMU_CQ_CI_MASK;
	if (unread >= cq->attr.cqe_count || emu_fault_completion(c)) {
		set_overrun(cq);
		return -EOVERFLOW;
	}
	if (failed)
		fill_error(&cqe, c);
	else
		fill_good(&cqe, c);
	publish(cq, &cqe, c);
	if (emu_trace_on())
		emu_trace_cqe(cq, c);
	emu.counters.cqes++;
	emu.counters.error_cqes += failed;
	if (failed || c->solicited)
		cq->solicited_pi = cq->pi;
	notify(cq);
	return 0;
}

/* ---- resizing ---- */

static int resize(struct emu_cq *cq, uint64_t buf_addr, uint32_t cqe_count)
{
	const struct emu_completion marker = { .opcode = EMU_CQE_RESIZE };
	const uint32_t unread = (cq->pi - record(cq, EMU_DBREC_CQ_CI)) & EMU_CQ_CI_MASK;
	struct emu_cqe64 cqe;

	/* One more entry on either side: the marker in the old ring, what follows it in the new one. */
	if (cq->overrun || unread >= cq->attr.cqe_count || unread >= cqe_count)
		return -EINVAL;
	fill_good(&cqe, &marker);
	publish(cq, &cqe, &marker);
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
	rc = emu_device_usable(dev);
	cq = emu_cq_find(dev, cqn);
	if (rc == 0)
		rc = cq ? resize(cq, buf_addr, cqe_count) : -EINVAL;
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
	rc = emu_device_check(dev);
	cq = emu_cq_find(dev, cqn);
	if (rc == 0 && !cq)
		rc = -EINVAL;
	if (rc == 0)
		*attr = cq->attr;
	emu_unlock();
	return rc;
}
