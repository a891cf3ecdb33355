/* SPDX-License-Identifier: MIT */
/*
 * The handshake at the end, over a stream socket:
 *
 *	own sends done | record out | record in | queue pair to the error state
 *
 * A record out means: everything of mine is acknowledged, I need your queue pair no more. A record in
 * means the same of the peer. The call may time out at any point and go on in the next one: what
 * went out and came in is counted in core->shutdown.
 */
#include <bareverbs/recovery.h>

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "error.h"
#include "recovery.h"

/* Magic, version, zero. */
static const uint8_t record[sizeof(((struct bvi_shutdown *)0)->record)] = {
	'B', 'V', 'F', 'I', 0, 1
};

static int fail_socket(const char *what, int rc)
{
	return bvi_fail(rc, "bv_channel_shutdown: the socket to the peer: %s: %s", what,
			bvi_errno_text(rc));
}

/* 0 ready, or the time is over only for now; -ETIMEDOUT; -errno. */
static int wait_fd(int fd, short events, const struct bvi_deadline *deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int ms = -1, n;

	if (deadline->at != BV_FOREVER) {
		const int64_t left = deadline->at > 0 ? deadline->at - bvi_clock_ns() : 0;
		const int64_t up = left > 0 ? (left + BV_MSEC - 1) / BV_MSEC : 0;

		ms = up < INT_MAX ? (int)up : INT_MAX;
	}
	n = poll(&pfd, 1, ms);
	if (n < 0)
		return errno == EINTR ? 0 : fail_socket("poll", bv_rc(-1));
	return n > 0 ? 0 : -ETIMEDOUT;
}

/* Whether a failed send or recv is to be tried again after waiting. */
static bool passing(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int put_record(struct bvi_shutdown *shutdown, int fd, const struct bvi_deadline *deadline)
{
	ssize_t n;
	int rc;

	while (shutdown->sent < sizeof(record)) {
		n = send(fd, record + shutdown->sent, sizeof(record) - shutdown->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			shutdown->sent += (uint8_t)n;
			continue;
		}
		if (n < 0 && !passing())
			return fail_socket("send", bv_rc(-1));
		rc = wait_fd(fd, POLLOUT, deadline);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int get_record(struct bvi_shutdown *shutdown, int fd, const struct bvi_deadline *deadline)
{
	ssize_t n;
	int rc;

	while (shutdown->got < sizeof(record)) {
		n = recv(fd, shutdown->record + shutdown->got, sizeof(record) - shutdown->got,
			 MSG_DONTWAIT);
		if (n > 0) {
			shutdown->got += (uint8_t)n;
			continue;
		}
		if (n == 0)
			return bvi_fail(-ECONNRESET,
					"bv_channel_shutdown: the peer closed its socket before "
					"it had finished: it died, or does not shut down");
		if (!passing())
			return fail_socket("recv", bv_rc(-1));
		rc = wait_fd(fd, POLLIN, deadline);
		if (rc < 0)
			return rc;
	}
	if (memcmp(shutdown->record, record, sizeof(record)) != 0)
		return bvi_fail(-EPROTO, "bv_channel_shutdown: the peer sent something else than "
					 "the record of a shutdown, or one of another version");
	return 0;
}

static int check(const struct bv_channel *ch)
{
	const struct bvi_channel_core *core = ch->core;

	if (core->state != BV_CHANNEL_READY)
		return bvi_fail(core->state == BV_CHANNEL_ERROR ? -EIO : -EINVAL,
				"bv_channel_shutdown: the channel is %s, it must be READY",
				bv_channel_state_name(core->state));
	if (core->shutdown.sent > 0 && core->shutdown.posted != ch->sq_posted)
		return bvi_fail(-EINVAL,
				"bv_channel_shutdown: %llu works were posted since the peer was "
				"told that there are no more",
				(unsigned long long)(ch->sq_posted - core->shutdown.posted));
	return 0;
}

int bv_channel_shutdown(struct bv_channel *ch, int fd, int64_t timeout_ns)
{
	struct bvi_deadline deadline = bvi_deadline_after(timeout_ns);
	struct bvi_shutdown *shutdown;
	int rc;

	if (!ch)
		return bvi_fail(-EINVAL, "bv_channel_shutdown: ch is NULL");
	shutdown = &ch->core->shutdown;
	rc = check(ch);
	if (rc == 0)
		rc = bvi_channel_settle(ch, BVI_ALL, 0, &deadline);
	if (rc < 0)
		return rc;
	if (ch->core->state == BV_CHANNEL_ERROR)
		return bvi_fail(-EIO, "bv_channel_shutdown: a work failed: bv_error_text() of the "
				      "channel has it");
	shutdown->posted = ch->sq_posted;
	rc = put_record(shutdown, fd, &deadline);
	if (rc == 0)
		rc = get_record(shutdown, fd, &deadline);
	if (rc < 0)
		return rc;
	return bvi_channel_stop(ch, "it was shut down");
}
