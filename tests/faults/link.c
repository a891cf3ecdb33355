/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "device.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT = 1,
	GID_INDEX = 1, /* RoCE v2, link-local */
	PATIENCE_S = 60,
};

void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%d: failed: %s\n", (int)getpid(), what);
	_exit(1);
}

static void open_device(struct link *l)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = LINK_DEPTH,
			 .max_recv_wr = LINK_DEPTH,
			 .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	must(list && list[0], "a device");
	l->ctx = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	must(l->ctx, "open");
	l->pd = ibv_alloc_pd(l->ctx);
	l->cq = ibv_create_cq(l->ctx, 4 * LINK_DEPTH, NULL, NULL, 0);
	must(l->pd && l->cq, "PD and CQ");
	l->buf =
		mmap(NULL, LINK_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(l->buf != MAP_FAILED, "buffer");
	l->mr = ibv_reg_mr(l->pd, l->buf, LINK_BUFFER,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ);
	init.send_cq = l->cq;
	init.recv_cq = l->cq;
	l->qp = ibv_create_qp(l->pd, &init);
	must(l->mr && l->qp, "MR and QP");
	must(ibv_query_gid(l->ctx, PORT, GID_INDEX, &l->own.gid) == 0, "GID");
	l->own.qpn = l->qp->qp_num;
	l->own.rkey = l->mr->rkey;
	l->own.addr = (uintptr_t)l->buf;
}

static void connect_qp(struct link *l, uint8_t timeout, uint8_t retry_cnt)
{
	struct ibv_qp_attr a = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
	};

	must(ibv_modify_qp(l->qp, &a,
			   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) ==
		     0,
	     "INIT");
	a = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_4096,
		.dest_qp_num = l->peer.qpn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .is_global = 1, .port_num = PORT },
	};
	a.ah_attr.grh.dgid = l->peer.gid;
	a.ah_attr.grh.sgid_index = GID_INDEX;
	a.ah_attr.grh.hop_limit = 1;
	must(ibv_modify_qp(l->qp, &a,
			   IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				   IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				   IBV_QP_MIN_RNR_TIMER) == 0,
	     "RTR");
	a = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = timeout,
		.retry_cnt = retry_cnt,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};
	must(ibv_modify_qp(l->qp, &a,
			   IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				   IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC) == 0,
	     "RTS");
}

static void meet(struct link *l, uint8_t timeout, uint8_t retry_cnt)
{
	struct link_end own;

	open_device(l);
	own = l->own;
	must(write(l->out, &own, sizeof(own)) == sizeof(own), "send the endpoint");
	must(read(l->in, &l->peer, sizeof(l->peer)) == sizeof(l->peer), "get the endpoint");
	connect_qp(l, timeout, retry_cnt);
	link_tell(l);
	link_hear(l);
}

pid_t link_start(struct link *l, void (*body)(struct link *), uint8_t timeout, uint8_t retry_cnt)
{
	int to[2], from[2];
	pid_t pid;

	memset(l, 0, sizeof(*l));
	must(pipe(to) == 0 && pipe(from) == 0, "pipes");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		l->in = to[0];
		l->out = from[1];
		meet(l, timeout, retry_cnt);
		body(l);
		exit(0);
	}
	close(to[0]);
	close(from[1]);
	l->in = from[0];
	l->out = to[1];
	meet(l, timeout, retry_cnt);
	return pid;
}

void link_tell(struct link *l)
{
	must(write(l->out, "", 1) == 1, "tell the other process");
}

void link_hear(struct link *l)
{
	char c;

	must(read(l->in, &c, 1) == 1, "hear of the other process");
}

void link_write(struct link *l, uint32_t offset, uint32_t length)
{
	struct ibv_sge sge = { (uintptr_t)l->buf + offset, length, l->mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { l->peer.addr + offset, l->peer.rkey },
	};

	must(ibv_post_send(l->qp, &wr, &bad) == 0, "post a write");
}

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

enum ibv_wc_status link_wait(struct link *l)
{
	const time_t end = seconds() + PATIENCE_S;
	struct ibv_wc wc;
	int n;

	while ((n = ibv_poll_cq(l->cq, 1, &wc)) == 0) {
		must(seconds() < end, "a completion in time");
		sched_yield();
	}
	must(n == 1, "poll the CQ");
	return wc.status;
}

int link_join(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid, "wait for the peer");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void link_close(struct link *l)
{
	must(ibv_destroy_qp(l->qp) == 0, "destroy the QP");
	must(ibv_dereg_mr(l->mr) == 0, "deregister");
	must(ibv_destroy_cq(l->cq) == 0, "destroy the CQ");
	must(ibv_dealloc_pd(l->pd) == 0, "free the PD");
	device_check();
	must(ibv_close_device(l->ctx) == 0, "close the device");
	device_check_closed();
	munmap(l->buf, LINK_BUFFER);
	close(l->in);
	close(l->out);
}
