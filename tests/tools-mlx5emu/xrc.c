/* SPDX-License-Identifier: MIT */
/*
 * XRC domains as libibverbs asks for them: which open shares which domain, what keeps it, and how far it
 * reaches: to other contexts of the process, and not to other processes.
 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the queues of one context have. */
struct end {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	char buffer[64];
};

static struct end f;

static void open_end(struct end *end)
{
	end->ctx = link_open_device();
	end->pd = ibv_alloc_pd(end->ctx);
	assert_non_null(end->pd);
	end->cq = ibv_create_cq(end->ctx, 16, NULL, NULL, 0);
	assert_non_null(end->cq);
	end->mr = ibv_reg_mr(end->pd, end->buffer, sizeof(end->buffer), IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(end->mr);
}

static void close_end(struct end *end)
{
	assert_int_equal(ibv_dereg_mr(end->mr), 0);
	assert_int_equal(ibv_destroy_cq(end->cq), 0);
	assert_int_equal(ibv_dealloc_pd(end->pd), 0);
	assert_int_equal(ibv_close_device(end->ctx), 0);
}

static int set_up(void **state)
{
	(void)state;
	open_end(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_end(&f);
	return 0;
}

static struct ibv_xrcd *open_in(struct end *end, int fd, int oflags)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.fd = fd,
		.oflags = oflags,
	};

	return ibv_open_xrcd(end->ctx, &attr);
}

static struct ibv_xrcd *open_domain(int fd, int oflags)
{
	return open_in(&f, fd, oflags);
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

static struct ibv_qp *make_initiator(void)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_XRC_SEND,
		.send_cq = f.cq,
		.cap = { .max_send_wr = 4, .max_send_sge = 1 },
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = f.pd,
	};

	return ibv_create_qp_ex(f.ctx, &attr);
}

static struct ibv_srq *make_srq(struct end *end, struct ibv_xrcd *xrcd)
{
	struct ibv_srq_init_attr_ex attr = {
		.attr = { .max_wr = 10, .max_sge = 1 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_XRCD |
			     IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC,
		.xrcd = xrcd,
		.cq = end->cq,
		.pd = end->pd,
	};

	return ibv_create_srq_ex(end->ctx, &attr);
}

/* A file without a name, for a domain. */
static int make_file(void)
{
	char path[] = "/tmp/mlx5emu-xrcd.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static void test_sharing(void **state)
{
	int fd = make_file();
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
	qp = make_target(second);
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
	srq = make_srq(&f, xrcd);
	assert_non_null(srq);
	assert_int_equal(ibv_get_srq_num(srq, &number), 0);
	assert_true(number != 0);
	assert_int_equal(ibv_close_xrcd(xrcd), EBUSY);
	assert_int_equal(ibv_destroy_cq(f.cq), EBUSY);
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
}

/* A receive in the queue of @end, whose number peers name. */
static uint32_t receive(struct end *end, struct ibv_srq *srq)
{
	struct ibv_sge sge = { (uintptr_t)end->buffer, sizeof(end->buffer), end->mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;
	uint32_t number = 0;

	assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
	assert_int_equal(ibv_get_srq_num(srq, &number), 0);
	return number;
}

/* From an initiator through a target of @xrcd to that queue. */
static enum ibv_wc_status send_to(struct ibv_xrcd *xrcd, uint32_t number)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, 6, f.mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
		.qp_type.xrc.remote_srqn = number,
	};
	struct ibv_qp *from = make_initiator(), *to = make_target(xrcd);
	struct ibv_send_wr *bad;
	struct ibv_wc wc;

	assert_true(from && to);
	link_connect(to, from->qp_num);
	link_connect(from, to->qp_num);
	assert_int_equal(ibv_post_send(from, &wr, &bad), 0);
	wc = link_wait(f.cq);
	assert_int_equal(ibv_destroy_qp(from), 0);
	assert_int_equal(ibv_destroy_qp(to), 0);
	return wc.status;
}

/* The kernel's domains belong to the adapter, not to who opened it. */
static void test_contexts(void **state)
{
	int fd = make_file();
	struct ibv_xrcd *xrcd = open_domain(fd, O_CREAT), *same;
	static struct end other;
	struct ibv_srq *srq;
	struct ibv_wc wc;

	(void)state;
	open_end(&other);
	assert_non_null(xrcd);
	same = open_in(&other, fd, 0);
	assert_non_null(same);
	srq = make_srq(&other, same);
	assert_non_null(srq);
	strcpy(f.buffer, "hello");
	assert_int_equal(send_to(xrcd, receive(&other, srq)), IBV_WC_SUCCESS);
	wc = link_wait(other.cq);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_string_equal(other.buffer, "hello");
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_close_xrcd(same), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
	close_end(&other);
	close(fd);
}

/* A process finds no domain of another one; a queue of its own in that file's domain is another's. */
static void other_process(int fd, int pipe_fd)
{
	struct ibv_xrcd *xrcd;
	uint32_t number;

	set_up(NULL);
	assert_null(open_domain(fd, 0));
	assert_int_equal(errno, EAGAIN);
	xrcd = open_domain(fd, O_CREAT);
	assert_non_null(xrcd);
	number = receive(&f, make_srq(&f, xrcd));
	assert_int_equal(write(pipe_fd, &number, sizeof(number)), sizeof(number));
	pause();
}

static void test_processes(void **state)
{
	int fd = make_file(), ends[2];
	struct ibv_xrcd *xrcd;
	uint32_t number = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		other_process(fd, ends[1]);
		_exit(1);
	}
	assert_true(child > 0);
	close(ends[1]);
	assert_int_equal(read(ends[0], &number, sizeof(number)), sizeof(number));
	set_up(NULL);
	xrcd = open_domain(fd, O_CREAT);
	assert_non_null(xrcd);
	assert_int_equal(send_to(xrcd, number), IBV_WC_REM_INV_REQ_ERR);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
	tear_down(NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sharing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_contexts, set_up, tear_down),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
