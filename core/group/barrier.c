/* SPDX-License-Identifier: MIT */
/*
 * Barriers: checked as a whole before anything happens, then run step by step (schedule.h).
 *
 * A step tells a peer the number of the barrier, counted per pair, and a tag of its members and
 * algorithm; whoever waits for it passes at that number or a later one. Writes are unsignaled and nobody
 * waits for their completions: a failed one has a completion anyhow, which a look finds (watch.h).
 */
#include "group.h"

#include <bareverbs/debug.h>
#include <bareverbs/work.h>

#include "error.h"
#include "schedule.h"
#include "watch.h"

/* Into the ascending list of members. */
static int add_member(struct bv_group *group, uint32_t rank)
{
	uint32_t at = group->nmembers;

	if (rank >= group->size)
		return bvi_fail(-EINVAL, "bv_barrier: rank %u is out of range; the group has %u",
				rank, group->size);
	for (; at > 0 && group->members[at - 1] >= rank; at--)
		if (group->members[at - 1] == rank)
			return bvi_fail(-EINVAL, "bv_barrier: rank %u is there twice", rank);
	for (uint32_t i = group->nmembers; i > at; i--)
		group->members[i] = group->members[i - 1];
	group->members[at] = rank;
	group->nmembers++;
	return 0;
}

static int add_members(struct bv_group *group, const struct bv_barrier_opts *opts)
{
	const bool all = !opts->ranks && opts->nranks == 0;
	const uint32_t count = all ? group->size : opts->nranks;
	int rc = 0;

	group->nmembers = 0;
	if (!all && !opts->ranks)
		return bvi_fail(-EINVAL, "bv_barrier: nranks is %u, and ranks is NULL", count);
	if (count == 0)
		return bvi_fail(-EINVAL, "bv_barrier: no ranks");
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = add_member(group, all ? i : opts->ranks[i]);
	return rc;
}

static int check_members(struct bv_group *group)
{
	group->place = group->nmembers;
	for (uint32_t i = 0; i < group->nmembers; i++) {
		const uint32_t rank = group->members[i];

		if (rank == group->rank)
			group->place = i;
		else if (!group->peers[rank].own)
			return bvi_fail(-EINVAL,
					"bv_barrier: rank %u is not connected: call "
					"bv_group_connect_fd() or bv_group_connect_tcp() first",
					rank);
	}
	if (group->place == group->nmembers)
		return bvi_fail(-EINVAL, "bv_barrier: this rank, %u, is not among the %u ranks",
				group->rank, group->nmembers);
	return 0;
}

/* What came first is what counts, whatever the arguments are now. */
static int check(struct bv_group *group, const struct bv_barrier_opts *opts)
{
	int rc;

	if (!group)
		return bvi_fail(-EINVAL, "bv_barrier: group is NULL");
	if (group->error.code != 0)
		return bvi_fail(-EIO, "bv_barrier: the group failed before: %s", group->error.text);
	if (!bvi_barrier_algorithm_name(opts->algorithm))
		return bvi_fail(-EINVAL, "bv_barrier: algorithm %d is none", (int)opts->algorithm);
	rc = add_members(group, opts);
	return rc < 0 ? rc : check_members(group);
}

/* FNV-1a over 32-bit words, folded: different barriers have different tags, but for one in 65536. */
static uint16_t tag_of(const struct bv_group *group, enum bv_barrier_algorithm algorithm)
{
	uint32_t hash = (2166136261u ^ (uint32_t)algorithm) * 16777619u;

	for (uint32_t i = 0; i < group->nmembers; i++)
		hash = (hash ^ group->members[i]) * 16777619u;
	return (uint16_t)(hash ^ hash >> 16);
}

/* A full queue is waited out: B10 of the seed, which took it for a failure. */
static int tell(struct bvi_watch *watch, uint32_t rank)
{
	struct bvi_peer *peer = &watch->group->peers[rank];
	const struct bvi_word word = { peer->barriers, watch->tag };
	struct bv_wc wc;
	int64_t work;
	int rc;

	for (;;) {
		work = bvi_group_write(peer, &peer->told, word, BV_UNSIGNALED);
		if (work >= 0)
			return 0;
		if (work == -EAGAIN && bv_poll_send(peer->own, &wc, 1) > 0)
			continue;
		rc = work == -EAGAIN ? bvi_watch_more(watch, rank) : bvi_watch_lost(watch, rank);
		if (rc < 0)
			return rc;
	}
}

static int hear(struct bvi_watch *watch, uint32_t rank)
{
	const uint64_t *told = &watch->group->slots[rank].told;
	const uint32_t number = watch->group->peers[rank].barriers;
	struct bvi_word word;
	int rc;

	for (;;) {
		if (bvi_word_load(told, &word) && bvi_word_reached(word.number, number))
			break;
		rc = bvi_watch_more(watch, rank);
		if (rc < 0)
			return rc;
	}
	/* A peer that is ahead has passed this one, and agreed with others on it. */
	if (word.number == number && word.info != watch->tag)
		return bvi_watch_disagrees(watch, rank);
	return 0;
}

/* Works that nobody waits for stay outstanding, and the next barrier may be another thread's. */
static void let_go(struct bv_group *group)
{
	for (uint32_t i = 0; i < group->nmembers; i++)
		if (i != group->place)
			bv_channel_hand_over(group->peers[group->members[i]].own);
}

static int run(struct bv_group *group, enum bv_barrier_algorithm algorithm, int64_t timeout_ns)
{
	struct bvi_barrier_step step;
	struct bvi_watch watch;
	int rc = 0;

	group->barriers++;
	for (uint32_t i = 0; i < group->nmembers; i++)
		group->peers[group->members[i]].barriers++;
	watch = bvi_watch_begin(group, bvi_barrier_algorithm_name(algorithm),
				tag_of(group, algorithm), timeout_ns > 0 ? timeout_ns : 0);
	for (uint32_t number = 0; rc == 0; number++) {
		if (!bvi_barrier_step(algorithm, group->nmembers, group->place, number, &step))
			break;
		rc = step.tells ? tell(&watch, group->members[step.place]) :
				  hear(&watch, group->members[step.place]);
	}
	let_go(group);
	return rc;
}

int bv_barrier(struct bv_group *group, const struct bv_barrier_opts *opts, int64_t timeout_ns)
{
	const struct bv_barrier_opts everyone = { 0 };
	int rc;

	if (!opts)
		opts = &everyone;
	rc = check(group, opts);
	if (rc < 0)
		return rc;
	return group->nmembers < 2 ? 0 : run(group, opts->algorithm, timeout_ns);
}
