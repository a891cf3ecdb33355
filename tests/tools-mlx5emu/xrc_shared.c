/* SPDX-License-Identifier: MIT */
/*
 * An XRC domain of two processes. The parent has an initiator and a target queue pair, the child a shared
 * receive queue and memory that requests to the target name. The child does what it is told through a
 * socket, and checks each byte and completion that it gets.
 */
#include "xrc_end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGES = 150, WINDOW = 8, MESSAGE_MAX = 20000, SLOT = XRC_BYTES / WINDOW };
_Static_assert(SLOT >= MESSAGE_MAX, "messages on the way do not overlap");

enum what { OPEN, CLOSE, QUEUE, DESTROY, RECEIVE };

struct order {
	enum what what;
	int arg;
};

struct reply {
	int rc; /* 0 or errno */
	uint32_t srqn, rkey;
	uint64_t addr;
};

/* ---- the messages, the same for whoever sends and receives ---- */

static uint32_t length_of(unsigned i)
{
	return 1 + i * 7919 % MESSAGE_MAX;
}

static void fill(char *at, unsigned i)
{
	for (uint32_t b = 0; b < length_of(i); b++)
		at[b] = (char)(i * 31 + b * 7 + b / 256);
}

static bool is_filled(const char *at, unsigned i)
{
	static char want[MESSAGE_MAX];

	fill(want, i);
	return memcmp(at, want, length_of(i)) == 0;
}

/* ---- the child ---- */

static struct xrc_end own;

static void post_receive(struct ibv_srq *srq, unsigned i)
{
	struct ibv_sge sge = { (uintptr_t)own.buffer + (size_t)(i % WINDOW) * SLOT, SLOT,
			       own.mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
}

/* All messages, in order, each once. */
static int receive_all(struct ibv_srq *srq)
{
	for (unsigned i = 0; i < WINDOW; i++)
		post_receive(srq, i);
	for (unsigned i = 0; i < MESSAGES; i++) {
		const struct ibv_wc wc = link_wait(own.cq);

		if (wc.status != IBV_WC_SUCCESS || wc.wr_id != i || wc.byte_len != length_of(i) ||
		    !(wc.wc_flags & IBV_WC_WITH_IMM) || wc.imm_data != i ||
		    !is_filled(own.buffer + (size_t)(i % WINDOW) * SLOT, i))
			return EBADMSG;
		post_receive(srq, i + WINDOW);
	}
	return 0;
}

static struct reply obey(const struct order *o, int file)
{
	static struct ibv_xrcd *xrcd;
	static struct ibv_srq *srq;
	struct reply r = { .rc = 0 };

	switch (o->what) {
	case OPEN:
		xrcd = xrc_open_domain(&own, file, o->arg);
		r.rc = xrcd ? 0 : errno;
		break;
	case CLOSE:
		r.rc = ibv_close_xrcd(xrcd);
		break;
	case QUEUE:
		srq = xrc_make_srq(&own, xrcd);
		assert_int_equal(ibv_get_srq_num(srq, &r.srqn), 0);
		r.rkey = own.mr->rkey;
		r.addr = (uintptr_t)own.buffer;
		break;
	case DESTROY:
		r.rc = ibv_destroy_srq(srq);
		break;
	case RECEIVE:
		r.rc = receive_all(srq);
		break;
	}
	return r;
}

/* Leaves what it has, as a program that ends does. */
static void child(int file, int orders)
{
	struct order o;
	struct reply r;

	xrc_open_end(&own);
	while (read(orders, &o, sizeof(o)) == sizeof(o)) {
		r = obey(&o, file);
		if (write(orders, &r, sizeof(r)) != sizeof(r))
			_exit(1);
	}
	_exit(0);
}

/* ---- the parent ---- */

static struct xrc_end f;
static struct ibv_xrcd *xrcd;
static struct ibv_qp *from, *to;
static int file, orders;
static bool killed;
static pid_t pid;

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	killed = false;
	file = xrc_make_file();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(file, ends[1]);
	}
	assert_true(pid > 0);
	close(ends[1]);
	orders = ends[0];
	xrc_open_end(&f);
	return 0;
}

static int tear_down(void **state)
{
	int status;

	(void)state;
	link_plan("");
	xrc_close_end(&f);
	close(orders);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, killed ? SIGKILL : 0);
	close(file);
	return 0;
}

static void order(enum what what, int arg)
{
	const struct order o = { what, arg };

	assert_int_equal(write(orders, &o, sizeof(o)), sizeof(o));
}

static struct reply reply(void)
{
	struct reply r;

	assert_int_equal(read(orders, &r, sizeof(r)), sizeof(r));
	return r;
}

static int ask(enum what what, int arg)
{
	order(what, arg);
	return reply().rc;
}

/* Both have the domain open, and the child a queue. */
static struct reply share(void)
{
	struct reply r;

	xrcd = xrc_open_domain(&f, file, O_CREAT);
	assert_non_null(xrcd);
	assert_int_equal(ask(OPEN, 0), 0);
	order(QUEUE, 0);
	r = reply();
	from = xrc_make_initiator(&f);
	to = xrc_make_target(&f, xrcd);
	assert_true(from && to);
	link_connect(to, from->qp_num);
	link_connect(from, to->qp_num);
	return r;
}

static void part(void)
{
	assert_int_equal(ibv_destroy_qp(from), 0);
	assert_int_equal(ibv_destroy_qp(to), 0);
	assert_int_equal(ibv_close_xrcd(xrcd), 0);
}

static void test_opens(void **state)
{
	struct ibv_xrcd *domain;

	(void)state;
	assert_int_equal(ask(OPEN, 0), EAGAIN);
	assert_int_equal(ask(OPEN, O_CREAT | O_EXCL), 0);
	assert_null(xrc_open_domain(&f, file, O_CREAT | O_EXCL));
	assert_int_equal(errno, EINVAL);
	domain = xrc_open_domain(&f, file, 0);
	assert_non_null(domain);
	assert_int_equal(ask(CLOSE, 0), 0);
	assert_int_equal(ask(OPEN, O_EXCL), EINVAL);
	assert_int_equal(ask(OPEN, 0), 0);
	assert_int_equal(ibv_close_xrcd(domain), 0);
	assert_int_equal(ask(CLOSE, 0), 0);
	assert_null(xrc_open_domain(&f, file, 0));
	assert_int_equal(errno, EAGAIN);
}

/* A child after fork() has the parent's descriptors, and nothing of what they stand for. */
static void test_child_holds_nothing(void **state)
{
	struct ibv_xrcd *domain = xrc_open_domain(&f, file, O_CREAT);
	int ends[2];
	pid_t idle;
	char byte = 0;

	(void)state;
	assert_non_null(domain);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	idle = fork();
	if (idle == 0) {
		close(ends[1]);
		/* that it has let go of them: it may have run later than its parent */
		_exit(write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 0);
	}
	assert_true(idle > 0);
	close(ends[0]);
	assert_int_equal(read(ends[1], &byte, 1), 1);
	assert_int_equal(ask(OPEN, 0), 0);
	assert_int_equal(ask(CLOSE, 0), 0);
	assert_int_equal(ibv_close_xrcd(domain), 0);
	assert_int_equal(ask(OPEN, 0), EAGAIN);
	close(ends[1]);
	assert_int_equal(waitpid(idle, NULL, 0), idle);
}

/* What keeps a domain open is each process's own; what another has in it is not. */
static void test_busy(void **state)
{
	(void)state;
	share();
	assert_int_equal(ibv_close_xrcd(xrcd), EBUSY);
	assert_int_equal(ask(CLOSE, 0), EBUSY);
	part();
	assert_int_equal(ask(DESTROY, 0), 0);
	assert_int_equal(ask(CLOSE, 0), 0);
}

static void send_message(unsigned i, uint32_t srqn)
{
	char *at = f.buffer + (size_t)(i % WINDOW) * SLOT;
	struct ibv_sge sge = { (uintptr_t)at, length_of(i), f.mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = i,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND_WITH_IMM,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = i,
		.qp_type.xrc.remote_srqn = srqn,
	};
	struct ibv_send_wr *bad;

	fill(at, i);
	assert_int_equal(ibv_post_send(from, &wr, &bad), 0);
}

static void deliver_all(const char *plan)
{
	const struct reply queue = share();

	link_plan(plan);
	order(RECEIVE, 0);
	for (unsigned i = 0; i < MESSAGES + WINDOW; i++) {
		if (i >= WINDOW) {
			const struct ibv_wc wc = link_wait(f.cq);

			assert_int_equal(wc.status, IBV_WC_SUCCESS);
			assert_int_equal(wc.wr_id, i - WINDOW);
		}
		if (i < MESSAGES)
			send_message(i, queue.srqn);
	}
	assert_int_equal(reply().rc, 0);
	part();
}

static void test_messages(void **state)
{
	(void)state;
	deliver_all("");
}

static void test_messages_on_a_bad_wire(void **state)
{
	(void)state;
	deliver_all("seed=5; lose rate=2%; duplicate rate=2%; reorder by=3 rate=2%;"
		    "delay by=200us rate=2%; rnr rate=2%");
}

static void post(enum ibv_wr_opcode opcode, const struct reply *queue, uint32_t length)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, length, f.mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.qp_type.xrc.remote_srqn = queue->srqn,
	};
	struct ibv_send_wr *bad;

	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = queue->addr;
		wr.wr.atomic.rkey = queue->rkey;
		wr.wr.atomic.compare_add = 3;
	} else {
		wr.wr.rdma.remote_addr = queue->addr;
		wr.wr.rdma.rkey = queue->rkey;
	}
	assert_int_equal(ibv_post_send(from, &wr, &bad), 0);
}

/* Keys are those of the queue's protection domain, which is in the other process. */
static void test_memory(void **state)
{
	struct reply queue = share();
	uint64_t word;

	(void)state;
	link_plan("seed=7; lose rate=1%; duplicate rate=1%");
	for (uint32_t i = 0; i < XRC_BYTES; i++)
		f.buffer[i] = (char)(i * 3 + i / 256);
	post(IBV_WR_RDMA_WRITE, &queue, XRC_BYTES);
	assert_int_equal(link_wait(f.cq).status, IBV_WC_SUCCESS);
	memset(f.buffer, 0, XRC_BYTES);
	post(IBV_WR_RDMA_READ, &queue, XRC_BYTES);
	assert_int_equal(link_wait(f.cq).status, IBV_WC_SUCCESS);
	for (uint32_t i = 0; i < XRC_BYTES; i++)
		assert_int_equal(f.buffer[i], (char)(i * 3 + i / 256));
	memset(f.buffer, 0, sizeof(word));
	post(IBV_WR_RDMA_WRITE, &queue, sizeof(word));
	assert_int_equal(link_wait(f.cq).status, IBV_WC_SUCCESS);
	for (uint64_t i = 0; i < 20; i++) {
		post(IBV_WR_ATOMIC_FETCH_AND_ADD, &queue, sizeof(word));
		assert_int_equal(link_wait(f.cq).status, IBV_WC_SUCCESS);
		memcpy(&word, f.buffer, sizeof(word));
		assert_true(word == 3 * i);
	}
	queue.rkey ^= 1;
	post(IBV_WR_RDMA_READ, &queue, 8);
	assert_int_equal(link_wait(f.cq).status, IBV_WC_REM_ACCESS_ERR);
	part();
}

static void test_queue_destroyed(void **state)
{
	const struct reply queue = share();

	(void)state;
	assert_int_equal(ask(DESTROY, 0), 0);
	send_message(0, queue.srqn);
	assert_int_equal(link_wait(f.cq).status, IBV_WC_REM_INV_REQ_ERR);
	part();
}

/* Nothing is waited for that a dead process owes, and its opens are none any more. */
static void test_owner_killed(void **state)
{
	const struct reply queue = share();
	enum ibv_wc_status status = IBV_WC_SUCCESS;

	(void)state;
	order(RECEIVE, 0);
	for (unsigned i = 0; status == IBV_WC_SUCCESS; i++) {
		assert_true(i < MESSAGES);
		if (i == 10) {
			assert_int_equal(kill(pid, SIGKILL), 0);
			killed = true;
		}
		send_message(i, queue.srqn);
		status = link_wait(f.cq).status;
	}
	assert_int_equal(status, IBV_WC_REM_INV_REQ_ERR);
	part();
	assert_null(xrc_open_domain(&f, file, 0));
	assert_int_equal(errno, EAGAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_child_holds_nothing),
		TEST(test_opens),
		TEST(test_busy),
		TEST(test_messages),
		TEST(test_messages_on_a_bad_wire),
		TEST(test_memory),
		TEST(test_queue_destroyed),
		TEST(test_owner_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
