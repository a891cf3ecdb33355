/* SPDX-License-Identifier: MIT */
/*
 * The registration cache: what is found, what goes, and what other threads may do meanwhile. The
 * intervals below it are held against a search of all.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/intervals.h"

enum { PAGE = 4096, PAGES = 32 };

static uint8_t *memory; /* PAGES of them */
static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_mr_cache *cache;

static int start(void **state)
{
	const struct bv_mr_cache_attr attr = { .max_regions = 4, .max_bytes = 8 * PAGE };

	fake_reset(state);
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
	assert_int_equal(bv_mr_cache_create(pd, &attr, &cache), 0);
	bv_pd_free(pd); /* the cache keeps it */
	bv_close(dev);
	return 0;
}

static int stop(void **state)
{
	assert_int_equal(bv_mr_cache_destroy(cache), 0);
	munmap(memory, PAGES * PAGE);
	return fake_check(state);
}

#define cache_test(f) cmocka_unit_test_setup_teardown(f, start, stop)

static const struct bv_mr *get(size_t offset, size_t length, unsigned access)
{
	const struct bv_mr *mr;

	assert_int_equal(bv_mr_cache_get(cache, memory + offset, length, access, &mr), 0);
	assert_true(bv_mr_encloses(mr, memory + offset, length));
	return mr;
}

static void touch(size_t page)
{
	bv_mr_cache_put(cache, get(page * PAGE, PAGE, BV_ACCESS_LOCAL));
}

static struct bv_mr_cache_stats stats(void)
{
	struct bv_mr_cache_stats s;

	bv_mr_cache_query(cache, &s);
	return s;
}

static void hits_and_misses(void **state)
{
	const struct bv_mr *a, *b, *c;

	(void)state;
	a = get(100, 200, BV_ACCESS_LOCAL);
	/* Rounded to the page, as nobody remote gets at it. */
	assert_ptr_equal(bv_mr_addr(a), memory);
	assert_int_equal(bv_mr_length(a), PAGE);
	b = get(2000, 96, 0);
	assert_ptr_equal(a, b);
	c = get(0, PAGE + 1, BV_ACCESS_LOCAL);
	assert_ptr_not_equal(a, c);
	assert_int_equal(bv_mr_length(c), 2 * PAGE);
	assert_int_equal(stats().hits, 1);
	assert_int_equal(stats().misses, 2);
	assert_int_equal(stats().regions, 2);
	assert_int_equal(stats().used, 2);
	assert_int_equal(stats().bytes, 3 * PAGE);
	bv_mr_cache_put(cache, a);
	assert_int_equal(stats().used, 2);
	bv_mr_cache_put(cache, b);
	bv_mr_cache_put(cache, c);
	bv_mr_cache_put(cache, NULL);
	assert_int_equal(stats().used, 0);
	assert_int_equal(fake.mrs, 2);
}

static void access_decides(void **state)
{
	const struct bv_mr *shared = get(100, 200, BV_ACCESS_SHARED);
	const struct bv_mr *mr;

	(void)state;
	/* Never more than asked: a peer would reach the neighbours. */
	assert_ptr_equal(bv_mr_addr(shared), memory + 100);
	assert_int_equal(bv_mr_length(shared), 200);
	mr = get(150, 100, BV_ACCESS_LOCAL);
	assert_ptr_equal(mr, shared);
	bv_mr_cache_put(cache, mr);
	mr = get(150, 100, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	assert_ptr_not_equal(mr, shared);
	bv_mr_cache_put(cache, mr);
	mr = get(150, 100, BV_ACCESS_SHARED | BV_ACCESS_RELAXED_ORDERING);
	assert_int_equal(fake.reg_access, BV_ACCESS_SHARED | BV_ACCESS_RELAXED_ORDERING);
	bv_mr_cache_put(cache, mr);
	assert_int_equal(stats().misses, 3);
	bv_mr_cache_put(cache, shared);
}

static void longest_unused_goes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		touch(i);
	touch(0);
	touch(4);
	assert_int_equal(stats().evictions, 1);
	assert_int_equal(fake.mrs, 4);
	touch(0);
	touch(2);
	assert_int_equal(stats().misses, 5);
	touch(1);
	assert_int_equal(stats().misses, 6);
	/* By bytes, too: 6 pages take all places but those of two. */
	bv_mr_cache_put(cache, get(10 * PAGE, 6 * PAGE, 0));
	assert_int_equal(stats().bytes, 8 * PAGE);
	assert_int_equal(stats().regions, 3);
}

static void used_stay(void **state)
{
	const struct bv_mr *mr[4], *none = NULL;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		mr[i] = get(i * PAGE, PAGE, 0);
	assert_int_equal(bv_mr_cache_get(cache, memory + 8 * PAGE, 1, 0, &none), -ENOSPC);
	assert_text("4 of 4 regions");
	assert_int_equal(bv_mr_cache_get(cache, memory, 9 * PAGE, 0, &none), -ENOSPC);
	assert_text("max_bytes");
	assert_null(none);
	assert_int_equal(bv_mr_cache_destroy(cache), -EBUSY);
	assert_text("4 regions in use");
	bv_mr_cache_put(cache, mr[2]);
	bv_mr_cache_put(cache, get(8 * PAGE, 1, 0));
	assert_int_equal(fake.mrs, 4);
	bv_mr_cache_put(cache, mr[0]);
	bv_mr_cache_put(cache, mr[1]);
	bv_mr_cache_put(cache, mr[3]);
}

/* B15: memory that was unmapped and mapped again is found as it was, unless the cache is told. */
static void b15_invalidate(void **state)
{
	const struct bv_mr *mr, *used;

	(void)state;
	touch(0);
	touch(1);
	assert_int_equal(fake.mrs, 2);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory + PAGE - 1, 1), 0);
	assert_int_equal(fake.mrs, 1);
	touch(0);
	touch(1);
	assert_int_equal(stats().misses, 3);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, 0), 0);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory + 2 * PAGE, SIZE_MAX), 0);
	assert_int_equal(fake.mrs, 2);
	/* In use: not found again, and told as often as one asks, until it is put back. */
	used = get(0, 8, 0);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, 2 * PAGE), 1);
	assert_int_equal(stats().invalidations, 3);
	assert_int_equal(fake.mrs, 1);
	mr = get(0, 8, 0);
	assert_ptr_not_equal(mr, used);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, 2 * PAGE), 2);
	bv_mr_cache_put(cache, used);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, 2 * PAGE), 1);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory + PAGE, PAGE), 0);
	bv_mr_cache_put(cache, mr);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, 2 * PAGE), 0);
	assert_int_equal(fake.mrs, 0);
	assert_int_equal(stats().bytes, 0);
}

static int invalidate_meanwhile(void)
{
	fake.reg_mr_hook = NULL;
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, PAGE), 0);
	return 0;
}

/* What was registered while its memory was invalidated serves its user, and is not found. */
static void b15_invalidated_meanwhile(void **state)
{
	const struct bv_mr *mr;

	(void)state;
	fake.reg_mr_hook = invalidate_meanwhile;
	mr = get(0, 8, 0);
	assert_int_equal(bv_mr_cache_invalidate(cache, memory, PAGE), 1);
	bv_mr_cache_put(cache, mr);
	assert_int_equal(fake.mrs, 0);
	touch(0);
	assert_int_equal(stats().misses, 2);
}

static const struct bv_mr *theirs;

static int get_meanwhile(void)
{
	fake.reg_mr_hook = NULL;
	theirs = get(0, 8, 0);
	return 0;
}

static void registered_twice(void **state)
{
	const struct bv_mr *mr;

	(void)state;
	fake.reg_mr_hook = get_meanwhile;
	mr = get(0, 8, 0);
	assert_ptr_equal(mr, theirs);
	assert_int_equal(fake.mrs, 1);
	assert_int_equal(stats().regions, 1);
	assert_int_equal(stats().used, 1);
	bv_mr_cache_put(cache, mr);
	bv_mr_cache_put(cache, theirs);
}

static int short_of_memory(void)
{
	return fake.mrs > 1 ? ENOMEM : 0;
}

/* The memory-lock limit is below the cache's own: idle regions make room. */
static void device_is_short(void **state)
{
	const struct bv_mr *mr, *none = NULL;

	(void)state;
	mr = get(0, 1, 0);
	touch(1);
	fake.reg_mr_hook = short_of_memory;
	bv_mr_cache_put(cache, get(2 * PAGE, 1, 0));
	assert_int_equal(stats().evictions, 1);
	assert_int_equal(fake.mrs, 2);
	fake.reg_mr_hook = NULL;
	fake.reg_mr_errno = ENOMEM;
	assert_int_equal(bv_mr_cache_get(cache, memory + 3 * PAGE, 1, 0, &none), -ENOMEM);
	assert_text("could not register memory");
	fake.reg_mr_errno = EIO;
	assert_int_equal(bv_mr_cache_get(cache, memory + 3 * PAGE, 1, 0, &none), -EIO);
	/* All in use: nothing can make room. */
	fake.reg_mr_errno = EAGAIN;
	assert_int_equal(bv_mr_cache_get(cache, memory + 3 * PAGE, 1, 0, &none), -EAGAIN);
	assert_text("out of memory keys");
	fake.reg_mr_errno = 0;
	assert_int_equal(stats().regions, 1);
	assert_int_equal(stats().bytes, PAGE);
	fake.calloc_in = 1;
	assert_int_equal(bv_mr_cache_get(cache, memory + 3 * PAGE, 1, 0, &none), -ENOMEM);
	assert_null(none);
	bv_mr_cache_put(cache, mr);
}

static void bad_arguments(void **state)
{
	const struct bv_mr_cache_attr many = { .max_regions = (1 << 20) + 1 };
	struct bv_mr_cache *made = NULL;
	const struct bv_mr *mr = NULL;

	(void)state;
	assert_int_equal(bv_mr_cache_create(NULL, NULL, &made), -EINVAL);
	assert_int_equal(bv_mr_cache_create(pd, NULL, NULL), -EINVAL);
	assert_int_equal(bv_mr_cache_create(pd, &many, &made), -EINVAL);
	assert_text("max_regions");
	for (int i = 1; i <= 3; i++) {
		fake.calloc_in = i;
		assert_int_equal(bv_mr_cache_create(pd, NULL, &made), -ENOMEM);
	}
	fake.calloc_in = 0;
	assert_null(made);
	assert_int_equal(bv_mr_cache_create(pd, NULL, &made), 0);
	assert_int_equal(bv_mr_cache_destroy(made), 0);
	assert_int_equal(bv_mr_cache_destroy(NULL), 0);
	assert_int_equal(bv_mr_cache_get(NULL, memory, 1, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_cache_get(cache, memory, 1, 0, NULL), -EINVAL);
	assert_int_equal(bv_mr_cache_get(cache, memory, 0, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_cache_get(cache, memory, SIZE_MAX, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_cache_get(cache, memory, 1, 0x10, &mr), -EINVAL);
	assert_int_equal(bv_mr_cache_invalidate(NULL, memory, 1), -EINVAL);
	assert_null(mr);
	assert_int_equal(stats().regions, 0);
}

enum { INTERVALS = 24, SPACE = 64 };

static bool overlaps(const struct bvi_interval *i, uint64_t first, uint64_t last, bool enclosing)
{
	return enclosing ? i->first <= first && i->last >= last :
			   i->first <= last && i->last >= first;
}

/* Random intervals, found exactly when a look at each of them finds one. */
static void intervals(void **state)
{
	struct bvi_interval all[INTERVALS];
	bool in[INTERVALS] = { false };
	struct bvi_intervals set;
	uint32_t random = 1;

	(void)state;
	assert_int_equal(bvi_intervals_init(&set, INTERVALS), 0);
	for (unsigned turn = 0; turn < 20000; turn++) {
		const unsigned k = ((random = random * 1664525 + 1013904223) >> 8) % INTERVALS;
		const uint64_t first = (random >> 10) % SPACE, last = first + (random >> 20) % 16;
		const uint64_t from = (random >> 5) % SPACE, to = from + (random >> 15) % 8;
		const bool enclosing = turn & 1;
		struct bvi_interval *got;
		bool there = false;

		if (in[k]) {
			bvi_intervals_remove(&set, &all[k]);
		} else {
			all[k] = (struct bvi_interval){ first, last };
			bvi_intervals_add(&set, &all[k]);
		}
		in[k] = !in[k];
		for (unsigned j = 0; j < INTERVALS; j++)
			there |= in[j] && overlaps(&all[j], from, to, enclosing);
		got = bvi_intervals_find(&set, from, to, enclosing, NULL, 0);
		assert_int_equal(got != NULL, there);
		if (got)
			assert_true(overlaps(got, from, to, enclosing));
	}
	bvi_intervals_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cache_test(hits_and_misses),     cache_test(access_decides),
		cache_test(longest_unused_goes), cache_test(used_stay),
		cache_test(b15_invalidate),      cache_test(b15_invalidated_meanwhile),
		cache_test(registered_twice),    cache_test(device_is_short),
		cache_test(bad_arguments),       cmocka_unit_test(intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
