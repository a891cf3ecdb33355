/* SPDX-License-Identifier: MIT */
/*
 * Handles released in every order: the objects underneath always go queue pair, regions, pd, device.
 */
#include "fake.h"

#include <pthread.h>

#include "core/refcount.h"

enum handle { DEVICE, PD, MR, CHANNEL, HANDLES };

static uint8_t buffer[64];

struct handles {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
};

static void release(struct handles *h, enum handle which)
{
	switch (which) {
	case DEVICE:
		bv_close(h->dev);
		break;
	case PD:
		bv_pd_free(h->pd);
		break;
	case MR:
		bv_mr_dereg(h->mr);
		break;
	default:
		bv_channel_destroy(h->ch);
		break;
	}
}

static void in_order(const enum handle order[HANDLES])
{
	struct handles h;
	const char *d, *p;

	fake_reset(NULL);
	h.ch = fake_channel(NULL, &h.dev, &h.pd);
	assert_int_equal(bv_mr_reg(h.pd, buffer, sizeof(buffer), 0, &h.mr), 0);
	memset(fake.order, 0, sizeof(fake.order));
	for (int i = 0; i < HANDLES; i++)
		release(&h, order[i]);
	assert_int_equal(strlen(fake.order), 4);
	d = strchr(fake.order, 'D');
	p = strchr(fake.order, 'P');
	assert_ptr_equal(d, fake.order + 3);
	assert_ptr_equal(p, fake.order + 2);
	fake_check(NULL);
}

static void every_order(void **state)
{
	int orders = 0;

	(void)state;
	for (int code = 0; code < 256; code++) {
		const enum handle order[HANDLES] = { code & 3, code >> 2 & 3, code >> 4 & 3,
						     code >> 6 & 3 };
		unsigned int seen = 0;

		for (int i = 0; i < HANDLES; i++)
			seen |= 1u << order[i];
		if (seen != 15)
			continue;
		in_order(order);
		orders++;
	}
	assert_int_equal(orders, 24);
}

#define ROUNDS 20000

/* A parent's handle is released here while the children come and go there. */
static void *get_and_put(void *arg)
{
	struct bvi_refcount *ref = arg;

	for (int i = 0; i < ROUNDS; i++) {
		bvi_ref_get(ref);
		if (bvi_ref_put(ref))
			return "the last reference went early";
	}
	return bvi_ref_put(ref) ? "last" : NULL;
}

static void from_two_threads(void **state)
{
	struct bvi_refcount ref;
	pthread_t thread;
	void *there, *here;

	(void)state;
	bvi_ref_init(&ref);
	bvi_ref_get(&ref);
	assert_int_equal(pthread_create(&thread, NULL, get_and_put, &ref), 0);
	here = get_and_put(&ref);
	assert_int_equal(pthread_join(thread, &there), 0);
	/* Exactly one of the two dropped the last one. */
	assert_true((here == NULL) != (there == NULL));
	assert_string_equal(here ? here : there, "last");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(every_order),
		fake_test(from_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
