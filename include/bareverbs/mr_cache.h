/* SPDX-License-Identifier: MIT */
/*
 * A cache of registrations, for programs that are handed other people's buffers: registering costs
 * microseconds to milliseconds, and the same buffers tend to come back.
 *
 * The caller owns it and tells it what it cannot know. It hooks neither malloc() nor munmap(), so
 * it does not notice when memory goes back to the system. Then the device still has the old pages
 * pinned; when the address is mapped again, a region found here passes every check, and the device
 * reads and writes pages that the program no longer sees: silent corruption. So before memory that
 * has been in the cache is unmapped, remapped, freed to the system, or dropped by
 * madvise(MADV_DONTNEED), call bv_mr_cache_invalidate() for it. free() of a pool that the program
 * keeps mapped needs nothing.
 *
 *	rc = bv_mr_cache_get(cache, buf, n, BV_ACCESS_LOCAL, &mr);
 *	...works with bv_gather(mr, buf, n), until they have completed...
 *	bv_mr_cache_put(cache, mr);
 */
#ifndef BV_BAREVERBS_MR_CACHE_H
#define BV_BAREVERBS_MR_CACHE_H

#include <bareverbs/memory.h>

BV_BEGIN_DECLS

struct bv_mr_cache;

/**
 * struct bv_mr_cache_attr - How much a cache may have registered, used or idle
 * @max_regions: 1..1048576; 0 stands for 1024
 * @max_bytes: 0: no limit
 *
 * Idle regions go, the longest unused first, to make room for new ones.
 */
struct bv_mr_cache_attr {
	uint32_t max_regions;
	uint64_t max_bytes;
};

/**
 * struct bv_mr_cache_stats - What a cache has done and has
 * @hits, @misses: calls of bv_mr_cache_get() served without and with a registration
 * @evictions: idle regions given up for room
 * @invalidations: regions that bv_mr_cache_invalidate() met
 * @regions, @bytes: registered now
 * @used: regions with references now
 */
struct bv_mr_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions;
	uint64_t invalidations;
	uint64_t bytes;
	uint32_t regions;
	uint32_t used;
};

/**
 * bv_mr_cache_create - Make an empty cache
 * @pd: where it registers
 * @attr: limits; NULL: the defaults
 * @cache: receives the cache on success
 *
 * Return: 0; -EINVAL an argument is NULL or out of range; -ENOMEM.
 * Owner: the caller, until bv_mr_cache_destroy(); the cache keeps @pd.
 * Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_mr_cache_create(struct bv_pd *pd, const struct bv_mr_cache_attr *attr,
					    struct bv_mr_cache **cache);

/**
 * bv_mr_cache_get - A region that encloses a buffer and allows an access
 * @cache: a cache
 * @addr, @length, @access: as bv_mr_reg()
 * @mr: receives the region on success
 *
 * The region may start before @addr, be longer than asked, and allow more: make elements of @addr.
 * New regions without remote access are rounded to whole pages, so that neighbours share them;
 * those with remote access never, for the peer would reach the neighbours. A region with more
 * rights is taken; relaxed ordering and on-demand paging must be as asked.
 *
 * Return: 0; -EINVAL an argument; -ENOSPC the limits leave no room, for all is in use; otherwise as
 *	bv_mr_reg(). When the device or the memory-lock limit is short, idle regions are given up
 *	first.
 * Owner: one reference of the region is the caller's, until bv_mr_cache_put(); never
 *	bv_mr_dereg().
 * Threads: any.  Blocks: in the kernel if it registers; hits of other threads go on meanwhile.
 */
BV_API BV_MUST_CHECK int bv_mr_cache_get(struct bv_mr_cache *cache, void *addr, size_t length,
					 unsigned access, const struct bv_mr **mr);

/**
 * bv_mr_cache_put - Give a reference back
 * @cache: where @mr came from
 * @mr: from bv_mr_cache_get(); NULL is fine. No work of this reference may be outstanding.
 *
 * Owner: the reference ends; the region stays registered while there is room.
 * Threads: any.  Blocks: in the kernel if it was invalidated meanwhile.
 */
BV_API void bv_mr_cache_put(struct bv_mr_cache *cache, const struct bv_mr *mr);

/**
 * bv_mr_cache_invalidate - Forget a range of addresses, before its memory goes
 * @cache: a cache
 * @addr, @length: the range; regions that overlap it are never found again
 *
 * Idle ones are deregistered by this call, those in use by their last bv_mr_cache_put().
 *
 * Return: how many of them are still in use: with 0 the device has nothing of the range left; with
 *	more, works on it may be outstanding, and the memory must stay. -EINVAL @cache is NULL.
 * Owner: nothing changes hands.  Threads: any.  Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_mr_cache_invalidate(struct bv_mr_cache *cache, const void *addr,
						size_t length);

/**
 * bv_mr_cache_query - The figures of a cache
 * @cache: a cache
 * @stats: receives them
 *
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API void bv_mr_cache_query(struct bv_mr_cache *cache, struct bv_mr_cache_stats *stats);

/**
 * bv_mr_cache_destroy - Deregister everything
 * @cache: a cache; NULL is fine
 *
 * Return: 0; -EBUSY regions are in use: nothing happened, and the text tells how many.
 * Owner: on success @cache ends.
 * Threads: the last call of @cache.  Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_mr_cache_destroy(struct bv_mr_cache *cache);

BV_END_DECLS

#endif
