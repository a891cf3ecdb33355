/* SPDX-License-Identifier: MIT */
/*
 * Fixed-size binary forms (endpoint, remote region): a common frame around big-endian fields.
 *
 *	0         4         6        8                    size - 4
 *	| magic   | version | size   | fields …           | CRC-32C of all before |
 */
#ifndef BV_CORE_WIRE_H
#define BV_CORE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define BVI_WIRE_HEADER 8

struct bvi_wire_format {
	const char *what; /* for texts: "endpoint" */
	uint32_t magic;
	uint16_t version;
	uint16_t size; /* of the whole form */
};

/* Writes the frame into a form whose fields are filled in. */
void bvi_wire_seal(const struct bvi_wire_format *format, uint8_t *wire);

/* 0, -EMSGSIZE, -EPROTO or -EBADMSG with its text: is this a form whose fields may be read? */
int bvi_wire_check(const struct bvi_wire_format *format, const void *wire, size_t size);

static inline void bvi_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void bvi_put_be32(uint8_t *p, uint32_t v)
{
	bvi_put_be16(p, (uint16_t)(v >> 16));
	bvi_put_be16(p + 2, (uint16_t)v);
}

static inline void bvi_put_be64(uint8_t *p, uint64_t v)
{
	bvi_put_be32(p, (uint32_t)(v >> 32));
	bvi_put_be32(p + 4, (uint32_t)v);
}

static inline uint16_t bvi_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bvi_get_be32(const uint8_t *p)
{
	return (uint32_t)bvi_get_be16(p) << 16 | bvi_get_be16(p + 2);
}

static inline uint64_t bvi_get_be64(const uint8_t *p)
{
	return (uint64_t)bvi_get_be32(p) << 32 | bvi_get_be32(p + 4);
}

#endif
