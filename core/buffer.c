/* SPDX-License-Identifier: MIT */
/*
 * Buffers: a private anonymous mapping each, with nothing else on its pages. Written once, by
 * bv_buffer_alloc(). A wish that is not granted adds a sentence to the text and goes on with less.
 */
#include <bareverbs/buffer.h>

#include <bv_config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "memlock.h"
#include "numa.h"
#include "sysfs.h"

#define FLAGS_ALL (BV_BUFFER_HUGE | BV_BUFFER_NEAR | BV_BUFFER_STRICT)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

static __attribute__((format(printf, 3, 4))) void miss(struct bv_buffer *buffer, unsigned wish,
						       const char *format, ...)
{
	size_t used = strlen(buffer->text);
	va_list args;

	buffer->missed |= wish;
	if (used > 0 && used < sizeof(buffer->text) - 1)
		buffer->text[used++] = ' ';
	va_start(args, format);
	vsnprintf(buffer->text + used, sizeof(buffer->text) - used, format, args);
	va_end(args);
}

/* "HugePages_Free:       12" of /proc/meminfo; 0 if it is not there. */
static uint64_t meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static int map(struct bv_buffer *buffer, size_t length, size_t page_size, int flags)
{
	const size_t rounded = (length + page_size - 1) & ~(page_size - 1);
	void *at = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			-1, 0);

	if (at == MAP_FAILED)
		return -errno;
	buffer->addr = at;
	buffer->length = rounded;
	buffer->page_size = page_size;
	return 0;
}

static void unmap(struct bv_buffer *buffer)
{
	munmap(buffer->addr, buffer->length);
	buffer->addr = NULL;
}

/*
 * Faults all pages in. The kernel does the writing, also where it cannot populate: a hugepage that
 * a control group denies is then an error and not a SIGBUS.
 */
static int populate(const struct bv_buffer *buffer)
{
	int fd, rc;

	do
		rc = madvise(buffer->addr, buffer->length, MADV_POPULATE_WRITE);
	while (rc < 0 && (errno == EINTR || errno == EAGAIN));
	if (rc == 0)
		return 0;
	if (errno != EINVAL)
		return -ENOMEM;
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = 0;
	for (size_t at = 0; at < buffer->length && rc == 0; at += buffer->page_size)
		if (read(fd, (uint8_t *)buffer->addr + at, 1) != 1)
			rc = -ENOMEM;
	close(fd);
	return rc;
}

/*
 * Before Linux 5.12 a fork() leaves pinned pages to whoever writes last. Only whole mappings of our
 * own are taken from the child, so it misses nothing else. libibverbs does it at registration if
 * ibv_fork_init() was called; it does no harm twice.
 */
static void keep_from_child(const struct bv_buffer *buffer)
{
#ifdef BV_HAVE_IBV_IS_FORK_INITIALIZED
	if (ibv_is_fork_initialized() == IBV_FORK_UNNEEDED)
		return;
#endif
	madvise(buffer->addr, buffer->length, MADV_DONTFORK);
}

static void near(const struct bv_device *dev, struct bv_buffer *buffer)
{
	const int node = bvi_numa_node(dev->context->device->ibdev_path);
	int rc;

	if (!bvi_numa_several())
		return; /* all memory is near */
	if (node < 0) {
		miss(buffer, BV_BUFFER_NEAR,
		     "%s: its NUMA node is unknown (numa_node in sysfs), as in virtual machines: "
		     "memory is where this thread runs.",
		     dev->name);
		return;
	}
	rc = bvi_numa_prefer(buffer->addr, buffer->length, node);
	if (rc < 0)
		miss(buffer, BV_BUFFER_NEAR,
		     "%s: could not ask for memory of NUMA node %d: %s (mbind; containers need "
		     "CAP_SYS_NICE for it): memory is where this thread runs.",
		     dev->name, node, bvi_errno_text(rc));
	else
		buffer->node = node;
}

/* The policy was a preference: what came of it. */
static void check_node(const struct bv_device *dev, struct bv_buffer *buffer)
{
	const int node = buffer->node;
	long elsewhere;

	if (node < 0)
		return;
	elsewhere = bvi_numa_elsewhere(buffer->addr, buffer->length, buffer->page_size, node);
	if (elsewhere == 0)
		return;
	buffer->node = -1;
	if (elsewhere < 0)
		miss(buffer, BV_BUFFER_NEAR,
		     "%s: memory of NUMA node %d was asked for, but where it is could not be told: "
		     "%s.",
		     dev->name, node, bvi_errno_text((int)elsewhere));
	else
		miss(buffer, BV_BUFFER_NEAR,
		     "%s: %ld of %zu pages are not on NUMA node %d: it has not enough free %s "
		     "(`numactl -H`).",
		     dev->name, elsewhere, buffer->length / buffer->page_size, node,
		     buffer->page_size > (size_t)sysconf(_SC_PAGESIZE) ? "hugepages" : "memory");
}

/* Places and fills what map() made, or takes it back. */
static int fill(const struct bv_device *dev, unsigned flags, struct bv_buffer *buffer)
{
	int rc;

	buffer->node = -1;
	if (flags & BV_BUFFER_NEAR)
		near(dev, buffer);
	keep_from_child(buffer);
	rc = populate(buffer);
	if (rc < 0)
		unmap(buffer);
	else
		check_node(dev, buffer);
	return rc;
}

/* On hugepages; else says why not, and nothing is mapped. */
static bool fill_huge(const struct bv_device *dev, size_t length, unsigned flags,
		      struct bv_buffer *buffer)
{
	char text[8192] = "", size[32];
	uint64_t page, wanted;
	int rc;

	bvi_read_file("/proc/meminfo", text, sizeof(text));
	page = meminfo(text, "Hugepagesize:") * 1024;
	if (page == 0 || (page & (page - 1)) || length > PTRDIFF_MAX - page) {
		miss(buffer, BV_BUFFER_HUGE, "%s: this kernel has no hugepages.", dev->name);
		return false;
	}
	wanted = (length + page - 1) / page;
	rc = map(buffer, length, page, MAP_HUGETLB);
	if (rc == 0)
		rc = fill(dev, flags, buffer);
	if (rc == 0)
		return true;
	buffer->missed = 0; /* of the placement that was undone */
	buffer->text[0] = '\0';
	miss(buffer, BV_BUFFER_HUGE,
	     "%s: no hugepages: %" PRIu64 " of %s wanted, %" PRIu64 " of %" PRIu64
	     " free: `sysctl vm.nr_hugepages=%" PRIu64
	     "`, best at boot, and room in the control group.",
	     dev->name, wanted, bvi_size_text(page, size, sizeof(size)),
	     meminfo(text, "HugePages_Free:"), meminfo(text, "HugePages_Total:"),
	     meminfo(text, "HugePages_Total:") + wanted);
	return false;
}

static int fill_any(const struct bv_device *dev, size_t length, unsigned flags,
		    struct bv_buffer *buffer)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const bool strict = flags & BV_BUFFER_STRICT;
	char size[32];
	int rc;

	if (flags & BV_BUFFER_HUGE && fill_huge(dev, length, flags, buffer))
		rc = 0;
	else if (strict && buffer->missed)
		return bvi_fail(-ENOMEM, "%s", buffer->text);
	else
		rc = map(buffer, length, page, 0) < 0 ? -ENOMEM : fill(dev, flags, buffer);
	if (rc < 0)
		return bvi_fail(rc, "%s: no memory for a buffer of %s", dev->name,
				bvi_size_text(length, size, sizeof(size)));
	if (!strict || !buffer->missed)
		return 0;
	unmap(buffer);
	return bvi_fail(-ENOMEM, "%s", buffer->text);
}

int bv_buffer_alloc(struct bv_device *dev, size_t length, unsigned flags, struct bv_buffer **out)
{
	struct bv_buffer *buffer;
	int rc;

	if (!dev || !out)
		return bvi_fail(-EINVAL, "bv_buffer_alloc: an argument is NULL");
	if (length == 0 || length > PTRDIFF_MAX / 2)
		return bvi_fail(-EINVAL, "bv_buffer_alloc: length is %zu", length);
	if (flags & ~FLAGS_ALL)
		return bvi_fail(-EINVAL, "bv_buffer_alloc: unknown flags 0x%x", flags & ~FLAGS_ALL);
	buffer = calloc(1, sizeof(*buffer));
	if (!buffer)
		return bvi_fail(-ENOMEM, "no memory for a buffer");
	rc = fill_any(dev, length, flags, buffer);
	if (rc < 0)
		free(buffer);
	else
		*out = buffer;
	return rc;
}

void bv_buffer_free(struct bv_buffer *buffer)
{
	if (!buffer)
		return;
	unmap(buffer);
	free(buffer);
}
