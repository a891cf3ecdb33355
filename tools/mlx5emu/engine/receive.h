/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_RECEIVE_H
#define MLX5EMU_ENGINE_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cq.h"
#include "prm.h"

struct emu_qp;
struct emu_packet;

/*
 * Where a queue pair's incoming messages find their receive: its own ring, or a shared queue. A
 * receive is held from its message's first packet until its completion. All results are AETH
 * syndromes: ACK, RNR NAK when nothing is posted, remote operational error when the queue is broken.
 */

/* Whether there is a receive for a message that begins now. */
uint8_t emu_receive_ready(struct emu_qp *qp);

/* Reads the receive that is held; false when it is not a good one. */
bool emu_receive_read(const struct emu_qp *qp, struct emu_rwqe *out);

/* Holds the next receive and reads its scatter list; no effect while one is held. */
uint8_t emu_receive_take(struct emu_qp *qp);

/* Holds the next receive without reading it: a write with immediate fills no buffer. */
uint8_t emu_receive_take_empty(struct emu_qp *qp);

/*
 * Scatters @length bytes behind those that came before; else the receive has failed.
 * @whole: they are all of the message, which then may go into the CQE
 */
uint8_t emu_receive_scatter(struct emu_qp *qp, const void *from, uint32_t length, bool whole);

/* The receive that is held will complete so, by emu_receive_complete(). */
void emu_receive_done(struct emu_qp *qp, const struct emu_completion *completion);

/* The completion that execution left behind, if it did. */
void emu_receive_complete(struct emu_qp *qp);

/* An error completion for the receive that is held or, if there is none, nothing. */
void emu_receive_failed(struct emu_qp *qp, enum emu_syndrome syndrome, uint8_t vendor);

/* Looks at the record of the own ring for a last time, as the ring ends or starts anew. */
void emu_receive_settle(struct emu_qp *qp);

/* Completes every posted receive that is the queue pair's own with a flush error; how many. */
unsigned emu_receive_flush(struct emu_qp *qp);

#endif
