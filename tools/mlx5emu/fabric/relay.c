/* SPDX-License-Identifier: MIT */
#include "relay.h"
#include "bytes.h"

/*
 * Header layout, bytes:
 *
 *	 0 magic   2 version  3 kind    4 target QPN   8 number
 *	16 device of the file   24 inode   32 index of the device   36 length of what follows
 *	40 value   48 since   56 syndrome   57 flags
 */
enum {
	RELAY_MAGIC = 0x4d36,
	RELAY_VERSION = 1,
	RELAY_MASK24 = 0xffffff,
};

bool emu_relay_is(const uint8_t *datagram, size_t size)
{
	return size >= EMU_RELAY_HEADER && emu_bytes_get16(datagram) == RELAY_MAGIC;
}

void emu_relay_encode(const struct emu_relayed *m, uint8_t header[EMU_RELAY_HEADER])
{
	memset(header, 0, EMU_RELAY_HEADER);
	emu_bytes_put16(header, RELAY_MAGIC);
	header[2] = RELAY_VERSION;
	header[3] = (uint8_t)m->kind;
	emu_bytes_put32(header + 4, m->qpn);
	emu_bytes_put64(header + 8, m->number);
	emu_bytes_put64(header + 16, m->domain.dev);
	emu_bytes_put64(header + 24, m->domain.ino);
	emu_bytes_put32(header + 32, m->domain.device);
	emu_bytes_put32(header + 36, m->length);
	emu_bytes_put64(header + 40, m->value);
	emu_bytes_put64(header + 48, m->since);
	header[56] = m->syndrome;
	header[57] = m->flags;
}

static uint8_t legal_flags(enum emu_relay_kind kind)
{
	switch (kind) {
	case EMU_RELAY_END:
		return EMU_RELAY_FLUSH;
	case EMU_RELAY_DONE:
	case EMU_RELAY_FAILED:
		return EMU_RELAY_FATAL;
	default:
		return 0;
	}
}

static const char *check(const struct emu_relayed *m)
{
	const bool asks = m->kind == EMU_RELAY_REQUEST || m->kind == EMU_RELAY_FETCH;

	if (m->kind < EMU_RELAY_REQUEST || m->kind > EMU_RELAY_FAILED)
		return "unknown kind of relay";
	if (m->qpn > RELAY_MASK24)
		return "QPN wider than 24 bits";
	if (m->flags & ~legal_flags(m->kind))
		return "flag that the kind of relay cannot have";
	if ((asks || m->kind == EMU_RELAY_DONE) != (m->number != 0))
		return "number where none can be, or none";
	if (asks && m->length < EMU_WIRE_HEADER)
		return "relay without its packet";
	if (!asks && m->length > (m->kind == EMU_RELAY_DONE ? EMU_WIRE_MAX_PAYLOAD : 0))
		return "payload where the kind of relay has none";
	return NULL;
}

const char *emu_relay_decode(const uint8_t *datagram, size_t size, struct emu_relayed *out)
{
	struct emu_relayed m;
	const char *wrong;

	if (!emu_relay_is(datagram, size) || datagram[2] != RELAY_VERSION)
		return "not of this protocol version";
	m = (struct emu_relayed){
		.kind = (enum emu_relay_kind)datagram[3],
		.flags = datagram[57],
		.syndrome = datagram[56],
		.qpn = emu_bytes_get32(datagram + 4),
		.number = emu_bytes_get64(datagram + 8),
		.since = emu_bytes_get64(datagram + 48),
		.value = emu_bytes_get64(datagram + 40),
		.domain = {
			.dev = emu_bytes_get64(datagram + 16),
			.ino = emu_bytes_get64(datagram + 24),
			.device = emu_bytes_get32(datagram + 32),
		},
		.length = emu_bytes_get32(datagram + 36),
		.payload = datagram + EMU_RELAY_HEADER,
	};
	if (m.length != size - EMU_RELAY_HEADER)
		return "relay's length differs from the datagram";
	wrong = check(&m);
	if (!wrong)
		*out = m;
	return wrong;
}
