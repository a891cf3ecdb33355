/* SPDX-License-Identifier: MIT */
#include "members.h"

#include <assert.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

/* Of the machine's byte order, as the kernel's structures are. */
static uint64_t value_of(const uint8_t *at, unsigned size)
{
	uint64_t wide = 0;
	uint32_t word;
	uint16_t half;

	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	case 4:
		memcpy(&word, at, sizeof(word));
		return word;
	default:
		memcpy(&wide, at, size < sizeof(wide) ? size : sizeof(wide));
		return wide;
	}
}

/* As people write them: addresses, keys, queue pair numbers and sets of bits. */
static bool in_hex(const struct emu_member *field)
{
	static const char *const words[] = { "key", "qpn", "qp_num", "mask", "flags" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(field->name, words[i]))
			return true;
	return field->size == 8;
}

/* IPv4 or IPv6, as the family in it says; "-" when there is none. */
static void add_address(struct emu_line *line, const char *name, const uint8_t *at)
{
	char text[INET6_ADDRSTRLEN] = "-";
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	static_assert(sizeof(six) == EMU_MEMBER_ADDRESS, "the room that commands have");
	memcpy(&six, at, sizeof(six));
	memcpy(&four, at, sizeof(four));
	if (four.sin_family == AF_INET)
		inet_ntop(AF_INET, &four.sin_addr, text, sizeof(text));
	else if (six.sin6_family == AF_INET6)
		inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text));
	emu_line_add(line, " %s=%s", name, text);
	if (text[0] != '-') /* the port lies at the same place in both */
		emu_line_add(line, " port=%u", ntohs(four.sin_port));
}

static void add_field(struct emu_line *line, const struct emu_member *field, const uint8_t *at)
{
	uint64_t value;

	if (field->size == EMU_MEMBER_ADDRESS) {
		add_address(line, field->name, at);
		return;
	}
	value = value_of(at, field->size);
	if (in_hex(field))
		emu_line_add(line, " %s=0x%" PRIx64, field->name, value);
	else
		emu_line_add(line, " %s=%" PRId64, field->name,
			     field->size == 4 ? (int32_t)value : (int64_t)value);
}

void emu_line_members(struct emu_line *line, const struct emu_member *field, unsigned max,
		      const void *bytes, size_t size)
{
	for (unsigned i = 0; i < max && field[i].name; i++) {
		uint8_t at[EMU_MEMBER_ADDRESS] = { 0 };
		const size_t left = size > field[i].offset ? size - field[i].offset : 0;

		memcpy(at, (const uint8_t *)bytes + (left ? field[i].offset : 0),
		       left < field[i].size ? left : field[i].size);
		add_field(line, &field[i], at);
	}
}
