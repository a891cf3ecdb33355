/* SPDX-License-Identifier: MIT */
/*
 * JSON where memory runs out, at each allocation in turn: it is -ENOMEM and nothing is written, or
 * all of it is there. Never is a part missing.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "core/diagnosis.h"

static int allocations, fail_at;
static int blocks; /* that jansson has */

static void *allocate(size_t size)
{
	if (++allocations == fail_at) {
		errno = ENOMEM; /* as malloc(3) does */
		return NULL;
	}
	blocks++;
	return malloc(size);
}

static void release(void *block)
{
	blocks -= block != NULL;
	free(block);
}

static int jansson(void **state)
{
	blocks = 0;
	json_set_alloc_funcs(allocate, release);
	return fake_reset(state);
}

static int jansson_end(void **state)
{
	json_set_alloc_funcs(malloc, free);
	return fake_check(state);
}

#define json_test(f) cmocka_unit_test_setup_teardown(f, jansson, jansson_end)

static char text[BV_DIAGNOSIS_JSON_MAX];

/* @write gives what the real one does; every allocation fails once. */
static void each_allocation(int (*write)(void))
{
	char whole[sizeof(text)], before[sizeof(text)];
	int length, rc, n = 0;

	allocations = fail_at = 0;
	length = write();
	assert_true(length > 0);
	assert_int_equal(blocks, 0);
	memcpy(whole, text, sizeof(whole));
	do {
		fail_at = ++n;
		allocations = 0;
		memset(text, 'x', sizeof(text));
		memcpy(before, text, sizeof(before));
		rc = write();
		if (rc == -ENOMEM)
			assert_memory_equal(text, before, sizeof(text));
		else
			assert_int_equal(rc, length);
		assert_int_equal(blocks, 0);
	} while (allocations >= fail_at);
	assert_string_equal(text, whole);
	assert_in_range(n, 3, 2000);
}

static int write_diagnosis(void)
{
	struct bv_diagnosis d = {
		.device = "mlx5_0",
		.provider = "mlx5",
		.port = 1,
		.status = BV_STATUS_RETRY_EXCEEDED_ERROR,
		.what = { .op = BV_OP_WRITE,
			  .has_imm = true,
			  .nranges = 2,
			  .nshown = 2,
			  .range = { { 0x1000, 8, 1 }, { 0x2000, 8, 1 } } },
		.connected = true,
		.tries = 7,
		.vendor_err = 0x81,
		.vendor_seen = 3,
		.port_valid = true,
		.before = { .valid = 3, .value = { 1, 2 } },
		.now = { .valid = 7, .value = { 4, 2, 9 } },
		.stopped = "it was closed",
	};

	bvi_diagnosis_causes(&d);
	return bv_diagnosis_to_json(&d, text, sizeof(text));
}

static int write_endpoint(void)
{
	const struct bv_endpoint ep = fake_peer();

	return bv_endpoint_to_json(&ep, text, sizeof(text));
}

static int write_remote(void)
{
	const struct bv_remote remote = { .addr = UINT64_MAX - 8, .length = 9, .rkey = 7 };

	return bv_remote_to_json(&remote, text, sizeof(text));
}

static void writing(void **state)
{
	(void)state;
	each_allocation(write_diagnosis);
	each_allocation(write_endpoint);
	each_allocation(write_remote);
}

static int read_endpoint(void)
{
	const struct bv_endpoint want = fake_peer();
	uint8_t read[BV_ENDPOINT_WIRE_SIZE], written[BV_ENDPOINT_WIRE_SIZE];
	struct bv_endpoint ep;
	const int rc = bv_endpoint_from_json(text, strlen(text), &ep);

	if (rc == 0) {
		assert_int_equal(bv_endpoint_encode(&ep, read), 0);
		assert_int_equal(bv_endpoint_encode(&want, written), 0);
		assert_memory_equal(read, written, sizeof(read));
	}
	return rc;
}

static int read_remote(void)
{
	struct bv_remote remote;
	const int rc = bv_remote_from_json(text, strlen(text), &remote);

	if (rc == 0)
		assert_true(remote.addr == UINT64_MAX - 8 && remote.length == 9 &&
			    remote.rkey == 7);
	return rc;
}

/*
 * What is read is what was written, or it fails. Jansson (2.14) may go on with a name that misses a
 * character, which is then no member's.
 */
static void each_allocation_of_reading(int (*write)(void), int (*read)(void))
{
	int rc, without = 0;

	fail_at = 0;
	assert_true(write() > 0);
	do {
		fail_at++;
		allocations = 0;
		rc = read();
		assert_true(rc == 0 || rc == -ENOMEM || rc == -EBADMSG);
		without += rc == -ENOMEM;
		assert_int_equal(blocks, 0);
	} while (allocations >= fail_at);
	assert_int_equal(rc, 0);
	assert_true(without >= fail_at * 3 / 4);
}

static void reading(void **state)
{
	(void)state;
	each_allocation_of_reading(write_endpoint, read_endpoint);
	each_allocation_of_reading(write_remote, read_remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		json_test(writing),
		json_test(reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
