/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_WQE_TEXT_H
#define MLX5EMU_ENGINE_WQE_TEXT_H

#include <stddef.h>

#include "wqe_parse.h"

/*
 * Work queue elements for people: one line per 16 bytes, the words as they lie in memory and behind
 * them what they say. Takes any bytes, since it is most wanted where they make no sense.
 *
 *	+00 ctrl   00000508 01000103 00000008 00000000  WRITE index 5 opmod 0, qp 0x010001 ds 3, ...
 *	+10 raddr  00007f12 34560000 00001201 00000000  0x7f1234560000, rkey 0x1201
 *	+20 data   00000040 00001302 00007f12 34570000  64 bytes at 0x7f1234570000, lkey 0x1302
 */

enum {
	EMU_WQE_TEXT_LINE = 160,
	EMU_WQE_TEXT = (EMU_MAX_DS + 1) * EMU_WQE_TEXT_LINE, /* room for the largest, and the end */
};

/* A send WQE of @size bytes in a row, of a queue of @type. @out is always terminated. */
void emu_wqe_text(const uint8_t *wqe, unsigned size, enum emu_qp_type type, char *out, size_t room);

/* The scatter list of a receive WQE, up to its end. */
void emu_rwqe_text(const uint8_t *wqe, unsigned size, char *out, size_t room);

#endif
