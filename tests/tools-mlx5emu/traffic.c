/* SPDX-License-Identifier: MIT */
/*
 * traffic GID-INDEX [RC|UC|UD ...]: an exchange whose every packet is known, for tests of what can
 * be seen of it. Queue pairs 1 and 2 of one process, one request after the other, numbers as below.
 * With WAIT it says "ready" at the end and keeps its objects until its input ends; with MANY it makes 4000
 * queue pairs, of which the last two are connected and used.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/verbs.h>

enum { SIZE = 8192, PSN = 0x1000, QKEY = 0x11223344, IMM = 0xcafe0001 };

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static union ibv_gid gid;
static int gid_index;
static _Alignas(4096) uint8_t memory[SIZE];

#define MUST(call)                                                                    \
	do {                                                                          \
		if (!(call)) {                                                        \
			fprintf(stderr, "line %d: %s failed: %m\n", __LINE__, #call); \
			exit(1);                                                      \
		}                                                                     \
	} while (0)

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	MUST(list && list[0]);
	context = ibv_open_device(list[0]);
	MUST(context);
	ibv_free_device_list(list);
	pd = ibv_alloc_pd(context);
	MUST(pd);
	cq = ibv_create_cq(context, 64, NULL, NULL, 0);
	MUST(cq);
	mr = ibv_reg_mr(pd, memory, SIZE,
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				IBV_ACCESS_REMOTE_ATOMIC);
	MUST(mr);
	MUST(ibv_query_gid(context, 1, gid_index, &gid) == 0);
}

static struct ibv_qp *create(enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = type,
		.cap = { .max_send_wr = 8, .max_recv_wr = 8, .max_send_sge = 1, .max_recv_sge = 1 },
		.sq_sig_all = 1,
	};
	struct ibv_qp *qp = ibv_create_qp(pd, &init);

	MUST(qp);
	return qp;
}

static struct ibv_ah_attr address(void)
{
	return (struct ibv_ah_attr){
		.is_global = 1,
		.port_num = 1,
		.grh = { .dgid = gid, .sgid_index = (uint8_t)gid_index, .hop_limit = 64 },
	};
}

/* 1024 bytes, or what the port has. */
static enum ibv_mtu path_mtu(struct ibv_context *ctx)
{
	struct ibv_port_attr port;

	MUST(ibv_query_port(ctx, 1, &port) == 0);
	return port.active_mtu < IBV_MTU_1024 ? port.active_mtu : IBV_MTU_1024;
}

static void connect_qp(struct ibv_qp *qp, const struct ibv_qp *peer)
{
	const int rc = qp->qp_type == IBV_QPT_RC, ud = qp->qp_type == IBV_QPT_UD;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qkey = QKEY,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				   IBV_ACCESS_REMOTE_ATOMIC,
		.ah_attr = address(),
		.path_mtu = path_mtu(qp->context),
		.dest_qp_num = peer->qp_num,
		.rq_psn = PSN,
		.sq_psn = PSN,
		.max_rd_atomic = 1,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
	};

	MUST(ibv_modify_qp(qp, &attr,
			   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				   (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS)) == 0);
	attr.qp_state = IBV_QPS_RTR;
	MUST(ibv_modify_qp(qp, &attr,
			   ud ? IBV_QP_STATE :
				IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
					   IBV_QP_RQ_PSN |
					   (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER :
						 0)) == 0);
	attr.qp_state = IBV_QPS_RTS;
	MUST(ibv_modify_qp(qp, &attr,
			   IBV_QP_STATE | IBV_QP_SQ_PSN |
				   (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
						    IBV_QP_MAX_QP_RD_ATOMIC :
					 0)) == 0);
}

static enum ibv_wc_status reap(void)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(cq, 1, &wc) == 0)
		;
	return wc.status;
}

static void post_receive(struct ibv_qp *qp)
{
	struct ibv_sge sge = { (uintptr_t)memory + 4096, 4096, mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	MUST(ibv_post_recv(qp, &wr, &bad) == 0);
}

/* One request, all its completions; returns the status of the first. */
static enum ibv_wc_status request(struct ibv_qp *qp, struct ibv_send_wr *wr, uint32_t length,
				  unsigned completions)
{
	struct ibv_sge sge = { (uintptr_t)memory, length, mr->lkey };
	enum ibv_wc_status status;
	struct ibv_send_wr *bad;

	wr->sg_list = &sge;
	wr->num_sge = 1;
	MUST(ibv_post_send(qp, wr, &bad) == 0);
	status = reap();
	while (--completions)
		(void)reap();
	return status;
}

static struct ibv_send_wr remote(enum ibv_wr_opcode opcode)
{
	return (struct ibv_send_wr){
		.opcode = opcode,
		.imm_data = htonl(IMM),
		.wr.rdma = { .remote_addr = (uintptr_t)memory + 4096, .rkey = mr->rkey },
	};
}

static void connected(enum ibv_qp_type type)
{
	struct ibv_qp *a = create(type), *b = create(type);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND_WITH_IMM, .imm_data = htonl(IMM) };

	connect_qp(a, b);
	connect_qp(b, a);
	post_receive(b);
	MUST(request(a, &wr, 5, 2) == IBV_WC_SUCCESS);
	wr = remote(IBV_WR_RDMA_WRITE);
	MUST(request(a, &wr, 2500, 1) == IBV_WC_SUCCESS);
	if (type != IBV_QPT_RC)
		return;
	wr = remote(IBV_WR_RDMA_READ);
	MUST(request(a, &wr, 2500, 1) == IBV_WC_SUCCESS);
	wr = remote(IBV_WR_ATOMIC_CMP_AND_SWP);
	wr.wr.atomic.remote_addr = (uintptr_t)memory + 4096;
	wr.wr.atomic.rkey = mr->rkey;
	wr.wr.atomic.compare_add = 0x0101010101010101;
	wr.wr.atomic.swap = 0x0202020202020202;
	MUST(request(a, &wr, 8, 1) == IBV_WC_SUCCESS);
	wr = remote(IBV_WR_RDMA_WRITE);
	wr.wr.rdma.rkey += 0x100;
	MUST(request(a, &wr, 8, 1) == IBV_WC_REM_ACCESS_ERR);
}

static void many(void)
{
	enum { MANY = 4000 };

	for (unsigned i = 0; i < MANY - 2; i++)
		(void)create(i % 2 ? IBV_QPT_RC : IBV_QPT_UD);
	connected(IBV_QPT_RC);
}

static void datagram(void)
{
	struct ibv_qp *a = create(IBV_QPT_UD), *b = create(IBV_QPT_UD);
	struct ibv_ah_attr to = address();
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND_WITH_IMM,
		.imm_data = htonl(IMM),
		.wr.ud = { .ah = ibv_create_ah(pd, &to),
			   .remote_qpn = b->qp_num,
			   .remote_qkey = QKEY },
	};

	MUST(wr.wr.ud.ah);
	connect_qp(a, b);
	connect_qp(b, a);
	post_receive(b);
	MUST(request(a, &wr, 7, 2) == IBV_WC_SUCCESS);
}

int main(int argc, char **argv)
{
	gid_index = argc > 1 ? atoi(argv[1]) : 3;
	memset(memory, 1, SIZE);
	open_device();
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "MANY") == 0) {
			many();
		} else if (strcmp(argv[i], "UD") == 0) {
			datagram();
		} else if (strcmp(argv[i], "WAIT") == 0) {
			puts("ready");
			fflush(stdout);
			(void)getchar();
		} else {
			connected(strcmp(argv[i], "UC") == 0 ? IBV_QPT_UC : IBV_QPT_RC);
		}
	}
	printf("rkey 0x%x address 0x%llx\n", mr->rkey,
	       (unsigned long long)(uintptr_t)memory + 4096);
	return 0;
}
