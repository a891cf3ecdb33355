/* SPDX-License-Identifier: MIT */
/*
 * Handles: released in any order, and several providers open at once.
 */
#include "link.h"

#include <pthread.h>
#include <string.h>

#include "pause.h"

enum part {
	PART_CHANNEL,
	PART_MR,
	PART_PD,
	PART_DEVICE,
	PARTS,
};

struct set {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
};

static uint8_t memory[4096];

static void make(struct set *set, const char *provider)
{
	const struct bv_open_opts opts = { .provider = provider };
	const struct bv_channel_attr attr = link_attr();
	struct bv_endpoint ep;

	assert_int_equal(bv_open(options.device, &opts, &set->dev), 0);
	assert_string_equal(bv_device_provider(set->dev), provider);
	assert_int_equal(bv_pd_alloc(set->dev, &set->pd), 0);
	assert_ptr_equal(bv_pd_device(set->pd), set->dev);
	assert_int_equal(bv_mr_reg(set->pd, memory, sizeof(memory), BV_ACCESS_SHARED, &set->mr), 0);
	assert_int_equal(bv_channel_create(set->pd, &attr, &set->ch), 0);
	assert_int_equal(bv_channel_endpoint(set->ch, &ep), 0);
	assert_int_equal(bv_channel_connect(set->ch, &ep), 0);
}

static void release(struct set *set, enum part part)
{
	switch (part) {
	case PART_CHANNEL:
		bv_channel_destroy(set->ch);
		break;
	case PART_MR:
		bv_mr_dereg(set->mr);
		break;
	case PART_PD:
		bv_pd_free(set->pd);
		break;
	default:
		bv_close(set->dev);
		break;
	}
}

/* Copies 16 bytes from the start of the memory to its middle, and reaps if told to. */
static void use(const struct set *set, bool reap)
{
	struct bv_remote remote;
	struct bv_wc wc;
	int n;

	assert_int_equal(bv_remote_slice(&(struct bv_remote){ (uintptr_t)memory,
							      bv_mr_rkey(set->mr), sizeof(memory) },
					 2048, 16, &remote),
			 0);
	memset(memory, 0x5a, 16);
	memset(memory + 2048, 0, 16);
	assert_true(bv_post_write(set->ch, &bv_gather(set->mr, memory, 16), 1, &remote, 0) >= 0);
	if (!reap)
		return;
	while ((n = bv_poll(set->ch, &wc, 1)) == 0)
		pause_once();
	assert_int_equal(n, 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_memory_equal(memory, memory + 2048, 16);
}

/* Order number @n of the PARTS! orders. */
static void order(unsigned n, enum part out[PARTS])
{
	bool used[PARTS] = { false };

	for (unsigned i = 0; i < PARTS; i++) {
		unsigned k = n % (PARTS - i), part = 0;

		n /= PARTS - i;
		while (used[part] || k-- > 0)
			part++;
		used[part] = true;
		out[i] = (enum part)part;
	}
}

/* The channel works until it goes itself, whichever of its parents' handles went before. */
static void any_order(void **state)
{
	enum part parts[PARTS];
	struct set set;

	(void)state;
	for (unsigned n = 0; n < 24; n++) {
		bool usable = true;

		order(n, parts);
		make(&set, options.provider);
		for (unsigned i = 0; i < PARTS; i++) {
			if (usable)
				use(&set, true);
			release(&set, parts[i]);
			if (parts[i] == PART_CHANNEL || parts[i] == PART_MR)
				usable = false;
		}
	}
}

/* Works that are outstanding end with their channel; the memory may go after it. */
static void destroy_with_work_outstanding(void **state)
{
	struct set set;

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		make(&set, options.provider);
		for (unsigned i = 0; i < 8; i++) {
			assert_true(bv_post_recv(set.ch, &bv_scatter(set.mr, memory, 8), 1) >= 0);
			use(&set, false);
		}
		release(&set, PART_CHANNEL);
		release(&set, PART_MR);
		memset(memory, 0, sizeof(memory));
		release(&set, PART_PD);
		release(&set, PART_DEVICE);
	}
}

static void null_is_fine(void **state)
{
	(void)state;
	bv_channel_destroy(NULL);
	bv_mr_dereg(NULL);
	bv_pd_free(NULL);
	bv_close(NULL);
	bv_device_list_free(NULL);
}

static void many_times(void **state)
{
	const unsigned rounds = options.reduced ? 20 : 200;
	struct set set;

	(void)state;
	for (unsigned n = 0; n < rounds; n++) {
		make(&set, options.provider);
		use(&set, true);
		for (enum part part = PART_CHANNEL; part < PARTS; part++)
			release(&set, part);
	}
}

static void both_providers_at_once(void **state)
{
	struct bv_device_info *list;
	struct set set[8];
	unsigned n = 0;

	(void)state;
	assert_true(bv_device_list(&list) > 0);
	for (uint32_t i = 0; i < list[0].nproviders; i++)
		if (list[0].providers[i].score > 0)
			make(&set[n++], list[0].providers[i].name);
	bv_device_list_free(list);
	for (unsigned round = 0; round < 100; round++)
		use(&set[round % n], true);
	for (unsigned i = 0; i < n; i++)
		for (enum part part = PART_CHANNEL; part < PARTS; part++)
			release(&set[i], part);
	if (n < 2) {
		skip_because("one provider can drive this device");
	}
}

/* One of several threads on one pd: regions and channels come and go. NULL, or what failed. */
static void *come_and_go(void *argument)
{
	const struct bv_channel_attr attr = link_attr();
	struct bv_pd *pd = argument;
	static _Thread_local uint8_t own[64];

	for (unsigned round = 0; round < 20; round++) {
		struct bv_channel *ch;
		struct bv_endpoint ep;
		struct bv_remote remote;
		struct bv_mr *mr;
		struct bv_wc wc;
		int n;

		if (bv_mr_reg(pd, own, sizeof(own), BV_ACCESS_SHARED, &mr) < 0)
			return "bv_mr_reg";
		if (bv_channel_create(pd, &attr, &ch) < 0)
			return "bv_channel_create";
		if (bv_channel_endpoint(ch, &ep) < 0 || bv_channel_connect(ch, &ep) < 0)
			return "bv_channel_connect";
		own[0] = (uint8_t)(round + 1);
		if (bv_remote_sub(&(struct bv_remote){ (uintptr_t)own, bv_mr_rkey(mr),
						       sizeof(own) },
				  32, &remote) < 0 ||
		    bv_post_write(ch, &bv_gather(mr, own, 1), 1, &remote, 0) < 0)
			return "bv_post_write";
		while ((n = bv_poll(ch, &wc, 1)) == 0)
			pause_once();
		if (n != 1 || wc.status != BV_STATUS_SUCCESS || own[32] != own[0])
			return "the write";
		bv_channel_destroy(ch);
		bv_mr_dereg(mr);
	}
	return NULL;
}

static void several_threads(void **state)
{
	pthread_t threads[4];
	struct set set;

	(void)state;
	make(&set, options.provider);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, set.pd), 0);
	for (unsigned i = 0; i < 4; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		if (failed)
			fail_msg("thread %u: %s", i, (const char *)failed);
	}
	for (enum part part = PART_CHANNEL; part < PARTS; part++)
		release(&set, part);
}

static const struct test tests[] = {
	CONFORM(any_order, "16. B9 B12 24 orders, in use until the channel goes"),
	CONFORM(destroy_with_work_outstanding, "B7 buffers come back with the channel"),
	CONFORM(null_is_fine, "NULL is released without harm"),
	CONFORM(many_times, "nothing is used up: opened and closed again and again"),
	CONFORM(several_threads, "all but a channel may be shared between threads"),
	CONFORM(both_providers_at_once, "both providers in one process"),
};

GROUP(lifetime, tests);
