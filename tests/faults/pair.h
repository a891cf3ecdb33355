/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_PAIR_H
#define TESTS_FAULTS_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include <bareverbs/bareverbs.h>

#include "expect.h"

/*
 * Two channels of this process, connected to each other, and random traffic between them of which
 * every byte, every completion and their order are checked.
 *
 * Each end's memory: slot i of "own" is source (send, write) or destination (read) of the work
 * numbered i at a time; slot i of "open" is what the peer's slot i writes or reads; receives rotate.
 *
 *	| own[PAIR_SLOTS] | open[PAIR_SLOTS] | received[PAIR_RECVS] | counter |	of PAIR_BYTES each
 *
 * Atomics go to the peer's counter, which nobody else changes: each brings back what the one before it
 * left there. One that is executed twice, or not at all, shows in the next and in all behind it.
 *
 * Works of a send queue complete in the order of posting, and arrivals in the order of sending: both
 * are FIFOs here, so a completion that is lost, repeated or of something else is noticed at once.
 * Behind the bytes of a message the guard must be untouched.
 */
enum {
	PAIR_SLOTS = 8,
	PAIR_RECVS = 16,
	PAIR_BYTES = 8192,
	PAIR_MEMORY = (2 * PAIR_SLOTS + PAIR_RECVS + 1) * PAIR_BYTES,
	PAIR_ARRIVALS = 32, /* more than can be on the way; a power of two */
};

enum pair_op {
	PAIR_SEND,
	PAIR_SEND_INLINE,
	PAIR_WRITE,
	PAIR_WRITE_IMM,
	PAIR_READ,
	PAIR_FETCH_ADD,
	PAIR_COMPARE_SWAP,
	PAIR_OPS,
};

struct pair_work {
	int64_t handle;
	enum pair_op op;
	unsigned slot;
	uint32_t length, seed, imm;
	uint64_t found; /* atomics: the counter before it */
};

struct pair_end {
	struct bv_channel *ch;
	struct bv_mr *mr;
	uint8_t *memory;
	struct bv_remote peer;             /* the peer's memory */
	uint64_t counter;                  /* the peer's, when all that is posted is done */
	uint8_t busy[PAIR_SLOTS];          /* ends that the slot's work still has to come to */
	struct pair_work sent[PAIR_SLOTS]; /* FIFO, first..last */
	struct pair_work arrives[PAIR_ARRIVALS]; /* what the peer's messages will bring */
	int64_t receive[PAIR_RECVS];             /* handles, FIFO; slot = position % PAIR_RECVS */
	unsigned first_sent, last_sent, first_arrival, last_arrival, first_receive, last_receive;
};

struct pair {
	struct pair_end end[2];
	uint64_t random;
	uint64_t done; /* works and arrivals that were checked */
	uint64_t atomics;
	uint64_t resets;
};

/* As expect(), with the library's text of why. */
void expect_rc(int64_t rc, const struct bv_channel *ch, const char *what);

/*
 * What these tests connect with: MTU 1024, the shortest timer that mlx5emu has, 7 retries; BV_COMPLETIONS_* of
 * BV_TEST_COMPLETIONS in the environment, as a number.
 */
struct bv_channel_attr pair_attr(void);

/* Creates and connects both; seed: of the traffic. */
void pair_open(struct pair *p, struct bv_pd *pd, const struct bv_channel_attr *attr, uint64_t seed);
void pair_close(struct pair *p);

/* Posts one random work if there is room for it; reaps and checks what is there. */
void pair_post(struct pair *p);
unsigned pair_poll(struct pair *p);

/* Nothing is outstanding but receives. */
bool pair_idle(const struct pair *p);

/* Works until @works are checked and all is idle, or @timeout_ns of device_time() are over: then the program ends. */
void pair_run(struct pair *p, uint64_t works, int64_t timeout_ns);

/* Both were drained: nothing completes any more, and nothing writes into their buffers. */
void pair_still(struct pair *p);

/*
 * Drains both ends under whatever they do, sees that nothing is written into their buffers
 * afterwards, and connects them again.
 */
void pair_reset(struct pair *p);

/* Where the parts of an end's memory are. */
uint8_t *pair_own(const struct pair_end *e, unsigned slot);
uint8_t *pair_slot_open(const struct pair_end *e, unsigned slot);

/* The host's clock. A busy host lets a process stand still for a while, hence the patience. */
int64_t pair_now(void);
#define PAIR_PATIENCE_NS (30 * BV_SEC)

uint64_t pair_random(uint64_t *state);

#endif
