/* SPDX-License-Identifier: MIT */
#include "remote.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
	char number[16];
	char argument[] = REMOTE_ARGUMENT;
	char name[] = "conform-server";
	char *const argv[] = { name, argument, number, NULL };
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* The child keeps its end open across exec; nothing else of ours survives it. */
	fcntl(pair[1], F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", pair[1]);
	rc = posix_spawn(pid, program, NULL, NULL, argv, environ);
	close(pair[1]);
	if (rc != 0) {
		close(pair[0]);
		return -rc;
	}
	*fd = pair[0];
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
	return reap_process(pid) == 0;
}

void remote_kill(int fd, pid_t pid)
{
	kill(pid, SIGKILL);
	reap_process(pid);
	close(fd);
}

int side_serve(int fd)
{
	struct local *local = local_new();
	struct request req;
	struct reply rep;

	if (!local)
		return EXIT_FAILURE;
	while (read_all(fd, &req, sizeof(req))) {
		local_execute(local, &req, &rep);
		if (!write_all(fd, &rep, sizeof(rep)))
			break;
	}
	local_free(local);
	return EXIT_SUCCESS;
}
