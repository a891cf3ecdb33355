/* SPDX-License-Identifier: MIT */
/*
 * The rounds of an exchange: both say HELLO, both connect, both say READY. Who fails says FAILED with
 * its reason, as far as the socket takes it, so that one log tells what happened on both sides.
 */
#include "exchange.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "error.h"
#include "provider.h"
#include "recovery.h"

int bvi_exchange_check(const struct bv_channel *ch, const struct bv_exchange *data)
{
	if (!ch)
		return bvi_fail(-EINVAL, "exchange: the channel is NULL");
	if (ch->core->state != BV_CHANNEL_PREPARED)
		return bvi_fail(-EINVAL, "exchange: the channel is %s, it must be PREPARED",
				bv_channel_state_name(ch->core->state));
	if (!data)
		return 0;
	if (data->nregions > BV_EXCHANGE_REGIONS_MAX)
		return bvi_fail(-EINVAL, "exchange: nregions is %u; the limit is %u",
				data->nregions, BV_EXCHANGE_REGIONS_MAX);
	if (data->blob_size > BV_EXCHANGE_BLOB_MAX)
		return bvi_fail(-EINVAL, "exchange: blob_size is %u; the limit is %u",
				data->blob_size, BV_EXCHANGE_BLOB_MAX);
	if ((data->nregions > 0 && !data->regions) || (data->blob_size > 0 && !data->blob) ||
	    (data->max_peer_regions > 0 && !data->peer_regions) ||
	    (data->max_peer_blob > 0 && !data->peer_blob))
		return bvi_fail(-EINVAL, "exchange: a count is not 0, and its pointer is NULL");
	return 0;
}

void bvi_exchange_tell_failure(int fd, int rc)
{
	uint8_t frame[BVI_FRAME_SMALL];
	const size_t size = bvi_failed_encode(rc, bv_last_error()->text, frame);

	/* Best effort: we are leaving anyhow, and the peer will see that, too. */
	(void)!send(fd, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int peer_failed(const struct bvi_reader *reader)
{
	char text[BVI_FRAME_REASON_MAX + 1];

	return bvi_fail(-ECONNABORTED, "exchange: the peer gave up: %s",
			bvi_failed_text(reader->frame, reader->size, text));
}

static int expect(const struct bvi_reader *reader, enum bvi_frame_type expected)
{
	const int type = bvi_frame_type(reader->frame, reader->size);

	if (type < 0 || type == (int)expected)
		return type < 0 ? type : 0;
	if (type == BVI_FRAME_FAILED)
		return peer_failed(reader);
	return bvi_fail(-EBADMSG, "exchange: the peer sent a frame of type %d where %d was due",
			type, (int)expected);
}

int bvi_exchange_read_hello(const struct bvi_reader *reader, struct bvi_hello *hello)
{
	const int rc = expect(reader, BVI_FRAME_HELLO);

	return rc < 0 ? rc : bvi_hello_decode(reader->frame, reader->size, hello);
}

/* Tells the peer who we are and hears who it is. The HELLO stays in @reader. */
static int greet(const struct bv_channel *ch, int fd, const struct bv_exchange *data,
		 struct bvi_reader *reader, struct bvi_hello *hello, int64_t deadline)
{
	const size_t size = bvi_hello_size(data);
	uint8_t *frame = malloc(size);
	int rc;

	if (!frame)
		return bvi_fail(-ENOMEM, "exchange: no memory for %zu bytes", size);
	rc = bvi_hello_encode(&ch->core->local, data, frame);
	if (rc == 0)
		rc = bvi_stream_swap(fd, frame, size, reader, deadline);
	free(frame);
	/* On -ETIMEDOUT half a frame may be out, and nothing can follow it. */
	if (rc < 0)
		return rc;
	rc = bvi_exchange_read_hello(reader, hello);
	if (rc == 0)
		rc = bvi_hello_fits(hello, data);
	if (rc < 0 && rc != -ECONNABORTED)
		bvi_exchange_tell_failure(fd, rc);
	return rc;
}

/* "Everybody is ready to receive": B3 of the seed, whose first sends raced the peer's connect. */
static int meet(int fd, int64_t deadline)
{
	struct bvi_reader reader = { 0 };
	uint8_t frame[BVI_FRAME_SMALL];
	const size_t size = bvi_ready_encode(frame);
	int rc;

	rc = bvi_stream_swap(fd, frame, size, &reader, deadline);
	if (rc == 0)
		rc = expect(&reader, BVI_FRAME_READY);
	bvi_reader_reset(&reader);
	return rc;
}

int bvi_exchange_run(struct bv_channel *ch, int fd, struct bv_exchange *data,
		     struct bvi_reader *reader, int64_t deadline)
{
	struct bv_exchange nothing = { 0 };
	struct bvi_hello hello;
	int rc;

	if (!data)
		data = &nothing;
	rc = greet(ch, fd, data, reader, &hello, deadline);
	if (rc < 0)
		return rc;
	rc = bv_channel_connect(ch, &hello.endpoint);
	if (rc < 0) {
		bvi_exchange_tell_failure(fd, rc);
		return rc;
	}
	rc = meet(fd, deadline);
	if (rc < 0) {
		/* What was decided first is the error, also if this fails. */
		(void)bvi_channel_stop(ch, "its peer did not become ready in the exchange");
		return rc;
	}
	bvi_hello_deliver(&hello, data);
	return 0;
}

static int check_socket(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(int);
	int type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return bvi_fail(-errno, "bv_exchange_fd: descriptor %d: %s", fd,
				bvi_errno_text(-errno));
	if (type != SOCK_STREAM)
		return bvi_fail(-EOPNOTSUPP, "bv_exchange_fd: descriptor %d is no stream socket",
				fd);
	size = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
		return bvi_fail(-errno, "bv_exchange_fd: descriptor %d: %s", fd,
				bvi_errno_text(-errno));
	return 0;
}

int bv_exchange_fd(struct bv_channel *ch, int fd, struct bv_exchange *data, int64_t timeout_ns)
{
	struct bvi_reader reader = { 0 };
	int rc;

	rc = bvi_exchange_check(ch, data);
	if (rc < 0)
		return rc;
	rc = check_socket(fd);
	if (rc < 0)
		return rc;
	rc = bvi_exchange_run(ch, fd, data, &reader, bvi_deadline_after(timeout_ns).at);
	bvi_reader_reset(&reader);
	return rc;
}
