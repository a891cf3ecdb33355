/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_ADDRESS_H
#define MLX5EMU_FABRIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Names in the abstract socket namespace: "\0mlx5emu.<run id>.<slot>", slot 1..254 in decimal. */

enum {
	EMU_SLOTS = 255,
	EMU_RUN_ID_MAX = 48, /* the longest name (domain.h) has room behind it */
};

/* At most EMU_RUN_ID_MAX characters of [0-9A-Za-z_-]; "" is a private run. */
bool emu_address_valid(const char *run_id);

/* Returns the length of the address. */
socklen_t emu_address_make(struct sockaddr_un *name, const char *run_id, unsigned slot);

/* The slot in a name of this run, or 0 when it is no such name. */
unsigned emu_address_slot(const struct sockaddr_un *name, socklen_t len, const char *run_id);

#endif
