/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdlib.h>

#include "tools/mlx5emu/engine/state.h"

struct rig rig;

const struct emu_gid rig_gids[RIG_GIDS] = {
	{ { 0xfe, 0x80, [8] = 2, [15] = 9 }, false },
	{ { 0xfe, 0x80, [8] = 2, [15] = 9 }, true },
	{ { [10] = 0xff, [11] = 0xff, 10, 77, 0, 9 }, false },
	{ { [10] = 0xff, [11] = 0xff, 10, 77, 0, 9 }, true },
};

static const char *trace_path;

void rig_trace_to(const char *path)
{
	trace_path = path;
}

static void on_completion(void *cookie)
{
	struct rig_cq *cq = cookie;

	cq->events++;
}

static void on_async(void *dev_cookie, enum emu_event type, void *cookie, unsigned port)
{
	(void)dev_cookie;
	(void)cookie;
	(void)port;
	if (rig.nasync < RIG_EVENTS)
		rig.async[rig.nasync++] = type;
}

static void *pages(size_t size)
{
	const size_t whole = (size + EMU_PAGE_SIZE - 1) / EMU_PAGE_SIZE * EMU_PAGE_SIZE;
	void *p = aligned_alloc(EMU_PAGE_SIZE, whole);

	assert_non_null(p);
	memset(p, 0, whole);
	return p;
}

void rig_open(const struct emu_run_config *run)
{
	struct emu_device_config config = {
		.run = *run,
		.uar_pages = RIG_UARS,
		.port_active = true,
		.mtu = 4096,
		.ngids = RIG_GIDS,
		.cb = { on_completion, on_async },
	};

	memset(&rig, 0, sizeof(rig));
	rig.uars = pages((size_t)RIG_UARS * EMU_PAGE_SIZE);
	config.uar_base = rig.uars;
	memcpy(config.gid, rig_gids, sizeof(rig_gids));
	assert_int_equal(emu_device_create(&config, &rig.dev), 0);
	assert_int_equal(emu_uar_alloc(rig.dev, &rig.uar), 0);
	assert_int_equal(emu_pd_alloc(rig.dev, &rig.pd), 0);
}

void rig_close(void)
{
	emu_device_destroy(rig.dev);
	free(rig.uars);
}

void rig_cq_create(struct rig_cq *cq, uint32_t cqe_size, uint32_t count)
{
	rig_cq_create_as(cq, count, &(struct emu_cq_attr){ .cqe_size = cqe_size });
}

void rig_cq_create_as(struct rig_cq *cq, uint32_t count, const struct emu_cq_attr *base)
{
	const uint32_t cqe_size = base->cqe_size;
	struct emu_cq_attr attr = *base;

	attr.cqe_count = count;
	attr.uar_page = rig.uar;
	attr.cookie = cq;
	*cq = (struct rig_cq){ .cqe_size = cqe_size, .count = count, .uar = rig.uar };
	cq->ring = pages((size_t)cqe_size * count);
	cq->dbrec = pages(EMU_PAGE_SIZE);
	/* As software must: every entry starts as owned by the device, opcode invalid. */
	for (uint32_t i = 0; i < count; i++)
		cq->ring[(i + 1) * cqe_size - 1] = 0xf1;
	attr.buf_addr = (uintptr_t)cq->ring;
	attr.dbrec_addr = (uintptr_t)cq->dbrec;
	assert_int_equal(emu_cq_create(rig.dev, &attr, &cq->cqn), 0);
}

void rig_cq_destroy(struct rig_cq *cq)
{
	assert_int_equal(emu_cq_destroy(rig.dev, cq->cqn), 0);
	free(cq->ring);
	free(cq->dbrec);
}

void rig_qp_create(struct rig_qp *qp, struct rig_cq *send_cq, struct rig_cq *recv_cq, uint32_t pd)
{
	rig_qp_create_as(qp, send_cq, recv_cq,
			 &(struct emu_qp_init){ .type = EMU_QPT_RC, .pdn = pd });
}

void rig_qp_create_as(struct rig_qp *qp, struct rig_cq *send_cq, struct rig_cq *recv_cq,
		      const struct emu_qp_init *base)
{
	struct emu_qp_init init = *base;

	init.send_cqn = send_cq->cqn;
	init.recv_cqn = recv_cq->cqn;
	init.sq_wqebb_count = RIG_BLOCKS;
	init.rq_wqe_count = base->srqn || base->type == EMU_QPT_XRC_INI ? 0 : RIG_RECEIVES;
	init.rq_stride_shift = RIG_STRIDE_SHIFT;
	init.uidx = 0x00abcd;
	init.uar_page = rig.uar;
	*qp = (struct rig_qp){
		.uar = rig.uar,
		.blocks = RIG_BLOCKS,
		.receives = RIG_RECEIVES,
		.send_cq = send_cq,
		.recv_cq = recv_cq,
	};
	qp->sq = pages((size_t)RIG_BLOCKS * 64);
	qp->rq = pages(EMU_PAGE_SIZE);
	qp->dbrec = pages(EMU_PAGE_SIZE);
	init.sq_addr = (uintptr_t)qp->sq;
	init.rq_addr = (uintptr_t)qp->rq;
	init.dbrec_addr = (uintptr_t)qp->dbrec;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qp->qpn), 0);
}

void rig_qp_destroy(struct rig_qp *qp)
{
	assert_int_equal(emu_qp_destroy(rig.dev, qp->qpn), 0);
	free(qp->sq);
	free(qp->rq);
	free(qp->dbrec);
}

void rig_setup_run(const struct emu_run_config *run)
{
	rig_open(run);
	rig_cq_create(&rig.cq_a, 64, RIG_CQES);
	rig_cq_create(&rig.cq_b, 64, RIG_CQES);
	rig_qp_create(&rig.a, &rig.cq_a, &rig.cq_a, rig.pd);
	rig_qp_create(&rig.b, &rig.cq_b, &rig.cq_b, rig.pd);
	rig.local = pages(RIG_BUFFER);
	rig.remote = pages(RIG_BUFFER);
	rig.lkey = rig_reg(rig.pd, rig.local, RIG_BUFFER, 0xf);
	rig.rkey = rig_reg(rig.pd, rig.remote, RIG_BUFFER, 0xf);
}

int rig_setup_unconnected(void **state)
{
	(void)state;
	rig_setup_run(&(struct emu_run_config){
		.manual = true, .log_level = trace_path ? 5 : 0, .log_path = trace_path });
	return 0;
}

int rig_setup(void **state)
{
	rig_setup_unconnected(state);
	rig_connect_both(&(struct rig_options){ 0 });
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_cq_destroy(&rig.cq_a);
	rig_cq_destroy(&rig.cq_b);
	free(rig.local);
	free(rig.remote);
	rig_close();
	return 0;
}

uint32_t rig_reg(uint32_t pd, void *addr, size_t length, uint32_t access)
{
	const struct emu_mr_attr attr = {
		.pdn = pd,
		.addr = (uintptr_t)addr,
		.length = length,
		.iova = (uintptr_t)addr,
		.access = access,
	};
	uint32_t key = 0;

	assert_int_equal(emu_mr_reg(rig.dev, &attr, &key), 0);
	return key;
}

void rig_connect(struct rig_qp *qp, uint32_t peer, uint32_t sq_psn, uint32_t rq_psn,
		 const struct rig_options *o)
{
	const struct emu_qp_attr init = {
		.qp_state = EMU_QPS_INIT,
		.port_num = 1,
		.access_flags = o->access ? o->access : 0xf,
	};
	const struct emu_qp_attr rtr = {
		.qp_state = EMU_QPS_RTR,
		.av = { .is_global = true, .port_num = 1 },
		.path_mtu = o->mtu ? o->mtu : 3,
		.dest_qpn = peer,
		.rq_psn = rq_psn & 0xffffff,
		.max_dest_rd_atomic = o->asymmetric_rd ? 1 :
				      o->rd_atomic     ? o->rd_atomic :
							 4,
		.min_rnr_timer = o->min_rnr_timer,
	};
	const struct emu_qp_attr rts = {
		.qp_state = EMU_QPS_RTS,
		.timeout = o->timeout,
		.retry_cnt = o->retry_cnt,
		.rnr_retry = o->rnr_retry,
		.sq_psn = sq_psn & 0xffffff,
		.max_rd_atomic = o->rd_atomic ? o->rd_atomic : 4,
	};

	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &init,
				       EMU_QP_STATE | EMU_QP_PKEY_INDEX | EMU_QP_PORT |
					       EMU_QP_ACCESS_FLAGS),
			 0);
	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &rtr,
				       EMU_QP_STATE | EMU_QP_AV | EMU_QP_PATH_MTU |
					       EMU_QP_DEST_QPN | EMU_QP_RQ_PSN |
					       EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER),
			 0);
	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &rts,
				       EMU_QP_STATE | EMU_QP_TIMEOUT | EMU_QP_RETRY_CNT |
					       EMU_QP_RNR_RETRY | EMU_QP_SQ_PSN |
					       EMU_QP_MAX_QP_RD_ATOMIC),
			 0);
}

void rig_connect_both(const struct rig_options *o)
{
	rig_connect(&rig.a, rig.b.qpn, o->psn, o->psn + 1000, o);
	rig_connect(&rig.b, rig.a.qpn, o->psn + 1000, o->psn, o);
}

int rig_modify(struct rig_qp *qp, enum emu_qp_state state)
{
	return emu_qp_modify(rig.dev, qp->qpn, &(struct emu_qp_attr){ .qp_state = state },
			     EMU_QP_STATE);
}

enum emu_qp_state rig_state(const struct rig_qp *qp)
{
	struct emu_qp_attr attr;

	assert_int_equal(emu_qp_query(rig.dev, qp->qpn, &attr, NULL), 0);
	return attr.qp_state;
}

/* ---- WQEs ---- */

static void put32(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

static void put64(uint8_t *at, uint64_t v)
{
	put32(at, (uint32_t)(v >> 32));
	put32(at + 4, (uint32_t)v);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The device reads records at any time. */
static void set_record(emu_be32 *record, uint32_t value)
{
	__atomic_store_n(&record->be, emu_put32(value).be, __ATOMIC_RELEASE);
}

struct rig_wqe rig_begin(const struct rig_qp *qp, uint8_t opcode, uint8_t flags)
{
	struct rig_wqe w = { .size = 16 };

	put32(w.bytes, (uint32_t)qp->pi << 8 | opcode);
	put32(w.bytes + 4, qp->qpn << 8);
	w.bytes[11] = flags;
	return w;
}

void rig_imm(struct rig_wqe *w, uint32_t imm)
{
	put32(w->bytes + 12, imm);
}

void rig_raddr(struct rig_wqe *w, const void *addr, uint32_t rkey)
{
	put64(w->bytes + w->size, (uintptr_t)addr);
	put32(w->bytes + w->size + 8, rkey);
	w->size += 16;
}

void rig_av(struct rig_wqe *w, uint32_t qpn, uint32_t qkey, unsigned gid_index)
{
	uint8_t *at = w->bytes + w->size;

	memset(at, 0, 48);
	put32(at, qkey);
	put32(at + 8, 0x80000000 | qpn);
	memset(at + 20, 0x42, 6);
	at[26] = 0x20;
	at[27] = 64;
	put32(at + 28, gid_index << 20 | 0x12345);
	memcpy(at + 32, rig_gids[gid_index].raw, 16);
	w->size += 48;
}

void rig_atomic(struct rig_wqe *w, uint64_t swap_add, uint64_t compare)
{
	put64(w->bytes + w->size, swap_add);
	put64(w->bytes + w->size + 8, compare);
	w->size += 16;
}

void rig_data(struct rig_wqe *w, const void *addr, uint32_t length, uint32_t lkey)
{
	put32(w->bytes + w->size, length);
	put32(w->bytes + w->size + 4, lkey);
	put64(w->bytes + w->size + 8, (uintptr_t)addr);
	w->size += 16;
}

void rig_inline(struct rig_wqe *w, const void *data, uint32_t length)
{
	put32(w->bytes + w->size, 0x80000000 | length);
	memcpy(w->bytes + w->size + 4, data, length);
	w->size += (4 + length + 15) / 16 * 16;
}

void rig_put(struct rig_qp *qp, struct rig_wqe *w)
{
	w->bytes[7] = (uint8_t)(w->size / 16);
	qp->last = qp->pi;
	for (unsigned at = 0; at < w->size; at += 64) {
		memcpy(qp->sq + (qp->pi & (qp->blocks - 1)) * 64u, w->bytes + at, 64);
		qp->pi++;
	}
	set_record(&qp->dbrec[1], qp->pi);
}

/* The doorbell carries the first half of the newest control segment; the slot alternates like BlueFlame's. */
void rig_ring(struct rig_qp *qp)
{
	const uint32_t at = (uint32_t)(qp->last & (qp->blocks - 1)) * EMU_WQEBB;
	uint64_t value;

	memcpy(&value, qp->sq + at, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)((uint8_t *)rig.uars + qp->uar * EMU_PAGE_SIZE +
					      0x800 + (qp->pi & 3) * 0x100),
			 value, __ATOMIC_RELEASE);
}

void rig_send(struct rig_qp *qp, struct rig_wqe *w)
{
	rig_put(qp, w);
	rig_ring(qp);
	mlx5emu_step();
}

void rig_post_write(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length)
{
	struct rig_wqe w = rig_begin(qp, EMU_OP_WRITE, flags);

	rig_raddr(&w, rig.remote + offset, rig.rkey);
	if (length)
		rig_data(&w, rig.local + offset, length, rig.lkey);
	rig_put(qp, &w);
	rig_ring(qp);
}

void rig_post_read(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length)
{
	struct rig_wqe w = rig_begin(qp, EMU_OP_READ, flags);

	rig_raddr(&w, rig.remote + offset, rig.rkey);
	if (length)
		rig_data(&w, rig.local + offset, length, rig.lkey);
	rig_put(qp, &w);
	rig_ring(qp);
}

void rig_post_send(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length)
{
	struct rig_wqe w = rig_begin(qp, EMU_OP_SEND, flags);

	if (length)
		rig_data(&w, rig.local + offset, length, rig.lkey);
	rig_put(qp, &w);
	rig_ring(qp);
}

void rig_receive(struct rig_qp *qp, const struct rig_seg *seg, unsigned n)
{
	const unsigned max = (1u << RIG_STRIDE_SHIFT) / 16;
	uint8_t *at = qp->rq + ((qp->rpi & (qp->receives - 1)) << RIG_STRIDE_SHIFT);

	memset(at, 0, 1u << RIG_STRIDE_SHIFT);
	for (unsigned i = 0; i < n; i++, at += 16) {
		put32(at, seg[i].length);
		put32(at + 4, seg[i].lkey);
		put64(at + 8, (uintptr_t)seg[i].addr);
	}
	if (n < max)
		put32(at + 4, 0x100);
	qp->rpi++;
	set_record(&qp->dbrec[0], qp->rpi);
}

/* ---- CQEs ---- */

bool rig_poll(struct rig_cq *cq, struct rig_cqe *out)
{
	const uint8_t *at =
		cq->ring + (cq->ci & (cq->count - 1)) * cq->cqe_size + cq->cqe_size - 64;
	const uint8_t op_own = __atomic_load_n(at + 63, __ATOMIC_ACQUIRE);

	if (op_own >> 4 == 0xf || (op_own & 1) != (cq->ci & cq->count ? 1 : 0))
		return false;
	*out = (struct rig_cqe){
		.opcode = op_own >> 4,
		.solicited = op_own & 2,
		.format = op_own >> 2 & 3,
		.at = at,
		.wqe_opcode = at[56],
		.uidx = get32(at + 32),
		.qpn = get32(at + 56) & 0xffffff,
		.wqe_counter = (uint16_t)(at[60] << 8 | at[61]),
	};
	if (out->opcode >= 13) {
		out->vendor = at[54];
		out->syndrome = at[55];
	} else {
		out->imm = get32(at + 36);
		out->byte_cnt = get32(at + 44);
		out->flags_rqpn = get32(at + 24);
	}
	cq->ci++;
	rig_consumed(cq);
	return true;
}

void rig_consumed(struct rig_cq *cq)
{
	set_record(&cq->dbrec[0], cq->ci & 0xffffff);
}

struct rig_cqe rig_expect(struct rig_cq *cq, unsigned opcode)
{
	struct rig_cqe cqe;

	assert_true(rig_poll(cq, &cqe));
	assert_int_equal(cqe.syndrome, 0);
	assert_int_equal(cqe.opcode, opcode);
	assert_int_equal(cqe.uidx, 0xabcd);
	return cqe;
}

struct rig_cqe rig_expect_error(struct rig_cq *cq, unsigned opcode, unsigned syndrome)
{
	struct rig_cqe cqe;

	assert_true(rig_poll(cq, &cqe));
	assert_int_equal(cqe.opcode, opcode);
	assert_int_equal(cqe.syndrome, syndrome);
	assert_int_equal(cqe.uidx, 0xabcd);
	return cqe;
}

void rig_expect_none(struct rig_cq *cq)
{
	struct rig_cqe cqe;

	assert_false(rig_poll(cq, &cqe));
}

void rig_arm(struct rig_cq *cq, unsigned sn, bool solicited)
{
	const uint32_t record = (uint32_t)sn << 28 | (solicited ? 1u << 24 : 0) |
				(cq->ci & 0xffffff);
	uint8_t bell[8];
	uint64_t value;

	set_record(&cq->dbrec[1], record);
	put32(bell, record);
	put32(bell + 4, cq->cqn);
	memcpy(&value, bell, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)((uint8_t *)rig.uars + cq->uar * EMU_PAGE_SIZE + 0x20),
			 value, __ATOMIC_RELEASE);
}

struct mlx5emu_counters rig_counters(void)
{
	struct mlx5emu_counters c;

	assert_int_equal(mlx5emu_counters(&c, sizeof(c)), sizeof(c));
	return c;
}

void rig_filter(emu_filter *filter, void *arg)
{
	emu_lock();
	emu_fabric_filter(emu.fabric, filter, arg);
	emu_unlock();
}

void rig_fill(unsigned seed)
{
	for (unsigned i = 0; i < RIG_BUFFER; i++)
		rig.local[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + seed);
	memset(rig.remote, 0, RIG_BUFFER);
}
