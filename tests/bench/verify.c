/* SPDX-License-Identifier: MIT */
/*
 * That a library does what its row says. Call by call, long enough for every ring to come round twice:
 * each call's bytes arrive, all of them and no others; each completion is good and says what arrived;
 * and the device saw just as many elements, completions and doorbells as it should have, none of them
 * malformed.
 */
#include "bench.h"

#include <string.h>

#define MLX5EMU_WEAK
#include "mlx5emu.h"

/* Changes with each call; no byte of it is 0. */
static void fill(uint8_t *memory, unsigned call)
{
	memset(memory, 0, BENCH_MEMORY);
	for (unsigned i = 0; i < BENCH_TARGET; i++)
		memory[BENCH_PAYLOAD + i] = (uint8_t)(1 + (i * 7 + call * 13) % 255);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* @length bytes of @from are at @place of the region, and zeroes behind them. */
static bool arrived(const uint8_t *memory, unsigned place, const uint8_t *from, unsigned length)
{
	const unsigned room = BENCH_LANDING - BENCH_TARGET;

	return memcmp(memory + place, from, length) == 0 &&
	       is_zero(memory + place + length, room - length);
}

static bool pieces_arrived(const uint8_t *memory)
{
	uint8_t all[BENCH_SGE_MAX * BENCH_PIECE_LENGTH];

	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		memcpy(all + i * BENCH_PIECE_LENGTH, memory + i * BENCH_PIECE_STRIDE,
		       BENCH_PIECE_LENGTH);
	return arrived(memory, BENCH_TARGET, all, sizeof(all));
}

/* Before reads and atomics: what they fetch. */
static void fill_target(uint8_t *memory)
{
	memcpy(memory + BENCH_TARGET, memory + BENCH_PAYLOAD, BENCH_SGE_LENGTH);
}

static bool added(const uint8_t *memory)
{
	uint64_t before, after, result;

	memcpy(&before, memory + BENCH_PAYLOAD, sizeof(before));
	memcpy(&after, memory + BENCH_TARGET, sizeof(after));
	memcpy(&result, memory + BENCH_RESULT, sizeof(result));
	return result == before && after == before + BENCH_ADD;
}

/* Whether a poll leaves the message where the device put it. */
static bool in_place(enum bench_op op)
{
	return op == BENCH_POLL_RECV_INPLACE || op == BENCH_POLL_RECV_INPLACE_BURST;
}

static bool is_short(enum bench_op op)
{
	return op == BENCH_POLL_RECV_INLINE || op == BENCH_POLL_RECV_INLINE_BURST || in_place(op);
}

/* @length bytes are where they land, and zeroes behind them. */
static bool landed(const uint8_t *m, unsigned length)
{
	return memcmp(m + BENCH_LANDING, m, length) == 0 &&
	       is_zero(m + BENCH_LANDING + length, BENCH_MESSAGE - length);
}

static bool happened(const uint8_t *m, enum bench_op op)
{
	switch (op) {
	case BENCH_WRITE_INLINE_8:
	case BENCH_WRITE_CHAIN:
	case BENCH_POLL_SEND:
	case BENCH_POLL_SEND_BURST:
		return arrived(m, BENCH_TARGET, m, 8);
	case BENCH_WRITE_INLINE_28:
		return arrived(m, BENCH_TARGET, m, 28);
	case BENCH_WRITE_INLINE_64:
		return arrived(m, BENCH_TARGET, m, 64);
	case BENCH_WRITE_SGE_1:
		return arrived(m, BENCH_TARGET, m, BENCH_SGE_LENGTH);
	case BENCH_WRITE_SGE_4:
		return pieces_arrived(m);
	case BENCH_READ:
		return memcmp(m + BENCH_RESULT, m, BENCH_SGE_LENGTH) == 0 &&
		       is_zero(m + BENCH_RESULT + BENCH_SGE_LENGTH, 64);
	case BENCH_FETCH_ADD:
		return added(m);
	case BENCH_SEND_INLINE_8:
		return memcmp(m + BENCH_LANDING, m, 8) == 0 && is_zero(m + BENCH_LANDING + 8, 64);
	case BENCH_POLL_EMPTY:
		return is_zero(m + BENCH_TARGET, BENCH_MEMORY - BENCH_TARGET);
	case BENCH_POLL_RECV_INPLACE:
	case BENCH_POLL_RECV_INPLACE_BURST:
		/* Copied all the same at the end of a half of the completion queue. */
		return landed(m, 0) || landed(m, BENCH_SHORT);
	case BENCH_POLL_RECV_INLINE:
	case BENCH_POLL_RECV_INLINE_BURST:
		return landed(m, BENCH_SHORT);
	default:
		return landed(m, BENCH_MESSAGE);
	}
}

/* Whether messages with an immediate are received in the course of it. */
static bool messages(enum bench_op op)
{
	return op == BENCH_RECV || op == BENCH_RECV_CHAIN || op == BENCH_POLL_RECV ||
	       op == BENCH_POLL_RECV_BURST || op == BENCH_SEND_IMM || is_short(op);
}

/* Of the last completion of a receive, if the operation is about receives. */
static bool told(const struct bench_library *lib, const struct bench_side *side, enum bench_op op,
		 const uint8_t *message)
{
	struct bench_seen seen;

	lib->seen(side, &seen);
	if (in_place(op) && (!seen.payload || memcmp(seen.payload, message, BENCH_SHORT) != 0))
		return false;
	if (messages(op))
		return seen.good && seen.bytes == (is_short(op) ? BENCH_SHORT : BENCH_MESSAGE) &&
		       seen.has_imm && seen.imm == BENCH_IMM;
	if (op == BENCH_SEND_INLINE_8)
		return seen.good && seen.bytes == 8 && !seen.has_imm;
	return seen.good;
}

/* What the device counts for one call with all that is around it. */
static struct mlx5emu_counters expected(enum bench_op op, unsigned works)
{
	struct mlx5emu_counters c = { 0 };
	const bool receives = messages(op) || op == BENCH_SEND_INLINE_8;

	if (op == BENCH_POLL_EMPTY)
		return c;
	c.wqes = works;
	c.receives = receives ? works : 0;
	c.cqes = c.wqes + c.receives;
	return c;
}

static bool counted(const struct mlx5emu_counters *before, const struct mlx5emu_counters *want)
{
	struct mlx5emu_counters now;

	mlx5emu_counters(&now, sizeof(now));
	return now.wqes - before->wqes == want->wqes && now.cqes - before->cqes == want->cqes &&
	       now.receives - before->receives == want->receives &&
	       now.illegal_wqes == before->illegal_wqes && now.error_cqes == before->error_cqes;
}

static int one_call(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
		    unsigned call)
{
	uint8_t *const memory = bench_base(side)->memory;
	const unsigned n = bench_op_unit(op);
	const struct mlx5emu_counters want = expected(op, n);
	struct mlx5emu_counters before;

	mlx5emu_counters(&before, sizeof(before));
	fill(memory, call);
	if (op == BENCH_READ || op == BENCH_FETCH_ADD)
		fill_target(memory);
	if (bench_prepare(lib, side, op, n) < 0)
		return -1;
	if (bench_loop(lib, side, op, n) != n)
		return bench_fail("%s: %s: call %u failed", lib->name, bench_op_name(op), call);
	if (bench_finish(lib, side, op, n) < 0)
		return -1;
	if (!happened(memory, op))
		return bench_fail("%s: %s: call %u: wrong bytes", lib->name, bench_op_name(op),
				  call);
	if (!told(lib, side, op, memory + BENCH_PAYLOAD))
		return bench_fail("%s: %s: call %u: wrong completion", lib->name, bench_op_name(op),
				  call);
	if (!counted(&before, &want))
		return bench_fail("%s: %s: call %u: the device saw other works", lib->name,
				  bench_op_name(op), call);
	return 0;
}

static int one_library(const struct bench_entry *e, unsigned all)
{
	for (int op = 0; op < BENCH_NVERIFIED; op++) {
		const unsigned calls = 1 + all / bench_op_unit((enum bench_op)op);

		if (!e->lib->run[op])
			continue;
		for (unsigned call = 0; call < calls; call++) {
			if (one_call(e->lib, e->side, (enum bench_op)op, call) < 0)
				return -1;
		}
	}
	return 0;
}

int bench_verify(const struct bench *bench)
{
	for (unsigned i = 0; i < bench->n; i++) {
		const struct bench_entry *e = &bench->entry[i];

		if (e->side && bench_base(e->side)->memory && one_library(e, bench->verified) < 0)
			return -1;
	}
	return 0;
}
