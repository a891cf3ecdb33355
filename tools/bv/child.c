/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"

static _Noreturn void become(const char *const *argv, int out)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *copy[64];
	size_t n = 0;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	/* execv() takes what it does not change as if it would. */
	for (; n < sizeof(copy) / sizeof(copy[0]) - 1 && argv[n] != NULL; n++)
		memcpy(&copy[n], &argv[n], sizeof(copy[n]));
	copy[n] = NULL;
	execv(copy[0], copy);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", copy[0], strerror(errno));
	_exit(127);
}

int child_start(struct child *child, const char *const *argv)
{
	int ends[2];

	*child = (struct child){ .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(-errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0)
		become(argv, ends[1]);
	close(ends[1]);
	if (child->pid < 0) {
		const int rc = fail(-errno, "cannot fork: %s", strerror(errno));

		close(ends[0]);
		return rc;
	}
	setpgid(child->pid, child->pid); /* the child does, too: whoever is first */
	child->fd = ends[0];
	return 0;
}

/* Return: 1 something can be read; -ETIMEDOUT; -EINTR. */
static int wait_readable(int fd, int64_t deadline)
{
	const int64_t left = deadline - clock_ns();
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	int n;

	/* An hour at most: an int of milliseconds would hold no more than three weeks. */
	n = poll(&entry, 1,
		 left <= 0            ? 0 :
		 left < 3600000000000 ? (int)(left / 1000000) + 1 :
					3600000);
	if (n > 0)
		return 1;
	if (n < 0)
		return errno == EINTR ? -EINTR : 1;
	return deadline <= clock_ns() ? -ETIMEDOUT : wait_readable(fd, deadline);
}

/* The first line of what is not handed out yet; NULL if its end is not there. */
static char *take_line(struct child *child)
{
	char *line = child->buffer + child->taken;
	char *end = memchr(line, '\n', child->used - child->taken);

	if (end == NULL && child->used - child->taken < sizeof(child->buffer) - 1)
		return NULL;
	if (end == NULL)
		end = child->buffer + child->used;
	*end = '\0';
	child->taken = (size_t)(end - child->buffer) + 1;
	if (child->taken > child->used)
		child->taken = child->used;
	return line;
}

static char *take_rest(struct child *child)
{
	char *line = child->buffer + child->taken;

	if (child->used == child->taken)
		return NULL;
	child->buffer[child->used] = '\0';
	child->taken = child->used;
	return line;
}

int child_line(struct child *child, int64_t deadline, const char **line)
{
	for (;;) {
		ssize_t n;
		int rc;

		*line = take_line(child);
		if (*line != NULL)
			return 1;
		child->used -= child->taken;
		memmove(child->buffer, child->buffer + child->taken, child->used);
		child->taken = 0;
		rc = wait_readable(child->fd, deadline);
		if (rc < 0)
			return rc;
		n = read(child->fd, child->buffer + child->used,
			 sizeof(child->buffer) - 1 - child->used);
		if (n < 0 && errno == EINTR)
			return -EINTR;
		if (n <= 0) {
			*line = take_rest(child);
			return *line != NULL;
		}
		child->used += (size_t)n;
	}
}

int child_end(struct child *child, int64_t deadline)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status = 0;

	while (waitpid(child->pid, &status, WNOHANG) == 0) {
		if (clock_ns() >= deadline)
			kill(-child->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	kill(-child->pid, SIGKILL); /* what it started and left behind */
	close(child->fd);
	child->fd = -1;
	return status;
}

void child_status_text(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "ended with exit status %d", WEXITSTATUS(status));
}

void child_helper_path(const char *name, char *path, size_t size)
{
	char self[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	snprintf(path, size, "%s/" BV_LIBEXEC_FROM_BIN "/%s", self, name);
	if (realpath(path, self) != NULL)
		snprintf(path, size, "%s", self);
}
