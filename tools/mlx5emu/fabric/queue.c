/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int emu_queue_put(struct emu_queue *queue, const void *datagram, size_t size)
{
	struct emu_queued *item = malloc(sizeof(*item) + size);

	if (!item)
		return -ENOMEM;
	item->next = NULL;
	item->size = size;
	memcpy(item->data, datagram, size);
	if (queue->tail)
		queue->tail->next = item;
	else
		queue->head = item;
	queue->tail = item;
	queue->count++;
	return 0;
}

struct emu_queued *emu_queue_take(struct emu_queue *queue)
{
	struct emu_queued *item = queue->head;

	if (!item)
		return NULL;
	queue->head = item->next;
	if (!queue->head)
		queue->tail = NULL;
	queue->count--;
	return item;
}

void emu_queue_drop(struct emu_queue *queue)
{
	free(emu_queue_take(queue));
}

void emu_queue_clear(struct emu_queue *queue)
{
	while (queue->head)
		emu_queue_drop(queue);
}
