/* SPDX-License-Identifier: MIT */
/* Handles are slots of a growing array; an object never moves, callbacks hold pointers to it. */
#include "uverbs/object.h"

#include "uverbs/evfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int grow(struct emu_object_table *table)
{
	uint32_t size = table->size ? 2 * table->size : 64;
	struct emu_object **slot = realloc(table->slot, size * sizeof(struct emu_object *));

	if (!slot)
		return -ENOMEM;
	memset(slot + table->size, 0, (size - table->size) * sizeof(struct emu_object *));
	table->slot = slot;
	table->size = size;
	return 0;
}

struct emu_object *emu_object_new(struct emu_object_table *table, enum emu_object_type type)
{
	struct emu_object *obj = calloc(1, sizeof(*obj));
	uint32_t handle = table->lowest;

	if (!obj)
		return NULL;
	while (handle < table->size && table->slot[handle])
		handle++;
	if (handle == table->size && grow(table) < 0) {
		free(obj);
		return NULL;
	}
	obj->type = type;
	obj->handle = handle;
	table->slot[handle] = obj;
	table->lowest = handle + 1;
	return obj;
}

void emu_object_use(struct emu_object *obj, struct emu_object *used)
{
	unsigned i = 0;

	if (!used)
		return;
	while (obj->uses[i])
		i++;
	obj->uses[i] = used;
	used->users++;
}

static void free_memory(struct emu_object *obj)
{
	emu_evfile_put(obj->channel);
	emu_evfile_put(obj->async);
	if (obj->map)
		munmap(obj->map, obj->map_size);
	free(obj);
}

void emu_object_free(struct emu_object_table *table, struct emu_object *obj)
{
	for (unsigned i = 0; i < EMU_OBJECT_USES && obj->uses[i]; i++)
		obj->uses[i]->users--;
	table->slot[obj->handle] = NULL;
	if (obj->handle < table->lowest)
		table->lowest = obj->handle;
	free_memory(obj);
}

int emu_object_find(const struct emu_object_table *table, enum emu_object_type type,
		    uint32_t handle, struct emu_object **out)
{
	if (handle >= table->size || !table->slot[handle])
		return -ENOENT;
	if (table->slot[handle]->type != type)
		return -EINVAL;
	*out = table->slot[handle];
	return 0;
}

void emu_object_table_free(struct emu_object_table *table)
{
	for (uint32_t i = 0; i < table->size; i++) {
		if (table->slot[i])
			free_memory(table->slot[i]);
	}
	free(table->slot);
	*table = (struct emu_object_table){ 0 };
}
