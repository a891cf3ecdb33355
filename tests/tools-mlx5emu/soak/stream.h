/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_SOAK_STREAM_H
#define TESTS_TOOLS_MLX5EMU_SOAK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What one queue pair is to do, as both ends know it: a seed makes the same works, and the same memory
 * behind them, at the requester as it posts and at the responder as it sees them arrive. So each end can
 * say of every byte, immediate and old value what it must be, without a word from the other.
 */

enum transport { SOAK_RC, SOAK_UC, SOAK_UD };

/* What the seed chooses for a run; the same at both ends. */
struct plan {
	uint64_t seed;
	enum transport transport;
	unsigned nqp, rounds, works; /* works: at most, of a queue pair in a round */
	uint32_t max_len, mtu;       /* mtu: enum ibv_mtu */
	unsigned sq_depth, rq_depth, depth_rd, max_inline;
	unsigned signal_one_in;
	bool srq, events, extended, two_cqs, lazy;
	unsigned gid_index;
	bool disorder; /* of UC and UD: packets come again, and in another order */
};

void plan_make(struct plan *plan, uint64_t seed, enum transport transport);

enum kind {
	SEND,
	SEND_IMM,
	WRITE,      /* into memory that nothing else of the round is written to */
	WRITE_IMM,  /* the same */
	OVERWRITE,  /* into memory that others of the round write, too */
	READ,       /* of what never changes */
	READ_BACK,  /* of what a WRITE of the round wrote */
	READ_OVER,  /* of what OVERWRITEs change */
	ADD,        /* to a word of the queue pair */
	SWAP,       /* the same */
	ADD_SHARED, /* 1, to a word that all queue pairs of the side add to */
	KINDS,
};

enum {
	SOURCE = 256 << 10, /* of each side; all that is sent, and what READ reads */
	OVER = 4096,        /* first bytes of a window */
	FRESH = 384 << 10,  /* the rest of it, taken once a round */
	WINDOW = OVER + FRESH,
	WORDS = 8,
	SINK = 512 << 10, /* what a queue pair reads in a round */
	GAP = 16,         /* between places in it, and behind each receive */
	FILL = 0xa5,      /* what is in memory that was not written */
};

struct work {
	enum kind kind;
	uint32_t seq, len;
	uint32_t from; /* in the source of the side that the bytes come from */
	uint32_t at;   /* in the window */
	uint32_t sink; /* of reads and atomics: where the result goes */
	uint32_t imm;
	unsigned word, nsge;
	uint64_t operand, swap;
	uint64_t old; /* what ADD and SWAP find */
	bool signaled, fence, is_inline, solicited;
};

struct stream {
	const struct plan *plan;
	unsigned qp;
	uint64_t random;
	uint32_t seq, left; /* left: works in this round */
	uint32_t fresh, sink;
	unsigned unsignaled;
	bool read_over;  /* since the last fence */
	uint64_t shared; /* ADD_SHAREDs until now */
	uint64_t word[WORDS];
	const uint8_t *source; /* of the requester */
	uint8_t *window;       /* WINDOW bytes: what the responder's window has */
};

uint64_t soak_random(uint64_t *state);

/* A side's source, as the other one can make it, too. */
void source_fill(uint8_t source[SOURCE], uint64_t seed, unsigned side);

/* @side: the requester. Both arrays stay the caller's. */
void stream_init(struct stream *stream, const struct plan *plan, unsigned side, unsigned qp,
		 const uint8_t *source, uint8_t *window);
void stream_round(struct stream *stream);

/* The next work of the round, applied to the memory; false when there is none. */
bool stream_next(struct stream *stream, struct work *work);

static inline bool work_arrives(const struct work *work)
{
	return work->kind == SEND || work->kind == SEND_IMM || work->kind == WRITE_IMM;
}

static inline bool work_reads(const struct work *work)
{
	return work->kind == READ || work->kind == READ_BACK || work->kind == READ_OVER;
}

static inline bool work_is_atomic(const struct work *work)
{
	return work->kind == ADD || work->kind == SWAP || work->kind == ADD_SHARED;
}

#endif
