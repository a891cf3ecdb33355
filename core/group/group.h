/* SPDX-License-Identifier: MIT */
/*
 * A group: what this rank knows of its peers, and what they tell it.
 *
 *	slots[p].told   <- rank p, in a barrier: the step of that barrier that is for us
 *	slots[p].news   <- rank p, when something is slow or ends (enum bvi_news)
 *
 * Each peer writes its own slot of ours by RDMA, through the channel that both keep for barriers
 * alone, and nobody else does; we read. Barriers are numbered per pair of ranks, on both sides alike,
 * because both run those that they share in the same order; so overlapping subsets need no other
 * agreement, and a peer that is ahead by one has only passed what we wait for.
 *
 * What is registered outlives its region, and the channels go before both: B12 of the seed freed the
 * memory first.
 */
#ifndef BV_CORE_GROUP_GROUP_H
#define BV_CORE_GROUP_GROUP_H

#include <bareverbs/group.h>
#include <bareverbs/memory.h>

#include "word.h"

/* One line a peer, so that waiting for one is not disturbed by writes of another. */
#define BVI_SLOT_SIZE 64u

struct bvi_slot {
	_Alignas(BVI_SLOT_SIZE) uint64_t told; /* number: of the barrier; info: which one it is */
	uint64_t news;
};

_Static_assert(sizeof(struct bvi_slot) == BVI_SLOT_SIZE, "a slot is a line");

/*
 * Upper four bits of the info of news. Of BVI_NEWS_FAILED the next four are the low ones of the number of the
 * first barrier with whom it tells that it has not passed, and the other eight the errno.
 */
enum bvi_news {
	BVI_NEWS_HERE = 1,   /* number: the barrier that it has entered, and still waits in */
	BVI_NEWS_LEFT = 2,   /* number: the last barrier, which it has passed */
	BVI_NEWS_FAILED = 3, /* number: the rank that it found missing */
};

static inline uint16_t bvi_news_info(enum bvi_news kind)
{
	return (uint16_t)((unsigned)kind << 12);
}

static inline uint16_t bvi_news_failed(int code, uint32_t number)
{
	return (uint16_t)(bvi_news_info(BVI_NEWS_FAILED) | (number & 0xf) << 8 | (-code & 0xff));
}

static inline int bvi_news_code(uint16_t info)
{
	return -(info & 0xff);
}

/* Whether who failed had passed barrier @number. It cannot be further ahead of a member than by one. */
static inline bool bvi_news_is_later(uint16_t info, uint32_t number)
{
	return ((((unsigned)info >> 8) - number) & 0xf) == 1;
}

struct bvi_peer {
	struct bv_channel *own; /* the barriers'; NULL: not connected */
	struct bv_channel *program;
	struct bv_remote told; /* our slot in its memory */
	struct bv_remote news;
	uint32_t barriers; /* that we have entered together; wraps */
};

struct bv_group {
	struct bv_pd *pd; /* held by @mr */
	uint32_t rank;
	uint32_t size;
	struct bv_channel_attr channel;
	bool channels;
	struct bvi_slot *slots;
	struct bv_mr *mr;
	struct bvi_peer *peers;
	uint64_t barriers; /* entered, for texts */

	/* Of the barrier under way: ascending, our own place among them. */
	uint32_t *members;
	uint32_t nmembers;
	uint32_t place;

	struct bv_group_error error; /* code 0: none */
};

static inline bool bvi_group_has(const struct bv_group *group, uint32_t rank)
{
	return rank < group->size && rank != group->rank;
}

/* Writes a word into the memory of a connected peer: as bv_post_write_inline(), but -EIO has no text. */
int64_t bvi_group_write(struct bvi_peer *peer, const struct bv_remote *to, struct bvi_word word,
			unsigned flags);

/* What rank @rank has told last besides its steps; false: nothing. */
bool bvi_group_news(const struct bv_group *group, uint32_t rank, enum bvi_news *kind,
		    struct bvi_word *word);

/* Ends the group: keeps the cause, tells all peers, and returns @code. */
BV_COLD __attribute__((format(printf, 5, 6))) int bvi_group_fail(struct bv_group *group, int code,
								 uint32_t rank, uint32_t reporter,
								 const char *format, ...);

#endif
