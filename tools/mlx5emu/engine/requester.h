/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_REQUESTER_H
#define MLX5EMU_ENGINE_REQUESTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../fabric/wire.h"
#include "wqe_parse.h"

struct emu_qp;
struct emu_key_use;

/*
 * The sending half of a QP (IBA vol 1 section 9.7.3 "requester", 9.7.5.2 responses, 9.9.2 local
 * errors). Without acknowledges una is always where sent is.
 *
 *	send ring (64-byte blocks, 16-bit free-running index)
 *	| completed | fetched: wqe[head..tail) | posted, not fetched | free
 *	                                       ^ fetch               ^ limit (dbrec[1] at a doorbell)
 *
 *	fetched WQEs and their PSNs
 *	  head          una is in here        cur            tail
 *	| acknowledged | sent, not acknowledged | partly sent | not yet sent
 *
 * A WQE is fetched when the one before it has left, so at most one is not sent completely. Reads
 * and atomics own as many PSNs as their response has packets. Completion is in order: head leaves
 * when it is done, whatever happened behind it; a WQE that failed locally waits in its place.
 * Going back (NAK, time-out, RNR) only moves cur to the WQE that holds una.
 */
struct emu_swqe {
	enum emu_opcode opcode;
	uint8_t fence;
	bool signaled, solicited;
	bool in_cqe; /* what it fetches goes to @result, and from there into its CQE */
	bool done;
	enum emu_syndrome status; /* why it will complete in error */
	uint8_t vendor;
	uint16_t index;
	uint32_t psn, npsn; /* npsn 0: a NOP or UMR */
	uint32_t imm, rkey, length;
	uint64_t raddr, compare, swap_add;
	struct emu_ud_av av;
	uint32_t srqn;
	unsigned nseg, size;
	struct emu_umr *umr; /* of a UMR */
	struct emu_seg *seg; /* one allocation with the bytes behind it */
	uint8_t *bytes;      /* the WQE as fetched, where inline segments lie */
	uint8_t *result;     /* room for a result that goes into the CQE */
};

struct emu_requester {
	uint16_t fetch, limit;
	struct emu_swqe *wqe; /* ring of wqe_mask + 1 */
	uint32_t wqe_mask;
	uint32_t head, cur, tail;            /* free-running */
	uint32_t cur_packets;                /* of wqe[cur], already sent */
	uint32_t next_psn;                   /* for the next WQE fetched */
	uint32_t una;                        /* oldest PSN not acknowledged */
	uint32_t sent;                       /* behind the newest PSN ever sent */
	unsigned reads;                      /* reads and atomics under way */
	unsigned retries, rnr_retries;       /* used up since the last progress */
	uint64_t ack_deadline, rnr_deadline; /* 0 = off */
	uint64_t taken;                      /* how much the wire to the peer had taken ... */
	uint64_t turn_since;                 /* ... when it was last seen to move */
	uint64_t slow_deadline;              /* a fault: the next WQE starts then; 0 = off */
	bool blocked;                        /* the wire took nothing when last asked */
	bool implied_nak; /* went back for a lost response since the last progress */
	bool drained;     /* SQ_DRAINED was raised */
};

/* @blocks: of the send ring, 0 or a power of two. -ENOMEM. */
int emu_requester_init(struct emu_requester *req, uint32_t blocks);
void emu_requester_fini(struct emu_requester *req);

/* Drops all work and starts at index 0. */
void emu_requester_clear(struct emu_requester *req);

/* The index of the oldest WQE that has not completed, or of the next one. */
static inline uint16_t emu_requester_oldest(const struct emu_requester *req)
{
	return req->head == req->tail ? req->fetch : req->wqe[req->head & req->wqe_mask].index;
}

/* A doorbell rang: takes over the doorbell record. */
void emu_requester_doorbell(struct emu_qp *qp);

/* Sends and completes what it can; returns the number of work items. */
unsigned emu_requester_run(struct emu_qp *qp);

/* Responses; the packet is for this QP and from its peer. */
void emu_requester_receive(struct emu_qp *qp, const struct emu_packet *packet);

void emu_requester_ack_timeout(struct emu_qp *qp);
void emu_requester_rnr_timeout(struct emu_qp *qp);

/* Completes every WQE, fetched or not, with a flush error; returns how many. */
unsigned emu_requester_flush(struct emu_qp *qp);

/* ---- between requester.c, which chooses, requester_send.c, and requester_ack.c, which hears ---- */

/* Sends of @w, which is wqe[cur], one datagram. -EAGAIN later; -EFAULT it has failed. */
int emu_requester_send(struct emu_qp *qp, struct emu_swqe *w);

/* The wire moved just now: who waits for a turn has all the time again. */
void emu_requester_turn_from(struct emu_qp *qp);

static inline struct emu_swqe *emu_swqe_at(const struct emu_requester *req, uint32_t position)
{
	return &req->wqe[position & req->wqe_mask];
}

static inline bool emu_swqe_reads(const struct emu_swqe *w)
{
	return w->opcode == EMU_OP_READ || w->opcode == EMU_OP_ATOMIC_CS ||
	       w->opcode == EMU_OP_ATOMIC_FA;
}

/* Fails a WQE whose keys do not let it pass, and says which of them: @why is key.c's. */
void emu_swqe_protect(const struct emu_qp *qp, struct emu_swqe *w, const struct emu_key_use *use,
		      const char *why);

/* Fails a WQE that is not in the ring any more as it was fetched; before it completes. */
void emu_swqe_compare(const struct emu_qp *qp, struct emu_swqe *w);

/* Marks a WQE to complete in error when its turn comes; the first reason stays. */
void emu_swqe_fail(struct emu_swqe *w, enum emu_syndrome status, uint8_t vendor);

/* Retransmission starts at una. */
void emu_requester_go_back(struct emu_qp *qp);

/* Writes completions for what is done, in order; returns how many. */
unsigned emu_requester_retire(struct emu_qp *qp);

#endif
