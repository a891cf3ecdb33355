/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_MCAST_H
#define MLX5EMU_ENGINE_MCAST_H

#include <stdbool.h>
#include <stdint.h>

#include "../fabric/wire.h"

/*
 * Multicast (IBA vol 1 section 10.5): a datagram to QP 0xffffff goes to every process of the run, and
 * in each to the queue pairs that are attached to the group which its GID names.
 */
enum { EMU_MULTICAST_QPN = 0xffffff };

struct emu_qp;

struct emu_group {
	struct emu_group *next;
	uint8_t gid[16];
};

/* An IPv6 multicast address, or an IPv4 one mapped into IPv6. */
bool emu_gid_is_multicast(const uint8_t gid[16]);

bool emu_mcast_member(const struct emu_qp *qp, const uint8_t gid[16]);
void emu_mcast_leave_all(struct emu_qp *qp);

#endif
