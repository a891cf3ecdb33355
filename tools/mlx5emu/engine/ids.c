/* SPDX-License-Identifier: MIT */
#include "ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct emu_ids *ids)
{
	uint32_t size = ids->size ? ids->size * 2 : ids->first + 64;
	void **slot;

	if (size > ids->limit)
		size = ids->limit;
	slot = realloc(ids->slot, size * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	memset(slot + ids->size, 0, (size - ids->size) * sizeof(*slot));
	ids->slot = slot;
	ids->size = size;
	return 0;
}

int emu_ids_add(struct emu_ids *ids, void *object, uint32_t *id)
{
	uint32_t at = ids->next > ids->first ? ids->next : ids->first;

	if (ids->count >= ids->limit - ids->first)
		return -ENOMEM;
	/* Rising numbers first; and never a search through a full table. */
	if (ids->size < ids->limit && (at >= ids->size || ids->count >= ids->size - ids->first)) {
		const int rc = grow(ids);

		if (rc < 0)
			return rc;
	}
	for (;; at++) {
		if (at >= ids->size)
			at = ids->first;
		if (!ids->slot[at])
			break;
	}
	ids->slot[at] = object;
	ids->next = at + 1;
	ids->count++;
	*id = at;
	return 0;
}

void emu_ids_remove(struct emu_ids *ids, uint32_t id)
{
	ids->slot[id] = NULL;
	ids->count--;
}

void emu_ids_reset(struct emu_ids *ids)
{
	free(ids->slot);
	ids->slot = NULL;
	ids->count = 0;
	ids->size = 0;
	ids->next = 0;
}
