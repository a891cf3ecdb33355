/* SPDX-License-Identifier: MIT */
/*
 * Frames over a stream socket, with a deadline. Every call to the socket is a non-blocking one
 * (MSG_DONTWAIT), so the descriptor's own flags are left alone; the only waiting is in
 * bvi_stream_wait().
 */
#ifndef BV_CORE_STREAM_H
#define BV_CORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>

#include "frame.h"

/* One frame on its way in. Starts as { 0 }. */
struct bvi_reader {
	uint8_t header[BVI_FRAME_HEADER];
	uint8_t *frame; /* NULL until the header is there and good */
	size_t size;    /* of the whole frame, from then on */
	size_t have;
};

static inline bool bvi_reader_complete(const struct bvi_reader *reader)
{
	return reader->frame && reader->have == reader->size;
}

/* Ready for the next frame. */
void bvi_reader_reset(struct bvi_reader *reader);

/*
 * Takes what @fd has of the frame, and not a byte more.
 * 1 it is complete; 0 more must come; -ECONNRESET closed; -EBADMSG, -EPROTO, -ENOMEM, -errno, with text.
 */
int bvi_reader_take(struct bvi_reader *reader, int fd);

/* Waits for one of @entries; 1, or 0 at the deadline (BV_FOREVER: none), or -errno with text. */
int bvi_stream_wait(struct pollfd *entries, nfds_t count, int64_t deadline);

/*
 * Sends @size bytes while it takes a frame: two sides that both sent first could otherwise wait for
 * each other's room for ever. Returns 0 when both are done, or as soon as a FAILED is there.
 * -ETIMEDOUT, and as bvi_reader_take().
 */
int bvi_stream_swap(int fd, const uint8_t *out, size_t size, struct bvi_reader *reader,
		    int64_t deadline);

#endif
