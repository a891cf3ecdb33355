/* SPDX-License-Identifier: MIT */
#include "qp.h"
#include "memory.h"
#include "receive.h"
#include "relay.h"

#include <errno.h>
#include <stdlib.h>

static bool power_of_two_or_0(uint32_t n)
{
	return (n & (n - 1)) == 0;
}

static int check_ring(uint64_t addr, uint64_t bytes, uint64_t align)
{
	if (addr % align || addr > UINT64_MAX - bytes)
		return -EINVAL;
	return bytes && emu_memory_populate(addr, bytes, true) < 0 ? -EFAULT : 0;
}

static bool scatter_ok(uint32_t bytes)
{
	return bytes == 0 || bytes == 32 || bytes == 64;
}

static int check_init(const struct emu_qp_init *i)
{
	int rc;

	if (!emu_transport_of(i->type))
		return -EOPNOTSUPP;
	if (!power_of_two_or_0(i->sq_wqebb_count) || i->sq_wqebb_count > EMU_MAX_SQ_WQEBB ||
	    !power_of_two_or_0(i->rq_wqe_count) || i->rq_wqe_count > EMU_MAX_RQ_WQE)
		return -EINVAL;
	if (i->rq_wqe_count && (i->srqn || i->rq_stride_shift < 4 || i->rq_stride_shift > 9))
		return -EINVAL;
	if ((i->sq_wqebb_count && !emu_transport_of(i->type)->sends) ||
	    ((i->rq_wqe_count || i->srqn) && !emu_transport_of(i->type)->receives))
		return -EINVAL;
	if (!scatter_ok(i->scatter_req) || !scatter_ok(i->scatter_res) ||
	    (i->scatter_req && i->type != EMU_QPT_RC) ||
	    (i->scatter_res && i->type != EMU_QPT_RC && i->type != EMU_QPT_UC))
		return -EINVAL;
	rc = check_ring(i->dbrec_addr, 2 * sizeof(emu_be32), 8);
	if (rc == 0 && i->sq_wqebb_count)
		rc = check_ring(i->sq_addr, (uint64_t)i->sq_wqebb_count * EMU_WQEBB, EMU_WQEBB);
	if (rc == 0 && i->rq_wqe_count)
		rc = check_ring(i->rq_addr, (uint64_t)i->rq_wqe_count << i->rq_stride_shift,
				EMU_DS);
	return rc;
}

static struct emu_qp *qp_new(struct emu_device *dev, const struct emu_qp_init *init)
{
	struct emu_qp *qp = calloc(1, sizeof(*qp));

	if (!qp)
		return NULL;
	if (emu_requester_init(&qp->req, init->sq_wqebb_count) < 0) {
		free(qp);
		return NULL;
	}
	qp->dev = dev;
	qp->init = *init;
	qp->transport = emu_transport_of(init->type);
	qp->sq = (const uint8_t *)(uintptr_t)init->sq_addr;
	qp->rq = (const uint8_t *)(uintptr_t)init->rq_addr;
	qp->dbrec = (emu_be32 *)(uintptr_t)init->dbrec_addr;
	emu_list_init(&qp->uar_node);
	emu_list_init(&qp->work_node);
	emu_list_init(&qp->timed_node);
	emu_list_init(&qp->failed_node);
	return qp;
}

static void qp_free(struct emu_qp *qp)
{
	emu_requester_fini(&qp->req);
	free(qp);
}

/* Lock held. Whether all exists that the type needs. */
static bool find_parts(struct emu_device *dev, struct emu_qp *qp)
{
	const struct emu_transport *t = qp->transport;
	const struct emu_qp_init *init = &qp->init;

	qp->uar = emu_uar_find(dev, init->uar_page);
	if (t->sends || t->receives)
		qp->pd = emu_pd_find(dev, init->pdn);
	else
		qp->xrcd = emu_xrcd_find(dev, init->xrcdn);
	if (t->sends)
		qp->send_cq = emu_cq_find(dev, init->send_cqn);
	if (t->receives)
		qp->recv_cq = emu_cq_find(dev, init->recv_cqn);
	if (init->srqn)
		qp->srq = emu_srq_find(dev, init->srqn);
	if ((init->scatter_req > 32 && qp->send_cq && qp->send_cq->attr.cqe_size < 128) ||
	    (init->scatter_res > 32 && qp->recv_cq && qp->recv_cq->attr.cqe_size < 128))
		return false;
	return qp->uar && (qp->pd || qp->xrcd) && (qp->send_cq || !t->sends) &&
	       (qp->recv_cq || !t->receives) && (!init->srqn || (qp->srq && !qp->srq->attr.xrcdn));
}

enum {
	MAX_PARTS = 5,
};

/* The user counts of all that the QP keeps from going away, but the UAR's. */
static unsigned parts(struct emu_qp *qp, unsigned *users[MAX_PARTS])
{
	unsigned n = 0;

	if (qp->pd)
		users[n++] = &qp->pd->users;
	if (qp->xrcd)
		users[n++] = &qp->xrcd->users;
	if (qp->send_cq)
		users[n++] = &qp->send_cq->users;
	if (qp->recv_cq)
		users[n++] = &qp->recv_cq->users;
	if (qp->srq && !qp->xrcd)
		users[n++] = &qp->srq->users;
	return n;
}

/* Lock held. */
static int add(struct emu_device *dev, struct emu_qp *qp)
{
	unsigned *users[MAX_PARTS];
	unsigned n;
	uint32_t index;
	int rc = emu_device_usable(dev);

	if (rc < 0)
		return rc;
	if (!find_parts(dev, qp))
		return -EINVAL;
	rc = emu_ids_add(&emu.qps, qp, &index);
	if (rc < 0)
		return rc;
	qp->qpn = emu_fabric_slot(emu.fabric) << 16 | index;
	n = parts(qp, users);
	while (n > 0)
		++*users[--n];
	emu_uar_get(qp->uar);
	emu_list_append(&qp->uar->qps, &qp->uar_node);
	emu_stat_qp_add(qp);
	return 0;
}

int emu_qp_create(struct emu_device *dev, const struct emu_qp_init *init, uint32_t *qpn)
{
	struct emu_qp *qp;
	int rc = check_init(init);

	if (rc < 0)
		return rc;
	qp = qp_new(dev, init);
	if (!qp)
		return -ENOMEM;
	emu_lock();
	rc = add(dev, qp);
	emu_unlock();
	if (rc < 0) {
		qp_free(qp);
		return rc;
	}
	emu_info("QP 0x%06x: %s, %u send blocks, %u receives, CQs %u and %u, UAR page %u", qp->qpn,
		 qp->transport->name, init->sq_wqebb_count, init->rq_wqe_count, init->send_cqn,
		 init->recv_cqn, init->uar_page);
	*qpn = qp->qpn;
	return 0;
}

struct emu_qp *emu_qp_find_any(uint32_t qpn)
{
	struct emu_qp *qp = emu_ids_get(&emu.qps, qpn & 0xffff);

	return qp && qp->qpn == qpn ? qp : NULL;
}

struct emu_qp *emu_qp_find(const struct emu_device *dev, uint32_t qpn)
{
	struct emu_qp *qp = emu_qp_find_any(qpn);

	return qp && qp->dev == dev ? qp : NULL;
}

static void destroy(struct emu_qp *qp)
{
	unsigned *users[MAX_PARTS];
	unsigned n = parts(qp, users);

	emu_stat_qp_remove(qp);
	emu_qp_clear(qp);
	emu_mcast_leave_all(qp);
	emu_list_remove(&qp->uar_node);
	emu_list_remove(&qp->work_node);
	emu_uar_put(qp->uar);
	while (n > 0)
		--*users[--n];
	emu_ids_remove(&emu.qps, qp->qpn & 0xffff);
	qp_free(qp);
}

/*
 * A doorbell passes the bus before the command behind it: an adapter has sent what was posted before
 * its queue pair was destroyed, and has answered what it received; programs that do not wait for
 * completions count on that. Not all of a long list: that an adapter does not, either.
 */
static void last_turns(struct emu_qp *qp)
{
	enum {
		TURNS = 16,
	};

	qp->leaves = true;
	for (unsigned i = 0; i < TURNS; i++) {
		if (emu_responder_run(qp) + emu_requester_run(qp) == 0)
			break;
	}
	qp->leaves = false;
}

static bool ends_in_silence(const struct emu_device *dev)
{
	return emu.manual || dev->fatal || dev->orphan;
}

int emu_qp_destroy(struct emu_device *dev, uint32_t qpn)
{
	struct emu_qp *qp;
	int rc;

	emu_lock();
	qp = emu_qp_find(dev, qpn);
	rc = emu_object_check(dev, qp);
	if (rc == 0 && qp->groups)
		rc = -EBUSY;
	if (rc == 0) {
		if (!ends_in_silence(dev)) {
			(void)emu_uar_scan();
			last_turns(qp);
		}
		emu_qp_settle(qp);
		destroy(qp);
	}
	emu_unlock();
	return rc;
}

void emu_qps_last_turns(const struct emu_device *dev)
{
	if (ends_in_silence(dev))
		return;
	(void)emu_uar_scan();
	for (uint32_t i = 0; i < emu.qps.size; i++) {
		struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (qp && qp->dev == dev)
			last_turns(qp);
	}
}

void emu_qps_destroy(struct emu_device *dev)
{
	emu_qps_last_turns(dev);
	for (uint32_t i = 0; i < emu.qps.size; i++) {
		struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (!qp || qp->dev != dev)
			continue;
		emu_object_left(dev);
		if (!dev->orphan)
			emu_doorbells_settle(qp);
		destroy(qp);
	}
}

void emu_qps_forget_srq(const struct emu_srq *srq)
{
	for (uint32_t i = 0; i < emu.qps.size; i++) {
		struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (!qp || !qp->xrcd || qp->srq != srq)
			continue;
		qp->srq = NULL;
		qp->resp.has_rwqe = false;
	}
	emu_stand_ins_forget(srq);
}

void emu_qp_settle(struct emu_qp *qp)
{
	emu_uar_scan_send(qp->uar);
	emu_doorbells_settle(qp);
	emu_receive_settle(qp);
}

void emu_qp_kick(struct emu_qp *qp)
{
	if (emu_list_empty(&qp->work_node) && !qp->dev->fatal)
		emu_list_append(&emu.work, &qp->work_node);
}

uint32_t emu_qp_dbrec_word(const struct emu_qp *qp, unsigned word)
{
	return be32toh(__atomic_load_n(&qp->dbrec[word].be, __ATOMIC_ACQUIRE));
}

uint16_t emu_qp_dbrec(const struct emu_qp *qp, unsigned word)
{
	return (uint16_t)emu_qp_dbrec_word(qp, word);
}

uint8_t emu_qp_mtu(const struct emu_qp *qp)
{
	return qp->transport->connected ? (uint8_t)qp->attr.path_mtu : qp->dev->mtu_code;
}

static void stop_timers(struct emu_qp *qp)
{
	qp->req.ack_deadline = 0;
	qp->req.rnr_deadline = 0;
	qp->req.slow_deadline = 0;
	emu_list_remove(&qp->timed_node);
}

void emu_qp_clear(struct emu_qp *qp)
{
	emu_relay_end(qp, false);
	stop_timers(qp);
	emu_list_remove(&qp->failed_node);
	emu_requester_clear(&qp->req);
	emu_responder_clear(&qp->resp);
	qp->established = false;
	qp->sq_owner.any = false;
	qp->rq_owner.any = false;
}

void emu_qp_fail(struct emu_qp *qp)
{
	if (qp->attr.qp_state == EMU_QPS_ERR || qp->attr.qp_state == EMU_QPS_RESET)
		return;
	emu_info("QP 0x%06x: error state", qp->qpn);
	qp->attr.qp_state = EMU_QPS_ERR;
	emu_stat_qp_moved(qp);
	stop_timers(qp);
	if (!qp->dev->fatal && !qp->stand_in)
		emu_list_append(&emu.failed, &qp->failed_node);
}

void emu_qp_fail_send(struct emu_qp *qp)
{
	if (qp->transport->acknowledged) {
		emu_qp_fail(qp);
		return;
	}
	emu_info("QP 0x%06x: send queue error state", qp->qpn);
	qp->attr.qp_state = EMU_QPS_SQE;
	emu_stat_qp_moved(qp);
	if (!qp->dev->fatal)
		emu_list_append(&emu.failed, &qp->failed_node);
}

void emu_qps_stop(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.qps.size; i++) {
		struct emu_qp *qp = emu_ids_get(&emu.qps, i);

		if (!qp || qp->dev != dev)
			continue;
		stop_timers(qp);
		emu_list_remove(&qp->work_node);
		emu_list_remove(&qp->failed_node);
	}
}

void emu_qp_fatal(struct emu_qp *qp, enum emu_event type)
{
	if (qp->attr.qp_state == EMU_QPS_ERR)
		return;
	emu_qp_fail(qp);
	if (qp->stand_in)
		emu_stand_in_fatal(qp->stand_in);
	else
		emu_raise(qp->dev, type, qp->init.cookie, 0);
}

void emu_qp_complete(struct emu_qp *qp, struct emu_cq *cq, struct emu_completion *c)
{
	const bool send = c->opcode == EMU_CQE_REQ || c->opcode == EMU_CQE_REQ_ERR;

	c->qpn = qp->qpn;
	qp->stat->work.cqes++;
	qp->stat->work.error_cqes += c->syndrome != EMU_SYN_NONE;
	if (emu_cq_push(cq, c) < 0)
		emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	else if (send || !qp->srq)
		emu_owner_return(send ? &qp->sq_owner : &qp->rq_owner, c->wqe_counter);
}

unsigned emu_qp_flush(struct emu_qp *qp)
{
	const unsigned sends = emu_requester_flush(qp);

	return qp->attr.qp_state == EMU_QPS_SQE ? sends : sends + emu_receive_flush(qp);
}
