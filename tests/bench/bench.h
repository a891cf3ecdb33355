/* SPDX-License-Identifier: MIT */
/*
 * What posting and polling cost: what the parts of the measure share.
 *
 * A library is one way to do the same works (struct bench_library). Each is opened once, with a queue
 * pair of its own that is connected to itself, in a thread domain, and the same depths. An operation
 * is a loop over one call, in a function that does nothing else; whatever it needs (receives,
 * completions, a device that has done its work) is prepared before it, and put away after it, outside
 * of what is counted or timed. The library `empty` has the same loops around nothing: what it costs
 * is the harness's, and subtracted.
 *
 *	verify.c	that each library really does what it says: bytes, completions, doorbells
 *	count.c		instructions, reads, writes and cache lines, below callgrind
 *	time.c		nanoseconds, the libraries taking turns
 *	doorbell.c	what ringing costs on memory that combines writes
 */
#ifndef BV_TESTS_BENCH_BENCH_H
#define BV_TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_op {
	BENCH_WRITE_INLINE_8,
	BENCH_WRITE_INLINE_28,
	BENCH_WRITE_INLINE_64,
	BENCH_WRITE_SGE_1,
	BENCH_WRITE_SGE_4,
	BENCH_SEND_INLINE_8,
	BENCH_READ,
	BENCH_FETCH_ADD,
	BENCH_WRITE_CHAIN,
	BENCH_RECV,
	BENCH_RECV_CHAIN,
	BENCH_POLL_SEND,
	BENCH_POLL_RECV,
	BENCH_POLL_SEND_BURST,
	BENCH_POLL_RECV_BURST,
	BENCH_POLL_EMPTY,
	/* Of short messages that lie in their completions: copied to where they belong, and read where they are. */
	BENCH_POLL_RECV_INLINE,
	BENCH_POLL_RECV_INPLACE,
	BENCH_POLL_RECV_INLINE_BURST,
	BENCH_POLL_RECV_INPLACE_BURST,
	BENCH_NROWS,                  /* the ones above are reported */
	BENCH_SEND_IMM = BENCH_NROWS, /* makes completions of receives */
	BENCH_NVERIFIED,              /* the ones below are parts of others */
	BENCH_SHORT_RECV = BENCH_NVERIFIED,
	BENCH_SHORT_SEND_IMM,
	BENCH_SHORT_POLL_SEND,
	BENCH_NOPS,
};

enum {
	BENCH_DEPTH = 256,
	BENCH_CHAIN = 16, /* works for a doorbell, receives for a record, completions for a call */
	BENCH_INLINE_MAX = 64,
	BENCH_SGE_MAX = 4,
	BENCH_SGE_LENGTH = 64,   /* of one element */
	BENCH_PIECE_LENGTH = 16, /* of one of four */
	BENCH_PIECE_STRIDE = 32,
	/* More than what libmlx5 would have scattered into a completion and copied out of it. */
	BENCH_MESSAGE = 128,
	BENCH_SHORT = 32, /* one that lies in its completion */
	BENCH_IMM = 0x1234abcd,
	BENCH_ADD = 3,
};

/* One region of each library. */
enum {
	BENCH_PAYLOAD = 0,    /* sources */
	BENCH_TARGET = 1024,  /* of writes, reads and atomics */
	BENCH_LANDING = 2048, /* of receives */
	BENCH_RESULT = 3072,  /* of reads and atomics */
	BENCH_MEMORY = 4096,
};

/* What the last poll delivered, as far as the library tells. */
struct bench_seen {
	bool good;
	const void *payload; /* of receives, if it is not where they land */
	uint32_t bytes;      /* of receives */
	bool has_imm;
	uint32_t imm; /* host order */
};

struct bench_side; /* each library's own, with struct bench_base first */

/*
 * @n works, receives or completions, one call after the other (chains and bursts: BENCH_CHAIN for
 * each call; @n is a multiple of it). Returns how many it were: less than @n if a call failed, or found
 * nothing. BENCH_POLL_EMPTY: polls that found nothing.
 */
typedef unsigned bench_run(struct bench_side *side, unsigned n);

struct bench_library {
	const char *name;
	/* NULL: not here, and @why says what is missing. */
	struct bench_side *(*open)(char *why, size_t size);
	void (*close)(struct bench_side *side);
	void (*seen)(const struct bench_side *side, struct bench_seen *seen);
	bench_run *run[BENCH_NOPS]; /* NULL: it has no such call */
};

/* The calls of a library that has all of them, by the names of its functions. */
#define BENCH_EVERY_CALL                                                                           \
	[BENCH_WRITE_INLINE_8] = write_inline_8, [BENCH_WRITE_INLINE_28] = write_inline_28,        \
	[BENCH_WRITE_INLINE_64] = write_inline_64, [BENCH_WRITE_SGE_1] = write_sge_1,              \
	[BENCH_WRITE_SGE_4] = write_sge_4, [BENCH_SEND_INLINE_8] = send_inline_8,                  \
	[BENCH_READ] = post_read, [BENCH_FETCH_ADD] = fetch_add,                                   \
	[BENCH_WRITE_CHAIN] = write_chain, [BENCH_RECV] = recv_1, [BENCH_RECV_CHAIN] = recv_chain, \
	[BENCH_POLL_SEND] = poll_send, [BENCH_POLL_RECV] = poll_recv,                              \
	[BENCH_POLL_SEND_BURST] = poll_send_burst, [BENCH_POLL_RECV_BURST] = poll_recv_burst,      \
	[BENCH_POLL_EMPTY] = poll_empty, [BENCH_SEND_IMM] = send_imm

struct bench_base {
	uint8_t *memory;   /* BENCH_MEMORY bytes; NULL: it does nothing (empty) */
	const char *about; /* how it posts and polls */
	/* What belongs to the caller: not counted as the library's cache lines. */
	const void *own;
	size_t own_size;
};

static inline struct bench_base *bench_base(struct bench_side *side)
{
	return (struct bench_base *)(void *)side;
}

/* All that this build has, the empty one first; NULL-terminated. */
extern const struct bench_library *const bench_libraries[];

/* batch.c: names, and what is around the loops */
const char *bench_op_name(enum bench_op op);
/* Works of one call. */
unsigned bench_op_unit(enum bench_op op);
/* Makes @n of @op possible; 0 or -1, and bench_failed() tells. */
int bench_prepare(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
		  unsigned n);
/* The loop. Inline, so that nothing is between a clock and it. */
static inline unsigned bench_loop(const struct bench_library *lib, struct bench_side *side,
				  enum bench_op op, unsigned n)
{
	return lib->run[op](side, n);
}
/* Lets the device work and takes what completes; the queues are empty afterwards. */
int bench_finish(const struct bench_library *lib, struct bench_side *side, enum bench_op op,
		 unsigned n);
/* Remembers the reason, returns -1. */
__attribute__((format(printf, 1, 2))) int bench_fail(const char *fmt, ...);
const char *bench_failed(void);

/* device.c: the emulated device */
int bench_device_check(void);
bool bench_device_manual(void);
/* Until it has done all there is, or @cqes more completions than at the last call of it. */
void bench_device_work(unsigned cqes);

/* One opened library; @side NULL if it could not be. */
struct bench_entry {
	const struct bench_library *lib;
	struct bench_side *side;
};

#define BENCH_MAX_LIBRARIES 16

struct bench {
	struct bench_entry entry[BENCH_MAX_LIBRARIES];
	unsigned n;
	unsigned verified;   /* works of each operation that are looked at one by one, before */
	unsigned batches;    /* of the time */
	const char *profile; /* callgrind's --callgrind-out-file */
	bool instructions_only;
	bool steps; /* count them by steps.c, not below callgrind */
};

/* A figure that was not measured is negative. */
struct bench_row {
	double instructions, reads, writes, lines, ns_p5, ns_median;
};

typedef struct bench_row bench_rows[BENCH_MAX_LIBRARIES][BENCH_NROWS];

/* verify.c, count.c, time.c: 0 or -1 */
int bench_verify(const struct bench *bench);
int bench_count(const struct bench *bench, bench_rows rows);
int bench_time(const struct bench *bench, bench_rows rows);
/* steps.c: what comes after the fork is a child whose instructions can be counted between the others */
void bench_steps_fork(void);
void bench_steps_begin(void);
double bench_steps_end(void);
/* doorbell.c: prints its table */
void bench_doorbell(void);

/* clock.c */
extern double bench_ns_per_tick;
extern uint64_t bench_clock_overhead;
void bench_clock_init(void);

#ifdef __x86_64__
/* Waits for what is before it to be done, and lets nothing that follows begin before it. */
static inline uint64_t bench_ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}
#else
#include <time.h>
static inline uint64_t bench_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

#endif
