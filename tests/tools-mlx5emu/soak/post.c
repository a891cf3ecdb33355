/* SPDX-License-Identifier: MIT */
/* Works as requests of ibv_post_send(), or as calls of ibv_wr_*(). */
#include "soak/rig.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum { SGES = 3, CHAIN = 4, QKEY = 0x11335577 };

/* @len bytes from @place on, in @nsge pieces that lie behind each other; 0 when there are none. */
static int split(const struct rig *rig, void *place, uint32_t len, unsigned nsge,
		 struct ibv_sge sge[SGES])
{
	uint32_t done = 0;
	int n = 0;

	for (unsigned i = 0; i < nsge && done < len; i++) {
		const uint32_t piece = i + 1 == nsge ? len - done : (len - done + 1) / 2;

		sge[n++] = (struct ibv_sge){ .addr = (uintptr_t)place + done,
					     .length = piece,
					     .lkey = rig->mr->lkey };
		done += piece;
	}
	return n;
}

void rig_post_receive(struct rig *rig, unsigned qp, unsigned index, unsigned nsge)
{
	struct ibv_sge sge[SGES];
	struct ibv_recv_wr *bad, wr = { .wr_id = index, .sg_list = sge };
	const uint32_t grh = rig->plan->transport == SOAK_UD ? GRH : 0;

	wr.num_sge = split(rig, rig_receive_slot(rig, index), rig->plan->max_len + grh, nsge, sge);
	if (rig->srq)
		must(ibv_post_srq_recv(rig->srq, &wr, &bad) == 0);
	else
		must(ibv_post_recv(rig->qp[qp], &wr, &bad) == 0);
}

/* Where the bytes are here, and where at the peer. */
static void *local_place(const struct rig *rig, unsigned qp, const struct work *w)
{
	return w->kind < READ ? rig->memory->source + w->from : rig->memory->sink[qp] + w->sink;
}

static uint64_t remote_place(const struct rig *rig, unsigned qp, const struct work *w)
{
	size_t at = offsetof(struct memory, window) + qp * WINDOW + w->at;

	if (w->kind == READ)
		at = offsetof(struct memory, source) + w->from;
	else if (w->kind == ADD_SHARED)
		at = offsetof(struct memory, shared);
	else if (work_is_atomic(w))
		at = offsetof(struct memory, word) + (qp * WORDS + w->word) * sizeof(uint64_t);
	return rig->peer.memory + at;
}

static enum ibv_wr_opcode opcode(const struct work *w)
{
	switch (w->kind) {
	case SEND:
		return IBV_WR_SEND;
	case SEND_IMM:
		return IBV_WR_SEND_WITH_IMM;
	case WRITE_IMM:
		return IBV_WR_RDMA_WRITE_WITH_IMM;
	case WRITE:
	case OVERWRITE:
		return IBV_WR_RDMA_WRITE;
	case SWAP:
		return IBV_WR_ATOMIC_CMP_AND_SWP;
	case ADD:
	case ADD_SHARED:
		return IBV_WR_ATOMIC_FETCH_AND_ADD;
	default:
		return IBV_WR_RDMA_READ;
	}
}

static unsigned flags_of(const struct rig *rig, const struct work *w)
{
	return (w->signaled ? IBV_SEND_SIGNALED : 0u) | (w->is_inline ? IBV_SEND_INLINE : 0u) |
	       (w->solicited && work_arrives(w) ? IBV_SEND_SOLICITED : 0u) |
	       (w->fence && rig->plan->transport == SOAK_RC ? IBV_SEND_FENCE : 0u);
}

static uint64_t wr_id(unsigned qp, const struct work *w)
{
	return (uint64_t)qp << 32 | w->seq;
}

static void fill_request(struct rig *rig, unsigned qp, const struct work *w, struct ibv_send_wr *wr,
			 struct ibv_sge *sge)
{
	const uint64_t remote = remote_place(rig, qp, w);

	*wr = (struct ibv_send_wr){
		.wr_id = wr_id(qp, w),
		.sg_list = sge,
		.num_sge = split(rig, local_place(rig, qp, w), w->len,
				 work_is_atomic(w) ? 1 : w->nsge, sge),
		.opcode = opcode(w),
		.send_flags = flags_of(rig, w),
		.imm_data = htobe32(w->imm),
	};
	if (rig->plan->transport == SOAK_UD) {
		wr->wr.ud.ah = rig->ah;
		wr->wr.ud.remote_qpn = rig->peer.qpn[qp];
		wr->wr.ud.remote_qkey = QKEY;
	} else if (work_is_atomic(w)) {
		wr->wr.atomic.remote_addr = remote;
		wr->wr.atomic.rkey = rig->peer.rkey;
		wr->wr.atomic.compare_add = w->kind == ADD_SHARED ? 1 : w->operand;
		wr->wr.atomic.swap = w->swap;
	} else {
		wr->wr.rdma.remote_addr = remote;
		wr->wr.rdma.rkey = rig->peer.rkey;
	}
}

static void call_operation(struct rig *rig, unsigned qp, const struct work *w)
{
	const uint64_t remote = remote_place(rig, qp, w);
	const uint32_t rkey = rig->peer.rkey;
	struct ibv_qp_ex *const x = rig->qpx[qp];

	switch (opcode(w)) {
	case IBV_WR_SEND:
		ibv_wr_send(x);
		break;
	case IBV_WR_SEND_WITH_IMM:
		ibv_wr_send_imm(x, htobe32(w->imm));
		break;
	case IBV_WR_RDMA_WRITE:
		ibv_wr_rdma_write(x, rkey, remote);
		break;
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		ibv_wr_rdma_write_imm(x, rkey, remote, htobe32(w->imm));
		break;
	case IBV_WR_RDMA_READ:
		ibv_wr_rdma_read(x, rkey, remote);
		break;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		ibv_wr_atomic_cmp_swp(x, rkey, remote, w->operand, w->swap);
		break;
	default:
		ibv_wr_atomic_fetch_add(x, rkey, remote, w->kind == ADD_SHARED ? 1 : w->operand);
		break;
	}
}

static void call_one(struct rig *rig, unsigned qp, const struct work *w)
{
	struct ibv_qp_ex *const x = rig->qpx[qp];
	void *const place = local_place(rig, qp, w);
	struct ibv_sge sge[SGES];

	x->wr_id = wr_id(qp, w);
	x->wr_flags = flags_of(rig, w) & ~(unsigned)IBV_SEND_INLINE;
	call_operation(rig, qp, w);
	if (rig->plan->transport == SOAK_UD)
		ibv_wr_set_ud_addr(x, rig->ah, rig->peer.qpn[qp], QKEY);
	if (w->is_inline)
		ibv_wr_set_inline_data(x, place, w->len);
	else if (work_is_atomic(w))
		ibv_wr_set_sge(x, rig->mr->lkey, (uintptr_t)place, w->len);
	else
		ibv_wr_set_sge_list(x, (size_t)split(rig, place, w->len, w->nsge, sge), sge);
}

void rig_post(struct rig *rig, unsigned qp, const struct work *works, unsigned n)
{
	struct ibv_send_wr wr[CHAIN], *bad;
	struct ibv_sge sge[CHAIN][SGES];

	check(n <= CHAIN, "a chain of %u", n);
	if (rig->plan->extended) {
		ibv_wr_start(rig->qpx[qp]);
		for (unsigned i = 0; i < n; i++)
			call_one(rig, qp, &works[i]);
		must((errno = ibv_wr_complete(rig->qpx[qp])) == 0);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		fill_request(rig, qp, &works[i], &wr[i], sge[i]);
		wr[i].next = i + 1 < n ? &wr[i + 1] : NULL;
	}
	must((errno = ibv_post_send(rig->qp[qp], wr, &bad)) == 0);
}
