/* SPDX-License-Identifier: MIT */
/*
 * Two connected queue pairs of the emulated device, with a buffer, for tests that ask libmlx5 for one
 * thing and need the rest to be there: by GID on Ethernet, by LID on InfiniBand. Every failure ends
 * the test.
 */
#ifndef TESTS_TOOLS_MLX5EMU_LINK_H
#define TESTS_TOOLS_MLX5EMU_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <infiniband/verbs.h>

enum { LINK_BYTES = 4096, LINK_ACCESS_ALL = 0xf, LINK_GID_INDEX = 3 };

struct link {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr; /* of all of @buffer, with every access that @access of set_up names */
	struct ibv_cq *cq, *peer_cq;
	struct ibv_qp *qp, *peer; /* both queues of each have one CQ */
	char buffer[LINK_BYTES];
};

struct ibv_context *link_open_device(void);
void link_set_up(struct link *link, unsigned access);
void link_tear_down(struct link *link);

/* The same before and after a test of cmocka, with every access, windows too; no fault plan outlives it. */
#define LINK_TEST(name, link) \
	cmocka_unit_test_prestate_setup_teardown(name, link_begin, link_end, link)
int link_begin(void **link);
int link_end(void **link);

/* Link layer of the port. */
bool link_infiniband(struct ibv_context *ctx);

/* Another queue pair of the link's, in state RESET; and the way of any to RTS, or RTR, with a peer. */
struct ibv_qp *link_qp(struct link *link, enum ibv_qp_type type);
void link_connect(struct ibv_qp *qp, uint32_t peer);
void link_connect_to(struct ibv_qp *qp, uint32_t peer, enum ibv_qp_state state);

/* The fault plan of this process from now on; "" for none. */
void link_plan(const char *plan);

/* The next completion, waited for. */
struct ibv_wc link_wait(struct ibv_cq *cq);

#endif
