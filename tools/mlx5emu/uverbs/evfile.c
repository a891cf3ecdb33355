/* SPDX-License-Identifier: MIT */
/*
 * Who writes: the engine's callbacks, through wfd (non-blocking). Who reads: the program, and we
 * when an object dies with events unread. Ours is a second open description of the read end, so
 * that its O_NONBLOCK is not the program's.
 * Each record is far below PIPE_BUF: written whole, and the pipe always holds whole records.
 */
#include "uverbs/evfile.h"

#include "uverbs/libc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_PRIVATE_FD = 256, MAX_RECORD = 16 };

struct emu_evfile {
	atomic_uint refs;
	int rfd, wfd;
	dev_t dev;
	ino_t ino;
	pthread_mutex_t purge; /* one purge at a time: it takes all out and puts some back */
};

int emu_fd_move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD);

	if (high < 0) /* RLIMIT_NOFILE may be that low */
		return fd;
	emu_libc()->close(fd);
	return high;
}

static int open_private_end(int user_fd)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", user_fd);
	fd = emu_libc()->open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : emu_fd_move_up(fd);
}

static int init(struct emu_evfile *ev, const int pipe_fd[2])
{
	struct stat st;

	if (emu_libc()->fstat(pipe_fd[0], &st) < 0 || fcntl(pipe_fd[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	ev->rfd = open_private_end(pipe_fd[0]);
	if (ev->rfd < 0)
		return ev->rfd;
	ev->wfd = emu_fd_move_up(pipe_fd[1]);
	ev->dev = st.st_dev;
	ev->ino = st.st_ino;
	atomic_init(&ev->refs, 1);
	pthread_mutex_init(&ev->purge, NULL);
	return 0;
}

int emu_evfile_create(struct emu_evfile **out, int *user_fd, bool apart)
{
	struct emu_evfile *ev = calloc(1, sizeof(*ev));
	int fd[2], rc;

	if (!ev)
		return -ENOMEM;
	/* O_DIRECT: packets, pipe(2) */
	if (pipe2(fd, O_CLOEXEC | (apart ? O_DIRECT : 0)) < 0) {
		rc = -errno;
		goto free_ev;
	}
	rc = init(ev, fd);
	if (rc < 0)
		goto close_pipe;
	*out = ev;
	*user_fd = fd[0];
	return 0;

close_pipe:
	emu_libc()->close(fd[0]);
	emu_libc()->close(fd[1]);
free_ev:
	free(ev);
	return rc;
}

struct emu_evfile *emu_evfile_get(struct emu_evfile *ev)
{
	if (ev)
		atomic_fetch_add(&ev->refs, 1);
	return ev;
}

void emu_evfile_put(struct emu_evfile *ev)
{
	if (!ev || atomic_fetch_sub(&ev->refs, 1) != 1)
		return;
	emu_libc()->close(ev->rfd);
	emu_libc()->close(ev->wfd);
	pthread_mutex_destroy(&ev->purge);
	free(ev);
}

bool emu_evfile_post(struct emu_evfile *ev, const void *record, size_t size)
{
	/* no SIGPIPE: rfd keeps the pipe open whatever the program closes */
	return emu_libc()->write(ev->wfd, record, size) == (ssize_t)size;
}

unsigned emu_evfile_purge(struct emu_evfile *ev, size_t record_size, uint64_t key)
{
	char record[MAX_RECORD], *kept = NULL;
	size_t nkept = 0, room = 0;
	unsigned purged = 0;

	pthread_mutex_lock(&ev->purge);
	while (read(ev->rfd, record, record_size) == (ssize_t)record_size) {
		if (memcmp(record, &key, sizeof(key)) == 0) {
			purged++;
			continue;
		}
		if (nkept + record_size > room) {
			char *more = realloc(kept, 2 * room + 4096);

			if (!more) { /* put back what we have: order suffers, nothing is lost */
				emu_evfile_post(ev, record, record_size);
				break;
			}
			kept = more;
			room = 2 * room + 4096;
		}
		memcpy(kept + nkept, record, record_size);
		nkept += record_size;
	}
	for (size_t at = 0; at < nkept; at += record_size)
		emu_evfile_post(ev, kept + at, record_size);
	pthread_mutex_unlock(&ev->purge);
	free(kept);
	return purged;
}

bool emu_evfile_is(const struct emu_evfile *ev, dev_t dev, ino_t ino)
{
	return ev->dev == dev && ev->ino == ino;
}

bool emu_evfile_owns_fd(const struct emu_evfile *ev, int fd)
{
	return fd == ev->rfd || fd == ev->wfd;
}
