/* SPDX-License-Identifier: MIT */
/*
 * Groups: ranked peers, each connected with each, and barriers among them.
 *
 *	bv_group_create			on every rank
 *	bv_group_connect_fd, _tcp	once for each pair of ranks, by both of them
 *	bv_barrier			as often as you like, of all ranks or of some
 *	bv_group_destroy
 *
 * A barrier is entered by all its members before any of them leaves it. What a member wrote to
 * another one, and whose completion it saw before it entered, the other one finds when it has left.
 *
 * Barriers have channels of their own: they take no place in a queue of the program's, reap none of
 * its completions, and do not fail with them. A group may also keep a channel to each peer for the
 * program (@channels).
 *
 * A failed barrier is the end of a group, on every rank that meets it: the first cause is kept
 * (bv_group_failed), later barriers fail with its text, and the peers are told, so that they need not
 * wait for their own time-outs. A peer that had all it needed may have left that barrier well; it is
 * its next one that fails. Destroy the group, and make another one with those who are left. Wrong
 * arguments are no failure: -EINVAL, and the group is as it was.
 */
#ifndef BV_BAREVERBS_GROUP_H
#define BV_BAREVERBS_GROUP_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>
#include <bareverbs/device.h>
#include <bareverbs/exchange.h>

BV_BEGIN_DECLS

struct bv_group;

/* The most ranks that a group may have. */
#define BV_GROUP_SIZE_MAX 4096

/**
 * struct bv_group_attr - How a group is made
 * @rank: this process's; 0..size - 1, each once
 * @size: ranks of the group, the same on all of them; 1..BV_GROUP_SIZE_MAX
 * @channel: how the program's channels are made; NULL: BV_CHANNEL_ATTR_DEFAULT. The barriers' own
 *	take address, path and timers from it: how soon a dead peer is noticed is their retry budget
 *	(bv_channel_retry_ns)
 * @channels: also connect a channel for the program to each peer; the same on all ranks
 */
struct bv_group_attr {
	uint32_t rank;
	uint32_t size;
	const struct bv_channel_attr *channel;
	bool channels;
};

/**
 * enum bv_barrier_algorithm - Who tells whom
 * @BV_BARRIER_DISSEMINATION: log2(n) rounds, rounded up, n writes in each; the shortest
 * @BV_BARRIER_TREE: up and down a binary tree; 2 (n - 1) writes, twice log2(n) of them in a row
 * @BV_BARRIER_LINEAR: all tell the lowest rank, and it tells all; 2 (n - 1) writes
 */
enum bv_barrier_algorithm {
	BV_BARRIER_DISSEMINATION,
	BV_BARRIER_TREE,
	BV_BARRIER_LINEAR,
};

/**
 * struct bv_barrier_opts - Which barrier; all zero is the one of all ranks
 * @ranks, @nranks: its members, in any order, each once, this rank among them; NULL and 0: all
 * @algorithm: the same on all members
 */
struct bv_barrier_opts {
	const uint32_t *ranks;
	uint32_t nranks;
	enum bv_barrier_algorithm algorithm;
};

#define BV_GROUP_ERROR_TEXT_MAX 896

/**
 * struct bv_group_error - What ended a group
 * @code: what the barrier returned: -ETIMEDOUT, -EIO or -EPROTO
 * @rank: the rank that is missing, or that disagreed. If several are missing: the one that the
 *	barrier waited for just then, or else the lowest
 * @reporter: the rank that found it out: this one, or the peer that told it
 * @text: what failed, why, and what to do; names all ranks that are missing, as far as there is room
 */
struct bv_group_error {
	int code;
	uint32_t rank;
	uint32_t reporter;
	char text[BV_GROUP_ERROR_TEXT_MAX];
};

/**
 * bv_group_create - Make a group that has no connections yet
 * @pd: what its channels and its memory belong to
 * @attr: rank and size at least
 * @group: receives the group on success
 *
 * Return: 0; -EINVAL rank or size is out of its range, or an argument is NULL; -ENOMEM; as
 *	bv_mr_reg().
 * Owner: the caller, until bv_group_destroy(); the group keeps @pd; @attr is copied.  Threads: any.
 * Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_group_create(struct bv_pd *pd, const struct bv_group_attr *attr,
					 struct bv_group **group);

/**
 * bv_group_destroy - Leave, and release a group with its channels
 * @group: NULL is fine
 *
 * Peers that still wait in a barrier with us get what we owe them first. Those that call one more
 * are told that we left. Works outstanding on the program's channels end without a completion.
 * Owner: @group and its channels end here.  Threads: the one that uses @group.
 * Blocks: up to a second if a peer does not answer, and in the kernel.
 */
BV_API void bv_group_destroy(struct bv_group *group);

/**
 * bv_group_connect_fd - Connect with one peer, over a socket
 * @group: a group
 * @peer: its rank; not connected yet
 * @fd: a connected stream socket to the peer, as for bv_exchange_fd(); it makes the same call
 * @timeout_ns: for all of it
 *
 * Both sides are ready when it returns. Ranks that connect with their peers one after the other, in
 * ascending order, never wait for each other in a circle.
 *
 * Return: 0; -EINVAL @peer is out of range, this rank itself, or connected already, or @group is
 *	NULL; -EPROTO the other end is another rank, of a group of another size, or only one side
 *	has @channels; as bv_channel_create() and bv_exchange_fd(). After a failure @peer is not
 *	connected, and may be tried again.
 * Owner: @fd stays the caller's.  Threads: the one that uses @group.
 * Blocks: until the deadline, and in the kernel.
 */
BV_API BV_MUST_CHECK int bv_group_connect_fd(struct bv_group *group, uint32_t peer, int fd,
					     int64_t timeout_ns);

/**
 * bv_group_connect_tcp - Connect with one peer, over TCP
 * @group: a group
 * @peer: its rank; not connected yet
 * @address, @role: as for bv_exchange_tcp(); give each pair of ranks a port of its own
 * @timeout_ns: for all of it
 *
 * Return: as bv_group_connect_fd() and bv_exchange_tcp().
 * Owner: @address stays the caller's.  Threads: the one that uses @group.
 * Blocks: until the deadline, in the resolver, and in the kernel.
 */
BV_API BV_MUST_CHECK int bv_group_connect_tcp(struct bv_group *group, uint32_t peer,
					      const char *address, enum bv_exchange_role role,
					      int64_t timeout_ns);

/**
 * bv_group_rank - This process's rank
 * @group: a group
 *
 * Return: 0..size - 1.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API uint32_t bv_group_rank(const struct bv_group *group);

/**
 * bv_group_size - How many ranks the group has
 * @group: a group
 *
 * Return: 1..BV_GROUP_SIZE_MAX.
 * Owner: nothing changes hands.  Threads: any.  Blocks: never.
 */
BV_API uint32_t bv_group_size(const struct bv_group *group);

/**
 * bv_group_channel - The program's channel to a peer
 * @group: made with @channels
 * @peer: its rank
 *
 * It is READY. Post receives, then call bv_barrier(), and each peer's first send finds them.
 *
 * Return: the channel; NULL if @peer is not connected, this rank itself, or out of range, or the
 *	group has no channels for the program.
 * Owner: the group; do not destroy, close or reset it.  Threads: the one that uses @group.
 * Blocks: never.
 */
BV_API struct bv_channel *bv_group_channel(const struct bv_group *group, uint32_t peer);

/**
 * bv_barrier - Wait until all members are here
 * @group: a group
 * @opts: which members and how; NULL: all ranks, by dissemination
 * @timeout_ns: 0..BV_FOREVER
 *
 * Members call the same barrier, and any two of them call the barriers that they share in the same
 * order; others may come in between, so subsets may overlap. A barrier that meets another one,
 * of other members or another algorithm, fails on both sides. A barrier of one member is over at once.
 *
 * After -ETIMEDOUT, -EIO and -EPROTO the group is of no use, and bv_group_failed() names the member.
 *
 * Return: 0 all members have entered; -EINVAL a rank is out of range or there twice, this rank is
 *	not among them, there is none, one is not connected, @opts is out of its range, or @group is
 *	NULL; -ETIMEDOUT members are missing; -EIO a member's process is gone, it left or gave up,
 *	or the group failed earlier; -EPROTO a member is in another barrier.
 * Owner: @opts stays the caller's.  Threads: the one that uses @group.
 * Blocks: up to @timeout_ns; polls, after a while with sched_yield(2) in between.
 */
BV_API BV_MUST_CHECK int bv_barrier(struct bv_group *group, const struct bv_barrier_opts *opts,
				    int64_t timeout_ns);

/**
 * bv_group_failed - What ended the group
 * @group: a group
 * @error: receives it; NULL is fine
 *
 * Return: 1 and *@error is filled; 0 nothing has.
 * Owner: a copy.  Threads: the one that uses @group.  Blocks: never.
 */
BV_API int bv_group_failed(const struct bv_group *group, struct bv_group_error *error);

BV_END_DECLS

#endif
