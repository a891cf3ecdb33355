/* SPDX-License-Identifier: MIT */
/*
 * What the bytes of a message must be. Every message has a number, and its bytes follow from that
 * number and their place alone, so bytes that are missing, stale, shifted or from another message
 * do not pass.
 *
 *	byte 0 .. size-2	words that grow by an odd step from a start that hashes the number
 *	byte size-1		the tag: the low 8 bits of the number; a reader that polls memory waits for it
 */
#ifndef BV_TOOLS_BV_PATTERN_H
#define BV_TOOLS_BV_PATTERN_H

#include <stddef.h>
#include <stdint.h>

static inline uint8_t pattern_tag(uint64_t number)
{
	return (uint8_t)number;
}

/* The immediate value that goes with a message. */
uint32_t pattern_imm(uint64_t number);

void pattern_fill(void *buf, size_t size, uint64_t number);

/* Return: @size if all bytes are right, else the place of the first wrong one. */
size_t pattern_check(const void *buf, size_t size, uint64_t number);

/* What byte @at of a message must be. */
uint8_t pattern_byte(size_t at, size_t size, uint64_t number);

#endif
