/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_TIMER_H
#define MLX5EMU_ENGINE_TIMER_H

#include <stdint.h>

struct emu_qp;

/*
 * The device's clock and the timers of a requester: acknowledge and receiver-not-ready, and the
 * rest that a slow device (a fault) takes.
 * Manual mode stands on a virtual clock, otherwise it is CLOCK_MONOTONIC.
 */

uint64_t emu_now_ns(void);

/* CLOCK_MONOTONIC, also in manual mode. */
uint64_t emu_machine_ns(void);

/* IBA vol 1 table 45 (RNR NAK timer field), codes 0..31. */
uint64_t emu_rnr_ns(uint8_t code);

/* How long a requester waits after the NAK that is its @retries'th in a row (1..). */
uint64_t emu_rnr_wait_ns(uint8_t code, unsigned retries);

/* The local ACK timeout for a code 1..31 (0 = no timer; not for this function). */
uint64_t emu_ack_timeout_ns(uint8_t code);

/* Starts, moves or (with 0) stops a timer; absolute times. */
void emu_timer_ack(struct emu_qp *qp, uint64_t deadline);
void emu_timer_rnr(struct emu_qp *qp, uint64_t deadline);
void emu_timer_slow(struct emu_qp *qp, uint64_t deadline);

/* Runs what has expired; returns how many. */
unsigned emu_timers_run(void);

#endif
