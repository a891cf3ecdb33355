/* SPDX-License-Identifier: MIT */
/*
 * Faults that a program of verbs meets outside of its queues: events of the port, memory windows that
 * break. Commands that fail are fault_commands.c's. Through the real libmlx5.
 */
#include "link.h"

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
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(ibv_dealloc_pd(ibv_alloc_pd(f.ctx)), 0);
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
		TEST(test_events),
		TEST(test_window_is_revoked),
		TEST(test_binding_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
