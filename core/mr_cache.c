/* SPDX-License-Identifier: MIT */
/*
 * The registration cache. Its lock guards everything below; the kernel is entered without it, so
 * that a long registration does not hold up the hits of other threads.
 *
 * A region is found (in the set of intervals) until it is evicted or invalidated; idle (in the
 * list, least recently used first) while nobody has a reference; stale (in another list) once it is
 * no longer found but still referenced. What is being registered counts already, so the limits hold
 * at any time.
 */
#include <bareverbs/mr_cache.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"
#include "intervals.h"
#include "region.h"

enum {
	DEFAULT_REGIONS = 1024,
	MOST_REGIONS = 1 << 20,
};

#define REMOTE (BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_READ | BV_ACCESS_REMOTE_ATOMIC)
/* More of these does no harm; other flags change how the region behaves. */
#define RIGHTS (BV_ACCESS_LOCAL_WRITE | REMOTE)

struct entry {
	struct bvi_interval range; /* first: the set's pointers are cast back */
	struct bv_mr_cache *cache;
	struct bvi_region *region;
	struct entry *prev, *next; /* in the idle or stale list; next also in one of the dead */
	unsigned access;
	unsigned users;
	bool stale;
};

struct bv_mr_cache {
	pthread_mutex_t lock;
	struct bv_pd *pd;
	struct bv_mr_cache_attr limit;
	struct bvi_intervals found;
	struct entry idle, stale; /* heads of rings */
	uint64_t generation;      /* of invalidations */
	uint32_t registering;     /* calls in the kernel without the lock */
	struct bv_mr_cache_stats stats;
};

static void ring_init(struct entry *head)
{
	head->next = head;
	head->prev = head;
}

static void ring_add(struct entry *head, struct entry *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	entry->prev->next = entry;
	entry->next->prev = entry;
}

static void ring_remove(struct entry *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

static uint64_t bytes_of(const struct entry *entry)
{
	return entry->range.last - entry->range.first + 1;
}

/* Lock held; the entry is in no list and not found. Its region goes once the lock is left. */
static void bury(struct bv_mr_cache *cache, struct entry *entry, struct entry **dead)
{
	cache->stats.regions--;
	cache->stats.bytes -= bytes_of(entry);
	entry->next = *dead;
	*dead = entry;
}

/* Lock not held. */
static void free_dead(struct entry *dead)
{
	while (dead) {
		struct entry *next = dead->next;

		if (dead->region)
			bvi_region_dereg(dead->region);
		free(dead);
		dead = next;
	}
}

/* Lock held: the region unused longest goes; false: none is idle. */
static bool evict_one(struct bv_mr_cache *cache, struct entry **dead)
{
	struct entry *entry = cache->idle.next;

	if (entry == &cache->idle)
		return false;
	ring_remove(entry);
	bvi_intervals_remove(&cache->found, &entry->range);
	cache->stats.evictions++;
	bury(cache, entry, dead);
	return true;
}

static int fail_full(const struct bv_mr_cache *cache, uint64_t bytes)
{
	return bvi_fail(
		-ENOSPC,
		"%s: no room for %" PRIu64 " bytes in a registration cache: %u of %u regions "
		"and %" PRIu64 " of %" PRIu64 " bytes (0: no limit) are in use\nput regions back "
		"earlier, or raise max_regions or max_bytes",
		cache->pd->device->name, bytes, cache->stats.regions, cache->limit.max_regions,
		cache->stats.bytes, cache->limit.max_bytes);
}

/* Lock held: counts @bytes of one more region, evicting what must go. */
static int reserve(struct bv_mr_cache *cache, uint64_t bytes, struct entry **dead)
{
	const uint64_t most = cache->limit.max_bytes ? cache->limit.max_bytes : UINT64_MAX;
	const struct bv_mr_cache_stats *stats = &cache->stats;

	if (bytes > most)
		return fail_full(cache, bytes);
	while (stats->regions >= cache->limit.max_regions || stats->bytes > most - bytes)
		if (!evict_one(cache, dead))
			return fail_full(cache, bytes);
	cache->stats.regions++;
	cache->stats.bytes += bytes;
	return 0;
}

static bool serves(const struct bvi_interval *range, unsigned access)
{
	const unsigned have = ((const struct entry *)range)->access;

	return (have & ~RIGHTS) == (access & ~RIGHTS) &&
	       (have & access & RIGHTS) == (access & RIGHTS);
}

/* Lock held: a reference to a region that is found, or NULL. */
static struct entry *take(struct bv_mr_cache *cache, uint64_t first, uint64_t last, unsigned access)
{
	struct entry *entry = (struct entry *)bvi_intervals_find(&cache->found, first, last, true,
								 serves, access);

	if (entry && entry->users++ == 0) {
		ring_remove(entry);
		cache->stats.used++;
	}
	return entry;
}

/* Of the caller's buffer: exactly it if peers may reach it, else all of its pages. */
static struct bvi_interval rounded(uint64_t first, uint64_t last, unsigned access)
{
	const uint64_t mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	struct bvi_interval range = { .first = first, .last = last };

	if (!(access & REMOTE)) {
		range.first = first & ~mask;
		range.last = last | mask;
	}
	return range;
}

/* Lock not held. Where the device or a limit is short, idle regions go, and it is tried again. */
static int reg(struct bv_mr_cache *cache, struct entry *entry)
{
	void *addr = (void *)(uintptr_t)entry->range.first;
	struct entry *dead = NULL;
	struct bv_mr *mr;
	int rc = bv_mr_reg(cache->pd, addr, bytes_of(entry), entry->access, &mr);

	if (rc == -ENOMEM || rc == -EAGAIN) {
		pthread_mutex_lock(&cache->lock);
		while (evict_one(cache, &dead))
			;
		pthread_mutex_unlock(&cache->lock);
		if (dead) {
			free_dead(dead);
			rc = bv_mr_reg(cache->pd, addr, bytes_of(entry), entry->access, &mr);
		}
	}
	if (rc < 0)
		return rc;
	entry->region = bvi_region_of(mr);
	entry->region->entry = entry;
	return 0;
}

/*
 * Lock held: @entry is registered. Another thread may have registered the same meanwhile: then
 * theirs is the one to keep. After an invalidation it may be the old memory that was registered:
 * then its one user has it, and nobody finds it.
 */
static struct entry *settle(struct bv_mr_cache *cache, struct entry *entry,
			    const struct bvi_interval *asked, uint64_t generation,
			    struct entry **dead)
{
	struct entry *theirs = take(cache, asked->first, asked->last, entry->access);

	if (theirs) {
		bury(cache, entry, dead);
		return theirs;
	}
	entry->users = 1;
	cache->stats.used++;
	entry->stale = cache->generation != generation;
	if (entry->stale)
		ring_add(&cache->stale, entry);
	else
		bvi_intervals_add(&cache->found, &entry->range);
	return entry;
}

/* Lock held, and given up: a new region for @asked. */
static int miss(struct bv_mr_cache *cache, const struct bvi_interval *asked, unsigned access,
		struct entry **out)
{
	struct entry *entry = calloc(1, sizeof(*entry)), *dead = NULL;
	const uint64_t generation = cache->generation;
	int rc;

	cache->stats.misses++;
	if (!entry) {
		pthread_mutex_unlock(&cache->lock);
		return bvi_fail(-ENOMEM, "no memory for an entry of a registration cache");
	}
	entry->cache = cache;
	entry->access = access;
	entry->range = rounded(asked->first, asked->last, access);
	rc = reserve(cache, bytes_of(entry), &dead);
	cache->registering += rc == 0;
	pthread_mutex_unlock(&cache->lock);
	free_dead(dead);
	if (rc < 0) {
		free(entry);
		return rc;
	}
	dead = NULL;
	rc = reg(cache, entry);
	pthread_mutex_lock(&cache->lock);
	cache->registering--;
	if (rc < 0)
		bury(cache, entry, &dead);
	else
		*out = settle(cache, entry, asked, generation, &dead);
	pthread_mutex_unlock(&cache->lock);
	free_dead(dead);
	return rc;
}

int bv_mr_cache_get(struct bv_mr_cache *cache, void *addr, size_t length, unsigned access,
		    const struct bv_mr **mr)
{
	const struct bvi_interval asked = { (uintptr_t)addr, (uintptr_t)addr + length - 1 };
	struct entry *entry;
	int rc;

	if (!cache || !mr)
		return bvi_fail(-EINVAL, "bv_mr_cache_get: an argument is NULL");
	if (length == 0 || asked.last < asked.first)
		return bvi_fail(-EINVAL,
				"bv_mr_cache_get: %zu bytes at %p are none, or run past the end of "
				"the address space",
				length, addr);
	pthread_mutex_lock(&cache->lock);
	entry = take(cache, asked.first, asked.last, access);
	if (entry) {
		cache->stats.hits++;
		pthread_mutex_unlock(&cache->lock);
	} else {
		rc = miss(cache, &asked, access, &entry);
		if (rc < 0)
			return rc;
	}
	*mr = &entry->region->base;
	return 0;
}

void bv_mr_cache_put(struct bv_mr_cache *cache, const struct bv_mr *mr)
{
	struct entry *entry, *dead = NULL;

	if (!mr)
		return;
	entry = ((const struct bvi_region *)mr)->entry; /* base is its first member */
	assert(entry && entry->cache == cache);
	pthread_mutex_lock(&cache->lock);
	assert(entry->users > 0);
	if (--entry->users == 0) {
		cache->stats.used--;
		if (entry->stale) {
			ring_remove(entry);
			bury(cache, entry, &dead);
		} else {
			ring_add(&cache->idle, entry);
		}
	}
	pthread_mutex_unlock(&cache->lock);
	free_dead(dead);
}

int bv_mr_cache_invalidate(struct bv_mr_cache *cache, const void *addr, size_t length)
{
	const uint64_t first = (uintptr_t)addr;
	const uint64_t last = length - 1 > UINTPTR_MAX - first ? UINTPTR_MAX : first + length - 1;
	struct entry *entry, *dead = NULL;
	int used = 0;

	if (!cache)
		return bvi_fail(-EINVAL, "bv_mr_cache_invalidate: cache is NULL");
	if (length == 0)
		return 0;
	pthread_mutex_lock(&cache->lock);
	cache->generation++;
	while ((entry = (struct entry *)bvi_intervals_find(&cache->found, first, last, false, NULL,
							   0))) {
		bvi_intervals_remove(&cache->found, &entry->range);
		cache->stats.invalidations++;
		if (entry->users) {
			entry->stale = true;
			ring_add(&cache->stale, entry);
		} else {
			ring_remove(entry);
			bury(cache, entry, &dead);
		}
	}
	/* Those of earlier calls count, too: the device still has them. */
	for (entry = cache->stale.next; entry != &cache->stale; entry = entry->next)
		used += entry->range.first <= last && entry->range.last >= first;
	pthread_mutex_unlock(&cache->lock);
	free_dead(dead);
	return used;
}

void bv_mr_cache_query(struct bv_mr_cache *cache, struct bv_mr_cache_stats *stats)
{
	pthread_mutex_lock(&cache->lock);
	*stats = cache->stats;
	pthread_mutex_unlock(&cache->lock);
}

static int check_attr(const struct bv_mr_cache_attr *attr)
{
	if (attr && attr->max_regions > MOST_REGIONS)
		return bvi_fail(-EINVAL,
				"bv_mr_cache_create: max_regions is %u; 1..%d, or 0 for %d",
				attr->max_regions, MOST_REGIONS, DEFAULT_REGIONS);
	return 0;
}

int bv_mr_cache_create(struct bv_pd *pd, const struct bv_mr_cache_attr *attr,
		       struct bv_mr_cache **out)
{
	struct bv_mr_cache *cache;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	if (!pd || !out)
		return bvi_fail(-EINVAL, "bv_mr_cache_create: an argument is NULL");
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return bvi_fail(-ENOMEM, "no memory for a registration cache");
	if (attr)
		cache->limit = *attr;
	if (cache->limit.max_regions == 0)
		cache->limit.max_regions = DEFAULT_REGIONS;
	rc = bvi_intervals_init(&cache->found, cache->limit.max_regions);
	if (rc < 0) {
		free(cache);
		return bvi_fail(rc, "no memory for a registration cache");
	}
	pthread_mutex_init(&cache->lock, NULL);
	ring_init(&cache->idle);
	ring_init(&cache->stale);
	cache->pd = pd;
	bvi_pd_get(pd);
	*out = cache;
	return 0;
}

int bv_mr_cache_destroy(struct bv_mr_cache *cache)
{
	struct entry *dead = NULL;
	uint32_t used;

	if (!cache)
		return 0;
	pthread_mutex_lock(&cache->lock);
	used = cache->stats.used + cache->registering;
	while (!used && evict_one(cache, &dead))
		;
	pthread_mutex_unlock(&cache->lock);
	if (used)
		return bvi_fail(
			-EBUSY,
			"%s: a registration cache has %u regions in use: put them back first",
			cache->pd->device->name, used);
	free_dead(dead);
	bvi_intervals_fini(&cache->found);
	pthread_mutex_destroy(&cache->lock);
	bvi_pd_put(cache->pd);
	free(cache);
	return 0;
}
