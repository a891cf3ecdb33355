/* SPDX-License-Identifier: MIT */
/* Device memory: how much there is, what keeps it, and that the program and the device see the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <infiniband/verbs.h>

static struct ibv_context *ctx;
static size_t most;

static int set_up(void **state)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_device_attr_ex attr;

	(void)state;
	assert_non_null(list);
	assert_non_null(list[0]);
	ctx = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	assert_non_null(ctx);
	assert_int_equal(ibv_query_device_ex(ctx, NULL, &attr), 0);
	most = attr.max_dm_size;
	assert_true(most >= 65536);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return ibv_close_device(ctx);
}

static struct ibv_dm *alloc(size_t length)
{
	struct ibv_alloc_dm_attr attr = { .length = length };

	return ibv_alloc_dm(ctx, &attr);
}

static void test_space(void **state)
{
	struct ibv_dm *half, *rest;

	(void)state;
	assert_null(alloc(most + 1));
	assert_null(alloc(0));
	half = alloc(most / 2 + 1);
	assert_non_null(half);
	assert_null(alloc(most / 2));
	rest = alloc(most / 2 - 4096);
	assert_non_null(rest);
	assert_int_equal(ibv_free_dm(half), 0);
	half = alloc(most / 2);
	assert_non_null(half);
	assert_int_equal(ibv_free_dm(half), 0);
	assert_int_equal(ibv_free_dm(rest), 0);
}

static void test_region(void **state)
{
	const unsigned access = IBV_ACCESS_ZERO_BASED | IBV_ACCESS_LOCAL_WRITE;
	struct ibv_pd *pd = ibv_alloc_pd(ctx);
	struct ibv_dm *dm = alloc(8192);
	char in[64] = "device memory", out[64];
	struct ibv_mr *mr;

	(void)state;
	assert_non_null(pd);
	assert_non_null(dm);
	assert_int_equal(ibv_memcpy_to_dm(dm, 4100, in, sizeof(in)), 0);
	assert_int_equal(ibv_memcpy_from_dm(out, dm, 4100, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_null(ibv_reg_dm_mr(pd, dm, 8000, 193, access));
	assert_null(ibv_reg_dm_mr(pd, dm, 0, 64, IBV_ACCESS_LOCAL_WRITE));
	mr = ibv_reg_dm_mr(pd, dm, 8192, 0,
			   access); /* as the kernel has it, nothing is a region, too */
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_dm_mr(pd, dm, 4096, 4096, access);
	assert_non_null(mr);
	assert_int_equal(ibv_free_dm(dm), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_free_dm(dm), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_space, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_region, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
