/* SPDX-License-Identifier: MIT */
/*
 * Frames over a stream socket.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "error.h"

void bvi_reader_reset(struct bvi_reader *reader)
{
	free(reader->frame);
	memset(reader, 0, sizeof(*reader));
}

static int closed(const struct bvi_reader *reader)
{
	if (reader->have == 0)
		return bvi_fail(-ECONNRESET, "exchange: the peer closed the connection");
	return bvi_fail(-ECONNRESET,
			"exchange: the peer closed the connection in the middle of a frame, after "
			"%zu bytes",
			reader->have);
}

/* Up to @size bytes: how many came, 0 none yet, or -errno. */
static ssize_t take(struct bvi_reader *reader, int fd, uint8_t *to, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, to, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return closed(reader);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0 && errno == ECONNRESET)
		return closed(reader);
	if (n < 0)
		return bvi_fail(-errno, "exchange: the peer cannot be heard: %s",
				bvi_errno_text(-errno));
	reader->have += (size_t)n;
	return n;
}

static int begin_frame(struct bvi_reader *reader)
{
	const int size = bvi_frame_size(reader->header);

	if (size < 0)
		return size;
	reader->frame = malloc((size_t)size);
	if (!reader->frame)
		return bvi_fail(-ENOMEM, "exchange: no memory for a frame of %d bytes", size);
	memcpy(reader->frame, reader->header, sizeof(reader->header));
	reader->size = (size_t)size;
	return 0;
}

int bvi_reader_take(struct bvi_reader *reader, int fd)
{
	while (!bvi_reader_complete(reader)) {
		uint8_t *to = reader->frame ? reader->frame : reader->header;
		const size_t end = reader->frame ? reader->size : sizeof(reader->header);
		ssize_t n;
		int rc;

		n = take(reader, fd, to + reader->have, end - reader->have);
		if (n <= 0)
			return (int)n;
		if (!reader->frame && reader->have == sizeof(reader->header)) {
			rc = begin_frame(reader);
			if (rc < 0)
				return rc;
		}
	}
	return 1;
}

int bvi_stream_wait(struct pollfd *entries, nfds_t count, int64_t deadline)
{
	for (;;) {
		struct timespec time, *left = NULL;
		int n;

		if (deadline != BV_FOREVER) {
			const int64_t now = bvi_clock_ns();
			const int64_t ns = deadline - now;

			/* Without a look, or who always has one more byte could hold us. */
			if (ns <= 0)
				return 0;
			time.tv_sec = ns / BV_SEC;
			time.tv_nsec = ns % BV_SEC;
			left = &time;
		}
		n = ppoll(entries, count, left, NULL);
		if (n >= 0)
			return n > 0;
		if (errno != EINTR)
			return bvi_fail(-errno, "exchange: cannot wait: %s",
					bvi_errno_text(-errno));
	}
}

/* Bytes that left; 0 no room yet; -EPIPE the peer is gone, without a text. */
static ssize_t give(int fd, const uint8_t *out, size_t size)
{
	ssize_t n;

	do
		n = send(fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return -EPIPE;
	return bvi_fail(-errno, "exchange: the peer cannot be told: %s", bvi_errno_text(-errno));
}

static int timed_out(const struct bvi_reader *reader, size_t left)
{
	if (left > 0)
		return bvi_fail(-ETIMEDOUT, "exchange: the peer takes no more, %zu bytes are left",
				left);
	if (reader->have == 0)
		return bvi_fail(-ETIMEDOUT, "exchange: the peer says nothing");
	return bvi_fail(-ETIMEDOUT, "exchange: the peer is too slow, %zu bytes of a frame are here",
			reader->have);
}

static bool told_failure(const struct bvi_reader *reader)
{
	return bvi_reader_complete(reader) &&
	       bvi_frame_type(reader->frame, reader->size) == BVI_FRAME_FAILED;
}

int bvi_stream_swap(int fd, const uint8_t *out, size_t size, struct bvi_reader *reader,
		    int64_t deadline)
{
	struct pollfd entry = { .fd = fd };
	ssize_t n;
	int rc;

	for (;;) {
		if (size > 0) {
			n = give(fd, out, size);
			/* Whoever left may have said why: what it sent is still there to read. */
			if (n == -EPIPE)
				n = (ssize_t)size;
			if (n < 0)
				return (int)n;
			out += n;
			size -= (size_t)n;
		}
		rc = bvi_reader_complete(reader) ? 1 : bvi_reader_take(reader, fd);
		if (rc < 0)
			return rc;
		if ((rc == 1 && size == 0) || told_failure(reader))
			return 0;
		entry.events = (short)((size > 0 ? POLLOUT : 0) | (rc == 0 ? POLLIN : 0));
		rc = bvi_stream_wait(&entry, 1, deadline);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return timed_out(reader, size);
	}
}
