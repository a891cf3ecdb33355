/* SPDX-License-Identifier: MIT */
/*
 * Commands of the device through the real libmlx5: capabilities, what is refused and how, and queue
 * pairs. The mailboxes here are written from the PRM on their own, so that a misreading of the
 * device's does not agree with itself.
 */
#include "link.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <infiniband/mlx5dv.h>

enum {
	QUERY_HCA_CAP = 0x100,
	CREATE_MKEY = 0x200,
	QUERY_MKEY = 0x201,
	CREATE_QP = 0x500,
	RST2INIT_QP = 0x502,
	INIT2RTR_QP = 0x503,
	QUERY_QP = 0x50b,
	RTS2RTS_QP = 0x505,
	QUERY_NIC_VPORT_CONTEXT = 0x754,
	QUERY_ROCE_ADDRESS = 0x760,
	QUERY_LAG = 0x842,
};

enum { STATUS_BAD_OP = 2, STATUS_BAD_PARAM = 3, STATUS_BAD_INPUT_LEN = 0x50 };

enum { QPC = 0x18, PATH = QPC + 0x18 }; /* the context of a queue pair, its address path */

struct box {
	uint32_t in[0x200 / 4];
	uint32_t out[0x1010 / 4];
};

static void put(struct box *b, unsigned at, uint32_t word)
{
	b->in[at / 4] = htobe32(word);
}

static uint32_t got(const struct box *b, unsigned at)
{
	return be32toh(b->out[at / 4]);
}

static uint32_t status(const struct box *b)
{
	return got(b, 0) >> 24;
}

static struct box command(uint32_t opcode, uint32_t op_mod)
{
	struct box b = { .in = { 0 } };

	put(&b, 0, opcode << 16);
	put(&b, 4, op_mod);
	return b;
}

static int general(struct ibv_context *ctx, struct box *b, size_t out)
{
	return mlx5dv_devx_general_cmd(ctx, b->in, 16, b->out, out);
}

static void test_capabilities(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct box b = command(QUERY_HCA_CAP, 0x0 << 1 | 1);

	(void)state;
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(status(&b), 0);
	assert_int_equal(got(&b, 0x10 + 0x38) >> 24 & 0x1f, 30); /* log_max_msg */
	assert_int_equal(got(&b, 0x10 + 0x28) >> 14 & 1, 1);     /* rts2rts_qp_udp_sport */
	assert_int_equal(got(&b, 0x10 + 0x40) & 0x6, 0x6);       /* roce, atomic */
	assert_int_equal(got(&b, 0x10 + 0x44) & 0xf, 0xf);       /* xrc, ud, uc, rc */
	assert_int_equal(got(&b, 0x10 + 0x34) & 0xff, 1);        /* num_ports */
	b = command(QUERY_HCA_CAP, 0x3 << 1);
	assert_int_equal(general(ctx, &b, 0x10 + 0x18), 0);
	assert_int_equal(got(&b, 0x10 + 0x10) & 0xffff, 0x3); /* compare-and-swap, fetch-and-add */
	assert_int_equal(got(&b, 0x10 + 0x14) & 0xffff, 8);
	b = command(QUERY_HCA_CAP, 0x4 << 1);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(got(&b, 0x10 + 0x14) & 0xffff, 4791);
	b = command(QUERY_NIC_VPORT_CONTEXT, 0);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), 0);
	assert_int_equal(got(&b, 0x10) & 1, 1); /* roce_en */
	b = command(QUERY_LAG, 0);
	assert_int_equal(general(ctx, &b, 16), 0);
	assert_int_equal(got(&b, 8) & 7, 0);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_refusals(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct box b = command(QUERY_ROCE_ADDRESS, 0);

	(void)state;
	assert_int_equal(general(ctx, &b, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_OP);
	assert_int_not_equal(got(&b, 4), 0);
	b = command(QUERY_HCA_CAP, 0x3f << 1);
	assert_int_equal(general(ctx, &b, sizeof(b.out)), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = command(0xfff, 0); /* nothing that a kernel lets pass */
	assert_int_equal(general(ctx, &b, 16), EINVAL);
	b = command(RTS2RTS_QP, 0); /* not a general one */
	assert_int_equal(general(ctx, &b, 16), EINVAL);
	assert_int_equal(general(ctx, &b, 8), EINVAL);
	assert_int_equal(ibv_close_device(ctx), 0);
}

static void test_user_memory(void **state)
{
	struct ibv_context *ctx = link_open_device();
	void *memory = aligned_alloc(4096, 8192);
	struct mlx5dv_devx_umem *first, *second;
	uint32_t eqn = 0;

	(void)state;
	assert_non_null(memory);
	first = mlx5dv_devx_umem_reg(ctx, memory, 8192, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(first);
	second = mlx5dv_devx_umem_reg(ctx, memory, 1, 0);
	assert_non_null(second);
	assert_int_not_equal(first->umem_id, second->umem_id);
	assert_null(mlx5dv_devx_umem_reg(ctx, memory, 0, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(mlx5dv_devx_umem_reg(ctx, (void *)4096, 4096, 0));
	assert_int_equal(errno, EFAULT);
	assert_int_equal(mlx5dv_devx_umem_dereg(first), 0);
	assert_int_equal(mlx5dv_devx_umem_dereg(second), 0);
	assert_int_equal(mlx5dv_devx_query_eqn(ctx, 0, &eqn), 0);
	assert_int_not_equal(eqn, 0);
	assert_int_not_equal(mlx5dv_devx_query_eqn(ctx, 1000, &eqn), 0);
	free(memory);
	assert_int_equal(ibv_close_device(ctx), 0);
}

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

static void test_queue_pair(void **state)
{
	enum { STATUS_BAD_QP_STATE = 0x10, OPT_MASK = 0x10 };
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

/* ---- keys over keys ---- */

enum { MKC = 0x10, LIST = 0x110, VARIANT = 0x5a };
enum { MODE_KLM = 2, MODE_KSM = 3 };
enum { RIGHTS_A = 1 << 14, RIGHTS_RW = 1 << 13, RIGHTS_RR = 1 << 12, RIGHTS_LW = 1 << 11 };

struct entry {
	uint64_t va;
	uint32_t bytes, key;
};

static uint32_t pdn_of(struct ibv_pd *pd)
{
	struct mlx5dv_pd out = { .comp_mask = 0 };
	struct mlx5dv_obj obj = { .pd = { .in = pd, .out = &out } };

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_PD), 0);
	return out.pdn;
}

/* CREATE_MKEY of two entries. */
static struct box mkey_command(struct ibv_pd *pd, unsigned mode, uint32_t rights, uint64_t va,
			       uint64_t length, const struct entry entry[2])
{
	struct box b = command(CREATE_MKEY, 0);

	put(&b, MKC, rights | mode << 8 | 1 << 10);
	put(&b, MKC + 0x04, 0xffffff00u | VARIANT);
	put(&b, MKC + 0x0c, pdn_of(pd));
	put(&b, MKC + 0x10, (uint32_t)(va >> 32));
	put(&b, MKC + 0x14, (uint32_t)va);
	put(&b, MKC + 0x18, (uint32_t)(length >> 32));
	put(&b, MKC + 0x1c, (uint32_t)length);
	put(&b, MKC + 0x34, 2);
	put(&b, 0x60, 2);
	for (unsigned i = 0; i < 2; i++) {
		put(&b, LIST + i * 16, entry[i].bytes);
		put(&b, LIST + i * 16 + 4, entry[i].key);
		put(&b, LIST + i * 16 + 8, (uint32_t)(entry[i].va >> 32));
		put(&b, LIST + i * 16 + 12, (uint32_t)entry[i].va);
	}
	return b;
}

static struct mlx5dv_devx_obj *make_mkey(struct link *link, struct box *b, uint32_t *key)
{
	struct mlx5dv_devx_obj *obj =
		mlx5dv_devx_obj_create(link->ctx, b->in, LIST + 32, b->out, 16);

	if (obj)
		*key = got(b, 8) << 8 | VARIANT;
	return obj;
}

static enum ibv_wc_status transfer(struct link *link, enum ibv_wr_opcode opcode, void *local,
				   uint32_t bytes, uint64_t remote, uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)local, bytes, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { remote, rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(link->qp, &wr, &bad), 0);
	return link_wait(link->cq).status;
}

/* Two ranges of a buffer, the second one first, as one range at an address of its own. */
static void test_list_of_ranges(void **state)
{
	const uint64_t va = 0x100000;
	struct mlx5dv_devx_obj *obj;
	uint32_t key = 0;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, IBV_ACCESS_LOCAL_WRITE);
	const struct entry entry[] = {
		{ (uintptr_t)link.buffer + 2048, 100, link.mr->lkey },
		{ (uintptr_t)link.buffer + 1024, 100, link.mr->lkey },
	};
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW | RIGHTS_LW, va, 200, entry);
	obj = make_mkey(&link, &b, &key);
	assert_non_null(obj);
	memcpy(link.buffer, "abcdefgh", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, link.buffer, 8, va + 96, key),
			 IBV_WC_SUCCESS);
	assert_memory_equal(link.buffer + 2048 + 96, "abcd", 4);
	assert_memory_equal(link.buffer + 1024, "efgh", 4);
	b = command(QUERY_MKEY, 0);
	put(&b, 8, key >> 8);
	assert_int_equal(mlx5dv_devx_obj_query(obj, b.in, 16, b.out, 16), EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_OP);
	/* it gives no right to read */
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8, va, key),
			 IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(mlx5dv_devx_obj_destroy(obj), 0);
	link_tear_down(&link);
}

/* Entries of one length: what UCX lays over its regions, 2 GiB each, for its atomics. */
static void test_ranges_of_one_length(void **state)
{
	enum { LOG = 31, OFFSET = 24 };
	struct mlx5dv_devx_obj *obj;
	uint32_t key = 0;
	uint64_t base, first;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	base = (uintptr_t)link.buffer & ~((UINT64_C(1) << LOG) - 1);
	first = (uintptr_t)link.buffer - base;
	const struct entry entry[] = {
		{ base, 0, link.mr->lkey },
		{ base + (UINT64_C(1) << LOG), 0, link.mr->lkey },
	};
	b = mkey_command(link.pd, MODE_KSM, RIGHTS_RW | RIGHTS_RR | RIGHTS_A | RIGHTS_LW,
			 base + OFFSET, first + LINK_BYTES, entry);
	put(&b, MKC + 0x38, LOG);
	obj = make_mkey(&link, &b, &key);
	assert_non_null(obj);
	memcpy(link.buffer + 512, "shifted", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8,
				  (uintptr_t)link.buffer + 512 + OFFSET, key),
			 IBV_WC_SUCCESS);
	assert_string_equal(link.buffer, "shifted");
	assert_int_equal(mlx5dv_devx_obj_destroy(obj), 0);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, link.buffer, 8,
				  (uintptr_t)link.buffer + OFFSET, key),
			 IBV_WC_REM_ACCESS_ERR);
	link_tear_down(&link);
}

static void test_refused_keys(void **state)
{
	const struct entry entry[2] = { { 0, 1, 1 }, { 0, 1, 1 } };
	uint32_t key = 0;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW, 0, 2, entry);
	put(&b, 0x60, 1000); /* more than the command has */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(errno, EREMOTEIO);
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = mkey_command(link.pd, MODE_KLM, RIGHTS_RW, 0, 2, entry);
	put(&b, MKC + 0x0c, 0xfffff0); /* no such domain */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	b = mkey_command(link.pd, 0, RIGHTS_RW, 0, 2, entry); /* physical addresses */
	assert_null(make_mkey(&link, &b, &key));
	assert_int_equal(status(&b), STATUS_BAD_PARAM);
	link_tear_down(&link);
}

/* ---- a queue pair of commands ---- */

enum { EVENT_ACCESS_ERROR = 0x11 };

struct raw_qp {
	void *memory; /* send ring at 0, receive ring of one, doorbell record behind */
	struct mlx5dv_devx_umem *umem;
	struct mlx5dv_devx_uar *uar;
	struct mlx5dv_devx_obj *obj;
	uint32_t qpn;
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
	put(&b, QPC + 0x7c, cqn_of(link->cq));
	put(&b, QPC + 0x9c, cqn_of(link->cq));
	put(&b, QPC + 0xa4, DBREC_AT);
	put(&b, QPC + 0xac, 3 << 24); /* no receive queue */
	put(&b, QPC + 0xe4, qp->umem->umem_id);
	put(&b, 0x108, qp->umem->umem_id);
	return b;
}

static void raw_qp_create(struct link *link, struct raw_qp *qp)
{
	struct box b;

	qp->memory = aligned_alloc(4096, 8192);
	assert_non_null(qp->memory);
	memset(qp->memory, 0, 8192);
	qp->umem = mlx5dv_devx_umem_reg(link->ctx, qp->memory, 8192, IBV_ACCESS_LOCAL_WRITE);
	qp->uar = mlx5dv_devx_alloc_uar(link->ctx, MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF);
	assert_true(qp->umem && qp->uar);
	b = qp_command(link, qp);
	qp->obj = mlx5dv_devx_obj_create(link->ctx, b.in, 0x110, b.out, 16);
	assert_non_null(qp->obj);
	qp->qpn = got(&b, 8);
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
	put(&b, QPC + 0x90, 1 << 14);  /* remote writes */
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
	struct raw_qp qp;
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
	struct raw_qp qp;
	struct link link;
	struct box b;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	raw_qp_create(&link, &qp);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_user_memory),
		cmocka_unit_test(test_queue_pair),
		cmocka_unit_test(test_udp_source_port),
		cmocka_unit_test(test_list_of_ranges),
		cmocka_unit_test(test_ranges_of_one_length),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_event_of_queue_pair),
		cmocka_unit_test(test_refused_queue_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
