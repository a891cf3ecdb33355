/* SPDX-License-Identifier: MIT */
/*
 * Elements of lists, ranges of regions, slices of remote regions: every bound and every overflow.
 */
#include "fake.h"

#include <errno.h>

static uint8_t buffer[64];

static const struct bv_mr *mr(void)
{
	static struct bv_mr region;

	region.addr = (uintptr_t)buffer;
	region.length = sizeof(buffer);
	region.lkey = 11;
	region.rkey = 22;
	return &region;
}

static void encloses(void **state)
{
	const struct bv_mr whole = { .addr = 0, .length = UINT64_MAX };
	const struct bv_mr top = { .addr = UINT64_MAX - 15, .length = 16 };

	(void)state;
	assert_true(bv_mr_encloses(mr(), buffer, 64));
	assert_true(bv_mr_encloses(mr(), buffer + 63, 1));
	assert_true(bv_mr_encloses(mr(), buffer, 0));
	assert_true(bv_mr_encloses(mr(), buffer + 64, 0));
	assert_false(bv_mr_encloses(mr(), buffer + 64, 1));
	assert_false(bv_mr_encloses(mr(), buffer, 65));
	assert_false(bv_mr_encloses(mr(), buffer + 1, 64));
	assert_false(bv_mr_encloses(mr(), (void *)((uintptr_t)buffer - 1), 0));
	assert_false(bv_mr_encloses(mr(), (void *)((uintptr_t)buffer + 65), 0));
	assert_false(bv_mr_encloses(mr(), buffer + 1, SIZE_MAX));
	assert_false(bv_mr_encloses(mr(), (void *)((uintptr_t)buffer - 1), SIZE_MAX));
	assert_true(bv_mr_encloses(&whole, (void *)16, UINT64_MAX - 16));
	assert_false(bv_mr_encloses(&whole, (void *)16, UINT64_MAX - 15));
	assert_true(bv_mr_encloses(&top, (void *)(UINTPTR_MAX - 15), 16));
	assert_false(bv_mr_encloses(&top, (void *)8, 1));
}

static void accessors(void **state)
{
	(void)state;
	assert_ptr_equal(bv_mr_addr(mr()), buffer);
	assert_int_equal(bv_mr_length(mr()), 64);
	assert_int_equal(bv_mr_lkey(mr()), 11);
	assert_int_equal(bv_mr_rkey(mr()), 22);
}

static void checked(void **state)
{
	struct bv_gather gather = { .addr = 99 };
	struct bv_scatter scatter = { .addr = 99 };
	const size_t too_long = (size_t)UINT32_MAX + 1;

	(void)state;
	/* The length comes first, then the bounds. */
	assert_int_equal(bv_gather_checked(mr(), buffer, too_long, &gather), -EMSGSIZE);
	assert_int_equal(bv_scatter_checked(mr(), buffer, too_long, &scatter), -EMSGSIZE);
	assert_int_equal(bv_gather_checked(mr(), buffer, UINT32_MAX, &gather), -ERANGE);
	assert_int_equal(bv_scatter_checked(mr(), buffer + 1, 64, &scatter), -ERANGE);
	assert_int_equal(gather.addr, 99);
	assert_int_equal(scatter.addr, 99);
	assert_int_equal(bv_gather_checked(mr(), buffer + 8, 56, &gather), 0);
	assert_int_equal(bv_scatter_checked(mr(), buffer + 8, 56, &scatter), 0);
	assert_int_equal(gather.addr, (uintptr_t)buffer + 8);
	assert_int_equal(gather.length, 56);
	assert_int_equal(gather.lkey, 11);
	assert_memory_equal(&gather, &scatter, sizeof(gather));
}

static void unchecked_and_plain(void **state)
{
	const struct bv_gather cut = bv_gather_unchecked(mr(), buffer, (size_t)UINT32_MAX + 6);
	const struct bv_scatter out = bv_scatter_unchecked(mr(), buffer + 64, 9);
	const struct bv_gather *list =
		bv_gather_list(bvi_gather(mr(), buffer, 4), bv_gather(mr(), buffer + 4, 60));

	(void)state;
	assert_int_equal(cut.length, 5);
	assert_int_equal(out.addr, (uintptr_t)buffer + 64);
	assert_int_equal(out.length, 9);
	assert_int_equal(list[0].length, 4);
	assert_int_equal(list[1].addr, (uintptr_t)buffer + 4);
	assert_int_equal((&bv_scatter(mr(), buffer, 64))->length, 64);
}

static const struct bv_remote remote = { .addr = 0x1000, .length = 64, .rkey = 5 };

static void slices(void **state)
{
	const struct bv_remote top = { .addr = UINT64_MAX - 7, .length = UINT64_MAX, .rkey = 5 };
	struct bv_remote out = { .addr = 99 };

	(void)state;
	assert_int_equal(bv_remote_slice(&remote, 0, 65, &out), -ERANGE);
	assert_int_equal(bv_remote_slice(&remote, 65, 0, &out), -ERANGE);
	assert_int_equal(bv_remote_slice(&remote, 1, 64, &out), -ERANGE);
	assert_int_equal(bv_remote_slice(&remote, 1, UINT64_MAX, &out), -ERANGE);
	assert_int_equal(bv_remote_slice(&remote, UINT64_MAX, 1, &out), -ERANGE);
	assert_int_equal(bv_remote_slice(&top, 8, 1, &out), -ERANGE);
	assert_int_equal(bv_remote_sub(&remote, 65, &out), -ERANGE);
	assert_int_equal(bv_remote_sub(&top, 8, &out), -ERANGE);
	assert_int_equal(out.addr, 99);
	assert_int_equal(bv_remote_slice(&remote, 8, 16, &out), 0);
	assert_int_equal(out.addr, 0x1008);
	assert_int_equal(out.length, 16);
	assert_int_equal(out.rkey, 5);
	assert_int_equal(bv_remote_sub(&remote, 64, &out), 0);
	assert_int_equal(out.addr, 0x1040);
	assert_int_equal(out.length, 0);
	out = remote;
	assert_int_equal(bv_remote_sub(&out, 60, &out), 0);
	assert_int_equal(bv_remote_sub(&out, 4, &out), 0);
	assert_int_equal(out.addr, 0x1040);
	out = bv_remote_sub_unchecked(&remote, 65);
	assert_int_equal(out.addr, 0x1041);
	assert_int_equal(out.length, UINT64_MAX);
}

struct record {
	uint32_t head;
	uint64_t body[2];
	uint8_t tail;
};

static void typed(void **state)
{
	struct bv_remote out = { .addr = 99 };
	const uint64_t wraps = UINT64_MAX / sizeof(uint64_t) + 2; /* times 8 is 8 again */

	(void)state;
	assert_int_equal(sizeof(struct record), 32);
	/* The whole element must fit, not only its start. */
	assert_int_equal(bv_remote_array_element(&remote, uint64_t, 8, &out), -ERANGE);
	assert_int_equal(bv_remote_array_element(&remote, uint64_t, wraps, &out), -ERANGE);
	assert_int_equal(bv_remote_array_element(&remote, uint64_t, UINT64_MAX, &out), -ERANGE);
	assert_int_equal(bv_remote_array_field(&remote, struct record, 2, head, &out), -ERANGE);
	assert_int_equal(bv_remote_array_field(&remote, struct record, UINT64_MAX, tail, &out),
			 -ERANGE);
	assert_int_equal(out.addr, 99);
	assert_int_equal(bv_remote_array_element(&remote, uint64_t, 7, &out), 0);
	assert_int_equal(out.addr, 0x1038);
	assert_int_equal(out.length, 8);
	assert_int_equal(bv_remote_struct_field(&remote, struct record, body, &out), 0);
	assert_int_equal(out.addr, 0x1008);
	assert_int_equal(out.length, 16);
	assert_int_equal(bv_remote_array_field(&remote, struct record, 1, tail, &out), 0);
	assert_int_equal(out.addr, 0x1038);
	assert_int_equal(out.length, 1);
	out = (struct bv_remote){ .addr = 0, .length = 23 };
	assert_int_equal(bv_remote_struct_field(&out, struct record, body, &out), -ERANGE);
}

static void typed_unchecked(void **state)
{
	struct bv_remote out;

	(void)state;
	out = bv_remote_array_element_unchecked(&remote, uint64_t, 8);
	assert_int_equal(out.addr, 0x1040);
	assert_int_equal(out.length, 8);
	out = bv_remote_struct_field_unchecked(&remote, struct record, tail);
	assert_int_equal(out.addr, 0x1018);
	assert_int_equal(out.length, 1);
	out = bv_remote_array_field_unchecked(&remote, struct record, 3, body);
	assert_int_equal(out.addr, 0x1068);
	assert_int_equal(out.length, 16);
	assert_int_equal(out.rkey, 5);
}

static void whole_region(void **state)
{
	const struct bv_remote whole = bv_mr_remote(mr());

	(void)state;
	assert_int_equal(whole.addr, (uintptr_t)buffer);
	assert_int_equal(whole.length, 64);
	assert_int_equal(whole.rkey, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(encloses),        fake_test(accessors),           fake_test(checked),
		fake_test(slices),          fake_test(unchecked_and_plain), fake_test(typed),
		fake_test(typed_unchecked), fake_test(whole_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
