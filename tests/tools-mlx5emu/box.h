/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes of device commands, as tests write them: from the PRM on their own, so that a misreading
 * of the device's does not agree with itself.
 */
#ifndef TESTS_TOOLS_MLX5EMU_BOX_H
#define TESTS_TOOLS_MLX5EMU_BOX_H

#include "link.h"

#include <endian.h>
#include <infiniband/mlx5dv.h>

enum {
	STATUS_BAD_OP = 0x02,
	STATUS_BAD_PARAM = 0x03,
	STATUS_BAD_QP_STATE = 0x10,
	STATUS_BAD_INPUT_LEN = 0x50,
};

struct box {
	uint32_t in[0x200 / 4];
	uint32_t out[0x1010 / 4];
};

static inline void put(struct box *b, unsigned at, uint32_t word)
{
	b->in[at / 4] = htobe32(word);
}

static inline uint32_t got(const struct box *b, unsigned at)
{
	return be32toh(b->out[at / 4]);
}

static inline uint32_t status(const struct box *b)
{
	return got(b, 0) >> 24;
}

static inline struct box command(uint32_t opcode, uint32_t op_mod)
{
	struct box b = { .in = { 0 } };

	put(&b, 0, opcode << 16);
	put(&b, 4, op_mod);
	return b;
}

static inline uint32_t pdn_of(struct ibv_pd *pd)
{
	struct mlx5dv_pd out = { .comp_mask = 0 };
	struct mlx5dv_obj obj = { .pd = { .in = pd, .out = &out } };

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_PD), 0);
	return out.pdn;
}

static inline enum ibv_wc_status transfer(struct link *link, enum ibv_wr_opcode opcode, void *local,
					  uint32_t bytes, uint64_t remote, uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)local, bytes, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { remote, rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(link->qp, &wr, &bad), 0);
	return link_wait(link->cq).status;
}

#endif
