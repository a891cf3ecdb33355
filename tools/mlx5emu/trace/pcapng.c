/* SPDX-License-Identifier: MIT */
#include "pcapng.h"

#include <endian.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_EPB_FLAGS = 2,
	OPT_IF_TSRESOL = 9,
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_ERF = 197,
	OUTBOUND = 2,
	NANOSECONDS = 9, /* if_tsresol: 10^-9 */
	NAME_MAX_LEN = 64,
};

static uint8_t *put16(uint8_t *at, unsigned value)
{
	const uint16_t v = (uint16_t)value;

	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static uint8_t *put32(uint8_t *at, uint64_t value)
{
	const uint32_t v = (uint32_t)value;

	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static size_t padded(size_t size)
{
	return (size + 3) / 4 * 4;
}

static uint8_t *put_option(uint8_t *at, unsigned code, const void *value, size_t size)
{
	at = put16(put16(at, code), (unsigned)size);
	memset(at, 0, padded(size));
	if (size)
		memcpy(at, value, size);
	return at + padded(size);
}

/* The length stands in front and behind, so that a reader can go backwards. */
static size_t finish(uint8_t *block, uint8_t *at)
{
	const size_t size = (size_t)(at - block) + 4;

	put32(block + 4, size);
	put32(at, size);
	return size;
}

size_t emu_pcapng_section(uint8_t out[EMU_PCAPNG_HEAD_MAX])
{
	static const char application[] = "mlx5emu";
	enum {
		OPT_USER_APPLICATION = 4,
	};
	uint8_t *at = put32(put32(out, BLOCK_SECTION), 0);

	at = put16(put16(put32(at, MAGIC), 1), 0);
	memset(at, 0xff, 8); /* length of the section: not known */
	at = put_option(at + 8, OPT_USER_APPLICATION, application, sizeof(application) - 1);
	at = put_option(at, 0, NULL, 0);
	return finish(out, at);
}

size_t emu_pcapng_interface(const char *name, bool ethernet, uint8_t out[EMU_PCAPNG_HEAD_MAX])
{
	const uint8_t resolution = NANOSECONDS;
	uint8_t *at = put32(put32(out, BLOCK_INTERFACE), 0);

	at = put16(put16(at, ethernet ? LINKTYPE_ETHERNET : LINKTYPE_ERF), 0);
	at = put32(at, 0); /* frames are whole */
	at = put_option(at, OPT_IF_NAME, name, strnlen(name, NAME_MAX_LEN));
	at = put_option(at, OPT_IF_TSRESOL, &resolution, sizeof(resolution));
	at = put_option(at, 0, NULL, 0);
	return finish(out, at);
}

/* Endace, "ERF Types Reference Guide": the time in 2^-32 s little-endian, the rest big-endian. */
void emu_pcapng_record(uint8_t out[EMU_PCAPNG_RECORD], uint64_t ns, size_t size)
{
	enum {
		TYPE_INFINIBAND = 21,
		VARYING_LENGTH = 4,
	};
	const uint64_t second = 1000000000;
	const uint64_t time = htole64((ns / second << 32) | (ns % second << 32) / second);
	const size_t record = EMU_PCAPNG_RECORD + size;

	memset(out, 0, EMU_PCAPNG_RECORD);
	memcpy(out, &time, sizeof(time));
	out[8] = TYPE_INFINIBAND;
	out[9] = VARYING_LENGTH;
	out[10] = (uint8_t)(record >> 8);
	out[11] = (uint8_t)record;
	out[14] = (uint8_t)(size >> 8);
	out[15] = (uint8_t)size;
}

void emu_pcapng_packet(struct emu_pcapng_packet *out, unsigned interface, uint64_t ns, size_t size,
		       const char *comment)
{
	const size_t fill = padded(size) - size;
	uint32_t direction = OUTBOUND;
	uint8_t *at = out->behind;
	size_t total;

	memset(at, 0, fill);
	at = put_option(at + fill, OPT_COMMENT, comment, strnlen(comment, EMU_PCAPNG_COMMENT));
	at = put_option(at, OPT_EPB_FLAGS, &direction, sizeof(direction));
	at = put_option(at, 0, NULL, 0);
	total = sizeof(out->before) + size + (size_t)(at - out->behind) + 4;
	out->tail = (size_t)(put32(at, total) - out->behind);
	at = put32(put32(put32(out->before, BLOCK_PACKET), total), interface);
	put32(put32(put32(put32(at, ns >> 32), ns), size), size);
}
