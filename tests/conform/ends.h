/* SPDX-License-Identifier: MIT */
/*
 * Two channels of this process, connected to each other, for tests that use the API directly: where a
 * side's requests would be in the way. They are made anew for each test, whatever the topology.
 */
#ifndef TESTS_CONFORM_ENDS_H
#define TESTS_CONFORM_ENDS_H

#include "link.h"

enum {
	ENDS_MEMORY = 4096,
};

struct ends {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *a, *b;
	struct bv_remote remote; /* all of the memory */
};

extern struct ends e;
extern uint8_t memory[ENDS_MEMORY];

int ends_start(void **state);
int ends_stop(void **state);
void ends_connect(void);

/* Post, and assert that it is accepted; offsets in the memory. */
int64_t write8(struct bv_channel *ch, unsigned from, unsigned to, unsigned flags);
int64_t receive8(struct bv_channel *ch, unsigned at);
/* A write that the peer refuses. */
int64_t bad_write(struct bv_channel *ch);

#define ENDS_TEST(test, guarantee) TEST(test, guarantee, ends_start, ends_stop)

#endif
