/* SPDX-License-Identifier: MIT */
/*
 * A link: two connected ends, and the world they live in. What "two" means comes from outside:
 * one channel connected to itself, two channels of one process, or of two. Assertions are used
 * here and above only: a side never asserts.
 */
#ifndef TESTS_CONFORM_LINK_H
#define TESTS_CONFORM_LINK_H

#include "harness.h"
#include "options.h"
#include "pattern.h"
#include "side.h"

/* Time that is only there to end a test that hangs; tools and busy machines may be slow. */
#define WAIT_NS (60 * BV_SEC)

struct end {
	struct side *side;
	unsigned slot;
	uint64_t base; /* of its half of the arena */
	struct bv_endpoint endpoint;
	struct bv_channel_info info; /* as of link_connect() */
};

struct link {
	struct end a;
	struct end b;
};

/* Before and after the tests of a group. */
extern const struct world world;
/* After each test: no channel and no region of the test is left. */
int world_reset(void **state);

/* Skips a test that needs a device which moves by itself. */
void need_live_device(void);
/* Skips a test that needs the choice of a GID row, and one that needs the tables of both ends, too. */
void need_gid_choice(void);
void need_gid_tables(void);
/*
 * The suite's defaults: small queues; receivers that are late are asked again soon, answers that
 * are late on a busy machine are waited for.
 */
struct bv_channel_attr link_attr(void);
/* NULL: link_attr(). @b is not looked at in a loopback. */
void link_create(struct link *link, const struct bv_channel_attr *a,
		 const struct bv_channel_attr *b);
void link_connect(struct link *link);
void link_up(struct link *link, const struct bv_channel_attr *a, const struct bv_channel_attr *b);
/* A further link beside others: @index 0.. */
void link_create_at(struct link *link, unsigned index, const struct bv_channel_attr *a,
		    const struct bv_channel_attr *b);

struct bv_remote end_remote(const struct end *end, uint64_t offset, uint64_t length);
/* Posts, and holds the handle against the count of posts so far. */
int64_t end_post(struct end *end, const struct post *post);
/* The post is refused with @rc, and the next handle stays the next. */
void end_refused(struct end *end, const struct post *post, int rc);
void end_reap(struct end *end, bool recv, unsigned count, struct bv_wc *wc);
/* No completion comes; looks for @ns. */
void end_reap_none(struct end *end, bool recv, int64_t ns);
void end_state(const struct end *end, struct side_state *state);
void end_fill(const struct end *end, const struct list *list, uint32_t seed);
void end_check(const struct end *end, const struct list *list, uint32_t seed, uint64_t length);
/* A list of one piece of MR_ARENA at @offset from the end's base. */
struct list end_piece(const struct end *end, uint64_t offset, uint32_t length);

/* Small works for tests that are about queues rather than data: 8 bytes from and to fixed places. */
struct post post_write8(const struct link *link, unsigned flags);
struct post post_of(const struct link *link, enum op op, unsigned flags);
struct post post_recv8(const struct end *end);

void expect_sent(const struct bv_wc *wc, int64_t work, enum op op, uint32_t bytes);
void expect_received(const struct bv_wc *wc, int64_t work, enum op op, uint32_t bytes,
		     uint32_t imm);
void expect_failed(const struct bv_wc *wc, int64_t work, enum bv_status status);
/* @text has @word in it, upper or lower case. */
void expect_word(const char *text, const char *word);

#define TEST(test_function, promise, before, after)                                 \
	{                                                                           \
		.name = #test_function, .guarantee = promise, .run = test_function, \
		.setup = before, .teardown = after                                  \
	}
#define CONFORM(test, guarantee) TEST(test, guarantee, NULL, world_reset)

#define GROUP(group_name, array, ...)                                            \
	const struct group group_name = { .name = #group_name,                   \
					  .tests = array,                        \
					  .n = sizeof(array) / sizeof(array[0]), \
					  __VA_ARGS__ }

extern const struct group operations, stream, queues, faults, diagnosis, gone, killed, negotiation,
	input, blocking, lifetime, recovery;
extern const struct group scopes, events, checks, endings, seeds, inplace;
extern const struct group memory_regions;
extern const struct group atomics, wakes;

#endif
