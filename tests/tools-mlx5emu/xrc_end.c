/* SPDX-License-Identifier: MIT */
#include "xrc_end.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void xrc_open_end(struct xrc_end *end)
{
	end->ctx = link_open_device();
	end->pd = ibv_alloc_pd(end->ctx);
	assert_non_null(end->pd);
	end->cq = ibv_create_cq(end->ctx, 2 * XRC_DEPTH, NULL, NULL, 0);
	assert_non_null(end->cq);
	end->mr = ibv_reg_mr(end->pd, end->buffer, sizeof(end->buffer), LINK_ACCESS_ALL);
	assert_non_null(end->mr);
}

void xrc_close_end(struct xrc_end *end)
{
	assert_int_equal(ibv_dereg_mr(end->mr), 0);
	assert_int_equal(ibv_destroy_cq(end->cq), 0);
	assert_int_equal(ibv_dealloc_pd(end->pd), 0);
	assert_int_equal(ibv_close_device(end->ctx), 0);
}

struct ibv_xrcd *xrc_open_domain(struct xrc_end *end, int fd, int oflags)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.fd = fd,
		.oflags = oflags,
	};

	return ibv_open_xrcd(end->ctx, &attr);
}

int xrc_make_file(void)
{
	char path[] = "/tmp/mlx5emu-xrcd.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

struct ibv_qp *xrc_make_target(struct xrc_end *end, struct ibv_xrcd *xrcd)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_XRC_RECV,
		.comp_mask = IBV_QP_INIT_ATTR_XRCD,
		.xrcd = xrcd,
	};

	return ibv_create_qp_ex(end->ctx, &attr);
}

struct ibv_qp *xrc_make_initiator(struct xrc_end *end)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_XRC_SEND,
		.send_cq = end->cq,
		.cap = { .max_send_wr = XRC_DEPTH, .max_send_sge = 1 },
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = end->pd,
	};

	return ibv_create_qp_ex(end->ctx, &attr);
}

struct ibv_srq *xrc_make_srq(struct xrc_end *end, struct ibv_xrcd *xrcd)
{
	struct ibv_srq_init_attr_ex attr = {
		.attr = { .max_wr = XRC_DEPTH, .max_sge = 1 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_XRCD |
			     IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC,
		.xrcd = xrcd,
		.cq = end->cq,
		.pd = end->pd,
	};

	return ibv_create_srq_ex(end->ctx, &attr);
}

uint32_t xrc_receive(struct xrc_end *end, struct ibv_srq *srq, uint32_t length)
{
	struct ibv_sge sge = { (uintptr_t)end->buffer, length, end->mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;
	uint32_t number = 0;

	assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
	assert_int_equal(ibv_get_srq_num(srq, &number), 0);
	return number;
}

void xrc_send(struct xrc_end *end, struct ibv_qp *from, uint32_t number, uint32_t length)
{
	struct ibv_sge sge = { (uintptr_t)end->buffer, length, end->mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
		.qp_type.xrc.remote_srqn = number,
	};
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(from, &wr, &bad), 0);
}
