/* SPDX-License-Identifier: MIT */
/*
 * Importing an open device, its protection domain, its regions and device memory, within one process
 * and through the real libmlx5. The run's fault plan takes the port down. What another process gets of
 * it is an error and a line in the log.
 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ibv_context *import(const struct ibv_context *ctx)
{
	struct ibv_context *imported = ibv_import_device(fcntl(ctx->cmd_fd, F_DUPFD_CLOEXEC, 0));

	assert_non_null(imported);
	return imported;
}

/* A link, and the device and domain of it once more. */
static struct {
	struct link link;
	struct ibv_context *ctx;
	struct ibv_pd *pd;
} f;

static int set_up(void **state)
{
	(void)state;
	link_set_up(&f.link, LINK_ACCESS_ALL);
	f.ctx = import(f.link.ctx);
	f.pd = ibv_import_pd(f.ctx, f.link.pd->handle);
	assert_non_null(f.pd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ibv_unimport_pd(f.pd);
	assert_int_equal(ibv_close_device(f.ctx), 0);
	link_tear_down(&f.link);
	return 0;
}

static void test_memory(void **state)
{
	struct ibv_send_wr wr = { .opcode = IBV_WR_RDMA_WRITE, .num_sge = 1 }, *bad;
	struct ibv_sge sge;
	struct ibv_mr *mr;

	(void)state;
	mr = ibv_import_mr(f.pd, f.link.mr->handle);
	assert_non_null(mr);
	assert_int_equal(mr->length, LINK_BYTES);
	assert_int_equal(mr->lkey, f.link.mr->lkey);
	assert_int_equal(mr->rkey, f.link.mr->rkey);

	memcpy(f.link.buffer, "through what was imported", 26);
	sge = (struct ibv_sge){ (uintptr_t)f.link.buffer, 26, mr->lkey };
	wr.sg_list = &sge;
	wr.send_flags = IBV_SEND_SIGNALED;
	wr.wr.rdma.remote_addr = (uintptr_t)f.link.buffer + 100;
	wr.wr.rdma.rkey = mr->rkey;
	assert_int_equal(ibv_post_send(f.link.qp, &wr, &bad), 0);
	assert_int_equal(link_wait(f.link.cq).status, IBV_WC_SUCCESS);
	assert_string_equal(f.link.buffer + 100, "through what was imported");

	ibv_unimport_mr(mr);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* An event of what a context made comes to that context alone. */
static void limit_event(struct ibv_context *ctx, struct ibv_srq *srq,
			const struct ibv_context *other)
{
	struct ibv_srq_attr attr = { .srq_limit = 4 }; /* none is posted: reached at once */
	struct ibv_async_event event;

	assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	assert_int_equal(ibv_get_async_event(ctx, &event), 0);
	assert_int_equal(event.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	assert_ptr_equal(event.element.srq, srq);
	ibv_ack_async_event(&event);
	assert_false(readable(other->async_fd));
}

/* What the importer makes is its own, in the domain of both. */
static void test_objects(void **state)
{
	char buffer[64] = { 0 };
	struct ibv_mr *mr;
	struct ibv_cq *cq;
	struct ibv_srq *srq;
	struct ibv_qp *qp;
	struct ibv_srq_init_attr srq_attr = { .attr = { 8, 1, 0 } };
	struct ibv_qp_init_attr qp_attr = { .cap = { 4, 0, 1, 0, 0 }, .qp_type = IBV_QPT_RC };

	(void)state;
	cq = ibv_create_cq(f.ctx, 4, NULL, NULL, 0);
	srq = ibv_create_srq(f.pd, &srq_attr);
	qp_attr.send_cq = cq;
	qp_attr.recv_cq = cq;
	qp_attr.srq = srq;
	qp = ibv_create_qp(f.pd, &qp_attr);
	assert_true(cq && srq && qp);
	limit_event(f.ctx, srq, f.link.ctx);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_destroy_srq(srq), 0);
	assert_int_equal(ibv_destroy_cq(cq), 0);
	mr = ibv_reg_mr(f.pd, buffer, sizeof(buffer), IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_null(ibv_import_pd(f.ctx, f.link.mr->handle));
	assert_null(ibv_import_pd(f.ctx, 9999));
}

static void test_device_memory(void **state)
{
	struct ibv_context *ctx = link_open_device(), *other = import(ctx);
	struct ibv_alloc_dm_attr attr = { .length = 5000 };
	struct ibv_dm *dm = ibv_alloc_dm(ctx, &attr), *same;
	char text[8] = "written";

	(void)state;
	assert_non_null(dm);
	same = ibv_import_dm(other, dm->handle);
	assert_non_null(same);
	assert_int_equal(ibv_memcpy_to_dm(dm, 4096, text, sizeof(text)), 0);
	memset(text, 0, sizeof(text));
	assert_int_equal(ibv_memcpy_from_dm(text, same, 4096, sizeof(text)), 0);
	assert_string_equal(text, "written");
	ibv_unimport_dm(same);
	assert_int_equal(ibv_free_dm(dm), 0);
	assert_int_equal(ibv_close_device(other), 0);
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* Those of the device go to each of its users. */
static void test_events(void **state)
{
	struct ibv_context *ctx = link_open_device(), *other = import(ctx);
	struct ibv_async_event event;

	(void)state;
	assert_int_not_equal(ctx->async_fd, other->async_fd);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ibv_get_async_event(i ? ctx : other, &event), 0);
		assert_int_equal(event.event_type, IBV_EVENT_PORT_ERR);
		assert_int_equal(event.element.port_num, 1);
		ibv_ack_async_event(&event);
	}
	assert_int_equal(ibv_close_device(other), 0);
	assert_int_equal(ibv_close_device(ctx), 0);
}

/* The file lives as long as one of its descriptors. */
static void test_owner_goes_first(void **state)
{
	struct ibv_context *ctx = link_open_device(), *other = import(ctx);
	struct ibv_pd *pd;

	(void)state;
	assert_int_equal(ibv_close_device(ctx), 0);
	pd = ibv_alloc_pd(other);
	assert_non_null(pd);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
	assert_int_equal(ibv_close_device(other), 0);
	assert_null(ibv_import_device(0));
}

/* The log of this process from now on, a pipe to read from. */
static int catch_log(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	return ends[0];
}

static bool log_has(int from, const char *text)
{
	char line[500];
	const ssize_t n = read(from, line, sizeof(line) - 1);

	if (n <= 0)
		return false;
	line[n] = '\0';
	return strstr(line, text);
}

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_file(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(fd)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &m, 0), 1);
}

static int receive_file(int socket)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &m, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* Exit status: 0 when the device of somebody else is refused as documented. */
static int import_foreign(int socket)
{
	const int fd = receive_file(socket), log = catch_log();

	if (fd < 0 || ibv_import_device(fd))
		return 1;
	if (errno != EOPNOTSUPP)
		return 2;
	if (!log_has(log, "uverbs0: descriptor "))
		return 3;
	return 0;
}

static void expect_success(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_other_process(void **state)
{
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	child = fork();
	if (child == 0)
		_exit(import_foreign(ends[1]));
	ctx = link_open_device();
	send_file(ends[0], ctx->cmd_fd);
	expect_success(child);
	pd = ibv_alloc_pd(ctx);
	assert_non_null(pd);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
	assert_int_equal(ibv_close_device(ctx), 0);
	close(ends[0]);
	close(ends[1]);
}

/* Exit status: 0 when neither the context nor an import of it works here. */
static int use_parents(struct ibv_context *ctx)
{
	const int log = catch_log();

	if (ibv_alloc_pd(ctx) || errno != EIO)
		return 1;
	if (!log_has(log, "uverbs0: a child after fork() uses a device of its parent"))
		return 2;
	return !ibv_import_device(dup(ctx->cmd_fd)) && errno == EIO ? 0 : 3;
}

static void test_child(void **state)
{
	struct ibv_context *ctx = link_open_device();
	const pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(use_parents(ctx));
	expect_success(child);
	assert_int_equal(ibv_close_device(ctx), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_objects, set_up, tear_down),
		cmocka_unit_test(test_device_memory),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_owner_goes_first),
		cmocka_unit_test(test_other_process),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
