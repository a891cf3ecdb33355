/* SPDX-License-Identifier: MIT */
/*
 * mlx5emu below the real libibverbs, where the two must agree on more than one call: event counts
 * that destroy waits for, objects in use, what is refused and how, and descriptors given back.
 * Everything is in one process, on one RC queue pair connected to itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>
#include <infiniband/verbs.h>

#include "link.h"

enum { BUFFER_SIZE = 4096, WAIT_MS = 20000 };

struct fixture {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	char buffer[BUFFER_SIZE];
};

static struct ibv_qp *make_qp(struct ibv_pd *pd, struct ibv_cq *cq, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 8, .max_recv_wr = 8, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = type,
		.sq_sig_all = 1,
	};

	return ibv_create_qp(pd, &attr);
}

static void connect_to(struct ibv_qp *qp, uint32_t peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};

	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					       IBV_QP_ACCESS_FLAGS),
			 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.rq_psn = 7,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 1,
		.ah_attr = { .is_global = 1,
			     .port_num = 1,
			     .grh = { .sgid_index = 3, .hop_limit = 64 } },
	};
	assert_int_equal(ibv_query_gid(qp->context, 1, 3, &attr.ah_attr.grh.dgid), 0);
	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
					       IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
					       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER),
			 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.sq_psn = 7,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};
	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT |
					       IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
					       IBV_QP_MAX_QP_RD_ATOMIC),
			 0);
}

static void connect_to_self(struct ibv_qp *qp)
{
	connect_to(qp, qp->qp_num);
}

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->ctx = link_open_device();
	f->pd = ibv_alloc_pd(f->ctx);
	assert_non_null(f->pd);
	f->mr = ibv_reg_mr(f->pd, f->buffer, BUFFER_SIZE,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	assert_non_null(f->mr);
	f->channel = ibv_create_comp_channel(f->ctx);
	assert_non_null(f->channel);
	f->cq = ibv_create_cq(f->ctx, 16, f, f->channel, 0);
	assert_non_null(f->cq);
	f->qp = make_qp(f->pd, f->cq, IBV_QPT_RC);
	assert_non_null(f->qp);
	connect_to_self(f->qp);
}

static void tear_down(struct fixture *f)
{
	assert_int_equal(ibv_destroy_qp(f->qp), 0);
	assert_int_equal(ibv_destroy_cq(f->cq), 0);
	assert_int_equal(ibv_destroy_comp_channel(f->channel), 0);
	assert_int_equal(ibv_dereg_mr(f->mr), 0);
	assert_int_equal(ibv_dealloc_pd(f->pd), 0);
	assert_int_equal(ibv_close_device(f->ctx), 0);
}

static void post_write(struct fixture *f, struct ibv_qp *qp, uint64_t remote, uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)f->buffer, 8, f->mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.wr.rdma = { .remote_addr = remote, .rkey = rkey },
	};

	assert_int_equal(ibv_post_send(qp, &wr, &bad), 0);
}

static void write_to_self(struct fixture *f, struct ibv_qp *qp)
{
	post_write(f, qp, (uintptr_t)f->buffer + 1024, f->mr->rkey);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static enum ibv_wc_status wait_wc(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	int n, tries = WAIT_MS;

	while ((n = ibv_poll_cq(cq, 1, &wc)) == 0 && tries-- > 0)
		usleep(1000);
	assert_int_equal(n, 1);
	return wc.status;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_event(void **state)
{
	struct fixture f;
	struct ibv_cq *cq;
	void *context;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(ibv_req_notify_cq(f.cq, 0), 0);
		write_to_self(&f, f.qp);
		assert_true(readable(f.channel->fd, WAIT_MS));
		assert_int_equal(ibv_get_cq_event(f.channel, &cq, &context), 0);
		assert_true(cq == f.cq && context == &f);
		ibv_ack_cq_events(cq, 1);
		assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
		assert_false(readable(f.channel->fd, 0));
	}
	tear_down(&f);
}

/* Destroying a CQ takes back its unread events, and only its own. */
static void test_unread_events(void **state)
{
	struct fixture f;
	struct ibv_cq *other, *cq;
	struct ibv_qp *qp;
	void *context;

	(void)state;
	set_up(&f);
	other = ibv_create_cq(f.ctx, 16, &other, f.channel, 0);
	assert_non_null(other);
	qp = make_qp(f.pd, other, IBV_QPT_RC);
	assert_non_null(qp);
	connect_to_self(qp);
	assert_int_equal(ibv_req_notify_cq(f.cq, 0), 0);
	assert_int_equal(ibv_req_notify_cq(other, 0), 0);
	write_to_self(&f, f.qp);
	assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
	write_to_self(&f, qp);
	assert_int_equal(wait_wc(other), IBV_WC_SUCCESS);
	assert_true(readable(f.channel->fd, WAIT_MS));

	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_destroy_cq(other), 0);
	assert_true(readable(f.channel->fd, WAIT_MS));
	assert_int_equal(ibv_get_cq_event(f.channel, &cq, &context), 0);
	assert_true(cq == f.cq);
	ibv_ack_cq_events(cq, 1);
	assert_false(readable(f.channel->fd, 0));
	tear_down(&f);
}

/*
 * A write that the responder refuses: an error completion at one queue pair, an event of the other,
 * and its count. Two, because one connected to itself would be flushed by its own responder.
 */
static void refuse_write(struct fixture *f, struct ibv_qp *qp[2])
{
	for (unsigned i = 0; i < 2; i++) {
		qp[i] = make_qp(f->pd, f->cq, IBV_QPT_RC);
		assert_non_null(qp[i]);
	}
	connect_to(qp[0], qp[1]->qp_num);
	connect_to(qp[1], qp[0]->qp_num);
	post_write(f, qp[0], (uintptr_t)f->buffer, f->mr->rkey + 1);
	assert_int_equal(wait_wc(f->cq), IBV_WC_REM_ACCESS_ERR);
	assert_true(readable(f->ctx->async_fd, WAIT_MS));
}

static void test_async_event(void **state)
{
	struct ibv_async_event event;
	struct ibv_qp *qp[2];
	struct fixture f;

	(void)state;
	set_up(&f);
	refuse_write(&f, qp);
	assert_int_equal(ibv_get_async_event(f.ctx, &event), 0);
	assert_int_equal(event.event_type, IBV_EVENT_QP_ACCESS_ERR);
	assert_true(event.element.qp == qp[1]);
	ibv_ack_async_event(&event);
	assert_int_equal(ibv_destroy_qp(qp[0]), 0);
	assert_int_equal(ibv_destroy_qp(qp[1]), 0);

	refuse_write(&f, qp); /* now the unread event must not hold up destroy */
	assert_int_equal(ibv_destroy_qp(qp[0]), 0);
	assert_int_equal(ibv_destroy_qp(qp[1]), 0);
	assert_false(readable(f.ctx->async_fd, 0));
	tear_down(&f);
}

static void test_busy(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(ibv_dealloc_pd(f.pd), EBUSY);
	assert_int_equal(ibv_destroy_cq(f.cq), EBUSY);
	assert_int_equal(ibv_destroy_comp_channel(f.channel), EBUSY);
	write_to_self(&f, f.qp);
	assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
	tear_down(&f);
}

static void test_refused(void **state)
{
	struct ibv_qp_attr attr = { .path_mig_state = IBV_MIG_REARM };
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_null(make_qp(f.pd, f.cq, IBV_QPT_RAW_PACKET));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(ibv_modify_qp(f.qp, &attr, IBV_QP_PATH_MIG_STATE), EOPNOTSUPP);
	assert_int_equal(ibv_modify_qp(f.qp, &attr, IBV_QP_ALT_PATH), EOPNOTSUPP);
	attr.path_mig_state = IBV_MIG_MIGRATED;
	assert_int_equal(ibv_modify_qp(f.qp, &attr, IBV_QP_PATH_MIG_STATE), 0);
	assert_null(ibv_reg_mr(f.pd, f.buffer, 8, IBV_ACCESS_REMOTE_WRITE));
	assert_int_equal(errno, EINVAL);
	tear_down(&f);
}

static void test_resize_cq(void **state)
{
	static const int sizes[] = { 100, 40, 1000, 20 };
	struct fixture f;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned k = 0; k < 5; k++)
			write_to_self(&f, f.qp);
		usleep(20000); /* so that some lie unread */
		assert_int_equal(ibv_resize_cq(f.cq, sizes[i]), 0);
		assert_true(f.cq->cqe >= sizes[i]);
		write_to_self(&f, f.qp);
		for (unsigned k = 0; k < 6; k++)
			assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
	}
	tear_down(&f);
}

static void test_srq(void **state)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 100, .max_sge = 3 } };
	struct ibv_srq_attr attr = { .srq_limit = 1000 };
	struct ibv_async_event event;
	struct ibv_srq *srq;
	struct fixture f;

	(void)state;
	set_up(&f);
	srq = ibv_create_srq(f.pd, &init);
	assert_non_null(srq);
	assert_true(init.attr.max_wr >= 100 && init.attr.max_sge >= 3);
	assert_int_equal(ibv_query_srq(srq, &attr), 0);
	assert_true(attr.max_wr >= 100 && attr.srq_limit == 0);
	attr.srq_limit = attr.max_wr + 1;
	assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), EINVAL);
	assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR), EINVAL);
	/* nothing is posted: the event comes at once, and destroy counts it */
	attr.srq_limit = 5;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	assert_int_equal(ibv_get_async_event(f.ctx, &event), 0);
	assert_int_equal(event.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	assert_true(event.element.srq == srq);
	ibv_ack_async_event(&event);
	assert_int_equal(ibv_destroy_srq(srq), 0);
	tear_down(&f);
}

static void test_address_handle(void **state)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = 1,
		.grh = { .sgid_index = 3, .hop_limit = 64 },
	};
	struct fixture f;
	struct ibv_ah *ah;

	(void)state;
	set_up(&f);
	assert_int_equal(ibv_query_gid(f.ctx, 1, 3, &attr.grh.dgid), 0);
	ah = ibv_create_ah(f.pd, &attr);
	assert_non_null(ah);
	assert_int_equal(ibv_dealloc_pd(f.pd), EBUSY);
	assert_int_equal(ibv_destroy_ah(ah), 0);
	attr.grh.dgid.raw[15]++; /* nobody has that address */
	assert_null(ibv_create_ah(f.pd, &attr));
	assert_int_equal(errno, EHOSTUNREACH);
	attr.is_global = 0;
	assert_null(ibv_create_ah(f.pd, &attr));
	assert_int_equal(errno, EINVAL);
	tear_down(&f);
}

static bool mapped(const char *name)
{
	static char maps[1 << 18];
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, maps + used, sizeof(maps) - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	maps[used] = '\0';
	return strstr(maps, name);
}

static void test_dmabuf(void **state)
{
	const uint64_t iova = (UINT64_C(7) << 40) + 64;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const int fd = memfd_create("emu-dmabuf", MFD_CLOEXEC);
	const struct {
		uint64_t offset, length, iova;
		int fd, access, error;
	} refused[] = {
		{ 64, 8, iova + 1, fd, 0, EINVAL },
		{ 64, 4 * page - 63, iova, fd, 0, EINVAL },
		{ 4 * page, 1, 0, fd, 0, EINVAL },
		{ UINT64_MAX & ~(page - 1), 8, 0, fd, 0, EINVAL },
		{ 64, UINT64_MAX, iova, fd, 0, EINVAL },
		{ 64, 0, iova, fd, 0, EINVAL },
		{ 64, 8, iova, fd, IBV_ACCESS_ON_DEMAND, EINVAL },
		{ 64, 8, iova, fd, IBV_ACCESS_REMOTE_WRITE, EINVAL },
		{ 64, 8, iova, -1, 0, EBADF },
		{ 64, 8, iova, 0x7fffffff, 0, EBADF },
	};
	struct fixture f;
	struct ibv_mr *mr;
	int pipes[2];

	(void)state;
	set_up(&f);
	assert_int_equal(ftruncate(fd, (off_t)(4 * page)), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		mr = ibv_reg_dmabuf_mr(f.pd, refused[i].offset, refused[i].length, refused[i].iova,
				       refused[i].fd, refused[i].access);
		assert_null(mr);
		assert_int_equal(errno, refused[i].error);
	}
	assert_int_equal(pipe(pipes), 0);
	assert_null(ibv_reg_dmabuf_mr(f.pd, 0, 8, 0, pipes[0], 0));
	assert_int_equal(errno, EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	assert_false(mapped("emu-dmabuf"));
	/* The region keeps the memory, and lets go of it. */
	mr = ibv_reg_dmabuf_mr(f.pd, page + 64, page, iova, fd, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	close(fd);
	assert_true(mapped("emu-dmabuf"));
	assert_int_equal(ibv_dealloc_pd(f.pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_false(mapped("emu-dmabuf"));
	tear_down(&f);
}

static void test_query_qp(void **state)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(ibv_query_qp(f.qp, &attr, IBV_QP_STATE, &init), 0);
	assert_int_equal(attr.qp_state, IBV_QPS_RTS);
	assert_int_equal(attr.path_mtu, IBV_MTU_1024);
	assert_int_equal(attr.dest_qp_num, f.qp->qp_num);
	assert_int_equal(attr.qp_access_flags, IBV_ACCESS_REMOTE_WRITE);
	assert_int_equal(attr.timeout, 14);
	assert_int_equal(attr.ah_attr.grh.sgid_index, 3);
	assert_int_equal(attr.ah_attr.grh.dgid.raw[15], 1);
	assert_int_equal(attr.cap.max_recv_wr, 8);
	assert_int_equal(init.sq_sig_all, 1);
	tear_down(&f);
}

/* A thread domain gives a queue pair a UAR of its own. */
static void test_thread_domain(void **state)
{
	struct ibv_td_init_attr td_attr = { .comp_mask = 0 };
	struct ibv_parent_domain_init_attr attr = { .comp_mask = 0 };
	struct ibv_td *td;
	struct ibv_pd *domain;
	struct ibv_qp *qp;
	struct fixture f;

	(void)state;
	set_up(&f);
	td = ibv_alloc_td(f.ctx, &td_attr);
	assert_non_null(td);
	attr.pd = f.pd;
	attr.td = td;
	domain = ibv_alloc_parent_domain(f.ctx, &attr);
	assert_non_null(domain);
	qp = make_qp(domain, f.cq, IBV_QPT_RC);
	assert_non_null(qp);
	connect_to_self(qp);
	for (unsigned i = 0; i < 100; i++) {
		write_to_self(&f, qp);
		assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
	}
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_dealloc_pd(domain), 0);
	assert_int_equal(ibv_dealloc_td(td), 0);
	tear_down(&f);
}

/* More queue pairs than one UAR page serves, all at work. */
static void test_many_queue_pairs(void **state)
{
	enum { COUNT = 200 };
	struct ibv_qp *qp[COUNT];
	struct fixture f;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < COUNT; i++) {
		qp[i] = make_qp(f.pd, f.cq, IBV_QPT_RC);
		assert_non_null(qp[i]);
		connect_to_self(qp[i]);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		write_to_self(&f, qp[i]);
		assert_int_equal(wait_wc(f.cq), IBV_WC_SUCCESS);
	}
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(ibv_destroy_qp(qp[i]), 0);
	tear_down(&f);
}

/* Closing a device gives back every descriptor. */
static void test_close(void **state)
{
	struct fixture f;
	unsigned before;

	(void)state;
	set_up(&f);
	tear_down(&f);
	before = open_descriptors();
	for (unsigned i = 0; i < 50; i++) {
		set_up(&f);
		tear_down(&f);
		assert_int_equal(open_descriptors(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),          cmocka_unit_test(test_unread_events),
		cmocka_unit_test(test_async_event),    cmocka_unit_test(test_busy),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_srq),
		cmocka_unit_test(test_dmabuf),         cmocka_unit_test(test_query_qp),
		cmocka_unit_test(test_thread_domain),  cmocka_unit_test(test_many_queue_pairs),
		cmocka_unit_test(test_resize_cq),      cmocka_unit_test(test_close),
		cmocka_unit_test(test_address_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
