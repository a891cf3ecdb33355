/* SPDX-License-Identifier: MIT */
#include "fabric.h"
#include "../trace/raw.h"
#include "address.h"
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * One queue per destination slot, empty almost always: a datagram goes into it when the kernel's
 * queue of the receiver is full (EAGAIN; net.unix.max_dgram_qlen is as small as 10) or when older
 * ones wait already, which keeps the order. The own slot's queue is the loopback itself.
 */
enum {
	MAX_WAITING = 4096,  /* per slot; protocol windows stay far below */
	CLEAR_LOOPBACK = 16, /* more than this in the loopback: senders pause */
	SOCKET_BUFFER = 4 << 20,
};

struct emu_fabric {
	int fd;
	unsigned slot;
	char run_id[EMU_RUN_ID_MAX + 1];
	emu_filter *filter;
	void *filter_arg;
	bool blocked;
	unsigned waiting;     /* datagrams in all queues but the own slot's */
	bool full[EMU_SLOTS]; /* took nothing since the last flush */
	uint64_t taken[EMU_SLOTS];
	struct emu_queue queue[EMU_SLOTS];
};

static int set_options(int fd)
{
	const int size = SOCKET_BUFFER;
	const int on = 1;

	/* Large datagrams must fit; the forced form needs privilege, the other one is capped. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Binding is the claim: the kernel lets one socket have a name, and frees it with the process. */
static int claim_slot(struct emu_fabric *fabric)
{
	struct sockaddr_un name;
	socklen_t len;

	for (unsigned slot = 1; slot < EMU_SLOTS; slot++) {
		len = emu_address_make(&name, fabric->run_id, slot);
		if (bind(fabric->fd, (struct sockaddr *)&name, len) == 0) {
			fabric->slot = slot;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

static int open_socket(struct emu_fabric *fabric)
{
	int rc;

	fabric->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fabric->fd < 0)
		return -errno;
	rc = set_options(fabric->fd);
	if (rc == 0)
		rc = claim_slot(fabric);
	if (rc < 0)
		emu_raw_close(fabric->fd);
	return rc;
}

int emu_fabric_open(const char *run_id, struct emu_fabric **out)
{
	struct emu_fabric *fabric;
	int rc = 0;

	if (run_id && !emu_address_valid(run_id))
		return -EINVAL;
	fabric = calloc(1, sizeof(*fabric));
	if (!fabric)
		return -ENOMEM;
	fabric->fd = -1;
	fabric->slot = 1;
	if (run_id && *run_id) {
		memcpy(fabric->run_id, run_id, strlen(run_id) + 1);
		rc = open_socket(fabric);
	}
	if (rc < 0) {
		free(fabric);
		return rc;
	}
	*out = fabric;
	return 0;
}

void emu_fabric_close(struct emu_fabric *fabric)
{
	for (unsigned i = 0; i < EMU_SLOTS; i++)
		emu_queue_clear(&fabric->queue[i]);
	if (fabric->fd >= 0)
		emu_raw_close(fabric->fd);
	free(fabric);
}

unsigned emu_fabric_slot(const struct emu_fabric *fabric)
{
	return fabric->slot;
}

const char *emu_fabric_run_id(const struct emu_fabric *fabric)
{
	return fabric->run_id;
}

bool emu_fabric_held(const struct emu_fabric *fabric, unsigned slot)
{
	struct sockaddr_un name;
	const socklen_t len = emu_address_make(&name, fabric->run_id, slot);
	bool held;
	int fd;

	if (fabric->fd < 0 || slot == fabric->slot)
		return slot == fabric->slot;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	held = connect(fd, (struct sockaddr *)&name, len) == 0;
	emu_raw_close(fd);
	return held;
}

int emu_fabric_fd(const struct emu_fabric *fabric)
{
	return fabric->fd;
}

void emu_fabric_filter(struct emu_fabric *fabric, emu_filter *filter, void *arg)
{
	fabric->filter = filter;
	fabric->filter_arg = arg;
}

void emu_fabric_block(struct emu_fabric *fabric, bool blocked)
{
	fabric->blocked = blocked;
}

bool emu_fabric_clear(const struct emu_fabric *fabric, unsigned slot)
{
	if (slot >= EMU_SLOTS)
		return true;
	return !fabric->blocked && !fabric->full[slot] &&
	       fabric->queue[slot].count <= (slot == fabric->slot ? CLEAR_LOOPBACK : 0);
}

uint64_t emu_fabric_taken(const struct emu_fabric *fabric, unsigned slot)
{
	return slot < EMU_SLOTS ? fabric->taken[slot] : 0;
}

unsigned emu_fabric_waiting(const struct emu_fabric *fabric)
{
	return fabric->waiting;
}

/* 0 sent or swallowed, -EAGAIN. Any other failure is a peer that cannot be reached: lost. */
static int transmit(struct emu_fabric *fabric, unsigned slot, const void *datagram, size_t size)
{
	struct sockaddr_un name;
	const socklen_t len = emu_address_make(&name, fabric->run_id, slot);

	if (fabric->fd < 0)
		return 0;
	if (sendto(fabric->fd, datagram, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (struct sockaddr *)&name, len) >= 0) {
		fabric->taken[slot]++;
		return 0;
	}
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -EAGAIN : 0;
}

static int wait_in_queue(struct emu_fabric *fabric, unsigned slot, const void *datagram,
			 size_t size)
{
	struct emu_queue *queue = &fabric->queue[slot];

	if (queue->count >= MAX_WAITING || emu_queue_put(queue, datagram, size) < 0)
		return -ENOBUFS;
	if (slot != fabric->slot)
		fabric->waiting++;
	return 0;
}

static int send_one(struct emu_fabric *fabric, unsigned slot, const void *datagram, size_t size,
		    bool keep)
{
	if (slot == fabric->slot)
		return wait_in_queue(fabric, slot, datagram, size);
	if (!fabric->blocked && fabric->queue[slot].count == 0 &&
	    transmit(fabric, slot, datagram, size) == 0)
		return 0;
	fabric->full[slot] = true;
	return keep ? wait_in_queue(fabric, slot, datagram, size) : -EAGAIN;
}

static int send_all(struct emu_fabric *fabric, const void *datagram, size_t size)
{
	if (fabric->blocked)
		return -EAGAIN;
	for (unsigned slot = 1; slot < EMU_SLOTS; slot++) {
		if (slot == fabric->slot)
			(void)wait_in_queue(fabric, slot, datagram, size);
		else
			(void)transmit(fabric, slot, datagram, size);
	}
	return 0;
}

int emu_fabric_send(struct emu_fabric *fabric, unsigned slot, const void *datagram, size_t size,
		    bool keep)
{
	enum emu_verdict verdict = EMU_DELIVER;
	int rc;

	if (slot == EMU_FABRIC_ALL)
		return send_all(fabric, datagram, size);
	if (slot == 0 || slot >= EMU_SLOTS)
		return 0;
	if (!keep && !emu_fabric_clear(fabric, slot))
		return -EAGAIN;
	if (fabric->filter)
		verdict = fabric->filter(fabric->filter_arg, datagram, size);
	if (verdict == EMU_LOSE)
		return 0;
	rc = send_one(fabric, slot, datagram, size, keep);
	if (rc == 0 && verdict == EMU_DUPLICATE)
		(void)send_one(fabric, slot, datagram, size, true);
	return rc;
}

unsigned emu_fabric_flush(struct emu_fabric *fabric)
{
	unsigned sent = 0;

	memset(fabric->full, 0, sizeof(fabric->full));
	if (fabric->blocked)
		return 0;
	for (unsigned slot = 1; fabric->waiting && slot < EMU_SLOTS; slot++) {
		struct emu_queue *queue = &fabric->queue[slot];

		if (slot == fabric->slot)
			continue;
		while (queue->head &&
		       transmit(fabric, slot, queue->head->data, queue->head->size) == 0) {
			emu_queue_drop(queue);
			fabric->waiting--;
			sent++;
		}
	}
	return sent;
}

static int take_loopback(struct emu_fabric *fabric, void *buffer, size_t capacity, size_t *size)
{
	const struct emu_queued *first = fabric->queue[fabric->slot].head;

	*size = first->size < capacity ? first->size : capacity;
	memcpy(buffer, first->data, *size);
	emu_queue_drop(&fabric->queue[fabric->slot]);
	fabric->taken[fabric->slot]++;
	return 0;
}

/* The uid that the kernel attached, or -1. */
static uid_t sender_uid(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return (uid_t)-1;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	return cred.uid;
}

/* 0 taken, -EAGAIN nothing there, -EPROTO a datagram that does not count. */
static int take_socket(struct emu_fabric *fabric, void *buffer, size_t capacity, size_t *size,
		       unsigned *slot)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct sockaddr_un name = { 0 };
	struct iovec iov = { buffer, capacity };
	struct msghdr msg = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t n = recvmsg(fabric->fd, &msg, MSG_DONTWAIT);
	unsigned from;
	uid_t uid;

	if (n < 0)
		return -EAGAIN;
	uid = sender_uid(&msg);
	if ((msg.msg_flags & MSG_TRUNC) || (uid != 0 && uid != geteuid()))
		return -EPROTO;
	from = emu_address_slot(&name, msg.msg_namelen, fabric->run_id);
	if (from == 0)
		return -EPROTO;
	*size = (size_t)n;
	*slot = from;
	return 0;
}

int emu_fabric_receive(struct emu_fabric *fabric, void *buffer, size_t capacity, size_t *size,
		       unsigned *slot)
{
	int rc;

	if (fabric->queue[fabric->slot].head && !fabric->blocked) {
		*slot = fabric->slot;
		return take_loopback(fabric, buffer, capacity, size);
	}
	if (fabric->fd < 0)
		return -EAGAIN;
	do
		rc = take_socket(fabric, buffer, capacity, size, slot);
	while (rc == -EPROTO);
	return rc;
}
