/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_PIECES_H
#define MLX5EMU_ENGINE_PIECES_H

#include <stdint.h>
#include <sys/uio.h>

/*
 * Where the bytes of a request lie in this process, one piece behind the other. Indirect keys can leave
 * a byte to each, so there are as many as a datagram, or the list of a key's update, has bytes at most.
 */
struct emu_pieces {
	struct iovec *iov;
	unsigned n, room;
};

/* Appends one, or makes the last one longer. 0, or -ENOMEM. */
int emu_pieces_add(struct emu_pieces *p, uint64_t at, uint64_t length);

#endif
