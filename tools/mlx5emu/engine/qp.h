/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_QP_H
#define MLX5EMU_ENGINE_QP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "cq.h"
#include "grh.h"
#include "mcast.h"
#include "mr.h"
#include "owner.h"
#include "prm.h"
#include "requester.h"
#include "responder.h"
#include "srq.h"
#include "stat.h"
#include "state.h"
#include "transport.h"

/*
 * A queue pair: attributes and state here, the sending half in struct emu_requester, the answering
 * half in struct emu_responder. States and who runs in them (IBA vol 1 section 10.3.1):
 *
 *	RESET -> INIT -> RTR -> RTS <-> SQD	requester: RTS, SQD (finishes what it began)
 *	  ^                |      |     |	responder: RTR, RTS, SQD, SQE
 *	  +--- any    any -+---> ERR <--+	ERR: flushes, answers nothing
 *						SQE (from RTS, not RC): the send queue flushes
 */
struct emu_qp {
	struct emu_device *dev;
	struct emu_qp_init init;
	const struct emu_transport *transport;
	struct emu_qp_attr attr;
	uint32_t qpn;
	struct emu_stat_qp *stat; /* its line in the counters: stat.h */
	struct emu_pd *pd;
	struct emu_cq *send_cq, *recv_cq;
	struct emu_srq *srq;           /* NULL: receives are the QP's own */
	struct emu_xrcd *xrcd;         /* XRC_TGT: srq is what the current request names, or NULL */
	struct emu_relay *relay;       /* XRC_TGT: with queues of other processes, or NULL */
	struct emu_stand_in *stand_in; /* it is one, and in no table: relay.h */
	struct emu_uar *uar;
	struct emu_list uar_node, work_node, timed_node, failed_node;
	const uint8_t *sq, *rq; /* rings in the program's memory */
	emu_be32 *dbrec;
	uint16_t rung;         /* behind the WQE that the last doorbell was for: doorbell.c */
	uint64_t silent_since; /* the record moved and no doorbell came; 0 = not so */
	bool silent_told;
	bool established; /* COMM_EST was raised */
	bool leaves;      /* has its last turns: what it sends waits in the fabric, which stays */
	struct emu_group *groups;
	struct emu_owner sq_owner, rq_owner;
	struct emu_requester req;
	struct emu_responder resp;
};

enum {
	EMU_PSN_MASK = 0xffffff,
};

/* Signed distance a - b of two 24-bit sequence numbers. */
static inline int32_t emu_psn_diff(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

static inline uint32_t emu_psn_add(uint32_t psn, uint32_t n)
{
	return (psn + n) & EMU_PSN_MASK;
}

static inline unsigned emu_qpn_slot(uint32_t qpn)
{
	return qpn >> 16;
}

/* By the full number of this process, of any device; NULL when there is none. */
struct emu_qp *emu_qp_find_any(uint32_t qpn);
struct emu_qp *emu_qp_find(const struct emu_device *dev, uint32_t qpn);

/* An XRC shared receive queue goes away: no queue pair may hold on to it. */
void emu_qps_forget_srq(const struct emu_srq *srq);

/* The send ring for wqe_parse.h. */
static inline struct emu_wqe_ring emu_qp_ring(const struct emu_qp *qp)
{
	return (struct emu_wqe_ring){
		.bytes = qp->sq,
		.blocks = qp->init.sq_wqebb_count,
		.qpn = qp->qpn,
		.type = qp->init.type,
		.infiniband = qp->dev->config.infiniband,
		.strict = emu.strict,
	};
}

/* Looks at all doorbells and records of the QP for a last time, as its rings end or start anew. */
void emu_qp_settle(struct emu_qp *qp);

/* Puts the QP on the work list. */
void emu_qp_kick(struct emu_qp *qp);

/* Moves to ERR; emu.failed has it flushed. No effect in RESET and ERR. */
void emu_qp_fail(struct emu_qp *qp);

/*
 * After a failed send: where the transport has a state for it, only the send queue stops (IBA vol 1
 * section 10.3.1, "SQE").
 */
void emu_qp_fail_send(struct emu_qp *qp);

/* Moves to ERR with an asynchronous event: the device cannot go on with this QP. */
void emu_qp_fatal(struct emu_qp *qp, enum emu_event type);

/* Forgets all work, as RESET does. */
void emu_qp_clear(struct emu_qp *qp);

/* The path MTU as a code; of a datagram, what the port has. */
uint8_t emu_qp_mtu(const struct emu_qp *qp);

/* Whether its port takes this: one drops packets that are longer than its MTU (IBA vol 1 section 7.3). */
static inline bool emu_qp_port_takes(const struct emu_qp *qp, const struct emu_packet *p)
{
	const uint32_t length = p->length - (p->service == EMU_SERVICE_UD ? EMU_GRH_BYTES : 0);
	const uint32_t most = emu_mtu_bytes(p->mtu);

	return (length < most ? length : most) <= qp->dev->config.mtu;
}

/* In whose partition it is. */
static inline uint16_t emu_qp_pkey(const struct emu_qp *qp)
{
	return qp->dev->config.pkey[qp->attr.pkey_index];
}

/* The current word of the QP's doorbell record; whole, and as the count that it is. */
uint32_t emu_qp_dbrec_word(const struct emu_qp *qp, unsigned word);
uint16_t emu_qp_dbrec(const struct emu_qp *qp, unsigned word);

/* A completion of this QP, all but its number filled; an overrun CQ is fatal to it. */
void emu_qp_complete(struct emu_qp *qp, struct emu_cq *cq, struct emu_completion *c);

/* Writes flush completions for what both queues hold; returns how many. */
unsigned emu_qp_flush(struct emu_qp *qp);

void emu_qps_destroy(struct emu_device *dev);

/* What the device's queues can still send leaves, or waits in the fabric; their end is near. */
void emu_qps_last_turns(const struct emu_device *dev);

/* The queues of a broken device: none has anything to do from now on. */
void emu_qps_stop(struct emu_device *dev);

/* ---- segments.c ---- */

/*
 * Appends the pieces of this process's memory behind bytes [offset, offset + size) of a segment list
 * with keys that @use may use; @out may be NULL to know whether they may be used at all.
 * @inlined: where inline segments lie. NULL, or why a key forbids it.
 */
const char *emu_segments_iov(const struct emu_key_use *use, const struct emu_seg *seg,
			     unsigned nseg, uint8_t *inlined, uint64_t offset, uint64_t size,
			     struct emu_pieces *out);

#endif
