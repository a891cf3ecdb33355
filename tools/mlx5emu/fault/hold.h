/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FAULT_HOLD_H
#define MLX5EMU_FAULT_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Datagrams on the way that take longer: copies, each waiting for a moment of the device's clock or
 * for a number of later datagrams of its direction and slot to overtake it, whichever is first.
 * Zero-initialised is empty; the owner guards it.
 */

struct emu_held {
	struct emu_held *next;
	bool in;
	unsigned slot;     /* where it goes, or came from */
	uint64_t due_ns;   /* leaves then at the latest */
	uint64_t overtake; /* leaves when this many have passed; 0 = only due_ns counts */
	size_t size;
	uint8_t data[];
};

struct emu_hold {
	struct emu_held *first, **last; /* last: NULL until the first use */
};

/* Copies the datagram; -ENOMEM. @what: all but next, size and data. */
int emu_hold_add(struct emu_hold *hold, const struct emu_held *what, const void *datagram,
		 size_t size);

/* A later datagram passed: those waiting for it come closer. */
void emu_hold_passed(struct emu_hold *hold, bool in, unsigned slot);

/* Takes out the oldest one that may go at @now_ns, for free(); NULL when none may. */
struct emu_held *emu_hold_take(struct emu_hold *hold, uint64_t now_ns);

/* The earliest due_ns; UINT64_MAX when empty. */
uint64_t emu_hold_deadline(const struct emu_hold *hold);

void emu_hold_clear(struct emu_hold *hold);

#endif
