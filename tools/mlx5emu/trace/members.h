/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_MEMBERS_H
#define MLX5EMU_TRACE_MEMBERS_H

#include "sink.h"

/*
 * Members of the kernel's structures by name, as lines show what a command asked and what it was told.
 * Tables of them are data; nothing here knows a structure.
 */
struct emu_member {
	const char *name;
	uint16_t offset, size; /* bytes: 1, 2, 4 or 8; 28 is an address in a struct sockaddr_in6 */
};

enum { EMU_MEMBER_ADDRESS = 28 };

#define EMU_MEMBER(type, member)                                                           \
	{                                                                                  \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}

/*
 * Up to @max members, the first without a name ends them. @bytes has @size of the structure; the rest
 * counts as 0.
 */
void emu_line_members(struct emu_line *line, const struct emu_member *field, unsigned max,
		      const void *bytes, size_t size);

#endif
