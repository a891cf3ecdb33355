/* SPDX-License-Identifier: MIT */
#include "stat.h"
#include "../trace/raw.h"
#include "qp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where nobody looks, counters go here: pages that are never touched cost nothing. */
static struct emu_stat unseen;
static struct emu_stat *stat_page = &unseen;
static char stat_path[PATH_MAX];

/*
 * The blocks are allocated at once: a disk that fills up later must not end a program by SIGBUS.
 * What an earlier program of this process left (exec) is replaced.
 */
static struct emu_stat *map_file(const char *path)
{
	void *page = MAP_FAILED;
	int fd;

	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return NULL;
	if (posix_fallocate(fd, 0, sizeof(struct emu_stat)) == 0)
		page = mmap(NULL, sizeof(struct emu_stat), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);
	emu_raw_close(fd);
	if (page != MAP_FAILED)
		return page;
	(void)unlink(path);
	return NULL;
}

void emu_stat_start(const char *dir, unsigned slot)
{
	struct emu_stat *page;

	stat_page = &unseen;
	if (!dir || !*dir ||
	    snprintf(stat_path, sizeof(stat_path), "%s/%d", dir, (int)getpid()) >=
		    (int)sizeof(stat_path))
		return;
	page = map_file(stat_path);
	if (!page) {
		emu_info("no counters for mlx5emu stat: %s: %s", stat_path, strerror(errno));
		return;
	}
	page->version = EMU_STAT_VERSION;
	page->size = sizeof(*page);
	page->pid = (int32_t)getpid();
	page->slot = slot;
	page->started = emu_stat_started(page->pid);
	snprintf(page->name, sizeof(page->name), "%s", program_invocation_short_name);
	/* Whoever sees the name may read all before it. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(page->magic, emu_stat_magic, sizeof(page->magic));
	stat_page = page;
}

void emu_stat_stop(void)
{
	if (stat_page == &unseen)
		return;
	(void)unlink(stat_path);
	munmap(stat_page, sizeof(*stat_page));
	stat_page = &unseen;
}

void emu_stat_leave(void)
{
	if (stat_page != &unseen)
		(void)unlink(stat_path);
}

void emu_stat_forget(void)
{
	if (stat_page == &unseen)
		return;
	/* Queue pairs of the parent point there, and are still to be destroyed. */
	if (mmap(stat_page, sizeof(*stat_page), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		emu_error("counters of the parent cannot be let go of: %s", strerror(errno));
	stat_page = &unseen;
}

void emu_stat_publish(void)
{
	memcpy(&stat_page->counters, &emu.counters, sizeof(emu.counters));
}

static unsigned device_at(const struct emu_device *dev)
{
	return dev->config.index % EMU_STAT_DEVICES;
}

void emu_stat_opened(const struct emu_device *dev)
{
	struct emu_stat_device *d = &stat_page->device[device_at(dev)];

	d->opened++;
	snprintf(d->name, sizeof(d->name), "%s", dev->config.name);
}

void emu_stat_qp_add(struct emu_qp *qp)
{
	struct emu_stat_qp *line = &stat_page->qp[qp->qpn % EMU_STAT_QPS];

	*line = (struct emu_stat_qp){
		.type = (uint8_t)qp->init.type,
		.device = (uint8_t)device_at(qp->dev),
	};
	__atomic_store_n(&line->qpn, qp->qpn, __ATOMIC_RELEASE);
	qp->stat = line;
}

void emu_stat_qp_moved(const struct emu_qp *qp)
{
	qp->stat->state = (uint8_t)qp->attr.qp_state;
	qp->stat->peer = qp->transport->connected ? qp->attr.dest_qpn : 0;
}

static void add(struct emu_stat_work *sum, const struct emu_stat_work *work)
{
	sum->doorbells += work->doorbells;
	sum->wqes += work->wqes;
	sum->receives += work->receives;
	sum->packets_sent += work->packets_sent;
	sum->packets_received += work->packets_received;
	sum->retransmissions += work->retransmissions;
	sum->timeouts += work->timeouts;
	sum->rnr_naks_sent += work->rnr_naks_sent;
	sum->rnr_naks_received += work->rnr_naks_received;
	sum->cqes += work->cqes;
	sum->error_cqes += work->error_cqes;
}

void emu_stat_qp_remove(struct emu_qp *qp)
{
	__atomic_store_n(&qp->stat->qpn, 0, __ATOMIC_RELEASE);
	add(&stat_page->device[device_at(qp->dev)].gone, &qp->stat->work);
}
