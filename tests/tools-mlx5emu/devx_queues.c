/* SPDX-License-Identifier: MIT */
/* Queues by command through the real libmlx5: those of verbs asked and changed, and such that commands make. */
#include "box.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CREATE_CQ = 0x400,
	CREATE_QP = 0x500,
	RST2INIT_QP = 0x502,
	INIT2RTR_QP = 0x503,
	RTR2RTS_QP = 0x504,
	RTS2RTS_QP = 0x505,
	QUERY_QP = 0x50b,
};

enum { QPC = 0x18, PATH = QPC + 0x18 }; /* the context of a queue pair, its address path */

static struct box query_qp(struct ibv_qp *qp)
{
	struct box b = command(QUERY_QP, 0);

	put(&b, 8, qp->qp_num);
	assert_int_equal(mlx5dv_devx_qp_query(qp, b.in, 16, b.out, 0x110), 0);
	return b;
}

static void test_udp_source_port(void **state)
{
	enum { STATE_RTS = 3 };
	struct link link;
	struct ibv_qp *fresh;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	if (link_infiniband(link.ctx)) {
		assert_int_equal(mlx5dv_modify_qp_udp_sport(link.qp, 0xc0de), EOPNOTSUPP);
		link_tear_down(&link);
		return;
	}
	assert_int_equal(mlx5dv_modify_qp_udp_sport(link.qp, 0xc0de), 0);
	b = query_qp(link.qp);
	assert_int_equal(got(&b, QPC) >> 28, STATE_RTS);
	assert_int_equal(got(&b, QPC + 0x14) & 0xffffff, link.peer->qp_num);
	assert_int_equal(got(&b, PATH + 0x20) & 0xffff, 0xc0de);
	assert_int_equal(got(&b, PATH + 0x08) >> 16 & 0xff, LINK_GID_INDEX);
	fresh = link_qp(&link, IBV_QPT_RC);
	assert_int_equal(mlx5dv_modify_qp_udp_sport(fresh, 0xc0de), EOPNOTSUPP);
	assert_int_equal(ibv_destroy_qp(fresh), 0);
	link_tear_down(&link);
}

static void test_address(void **state)
{
	struct link link;
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	b = query_qp(link.qp);
	assert_int_equal(ibv_query_qp(link.qp, &attr, IBV_QP_AV, &init), 0);
	assert_int_equal(got(&b, PATH + 0x04) >> 23 & 1, attr.ah_attr.is_global);
	assert_int_equal(got(&b, PATH + 0x04) & 0xffff, attr.ah_attr.dlid);
	assert_int_equal(got(&b, PATH + 0x24) >> 16 & 0xff, attr.ah_attr.port_num);
	link_tear_down(&link);
}

static void test_queue_pair(void **state)
{
	enum { OPT_MASK = 0x10 };
	struct link link;
	struct ibv_qp *fresh;
	struct box b = command(RTS2RTS_QP, 0);

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	fresh = link_qp(&link, IBV_QPT_RC);
	put(&b, 8, fresh->qp_num);
	assert_int_equal(mlx5dv_devx_qp_modify(fresh, b.in, 0x110, b.out, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_QP_STATE);
	assert_int_equal(mlx5dv_devx_qp_modify(link.qp, b.in, 0x110, b.out, 16), EINVAL);
	put(&b, 8, link.qp->qp_num);
	assert_int_equal(mlx5dv_devx_qp_modify(link.qp, b.in, 16, b.out, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_INPUT_LEN);
	put(&b, OPT_MASK, 1u << 15); /* port affinity of a bundle, which there is not */
	assert_int_equal(mlx5dv_devx_qp_modify(link.qp, b.in, 0x110, b.out, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	assert_int_equal(ibv_destroy_qp(fresh), 0);
	link_tear_down(&link);
}

/* ---- a queue pair of commands ---- */

enum { EVENT_ACCESS_ERROR = 0x11 };

struct raw_qp {
	void *memory; /* send ring at 0, receive ring of one, doorbell record behind */
	struct mlx5dv_devx_umem *umem;
	struct mlx5dv_devx_uar *uar;
	struct mlx5dv_devx_obj *obj;
	uint32_t qpn, cqn;
	uint32_t scatter; /* cs_req and cs_res */
};

static uint32_t cqn_of(struct ibv_cq *cq)
{
	struct mlx5dv_cq out = { .comp_mask = 0 };
	struct mlx5dv_obj obj = { .cq = { .in = cq, .out = &out } };

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	return out.cqn;
}

static struct box qp_command(const struct link *link, const struct raw_qp *qp)
{
	enum { LOG_SQ = 4, DBREC_AT = 4096 };
	struct box b = command(CREATE_QP, 0);

	put(&b, QPC + 0x00, 3 << 11); /* RC, migrated */
	put(&b, QPC + 0x04, pdn_of(link->pd));
	put(&b, QPC + 0x08, LOG_SQ << 11);
	put(&b, QPC + 0x0c, qp->uar->page_id);
	put(&b, QPC + 0x7c, qp->cqn);
	put(&b, QPC + 0x9c, qp->cqn);
	put(&b, QPC + 0xa4, DBREC_AT);
	put(&b, QPC + 0xac, 3 << 24); /* no receive queue */
	put(&b, QPC + 0xc4, qp->scatter);
	put(&b, QPC + 0xe4, qp->umem->umem_id);
	put(&b, 0x108, qp->umem->umem_id);
	return b;
}

static void raw_qp_prepare(struct link *link, struct raw_qp *qp)
{
	qp->memory = aligned_alloc(4096, 8192);
	assert_non_null(qp->memory);
	memset(qp->memory, 0, 8192);
	qp->umem = mlx5dv_devx_umem_reg(link->ctx, qp->memory, 8192, IBV_ACCESS_LOCAL_WRITE);
	qp->uar = mlx5dv_devx_alloc_uar(link->ctx, MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF);
	assert_true(qp->umem && qp->uar);
	qp->cqn = cqn_of(link->cq);
}

static void raw_qp_finish(struct link *link, struct raw_qp *qp)
{
	struct box b = qp_command(link, qp);

	qp->obj = mlx5dv_devx_obj_create(link->ctx, b.in, 0x110, b.out, 16);
	assert_non_null(qp->obj);
	qp->qpn = got(&b, 8);
}

static void raw_qp_create(struct link *link, struct raw_qp *qp)
{
	raw_qp_prepare(link, qp);
	raw_qp_finish(link, qp);
}

static void raw_qp_destroy(struct raw_qp *qp)
{
	assert_int_not_equal(mlx5dv_devx_umem_dereg(qp->umem), 0); /* it lies there */
	assert_int_equal(mlx5dv_devx_obj_destroy(qp->obj), 0);
	assert_int_equal(mlx5dv_devx_umem_dereg(qp->umem), 0);
	mlx5dv_devx_free_uar(qp->uar);
	free(qp->memory);
}

/* As SPDK connects queue pairs to their own host: without an address ("force loopback"). */
static void raw_qp_to_rtr(struct raw_qp *qp, uint32_t peer)
{
	struct box b = command(RST2INIT_QP, 0);

	put(&b, 8, qp->qpn);
	put(&b, PATH + 0x24, 1 << 16); /* port */
	put(&b, QPC + 0x90, 3 << 14);  /* remote reads and writes */
	assert_int_equal(mlx5dv_devx_obj_modify(qp->obj, b.in, 0x110, b.out, 16), 0);
	b = command(INIT2RTR_QP, 0);
	put(&b, 8, qp->qpn);
	put(&b, QPC + 0x08, 3u << 29 | 30 << 24); /* MTU 1024 */
	put(&b, QPC + 0x14, peer);
	put(&b, PATH, 1u << 31);
	put(&b, QPC + 0x94, 7); /* PSN */
	assert_int_equal(mlx5dv_devx_obj_modify(qp->obj, b.in, 0x110, b.out, 16), 0);
}

static struct mlx5dv_devx_event_channel *open_events(struct link *link)
{
	struct mlx5dv_devx_event_channel *channel = mlx5dv_devx_create_event_channel(
		link->ctx, MLX5DV_DEVX_CREATE_EVENT_CHANNEL_FLAGS_OMIT_EV_DATA);

	assert_non_null(channel);
	return channel;
}

/* A write with a wrong key ends both sides: one by a completion, the other by an event. */
static void test_event_of_queue_pair(void **state)
{
	const uint64_t cookie = 0x1122334455667788;
	uint16_t type = EVENT_ACCESS_ERROR, unknown = 0x77;
	struct mlx5dv_devx_async_event_hdr record[2];
	struct mlx5dv_devx_event_channel *events;
	struct ibv_qp *sender;
	struct raw_qp qp = { .scatter = 0 };
	struct link link;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	events = open_events(&link);
	raw_qp_create(&link, &qp);
	assert_int_equal(mlx5dv_devx_subscribe_devx_event(events, qp.obj, 2, &type, cookie), 0);
	assert_int_not_equal(mlx5dv_devx_subscribe_devx_event(events, qp.obj, 2, &unknown, 0), 0);
	sender = link.qp;
	link.qp = link_qp(&link, IBV_QPT_RC);
	link_connect(link.qp, qp.qpn);
	raw_qp_to_rtr(&qp, link.qp->qp_num);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, link.buffer, 8,
				  (uintptr_t)link.buffer + 64, link.mr->rkey),
			 IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, link.buffer, 8, 0, 0xdead00),
			 IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(mlx5dv_devx_get_event(events, record, sizeof(record)), 8);
	assert_true(record[0].cookie == cookie);
	raw_qp_destroy(&qp);
	mlx5dv_devx_destroy_event_channel(events);
	assert_int_equal(ibv_destroy_qp(link.qp), 0);
	link.qp = sender;
	link_tear_down(&link);
}

static void test_refused_queue_pairs(void **state)
{
	struct raw_qp qp = { .scatter = 0 };
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	raw_qp_create(&link, &qp);
	b = qp_command(&link, &qp);
	put(&b, QPC + 0xc4, 3); /* no size of what comes into a CQE */
	assert_null(mlx5dv_devx_obj_create(link.ctx, b.in, 0x110, b.out, 16));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = qp_command(&link, &qp);
	put(&b, QPC, 5 << 16); /* DCI */
	assert_null(mlx5dv_devx_obj_create(link.ctx, b.in, 0x110, b.out, 16));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = qp_command(&link, &qp);
	put(&b, QPC + 0x08, 10 << 11); /* longer than its memory */
	assert_null(mlx5dv_devx_obj_create(link.ctx, b.in, 0x110, b.out, 16));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = qp_command(&link, &qp);
	put(&b, 0x108, 4000); /* no such memory */
	assert_null(mlx5dv_devx_obj_create(link.ctx, b.in, 0x110, b.out, 16));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	raw_qp_destroy(&qp);
	link_tear_down(&link);
}

/* ---- a completion queue of commands ---- */

enum { CQE_BYTES = 64, RING = 8192, LOG_CQ = 4, CQ_DBREC_AT = 12288, MEMORY = 16384 };

static struct mlx5dv_devx_obj *make_cq(struct link *link, const struct mlx5dv_devx_umem *umem,
				       const struct mlx5dv_devx_uar *uar, struct box *b)
{
	uint32_t eqn = 0;

	assert_int_equal(mlx5dv_devx_query_eqn(link->ctx, 0, &eqn), 0);
	*b = command(CREATE_CQ, 0);
	put(b, 0x10 + 0x04, umem->umem_id);
	put(b, 0x10 + 0x0c, LOG_CQ << 24 | uar->page_id);
	put(b, 0x10 + 0x14, eqn);
	put(b, 0x10 + 0x3c, CQ_DBREC_AT);
	put(b, 0x54, RING);
	put(b, 0x58, umem->umem_id);
	return mlx5dv_devx_obj_create(link->ctx, b->in, 0x110, b->out, 16);
}

/* The first request, by hand, that completes. */
static void post(struct raw_qp *qp, uint32_t opcode, uint32_t ds)
{
	uint32_t *wqe = qp->memory;
	uint32_t *record = (uint32_t *)((char *)qp->memory + 4096);
	uint64_t doorbell;

	wqe[0] = htobe32(opcode);
	wqe[1] = htobe32(qp->qpn << 8 | ds);
	wqe[2] = htobe32(2 << 2);
	__atomic_store_n(&record[1], htobe32(1), __ATOMIC_RELEASE);
	memcpy(&doorbell, wqe, sizeof(doorbell));
	__atomic_store_n((uint64_t *)qp->uar->reg_addr, doorbell, __ATOMIC_RELEASE);
}

static void raw_qp_to_rts(struct raw_qp *qp)
{
	struct box b = command(RTR2RTS_QP, 0);

	raw_qp_to_rtr(qp, qp->qpn);
	put(&b, 8, qp->qpn);
	put(&b, PATH + 0x08, 14u << 27); /* time-out */
	put(&b, QPC + 0x70, 7 << 16 | 7 << 13);
	put(&b, QPC + 0x78, 7); /* PSN: its own peer */
	assert_int_equal(mlx5dv_devx_obj_modify(qp->obj, b.in, 0x110, b.out, 16), 0);
}

static void arm(const struct mlx5dv_devx_uar *uar, uint32_t *record, uint32_t cqn)
{
	const uint64_t doorbell = htobe64(cqn);

	__atomic_store_n(&record[1], 0, __ATOMIC_RELEASE);
	__atomic_store_n((uint64_t *)((char *)uar->base_addr + 0x20), doorbell, __ATOMIC_RELEASE);
}

static void test_completion_queue(void **state)
{
	enum { EVENT_COMPLETION = 0 };
	const uint64_t cookie = 42;
	uint16_t type = EVENT_COMPLETION;
	struct mlx5dv_devx_async_event_hdr record;
	struct mlx5dv_devx_event_channel *events;
	struct mlx5dv_devx_umem *umem;
	struct mlx5dv_devx_obj *cq;
	struct pollfd readable;
	struct raw_qp qp = { .memory = NULL };
	struct link link;
	char *memory = aligned_alloc(4096, MEMORY);
	const unsigned char *cqe = (const unsigned char *)memory + RING;
	struct box b;

	(void)state;
	assert_non_null(memory);
	memset(memory, 0xff, MEMORY); /* nobody's completions */
	memset(memory + CQ_DBREC_AT, 0, 8);
	link_set_up(&link, LINK_ACCESS_ALL);
	events = open_events(&link);
	umem = mlx5dv_devx_umem_reg(link.ctx, memory, MEMORY, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(umem);
	raw_qp_prepare(&link, &qp);
	cq = make_cq(&link, umem, qp.uar, &b);
	assert_non_null(cq);
	assert_int_equal(mlx5dv_devx_subscribe_devx_event(events, cq, 2, &type, cookie), 0);
	qp.cqn = got(&b, 8);
	raw_qp_finish(&link, &qp);
	raw_qp_to_rts(&qp);
	arm(qp.uar, (uint32_t *)(memory + CQ_DBREC_AT), qp.cqn);
	post(&qp, MLX5_OPCODE_NOP, 1);
	readable = (struct pollfd){ .fd = events->fd, .events = POLLIN };
	assert_int_equal(poll(&readable, 1, 20000), 1);
	assert_int_equal(mlx5dv_devx_get_event(events, &record, sizeof(record)), 8);
	assert_true(record.cookie == cookie);
	assert_int_equal(cqe[63], 0); /* of a requester, first pass */
	raw_qp_destroy(&qp);
	assert_int_not_equal(mlx5dv_devx_umem_dereg(umem), 0);
	assert_int_equal(mlx5dv_devx_obj_destroy(cq), 0);
	assert_int_equal(mlx5dv_devx_umem_dereg(umem), 0);
	mlx5dv_devx_destroy_event_channel(events);
	free(memory);
	link_tear_down(&link);
}

/* What a read fetches is in its CQE, and nowhere else: the program copies it. */
static void test_scatter_to_cqe(void **state)
{
	enum { SCATTER_32 = 4 };
	char *memory = aligned_alloc(4096, MEMORY);
	const unsigned char *cqe = (const unsigned char *)memory + RING;
	struct raw_qp qp = { .scatter = 0x11 << 8 };
	struct mlx5dv_devx_umem *umem;
	struct mlx5dv_devx_obj *cq;
	struct link link;
	uint32_t *wqe;
	struct box b;

	(void)state;
	assert_non_null(memory);
	memset(memory, 0xff, MEMORY);
	memset(memory + CQ_DBREC_AT, 0, 8);
	link_set_up(&link, LINK_ACCESS_ALL);
	umem = mlx5dv_devx_umem_reg(link.ctx, memory, MEMORY, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(umem);
	raw_qp_prepare(&link, &qp);
	cq = make_cq(&link, umem, qp.uar, &b);
	assert_non_null(cq);
	qp.cqn = got(&b, 8);
	raw_qp_finish(&link, &qp);
	raw_qp_to_rts(&qp);
	memcpy(link.buffer, "fetched", 8);
	wqe = qp.memory;
	mlx5dv_set_data_seg((struct mlx5_wqe_data_seg *)(void *)(wqe + 8), 8, link.mr->lkey,
			    (uintptr_t)link.buffer + 64);
	*(struct mlx5_wqe_raddr_seg *)(void *)(wqe + 4) =
		(struct mlx5_wqe_raddr_seg){ .raddr = htobe64((uintptr_t)link.buffer),
					     .rkey = htobe32(link.mr->rkey) };
	post(&qp, MLX5_OPCODE_RDMA_READ, 3);
	for (unsigned ms = 0; __atomic_load_n(&cqe[63], __ATOMIC_ACQUIRE) == 0xff; ms++) {
		assert_true(ms < 20000);
		usleep(1000);
	}
	assert_int_equal(cqe[63], SCATTER_32);
	assert_memory_equal(cqe, "fetched", 8);
	assert_int_equal(link.buffer[64], 0);
	raw_qp_destroy(&qp);
	assert_int_equal(mlx5dv_devx_obj_destroy(cq), 0);
	assert_int_equal(mlx5dv_devx_umem_dereg(umem), 0);
	free(memory);
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_pair),
		cmocka_unit_test(test_udp_source_port),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_event_of_queue_pair),
		cmocka_unit_test(test_refused_queue_pairs),
		cmocka_unit_test(test_completion_queue),
		cmocka_unit_test(test_scatter_to_cqe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
