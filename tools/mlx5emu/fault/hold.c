/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int emu_hold_add(struct emu_hold *hold, const struct emu_held *what, const void *datagram,
		 size_t size)
{
	struct emu_held *held = malloc(sizeof(*held) + size);

	if (!held)
		return -ENOMEM;
	*held = *what;
	held->next = NULL;
	held->size = size;
	memcpy(held->data, datagram, size);
	if (!hold->first)
		hold->last = &hold->first;
	*hold->last = held;
	hold->last = &held->next;
	return 0;
}

void emu_hold_passed(struct emu_hold *hold, bool in, unsigned slot)
{
	for (struct emu_held *h = hold->first; h; h = h->next)
		if (h->in == in && h->slot == slot && h->overtake && --h->overtake == 0)
			h->due_ns = 0;
}

struct emu_held *emu_hold_take(struct emu_hold *hold, uint64_t now_ns)
{
	struct emu_held **at = &hold->first;
	struct emu_held *held;

	while (*at && (*at)->due_ns > now_ns)
		at = &(*at)->next;
	held = *at;
	if (!held)
		return NULL;
	*at = held->next;
	if (!held->next)
		hold->last = at;
	return held;
}

uint64_t emu_hold_deadline(const struct emu_hold *hold)
{
	uint64_t deadline = UINT64_MAX;

	for (const struct emu_held *h = hold->first; h; h = h->next)
		if (h->due_ns < deadline)
			deadline = h->due_ns;
	return deadline;
}

void emu_hold_clear(struct emu_hold *hold)
{
	while (hold->first) {
		struct emu_held *held = hold->first;

		hold->first = held->next;
		free(held);
	}
}
