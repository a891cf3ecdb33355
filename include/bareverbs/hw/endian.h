/* SPDX-License-Identifier: MIT */
/*
 * Big-endian values as distinct struct types.
 *
 * A field that the device reads or writes has one of these types, so that a forgotten swap does not
 * compile. The code is the same as with plain integers (gcc and clang, -O2).
 */
#ifndef BV_BAREVERBS_HW_ENDIAN_H
#define BV_BAREVERBS_HW_ENDIAN_H

#include <stdint.h>
#include <string.h>

#include <bareverbs/common.h>

BV_BEGIN_DECLS

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BVI_BE(bits, v) __builtin_bswap##bits(v)
#define BVI_LE64(v) (v)
#else
#define BVI_BE(bits, v) (v)
#define BVI_LE64(v) __builtin_bswap64(v)
#endif

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
	const bv_be16 be = { (uint16_t)BVI_BE(16, v) };

	return be;
}

static inline bv_be32 bv_to_be32(uint32_t v)
{
	const bv_be32 be = { BVI_BE(32, v) };

	return be;
}

static inline bv_be64 bv_to_be64(uint64_t v)
{
	const bv_be64 be = { BVI_BE(64, v) };

	return be;
}

static inline uint16_t bv_from_be16(bv_be16 v)
{
	return (uint16_t)BVI_BE(16, v.be);
}

static inline uint32_t bv_from_be32(bv_be32 v)
{
	return BVI_BE(32, v.be);
}

static inline uint64_t bv_from_be64(bv_be64 v)
{
	return BVI_BE(64, v.be);
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
	const uint64_t first = __builtin_bswap32(field);
	const bv_be64 v = { BVI_LE64(first | BVI_LE64(word.be) << 32) };

	return v;
}

static inline bv_be64 bv_be64_rest(bv_be64 word)
{
	const bv_be64 v = { BVI_LE64(BVI_LE64(word.be) >> 32) };

	return v;
}

BV_END_DECLS

#endif
