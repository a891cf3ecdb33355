/* SPDX-License-Identifier: MIT */
/*
 * Registering memory, and what the texts of its failures offer.
 */
#include "fake.h"

#include <errno.h>
#include <sys/resource.h>

static uint8_t buffer[4096];

static struct bv_device *dev;
static struct bv_pd *pd;

static void open_pd(void)
{
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
}

static void close_pd(void)
{
	bv_pd_free(pd);
	bv_close(dev);
}

static void registers(void **state)
{
	struct bv_mr *mr;

	(void)state;
	open_pd();
	assert_ptr_equal(bv_pd_device(pd), dev);
	assert_int_equal(bv_mr_reg(pd, buffer, sizeof(buffer),
				   BV_ACCESS_SHARED | BV_ACCESS_RELAXED_ORDERING, &mr),
			 0);
	assert_int_equal(fake.reg_access, 0x100007);
	assert_ptr_equal(bv_mr_addr(mr), buffer);
	assert_int_equal(bv_mr_length(mr), sizeof(buffer));
	assert_int_equal(bv_mr_lkey(mr), 0x1234);
	assert_int_equal(bv_mr_rkey(mr), 0x5678);
	bv_mr_dereg(mr);
	bv_mr_dereg(NULL);
	/* 0 is a region to read from. */
	assert_int_equal(bv_mr_reg(pd, buffer, 1, 0, &mr), 0);
	assert_int_equal(fake.reg_access, 0);
	bv_mr_dereg(mr);
	close_pd();
}

static void bad_arguments(void **state)
{
	struct bv_mr *mr = NULL;
	void *const top = (void *)(UINTPTR_MAX - 7);

	(void)state;
	open_pd();
	assert_int_equal(bv_mr_reg(NULL, buffer, 1, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_reg(pd, buffer, 1, 0, NULL), -EINVAL);
	assert_int_equal(bv_mr_reg(pd, buffer, 0, 0, &mr), -EINVAL);
	assert_text("length is 0");
	assert_int_equal(bv_mr_reg(pd, top, 9, 0, &mr), -EINVAL);
	assert_text("past the end");
	assert_int_equal(bv_mr_reg(pd, buffer, SIZE_MAX, 0, &mr), -EINVAL);
	assert_int_equal(bv_mr_reg(pd, buffer, 1, 0x10, &mr), -EINVAL);
	assert_text("unknown flags 0x10");
	assert_int_equal(bv_mr_reg(pd, buffer, 1, 0x80000001u, &mr), -EINVAL);
	assert_int_equal(bv_mr_reg(pd, buffer, 1, BV_ACCESS_REMOTE_WRITE, &mr), -EINVAL);
	assert_text("BV_ACCESS_LOCAL_WRITE");
	assert_int_equal(bv_mr_reg(pd, buffer, 1, BV_ACCESS_REMOTE_ATOMIC, &mr), -EINVAL);
	assert_null(mr);
	assert_int_equal(bv_mr_reg(pd, top, 8, BV_ACCESS_REMOTE_READ, &mr), 0);
	bv_mr_dereg(mr);
	close_pd();
}

static void memlock_text(void **state)
{
	struct rlimit saved, low;
	struct bv_mr *mr;

	(void)state;
	open_pd();
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &saved), 0);
	low = (struct rlimit){ .rlim_cur = 65536, .rlim_max = saved.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	fake.reg_mr_errno = ENOMEM;
	assert_int_equal(bv_mr_reg(pd, buffer, (size_t)2 << 30, BV_ACCESS_LOCAL, &mr), -ENOMEM);
	assert_text("asked 2 GiB, limit 64 KiB, locked ");
	assert_text("ulimit -l unlimited");
	assert_text("LimitMEMLOCK=infinity");
	assert_text("--ulimit memlock=-1");
	/* Within the limit it is something else that ran out. */
	assert_int_equal(bv_mr_reg(pd, buffer, 100, BV_ACCESS_LOCAL, &mr), -ENOMEM);
	assert_text("asked 100 B");
	assert_text("rdma resource show mr");
	assert_text("vm.max_map_count");
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &saved), 0);
	close_pd();
}

static void driver_errors(void **state)
{
	static const struct {
		int error;
		unsigned int access;
		const char *text;
	} table[] = {
		{ EFAULT, 0, "not all mapped\n" },
		{ EFAULT, BV_ACCESS_LOCAL, "or not writable" },
		{ EINVAL, 0, "the driver rejects" },
		{ EOPNOTSUPP, BV_ACCESS_ON_DEMAND, "on-demand paging" },
		{ EOPNOTSUPP, BV_ACCESS_LOCAL, "does not offer access 0x1: leave the flag out" },
		{ EOPNOTSUPP, BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_ATOMIC, "atomics" },
		{ EAGAIN, 0, "memory keys" },
		{ EPERM, 0, "may lock no memory at all: raise the limit: `ulimit -l unlimited`" },
		{ EIO, 0, "Input/output error" },
	};
	struct bv_mr *mr = NULL;

	(void)state;
	open_pd();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake.reg_mr_errno = table[i].error;
		assert_int_equal(bv_mr_reg(pd, buffer, 9, table[i].access, &mr), -table[i].error);
		assert_int_equal(bv_last_error()->code, -table[i].error);
		assert_text(table[i].text);
		assert_text("mlx5_0: ");
	}
	fake.reg_mr_errno = 524;
	assert_int_equal(bv_mr_reg(pd, buffer, 9, 0, &mr), -EOPNOTSUPP);
	assert_text("DMA-BUF where that driver exports one");
	fake.reg_mr_errno = 0;
	fake.calloc_in = 1;
	assert_int_equal(bv_mr_reg(pd, buffer, 9, 0, &mr), -ENOMEM);
	assert_null(mr);
	close_pd();
}

static void pd_errors(void **state)
{
	(void)state;
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), 0);
	assert_int_equal(bv_pd_alloc(NULL, &pd), -EINVAL);
	assert_int_equal(bv_pd_alloc(dev, NULL), -EINVAL);
	fake.calloc_in = 1;
	assert_int_equal(bv_pd_alloc(dev, &pd), -ENOMEM);
	fake.alloc_pd_errno = EMFILE;
	assert_int_equal(bv_pd_alloc(dev, &pd), -EMFILE);
	assert_text("protection domain");
	bv_pd_free(NULL);
	bv_close(dev);
}

static void teardown_failures_are_told(void **state)
{
	struct bv_mr *mr;

	(void)state;
	open_pd();
	assert_int_equal(bv_mr_reg(pd, buffer, 9, 0, &mr), 0);
	fake.destroy_errno = EBUSY;
	bv_mr_dereg(mr);
	assert_int_equal(bv_last_error()->code, -EBUSY);
	assert_text("could not deregister 9 bytes");
	bv_pd_free(pd);
	assert_text("could not free a protection domain");
	bv_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(registers),    fake_test(bad_arguments),
		fake_test(memlock_text), fake_test(driver_errors),
		fake_test(pd_errors),    fake_test(teardown_failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
