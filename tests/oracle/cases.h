/* SPDX-License-Identifier: MIT */
/*
 * The requests that both queue pairs are given: every operation, with lists of every interesting
 * length and with empty elements in them, with inline payload around every limit, with all flags.
 */
#ifndef BV_TESTS_ORACLE_CASES_H
#define BV_TESTS_ORACLE_CASES_H

#include "twin.h"

enum oracle_op {
	ORACLE_SEND,
	ORACLE_SEND_IMM,
	ORACLE_WRITE,
	ORACLE_WRITE_IMM,
	ORACLE_READ,
	ORACLE_FETCH_ADD,
	ORACLE_COMPARE_SWAP,
};

struct request {
	enum oracle_op op;
	bool inlined;
	unsigned nsge;
	unsigned empty; /* bit i: element i has length 0 */
	uint32_t len;   /* of inline payload */
	unsigned flags; /* BV_* */
};

/* Fills up to @max; returns how many there are. @max_inline: what was granted. */
size_t cases_all(struct request *out, size_t max, uint32_t max_inline);

/* 1 block, signaled: moves both rings on by one. */
extern const struct request case_filler;

/* Posts to either queue pair, @n at once or one with more @flags; 0, or what the call returned. */
int case_post_theirs(const struct twin *t, const struct request *r, unsigned n);
int64_t case_post_ours(const struct twin *t, const struct request *r, unsigned flags);

/* A receive of shape @shape, 0..CASE_RECV_SHAPES - 1; shape 0 takes no bytes, the others any case. */
#define CASE_RECV_SHAPES 5
int case_recv_theirs(const struct twin *t, unsigned shape);
int64_t case_recv_ours(const struct twin *t, unsigned shape);

bool case_is_atomic(const struct request *r);
bool case_consumes_receive(const struct request *r);
uint32_t case_bytes(const struct request *r);
const char *case_name(const struct request *r, char *text, size_t size);

#endif
