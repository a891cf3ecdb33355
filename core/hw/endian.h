/* SPDX-License-Identifier: MIT */
/*
 * Big-endian values as distinct struct types.
 *
 * A field that the device reads or writes has one of these types, so that a forgotten swap does not
 * compile. The code is the same as with plain integers (gcc and clang, -O2).
 */
#ifndef BV_CORE_HW_ENDIAN_H
#define BV_CORE_HW_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint16_t be;
} bv_be16;

typedef struct {
	uint32_t be;
} bv_be32;

typedef struct {
	uint64_t be;
} bv_be64;

static inline bv_be16 bv_to_be16(uint16_t v)
{
	return (bv_be16){ htobe16(v) };
}

static inline bv_be32 bv_to_be32(uint32_t v)
{
	return (bv_be32){ htobe32(v) };
}

static inline bv_be64 bv_to_be64(uint64_t v)
{
	return (bv_be64){ htobe64(v) };
}

static inline uint16_t bv_from_be16(bv_be16 v)
{
	return be16toh(v.be);
}

static inline uint32_t bv_from_be32(bv_be32 v)
{
	return be32toh(v.be);
}

static inline uint64_t bv_from_be64(bv_be64 v)
{
	return be64toh(v.be);
}

/* Two neighbouring 32-bit fields, stored as one: @hi has the lower address. */
static inline bv_be64 bv_to_be32x2(uint32_t hi, uint32_t lo)
{
	return bv_to_be64((uint64_t)hi << 32 | lo);
}

/* Eight bytes of payload as they lie in memory, at any alignment. */
static inline bv_be64 bv_be64_bytes(const void *bytes)
{
	bv_be64 v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

/*
 * Payload that starts in the middle of a word: a 32-bit field followed by the first four bytes of
 * @word; and @word's last four bytes followed by zeroes. Bytes move by their place in memory, for
 * which a little-endian reading is a plain shift.
 */
static inline bv_be64 bv_be64_after_field(uint32_t field, bv_be64 word)
{
	const uint64_t head = le32toh(bv_to_be32(field).be);

	return (bv_be64){ htole64(head | le64toh(word.be) << 32) };
}

static inline bv_be64 bv_be64_rest(bv_be64 word)
{
	return (bv_be64){ htole64(le64toh(word.be) >> 32) };
}

#endif
