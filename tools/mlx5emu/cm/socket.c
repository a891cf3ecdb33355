/* SPDX-License-Identifier: MIT */
/*
 * Names in the abstract socket namespace: "\0mlx5emu.<run>.cm.<port>.<address>", "cmu" instead of "cm"
 * for datagrams, which have ports of their own; the address in hex or "any". A connection is made to the address first and to "any" then, as a kernel looks up listeners.
 * The kernel says who is at the other end; another user's process is not heard.
 */
#include "cm/cm.h"

#include "uverbs/evfile.h"
#include "uverbs/libc.h"
#include "uverbs/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAGIC = 0x4d35434d, FIRST_PORT = 32768, LAST_PORT = 60999 };

static socklen_t make_name(struct sockaddr_un *name, const struct sockaddr_in6 *addr,
			   bool datagrams, bool any)
{
	const uint8_t *bytes = (const uint8_t *)&addr->sin6_addr;
	char hex[33] = "any";
	size_t n = 16;
	int len;

	if (addr->sin6_family == AF_INET) {
		bytes = (const uint8_t *)addr + offsetof(struct sockaddr_in, sin_addr);
		n = 4;
	}
	for (size_t i = 0; i < n && !any; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	len = snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "mlx5emu.%s.%s.%u.%s",
		       emu_session()->run.id, datagrams ? "cmu" : "cm", emu_cm_addr_port(addr),
		       hex);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

static int open_socket(void)
{
	int fd = emu_libc()->socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : emu_fd_move_up(fd);
}

static int bind_port(int fd, const struct sockaddr_in6 *addr, bool datagrams)
{
	struct sockaddr_un name;
	socklen_t len = make_name(&name, addr, datagrams, emu_cm_addr_any(addr));

	return bind(fd, (struct sockaddr *)&name, len) < 0 ? -errno : 0;
}

/* A free port is one whose name can be had. */
static int bind_any_port(int fd, struct sockaddr_in6 *addr, bool datagrams)
{
	enum { TRIES = 200 };
	uint16_t random;
	int rc = -EADDRINUSE;

	for (unsigned i = 0; i < TRIES && rc == -EADDRINUSE; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EAGAIN;
		emu_cm_addr_set_port(
			addr, (uint16_t)(FIRST_PORT + random % (LAST_PORT - FIRST_PORT + 1)));
		rc = bind_port(fd, addr, datagrams);
	}
	return rc;
}

int emu_cm_bind(struct sockaddr_in6 *addr, bool datagrams)
{
	int fd = open_socket(), rc;

	if (fd < 0)
		return fd;
	rc = emu_cm_addr_port(addr) ? bind_port(fd, addr, datagrams) :
				      bind_any_port(fd, addr, datagrams);
	if (rc == 0)
		return fd;
	emu_libc()->close(fd);
	return rc;
}

int emu_cm_connect(const struct sockaddr_in6 *to, bool datagrams)
{
	int fd = open_socket(), rc = -ECONNREFUSED;

	if (fd < 0)
		return fd;
	for (unsigned any = 0; any < 2 && rc == -ECONNREFUSED; any++) {
		struct sockaddr_un name;
		socklen_t len = make_name(&name, to, datagrams, any);

		rc = connect(fd, (struct sockaddr *)&name, len) < 0 ? -errno : 0;
	}
	if (rc == 0)
		return fd;
	emu_libc()->close(fd);
	return rc;
}

void emu_cm_send(const struct emu_cm_id *id, enum emu_cm_message_type type, uint32_t reason)
{
	const struct emu_cm_message message = {
		.magic = MAGIC,
		.type = type,
		.psn = id->psn,
		.reason = reason,
		.traffic_class = id->tos,
		.src = id->src,
		.dst = id->dst,
		.param = id->own,
	};

	/* A peer that is gone shows when the socket is read. */
	if (id->sock >= 0)
		(void)send(id->sock, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool peer_ok(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

int emu_cm_receive(const struct emu_cm_id *id, struct emu_cm_message *message)
{
	const ssize_t n = recv(id->sock, message, sizeof(*message), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n != sizeof(*message) || message->magic != MAGIC || message->type < EMU_CM_REQ ||
	    message->type > EMU_CM_DREQ || emu_cm_addr_check(&message->src) < 0 ||
	    emu_cm_addr_check(&message->dst) < 0 || !peer_ok(id->sock))
		return -ECONNRESET;
	return 1;
}
