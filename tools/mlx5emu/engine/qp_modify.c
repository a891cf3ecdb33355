/* SPDX-License-Identifier: MIT */
#include "qp.h"

#include <errno.h>

/* Modify and query. What a transition needs is in states.c. */

enum {
	STATES = EMU_QPS_ERR + 1,
};

/* The kernel lets a caller assert where it believes the QP to be (ib_modify_qp_is_ok). */
static bool cur_state_ok(const struct emu_qp *qp, const struct emu_qp_attr *a, uint32_t mask)
{
	return !(mask & EMU_QP_CUR_STATE) || a->cur_qp_state == qp->attr.qp_state;
}

/* On InfiniBand a LID is enough (IBA vol 1 section 11.2.2.2); 0 is of no port. */
static bool av_ok(const struct emu_qp *qp, const struct emu_av *av)
{
	const bool local = qp->dev->config.infiniband && av->dlid;

	return (av->is_global || av->loopback || local) && av->port_num <= 1;
}

struct range {
	uint32_t bit, value, low, high;
};

static bool values_ok(const struct emu_qp *qp, const struct emu_qp_attr *a, uint32_t mask)
{
	const struct range ranges[] = {
		{ EMU_QP_PORT, a->port_num, 1, 1 },
		{ EMU_QP_PKEY_INDEX, a->pkey_index, 0, qp->dev->config.npkeys - 1 },
		{ EMU_QP_ALT_PATH, a->alt_pkey_index, 0, qp->dev->config.npkeys - 1 },
		{ EMU_QP_PATH_MTU, a->path_mtu, 1, 5 },
		{ EMU_QP_TIMEOUT, a->timeout, 0, 31 },
		{ EMU_QP_RETRY_CNT, a->retry_cnt, 0, 7 },
		{ EMU_QP_RNR_RETRY, a->rnr_retry, 0, 7 },
		{ EMU_QP_MIN_RNR_TIMER, a->min_rnr_timer, 0, 31 },
		{ EMU_QP_MAX_QP_RD_ATOMIC, a->max_rd_atomic, 0, EMU_MAX_RD_ATOM },
		{ EMU_QP_MAX_DEST_RD_ATOMIC, a->max_dest_rd_atomic, 0, EMU_MAX_RD_ATOM },
		{ EMU_QP_DEST_QPN, a->dest_qpn, 0, EMU_PSN_MASK },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if ((mask & ranges[i].bit) &&
		    (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high))
			return false;
	if ((mask & EMU_QP_AV) && !av_ok(qp, &a->av))
		return false;
	return !(mask & EMU_QP_ALT_PATH) || av_ok(qp, &a->alt_av);
}

static void copy_address(struct emu_qp_attr *to, const struct emu_qp_attr *from, uint32_t mask)
{
	if (mask & EMU_QP_ACCESS_FLAGS)
		to->access_flags = from->access_flags;
	if (mask & EMU_QP_PKEY_INDEX)
		to->pkey_index = from->pkey_index;
	if (mask & EMU_QP_PORT)
		to->port_num = from->port_num;
	if (mask & EMU_QP_QKEY)
		to->qkey = from->qkey;
	if (mask & EMU_QP_AV)
		to->av = from->av;
	if (mask & EMU_QP_PATH_MTU)
		to->path_mtu = from->path_mtu;
	if (mask & EMU_QP_DEST_QPN)
		to->dest_qpn = from->dest_qpn;
	if (mask & EMU_QP_PATH_MIG_STATE)
		to->path_mig_state = from->path_mig_state;
	if (mask & EMU_QP_ALT_PATH) {
		to->alt_av = from->alt_av;
		to->alt_port_num = from->alt_port_num;
		to->alt_timeout = from->alt_timeout;
		to->alt_pkey_index = from->alt_pkey_index;
	}
	if (mask & EMU_QP_UDP_SPORT)
		to->av.udp_sport = from->av.udp_sport;
}

static void copy_transport(struct emu_qp_attr *to, const struct emu_qp_attr *from, uint32_t mask)
{
	if (mask & EMU_QP_TIMEOUT)
		to->timeout = from->timeout;
	if (mask & EMU_QP_RETRY_CNT)
		to->retry_cnt = from->retry_cnt;
	if (mask & EMU_QP_RNR_RETRY)
		to->rnr_retry = from->rnr_retry;
	if (mask & EMU_QP_RQ_PSN)
		to->rq_psn = from->rq_psn & EMU_PSN_MASK;
	if (mask & EMU_QP_SQ_PSN)
		to->sq_psn = from->sq_psn & EMU_PSN_MASK;
	if (mask & EMU_QP_MAX_QP_RD_ATOMIC)
		to->max_rd_atomic = from->max_rd_atomic;
	if (mask & EMU_QP_MAX_DEST_RD_ATOMIC)
		to->max_dest_rd_atomic = from->max_dest_rd_atomic;
	if (mask & EMU_QP_MIN_RNR_TIMER)
		to->min_rnr_timer = from->min_rnr_timer;
	if (mask & EMU_QP_EN_SQD_ASYNC_NOTIFY)
		to->en_sqd_async_notify = from->en_sqd_async_notify;
}

/* What entering @to means beyond its attributes. */
static void enter(struct emu_qp *qp, enum emu_qp_state from, enum emu_qp_state to)
{
	if (to == EMU_QPS_ERR) {
		emu_answers_drop(&qp->resp);
		emu_qp_fail(qp);
		return;
	}
	if (to == EMU_QPS_RESET)
		emu_qp_settle(qp);
	qp->attr.qp_state = to;
	if (to == EMU_QPS_RESET) {
		emu_qp_clear(qp);
		qp->attr = (struct emu_qp_attr){ .qp_state = EMU_QPS_RESET };
	} else if (to == EMU_QPS_RTR) {
		qp->resp.epsn = qp->attr.rq_psn;
	} else if (to == EMU_QPS_RTS && from == EMU_QPS_RTR) {
		qp->req.next_psn = qp->attr.sq_psn;
		qp->req.una = qp->attr.sq_psn;
		qp->req.sent = qp->attr.sq_psn;
	} else if (from == EMU_QPS_SQE) {
		emu_list_remove(&qp->failed_node);
		(void)emu_requester_flush(qp); /* what was posted in SQE ends there */
	} else if (to == EMU_QPS_SQD) {
		qp->req.drained = from == EMU_QPS_SQD && qp->req.drained;
	}
	emu_qp_kick(qp);
}

static int modify(struct emu_qp *qp, const struct emu_qp_attr *a, uint32_t mask)
{
	enum emu_qp_state from, to;

	/* A doorbell passes the bus before the command behind it. */
	if (qp->attr.qp_state == EMU_QPS_SQE)
		emu_uar_scan_send(qp->uar);
	from = qp->attr.qp_state;
	to = mask & EMU_QP_STATE ? a->qp_state : from;

	if ((unsigned)to >= STATES || !cur_state_ok(qp, a, mask) ||
	    !emu_states_allow(qp->transport->states, from, to, mask) || !values_ok(qp, a, mask)) {
		emu_info("QP 0x%06x: modify %d -> %d with mask 0x%x refused", qp->qpn, (int)from,
			 (int)to, mask);
		return -EINVAL;
	}
	if (to == EMU_QPS_SQD && from == EMU_QPS_RTS)
		qp->attr.en_sqd_async_notify = false; /* of each drain anew (11.2.5.2) */
	if ((mask & EMU_QP_PATH_MTU) && emu_mtu_bytes((uint8_t)a->path_mtu) > qp->dev->config.mtu)
		emu_warn("QP 0x%06x: path MTU of %u bytes: packets of more than the port's %u are "
			 "lost",
			 qp->qpn, emu_mtu_bytes((uint8_t)a->path_mtu), qp->dev->config.mtu);
	copy_address(&qp->attr, a, mask);
	copy_transport(&qp->attr, a, mask);
	enter(qp, from, to);
	emu_stat_qp_moved(qp);
	emu_debug("QP 0x%06x: state %d -> %d", qp->qpn, (int)from, (int)to);
	return 0;
}

int emu_qp_modify(struct emu_device *dev, uint32_t qpn, const struct emu_qp_attr *attr,
		  uint32_t mask)
{
	const bool ends = (mask & EMU_QP_STATE) &&
			  (attr->qp_state == EMU_QPS_RESET || attr->qp_state == EMU_QPS_ERR);
	struct emu_qp *qp;
	int rc;

	emu_lock();
	rc = ends ? emu_device_check(dev) : emu_device_usable(dev);
	qp = emu_qp_find(dev, qpn);
	if (rc == 0)
		rc = qp ? modify(qp, attr, mask) : -EINVAL;
	if (rc == 0)
		emu_thread_kick();
	emu_unlock();
	return rc;
}

int emu_qp_query(struct emu_device *dev, uint32_t qpn, struct emu_qp_attr *attr,
		 struct emu_qp_init *init)
{
	struct emu_qp *qp;
	int rc;

	emu_lock();
	qp = emu_qp_find(dev, qpn);
	rc = emu_object_check(dev, qp);
	if (rc == 0 && attr) {
		*attr = qp->attr;
		attr->cur_qp_state = qp->attr.qp_state;
		attr->rq_psn = qp->resp.epsn;
		attr->sq_psn = qp->req.next_psn;
		attr->sq_draining = qp->attr.qp_state == EMU_QPS_SQD && !qp->req.drained;
	}
	if (rc == 0 && init)
		*init = qp->init;
	emu_unlock();
	return rc;
}
