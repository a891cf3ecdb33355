/* SPDX-License-Identifier: MIT */
/*
 * What is around the loops: receives for sends, completions for polls, and the way back to empty
 * queues. It is made of the library's own operations, so each library sees the same works in the
 * same order.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	unsigned unit;
} ops[BENCH_NOPS] = {
	[BENCH_WRITE_INLINE_8] = { "write_inline_8", 1 },
	[BENCH_WRITE_INLINE_28] = { "write_inline_28", 1 },
	[BENCH_WRITE_INLINE_64] = { "write_inline_64", 1 },
	[BENCH_WRITE_SGE_1] = { "write_sge_1", 1 },
	[BENCH_WRITE_SGE_4] = { "write_sge_4", 1 },
	[BENCH_SEND_INLINE_8] = { "send_inline_8", 1 },
	[BENCH_READ] = { "read", 1 },
	[BENCH_FETCH_ADD] = { "fetch_add", 1 },
	[BENCH_WRITE_CHAIN] = { "write_inline_8_chain16", BENCH_CHAIN },
	[BENCH_RECV] = { "recv", 1 },
	[BENCH_RECV_CHAIN] = { "recv_chain16", BENCH_CHAIN },
	[BENCH_POLL_SEND] = { "poll_send", 1 },
	[BENCH_POLL_RECV] = { "poll_recv", 1 },
	[BENCH_POLL_SEND_BURST] = { "poll_send_burst16", BENCH_CHAIN },
	[BENCH_POLL_RECV_BURST] = { "poll_recv_burst16", BENCH_CHAIN },
	[BENCH_POLL_EMPTY] = { "poll_empty", 1 },
	[BENCH_POLL_RECV_INLINE] = { "poll_recv_inline", 1 },
	[BENCH_POLL_RECV_INPLACE] = { "poll_recv_inplace", 1 },
	[BENCH_POLL_RECV_INLINE_BURST] = { "poll_recv_inline_burst16", BENCH_CHAIN },
	[BENCH_POLL_RECV_INPLACE_BURST] = { "poll_recv_inplace_burst16", BENCH_CHAIN },
	[BENCH_SEND_IMM] = { "send_imm", 1 },
	[BENCH_SHORT_RECV] = { "short_recv", 1 },
	[BENCH_SHORT_SEND_IMM] = { "short_send_imm", 1 },
	[BENCH_SHORT_POLL_SEND] = { "short_poll_send", 1 },
};

static char failure[256];

int bench_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(failure, sizeof(failure), fmt, args);
	va_end(args);
	return -1;
}

const char *bench_failed(void)
{
	return failure;
}

const char *bench_op_name(enum bench_op op)
{
	return ops[op].name;
}

unsigned bench_op_unit(enum bench_op op)
{
	return ops[op].unit;
}

/* A library without receives of its own posts them by itself, and polls both with one call. */
static int run(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
	       unsigned n)
{
	struct bench_seen seen = { .good = true };
	unsigned done;

	if (!lib->run[op])
		return 0;
	done = bench_loop(lib, side, op, n);
	if (op == BENCH_POLL_SEND || op == BENCH_POLL_RECV)
		lib->seen(side, &seen);
	if (done == n && seen.good)
		return 0;
	return bench_fail("%s: %s: %u of %u%s", lib->name, ops[op].name, done, n,
			  seen.good ? "" : ", and a completion says error");
}

static bool polls_sends(enum bench_op op)
{
	return op == BENCH_POLL_SEND || op == BENCH_POLL_SEND_BURST;
}

static bool polls_short(enum bench_op op)
{
	return op == BENCH_POLL_RECV_INLINE || op == BENCH_POLL_RECV_INPLACE ||
	       op == BENCH_POLL_RECV_INLINE_BURST || op == BENCH_POLL_RECV_INPLACE_BURST;
}

static bool polls_receives(enum bench_op op)
{
	return op == BENCH_POLL_RECV || op == BENCH_POLL_RECV_BURST || polls_short(op);
}

int bench_prepare(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
		  unsigned n)
{
	const bool is_short = polls_short(op);
	int rc = 0;

	if (!bench_base(side)->memory)
		return 0;
	if (op == BENCH_SEND_INLINE_8 || op == BENCH_SEND_IMM || polls_receives(op))
		rc = run(lib, side, is_short ? BENCH_SHORT_RECV : BENCH_RECV, n);
	if (rc == 0 && polls_receives(op))
		rc = run(lib, side, is_short ? BENCH_SHORT_SEND_IMM : BENCH_SEND_IMM, n);
	if (rc == 0 && polls_sends(op))
		rc = run(lib, side, BENCH_WRITE_INLINE_8, n);
	bench_device_work(polls_receives(op) ? 2 * n : polls_sends(op) ? n : 0);
	if (rc == 0 && polls_receives(op))
		rc = run(lib, side, is_short ? BENCH_SHORT_POLL_SEND : BENCH_POLL_SEND, n);
	return rc;
}

int bench_finish(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
		 unsigned n)
{
	const bool receives = op == BENCH_RECV || op == BENCH_RECV_CHAIN;
	int rc = 0;

	if (!bench_base(side)->memory || op == BENCH_POLL_EMPTY || polls_sends(op) ||
	    polls_receives(op))
		return 0;
	if (receives)
		rc = run(lib, side, BENCH_SEND_IMM, n);
	bench_device_work(receives || op == BENCH_SEND_INLINE_8 || op == BENCH_SEND_IMM ? 2 * n :
											  n);
	if (rc == 0)
		rc = run(lib, side, BENCH_POLL_SEND, n);
	if (rc == 0 && (receives || op == BENCH_SEND_INLINE_8 || op == BENCH_SEND_IMM))
		rc = run(lib, side, lib->run[BENCH_POLL_RECV] ? BENCH_POLL_RECV : BENCH_POLL_SEND,
			 n);
	return rc;
}
