/* SPDX-License-Identifier: MIT */
#include "own.h"

#include <endian.h>

static inline void begin(struct own *o)
{
	ibv_wr_start(o->qp);
	o->qp->wr_id = o->number;
	o->qp->wr_flags = IBV_SEND_SIGNALED;
}

static inline int64_t end(struct own *o)
{
	const int rc = ibv_wr_complete(o->qp);

	return rc ? -rc : (int64_t)o->number++;
}

static inline void element(struct own *o, const struct ibv_sge *sge)
{
	ibv_wr_set_sge(o->qp, sge->lkey, sge->addr, sge->length);
}

int64_t own_write_inline(struct own *o, void *payload, size_t length, const struct own_target *to)
{
	begin(o);
	ibv_wr_rdma_write(o->qp, to->rkey, to->addr);
	ibv_wr_set_inline_data(o->qp, payload, length);
	return end(o);
}

int64_t own_write(struct own *o, const struct ibv_sge *sge, const struct own_target *to)
{
	begin(o);
	ibv_wr_rdma_write(o->qp, to->rkey, to->addr);
	element(o, sge);
	return end(o);
}

int64_t own_write_list(struct own *o, const struct ibv_sge *sge, size_t n,
		       const struct own_target *to)
{
	begin(o);
	ibv_wr_rdma_write(o->qp, to->rkey, to->addr);
	ibv_wr_set_sge_list(o->qp, n, sge);
	return end(o);
}

int64_t own_send_inline(struct own *o, void *payload, size_t length)
{
	begin(o);
	ibv_wr_send(o->qp);
	ibv_wr_set_inline_data(o->qp, payload, length);
	return end(o);
}

int64_t own_send_imm(struct own *o, const struct ibv_sge *sge, uint32_t imm)
{
	begin(o);
	ibv_wr_send_imm(o->qp, htobe32(imm));
	element(o, sge);
	return end(o);
}

int64_t own_read(struct own *o, const struct ibv_sge *sge, const struct own_target *from)
{
	begin(o);
	ibv_wr_rdma_read(o->qp, from->rkey, from->addr);
	element(o, sge);
	return end(o);
}

int64_t own_fetch_add(struct own *o, const struct ibv_sge *result, const struct own_target *to,
		      uint64_t add)
{
	begin(o);
	ibv_wr_atomic_fetch_add(o->qp, to->rkey, to->addr, add);
	element(o, result);
	return end(o);
}

int64_t own_add_inline(struct own *o, void *payload, size_t length, const struct own_target *to)
{
	o->qp->wr_id = o->number;
	o->qp->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(o->qp, to->rkey, to->addr);
	ibv_wr_set_inline_data(o->qp, payload, length);
	return (int64_t)o->number++;
}

int64_t own_recv(struct own *o, struct ibv_sge *sge)
{
	struct ibv_recv_wr wr = { .wr_id = o->recv_number, .sg_list = sge, .num_sge = 1 }, *bad;
	const int rc = ibv_post_recv(&o->qp->qp_base, &wr, &bad);

	return rc ? -rc : (int64_t)o->recv_number++;
}

#define POLL(queue, read)                                      \
	do {                                                   \
		struct ibv_cq_ex *const cq = queue;            \
		struct ibv_poll_cq_attr attr = { 0 };          \
		unsigned got = 0;                              \
                                                               \
		if (ibv_start_poll(cq, &attr))                 \
			return 0;                              \
		do                                             \
			read(cq, &to[got]);                    \
		while (++got < max && ibv_next_poll(cq) == 0); \
		ibv_end_poll(cq);                              \
		return got;                                    \
	} while (0)

static inline unsigned poll_send(struct own *o, struct polled *to, unsigned max)
{
	POLL(o->send_cq, polled_sent);
}

static inline unsigned poll_recv(struct own *o, struct polled *to, unsigned max)
{
	POLL(o->recv_cq, polled_received);
}

unsigned own_poll_send_one(struct own *o, struct polled *to)
{
	return poll_send(o, to, 1);
}

unsigned own_poll_recv_one(struct own *o, struct polled *to)
{
	return poll_recv(o, to, 1);
}

unsigned own_poll_send(struct own *o, struct polled *to, unsigned max)
{
	return poll_send(o, to, max);
}

unsigned own_poll_recv(struct own *o, struct polled *to, unsigned max)
{
	return poll_recv(o, to, max);
}
