/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MLX5EMU_WEAK
#include "tools/mlx5emu/mlx5emu.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- objects ---- */

static void make_qp(struct rig *rig, struct side *s, enum rig_kind kind, bool with_srq)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = rig->cq,
		.recv_cq = rig->cq,
		.srq = with_srq ? rig->srq : NULL,
		.cap = { .max_send_wr = SENDS,
			 .max_recv_wr = with_srq ? 0 : RECVS,
			 .max_send_sge = 4,
			 .max_recv_sge = with_srq ? 0 : 4 },
		.qp_type = kind == RIG_UD ? IBV_QPT_UD :
			   kind == RIG_UC ? IBV_QPT_UC :
					    IBV_QPT_RC,
	};
	struct mlx5dv_obj obj;

	s->qp = ibv_create_qp(rig->pd, &attr);
	must(s->qp, "ibv_create_qp");
	obj = (struct mlx5dv_obj){ .qp = { .in = s->qp, .out = &s->dv } };
	must(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP) == 0, "mlx5dv_init_obj");
}

static void to_rts(struct ibv_qp *qp, uint32_t peer, enum rig_kind kind)
{
	const bool rc = kind == RIG_RC || kind == RIG_SRQ, ud = kind == RIG_UD;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qkey = 0x11,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				   IBV_ACCESS_REMOTE_ATOMIC,
	};
	const int state = IBV_QP_STATE;

	must(!ibv_modify_qp(qp, &attr,
			    state | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				    (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS)),
	     "to INIT");
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.ah_attr = { .is_global = 1, .port_num = 1, .grh = { .sgid_index = 3 } },
	};
	must(!ibv_query_gid(qp->context, 1, 3, &attr.ah_attr.grh.dgid), "ibv_query_gid");
	must(!ibv_modify_qp(
		     qp, &attr,
		     ud ? state :
			  state | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				     (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0)),
	     "to RTR");
	attr = (struct ibv_qp_attr){ .qp_state = IBV_QPS_RTS,
				     .timeout = 14,
				     .retry_cnt = 1,
				     .rnr_retry = 7,
				     .max_rd_atomic = 4 };
	must(!ibv_modify_qp(qp, &attr,
			    state | IBV_QP_SQ_PSN |
				    (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
						     IBV_QP_MAX_QP_RD_ATOMIC :
					  0)),
	     "to RTS");
}

static void open_device(struct rig *rig)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	must(list && list[0], "no device");
	rig->ctx = ibv_open_device(list[0]);
	must(rig->ctx, "ibv_open_device");
	ibv_free_device_list(list);
}

static void make_memory(struct rig *rig)
{
	const unsigned int all = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				 IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;

	rig->buffer = aligned_alloc(4096, BUFFER);
	must(rig->buffer, "memory");
	memset(rig->buffer, 0, BUFFER);
	rig->mr = ibv_reg_mr(rig->pd, rig_data(rig), REGION, all);
	rig->readonly = ibv_reg_mr(rig->pd, rig_data(rig), REGION, 0);
	rig->foreign = ibv_reg_mr(rig->other_pd, rig_data(rig), REGION, all);
	must(rig->mr && rig->readonly && rig->foreign, "ibv_reg_mr");
	rig->rkey = rig->mr->rkey;
}

static void make_srq(struct rig *rig)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = RECVS, .max_sge = 1 } };
	struct mlx5dv_obj obj;

	rig->srq = ibv_create_srq(rig->pd, &attr);
	must(rig->srq, "ibv_create_srq");
	obj = (struct mlx5dv_obj){ .srq = { .in = rig->srq, .out = &rig->dv_srq } };
	must(mlx5dv_init_obj(&obj, MLX5DV_OBJ_SRQ) == 0, "mlx5dv_init_obj");
}

void rig_open(struct rig *rig, enum rig_kind kind)
{
	struct mlx5dv_obj obj;

	*rig = (struct rig){ .ctx = NULL };
	open_device(rig);
	rig->pd = ibv_alloc_pd(rig->ctx);
	rig->other_pd = ibv_alloc_pd(rig->ctx);
	rig->channel = ibv_create_comp_channel(rig->ctx);
	must(rig->pd && rig->other_pd && rig->channel, "domains");
	rig->cq = ibv_create_cq(rig->ctx, 63, NULL, rig->channel, 0);
	must(rig->cq, "ibv_create_cq");
	obj = (struct mlx5dv_obj){ .cq = { .in = rig->cq, .out = &rig->dv_cq } };
	must(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ) == 0, "mlx5dv_init_obj");
	make_memory(rig);
	if (kind == RIG_SRQ)
		make_srq(rig);
	make_qp(rig, &rig->a, kind, false);
	make_qp(rig, &rig->b, kind, kind == RIG_SRQ);
	to_rts(rig->a.qp, rig->b.qp->qp_num, kind);
	to_rts(rig->b.qp, rig->a.qp->qp_num, kind);
}

void rig_close(struct rig *rig)
{
	must(!ibv_destroy_qp(rig->a.qp), "ibv_destroy_qp");
	must(!ibv_destroy_qp(rig->b.qp), "ibv_destroy_qp");
	if (rig->srq)
		must(!ibv_destroy_srq(rig->srq), "ibv_destroy_srq");
	must(!ibv_destroy_cq(rig->cq), "ibv_destroy_cq");
	if (rig->mr)
		ibv_dereg_mr(rig->mr);
	ibv_dereg_mr(rig->readonly);
	ibv_dereg_mr(rig->foreign);
	ibv_destroy_comp_channel(rig->channel);
	ibv_dealloc_pd(rig->pd);
	ibv_dealloc_pd(rig->other_pd);
	must(!ibv_close_device(rig->ctx), "ibv_close_device");
	free(rig->buffer);
}

/* ---- bytes ---- */

void put16(uint8_t *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
}

void put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

void put64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

uint8_t *put_raddr(uint8_t *at, const void *addr, uint32_t rkey)
{
	put64(at, (uintptr_t)addr);
	put32(at + 8, rkey);
	put32(at + 12, 0);
	return at + 16;
}

uint8_t *put_data(uint8_t *at, const void *addr, uint32_t length, uint32_t lkey)
{
	put32(at, length);
	put32(at + 4, lkey);
	put64(at + 8, (uintptr_t)addr);
	return at + 16;
}

uint8_t *wqe_begin(struct side *s, unsigned opcode, unsigned ds)
{
	uint8_t *wqe = (uint8_t *)s->dv.sq.buf + (size_t)(s->pi & (s->dv.sq.wqe_cnt - 1)) * 64;

	memset(wqe, 0, 64);
	put32(wqe, (uint32_t)s->pi << 8 | opcode);
	put32(wqe + 4, s->qp->qp_num << 8 | ds);
	wqe[11] = SIGNALED;
	return wqe;
}

uint8_t *wqe_good(struct rig *rig, struct side *s, unsigned opcode)
{
	const bool cas = opcode == OP_CAS, raddr = opcode != OP_SEND;
	uint8_t *wqe = wqe_begin(s, opcode, 2 + (cas ? 2 : raddr ? 1 : 0));
	uint8_t *at = wqe + 16;

	if (raddr)
		at = put_raddr(at, rig_data(rig) + 2048, rig->rkey);
	if (cas)
		at += 16;
	put_data(at, rig_data(rig), cas ? 8 : 64, rig->mr->lkey);
	return wqe;
}

/* ---- records and doorbells ---- */

static void store_record(__be32 *record, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)record, htobe32(value), __ATOMIC_RELEASE);
}

void post_record(struct side *s, const uint8_t *wqe)
{
	const unsigned ds = wqe[7] & 63;

	s->pi = (uint16_t)(s->pi + (ds == 0 ? 1 : (ds + 3) / 4));
	store_record(&s->dv.dbrec[1], s->pi);
}

void post_blueflame(struct side *s, const uint8_t *wqe, unsigned bytes)
{
	uint8_t *to = (uint8_t *)s->dv.bf.reg + s->bf_offset;

	for (unsigned at = 0; at < bytes; at += 8) {
		uint64_t word;

		memcpy(&word, wqe + at, sizeof(word));
		__atomic_store_n((uint64_t *)(void *)(to + at), word, __ATOMIC_RELEASE);
	}
	s->bf_offset ^= s->dv.bf.size;
}

void post_doorbell(struct side *s, const uint8_t *wqe)
{
	post_blueflame(s, wqe, 8);
}

void post(struct rig *rig, struct side *s, const uint8_t *wqe)
{
	(void)rig;
	post_record(s, wqe);
	post_doorbell(s, wqe);
	step();
}

void warm_up(struct rig *rig, struct side *s, unsigned n)
{
	while (n--) {
		post(rig, s, wqe_good(rig, s, OP_WRITE));
		drain(rig);
	}
}

/* ---- receives ---- */

uint8_t *recv_good(struct rig *rig, struct side *s)
{
	uint8_t *wqe = (uint8_t *)s->dv.rq.buf +
		       (size_t)(s->rpi & (s->dv.rq.wqe_cnt - 1)) * s->dv.rq.stride;

	memset(wqe, 0, s->dv.rq.stride);
	put_data(wqe, rig_data(rig) + 1024, 64, rig->mr->lkey);
	put32(wqe + 16 + 4, 0x100); /* the end of the list */
	return wqe;
}

void recv_post(struct side *s)
{
	s->rpi++;
	store_record(&s->dv.dbrec[0], s->rpi);
}

void send_to(struct rig *rig)
{
	post(rig, &rig->a, wqe_good(rig, &rig->a, OP_SEND));
}

/* ---- the device ---- */

void step(void)
{
	mlx5emu_step();
}

void pass_ms(unsigned ms)
{
	for (; ms > 0; ms--) {
		mlx5emu_advance_ns(1000000);
		mlx5emu_step();
	}
}

void fault_plan(const char *plan)
{
	must(mlx5emu_fault_plan(plan, NULL, 0) == 0, "mlx5emu_fault_plan");
}

int next_status(struct rig *rig)
{
	struct ibv_wc wc;

	return ibv_poll_cq(rig->cq, 1, &wc) == 1 ? (int)wc.status : -1;
}

void drain(struct rig *rig)
{
	while (next_status(rig) >= 0)
		;
}
