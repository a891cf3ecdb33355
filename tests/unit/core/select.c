/* SPDX-License-Identifier: MIT */
/*
 * Opening: which device, which provider, and what the texts offer instead.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>

static int open_as(const char *name, const char *provider, const char *expected)
{
	const struct bv_open_opts opts = { .provider = provider };
	struct bv_device *dev = NULL;
	const int rc = bv_open(name, provider ? &opts : NULL, &dev);

	if (rc < 0) {
		assert_null(dev);
		assert_int_equal(bv_last_error()->code, rc);
		return rc;
	}
	assert_string_equal(bv_device_provider(dev), expected);
	assert_string_equal(bv_device_name(dev), name);
	bv_close(dev);
	return rc;
}

static void best_score(void **state)
{
	(void)state;
	assert_int_equal(open_as("mlx5_0", NULL, "fast"), 0);
	fake.score[0] = 10;
	assert_int_equal(open_as("mlx5_0", NULL, "slow"), 0); /* the first of equals */
	fake.score[0] = -ENODEV;
	assert_int_equal(open_as("mlx5_0", NULL, "slow"), 0);
}

static void argument_then_environment(void **state)
{
	(void)state;
	setenv("BV_PROVIDER", "slow", 1);
	assert_int_equal(open_as("mlx5_0", NULL, "slow"), 0);
	assert_int_equal(open_as("mlx5_0", "fast", "fast"), 0);
	setenv("BV_PROVIDER", "", 1);
	assert_int_equal(open_as("mlx5_0", NULL, "fast"), 0);
	setenv("BV_PROVIDER", "none", 1);
	assert_int_equal(open_as("mlx5_0", "slow", "slow"), 0);
	assert_int_equal(open_as("mlx5_0", NULL, NULL), -ENOENT);
	assert_text("BV_PROVIDER");
}

static void unknown(void **state)
{
	(void)state;
	fake.score[0] = -ENODEV;
	assert_int_equal(open_as("mlx5_0", "mlx6", NULL), -ENOENT);
	assert_text("mlx5_0: no provider \"mlx6\" (asked for)");
	assert_text("possible: slow (score 10)");
	assert_text("not possible: fast (no such hardware");
	assert_int_equal(open_as("mlx5_0", "", NULL), -ENOENT);
}

static void impossible(void **state)
{
	(void)state;
	fake.score[0] = -ENODEV;
	assert_int_equal(open_as("mlx5_0", "fast", NULL), -EOPNOTSUPP);
	assert_text("provider \"fast\" (asked for) cannot drive it: no such hardware");
	assert_text("possible: slow (score 10)");
	fake.score[1] = 0;
	assert_int_equal(open_as("mlx5_0", "fast", NULL), -EOPNOTSUPP);
	assert_text("possible: none");
	assert_int_equal(open_as("mlx5_0", NULL, NULL), -EOPNOTSUPP);
	assert_text("slow (no such hardware (0)), fast (no such hardware");
}

static void names(void **state)
{
	struct bv_device *dev = NULL;

	(void)state;
	assert_int_equal(open_as("mlx5", NULL, NULL), -ENOENT);
	assert_text("no RDMA device \"mlx5\"; there are: mlx5_0, ib0, rxe0");
	assert_int_equal(open_as("", NULL, NULL), -ENOENT);
	assert_int_equal(bv_open(NULL, NULL, &dev), -ENOTUNIQ);
	assert_text("mlx5_0, ib0, rxe0");
	assert_null(dev);
	fake.ndevices = 1;
	assert_int_equal(bv_open(NULL, NULL, &dev), 0);
	assert_string_equal(bv_device_name(dev), "mlx5_0");
	bv_close(dev);
	assert_int_equal(bv_open("mlx5_0", NULL, NULL), -EINVAL);
	bv_close(NULL);
}

static void no_device(void **state)
{
	struct bv_device *dev;

	(void)state;
	fake.ndevices = 0;
	assert_int_equal(bv_open(NULL, NULL, &dev), -ENODEV);
	assert_int_equal(bv_open("mlx5_0", NULL, &dev), -ENODEV);
	fake.list_errno = ENOSYS; /* no ib_uverbs in the kernel */
	assert_int_equal(bv_open(NULL, NULL, &dev), -ENODEV);
	fake.list_errno = EMFILE;
	assert_int_equal(bv_open(NULL, NULL, &dev), -EMFILE);
	assert_text("could not list");
}

static void cannot_be_opened(void **state)
{
	static const struct {
		int error;
		const char *advice;
	} table[] = {
		{ EACCES, "/dev/infiniband" },
		{ EPERM, "device cgroup" },
		{ ENOENT, "ib_uverbs" },
		{ ENODEV, "missing" },
		{ EMFILE, "ulimit -n" },
		{ ENOMEM, "rdma resource" },
		{ EBUSY, "dmesg" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fake.open_errno = table[i].error;
		assert_int_equal(open_as("mlx5_0", NULL, NULL), -table[i].error);
		assert_text("mlx5_0 could not be opened");
		assert_text(table[i].advice);
	}
	fake.open_errno = 0;
	fake.provider_open_rc = -EPROTONOSUPPORT;
	assert_int_equal(open_as("mlx5_0", NULL, NULL), -EPROTONOSUPPORT);
	assert_text("provider fast could not open it");
	fake.provider_open_rc = 0;
	fake.query_device_errno = EIO;
	assert_int_equal(open_as("mlx5_0", NULL, NULL), -EIO);
	fake.query_device_errno = 0;
	fake.calloc_in = 1;
	assert_int_equal(open_as("mlx5_0", NULL, NULL), -ENOMEM);
}

/* The same device, with two providers at once. */
static void both_at_once(void **state)
{
	struct bv_device *a, *b;

	(void)state;
	assert_int_equal(bv_open("mlx5_0", &(struct bv_open_opts){ .provider = "slow" }, &a), 0);
	assert_int_equal(bv_open("mlx5_0", &(struct bv_open_opts){ .provider = "fast" }, &b), 0);
	assert_string_equal(bv_device_provider(a), "slow");
	assert_string_equal(bv_device_provider(b), "fast");
	assert_int_equal(fake.contexts, 2);
	bv_close(a);
	bv_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(best_score),   fake_test(argument_then_environment),
		fake_test(unknown),      fake_test(impossible),
		fake_test(names),        fake_test(no_device),
		fake_test(both_at_once), fake_test(cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
