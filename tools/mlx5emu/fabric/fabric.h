/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_FABRIC_H
#define MLX5EMU_FABRIC_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The wire between the processes of one run, and back into the own one.
 *
 * Each process holds one slot 1..254, claimed by binding a datagram socket to an abstract name made
 * of run id and slot; a QPN's upper byte is its slot, so a destination QPN names its process and no
 * daemon is needed. Datagrams between two slots arrive in order and are never lost while the
 * receiver lives. What is addressed to the own slot takes a queue in memory. A run without an id
 * has no socket at all.
 *
 * Only processes of the same user (or root) are heard: the kernel tells the sender's identity.
 * Not thread-safe: the engine's lock guards it.
 */

struct emu_fabric;

/* What a filter wants done with a datagram about to leave. */
enum emu_verdict {
	EMU_DELIVER,
	EMU_LOSE,
	EMU_DUPLICATE,
};

typedef enum emu_verdict emu_filter(void *arg, const void *datagram, size_t size);

/* -EINVAL run id, -EADDRINUSE no slot left, -ENOMEM, -errno of the socket. */
int emu_fabric_open(const char *run_id, struct emu_fabric **out);
void emu_fabric_close(struct emu_fabric *fabric);

unsigned emu_fabric_slot(const struct emu_fabric *fabric);

/* "" for a private run. */
const char *emu_fabric_run_id(const struct emu_fabric *fabric);

/* Whether a process has the slot now; true also when that cannot be told. */
bool emu_fabric_held(const struct emu_fabric *fabric, unsigned slot);

/* To poll for POLLIN; -1 for a private run. */
int emu_fabric_fd(const struct emu_fabric *fabric);

/*
 * Whether data for @slot would leave now, as far as known: nothing older waits for it, and it has
 * not refused anything since the last flush.
 */
bool emu_fabric_clear(const struct emu_fabric *fabric, unsigned slot);

/*
 * Sends one datagram behind whatever waits for that slot. When it cannot leave now: with @keep it
 * is copied and waits (0), else -EAGAIN. -ENOBUFS: too much waits already, it is lost.
 * A slot that nobody holds swallows it: 0, as a wire with no one at the end. EMU_FABRIC_ALL is every
 * slot, the own one included; who cannot take it now does not get it.
 */
enum { EMU_FABRIC_ALL = 255 };

int emu_fabric_send(struct emu_fabric *fabric, unsigned slot, const void *datagram, size_t size,
		    bool keep);

/* How many datagrams @slot has taken so far: while this grows, what waits for it comes to its turn. */
uint64_t emu_fabric_taken(const struct emu_fabric *fabric, unsigned slot);

/* Tries what waits again; returns how many datagrams left. */
unsigned emu_fabric_flush(struct emu_fabric *fabric);

/*
 * While blocked the wire takes nothing and gives nothing from the own slot: what may wait does, the
 * rest is -EAGAIN. What other processes sent still arrives.
 */
void emu_fabric_block(struct emu_fabric *fabric, bool blocked);

/* How many datagrams wait for slots other than the own. */
unsigned emu_fabric_waiting(const struct emu_fabric *fabric);

/* The next datagram, 0, with its true sender; -EAGAIN when there is none. */
int emu_fabric_receive(struct emu_fabric *fabric, void *buffer, size_t capacity, size_t *size,
		       unsigned *slot);

/* For tests: judge every datagram before it leaves. NULL ends it. */
void emu_fabric_filter(struct emu_fabric *fabric, emu_filter *filter, void *arg);

#endif
