/* SPDX-License-Identifier: MIT */
/*
 * Faults that a program of verbs meets outside of its queues: commands that fail, events of the port,
 * memory windows that break. Through the real libmlx5.
 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct link f;

static int set_up(void **state)
{
	(void)state;
	link_set_up(&f, LINK_ACCESS_ALL | IBV_ACCESS_MW_BIND);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	link_plan("");
	link_tear_down(&f);
	return 0;
}

/* ---- commands: each call says 0, or the error that it met ---- */

static int got(const void *object)
{
	return object ? 0 : errno;
}

static int query_device(void)
{
	struct ibv_device_attr_ex attr;

	return ibv_query_device_ex(f.ctx, NULL, &attr);
}

static int query_port(void)
{
	struct ibv_port_attr attr;

	return ibv_query_port(f.ctx, 1, &attr);
}

static int alloc_pd(void)
{
	struct ibv_pd *pd = ibv_alloc_pd(f.ctx);
	const int rc = got(pd);

	return rc ? rc : ibv_dealloc_pd(pd);
}

static int reg_mr(void)
{
	struct ibv_mr *mr = ibv_reg_mr(f.pd, f.buffer, LINK_BYTES, 0U);
	const int rc = got(mr);

	return rc ? rc : ibv_dereg_mr(mr);
}

static int alloc_mw(void)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);
	const int rc = got(mw);

	return rc ? rc : ibv_dealloc_mw(mw);
}

static int alloc_dm(void)
{
	struct ibv_alloc_dm_attr attr = { .length = 4096 };
	struct ibv_dm *dm = ibv_alloc_dm(f.ctx, &attr);
	const int rc = got(dm);

	return rc ? rc : ibv_free_dm(dm);
}

static int create_channel(void)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(f.ctx);
	const int rc = got(channel);

	return rc ? rc : ibv_destroy_comp_channel(channel);
}

static int create_cq(void)
{
	struct ibv_cq *cq = ibv_create_cq(f.ctx, 4, NULL, NULL, 0);
	const int rc = got(cq);

	return rc ? rc : ibv_destroy_cq(cq);
}

static int modify_cq(void)
{
	struct ibv_modify_cq_attr attr = { .attr_mask = IBV_CQ_ATTR_MODERATE,
					   .moderate = { 1, 1 } };

	return ibv_modify_cq(f.cq, &attr);
}

static int resize_cq(void)
{
	static int cqe = 32;

	cqe *= 2; /* libmlx5 asks for nothing that is so already */
	return ibv_resize_cq(f.cq, cqe);
}

static int create_srq(void)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = 4, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(f.pd, &attr);
	const int rc = got(srq);

	return rc ? rc : ibv_destroy_srq(srq);
}

static int create_qp(void)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = f.cq, .recv_cq = f.cq, .cap = { 1, 1, 1, 1, 0 }, .qp_type = IBV_QPT_UD
	};
	struct ibv_qp *qp = ibv_create_qp(f.pd, &attr);
	const int rc = got(qp);

	return rc ? rc : ibv_destroy_qp(qp);
}

static int modify_qp(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTS };

	return ibv_modify_qp(f.qp, &attr, IBV_QP_STATE);
}

static int query_qp(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	return ibv_query_qp(f.qp, &attr, IBV_QP_STATE, &init);
}

static int create_ah(void)
{
	struct ibv_ah_attr attr = { .is_global = 1,
				    .port_num = 1,
				    .grh = { .sgid_index = LINK_GID_INDEX } };
	struct ibv_ah *ah;
	int rc = ibv_query_gid(f.ctx, 1, LINK_GID_INDEX, &attr.grh.dgid);

	assert_int_equal(rc, 0);
	ah = ibv_create_ah(f.pd, &attr);
	rc = got(ah);
	return rc ? rc : ibv_destroy_ah(ah);
}

static int open_xrcd(void)
{
	struct ibv_xrcd_init_attr attr = { .comp_mask = IBV_XRCD_INIT_ATTR_FD |
							IBV_XRCD_INIT_ATTR_OFLAGS,
					   .fd = -1,
					   .oflags = O_CREAT };
	struct ibv_xrcd *xrcd = ibv_open_xrcd(f.ctx, &attr);
	const int rc = got(xrcd);

	return rc ? rc : ibv_close_xrcd(xrcd);
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "query-device", query_device },
	{ "query-port", query_port },
	{ "alloc-pd", alloc_pd },
	{ "reg-mr", reg_mr },
	{ "alloc-mw", alloc_mw },
	{ "alloc-dm", alloc_dm },
	{ "create-channel", create_channel },
	{ "create-cq", create_cq },
	{ "modify-cq", modify_cq },
	{ "resize-cq", resize_cq },
	{ "create-srq", create_srq },
	{ "create-qp", create_qp },
	{ "modify-qp", modify_qp },
	{ "query-qp", query_qp },
	{ "create-ah", create_ah },
	{ "open-xrcd", open_xrcd },
};

/* libibverbs has one error for all that it cannot open a channel with. */
static bool is_error(int rc, const char *name, int error)
{
	return rc == error || rc == -error || (rc && strcmp(name, "create-channel") == 0);
}

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char plan[100];
		int rc;

		snprintf(plan, sizeof(plan), "fail command=%s error=EACCES nth=2", calls[i].name);
		link_plan(plan);
		assert_int_equal(calls[i].call(), 0);
		rc = calls[i].call();
		if (!is_error(rc, calls[i].name, EACCES))
			fail_msg("%s: %d", plan, rc);
		assert_int_equal(calls[i].call(), 0);
	}
	link_plan("fail count=1");
	assert_int_equal(alloc_pd(), ENOMEM);
	assert_int_equal(alloc_pd(), 0);
}

/* A refused command did nothing: what it was about is there. */
static void test_destruction(void **state)
{
	struct ibv_cq *cq = ibv_create_cq(f.ctx, 4, NULL, NULL, 0);

	(void)state;
	assert_non_null(cq);
	link_plan("fail command=destroy-cq error=EBUSY count=1");
	assert_int_equal(ibv_destroy_cq(cq), EBUSY);
	assert_int_equal(ibv_destroy_cq(cq), 0);
}

/* ---- events of the port ---- */

static void expect_event(enum ibv_event_type type)
{
	struct pollfd p = { .fd = f.ctx->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(ibv_get_async_event(f.ctx, &event), 0);
	assert_int_equal(event.event_type, type);
	assert_int_equal(event.element.port_num, 1);
	ibv_ack_async_event(&event);
}

static void test_events(void **state)
{
	static const struct {
		const char *name;
		enum ibv_event_type type;
	} events[] = { { "lid-change", IBV_EVENT_LID_CHANGE },
		       { "pkey-change", IBV_EVENT_PKEY_CHANGE },
		       { "sm-change", IBV_EVENT_SM_CHANGE },
		       { "client-reregister", IBV_EVENT_CLIENT_REREGISTER },
		       { "gid-change", IBV_EVENT_GID_CHANGE } };
	char plan[60];

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		snprintf(plan, sizeof(plan), "event type=%s", events[i].name);
		link_plan(plan);
		expect_event(events[i].type);
	}
	link_plan("event type=gid-change command=alloc-pd nth=2");
	assert_int_equal(alloc_pd(), 0);
	assert_int_equal(alloc_pd(), 0);
	expect_event(IBV_EVENT_GID_CHANGE);
	link_plan("port-down; port-up at=1ms");
	expect_event(IBV_EVENT_PORT_ERR);
	expect_event(IBV_EVENT_PORT_ACTIVE);
}

/* ---- memory windows ---- */

static struct ibv_wc bind_window(struct ibv_mw *mw)
{
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = { .mr = f.mr,
			       .addr = (uintptr_t)f.buffer,
			       .length = 64,
			       .mw_access_flags = IBV_ACCESS_REMOTE_WRITE },
	};

	assert_int_equal(ibv_bind_mw(f.peer, mw, &bind), 0);
	return link_wait(f.peer_cq);
}

static enum ibv_wc_status write_to(uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer + 1000, 8, f.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_RDMA_WRITE,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { (uintptr_t)f.buffer, rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
	return link_wait(f.cq).status;
}

static void test_window_is_revoked(void **state)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);

	(void)state;
	assert_non_null(mw);
	assert_int_equal(bind_window(mw).status, IBV_WC_SUCCESS);
	link_plan("revoke opcode=write nth=2");
	assert_int_equal(write_to(mw->rkey), IBV_WC_SUCCESS);
	assert_int_equal(write_to(mw->rkey), IBV_WC_REM_ACCESS_ERR);
	ibv_dealloc_mw(mw);
}

static void test_binding_breaks(void **state)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);

	(void)state;
	assert_non_null(mw);
	link_plan("qp-error opcode=umr");
	assert_int_not_equal(bind_window(mw).status, IBV_WC_SUCCESS);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commands),          TEST(test_destruction),    TEST(test_events),
		TEST(test_window_is_revoked), TEST(test_binding_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
