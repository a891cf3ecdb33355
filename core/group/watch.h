/* SPDX-License-Identifier: MIT */
/*
 * One barrier under way, and the looks around while it waits: at the clock, at the channels, and at what
 * the members tell.
 *
 * A barrier that takes its time makes itself known: each member that waits for longer than a moment
 * writes "here" to all others, and so does who reads that. So when time is up all know who is missing,
 * whoever they were waiting for themselves. It is said again from time to time, because writing to a
 * rank that died is how one learns of it.
 */
#ifndef BV_CORE_GROUP_WATCH_H
#define BV_CORE_GROUP_WATCH_H

#include "group.h"

struct bvi_watch {
	struct bv_group *group;
	const char *algorithm;
	uint16_t tag;     /* of its members and algorithm */
	bool told_here;   /* ... all others */
	bool others_wait; /* one of them has told us so */
	int64_t start;
	int64_t deadline; /* BV_FOREVER: none */
	int64_t tell_at;  /* when to tell "here", next */
	int64_t pause;    /* and how long after that again */
	uint32_t looks;
	uint32_t next; /* place of the member to look at next */
};

/* The members are set, and have their numbers. */
struct bvi_watch bvi_watch_begin(struct bv_group *group, const char *algorithm, uint16_t tag,
				 int64_t timeout_ns);

/*
 * Nothing was found of rank @awaited. 0: look again; else the group has failed, and it is the
 * barrier's result.
 */
int bvi_watch_more(struct bvi_watch *watch, uint32_t awaited);

/* The channel to @rank takes nothing any more: fails the group. */
int bvi_watch_lost(struct bvi_watch *watch, uint32_t rank);

/* Rank @rank is in another barrier: fails the group. */
int bvi_watch_disagrees(struct bvi_watch *watch, uint32_t rank);

#endif
