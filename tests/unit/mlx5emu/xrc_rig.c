/* SPDX-License-Identifier: MIT */
#include "xrc_rig.h"

#include <errno.h>
#include <stdlib.h>

enum { UIDX = 0xabcd };

struct xrc_queue xrc_one, xrc_two;
uint32_t xrc_domain;

static void *zeroed_page(void)
{
	void *p = aligned_alloc(EMU_PAGE_SIZE, EMU_PAGE_SIZE);

	assert_non_null(p);
	memset(p, 0, EMU_PAGE_SIZE);
	return p;
}

void xrc_queue_create(struct xrc_queue *q, uint32_t pd, uint32_t domain)
{
	struct emu_srq_attr attr = {
		.pdn = pd,
		.wqe_count = XRC_WQES,
		.stride_shift = 5,
		.xrcdn = domain,
		.cqn = rig.cq_b.cqn,
		.uidx = UIDX,
	};

	*q = (struct xrc_queue){ .ring = zeroed_page(), .dbrec = zeroed_page() };
	for (unsigned i = 0; i < XRC_WQES; i++)
		q->ring[i * XRC_STRIDE + 3] = (uint8_t)((i + 1) % XRC_WQES);
	attr.buf_addr = (uintptr_t)q->ring;
	attr.dbrec_addr = (uintptr_t)q->dbrec;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &q->srqn), 0);
}

void xrc_queue_destroy(struct xrc_queue *q)
{
	if (q->srqn)
		assert_int_equal(emu_srq_destroy(rig.dev, q->srqn), 0);
	free(q->ring);
	free(q->dbrec);
}

void xrc_post(struct xrc_queue *q, void *addr, uint32_t length)
{
	uint8_t *at = q->ring + q->posted % XRC_WQES * XRC_STRIDE;
	const emu_be32 words[] = { emu_put32(length), emu_put32(rig.rkey) };
	const emu_be64 address = emu_put64((uintptr_t)addr);

	memcpy(at + 16, words, 8);
	memcpy(at + 24, &address, 8);
	__atomic_store_n(&q->dbrec->be, emu_put32(++q->posted).be, __ATOMIC_RELEASE);
}

static void move(struct rig_qp *qp, enum emu_qp_state state, uint32_t mask)
{
	const struct emu_qp_attr attr = {
		.qp_state = state,
		.port_num = 1,
		.access_flags = 0xf,
		.av = { .is_global = true, .port_num = 1 },
		.path_mtu = 3,
		.dest_qpn = qp == &rig.a ? rig.b.qpn : rig.a.qpn,
		.rq_psn = XRC_PSN,
		.sq_psn = XRC_PSN,
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.retry_cnt = 1,
		.rnr_retry = 7,
	};

	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &attr, EMU_QP_STATE | mask), 0);
}

static void connect(void)
{
	const uint32_t address = EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_ACCESS_FLAGS;
	const uint32_t peer = EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN;

	move(&rig.a, EMU_QPS_INIT, address);
	move(&rig.a, EMU_QPS_RTR, peer);
	move(&rig.a, EMU_QPS_RTS,
	     EMU_QP_SQ_PSN | EMU_QP_TIMEOUT | EMU_QP_RETRY_CNT | EMU_QP_RNR_RETRY |
		     EMU_QP_MAX_QP_RD_ATOMIC);
	move(&rig.b, EMU_QPS_INIT, address);
	move(&rig.b, EMU_QPS_RTR, peer | EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER);
	move(&rig.b, EMU_QPS_RTS, EMU_QP_SQ_PSN | EMU_QP_TIMEOUT);
}

/* A target has neither queues nor CQs. */
static void create_target(void)
{
	const struct emu_qp_init init = {
		.type = EMU_QPT_XRC_TGT,
		.xrcdn = xrc_domain,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)xrc_one.dbrec + 64,
	};

	rig.b = (struct rig_qp){ .uar = rig.uar };
	assert_int_equal(emu_qp_create(rig.dev, &init, &rig.b.qpn), 0);
}

void xrc_setup(const struct emu_run_config *run, const struct emu_xrcd_open *how)
{
	rig_setup_run(run);
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	assert_int_equal(emu_xrcd_open(rig.dev, how, &xrc_domain), 0);
	xrc_queue_create(&xrc_one, rig.pd, xrc_domain);
	xrc_queue_create(&xrc_two, rig.pd, xrc_domain);
	rig_qp_create_as(&rig.a, &rig.cq_a, &rig.cq_a,
			 &(struct emu_qp_init){
				 .type = EMU_QPT_XRC_INI, .pdn = rig.pd, .xrcdn = xrc_domain });
	create_target();
	connect();
	rig_fill(1);
}

void xrc_teardown(void)
{
	assert_int_equal(emu_xrcd_free(rig.dev, xrc_domain), -EBUSY);
	xrc_queue_destroy(&xrc_one);
	xrc_queue_destroy(&xrc_two);
	rig_teardown(NULL);
}

struct rig_wqe xrc_begin(uint8_t opcode, uint32_t srqn)
{
	struct rig_wqe w = rig_begin(&rig.a, opcode, RIG_SIGNALED);
	const emu_be32 number = emu_put32(srqn);

	memcpy(w.bytes + w.size, &number, 4);
	memset(w.bytes + w.size + 4, 0, 12);
	w.size += 16;
	return w;
}

void xrc_send_inline(const struct xrc_queue *q, const char *text)
{
	struct rig_wqe w = xrc_begin(EMU_OP_SEND, q->srqn);

	rig_inline(&w, text, (uint32_t)strlen(text) + 1);
	rig_send(&rig.a, &w);
}
