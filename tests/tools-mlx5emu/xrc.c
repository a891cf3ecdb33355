/* SPDX-License-Identifier: MIT */
/* XRC domains as libibverbs asks for them: which open shares which domain, and what keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>
#include <infiniband/verbs.h>

static struct {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
} f;

static int set_up(void **state)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	(void)state;
	assert_non_null(list);
	assert_non_null(list[0]);
	f.ctx = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	assert_non_null(f.ctx);
	f.pd = ibv_alloc_pd(f.ctx);
	assert_non_null(f.pd);
	f.cq = ibv_create_cq(f.ctx, 16, NULL, NULL, 0);
	assert_non_null(f.cq);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(ibv_destroy_cq(f.cq), 0);
	assert_int_equal(ibv_dealloc_pd(f.pd), 0);
	assert_int_equal(ibv_close_device(f.ctx), 0);
	return 0;
}

static struct ibv_xrcd *open_domain(int fd, int oflags)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.fd = fd,
		.oflags = oflags,
	};

	return ibv_open_xrcd(f.ctx, &attr);
}

static struct ibv_qp *make_target(struct ibv_xrcd *xrcd)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_XRC_RECV,
		.comp_mask = IBV_QP_INIT_ATTR_XRCD,
		.xrcd = xrcd,
	};

	return ibv_create_qp_ex(f.ctx, &attr);
}

static struct ibv_srq *make_srq(struct ibv_xrcd *xrcd)
{
	struct ibv_srq_init_attr_ex attr = {
		.attr = { .max_wr = 10, .max_sge = 1 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_XRCD |
			     IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC,
		.xrcd = xrcd,
		.cq = f.cq,
		.pd = f.pd,
	};

	return ibv_create_srq_ex(f.ctx, &attr);
}

static void test_sharing(void **state)
{
	char path[] = "/tmp/mlx5emu-xrcd.XXXXXX";
	int fd = mkstemp(path);
	struct ibv_xrcd *first, *second;
	struct ibv_qp *qp;

	(void)state;
	assert_true(fd >= 0);
	assert_null(open_domain(fd, 0));
	assert_int_equal(errno, EAGAIN);
	first = open_domain(fd, O_CREAT);
	assert_non_null(first);
	assert_null(open_domain(fd, O_CREAT | O_EXCL));
	assert_int_equal(errno, EINVAL);
	second = open_domain(fd, 0);
	assert_non_null(second);
	qp = make_target(second);
	assert_non_null(qp);
	assert_int_equal(ibv_close_xrcd(first), 0);
	assert_int_equal(ibv_close_xrcd(second), EBUSY);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_close_xrcd(second), 0);
	assert_null(open_domain(fd, 0));
	close(fd);
	unlink(path);
}

static void test_private(void **state)
{
	struct ibv_xrcd *xrcd = open_domain(-1, O_CREAT);
	struct ibv_srq *srq;
	uint32_t number = 0;

	(void)state;
	assert_non_null(xrcd);
	srq = make_srq(xrcd);
	assert_non_null(srq);
	assert_int_equal(ibv_get_srq_num(srq, &number), 0);
	assert_true(number != 0);
	assert_int_equal(ibv_close_xrcd(xrcd), EBUSY);
	assert_int_equal(ibv_destroy_cq(f.cq), EBUSY);
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sharing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_private, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
