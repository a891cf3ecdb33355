/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_LIST_H
#define MLX5EMU_ENGINE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Doubly linked ring through members. A node that is in no list points to itself. */

struct emu_list {
	struct emu_list *next, *prev;
};

#define EMU_LIST_INIT(name)      \
	{                        \
		&(name), &(name) \
	}

#define emu_container(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void emu_list_init(struct emu_list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool emu_list_empty(const struct emu_list *list)
{
	return list->next == list;
}

static inline void emu_list_remove(struct emu_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	emu_list_init(node);
}

/* Moves @node to the end of @list, out of whatever list it is in. */
static inline void emu_list_append(struct emu_list *list, struct emu_list *node)
{
	emu_list_remove(node);
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

/* Safe against removal of @node inside the loop. */
#define emu_list_each(node, following, list)                                      \
	for ((node) = (list)->next, (following) = (node)->next; (node) != (list); \
	     (node) = (following), (following) = (node)->next)

#endif
