/* SPDX-License-Identifier: MIT */
#include "pieces.h"

#include <errno.h>
#include <stdlib.h>

int emu_pieces_add(struct emu_pieces *p, uint64_t at, uint64_t length)
{
	struct iovec *last = p->n ? &p->iov[p->n - 1] : NULL;

	if (length == 0)
		return 0;
	if (last && (uintptr_t)last->iov_base + last->iov_len == at) {
		last->iov_len += length;
		return 0;
	}
	if (p->n == p->room) {
		const unsigned room = p->room ? p->room * 2 : 64;
		struct iovec *iov = realloc(p->iov, room * sizeof(*iov));

		if (!iov)
			return -ENOMEM;
		p->iov = iov;
		p->room = room;
	}
	p->iov[p->n++] = (struct iovec){ (void *)(uintptr_t)at, length };
	return 0;
}
