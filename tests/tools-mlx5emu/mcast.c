/* SPDX-License-Identifier: MIT */
/* Multicast through the real libmlx5: who is in a group hears what is sent to it, and nobody else. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { QKEY = 0x1234567, GRH = 40, MULTICAST_QPN = 0xffffff, MEMBERS = 2, EVERYBODY = MEMBERS + 1 };

/* ::ffff:239.1.2.3 and ff0e::42 */
static const union ibv_gid groups[] = {
	{ .raw = { [10] = 0xff, [11] = 0xff, [12] = 239, [13] = 1, [14] = 2, [15] = 3 } },
	{ .raw = { 0xff, 0x0e, [15] = 0x42 } },
};

struct member {
	struct ibv_cq *cq;
	struct ibv_qp *qp;
};

static struct ibv_qp *make_qp(struct link *link, struct ibv_cq *cq)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_UD,
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1, .qkey = QKEY };
	struct ibv_qp *qp = ibv_create_qp(link->pd, &init);

	assert_non_null(qp);
	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					       IBV_QP_QKEY),
			 0);
	attr.qp_state = IBV_QPS_RTR;
	assert_int_equal(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
	attr.qp_state = IBV_QPS_RTS;
	assert_int_equal(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN), 0);
	return qp;
}

static void post_receive(struct link *link, const struct member *m, size_t at)
{
	struct ibv_sge sge = { (uintptr_t)link->buffer + at, 256, link->mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_recv(m->qp, &wr, &bad), 0);
}

static void send_to(struct link *link, const struct member *m, const union ibv_gid *group)
{
	struct ibv_ah_attr attr = { .is_global = 1,
				    .port_num = 1,
				    .grh = { .dgid = *group,
					     .sgid_index = group == groups ? 3 : 1,
					     /* IPv4, IPv6 */ .hop_limit = 1 } };
	struct ibv_ah *ah = ibv_create_ah(link->pd, &attr);
	struct ibv_sge sge = { (uintptr_t)link->buffer, 16, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_SEND,
				  .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;

	assert_non_null(ah);
	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = MULTICAST_QPN;
	wr.wr.ud.remote_qkey = QKEY;
	assert_int_equal(ibv_post_send(m->qp, &wr, &bad), 0);
	assert_int_equal(link_wait(m->cq).status, IBV_WC_SUCCESS);
	assert_int_equal(ibv_destroy_ah(ah), 0);
}

static bool hears(const struct member *m)
{
	struct ibv_wc wc;

	for (unsigned i = 0; i < 50; i++) {
		if (ibv_poll_cq(m->cq, 1, &wc) == 1) {
			assert_int_equal(wc.status, IBV_WC_SUCCESS);
			assert_int_equal(wc.byte_len, GRH + 16);
			assert_true(wc.wc_flags & IBV_WC_GRH);
			return true;
		}
		poll(NULL, 0, 1);
	}
	return false;
}

static void test_groups(void **state)
{
	struct member m[EVERYBODY];
	struct link link;

	(void)state;
	link_set_up(&link, IBV_ACCESS_LOCAL_WRITE);
	for (unsigned i = 0; i < EVERYBODY; i++) {
		m[i].cq = ibv_create_cq(link.ctx, 8, NULL, NULL, 0);
		assert_non_null(m[i].cq);
		m[i].qp = make_qp(&link, m[i].cq);
		post_receive(&link, &m[i], 256 * (i + 1));
	}
	memcpy(link.buffer, "to the whole lot", 16);
	for (unsigned i = 0; i < EVERYBODY; i++) /* the sender as well: it does not hear itself */
		assert_int_equal(ibv_attach_mcast(m[i].qp, &groups[0], 0), 0);
	send_to(&link, &m[MEMBERS], &groups[0]);
	for (unsigned i = 0; i < MEMBERS; i++) {
		assert_true(hears(&m[i]));
		assert_memory_equal(link.buffer + 256 * (i + 1) + GRH, "to the whole lot", 16);
		post_receive(&link, &m[i], 256 * (i + 1));
	}
	assert_false(hears(&m[MEMBERS]));
	link_plan("lose qpn=0xffffff nth=1");
	send_to(&link, &m[MEMBERS], &groups[0]);
	assert_false(hears(&m[0]));
	link_plan("");

	assert_int_equal(ibv_attach_mcast(m[0].qp, &groups[1], 0), 0);
	assert_int_equal(ibv_attach_mcast(m[0].qp, &groups[1], 0), 0);
	send_to(&link, &m[MEMBERS], &groups[1]);
	assert_true(hears(&m[0]));
	assert_false(hears(&m[1]));
	assert_int_equal(ibv_detach_mcast(m[0].qp, &groups[1], 0), 0);
	assert_int_not_equal(ibv_detach_mcast(m[0].qp, &groups[1], 0), 0);
	assert_int_equal(ibv_destroy_qp(m[0].qp), EBUSY); /* it is in the other one */
	for (unsigned i = 0; i < EVERYBODY; i++) {
		assert_int_equal(ibv_detach_mcast(m[i].qp, &groups[0], 0), 0);
		assert_int_equal(ibv_destroy_qp(m[i].qp), 0);
		assert_int_equal(ibv_destroy_cq(m[i].cq), 0);
	}
	link_tear_down(&link);
}

static void test_refused(void **state)
{
	struct ibv_device_attr attr;
	union ibv_gid own;
	struct link link;
	struct ibv_qp *qp;

	(void)state;
	link_set_up(&link, IBV_ACCESS_LOCAL_WRITE);
	assert_int_equal(ibv_query_device(link.ctx, &attr), 0);
	assert_true(attr.max_mcast_grp > 0 && attr.max_mcast_qp_attach > 0);
	assert_int_not_equal(ibv_attach_mcast(link.qp, &groups[0], 0), 0); /* RC */
	qp = make_qp(&link, link.cq);
	assert_int_equal(ibv_query_gid(link.ctx, 1, LINK_GID_INDEX, &own), 0);
	assert_int_not_equal(ibv_attach_mcast(qp, &own, 0), 0);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
