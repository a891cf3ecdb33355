/* SPDX-License-Identifier: MIT */
#include "mr.h"
#include "qp.h"

/* The part of a segment that lies in [offset, offset + size), as (start within it, bytes). */
static uint64_t clip(uint64_t length, uint64_t *offset, uint64_t size, uint64_t *start)
{
	uint64_t n;

	if (*offset >= length) {
		*offset -= length;
		return 0;
	}
	*start = *offset;
	*offset = 0;
	n = length - *start;
	return n < size ? n : size;
}

const char *emu_segments_iov(const struct emu_key_use *use, const struct emu_seg *seg,
			     unsigned nseg, uint8_t *inlined, uint64_t offset, uint64_t size,
			     struct emu_pieces *out)
{
	for (unsigned i = 0; i < nseg && size > 0; i++) {
		uint64_t start = 0;
		const uint64_t bytes = clip(seg[i].length, &offset, size, &start);
		const char *why;

		if (bytes == 0)
			continue;
		if (!seg[i].is_inline)
			why = emu_key_pieces(use, seg[i].lkey, seg[i].addr + start, bytes, out);
		else if (out &&
			 emu_pieces_add(out, (uintptr_t)inlined + seg[i].addr + start, bytes) < 0)
			why = "the device has no memory";
		else
			why = NULL;
		if (why)
			return why;
		size -= bytes;
	}
	return NULL;
}
