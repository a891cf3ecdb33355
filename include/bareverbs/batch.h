/* SPDX-License-Identifier: MIT */
/*
 * Many send-queue works in one call, and one doorbell for all of them.
 */
#ifndef BV_BAREVERBS_BATCH_H
#define BV_BAREVERBS_BATCH_H

#include <bareverbs/common.h>
#include <bareverbs/work.h>

BV_BEGIN_DECLS

/* Which bv_post_ call a request stands for. */
enum bv_request_op {
	BV_REQUEST_SEND,
	BV_REQUEST_SEND_IMM,
	BV_REQUEST_SEND_INLINE,
	BV_REQUEST_SEND_INLINE_IMM,
	BV_REQUEST_WRITE,
	BV_REQUEST_WRITE_IMM,
	BV_REQUEST_WRITE_INLINE,
	BV_REQUEST_WRITE_INLINE_IMM,
	BV_REQUEST_READ,
	BV_REQUEST_FETCH_ADD,
	BV_REQUEST_COMPARE_SWAP,
};

/**
 * struct bv_request - One work of a batch; members that its operation has no use for are not read
 * @op: enum bv_request_op
 * @flags: as of the bv_post_ call
 * @imm: of the _IMM operations
 * @nsge: elements of @gather or @scatter
 * @gather: of sends and writes
 * @scatter: of a read; of an atomic the one element of the result
 * @buf, @len: of the _INLINE operations
 * @remote: of writes, reads and atomics
 * @add: of fetch-and-add
 * @compare, @swap: of compare-and-swap
 */
struct bv_request {
	enum bv_request_op op;
	unsigned flags;
	uint32_t imm;
	unsigned nsge;
	const struct bv_gather *gather;
	const struct bv_scatter *scatter;
	const void *buf;
	size_t len;
	const struct bv_remote *remote;
	uint64_t add;
	uint64_t compare;
	uint64_t swap;
};

/**
 * bv_post_batch - Post many works with one doorbell
 * @ch: READY
 * @requests, @n: what to post, in order; 0..INT_MAX
 *
 * Stops at the first one that is refused: those before it are posted, it and those behind it are
 * untouched. bv_last_posted() is the handle of the last one, and the handles are consecutive. With
 * BV_MORE on the last one the device is not told yet.
 *
 * Return: how many were posted; if none was, what the first post returned (0 if @n is 0): of a
 *	partial batch, posting the rest returns it. -errno also if the driver refused the batch as a
 *	whole, and none is posted.
 * Owner: as of each bv_post_ call; @requests and what it points to are the caller's again, but for
 *	the memory that elements name.
 * Threads: the one that uses @ch.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_post_batch(struct bv_channel *ch, const struct bv_request *requests,
				       unsigned n);

BV_END_DECLS

#endif
