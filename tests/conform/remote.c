/* SPDX-License-Identifier: MIT */
#include "remote.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "options.h"

/* A host that is silent for so long is gone. */
#define SILENCE_MS 25000
#define CONNECT_S 10

extern char **environ;

static bool write_all(int fd, const void *from, size_t size)
{
	const char *at = from;

	while (size > 0) {
		const ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *to, size_t size)
{
	char *at = to;

	while (size > 0) {
		const ssize_t n = recv(fd, at, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

int remote_start(const char *program, int *fd, pid_t *pid)
{
	char name[] = "conform-server", serve[] = "--serve", number[16];
	char port_option[] = "--port", port[16], gid_option[] = "--gid-index", gid[16];
	char *const argv[] = { name, port_option, port, gid_option, gid, serve, number, NULL };
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* The child keeps its end open across exec; nothing else of ours survives it. */
	fcntl(pair[1], F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", pair[1]);
	snprintf(port, sizeof(port), "%u", options.port);
	snprintf(gid, sizeof(gid), "%d", options.gid_index);
	rc = posix_spawn(pid, program, NULL, NULL, argv, environ);
	close(pair[1]);
	if (rc != 0) {
		close(pair[0]);
		return -rc;
	}
	*fd = pair[0];
	return 0;
}

/* Small requests at once, and the end of a host that fell silent. */
static void prepare_tcp(int fd)
{
	const int on = 1, idle = 5, count = 4, silence = SILENCE_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
}

static int connect_one(const struct addrinfo *address, const char *token)
{
	/* Linux: the time-out of sending is that of connecting, too. */
	const struct timeval limit = { .tv_sec = CONNECT_S };
	const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	prepare_tcp(fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		rc = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	else if (!write_all(fd, token, strlen(token)) || !write_all(fd, "\n", 1))
		rc = -ECONNRESET;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int remote_connect(const char *peer, int *fd)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[256], port[16], token[64];
	struct addrinfo *list;
	int rc = -EDESTADDRREQ;

	if (sscanf(peer, "%255s %15s %63s", host, port, token) != 3 ||
	    getaddrinfo(host, port, &hints, &list) != 0)
		return -EDESTADDRREQ;
	for (const struct addrinfo *at = list; at && rc < 0; at = at->ai_next)
		rc = connect_one(at, token);
	freeaddrinfo(list);
	if (rc < 0)
		return rc;
	*fd = rc;
	return 0;
}

int remote_call(int fd, const struct request *req, struct reply *rep)
{
	if (!write_all(fd, req, sizeof(*req)) || !read_all(fd, rep, sizeof(*rep)))
		return -EPIPE;
	return 0;
}

bool remote_alive(int fd)
{
	char byte;
	const ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int reap_process(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool remote_stop(int fd, pid_t pid)
{
	close(fd);
	return pid == 0 || reap_process(pid) == 0;
}

void remote_kill(int fd, pid_t pid)
{
	const struct request die = { .command = CMD_DIE };
	struct reply none;

	if (pid == 0) {
		remote_call(fd, &die, &none);
	} else {
		kill(pid, SIGKILL);
		reap_process(pid);
	}
	close(fd);
}

void remote_print_version(void)
{
	const uint16_t one = 1;

	printf("bareverbs %s, requests of %zu and replies of %zu bytes, %s-endian\n", bv_version(),
	       sizeof(struct request), sizeof(struct reply),
	       *(const uint8_t *)&one == 1 ? "little" : "big");
}

static void refuse(struct reply *rep)
{
	rep->rc = -EPROTO;
	snprintf(rep->text, sizeof(rep->text), "a request that cannot be carried out");
}

/*
 * For the tests of bv selftest. Of all servers that find the file, the one that removes it meets the signal
 * whose number is in there: an accident at a known place, once.
 */
static void meet_signal(void)
{
	const char *path = getenv("BV_CONFORM_SIGNAL");
	FILE *file = path ? fopen(path, "re") : NULL;
	char line[16] = "";

	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && unlink(path) == 0)
		raise((int)strtol(line, NULL, 10));
	fclose(file);
}

int side_serve(int fd)
{
	struct local *local = local_new();
	struct request req;
	struct reply rep;
	unsigned n = 0;

	if (!local)
		return EXIT_FAILURE;
	prepare_tcp(fd);
	memset(&rep, 0, sizeof(rep));
	while (read_all(fd, &req, sizeof(req))) {
		if (n++ == 1) /* the first behind the opening of a device is of a test */
			meet_signal();
		if (request_fits(local, &req))
			local_execute(local, &req, &rep);
		else
			refuse(&rep);
		if (!write_all(fd, &rep, sizeof(rep)))
			break;
	}
	local_free(local);
	return EXIT_SUCCESS;
}
