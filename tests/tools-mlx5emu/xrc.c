/* SPDX-License-Identifier: MIT */
/*
 * XRC domains as libibverbs asks for them: which open shares which domain, and what keeps it, in one
 * process.
 */
#include "xrc_end.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct xrc_end f;

static int set_up(void **state)
{
	(void)state;
	xrc_open_end(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	xrc_close_end(&f);
	return 0;
}

static struct ibv_xrcd *open_domain(int fd, int oflags)
{
	return xrc_open_domain(&f, fd, oflags);
}

static void test_sharing(void **state)
{
	int fd = xrc_make_file();
	struct ibv_xrcd *first, *second;
	struct ibv_qp *qp;

	(void)state;
	assert_null(open_domain(fd, 0));
	assert_int_equal(errno, EAGAIN);
	first = open_domain(fd, O_CREAT);
	assert_non_null(first);
	assert_null(open_domain(fd, O_CREAT | O_EXCL));
	assert_int_equal(errno, EINVAL);
	second = open_domain(fd, 0);
	assert_non_null(second);
	qp = xrc_make_target(&f, second);
	assert_non_null(qp);
	assert_int_equal(ibv_close_xrcd(first), 0);
	assert_int_equal(ibv_close_xrcd(second), EBUSY);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_close_xrcd(second), 0);
	assert_null(open_domain(fd, 0));
	close(fd);
}

static void test_private(void **state)
{
	struct ibv_xrcd *xrcd = open_domain(-1, O_CREAT);
	struct ibv_srq *srq;
	uint32_t number = 0;

	(void)state;
	assert_non_null(xrcd);
	srq = xrc_make_srq(&f, xrcd);
	assert_non_null(srq);
	assert_int_equal(ibv_get_srq_num(srq, &number), 0);
	assert_true(number != 0);
	assert_int_equal(ibv_close_xrcd(xrcd), EBUSY);
	assert_int_equal(ibv_destroy_cq(f.cq), EBUSY);
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
}

/* From an initiator through a target of @xrcd to that queue. */
static enum ibv_wc_status send_to(struct ibv_xrcd *xrcd, uint32_t number)
{
	struct ibv_qp *from = xrc_make_initiator(&f), *to = xrc_make_target(&f, xrcd);
	struct ibv_wc wc;

	assert_true(from && to);
	link_connect(to, from->qp_num);
	link_connect(from, to->qp_num);
	xrc_send(&f, from, number, 6);
	wc = link_wait(f.cq);
	assert_int_equal(ibv_destroy_qp(from), 0);
	assert_int_equal(ibv_destroy_qp(to), 0);
	return wc.status;
}

/* The kernel's domains belong to the adapter, not to who opened it. */
static void test_contexts(void **state)
{
	int fd = xrc_make_file();
	struct ibv_xrcd *xrcd = open_domain(fd, O_CREAT), *same;
	static struct xrc_end other;
	struct ibv_srq *srq;
	struct ibv_wc wc;

	(void)state;
	xrc_open_end(&other);
	assert_non_null(xrcd);
	same = xrc_open_domain(&other, fd, 0);
	assert_non_null(same);
	srq = xrc_make_srq(&other, same);
	assert_non_null(srq);
	strcpy(f.buffer, "hello");
	assert_int_equal(send_to(xrcd, xrc_receive(&other, srq, 64)), IBV_WC_SUCCESS);
	wc = link_wait(other.cq);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_string_equal(other.buffer, "hello");
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_close_xrcd(same), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
	xrc_close_end(&other);
	close(fd);
}

/* By name, and the target stays what it was. */
static void test_open_qp(void **state)
{
	struct ibv_xrcd *xrcd = open_domain(-1, O_CREAT);
	struct ibv_qp *qp = xrc_make_target(&f, xrcd);
	struct ibv_qp_open_attr attr = {
		.comp_mask = IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD | IBV_QP_OPEN_ATTR_TYPE,
		.qp_type = IBV_QPT_XRC_RECV,
		.xrcd = xrcd,
	};

	(void)state;
	assert_non_null(qp);
	attr.qp_num = qp->qp_num;
	assert_null(ibv_open_qp(f.ctx, &attr));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
}

/* The inode stays the domain's while the file is unlinked and closed, and is not another file's. */
static void test_closed_file(void **state)
{
	struct ibv_xrcd *first, *second;
	int fd = xrc_make_file();

	(void)state;
	first = open_domain(fd, O_CREAT);
	assert_non_null(first);
	close(fd);
	for (unsigned i = 0; i < 8; i++) {
		fd = xrc_make_file();
		second = open_domain(fd, O_CREAT | O_EXCL);
		assert_non_null(second);
		assert_int_equal(ibv_close_xrcd(second), 0);
		close(fd);
	}
	assert_int_equal(ibv_close_xrcd(first), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sharing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_contexts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_qp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed_file, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
