/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_DOORBELL_H
#define MLX5EMU_ENGINE_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

#include "prm.h"

/*
 * What a doorbell, its record and the ring must have in common:
 *
 *	doorbell	the first eight bytes of the last WQE that was posted; written at once
 *	record		counts to behind that WQE, and was written before the doorbell
 *	BlueFlame	behind those eight bytes the rest of the WQE, as it is in the ring
 *
 * The record alone starts work, so breaches of these rules work here as they may on an adapter, until
 * they do not: they are looked for apart from the work, and nothing depends on this file.
 *
 * A register's bytes behind the doorbell say whether they were written only by what lay there before.
 * That is known as long as no doorbell was missed, which the engine, as it looks from time to time, may
 * do: then what a slot holds is not judged until it is known again. In manual mode a program that
 * steps the device after each doorbell has each BlueFlame write compared.
 */

struct emu_qp;
struct emu_uar;

enum {
	EMU_BF_BYTES = 256, /* one half of a register */
};

/* One half of a register, by what was seen of it. */
struct emu_bf {
	bool known;   /* seen[] is what lies there but for what comes with the next doorbell */
	bool pending; /* expected[] is still to be compared */
	uint32_t qpn;
	uint16_t index;
	unsigned size; /* bytes of expected[] */
	uint8_t seen[EMU_BF_BYTES], expected[EMU_BF_BYTES];
};

/* A page was handed out, all zero. @bf: EMU_UAR_SLOTS of them. */
void emu_bf_reset(struct emu_bf *bf);

struct emu_doorbell {
	unsigned slot;
	uint64_t value; /* as it lies in memory */
};

/* Holds the @n doorbells of one round against records and rings, before anybody acts on them. */
void emu_doorbells_check(struct emu_uar *uar, struct emu_doorbell *doorbell, unsigned n);

/*
 * What the QP's doorbells left to compare; the QP goes away, or its rings start anew. Does not rely on
 * rings and records being there still.
 */
void emu_doorbells_settle(struct emu_qp *qp);

/* Records that were moved without a doorbell, now and then: a queue that waits for it does nothing. */
void emu_doorbells_watch(void);

/* The same at the end of a process. */
void emu_doorbells_watch_last(void);

#endif
