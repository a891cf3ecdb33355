/* SPDX-License-Identifier: MIT */
/*
 * Open files and their events. A file is known by its descriptor's number: all epoll descriptors share
 * one inode, and librdmacm does not duplicate them. Should the number have been taken over by another
 * file without our close() in between (dup2), /proc tells.
 */
#include "cm/cm.h"

#include "cm/trace.h"
#include "uverbs/evfile.h"
#include "uverbs/libc.h"
#include "uverbs/process.h"
#include "uverbs/user.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct emu_cm_file *files;

/*
 * Which descriptors are files, without the lock: every write() of the process asks, also those of the
 * device under its own lock.
 */
enum { MAX_FD = 65536 };
static atomic_uchar is_file[MAX_FD];

static void fork_child(void)
{
	pthread_mutex_init(&lock, NULL);
}

static void fork_prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void watch_fork(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static int init(struct emu_cm_file *file, int flags)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0 };
	int rc;

	file->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (file->wake_fd < 0)
		return -errno;
	file->wake_fd = emu_fd_move_up(file->wake_fd);
	file->fd = epoll_create1(flags & O_CLOEXEC ? EPOLL_CLOEXEC : 0);
	if (file->fd < 0 || epoll_ctl(file->fd, EPOLL_CTL_ADD, file->wake_fd, &event) < 0 ||
	    ((flags & O_NONBLOCK) && fcntl(file->fd, F_SETFL, O_NONBLOCK) < 0)) {
		rc = -errno;
		if (file->fd >= 0)
			emu_libc()->close(file->fd);
		emu_libc()->close(file->wake_fd);
		return rc;
	}
	return 0;
}

/* Called with the engine's lock held; who holds ours never waits for that. */
static bool tell_all(uint32_t events)
{
	if (pthread_mutex_trylock(&lock) != 0)
		return false;
	emu_cm_ids_tell(events);
	pthread_mutex_unlock(&lock);
	return true;
}

static int open_file(int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct emu_cm_file *file = calloc(1, sizeof(*file));
	int rc;

	if (!file)
		return -ENOMEM;
	rc = init(file, flags);
	if (rc < 0) {
		free(file);
		return rc;
	}
	if (file->fd >= MAX_FD) {
		emu_libc()->close(file->wake_fd);
		emu_libc()->close(file->fd);
		free(file);
		return -EMFILE;
	}
	pthread_once(&once, watch_fork);
	file->pid = getpid();
	file->last = &file->events;
	rc = file->fd;
	pthread_mutex_lock(&lock);
	file->next = files;
	files = file;
	atomic_store(&is_file[rc], 1);
	pthread_mutex_unlock(&lock);
	return rc;
}

int emu_cm_open(int flags)
{
	int rc = emu_process_enter();

	if (rc < 0)
		return rc;
	emu_connections(tell_all);
	rc = open_file(flags);
	if (rc < 0)
		emu_engine_leave();
	return rc;
}

struct emu_cm_file *emu_cm_file_find(int fd)
{
	struct emu_cm_file *file = files;

	while (file && file->fd != fd)
		file = file->next;
	return file && file->pid == getpid() ? file : NULL;
}

static bool is_epoll(int fd)
{
	static const char wanted[] = "anon_inode:[eventpoll]";
	char path[32], target[sizeof(wanted)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return emu_libc()->readlink(path, target, sizeof(target)) == sizeof(wanted) - 1 &&
	       memcmp(target, wanted, sizeof(wanted) - 1) == 0;
}

bool emu_cm_is(int fd)
{
	return fd >= 0 && fd < MAX_FD && atomic_load(&is_file[fd]) && is_epoll(fd);
}

void emu_cm_closing(int fd)
{
	struct emu_cm_file **at = &files, *file;

	if (!emu_cm_is(fd))
		return;
	pthread_mutex_lock(&lock);
	file = emu_cm_file_find(fd);
	if (file) {
		emu_cm_ids_destroy(file);
		while (*at != file)
			at = &(*at)->next;
		*at = file->next;
		atomic_store(&is_file[fd], 0);
		emu_libc()->close(file->wake_fd);
		free(file);
	}
	pthread_mutex_unlock(&lock);
	if (file)
		emu_engine_leave();
}

/* ---- events ---- */

static void append(struct emu_cm_file *file, struct emu_cm_event *event)
{
	const uint64_t one = 1;

	event->next = NULL;
	*file->last = event;
	file->last = &event->next;
	if (emu_libc()->write(file->wake_fd, &one, sizeof(one)) < 0)
		return; /* it counts to 2^64 - 2 */
}

struct emu_cm_event *emu_cm_raise(struct emu_cm_id *id, uint32_t type, int status)
{
	struct emu_cm_event *event = calloc(1, sizeof(*event));

	if (!event)
		return NULL;
	event->id = id;
	event->resp.uid = id->uid;
	event->resp.id = id->handle;
	event->resp.event = type;
	event->resp.status = (uint32_t)status;
	append(id->file, event);
	return event;
}

/* Behind the last one the file is not readable any more. */
static void unlink_event(struct emu_cm_file *file, struct emu_cm_event **at)
{
	uint64_t count;

	*at = (*at)->next;
	if (!*at)
		file->last = at;
	if (!file->events && read(file->wake_fd, &count, sizeof(count)) < 0)
		return; /* it was not: as it should be */
}

/* Takes the first event of @id (NULL: of anybody) out of the file. */
static struct emu_cm_event *take(struct emu_cm_file *file, const struct emu_cm_id *id)
{
	struct emu_cm_event **at = &file->events, *event;

	while (*at && id && (*at)->id != id)
		at = &(*at)->next;
	event = *at;
	if (!event)
		return NULL;
	unlink_event(file, at);
	return event;
}

void emu_cm_events_move(struct emu_cm_id *id, struct emu_cm_file *to)
{
	struct emu_cm_event *event;
	struct emu_cm_file *from = id->file;

	while (from != to && (event = take(from, id))) {
		append(to, event);
		if (event->child)
			(void)emu_cm_id_move(event->child,
					     to); /* at worst a peer that is not heard */
	}
}

void emu_cm_events_drop(struct emu_cm_id *id)
{
	struct emu_cm_event *event;

	while ((event = take(id->file, id))) {
		if (event->child)
			emu_cm_id_destroy(event->child);
		free(event);
	}
}

void emu_cm_events_drop_group(const struct emu_cm_group *group)
{
	struct emu_cm_file *file = group->id->file;
	struct emu_cm_event **at = &file->events, *event;

	while ((event = *at)) {
		if (event->group == group) {
			unlink_event(file, at);
			free(event);
		} else {
			at = &event->next;
		}
	}
}

static void pump(const struct emu_cm_file *file)
{
	enum { BATCH = 16 };
	struct epoll_event ready[BATCH];
	const int n = epoll_wait(file->fd, ready, BATCH, 0);

	for (int i = 0; i < n; i++) {
		struct emu_cm_id *id = emu_cm_id_find((uint32_t)ready[i].data.u64);

		if (id && id->file == file && id->sock >= 0)
			emu_cm_id_ready(id);
	}
}

/* 1 and an event, 0 none waits. */
static int poll_event(int fd, struct rdma_ucm_event_resp *resp)
{
	struct emu_cm_file *file;
	struct emu_cm_event *event = NULL;

	pthread_mutex_lock(&lock);
	file = emu_cm_file_find(fd);
	if (file) {
		pump(file);
		event = take(file, NULL);
	}
	if (event) {
		event->id->events_reported++;
		if (event->group)
			event->group->events_reported++;
		if (event->child)
			event->child->untold = false;
		*resp = event->resp;
	}
	pthread_mutex_unlock(&lock);
	free(event);
	return file ? event != NULL : -EBADF;
}

static int get_event(int fd, const struct rdma_ucm_cmd_hdr *hdr, const void *payload)
{
	struct rdma_ucm_get_event cmd;
	struct rdma_ucm_event_resp resp = { .id = 0 };
	struct epoll_event ready;
	int rc;

	if (hdr->in < sizeof(cmd) || hdr->out < offsetof(struct rdma_ucm_event_resp, reserved))
		return -ENOSPC;
	memcpy(&cmd, payload, sizeof(cmd));
	while ((rc = poll_event(fd, &resp)) == 0) {
		if (fcntl(fd, F_GETFL) & O_NONBLOCK)
			return -EAGAIN;
		if (epoll_wait(fd, &ready, 1, -1) < 0)
			return -errno;
	}
	if (rc < 0)
		return rc;
	return emu_user_write(cmd.response, &resp,
			      hdr->out < sizeof(resp) ? hdr->out : sizeof(resp));
}

static int command(int fd, const struct rdma_ucm_cmd_hdr *hdr, const void *payload)
{
	const enum emu_fault_command name = emu_cm_plan_name(hdr, payload);
	struct emu_cm_answer refusal = { .given = false };
	struct emu_cm_file *file;
	int rc = name == EMU_FAULT_NO_COMMAND ? 0 : emu_command_fault(name, &refusal);

	if (rc < 0)
		return rc;
	if (hdr->cmd == RDMA_USER_CM_CMD_GET_EVENT)
		return get_event(fd, hdr, payload);
	pthread_mutex_lock(&lock);
	file = emu_cm_file_find(fd);
	rc = file ? emu_cm_command(file, hdr, payload, &refusal) : -EBADF;
	pthread_mutex_unlock(&lock);
	return rc;
}

ssize_t emu_cm_write(int fd, const void *buf, size_t size)
{
	enum { MAX_COMMAND = 1024 };
	_Alignas(8) uint8_t payload[MAX_COMMAND];
	struct rdma_ucm_cmd_hdr hdr;
	int rc;

	if (size < sizeof(hdr))
		return -EINVAL;
	rc = emu_user_read(&hdr, (uintptr_t)buf, sizeof(hdr));
	if (rc < 0)
		return rc;
	if (hdr.in > sizeof(payload) || hdr.in + sizeof(hdr) > size)
		return -EINVAL;
	memset(payload, 0, sizeof(payload));
	rc = emu_user_read(payload, (uintptr_t)buf + sizeof(hdr), hdr.in);
	if (rc < 0)
		return rc;
	rc = command(fd, &hdr, payload);
	emu_cm_trace(&hdr, payload, rc);
	return rc < 0 ? rc : (ssize_t)size;
}
