/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_RELAY_H
#define MLX5EMU_FABRIC_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain.h"
#include "wire.h"

/*
 * What the two halves of an XRC target say to each other when its shared receive queue is another
 * process's (engine/relay.h): what one adapter does inside. So these are no packets, no fault plan meets
 * them and no trace shows them, and they have a header of their own, with something behind it or not.
 *
 * Decoding trusts nothing, as that of packets.
 */

enum emu_relay_kind {
	/* to the owner of the queue */
	EMU_RELAY_REQUEST = 1, /* execute the packet (with its header) that is behind this one */
	EMU_RELAY_FETCH,       /* read what the packet, a READ of one datagram, asks for */
	EMU_RELAY_END,         /* forget the queue pair */
	/* and back */
	EMU_RELAY_DONE,   /* syndrome, value; behind a FETCH the bytes */
	EMU_RELAY_FAILED, /* the completion could not be written: the queue pair is in error */
};

enum {
	EMU_RELAY_FATAL = 1 << 0, /* DONE, FAILED: the queue pair failed, with the event QP_FATAL */
	EMU_RELAY_FLUSH =
		1 << 1, /* END: it is in error, and the receive that it holds completes so */
};

enum {
	EMU_RELAY_HEADER = 64,
	EMU_RELAY_MAX = EMU_RELAY_HEADER + EMU_WIRE_MAX_DATAGRAM,
};

struct emu_relayed {
	enum emu_relay_kind kind;
	uint8_t flags;
	uint8_t syndrome;
	uint32_t qpn;    /* of the target */
	uint64_t number; /* REQUEST, FETCH: of its own; DONE: of what it answers */
	uint64_t since;  /* REQUEST: the first number of this life of the target; of no other one */
	uint64_t value;  /* DONE: what an atomic found */
	struct emu_domain_key domain; /* REQUEST, FETCH: of the target */
	uint32_t length;
	const uint8_t *payload; /* decode only: inside the datagram */
};

/* Whether the datagram is one of these rather than a packet. */
bool emu_relay_is(const uint8_t *datagram, size_t size);

void emu_relay_encode(const struct emu_relayed *m, uint8_t header[EMU_RELAY_HEADER]);

/* NULL, or what is wrong with it (a constant string). @out is written only with NULL. */
const char *emu_relay_decode(const uint8_t *datagram, size_t size, struct emu_relayed *out);

#endif
