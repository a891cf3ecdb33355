/* SPDX-License-Identifier: MIT */
/*
 * Memory windows and invalidation through the real libmlx5: the peer side of a link owns the memory
 * and binds windows to it, the other side uses their keys.
 */
#include "link.h"

#include "tools/mlx5emu/engine/vendor.h"

#include <errno.h>
#include <string.h>

enum { ACCESS_REGION = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND, WINDOW_AT = 1024, WINDOW = 64 };

static uint64_t address(struct link *link, size_t offset)
{
	return (uintptr_t)link->buffer + offset;
}

/* The next completion; its vendor syndrome is what adapters have beside such a status. */
static struct ibv_wc completed(struct ibv_cq *cq)
{
	const struct ibv_wc wc = link_wait(cq);

	if (wc.status == IBV_WC_REM_ACCESS_ERR)
		assert_int_equal(wc.vendor_err, EMU_VENDOR_REMOTE_ACCESS);
	else if (wc.status == IBV_WC_MW_BIND_ERR)
		assert_int_equal(wc.vendor_err, EMU_VENDOR_MW_BIND);
	else
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
	return wc;
}

static struct ibv_mw_bind_info whole_window(struct link *link, unsigned access)
{
	return (struct ibv_mw_bind_info){
		.mr = link->mr,
		.addr = address(link, WINDOW_AT),
		.length = WINDOW,
		.mw_access_flags = access,
	};
}

static struct ibv_wc bind_1(struct link *link, struct ibv_mw *mw,
			    const struct ibv_mw_bind_info *info)
{
	struct ibv_mw_bind bind = { .send_flags = IBV_SEND_SIGNALED, .bind_info = *info };

	assert_int_equal(ibv_bind_mw(link->peer, mw, &bind), 0);
	return completed(link->peer_cq);
}

static struct ibv_wc bind_2(struct link *link, struct ibv_qp *qp, struct ibv_mw *mw,
			    const struct ibv_mw_bind_info *info)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;
	struct ibv_wc wc;

	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.bind_info = *info;
	assert_int_equal(ibv_post_send(qp, &wr, &bad), 0);
	wc = completed(qp->send_cq);
	if (wc.status == IBV_WC_SUCCESS)
		mw->rkey = wr.bind_mw.rkey;
	(void)link;
	return wc;
}

static struct ibv_wc invalidate(struct ibv_qp *qp, uint32_t rkey)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_LOCAL_INV, .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;

	wr.invalidate_rkey = rkey;
	assert_int_equal(ibv_post_send(qp, &wr, &bad), 0);
	return completed(qp->send_cq);
}

static enum ibv_wc_status transfer(struct link *link, enum ibv_wr_opcode opcode, size_t offset,
				   uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)link->buffer, 8, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { address(link, offset), rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(link->qp, &wr, &bad), 0);
	return completed(link->cq).status;
}

/* IBA vol 1 section 9.7.5.2.4: the responder says no, and that is the end of it, too. */
static void refused_access(struct link *link, uint32_t rkey)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	assert_int_equal(transfer(link, IBV_WR_RDMA_WRITE, WINDOW_AT, rkey), IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(link->buffer[WINDOW_AT], 0);
	assert_int_equal(ibv_query_qp(link->peer, &attr, IBV_QP_STATE, &init), 0);
	assert_int_equal(attr.qp_state, IBV_QPS_ERR);
}

static struct ibv_mw *set_up(struct link *link, enum ibv_mw_type type)
{
	struct ibv_mw *mw;

	link_set_up(link, ACCESS_REGION);
	mw = ibv_alloc_mw(link->pd, type);
	assert_non_null(mw);
	return mw;
}

static void tear_down(struct link *link, struct ibv_mw *mw)
{
	assert_int_equal(ibv_dealloc_mw(mw), 0);
	link_tear_down(link);
}

static void test_capabilities(void **state)
{
	struct ibv_context *ctx = link_open_device();
	struct ibv_device_attr attr;

	(void)state;
	assert_int_equal(ibv_query_device(ctx, &attr), 0);
	assert_true(attr.max_mw > 0);
	assert_true(attr.device_cap_flags & IBV_DEVICE_MEM_WINDOW);
	assert_true(attr.device_cap_flags & IBV_DEVICE_MEM_WINDOW_TYPE_2B);
	assert_true(attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS);
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* The region allows no peer anything; its window does. */
static void test_type_1(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_1);
	struct ibv_mw_bind_info info =
		whole_window(&link, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_wc wc = bind_1(&link, mw, &info);
	uint32_t old;

	(void)state;
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, IBV_WC_BIND_MW);
	memcpy(link.buffer, "windowed", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT + WINDOW - 8, mw->rkey),
			 IBV_WC_SUCCESS);
	assert_memory_equal(link.buffer + WINDOW_AT + WINDOW - 8, "windowed", 8);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, WINDOW_AT, mw->rkey), IBV_WC_SUCCESS);
	old = mw->rkey;
	info.addr += WINDOW;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_not_equal(mw->rkey, old);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT + WINDOW, mw->rkey),
			 IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, old), IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

static void test_bounds(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_1);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);

	(void)state;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT + WINDOW - 7, mw->rkey),
			 IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

static void test_rights(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_1);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);

	(void)state;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_READ, WINDOW_AT, mw->rkey),
			 IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

/* Zero bytes: the window is open to nobody any more. */
static void test_unbind(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_1);
	struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);

	(void)state;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	info.length = 0;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, mw->rkey),
			 IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

static void test_local_invalidate(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_2);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);
	struct ibv_wc wc = bind_2(&link, link.peer, mw, &info);
	uint32_t old;

	(void)state;
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, IBV_WC_BIND_MW);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, mw->rkey), IBV_WC_SUCCESS);
	old = mw->rkey;
	wc = invalidate(link.peer, old);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, IBV_WC_LOCAL_INV);
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, mw->rkey), IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, old), IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

static enum ibv_wc_status send_with_invalidate(struct link *link, uint32_t rkey)
{
	struct ibv_sge to = { (uintptr_t)link->buffer + 2048, 8, link->mr->lkey };
	struct ibv_recv_wr recv = { .sg_list = &to, .num_sge = 1 }, *bad_recv;
	struct ibv_sge from = { (uintptr_t)link->buffer, 8, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &from,
				  .num_sge = 1,
				  .opcode = IBV_WR_SEND_WITH_INV,
				  .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;

	wr.invalidate_rkey = rkey;
	assert_int_equal(ibv_post_recv(link->peer, &recv, &bad_recv), 0);
	assert_int_equal(ibv_post_send(link->qp, &wr, &bad), 0);
	return completed(link->cq).status;
}

static void test_remote_invalidate(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_2);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);
	struct ibv_wc wc;

	(void)state;
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(send_with_invalidate(&link, mw->rkey), IBV_WC_SUCCESS);
	wc = completed(link.peer_cq);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, IBV_WC_RECV);
	assert_int_equal(wc.byte_len, 8);
	assert_true(wc.wc_flags & IBV_WC_WITH_INV);
	assert_int_equal(wc.invalidated_rkey, mw->rkey);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, mw->rkey),
			 IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

/* A peer may take back windows of type 2 alone, and once. */
static void test_refused_invalidations(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_1);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);

	(void)state;
	assert_int_equal(bind_1(&link, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(send_with_invalidate(&link, mw->rkey), IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
	mw = set_up(&link, IBV_MW_TYPE_2);
	assert_int_equal(send_with_invalidate(&link, mw->rkey), IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
	mw = set_up(&link, IBV_MW_TYPE_2);
	assert_int_equal(invalidate(link.peer, mw->rkey).status, IBV_WC_MW_BIND_ERR);
	tear_down(&link, mw);
	mw = set_up(&link, IBV_MW_TYPE_2);
	assert_int_equal(invalidate(link.peer, link.mr->rkey).status, IBV_WC_MW_BIND_ERR);
	tear_down(&link, mw);
}

/* A window of type 2 belongs to the queue pair that bound it. */
static void test_other_queue_pair(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_2);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);

	(void)state;
	assert_int_equal(bind_2(&link, link.qp, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(transfer(&link, IBV_WR_RDMA_WRITE, WINDOW_AT, mw->rkey),
			 IBV_WC_REM_ACCESS_ERR);
	tear_down(&link, mw);
}

static void refused(unsigned region, struct ibv_mw_bind_info info, size_t offset)
{
	struct link link;
	struct ibv_mw *mw;

	link_set_up(&link, region);
	mw = ibv_alloc_mw(link.pd, IBV_MW_TYPE_2);
	assert_non_null(mw);
	info.mr = link.mr;
	info.addr = address(&link, offset);
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_MW_BIND_ERR);
	tear_down(&link, mw);
}

static void test_refused_bindings(void **state)
{
	struct ibv_mw_bind_info info = { .length = 64, .mw_access_flags = IBV_ACCESS_REMOTE_WRITE };
	struct link link;
	struct ibv_mw *mw;

	(void)state;
	refused(IBV_ACCESS_LOCAL_WRITE, info, 0);      /* not to this region */
	refused(IBV_ACCESS_MW_BIND, info, 0);          /* it cannot be written to */
	refused(ACCESS_REGION, info, LINK_BYTES - 63); /* it ends there */
	mw = set_up(&link, IBV_MW_TYPE_2);
	info = whole_window(&link, IBV_ACCESS_REMOTE_READ);
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_SUCCESS);
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_MW_BIND_ERR);
	tear_down(&link, mw);
}

static void test_never_bound(void **state)
{
	static const enum ibv_mw_type types[] = { IBV_MW_TYPE_1, IBV_MW_TYPE_2 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct link link;
		struct ibv_mw *mw = set_up(&link, types[i]);

		link.buffer[0] = 'x';
		refused_access(&link, mw->rkey);
		tear_down(&link, mw);
	}
}

/* The key of a window that is gone: the region below it is still there. */
static void test_after_dealloc(void **state)
{
	struct link link;
	struct ibv_mw *mw = set_up(&link, IBV_MW_TYPE_2);
	const struct ibv_mw_bind_info info = whole_window(&link, IBV_ACCESS_REMOTE_WRITE);
	uint32_t rkey;

	(void)state;
	assert_int_equal(bind_2(&link, link.peer, mw, &info).status, IBV_WC_SUCCESS);
	rkey = mw->rkey;
	assert_int_equal(ibv_dealloc_mw(mw), 0);
	link.buffer[0] = 'x';
	refused_access(&link, rkey);
	link_tear_down(&link);
}

static void test_domain_in_use(void **state)
{
	struct link link;
	struct ibv_pd *pd;
	struct ibv_mw *mw;

	(void)state;
	link_set_up(&link, ACCESS_REGION);
	pd = ibv_alloc_pd(link.ctx);
	assert_non_null(pd);
	mw = ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	assert_non_null(mw);
	assert_int_equal(ibv_dealloc_pd(pd), EBUSY);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
	assert_null(ibv_alloc_mw(link.pd, (enum ibv_mw_type)3));
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_type_1),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_unbind),
		cmocka_unit_test(test_local_invalidate),
		cmocka_unit_test(test_remote_invalidate),
		cmocka_unit_test(test_refused_invalidations),
		cmocka_unit_test(test_other_queue_pair),
		cmocka_unit_test(test_refused_bindings),
		cmocka_unit_test(test_never_bound),
		cmocka_unit_test(test_after_dealloc),
		cmocka_unit_test(test_domain_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
