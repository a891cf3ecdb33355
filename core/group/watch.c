/* SPDX-License-Identifier: MIT */
/*
 * What a waiting barrier looks at, and the texts of what it finds.
 */
#include "watch.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

#include <bareverbs/work.h>

#include "clock.h"
#include "diagnosis.h"
#include "error.h"

/* So long a wait is nothing special; then "here" is told, and again after twice the time, … */
#define MOMENT_NS (10 * BV_MSEC)
#define MOMENTS_NS BV_SEC
/* So long it keeps the CPU to itself. */
#define SPIN_NS (50 * BV_USEC)
#define BATCH 4u
/* Ranks that are named one by one. */
#define NAMED 8u

struct bvi_watch bvi_watch_begin(struct bv_group *group, const char *algorithm, uint16_t tag,
				 int64_t timeout_ns)
{
	const int64_t now = bvi_clock_ns();
	/* Half the time, if that is less: who is told late cannot answer in time. */
	const int64_t first = timeout_ns / 2 < MOMENT_NS ? timeout_ns / 2 : MOMENT_NS;

	return (struct bvi_watch){
		.group = group,
		.algorithm = algorithm,
		.tag = tag,
		.start = now,
		.deadline = timeout_ns < BV_FOREVER - now ? now + timeout_ns : BV_FOREVER,
		.tell_at = now + first,
		.pause = MOMENT_NS,
	};
}

/* With which barrier it was before, and what to do behind. */
static BV_COLD __attribute__((format(printf, 5, 6))) int
fail(struct bvi_watch *watch, int code, uint32_t rank, uint32_t reporter, const char *format, ...)
{
	struct bv_group *group = watch->group;
	char what[736];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return bvi_group_fail(
		group, code, rank, reporter,
		"barrier %llu of rank %u (%s, %u of %u ranks): %s\n"
		"the group is of no use any more: destroy it, and make another one of "
		"the ranks that are left",
		(unsigned long long)group->barriers, group->rank, watch->algorithm, group->nmembers,
		group->size, what);
}

int bvi_watch_lost(struct bvi_watch *watch, uint32_t rank)
{
	return fail(watch, -EIO, rank, watch->group->rank, "rank %u does not answer: %s", rank,
		    bv_error_text(watch->group->peers[rank].own));
}

int bvi_watch_disagrees(struct bvi_watch *watch, uint32_t rank)
{
	return fail(watch, -EPROTO, rank, watch->group->rank,
		    "rank %u is in a barrier of other members, or of another algorithm\n"
		    "members must call the barriers that they share alike, and in the same order",
		    rank);
}

static int gave_up(struct bvi_watch *watch, uint32_t reporter, const struct bvi_word *word)
{
	const char *why = bvi_errno_text(bvi_news_code(word->info));

	if (word->number == watch->group->rank)
		return fail(watch, -EIO, reporter, reporter,
			    "rank %u has given up waiting for this one: %s", reporter, why);
	return fail(watch, -EIO, word->number, reporter, "rank %u is missing, found rank %u: %s",
		    word->number, reporter, why);
}

/* Whether @rank is known to have entered this barrier, or to have failed, which is another thing. */
static bool is_here(const struct bv_group *group, uint32_t rank)
{
	const uint32_t number = group->peers[rank].barriers;
	enum bvi_news kind;
	struct bvi_word word;

	if (rank == group->rank)
		return true;
	if (bvi_word_load(&group->slots[rank].told, &word) && bvi_word_reached(word.number, number))
		return true;
	return bvi_group_news(group, rank, &kind, &word) &&
	       (kind == BVI_NEWS_FAILED || bvi_word_reached(word.number, number));
}

/* Lists them, and returns the lowest, or @awaited if that is one of them or there is none. */
static uint32_t missing(const struct bv_group *group, uint32_t awaited, struct bvi_text *out)
{
	uint32_t count = 0, lowest = awaited;

	for (uint32_t i = 0; i < group->nmembers; i++) {
		const uint32_t rank = group->members[i];

		if (is_here(group, rank))
			continue;
		if (count < NAMED)
			bvi_text_add(out, "%s%u", count ? ", " : "", rank);
		if (count++ == 0)
			lowest = rank;
	}
	if (count > NAMED)
		bvi_text_add(out, " and %u more", count - NAMED);
	return is_here(group, awaited) ? lowest : awaited;
}

static void tell_here(struct bvi_watch *watch, int64_t now)
{
	struct bv_group *group = watch->group;

	watch->told_here = true;
	watch->tell_at = now + watch->pause;
	watch->pause = watch->pause < MOMENTS_NS ? 2 * watch->pause : watch->pause;
	for (uint32_t i = 0; i < group->nmembers; i++) {
		struct bvi_peer *peer = &group->peers[group->members[i]];
		const struct bvi_word word = { peer->barriers, bvi_news_info(BVI_NEWS_HERE) };

		/* Best effort; whom it does not reach is looked at like all others. */
		if (i != group->place)
			(void)bvi_group_write(peer, &peer->news, word, BV_UNSIGNALED);
	}
}

static int look_at(struct bvi_watch *watch, uint32_t rank)
{
	struct bv_group *group = watch->group;
	const struct bvi_peer *peer = &group->peers[rank];
	struct bv_wc wc[BATCH];
	enum bvi_news kind;
	struct bvi_word word;
	bool broken;

	broken = bv_poll_send(peer->own, wc, BATCH) < 0 ||
		 bv_channel_state(peer->own) == BV_CHANNEL_ERROR;
	/* Read after that: who leaves says so before its end of the channel goes. */
	if (bvi_group_news(group, rank, &kind, &word)) {
		if (kind == BVI_NEWS_FAILED) {
			/* In the next one: so all have entered this one, which can still be passed. */
			if (bvi_news_is_later(word.info, peer->barriers))
				return 0;
			return gave_up(watch, rank, &word);
		}
		if (bvi_word_reached(word.number, peer->barriers)) {
			watch->others_wait |= kind == BVI_NEWS_HERE;
			broken &= kind != BVI_NEWS_LEFT;
		} else if (kind == BVI_NEWS_LEFT) {
			return fail(watch, -EIO, rank, group->rank, "rank %u has left the group",
				    rank);
		}
	}
	return broken ? bvi_watch_lost(watch, rank) : 0;
}

static int timed_out(struct bvi_watch *watch, uint32_t awaited)
{
	const struct bv_group *group = watch->group;
	const long long us = (bvi_clock_ns() - watch->start) / BV_USEC;
	char list[128] = "";
	struct bvi_text out = { .text = list, .size = sizeof(list) };
	uint32_t rank;
	int rc = 0;

	/* Others ran out of time, too, and may have said whom they missed since we looked. */
	for (uint32_t i = 0; i < group->nmembers && rc == 0; i++)
		if (i != group->place)
			rc = look_at(watch, group->members[i]);
	if (rc < 0)
		return rc;
	rank = missing(group, awaited, &out);
	if (out.used == 0)
		return fail(watch, -ETIMEDOUT, rank, group->rank,
			    "timed out after %lld us: all have entered it, but rank %u is slow", us,
			    rank);
	return fail(watch, -ETIMEDOUT, rank, group->rank,
		    "timed out after %lld us: not entered by rank %s\n"
		    "are they running, and is it the next barrier that they share with this rank?",
		    us, list);
}

int bvi_watch_more(struct bvi_watch *watch, uint32_t awaited)
{
	struct bv_group *group = watch->group;
	int64_t now;
	int rc = 0;

	if (++watch->looks % BVI_CLOCK_POLLS != 0)
		return 0;
	if (watch->next != group->place)
		rc = look_at(watch, group->members[watch->next]);
	watch->next = (watch->next + 1) % group->nmembers;
	if (rc < 0)
		return rc;
	now = bvi_clock_ns();
	if (now >= watch->deadline)
		return timed_out(watch, awaited);
	if (now >= watch->tell_at || (watch->others_wait && !watch->told_here))
		tell_here(watch, now);
	if (now - watch->start >= SPIN_NS)
		sched_yield();
	return 0;
}
