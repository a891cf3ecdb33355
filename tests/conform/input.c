/* SPDX-License-Identifier: MIT */
/*
 * Bad input: every documented refusal, that it changes nothing, and that its text says what to do.
 */
#include "link.h"

#include <string.h>

#include "local.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum op list_ops[] = { OP_SEND, OP_SEND_IMM, OP_WRITE, OP_WRITE_IMM, OP_READ, OP_RECV };
static const enum op inline_ops[] = { OP_SEND_INLINE, OP_SEND_INLINE_IMM, OP_WRITE_INLINE,
				      OP_WRITE_INLINE_IMM };

/* The refused post left numbers, credits and state as they were. */
static void expect_untouched(struct link *link)
{
	const struct post post = post_write8(link, 0);
	struct bv_wc wc;
	int64_t work;

	work = end_post(&link->a, &post);
	end_reap(&link->a, false, 1, &wc);
	expect_sent(&wc, work, OP_WRITE, 0);
}

static void too_many_elements(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct link link;

	(void)state;
	attr.max_send_sge = 3;
	attr.max_recv_sge = 2;
	link_up(&link, &attr, &attr);
	for (unsigned i = 0; i < COUNT(list_ops); i++) {
		struct post post = post_of(&link, list_ops[i], 0);

		post.list.n = list_ops[i] == OP_RECV ? 3 : 4;
		for (unsigned j = 0; j < post.list.n; j++)
			post.list.piece[j] = end_piece(&link.a, 64 * j, 1).piece[0];
		end_refused(&link.a, &post, -EINVAL);
		expect_word(link.a.side->text, "element");
		expect_word(link.a.side->text, list_ops[i] == OP_RECV ? "3" : "4");
	}
	expect_untouched(&link);
}

static void no_elements_allowed(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	attr.max_send_sge = 0;
	attr.max_recv_sge = 0;
	link_up(&link, &attr, &attr);
	post = post_of(&link, OP_SEND, 0);
	end_refused(&link.a, &post, -EINVAL);
	post = post_recv8(&link.b);
	end_refused(&link.b, &post, -EINVAL);
	post.list.n = 0;
	end_post(&link.b, &post);
	post = post_of(&link, OP_SEND_IMM, 0);
	post.list.n = 0;
	end_post(&link.a, &post);
	end_reap(&link.b, true, 1, &wc);
	expect_received(&wc, BV_WORK_RECV, OP_SEND_IMM, 0, post.imm);
}

static void unknown_flag(void **state)
{
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	for (int op = 0; op < OP_RECV; op++) {
		for (unsigned bit = 4; bit < 32; bit++) {
			const struct post post = post_of(&link, (enum op)op, 1u << bit);

			end_refused(&link.a, &post, -EINVAL);
			expect_word(link.a.side->text, "flag");
		}
	}
	expect_untouched(&link);
}

static void longer_than_remote(void **state)
{
	static const enum op ops[] = { OP_WRITE, OP_WRITE_IMM, OP_READ, OP_WRITE_INLINE,
				       OP_WRITE_INLINE_IMM };
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(ops); i++) {
		struct post post = post_of(&link, ops[i], 0);

		post.remote.length = 7;
		end_refused(&link.a, &post, -ERANGE);
		expect_word(link.a.side->text, "8");
		expect_word(link.a.side->text, "7");
		expect_word(link.a.side->text, "remote");
	}
	expect_untouched(&link);
}

static void longer_than_a_message(void **state)
{
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(list_ops) - 1; i++) {
		struct post post = post_of(&link, list_ops[i], 0);

		post.list.n = 2;
		post.list.piece[0].length = UINT32_MAX;
		post.list.piece[1] = post.list.piece[0];
		post.remote.length = UINT64_MAX;
		end_refused(&link.a, &post, -EMSGSIZE);
	}
	expect_untouched(&link);
}

static void inline_too_long(void **state)
{
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(inline_ops); i++) {
		struct post post = post_of(&link, inline_ops[i], 0);

		post.list.piece[0].length = link.a.info.max_inline + 1;
		post.remote = end_remote(&link.b, ARENA_HALF, 4096);
		end_refused(&link.a, &post, -EMSGSIZE);
		expect_word(link.a.side->text, "inline");
	}
	expect_untouched(&link);
}

static void before_connect(void **state)
{
	struct link link;

	(void)state;
	link_create(&link, NULL, NULL);
	for (int op = 0; op < OP_RECV; op++) {
		const struct post post = post_of(&link, (enum op)op, 0);

		end_refused(&link.a, &post, -EINVAL);
		expect_word(link.a.side->text, "PREPARED");
		expect_word(link.a.side->text, "READY");
	}
	assert_int_equal(link.a.side->next_send[link.a.slot], 0);
	link_connect(&link);
	expect_untouched(&link);
}

static void connect_twice(void **state)
{
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	assert_int_equal(side_connect(link.a.side, link.a.slot, &link.b.endpoint), -EINVAL);
	expect_word(link.a.side->text, "READY");
	expect_word(link.a.side->text, "PREPARED");
	expect_untouched(&link);
}

static void connect_after_error(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	attr.rnr_retry = 0;
	link_up(&link, &attr, &attr);
	post = post_of(&link, OP_SEND, 0);
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	expect_failed(&wc, 0, BV_STATUS_RNR_RETRY_EXCEEDED_ERROR);
	assert_int_equal(side_connect(link.a.side, link.a.slot, &link.b.endpoint), -EIO);
	expect_word(link.a.side->text, "ERROR");
}

static void connect_to_nonsense(void **state)
{
	struct bv_endpoint bad[12];
	struct link link;
	unsigned n = 0;

	(void)state;
	link_create(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(bad); i++)
		bad[i] = link.b.endpoint;
	bad[n++].qpn = 0;
	bad[n++].qpn = 1;
	bad[n++].qpn = 1 << 24;
	bad[n++].psn = 1 << 24;
	bad[n++].mtu = 0;
	bad[n++].mtu = 1500;
	bad[n++].mtu = 8192;
	bad[n++].link_layer = BV_LINK_UNKNOWN;
	bad[n++].link_layer = (enum bv_link_layer)77;
	memset(&bad[n++], 0, sizeof(bad[0]));
	memset(&bad[n++], 0xff, sizeof(bad[0]));
	if (link.b.endpoint.link_layer == BV_LINK_ETHERNET)
		memset(bad[n++].gid, 0, sizeof(bad[0].gid));
	for (unsigned i = 0; i < n; i++) {
		struct side_state after;

		link.a.side->text[0] = '\0';
		assert_int_equal(side_connect(link.a.side, link.a.slot, &bad[i]), -EINVAL);
		assert_true(strlen(link.a.side->text) > 0);
		end_state(&link.a, &after);
		assert_int_equal(after.state, BV_CHANNEL_PREPARED);
	}
	link_connect(&link);
	expect_untouched(&link);
}

static void connect_to_other_link_layer(void **state)
{
	struct bv_endpoint other;
	struct link link;

	(void)state;
	link_create(&link, NULL, NULL);
	other = link.b.endpoint;
	other.link_layer = other.link_layer == BV_LINK_ETHERNET ? BV_LINK_INFINIBAND :
								  BV_LINK_ETHERNET;
	other.lid = other.link_layer == BV_LINK_INFINIBAND ? 5 : 0;
	other.gid_type = other.link_layer == BV_LINK_INFINIBAND ? BV_GID_IB : BV_GID_ROCE_V2;
	assert_int_equal(side_connect(link.a.side, link.a.slot, &other), -EPROTONOSUPPORT);
	expect_word(link.a.side->text, "ethernet");
	link_connect(&link);
	expect_untouched(&link);
}

/* Each attribute out of its range, and the word that names it. */
static void bad_attributes(void **state)
{
	struct bv_channel_attr bad[32];
	const char *word[32];
	struct bv_endpoint ep;
	struct link link;
	unsigned n = 0;

	(void)state;
#define BAD(member, value)               \
	do {                             \
		bad[n] = link_attr();    \
		bad[n].member = (value); \
		word[n++] = #member;     \
	} while (0)
	BAD(max_send, 0);
	BAD(max_send, UINT32_MAX);
	BAD(max_recv, 0);
	BAD(max_recv, 1 << 30);
	BAD(max_send_sge, 5000);
	BAD(max_recv_sge, 5000);
	BAD(max_inline, 1 << 20);
	BAD(access, 0x8000);
	BAD(access, BV_ACCESS_ON_DEMAND);
	BAD(port, 0);
	BAD(port, 200);
	BAD(gid_index, -2);
	BAD(gid_index, 100000);
	BAD(mtu, 1);
	BAD(mtu, 1500);
	BAD(mtu, 8192);
	BAD(rd_atomic, 256);
	BAD(rnr_retry, 8);
	BAD(retry, 8);
	BAD(min_rnr_timer, 32);
	BAD(ack_timeout, 32);
	BAD(pkey_index, UINT16_MAX);
	BAD(service_level, 16);
#undef BAD
	link_create(&link, NULL, NULL);
	for (unsigned i = 0; i < n; i++) {
		struct side *side = link.a.side;
		const int rc = side_create(side, MAX_CHANNELS - 1, &bad[i], &ep);

		if (rc != -EINVAL)
			fail_msg("attribute %u (%s): %s: %s", i, word[i], strerror(-rc),
				 side->text);
		expect_word(side->text, word[i]);
	}
	link_connect(&link);
	expect_untouched(&link);
}

static void bad_regions(void **state)
{
	static const struct {
		uint64_t length;
		unsigned access;
		int rc;
	} bad[] = {
		{ 0, BV_ACCESS_LOCAL, -EINVAL },
		{ UINT64_MAX, BV_ACCESS_LOCAL, -EINVAL },
		{ 4096, BV_ACCESS_REMOTE_WRITE, -EINVAL },
		{ 4096, BV_ACCESS_REMOTE_ATOMIC, -EINVAL },
		{ 4096, 0x80000000u, -EINVAL },
		{ UINT64_C(1) << 40, BV_ACCESS_LOCAL, -EFAULT },
	};
	struct link link;
	struct bv_remote remote;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(bad); i++) {
		link.a.side->text[0] = '\0';
		assert_int_equal(side_reg(link.a.side, 1, PD_MAIN, 0, bad[i].length, bad[i].access,
					  &remote),
				 bad[i].rc);
		assert_true(strlen(link.a.side->text) > 0);
	}
	expect_untouched(&link);
}

static const struct test tests[] = {
	CONFORM(too_many_elements, "QP-7 WR-5 -EINVAL, before the driver"),
	CONFORM(no_elements_allowed, "WR-1 a channel without lists"),
	CONFORM(unknown_flag, "-EINVAL for each unknown flag"),
	CONFORM(longer_than_remote, "RMR-4 transfers are held against the region"),
	CONFORM(longer_than_a_message, "-EMSGSIZE, sums do not wrap"),
	CONFORM(inline_too_long, "-EMSGSIZE above max_inline"),
	CONFORM(before_connect, "typestate: the text names both states"),
	CONFORM(connect_twice, "typestate: the text names both states"),
	CONFORM(connect_after_error, "SC-5 a failed channel does not connect"),
	CONFORM(connect_to_nonsense, "never connects to something invalid; unchanged after"),
	CONFORM(connect_to_other_link_layer, "-EPROTONOSUPPORT"),
	CONFORM(bad_attributes, "9.1 B17 each attribute has its range; the text names it"),
	CONFORM(bad_regions, "MR: documented refusals"),
};

GROUP(input, tests, .two_ends = true);
