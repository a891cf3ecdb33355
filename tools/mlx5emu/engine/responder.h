/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_RESPONDER_H
#define MLX5EMU_ENGINE_RESPONDER_H

#include <stdbool.h>
#include <stdint.h>

#include "../fabric/wire.h"
#include "cq.h"
#include "engine.h"
#include "wqe_parse.h"

struct emu_qp;

/*
 * The answering half of an RC QP (IBA vol 1 section 9.7.4 "responder", 9.7.5.1 responses).
 *
 *	receive ring (rq_wqe_count strides, 16-bit free-running index)
 *	| completed | held by a SEND in progress | posted | free
 *	                                           ^ head   ^ dbrec[0]
 *
 * Requests execute in PSN order. What is owed to the requester waits in one FIFO, because a later
 * acknowledge would overtake a read response otherwise (9.7.5.1.2 allows merging acknowledges only
 * with their neighbours):
 *
 *	queue: [ACK 7] [READ 8..11] [ATOMIC 12] [ACK 14]   <- append, merge with a last ACK
 *
 * Executed reads and atomics stay in the history for duplicates (9.7.4.3.1, 9.7.5.1.4): a repeated
 * read is read again, a repeated atomic gets the value of the first time.
 */

enum emu_answer_kind {
	EMU_ANSWER_AETH, /* ACK, NAK or RNR NAK */
	EMU_ANSWER_READ,
	EMU_ANSWER_ATOMIC,
};

struct emu_answer {
	enum emu_answer_kind kind;
	uint32_t psn;     /* READ: of the next packet to send */
	uint8_t syndrome; /* AETH */
	bool duplicate;
	bool begun;  /* READ: the first response has left */
	uint64_t va; /* READ: what is left */
	uint32_t rkey, length, srqn;
	uint64_t value; /* ATOMIC */
};

struct emu_executed {
	bool valid, atomic;
	uint32_t psn, npsn;
	uint64_t va, value;
	uint32_t rkey, length;
};

enum {
	EMU_ANSWERS = 64,        /* power of two; a request that finds it full counts as lost */
	EMU_ANSWERS_RESERVE = 2, /* what one request can add: its answer or a NAK */
};

struct emu_responder {
	uint32_t epsn;     /* expected PSN */
	uint32_t msn;      /* messages completed, 24 bits (9.7.7.1) */
	bool nak_sent;     /* silent until epsn arrives (9.7.5.1.3) */
	bool acknowledged; /* an ACK left: up to acked_psn */
	uint32_t acked_psn;
	enum emu_wire_opcode message; /* SEND or WRITE in progress, 0 = none */
	uint32_t srqn;                /* XRC: that it names */
	uint64_t received;            /* bytes of it */
	uint64_t va;                  /* WRITE: of its first byte */
	uint32_t rkey, dma_len;

	uint16_t head;    /* of the own ring: the next WQE to take */
	uint16_t record;  /* of the own ring, as last seen */
	bool record_told; /* it was wrong, and that was said */
	unsigned taken;   /* bytes[] of the WQE that is held, 0 = it was not read */
	uint8_t bytes[EMU_RWQE_MAX_SEG * EMU_DS];
	bool has_rwqe;       /* a receive is held: WQE rwqe_index of the own or shared queue */
	uint16_t rwqe_index; /* of a shared queue: its place, not a free-running count */
	bool last_wqe;       /* QP_LAST_WQE_REACHED was raised */
	struct emu_rwqe rwqe;
	uint8_t scatter; /* the message is in in_cqe[], for an entry of so many bytes; 0 = it is not */
	uint8_t in_cqe[EMU_CQE_SCATTER_MAX];
	bool completes; /* the request just executed ends a receive */
	struct emu_completion completion;

	struct emu_answer answer[EMU_ANSWERS];
	unsigned first_answer, last_answer; /* free-running */
	unsigned reads_owed;                /* READ and ATOMIC in the queue, duplicates aside */
	struct emu_executed executed[EMU_MAX_RD_ATOM];
	unsigned next_executed;
};

/* False in states that hear nothing; the first request in RTR is an event. */
bool emu_responder_listens(struct emu_qp *qp);

/*
 * The domain whose keys a request may name: the QP's or, with XRC, that of the shared receive queue
 * which the request names (annex A14). NULL when there is no such queue.
 */
const struct emu_pd *emu_responder_pd(const struct emu_qp *qp, uint32_t srqn);

/*
 * Length rules of a packet's payload (IBA vol 1 section 9.7.4.1.6): where the two ends do not agree about the
 * MTU, a message that is one packet for both passes, and others begin with one of the wrong size.
 */
bool emu_responder_size_ok(const struct emu_qp *qp, const struct emu_packet *packet);

void emu_responder_clear(struct emu_responder *resp);

/*
 * The request that relay.h was given, which expected its turn, has come to @syndrome in another process;
 * @value is what an atomic found there.
 */
void emu_responder_relayed(struct emu_qp *qp, const struct emu_packet *packet, uint8_t syndrome,
			   uint64_t value);

/* Sends what is owed; returns the number of datagrams. */
unsigned emu_responder_run(struct emu_qp *qp);

/* A queue pair that is put into the error state answers no more. */
void emu_answers_drop(struct emu_responder *resp);

/* Whether anything is owed. */
static inline bool emu_responder_owes(const struct emu_responder *resp)
{
	return resp->first_answer != resp->last_answer;
}

/* ---- between responder.c (order), execute.c (effects) and answer.c (the FIFO) ---- */

/* What executing came to: an AETH syndrome; ACK means done. */
uint8_t emu_execute_send(struct emu_qp *qp, const struct emu_packet *packet);
uint8_t emu_execute_write(struct emu_qp *qp, const struct emu_packet *packet);
uint8_t emu_execute_read(struct emu_qp *qp, const struct emu_packet *packet);
uint8_t emu_execute_atomic(struct emu_qp *qp, const struct emu_packet *packet);

/* Their two halves: what happens to memory, and what is remembered and owed. */
uint8_t emu_execute_read_allowed(struct emu_qp *qp, const struct emu_packet *packet);
void emu_execute_read_answer(struct emu_qp *qp, const struct emu_packet *packet);
uint8_t emu_execute_atomic_memory(struct emu_qp *qp, const struct emu_packet *packet,
				  uint64_t *found);
void emu_execute_atomic_answer(struct emu_qp *qp, const struct emu_packet *packet, uint64_t found);

/* Answers a read or atomic that was executed before; nothing when it is not in the history. */
void emu_execute_again(struct emu_qp *qp, const struct emu_packet *packet);

void emu_answer_aeth(struct emu_qp *qp, uint32_t psn, uint8_t syndrome);
void emu_answer_add(struct emu_qp *qp, const struct emu_answer *answer);

#endif
