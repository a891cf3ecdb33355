/* SPDX-License-Identifier: MIT */
/*
 * A server's requests may come from anybody: whatever request_fits() lets through is carried out
 * here, tens of thousands at random, and must not touch memory that is not the tests' (the sanitizers
 * see to that), nor end the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bounds.h"
#include "flow.h"
#include "options.h"

#define REQUESTS 40000

struct options options = { .port = 1, .gid_index = BV_GID_AUTO, .provider = "verbs" };

static uint64_t seed = 1;

/* xorshift64*: the same requests in every run. */
static uint64_t random64(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

/* Mostly what fits, sometimes just not, sometimes far from it. */
static uint64_t near(uint64_t limit)
{
	const uint64_t dice = random64() % 16;

	if (dice == 0)
		return limit + random64() % 3;
	return dice == 1 ? random64() : random64() % limit;
}

static void random_list(struct list *list)
{
	list->n = (unsigned)near(MAX_PIECES);
	for (unsigned i = 0; i < MAX_PIECES; i++)
		list->piece[i] = (struct piece){
			.offset = near(ARENA_BYTES),
			.length = (uint32_t)near(random64() % 2 ? 300 : ARENA_BYTES),
			.mr = (uint32_t)near(MAX_MRS),
		};
}

static void random_post(struct post *post)
{
	const uint32_t op = (uint32_t)near(OP_COUNT);

	memset(post, 0, sizeof(*post));
	memcpy(&post->op, &op, sizeof(op));
	post->flags = (unsigned)near(16);
	post->imm = (uint32_t)random64();
	post->remote = (struct bv_remote){
		.addr = random64(),
		.rkey = (uint32_t)random64(),
		.length = near(4096),
	};
	random_list(&post->list);
}

static void random_reg(struct request *req)
{
	req->reg.mr = (uint32_t)near(MAX_MRS);
	req->reg.pd = (uint32_t)near(PD_COUNT);
	req->reg.offset = near(ARENA_BYTES);
	req->reg.length = near(random64() % 2 ? 65536 : ARENA_BYTES);
	req->reg.access = (uint32_t)near(16);
}

static void random_create(struct request *req)
{
	req->create.attr = (struct bv_channel_attr)BV_CHANNEL_ATTR_DEFAULT;
	req->create.attr.max_send = (uint32_t)near(64);
	req->create.attr.max_recv = (uint32_t)near(64);
	req->create.attr.gid_index = (int)near(4);
	req->create.own_port = random64() % 2;
}

/* No time-outs: nothing that comes at random is worth waiting for. */
static void random_request(struct request *req)
{
	const uint32_t command = (uint32_t)near(CMD_COUNT);

	memset(req, 0, sizeof(*req));
	memcpy(&req->command, &command, sizeof(command));
	req->slot = (unsigned)near(MAX_CHANNELS);
	switch (command) {
	case CMD_OPEN:
		memset(&req->open, (int)near(128), sizeof(req->open));
		break;
	case CMD_CREATE:
		random_create(req);
		break;
	case CMD_CONNECT:
		for (size_t i = 0; i < sizeof(req->endpoint); i++)
			((uint8_t *)&req->endpoint)[i] = (uint8_t)near(4);
		break;
	case CMD_RECOVER:
		req->recover.what = (enum recover)(random64() % 4);
		break;
	case CMD_POST:
		random_post(&req->post);
		break;
	case CMD_REAP:
		req->reap.recv = random64() % 2;
		req->reap.count = (uint32_t)near(MAX_REAP + 1);
		break;
	case CMD_TEST:
	case CMD_WAIT:
		req->work.work = (int64_t)near(64);
		break;
	case CMD_FILL:
	case CMD_CHECK:
		req->memory.seed = (uint32_t)random64();
		req->memory.length = near(ARENA_BYTES);
		random_list(&req->memory.list);
		break;
	case CMD_FLOW_PREPARE:
	case CMD_FLOW_VERIFY:
		req->flow.base = near(ARENA_BYTES);
		req->flow.first = random64();
		req->flow.n = (uint32_t)near(FLOW_BATCH + 1);
		break;
	default:
		random_reg(req);
		break;
	}
}

/* What a stranger may do to himself: wait for ever, end the process, unmap what the device uses. */
static bool is_his_own_affair(const struct request *req)
{
	return req->command == CMD_DIE || req->command == CMD_UNMAP ||
	       req->command == CMD_FLOW_VERIFY;
}

static void anything_at_random(void **state)
{
	struct local *local = local_new();
	struct request req = { .command = CMD_OPEN, .open = { .provider = "verbs" } };
	struct reply rep;
	unsigned done = 0;

	(void)state;
	bv_debug_set(0, NULL);
	assert_non_null(local);
	assert_true(request_fits(local, &req));
	local_execute(local, &req, &rep);
	assert_int_equal(rep.rc, 0);
	for (unsigned i = 0; i < REQUESTS; i++) {
		random_request(&req);
		if (!request_fits(local, &req) || is_his_own_affair(&req))
			continue;
		local_execute(local, &req, &rep);
		done++;
	}
	print_message("%u of %u were carried out\n", done, REQUESTS);
	assert_in_range(done, REQUESTS / 10, REQUESTS * 9 / 10);
	local_free(local);
}

static void edges(void **state)
{
	struct local *local = local_new();
	struct request req = { .command = CMD_FILL };
	struct piece *piece = &req.memory.list.piece[0];

	(void)state;
	assert_non_null(local);
	local->mr[MR_ARENA].base = local->arena;
	req.memory.list.n = 1;
	*piece = (struct piece){ .offset = GUARD_BYTES, .length = 8 };
	assert_true(request_fits(local, &req));
	piece->offset--;
	assert_false(request_fits(local, &req));
	*piece = (struct piece){ .offset = ARENA_BYTES - GUARD_BYTES - 8, .length = 8 };
	assert_true(request_fits(local, &req));
	piece->length++;
	assert_false(request_fits(local, &req));
	*piece = (struct piece){ .offset = UINT64_MAX, .length = 8 };
	assert_false(request_fits(local, &req));
	*piece = (struct piece){ .offset = GUARD_BYTES, .length = 8, .mr = 1 };
	assert_false(request_fits(local, &req)); /* not registered */
	piece->mr = MAX_MRS;
	assert_false(request_fits(local, &req));
	req.command = CMD_COUNT;
	assert_false(request_fits(local, &req));
	req = (struct request){ .command = CMD_REAP };
	assert_false(request_fits(local, &req)); /* no such channel */
	local_free(local);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(anything_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
