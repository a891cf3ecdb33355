/* SPDX-License-Identifier: MIT */
/*
 * Opening a device, in four machines: without one, with one, with two, and with its port down. The
 * argument says which machine this is; ctest makes them. "one" and "down" are about the first device that can
 * be used, whatever else there is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bareverbs/bareverbs.h>

enum {
	EXIT_SKIP = 77,
};

static struct bv_device *const untouched = (struct bv_device *)(uintptr_t)0x5a5a;

static void expect_word(const char *word)
{
	const char *text = bv_last_error()->text;

	if (!strcasestr(text, word))
		fail_msg("\"%s\" says nothing of \"%s\"", text, word);
}

/* Opening fails with @rc, and writes nothing. */
static void expect_refused(const char *name, const char *provider, int rc)
{
	const struct bv_open_opts opts = { .provider = provider };
	struct bv_device *dev = untouched;

	assert_int_equal(bv_open(name, &opts, &dev), rc);
	assert_ptr_equal(dev, untouched);
	assert_int_equal(bv_last_error()->code, rc);
}

static void expect_opened(const char *name, const char *provider, const char *gives)
{
	const struct bv_open_opts opts = { .provider = provider };
	struct bv_device *dev;

	assert_int_equal(bv_open(name, provider ? &opts : NULL, &dev), 0);
	assert_string_equal(bv_device_provider(dev), gives);
	bv_close(dev);
}

static void no_device(void **state)
{
	struct bv_device_info *list = (void *)(uintptr_t)0x5a5a;

	(void)state;
	assert_int_equal(bv_device_list(&list), 0);
	assert_null(list);
	expect_refused(NULL, NULL, -ENODEV);
	expect_word("no RDMA device");
	expect_refused("mlx5_0", NULL, -ENODEV);
	expect_refused("mlx5_0", "verbs", -ENODEV);
	assert_int_equal(bv_error_kind(-ENODEV), BV_ERROR_NOT_FOUND);
}

/* The first device that can be used, where a machine has more; and its best provider. */
static char device[64];
static char best[16];

static int choose_device(void **state)
{
	struct bv_device_info *list = NULL;
	const int n = bv_device_list(&list);
	int score = 0;

	(void)state;
	for (int d = 0; d < n && score == 0; d++) {
		snprintf(device, sizeof(device), "%s", list[d].name);
		for (uint32_t i = 0; i < list[d].nproviders; i++) {
			assert_true(strlen(list[d].providers[i].why) > 0);
			if (list[d].providers[i].score > score) {
				score = list[d].providers[i].score;
				snprintf(best, sizeof(best), "%s", list[d].providers[i].name);
			}
		}
	}
	bv_device_list_free(list);
	return score > 0 ? 0 : -1;
}

static int device_count(void)
{
	struct bv_device_info *list;
	const int n = bv_device_list(&list);

	if (n > 0)
		bv_device_list_free(list);
	return n;
}

static void wrong_name(void **state)
{
	static const char *const wrong[] = { "mlx5", "mlx5_00", "MLX5_0", "", "mlx5_0 " };

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refused(wrong[i], NULL, -ENOENT);
		expect_word(wrong[i]);
		expect_word(device);
	}
	expect_opened(device, NULL, best);
	if (device_count() == 1)
		expect_opened(NULL, NULL, best);
}

static void wrong_provider(void **state)
{
	static const char *const wrong[] = { "mlx4", "Verbs", "verbs ", "" };

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refused(device, wrong[i], -ENOENT);
		expect_word("verbs");
		expect_word("mlx5");
	}
}

static bool drives(const char *provider)
{
	struct bv_device_info *list = NULL;
	const int n = bv_device_list(&list);
	bool can = false;

	for (int d = 0; d < n; d++)
		for (uint32_t i = 0; i < list[d].nproviders; i++)
			can |= strcmp(list[d].name, device) == 0 &&
			       strcmp(list[d].providers[i].name, provider) == 0 &&
			       list[d].providers[i].score > 0;
	bv_device_list_free(list);
	return can;
}

static void environment(void **state)
{
	(void)state;
	setenv("BV_PROVIDER", "nonsense", 1);
	expect_refused(device, NULL, -ENOENT);
	expect_word("BV_PROVIDER");
	expect_word("nonsense");
	expect_word("verbs");
	/* The argument wins. */
	expect_opened(device, "verbs", "verbs");
	setenv("BV_PROVIDER", "verbs", 1);
	expect_opened(device, NULL, "verbs");
	if (drives("mlx5"))
		expect_opened(device, "mlx5", "mlx5");
	setenv("BV_PROVIDER", "", 1);
	expect_opened(device, NULL, best);
	unsetenv("BV_PROVIDER");
	expect_opened(device, NULL, best);
}

/* How a channel of provider verbs posts: 1 as @words say, 0 otherwise; or -errno. */
static int calls_of(struct bv_pd *pd, const char *words)
{
	struct bv_channel_info info;
	struct bv_channel *ch;
	int rc = bv_channel_create(pd, NULL, &ch);

	if (rc < 0)
		return rc;
	bv_channel_query(ch, &info);
	rc = strstr(info.data_path, words) != NULL;
	bv_channel_destroy(ch);
	return rc;
}

/* Soft-RoCE has no thread domains, and its extended completion queues are not used. */
static void skip_if_classic(struct bv_device *dev, struct bv_pd *pd)
{
	if (calls_of(pd, "ibv_post_send") != 1)
		return;
	bv_pd_free(pd);
	bv_close(dev);
	print_message("skipped: this driver can be used the classic way alone\n");
	skip();
}

/* Which of the two ways provider verbs uses libibverbs, and by whose will. */
static void verbs_calls(void **state)
{
	const struct bv_open_opts opts = { .provider = "verbs" };
	struct bv_device *dev;
	struct bv_pd *pd;

	(void)state;
	assert_int_equal(bv_open(device, &opts, &dev), 0);
	assert_int_equal(bv_pd_alloc(dev, &pd), 0);
	skip_if_classic(dev, pd);
	assert_int_equal(calls_of(pd, "ibv_wr_*"), 1);
	setenv("BV_VERBS_CALLS", "classic", 1);
	assert_int_equal(calls_of(pd, "ibv_post_send"), 1);
	setenv("BV_VERBS_CALLS", "extended", 1);
	assert_int_equal(calls_of(pd, "ibv_wr_*"), 1);
	setenv("BV_VERBS_CALLS", "ibv", 1);
	assert_int_equal(calls_of(pd, ""), -EINVAL);
	expect_word("BV_VERBS_CALLS");
	expect_word("'ibv'");
	setenv("BV_VERBS_CALLS", "", 1);
	assert_int_equal(calls_of(pd, "ibv_wr_*"), 1);
	unsetenv("BV_VERBS_CALLS");
	bv_pd_free(pd);
	bv_close(dev);
}

static void two_devices(void **state)
{
	struct bv_device_info *list;

	(void)state;
	assert_int_equal(bv_device_list(&list), 2);
	assert_string_not_equal(list[0].name, list[1].name);
	assert_true(list[0].guid != list[1].guid);
	expect_refused(NULL, NULL, -ENOTUNIQ);
	expect_word(list[0].name);
	expect_word(list[1].name);
	for (unsigned i = 0; i < 2; i++)
		expect_opened(list[i].name, "verbs", "verbs");
	bv_device_list_free(list);
}

struct half {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
	struct bv_endpoint ep;
	uint8_t memory[64];
};

static void open_half(struct half *half, const char *name, const char *provider)
{
	const struct bv_open_opts opts = { .provider = provider };

	assert_int_equal(bv_open(name, &opts, &half->dev), 0);
	assert_string_equal(bv_device_name(half->dev), name);
	assert_int_equal(bv_pd_alloc(half->dev, &half->pd), 0);
	assert_int_equal(bv_mr_reg(half->pd, half->memory, sizeof(half->memory), BV_ACCESS_SHARED,
				   &half->mr),
			 0);
	assert_int_equal(bv_channel_create(half->pd, NULL, &half->ch), 0);
	assert_int_equal(bv_channel_endpoint(half->ch, &half->ep), 0);
}

static void close_half(struct half *half)
{
	bv_channel_destroy(half->ch);
	bv_mr_dereg(half->mr);
	bv_pd_free(half->pd);
	bv_close(half->dev);
}

/* From one device to the other, with a provider each. */
static void between_devices(void **state)
{
	struct bv_device_info *list;
	struct bv_remote remote;
	static struct half a, b;

	(void)state;
	assert_int_equal(bv_device_list(&list), 2);
	open_half(&a, list[0].name, "mlx5");
	open_half(&b, list[1].name, "verbs");
	bv_device_list_free(list);
	assert_int_equal(bv_channel_connect(a.ch, &b.ep), 0);
	assert_int_equal(bv_channel_connect(b.ch, &a.ep), 0);
	memset(a.memory, 0x77, sizeof(a.memory));
	remote = bv_mr_remote(b.mr);
	assert_int_equal(bv_write(a.ch, &bv_gather(a.mr, a.memory, sizeof(a.memory)), 1, &remote,
				  60 * BV_SEC),
			 0);
	assert_memory_equal(a.memory, b.memory, sizeof(a.memory));
	close_half(&a);
	close_half(&b);
}

/* A device opens whatever its port does; only a channel needs it up. */
static void port_down(void **state)
{
	static const char *const providers[] = { "verbs", "mlx5" };
	struct bv_channel *ch = (void *)(uintptr_t)0x5a5a;
	struct bv_device_info *list = NULL;
	struct bv_device *dev;
	struct bv_pd *pd;

	(void)state;
	for (int i = bv_device_list(&list) - 1; i >= 0; i--)
		assert_true(strcmp(list[i].name, device) != 0 ||
			    list[i].ports[0].state == BV_PORT_DOWN);
	bv_device_list_free(list);
	for (unsigned i = 0; i < 2; i++) {
		const struct bv_open_opts opts = { .provider = providers[i] };

		if (!drives(providers[i]))
			continue;
		assert_int_equal(bv_open(device, &opts, &dev), 0);
		assert_int_equal(bv_pd_alloc(dev, &pd), 0);
		assert_int_equal(bv_channel_create(pd, NULL, &ch), -ENETDOWN);
		assert_ptr_equal(ch, (void *)(uintptr_t)0x5a5a);
		expect_word("port 1");
		expect_word("DOWN");
		expect_word("ACTIVE");
		bv_pd_free(pd);
		bv_close(dev);
	}
}

static const struct CMUnitTest none_tests[] = {
	cmocka_unit_test(no_device),
};
static const struct CMUnitTest one_tests[] = {
	cmocka_unit_test(wrong_name),
	cmocka_unit_test(wrong_provider),
	cmocka_unit_test(environment),
	cmocka_unit_test(verbs_calls),
};
static const struct CMUnitTest two_tests[] = {
	cmocka_unit_test(two_devices),
	cmocka_unit_test(between_devices),
};
static const struct CMUnitTest down_tests[] = {
	cmocka_unit_test(port_down),
};

int main(int argc, char **argv)
{
	const char *machine = argc == 2 ? argv[1] : "";

	unsetenv("BV_PROVIDER");
	if (strcmp(machine, "one") == 0)
		return cmocka_run_group_tests(one_tests, choose_device, NULL);
	if (strcmp(machine, "two") == 0)
		return cmocka_run_group_tests(two_tests, NULL, NULL);
	if (strcmp(machine, "down") == 0)
		return cmocka_run_group_tests(down_tests, choose_device, NULL);
	if (strcmp(machine, "none") != 0) {
		fprintf(stderr, "usage: opening none|one|two|down\n");
		return EXIT_FAILURE;
	}
	if (device_count() > 0) {
		printf("skipped: this machine has an RDMA device\n");
		return EXIT_SKIP;
	}
	return cmocka_run_group_tests(none_tests, NULL, NULL);
}
