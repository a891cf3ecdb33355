/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_RELAY_H
#define MLX5EMU_ENGINE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fabric/domain.h"
#include "../fabric/queue.h"
#include "../fabric/wire.h"
#include "list.h"

struct emu_answer;
struct emu_qp;
struct emu_relayed;
struct emu_srq;
struct emu_stand_in;

/*
 * XRC (annex A14) between processes: the target queue pair is in one, the shared receive queue that a
 * request names in another, and both have the domain open. What an adapter does in one place takes two:
 *
 *	requester            target's process                owner's process
 *	   | request -------> order, rights of the QP
 *	   |                  REQUEST ----------------------> a stand-in executes it: queue, keys, memory
 *	   |                  | later requests wait           |
 *	   | <---------- ACK  DONE <------------------------- and then writes the completion
 *
 * - The number of the queue names its process, as that of a queue pair does, and the domain has the file's
 *   name: the owner checks that the queue is of it, and no table is shared.
 * - Ordering and answering stay the target's, as does the history for duplicates; the owner has what a
 *   message under way needs (stand_in.c): a queue pair with the target's number that is in no table.
 * - A target asks for one thing at a time, and what arrives meanwhile waits behind it. So the order is that
 *   of the wire, and an acknowledge leaves when the memory is written.
 * - The data of a read is fetched when its turn comes to be sent, a datagram at a time.
 * - Questions have numbers and are repeated until they are answered. The owner carries each out once, and
 *   who got the slot of an owner that died knows nothing of the queue; so nothing is waited for in vain.
 * - A queue whose process is gone is a queue that does not exist: an invalid request.
 */

struct emu_question {
	uint64_t number;    /* 0 = none is open */
	uint64_t repeat_at; /* device clock */
	unsigned slot;
	size_t size;
	uint8_t *datagram;
};

/* Of a target that has met such a queue: qp->relay. */
struct emu_relay {
	struct emu_list node; /* emu.relays, while a question is open */
	struct emu_qp *qp;
	uint64_t since; /* number: nothing before is of this life of the queue pair */
	struct emu_question request, fetch;
	struct emu_packet packet; /* of the request; its payload is in the question */
	struct emu_queue later;   /* requests that arrived behind it */
	bool fetched;
	uint8_t syndrome; /* of what was fetched: ACK, and it is in data[] */
	uint64_t va;
	uint32_t length;
	uint8_t *data;
	bool owner[256]; /* by slot: has a stand-in */
};

/* Whether requests that name the queue are for another process. */
bool emu_relay_wanted(const struct emu_qp *qp, uint32_t srqn);

/* Whether a request of @qp is under way: those behind it wait, by emu_relay_later(). */
bool emu_relay_waits(const struct emu_qp *qp);
void emu_relay_later(struct emu_qp *qp, const struct emu_packet *packet);

/* Has the owner execute it; emu_responder_relayed() goes on when it did. */
void emu_relay_request(struct emu_qp *qp, const struct emu_packet *packet);

/*
 * What a read owes next, @length bytes of it, into emu.tx behind the header of a packet. 0 it is there, or
 * *@why not; -EAGAIN when asked for.
 */
int emu_relay_fetch(struct emu_qp *qp, const struct emu_answer *a, uint32_t length,
		    const char **why);

/* The target forgets everything, and so do the owners. @flush: it is in error. */
void emu_relay_end(struct emu_qp *qp, bool flush);

/* A datagram of fabric/relay.h. */
void emu_relay_receive(const uint8_t *datagram, size_t size, unsigned slot);

/* Repeats what was not answered in time, notes when the next is to be; how many. */
unsigned emu_relays_timeout(uint64_t now);

/* ---- stand_in.c: the owner's half ---- */

/* What emu_relay_receive() got for it; the datagram's payload is not in emu.tx. */
void emu_stand_in_receive(const struct emu_relayed *m, unsigned slot);

/* The shared queue goes, and what held on to it. NULL: all, in a child after fork(). */
void emu_stand_ins_forget(const struct emu_srq *srq);

/* The queue pair failed: for its target to hear, and to raise the event. */
void emu_stand_in_fatal(struct emu_stand_in *s);

#endif
