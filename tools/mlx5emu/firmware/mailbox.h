/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FIRMWARE_MAILBOX_H
#define MLX5EMU_FIRMWARE_MAILBOX_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A command as the device gets it (PRM "Command Interface"): an input and an output of big-endian
 * 32-bit words. Whoever carries a command gives both at least EMU_BOX_ROOM bytes, zeroed behind what
 * the program sent, so that a handler can read and write every field of its layout; the lengths are
 * what the program said.
 */
enum { EMU_BOX_ROOM = 0x1100 };

struct emu_box {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

/* A field as the PRM's tables give it: byte offset of its word, highest and lowest bit. */
struct emu_field {
	uint16_t at;
	uint8_t high, low;
};

#define EMU_FIELD(at, high, low) ((struct emu_field){ (at), (high), (low) })

static inline uint32_t emu_word_get(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void emu_word_set(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static inline uint32_t emu_field_mask(struct emu_field f)
{
	return (uint32_t)((UINT64_C(1) << (f.high - f.low + 1)) - 1);
}

static inline uint32_t emu_get(const uint8_t *box, struct emu_field f)
{
	return emu_word_get(box + f.at) >> f.low & emu_field_mask(f);
}

static inline void emu_set(uint8_t *box, struct emu_field f, uint32_t value)
{
	const uint32_t mask = emu_field_mask(f) << f.low;

	assert(value <= emu_field_mask(f));
	emu_word_set(box + f.at, (emu_word_get(box + f.at) & ~mask) | value << f.low);
}

/* A field of two words, the high one first. */
static inline uint64_t emu_get_long(const uint8_t *box, uint16_t at)
{
	return (uint64_t)emu_word_get(box + at) << 32 | emu_word_get(box + at + 4);
}

static inline void emu_set_long(uint8_t *box, uint16_t at, uint64_t value)
{
	emu_word_set(box + at, (uint32_t)(value >> 32));
	emu_word_set(box + at + 4, (uint32_t)value);
}

#endif
