/* SPDX-License-Identifier: MIT */
/*
 * The forms of remote regions: what we write we read, and nothing else gets in.
 */
#include "fake.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static const struct bv_remote region = { .addr = 0x7f0012340000, .length = 4096, .rkey = 74565 };

/* The layout is a contract between releases: golden bytes. */
static void golden(void **state)
{
	static const uint8_t expected[] = {
		'B',  'V',  'R',  'M',  0x00, 0x01, 0x00, 0x20, 0x00, 0x01, 0x23, 0x45, 0x00, 0x00,
		0x7f, 0x00, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
	};
	uint8_t wire[BV_REMOTE_WIRE_SIZE];

	(void)state;
	bv_remote_encode(&region, wire);
	assert_memory_equal(wire, expected, sizeof(expected));
}

static void assert_same(const struct bv_remote *a, const struct bv_remote *b)
{
	assert_int_equal(a->addr, b->addr);
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->rkey, b->rkey);
}

static const struct bv_remote extremes[] = {
	{ 0, 0, 0 },
	{ 0, UINT32_MAX, UINT64_MAX },
	{ UINT64_MAX, 1, 0 },
	{ UINT64_MAX, 1, 1 },
	{ 1, 1, UINT64_MAX },
	{ 0x7f0012340000, 5, INT64_MAX },
	{ 0x7f0012340000, 5, (uint64_t)INT64_MAX + 1 },
};

static void round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		uint8_t wire[BV_REMOTE_WIRE_SIZE];
		char json[BV_REMOTE_JSON_MAX];
		struct bv_remote out;
		int length;

		bv_remote_encode(&extremes[i], wire);
		assert_int_equal(bv_remote_decode(wire, sizeof(wire), &out), 0);
		assert_same(&out, &extremes[i]);
		length = bv_remote_to_json(&extremes[i], json, sizeof(json));
		assert_int_equal(length, strlen(json));
		memset(&out, 0xaa, sizeof(out));
		assert_int_equal(bv_remote_from_json(json, (size_t)length, &out), 0);
		assert_same(&out, &extremes[i]);
	}
}

static void every_length(void **state)
{
	uint8_t wire[2 * BV_REMOTE_WIRE_SIZE] = { 0 };
	struct bv_remote out = { .rkey = 99 };

	(void)state;
	bv_remote_encode(&region, wire);
	for (size_t size = 0; size <= sizeof(wire); size++) {
		/* A copy of just that size: a sanitizer sees a byte too many. */
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, wire, size);
		if (size != BV_REMOTE_WIRE_SIZE)
			assert_int_equal(bv_remote_decode(copy, size, &out), -EMSGSIZE);
		free(copy);
	}
	assert_int_equal(bv_remote_decode(NULL, 0, &out), -EMSGSIZE);
	assert_int_equal(bv_remote_decode(NULL, BV_REMOTE_WIRE_SIZE, &out), -EMSGSIZE);
	assert_int_equal(out.rkey, 99);
}

static void every_bit(void **state)
{
	uint8_t wire[BV_REMOTE_WIRE_SIZE];
	struct bv_remote out = { .rkey = 99 };

	(void)state;
	bv_remote_encode(&region, wire);
	for (unsigned int bit = 0; bit < 8 * sizeof(wire); bit++) {
		wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(bv_remote_decode(wire, sizeof(wire), &out), -EBADMSG);
		wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(out.rkey, 99);
}

static void impossible(void **state)
{
	const struct bv_remote wraps = { .addr = UINT64_MAX, .length = 2, .rkey = 1 };
	static const char json[] = "{\"addr\":\"0xffffffffffffffff\",\"length\":2,\"rkey\":1}";
	uint8_t wire[BV_REMOTE_WIRE_SIZE];
	struct bv_remote out;

	(void)state;
	bv_remote_encode(&wraps, wire);
	assert_int_equal(bv_remote_decode(wire, sizeof(wire), &out), -EBADMSG);
	assert_text("past the end of the address space");
	assert_int_equal(bv_remote_from_json(json, sizeof(json) - 1, &out), -EBADMSG);
	assert_text("past the end of the address space");
}

static void json_form(void **state)
{
	char text[BV_REMOTE_JSON_MAX];
	struct bv_remote out;
	const char *number = "{\"rkey\":74565,\"addr\":139638282125312,\"length\":\"0x1000\"}";

	(void)state;
	assert_true(bv_remote_to_json(&region, text, sizeof(text)) > 0);
	assert_string_equal(text, "{\"addr\":\"0x7f0012340000\",\"length\":4096,\"rkey\":74565}");
	assert_int_equal(bv_remote_from_json(number, strlen(number), &out), 0);
	assert_same(&out, &region);
}

static void json_space(void **state)
{
	char text[BV_REMOTE_JSON_MAX], small[BV_REMOTE_JSON_MAX];
	const int length = bv_remote_to_json(&region, text, sizeof(text));

	(void)state;
	for (size_t size = 0; size <= (size_t)length; size++) {
		memset(small, 'x', sizeof(small));
		assert_int_equal(bv_remote_to_json(&region, small, size), -ENOSPC);
		assert_int_equal(small[0], 'x');
	}
	assert_int_equal(bv_remote_to_json(&region, small, (size_t)length + 1), length);
	assert_string_equal(small, text);
}

static void json_cut_anywhere(void **state)
{
	char text[BV_REMOTE_JSON_MAX];
	const int length = bv_remote_to_json(&region, text, sizeof(text));
	struct bv_remote out;

	(void)state;
	for (size_t size = 0; size < (size_t)length; size++) {
		char *copy = malloc(size + 1);

		memcpy(copy, text, size);
		assert_int_equal(bv_remote_from_json(copy, size, &out), -EBADMSG);
		free(copy);
	}
}

static void json_garbage(void **state)
{
	static const char *const texts[] = {
		"",
		"null",
		"[]",
		"\"x\"",
		"7",
		"{",
		"}",
		"{}",
		"{\"addr\":1}",
		"{\"addr\":1,\"length\":1}",
		"{\"addr\":1,\"length\":1,\"rkey\":-1}",
		"{\"addr\":1,\"length\":1,\"rkey\":4294967296}",
		"{\"addr\":1,\"length\":1,\"rkey\":1.0}",
		"{\"addr\":1,\"length\":1,\"rkey\":\"1\"}",
		"{\"addr\":1,\"length\":1,\"rkey\":null}",
		"{\"addr\":-1,\"length\":1,\"rkey\":1}",
		"{\"addr\":1,\"length\":-1,\"rkey\":1}",
		"{\"addr\":99999999999999999999,\"length\":1,\"rkey\":1}",
		"{\"addr\":\"0x\",\"length\":1,\"rkey\":1}",
		"{\"addr\":\"1\",\"length\":1,\"rkey\":1}",
		"{\"addr\":\"0x1g\",\"length\":1,\"rkey\":1}",
		"{\"addr\":\"0x 1\",\"length\":1,\"rkey\":1}",
		"{\"addr\":\"0x-1\",\"length\":1,\"rkey\":1}",
		"{\"addr\":\"0x10000000000000000\",\"length\":1,\"rkey\":1}",
		"{\"addr\":true,\"length\":1,\"rkey\":1}",
		"{\"addr\":1,\"length\":1,\"rkey\":1,\"more\":1}",
		"{\"addr\":1,\"addr\":1,\"length\":1,\"rkey\":1}",
		"{\"addr\":1,\"length\":1,\"rkey\":1} x",
		"{\"addr\":1,\"length\":1,\"rkey\":1}}",
		"{\"addr\":\"0x1\\u0000\",\"length\":1,\"rkey\":1}",
		"{\"a\xff\":1}",
	};
	struct bv_remote out = { .rkey = 99 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(bv_remote_from_json(texts[i], strlen(texts[i]), &out), -EBADMSG);
		assert_int_equal(bv_last_error()->code, -EBADMSG);
	}
	assert_int_equal(bv_remote_from_json(NULL, 0, &out), -EBADMSG);
	assert_int_equal(out.rkey, 99);
}

/* Strings with escapes, empty ones, and ones that stand inside of others. */
static void json_strings(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "{\"addr\":\"0x1\\u0030\",\"length\":1,\"rkey\":1}", 0 },
		{ "{\"length\":\"0x1\",\"addr\":\"0x10\",\"rkey\":1}", 0 },
		{ "{\"addr\":\"0x10\",\"length\":\"0x1\",\"rkey\":1}", 0 },
		{ "{\"length\":\"0x10\",\"addr\":\"x10\",\"rkey\":1}", -EBADMSG },
		{ "{\"addr\":\"\",\"length\":1,\"rkey\":1}", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_remote out = { 0 };

		assert_int_equal(bv_remote_from_json(cases[i].text, strlen(cases[i].text), &out),
				 cases[i].rc);
		assert_int_equal(out.addr, cases[i].rc ? 0 : 0x10);
	}
}

static void json_too_long(void **state)
{
	struct bv_remote out;
	char *text = malloc(1 << 20);

	(void)state;
	memset(text, '[', 1 << 20);
	assert_int_equal(bv_remote_from_json(text, 1 << 20, &out), -EBADMSG);
	assert_int_equal(bv_remote_from_json(text, 4096, &out), -EBADMSG);
	free(text);
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void json_without_memory(void **state)
{
	static const char json[] = "{\"addr\":1,\"length\":1,\"rkey\":1}";
	char text[BV_REMOTE_JSON_MAX] = "x";
	struct bv_remote out;

	(void)state;
	json_set_alloc_funcs(no_memory, free);
	assert_int_equal(bv_remote_to_json(&region, text, sizeof(text)), -ENOMEM);
	assert_int_equal(bv_remote_from_json(json, sizeof(json) - 1, &out), -ENOMEM);
	json_set_alloc_funcs(malloc, free);
	assert_string_equal(text, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(golden),        fake_test(round_trips),
		fake_test(every_length),  fake_test(every_bit),
		fake_test(impossible),    fake_test(json_form),
		fake_test(json_space),    fake_test(json_cut_anywhere),
		fake_test(json_garbage),  fake_test(json_strings),
		fake_test(json_too_long), fake_test(json_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
