/* SPDX-License-Identifier: MIT */
/*
 * The frame of the binary forms.
 */
#include "wire.h"

#include "crc32c.h"
#include "error.h"

#define CRC_SIZE 4u

void bvi_wire_seal(const struct bvi_wire_format *format, uint8_t *wire)
{
	const size_t covered = format->size - CRC_SIZE;

	bvi_put_be32(wire, format->magic);
	bvi_put_be16(wire + 4, format->version);
	bvi_put_be16(wire + 6, format->size);
	bvi_put_be32(wire + covered, bvi_crc32c(wire, covered));
}

/*
 * The checksum comes first, so that a damaged version does not pass for another one. Later versions
 * therefore keep magic, version and checksum where they are.
 */
int bvi_wire_check(const struct bvi_wire_format *format, const void *wire, size_t size)
{
	const size_t covered = format->size - CRC_SIZE;
	const uint8_t *bytes = wire;
	unsigned int version;

	if (!wire || size != format->size)
		return bvi_fail(-EMSGSIZE, "%s of %zu bytes: the binary form has exactly %u",
				format->what, wire ? size : 0, format->size);
	if (bvi_get_be32(bytes) != format->magic)
		return bvi_fail(-EBADMSG, "not a%s %s: the first four bytes are 0x%08x, not 0x%08x",
				format->what[0] == 'e' ? "n" : "", format->what,
				bvi_get_be32(bytes), format->magic);
	if (bvi_get_be32(bytes + covered) != bvi_crc32c(bytes, covered))
		return bvi_fail(-EBADMSG, "damaged %s: the checksum does not match; send it again",
				format->what);
	version = bvi_get_be16(bytes + 4);
	if (version != format->version)
		return bvi_fail(-EPROTO,
				"%s of version %u; this library has version %u: run the "
				"same release on both sides",
				format->what, version, format->version);
	if (bvi_get_be16(bytes + 6) != format->size)
		return bvi_fail(-EBADMSG, "%s that calls itself %u bytes long: it has %u",
				format->what, bvi_get_be16(bytes + 6), format->size);
	return 0;
}
