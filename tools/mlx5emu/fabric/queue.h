/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_QUEUE_H
#define MLX5EMU_FABRIC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* A FIFO of datagram copies. Zero-initialised is empty; the owner guards it. */

struct emu_queued {
	struct emu_queued *next;
	size_t size;
	uint8_t data[];
};

struct emu_queue {
	struct emu_queued *head, *tail;
	unsigned count;
};

/* 0 or -ENOMEM. */
int emu_queue_put(struct emu_queue *queue, const void *datagram, size_t size);

/* Takes out the first, for free(); NULL when there is none. */
struct emu_queued *emu_queue_take(struct emu_queue *queue);

/* Removes the first; the queue is not empty. */
void emu_queue_drop(struct emu_queue *queue);
void emu_queue_clear(struct emu_queue *queue);

#endif
