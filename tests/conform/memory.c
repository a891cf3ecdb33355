/* SPDX-License-Identifier: MIT */
/*
 * Regions beyond plain buffers: DMA-BUFs, which works and peers address by the iova that was chosen;
 * flags that a device may not have; buffers of the library's own; the registration cache.
 */
#include "ends.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "pause.h"

enum {
	FILE_BYTES = 256 << 10,
	PAGE = 64 << 10, /* whole pages wherever this runs */
	INTO_PAGE = 0x40,
	OFFSET = PAGE + INTO_PAGE,
	LENGTH = 2 * PAGE,
	SMALL = 512,
};

#define IOVA (UINT64_C(0x5500000000) + INTO_PAGE)

/* A DMA-BUF of this process: its descriptor, and all of it mapped. */
struct dmabuf {
	int fd;
	uint8_t *at;
	struct bv_mr *mr;
};

static enum bv_status finish(struct bv_channel *ch, int64_t work)
{
	const int64_t end = pause_now() + WAIT_NS;
	struct bv_wc wc;
	int rc;

	assert_true(work >= 0);
	do {
		rc = bv_wait(ch, work, 0, &wc);
		pause_once();
	} while (rc == -ETIMEDOUT && pause_now() < end);
	assert_int_not_equal(rc, -ETIMEDOUT);
	return wc.status;
}

/* A real DMA-BUF where the kernel makes them of memfds; -1 if it does not. */
static int udmabuf(int memfd)
{
	const int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create create = { .memfd = (uint32_t)memfd, .size = FILE_BYTES };
	int fd;

	if (dev < 0)
		return -1;
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	close(dev);
	return fd;
}

/* Skips where there is no DMA-BUF, or the device takes none; mlx5emu takes the memfd, too. */
static void dmabuf_open(struct dmabuf *d)
{
	const int memfd = memfd_create("bareverbs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	assert_true(memfd >= 0);
	assert_int_equal(ftruncate(memfd, FILE_BYTES), 0);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	d->at = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	assert_ptr_not_equal(d->at, MAP_FAILED);
	d->fd = udmabuf(memfd);
	if (d->fd < 0)
		d->fd = fcntl(memfd, F_DUPFD_CLOEXEC, 0);
	close(memfd);
	rc = bv_mr_reg_dmabuf(e.pd, d->fd, OFFSET, LENGTH, IOVA, BV_ACCESS_SHARED, &d->mr);
	if (rc < 0 && !device_is_emulated()) {
		munmap(d->at, FILE_BYTES);
		close(d->fd);
		skip_because("%s", bv_last_error()->text);
	}
	assert_int_equal(rc, 0);
}

static void dmabuf_close(struct dmabuf *d)
{
	bv_mr_dereg(d->mr);
	munmap(d->at, FILE_BYTES);
	close(d->fd);
}

/* Where the byte of iova IOVA + @offset lies. */
static uint8_t *byte_at(const struct dmabuf *d, size_t offset)
{
	return d->at + OFFSET + offset;
}

static void dmabuf_local(void **state)
{
	const struct bv_gather plain = bv_gather_unchecked(e.mr, memory, SMALL);
	const struct bv_scatter back = bv_scatter_unchecked(e.mr, memory + 2048, SMALL);
	struct bv_scatter to;
	struct bv_gather from;
	struct dmabuf d;
	int64_t recv;

	(void)state;
	dmabuf_open(&d);
	close(d.fd); /* the region needs it no longer */
	d.fd = -1;
	/* read: the device writes at the iova, at the very end of the region */
	pattern_fill(memory, SMALL, 3, 0);
	assert_int_equal(bv_scatter_addr_checked(d.mr, IOVA + LENGTH - SMALL, SMALL, &to), 0);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(byte_at(&d, LENGTH - SMALL), SMALL, 3, 0), -1);
	assert_int_equal(byte_at(&d, LENGTH - SMALL)[-1], 0);
	assert_int_equal(byte_at(&d, LENGTH)[0], 0);
	/* send from it, receive into it */
	to = bv_scatter_addr(d.mr, IOVA, SMALL);
	recv = bv_post_recv(e.b, &to, 1);
	assert_int_equal(finish(e.a, bv_post_send(e.a, &plain, 1, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(finish(e.b, recv), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(byte_at(&d, 0), SMALL, 3, 0), -1);
	pattern_fill(byte_at(&d, 0), SMALL, 4, 0);
	from = bv_gather_addr(d.mr, IOVA, SMALL);
	recv = bv_post_recv(e.b, &back, 1);
	assert_int_equal(finish(e.a, bv_post_send(e.a, &from, 1, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(finish(e.b, recv), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(memory + 2048, SMALL, 4, 0), -1);
	dmabuf_close(&d);
}

static void dmabuf_remote(void **state)
{
	const struct bv_gather from = bv_gather_unchecked(e.mr, memory, SMALL);
	const struct bv_scatter to = bv_scatter_unchecked(e.mr, memory + 2048, SMALL);
	struct bv_remote remote;
	struct dmabuf d;

	(void)state;
	dmabuf_open(&d);
	remote = bv_mr_remote(d.mr);
	assert_int_equal(remote.addr, IOVA);
	assert_int_equal(remote.length, LENGTH);
	assert_int_equal(bv_remote_slice(&remote, PAGE + 8, SMALL, &remote), 0);
	pattern_fill(memory, SMALL, 5, 0);
	assert_int_equal(finish(e.a, bv_post_write(e.a, &from, 1, &remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(byte_at(&d, PAGE + 8), SMALL, 5, 0), -1);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(memory + 2048, SMALL, 5, 0), -1);
	dmabuf_close(&d);
}

/* B14: what libibverbs calls the address of such a region is its offset, and nothing lies there. */
static void b14_dmabuf_has_no_offset(void **state)
{
	struct bv_gather from;
	struct bv_remote remote;
	struct dmabuf d;
	enum bv_status status;

	(void)state;
	dmabuf_open(&d);
	assert_int_equal(bv_mr_iova(d.mr), IOVA);
	assert_int_equal(bv_gather_addr_checked(d.mr, OFFSET, SMALL, &from), -ERANGE);
	from = bv_gather_unchecked(e.mr, memory, SMALL);
	remote = bv_mr_remote(d.mr);
	remote.addr = OFFSET;
	status = finish(e.a, bv_post_write(e.a, &from, 1, &remote, 0));
	assert_int_equal(status, device_status(BV_STATUS_REMOTE_ACCESS_ERROR, status));
	from = bv_gather_addr_unchecked(d.mr, OFFSET, SMALL);
	status = finish(e.b, bv_post_write(e.b, &from, 1, &e.remote, 0));
	assert_true(status != BV_STATUS_SUCCESS); /* or flushed, as the peer is in error */
	dmabuf_close(&d);
}

static void dmabuf_refusals(void **state)
{
	struct bv_mr *mr = NULL;
	struct dmabuf d;

	(void)state;
	dmabuf_open(&d);
	assert_int_equal(bv_mr_reg_dmabuf(e.pd, d.fd, OFFSET, LENGTH, IOVA + 1, 0, &mr), -EINVAL);
	expect_word(bv_last_error()->text, "as far into a page");
	assert_int_equal(bv_mr_reg_dmabuf(e.pd, d.fd, 0, FILE_BYTES + 1, 0, 0, &mr), -EINVAL);
	expect_word(bv_last_error()->text, "shorter");
	assert_int_equal(bv_mr_reg_dmabuf(e.pd, -1, 0, 1, 0, 0, &mr), -EBADF);
	assert_null(mr);
	dmabuf_close(&d);
}

static unsigned caught;

static void keep(unsigned check, const char *what)
{
	(void)what;
	caught |= check;
}

/* Two regions may have the same iova, and yet be other bytes. */
static void dmabuf_overlap(void **state)
{
	struct bv_scatter one, other;
	struct bv_mr *mr;
	struct dmabuf d;

	(void)state;
	dmabuf_open(&d);
	assert_int_equal(bv_mr_reg_dmabuf(e.pd, d.fd, INTO_PAGE, SMALL, IOVA, BV_ACCESS_LOCAL, &mr),
			 0);
	one = bv_scatter_addr(d.mr, IOVA, SMALL);
	other = bv_scatter_addr(mr, IOVA, SMALL);
	caught = 0;
	if (bv_debug_set(BV_DEBUG_OVERLAP, keep)) {
		assert_true(bv_post_recv(e.a, &one, 1) >= 0);
		assert_true(bv_post_recv(e.a, &other, 1) >= 0);
		assert_int_equal(caught, 0);
		assert_true(bv_post_recv(e.a, &other, 1) >= 0);
		assert_int_equal(caught, BV_DEBUG_OVERLAP);
		assert_int_equal(bv_channel_reset(e.a), 3);
	}
	bv_debug_set(BV_DEBUG_DEFAULT, NULL);
	bv_mr_dereg(mr);
	dmabuf_close(&d);
}

static void flags_pass(void **state)
{
	static uint8_t buffer[SMALL];
	const unsigned access = BV_ACCESS_SHARED | BV_ACCESS_RELAXED_ORDERING;
	struct bv_scatter to;
	struct bv_mr *mr;
	int rc;

	(void)state;
	assert_int_equal(bv_mr_reg(e.pd, buffer, SMALL, access, &mr), 0);
	pattern_fill(memory, SMALL, 6, 0);
	to = bv_scatter(mr, buffer, SMALL);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(buffer, SMALL, 6, 0), -1);
	bv_mr_dereg(mr);

	rc = bv_mr_reg(e.pd, buffer, SMALL, BV_ACCESS_LOCAL | BV_ACCESS_ON_DEMAND, &mr);
	if (rc < 0) {
		assert_int_equal(rc, -EOPNOTSUPP);
		expect_word(bv_last_error()->text, "on-demand paging");
		return;
	}
	memset(buffer, 0, SMALL);
	to = bv_scatter(mr, buffer, SMALL);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(buffer, SMALL, 6, 0), -1);
	bv_mr_dereg(mr);
}

/* Whatever of the wishes this machine grants, the device can work there. */
static void buffer_moves_bytes(void **state)
{
	struct bv_buffer *buffer;
	struct bv_scatter to;
	struct bv_mr *mr;

	(void)state;
	assert_int_equal(
		bv_buffer_alloc(e.dev, 3 * PAGE + 1, BV_BUFFER_HUGE | BV_BUFFER_NEAR, &buffer), 0);
	if (buffer->missed)
		printf("%s\n", buffer->text);
	assert_int_equal(buffer->missed != 0, buffer->text[0] != '\0');
	assert_int_equal(buffer->length % buffer->page_size, 0);
	assert_true(buffer->length > 3 * PAGE);
	assert_int_equal(bv_mr_reg(e.pd, buffer->addr, buffer->length, BV_ACCESS_LOCAL, &mr), 0);
	pattern_fill(memory, SMALL, 7, 0);
	to = bv_scatter(mr, (uint8_t *)buffer->addr + 3 * PAGE - SMALL, SMALL);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find((uint8_t *)buffer->addr + 3 * PAGE - SMALL, SMALL, 7, 0), -1);
	bv_mr_dereg(mr);
	bv_buffer_free(buffer);
}

/*
 * A child that lives on while the parent writes and the device, too: where fork() left pinned pages
 * to whoever writes last, the parent would see a copy that the device does not know.
 */
static void buffer_survives_fork(void **state)
{
	struct bv_buffer *buffer;
	struct bv_scatter to;
	struct bv_mr *mr;
	int pipes[2];
	pid_t child;

	(void)state;
	assert_int_equal(bv_buffer_alloc(e.dev, SMALL, 0, &buffer), 0);
	assert_int_equal(bv_mr_reg(e.pd, buffer->addr, buffer->length, BV_ACCESS_LOCAL, &mr), 0);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pipes[1]);
		_exit(read(pipes[0], &to, 1) != 0); /* until the parent closes its end */
	}
	memset(buffer->addr, 1, SMALL);
	pattern_fill(memory, SMALL, 11, 0);
	to = bv_scatter(mr, buffer->addr, SMALL);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(buffer->addr, SMALL, 11, 0), -1);
	close(pipes[1]);
	close(pipes[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	bv_mr_dereg(mr);
	bv_buffer_free(buffer);
}

static void *map_at(void *at)
{
	void *mapped = mmap(at, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	assert_ptr_not_equal(mapped, MAP_FAILED);
	return mapped;
}

static void read_cached(struct bv_mr_cache *cache, uint8_t *at, uint32_t seed)
{
	const struct bv_mr *mr;
	struct bv_scatter to;

	assert_int_equal(bv_mr_cache_get(cache, at, SMALL, BV_ACCESS_LOCAL, &mr), 0);
	pattern_fill(memory, SMALL, seed, 0);
	to = bv_scatter(mr, at, SMALL);
	assert_int_equal(finish(e.a, bv_post_read(e.a, &to, 1, &e.remote, 0)), BV_STATUS_SUCCESS);
	assert_int_equal(pattern_find(at, SMALL, seed, 0), -1);
	bv_mr_cache_put(cache, mr);
}

/* B15: told that memory goes, the cache registers what comes to lie there. */
static void b15_cache_is_told(void **state)
{
	struct bv_mr_cache_stats stats;
	struct bv_mr_cache *cache;
	uint8_t *at = map_at(NULL);

	(void)state;
	assert_int_equal(bv_mr_cache_create(e.pd, NULL, &cache), 0);
	read_cached(cache, at, 8);
	read_cached(cache, at, 9);
	assert_int_equal(bv_mr_cache_invalidate(cache, at, PAGE), 0);
	map_at(at);
	read_cached(cache, at, 10);
	bv_mr_cache_query(cache, &stats);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.misses, 2);
	assert_int_equal(bv_mr_cache_destroy(cache), 0);
	munmap(at, PAGE);
}

enum { CACHE_THREADS = 4, CACHE_PAGES = 8 };

static struct {
	struct bv_mr_cache *cache;
	uint8_t *at;
	atomic_uint bad;
} shared;

/* Takes, keeps for a moment, gives back; now and then invalidates. */
static void *cache_user(void *seed)
{
	const unsigned turns = options.reduced ? 50 : 1000;
	uint32_t random = *(uint32_t *)seed;

	for (unsigned i = 0; i < turns; i++) {
		const struct bv_mr *mr;
		uint8_t *at = shared.at + (random >> 8) % (CACHE_PAGES * 4096 - 8192);
		const size_t length = 1 + (random >> 16) % 8192;

		random = random * 1664525 + 1013904223;
		if (i % 16 == 15) {
			shared.bad += bv_mr_cache_invalidate(shared.cache, at, length) < 0;
			continue;
		}
		if (bv_mr_cache_get(shared.cache, at, length, BV_ACCESS_LOCAL, &mr) < 0) {
			shared.bad++;
			continue;
		}
		shared.bad += !bv_mr_encloses(mr, at, length);
		bv_mr_cache_put(shared.cache, mr);
	}
	return NULL;
}

static void cache_threads(void **state)
{
	/* Room for what four threads use at the same time, and little more. */
	const struct bv_mr_cache_attr attr = { .max_regions = 6 };
	struct bv_mr_cache_stats stats;
	pthread_t thread[CACHE_THREADS];
	uint32_t seed[CACHE_THREADS];

	(void)state;
	assert_int_equal(bv_mr_cache_create(e.pd, &attr, &shared.cache), 0);
	shared.at = mmap(NULL, CACHE_PAGES * 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared.at, MAP_FAILED);
	shared.bad = 0;
	for (uint32_t i = 0; i < CACHE_THREADS; i++) {
		seed[i] = i + 1;
		assert_int_equal(pthread_create(&thread[i], NULL, cache_user, &seed[i]), 0);
	}
	for (unsigned i = 0; i < CACHE_THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(shared.bad, 0);
	bv_mr_cache_query(shared.cache, &stats);
	assert_int_equal(stats.used, 0);
	assert_true(stats.regions <= 6);
	assert_int_equal(bv_mr_cache_invalidate(shared.cache, shared.at, CACHE_PAGES * 4096), 0);
	bv_mr_cache_query(shared.cache, &stats);
	assert_int_equal(stats.regions, 0);
	assert_int_equal(stats.bytes, 0);
	assert_int_equal(bv_mr_cache_destroy(shared.cache), 0);
	munmap(shared.at, CACHE_PAGES * 4096);
}

static const struct test tests[] = {
	ENDS_TEST(dmabuf_local, "SGEs of a DMA-BUF region are iova"),
	ENDS_TEST(dmabuf_remote, "remote addresses of a DMA-BUF region are iova"),
	ENDS_TEST(b14_dmabuf_has_no_offset, "B14: nothing is addressed by the offset"),
	ENDS_TEST(dmabuf_refusals, "MR-2: the page rule is checked, texts tell what is wrong"),
	ENDS_TEST(dmabuf_overlap, "17.2 the same iova of two regions is no overlap"),
	ENDS_TEST(flags_pass, "flags pass, or are refused with a text"),
	ENDS_TEST(buffer_moves_bytes, "a buffer works, whatever was missed is told"),
	ENDS_TEST(buffer_survives_fork, "a child takes nothing from a buffer"),
	ENDS_TEST(b15_cache_is_told, "B15: what was invalidated is registered anew"),
	ENDS_TEST(cache_threads, "a cache may be shared by threads"),
};

GROUP(memory_regions, tests);
