/* SPDX-License-Identifier: MIT */
/*
 * The registry lock guards the list, refs and open; a file's own lock guards the rest of it. The
 * registry lock is never held across a call of the engine, so the engine may use descriptors (and
 * so enter our wrappers) as it likes.
 * Descriptors multiply in ways that a library cannot watch (dup, fcntl, SCM_RIGHTS), so nothing is
 * counted: when one of ours is closed, /proc/self/fd tells whether another one is left.
 */
#include "uverbs/file.h"

#include "engine/engine.h"
#include "engine/log.h"
#include "firmware/firmware.h"
#include "uverbs/bfreg.h"
#include "uverbs/command.h"
#include "uverbs/libc.h"
#include "uverbs/session.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct emu_file *registry;
static atomic_uint nfiles;
static pid_t owner; /* a child after vfork() closes descriptors in our memory: not ours to note */

static const size_t file_size = (size_t)(EMU_DM_FIRST_PAGE + EMU_DM_PAGES) * EMU_PAGE_SIZE;
static const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
static_assert((int)EMU_MAX_UAR_PAGES <= (int)EMU_DM_FIRST_PAGE, "pages overlap");

bool emu_file_any(void)
{
	return atomic_load_explicit(&nfiles, memory_order_acquire) != 0;
}

void emu_file_stat(unsigned index, struct stat *st)
{
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(EMU_CDEV_MAJOR,
			      EMU_CDEV_FIRST_MINOR + emu_session()->run.first_uverbs + index);
	st->st_size = 0;
	st->st_blocks = 0;
}

/* ---- fork ---- */

static void fork_prepare(void)
{
	pthread_mutex_lock(&registry_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&registry_lock);
}

static void fork_child(void)
{
	pthread_mutex_init(&registry_lock, NULL);
	owner = getpid();
	for (struct emu_file *f = registry; f; f = f->next) {
		f->inherited = true;
		f->refs = 1; /* calls in progress belong to threads that do not exist here */
		pthread_mutex_init(&f->lock, NULL);
		pthread_mutex_init(&f->subscribed, NULL);
	}
}

static void watch_fork(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* ---- open ---- */

static int map_uar(struct emu_file *file, int fd)
{
	struct stat st;

	if (ftruncate(fd, (off_t)file_size) < 0 || emu_libc()->fstat(fd, &st) < 0)
		return -errno;
	/* a program that truncated the file would make our own mapping fault */
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	file->uar = mmap(NULL, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file->uar == MAP_FAILED)
		return -errno;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return 0;
}

static void enlist(struct emu_file *file)
{
	pthread_mutex_lock(&registry_lock);
	owner = getpid();
	file->next = registry;
	registry = file;
	atomic_fetch_add(&nfiles, 1);
	pthread_mutex_unlock(&registry_lock);
}

int emu_file_open(unsigned index, int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct emu_file *file;
	char name[32];
	int fd, rc;

	if (sysconf(_SC_PAGESIZE) != EMU_PAGE_SIZE)
		return -EOPNOTSUPP; /* UAR pages are mapped one by one */
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	snprintf(name, sizeof(name), "uverbs%u", index);
	fd = memfd_create(name, MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0));
	if (fd < 0) {
		rc = -errno;
		goto free_file;
	}
	rc = map_uar(file, fd);
	if (rc < 0)
		goto close_fd;
	pthread_once(&once, watch_fork);
	pthread_mutex_init(&file->lock, NULL);
	pthread_mutex_init(&file->subscribed, NULL);
	file->index = index;
	file->refs = 1;
	file->open = true;
	enlist(file);
	return fd;

close_fd:
	emu_libc()->close(fd);
free_file:
	free(file);
	return rc;
}

/* ---- files of others ---- */

bool emu_file_foreign(int fd, const struct stat *st, unsigned *index)
{
	static const char prefix[] = "/memfd:uverbs";
	char link[32], name[64];
	ssize_t n;

	if (st->st_size != (off_t)file_size || !S_ISREG(st->st_mode) || !emu_session())
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = emu_libc()->readlink(link, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || fcntl(fd, F_GET_SEALS) != seals)
		return false;
	*index = (unsigned)strtoul(name + sizeof(prefix) - 1, NULL, 10);
	return *index < emu_session()->run.ndev;
}

int emu_file_refuse_foreign(int fd)
{
	const struct emu_run *run;
	unsigned index;
	struct stat st;

	if (emu_libc()->fstat(fd, &st) < 0 || !emu_file_foreign(fd, &st, &index))
		return 0;
	run = &emu_session()->run;
	if (run->log_level >= EMU_LOG_WARN)
		emu_log_apart(run->log_file[0] ? run->log_file : NULL, EMU_LOG_WARN,
			      "uverbs%u: descriptor %d is of a device that another process opened: "
			      "it can be imported in that process alone",
			      index, fd);
	return -EOPNOTSUPP;
}

int emu_file_refuse_inherited(struct emu_file *file)
{
	if (!atomic_exchange(&file->told, true))
		emu_warn(
			"uverbs%u: a child after fork() uses a device of its parent, where alone it "
			"works: open it again in the child",
			file->index);
	return -EIO;
}

/* ---- references ---- */

static struct emu_file *find(dev_t dev, ino_t ino)
{
	struct emu_file *f = registry;

	while (f && !(f->open && f->ino == ino && f->dev == dev))
		f = f->next;
	return f;
}

struct emu_file *emu_file_get(int fd)
{
	struct emu_file *file;
	struct stat st;

	if (!emu_file_any() || emu_libc()->fstat(fd, &st) < 0)
		return NULL;
	/* no lock for other files: a program may write to one in a signal handler */
	if (st.st_size != (off_t)file_size)
		return NULL;
	pthread_mutex_lock(&registry_lock);
	file = find(st.st_dev, st.st_ino);
	if (file)
		file->refs++;
	pthread_mutex_unlock(&registry_lock);
	return file;
}

static void free_file(struct emu_file *file)
{
	if (file->device)
		emu_device_destroy(file->device);
	emu_fw_destroy(file->fw);
	emu_bfregs_free(file->bfregs);
	emu_devx_unsubscribe(file, NULL, NULL);
	emu_object_table_free(&file->objects);
	while (file->channels) {
		struct emu_channel *channel = file->channels;

		file->channels = channel->next;
		emu_evfile_put(channel->ev);
		free(channel);
	}
	emu_evfile_put(file->async);
	munmap(file->uar, file_size);
	pthread_mutex_destroy(&file->subscribed);
	pthread_mutex_destroy(&file->lock);
	free(file);
}

void emu_file_put(struct emu_file *file)
{
	struct emu_file **at = &registry;
	bool last;

	pthread_mutex_lock(&registry_lock);
	last = --file->refs == 0;
	if (last) {
		while (*at != file)
			at = &(*at)->next;
		*at = file->next;
		atomic_fetch_sub(&nfiles, 1);
	}
	pthread_mutex_unlock(&registry_lock);
	if (last)
		free_file(file);
}

/* ---- close ---- */

static struct emu_channel *find_channel(struct emu_file *file, dev_t dev, ino_t ino)
{
	struct emu_channel *c = file->channels;

	while (c && !emu_evfile_is(c->ev, dev, ino))
		c = c->next;
	return c;
}

/* The next open file after @file (NULL: the first), with a reference; drops that of @file. */
static struct emu_file *next_file(struct emu_file *file)
{
	struct emu_file *f;

	pthread_mutex_lock(&registry_lock);
	f = file ? file->next : registry;
	while (f && !f->open)
		f = f->next;
	if (f)
		f->refs++;
	pthread_mutex_unlock(&registry_lock);
	if (file)
		emu_file_put(file);
	return f;
}

/* Any descriptor of the program that refers to (dev, ino)? @ev: whose private ends do not count. */
static bool still_open(dev_t dev, ino_t ino, const struct emu_evfile *ev)
{
	DIR *dir = emu_libc()->opendir("/proc/self/fd");
	const struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || (ev && emu_evfile_owns_fd(ev, fd)))
			continue;
		found = emu_libc()->fstat(fd, &st) == 0 && st.st_ino == ino && st.st_dev == dev;
	}
	closedir(dir);
	return found;
}

static void remove_channel(struct emu_file *file, struct emu_channel *channel)
{
	struct emu_channel **at = &file->channels;

	while (*at != channel)
		at = &(*at)->next;
	pthread_mutex_lock(&file->subscribed);
	*at = channel->next;
	pthread_mutex_unlock(&file->subscribed);
	emu_devx_unsubscribe(file, NULL, channel->ev);
	emu_evfile_put(channel->ev);
	free(channel);
}

static void drop_channel(struct emu_file *file, dev_t dev, ino_t ino)
{
	struct emu_channel *channel;

	pthread_mutex_lock(&file->lock);
	channel = find_channel(file, dev, ino);
	if (channel && !still_open(dev, ino, channel->ev))
		remove_channel(file, channel);
	pthread_mutex_unlock(&file->lock);
}

void emu_file_close_note(int fd, struct emu_closing *closing)
{
	struct stat st;

	closing->ours = emu_file_any() && getpid() == owner && emu_libc()->fstat(fd, &st) == 0 &&
			(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode));
	if (closing->ours) {
		closing->dev = st.st_dev;
		closing->ino = st.st_ino;
	}
}

void emu_file_close_gone(const struct emu_closing *closing)
{
	struct emu_file *file;

	if (!closing->ours)
		return;
	for (file = next_file(NULL); file; file = next_file(file))
		drop_channel(file, closing->dev, closing->ino);

	pthread_mutex_lock(&registry_lock);
	file = find(closing->dev, closing->ino);
	if (file && still_open(closing->dev, closing->ino, NULL))
		file = NULL;
	if (file)
		file->open = false;
	pthread_mutex_unlock(&registry_lock);
	if (file)
		emu_file_put(file);
}

/* ---- channels ---- */

int emu_file_add_channel(struct emu_file *file, enum emu_channel_kind kind)
{
	struct emu_channel *channel = malloc(sizeof(*channel));
	int fd, rc;

	if (!channel)
		return -ENOMEM;
	rc = emu_evfile_create(&channel->ev, &fd, kind == EMU_CHANNEL_DEVX);
	if (rc < 0) {
		free(channel);
		return rc;
	}
	channel->kind = kind;
	channel->next = file->channels;
	pthread_mutex_lock(&file->subscribed);
	file->channels = channel;
	pthread_mutex_unlock(&file->subscribed);
	return fd;
}

void emu_file_tell_importers(struct emu_file *file, const void *record, size_t size)
{
	pthread_mutex_lock(&file->subscribed);
	for (const struct emu_channel *c = file->channels; c; c = c->next) {
		if (c->kind == EMU_CHANNEL_ASYNC)
			(void)emu_evfile_post(c->ev, record, size);
	}
	pthread_mutex_unlock(&file->subscribed);
}

void emu_file_remove_channel(struct emu_file *file, int fd)
{
	remove_channel(file, file->channels); /* add puts it first */
	emu_libc()->close(fd);
}

struct emu_evfile *emu_file_channel(struct emu_file *file, int fd, enum emu_channel_kind kind)
{
	struct emu_channel *channel = NULL;
	struct stat st;

	if (emu_libc()->fstat(fd, &st) == 0)
		channel = find_channel(file, st.st_dev, st.st_ino);
	return channel && channel->kind == kind ? emu_evfile_get(channel->ev) : NULL;
}

struct emu_evfile *emu_file_events(struct emu_file *file, int fd)
{
	struct stat st;

	if (file->async && emu_libc()->fstat(fd, &st) == 0 &&
	    emu_evfile_is(file->async, st.st_dev, st.st_ino))
		return emu_evfile_get(file->async);
	return emu_file_channel(file, fd, EMU_CHANNEL_ASYNC);
}
