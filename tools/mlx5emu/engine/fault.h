/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_FAULT_H
#define MLX5EMU_ENGINE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fabric/wire.h"
#include "../fault/decide.h"

struct emu_qp;
struct emu_cq;
struct emu_swqe;
struct emu_completion;

/*
 * Where the fault plan meets the device. Each hook asks fault/decide.h about one event and does
 * what the rules say. What reaches beyond the queue at hand (port, device, wire) is only noted by a
 * hook and done at the end of the round, when no list is being walked; a kill is done at once.
 *
 * With a plan that has rules about packets, datagrams carry one packet each, so that what is lost
 * is what the specification would lose. All calls: lock held.
 */

/* Takes the plan into force from now on; NULL or "" for none. -EINVAL with @error, -ENODEV. */
int emu_fault_load(const char *plan, char *error, size_t size);

/*
 * The same for the plan of the run. One that was in force before, until emu_fault_stop(), goes on: a
 * program that is refused a device and asks again, or opens one device after the other, has one plan.
 */
int emu_fault_start(const char *plan, char *error, size_t size);

/* Ends all faults and drops what is held back. */
void emu_fault_stop(void);

/* After fork(), in the child: it begins its plan anew. */
void emu_fault_forget(void);

/* Whether some rule is about such events, and the next rule that happens to one: decide.h. */
bool emu_fault_about(enum emu_fault_point point);
const struct emu_fault_rule *emu_fault_next(const struct emu_fault_event *event, unsigned *at);

/* Sends one packet of @qp, its payload in emu.tx already: through faults, port and fabric. */
int emu_fault_send(struct emu_qp *qp, const struct emu_packet *packet, bool keep);

/* What a packet that arrived for @qp meets: 0 = it is gone, else how often it is received. */
unsigned emu_fault_receive(const struct emu_qp *qp, const struct emu_packet *packet,
			   const uint8_t *datagram, size_t size, unsigned slot);

/* EMU_AETH_ACK = execute it; else the syndrome to answer with. */
uint8_t emu_fault_request(struct emu_qp *qp, const struct emu_packet *packet);

/* A WQE was fetched; returns for how many ns the queue rests before it starts. */
uint64_t emu_fault_wqe(struct emu_qp *qp, const struct emu_swqe *wqe);

/* A receive WQE was taken, of the own or the shared queue: it may not be of use any more. */
void emu_fault_taken(struct emu_qp *qp);

/* A completion is about to be written: true = the CQ overruns instead. */
bool emu_fault_completion(const struct emu_cq *cq, const struct emu_completion *c);

/* Rules with a moment, and packets held back: at the start of a round. Returns work done. */
unsigned emu_fault_begin_round(void);

/* What hooks noted: at the end of a round. */
unsigned emu_fault_end_round(void);

/* What is held back on its way out leaves now: the process is about to end, a wire is not. */
void emu_fault_release(void);

/* When emu_fault_begin_round() has something to do; UINT64_MAX = not foreseeable. */
uint64_t emu_fault_deadline(void);

/* The most payload that one datagram may carry. */
uint32_t emu_fault_payload(uint8_t mtu);

#endif
