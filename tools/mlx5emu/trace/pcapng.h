/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_PCAPNG_H
#define MLX5EMU_TRACE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Blocks of a capture file (draft-ietf-opsawg-pcapng): the launcher writes the section and one
 * interface per device, then every process of the run appends packets, each with a single write(2).
 * In the byte order of the machine, as the format allows.
 */

enum {
	EMU_PCAPNG_HEAD_MAX = 256, /* section, or interface with a name of up to 64 */
	EMU_PCAPNG_PACKET_EXTRA = 160,
	EMU_PCAPNG_COMMENT = 80,
};

/* Each returns the size of the block. */
size_t emu_pcapng_section(uint8_t out[EMU_PCAPNG_HEAD_MAX]);

/*
 * @ethernet: or InfiniBand, whose frames Wireshark reads in the "extensible record format" that
 * ibdump(1) writes, too: with a record header in front of each.
 */
size_t emu_pcapng_interface(const char *name, bool ethernet, uint8_t out[EMU_PCAPNG_HEAD_MAX]);

enum {
	EMU_PCAPNG_RECORD = 16,
};
void emu_pcapng_record(uint8_t out[EMU_PCAPNG_RECORD], uint64_t ns, size_t size);

/*
 * What stands before and behind @size bytes of a frame: all of @before, and @tail bytes of @behind.
 * @comment: at most EMU_PCAPNG_COMMENT characters count.
 */
struct emu_pcapng_packet {
	uint8_t before[28];
	uint8_t behind[EMU_PCAPNG_PACKET_EXTRA];
	size_t tail;
};
void emu_pcapng_packet(struct emu_pcapng_packet *out, unsigned interface, uint64_t ns, size_t size,
		       const char *comment);

#endif
