/* SPDX-License-Identifier: MIT */
#include "ends.h"

#include <string.h>

struct ends e;
uint8_t memory[ENDS_MEMORY];

void ends_connect(void)
{
	struct bv_endpoint a, b;

	assert_int_equal(bv_channel_endpoint(e.a, &a), 0);
	assert_int_equal(bv_channel_endpoint(e.b, &b), 0);
	assert_int_equal(bv_channel_connect(e.a, &b), 0);
	assert_int_equal(bv_channel_connect(e.b, &a), 0);
}

int ends_start(void **state)
{
	const struct bv_open_opts opts = { .provider = options.provider };
	const struct bv_channel_attr attr = link_attr();

	(void)state;
	memset(memory, 0, sizeof(memory));
	assert_int_equal(bv_open(options.device, &opts, &e.dev), 0);
	assert_int_equal(bv_pd_alloc(e.dev, &e.pd), 0);
	assert_int_equal(bv_mr_reg(e.pd, memory, ENDS_MEMORY, BV_ACCESS_SHARED, &e.mr), 0);
	assert_int_equal(bv_channel_create(e.pd, &attr, &e.a), 0);
	assert_int_equal(bv_channel_create(e.pd, &attr, &e.b), 0);
	e.remote = bv_mr_remote(e.mr);
	ends_connect();
	return 0;
}

int ends_stop(void **state)
{
	(void)state;
	bv_channel_destroy(e.a);
	bv_channel_destroy(e.b);
	bv_mr_dereg(e.mr);
	bv_pd_free(e.pd);
	bv_close(e.dev);
	return 0;
}

int64_t write8(struct bv_channel *ch, unsigned from, unsigned to, unsigned flags)
{
	const struct bv_gather sg = bv_gather_unchecked(e.mr, memory + from, 8);
	struct bv_remote remote;
	int64_t work;

	assert_int_equal(bv_remote_slice(&e.remote, to, 8, &remote), 0);
	work = bv_post_write(ch, &sg, 1, &remote, flags);
	assert_true(work >= 0);
	return work;
}

int64_t bad_write(struct bv_channel *ch)
{
	const struct bv_gather sg = bv_gather_unchecked(e.mr, memory, 8);
	struct bv_remote remote = e.remote;

	remote.rkey ^= 0xffffff00;
	return bv_post_write(ch, &sg, 1, &remote, 0);
}

int64_t receive8(struct bv_channel *ch, unsigned at)
{
	const struct bv_scatter sg = bv_scatter_unchecked(e.mr, memory + at, 8);
	const int64_t work = bv_post_recv(ch, &sg, 1);

	assert_true(work >= 0);
	return work;
}
