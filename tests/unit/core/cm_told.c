/* SPDX-License-Identifier: MIT */
/*
 * Private data of the connection manager: golden bytes, and that nothing else is taken for it.
 */
#include "fake.h"

#include <errno.h>

#include "core/cm_told.h"

static struct bv_remote regions[2] = { { .addr = 0x0102030405060708, .length = 0x1000, .rkey = 9 },
				       { .addr = UINT64_MAX, .length = 1, .rkey = UINT32_MAX } };
static const struct bv_endpoint local = { .mtu = 4096, .ack_timeout = 14, .min_rnr_timer = 16 };

static void encode(uint32_t nregions, const char *blob, uint8_t bytes[BVI_CM_PRIVATE])
{
	const struct bv_exchange data = { .regions = regions,
					  .nregions = nregions,
					  .blob = blob,
					  .blob_size = (uint32_t)strlen(blob) };

	assert_int_equal(bvi_cm_check(&data), 0);
	bvi_cm_encode(&local, &data, bytes);
}

static void golden(void **state)
{
	static const uint8_t expected[BVI_CM_PRIVATE] = {
		'B', 'V', 1, 1, 2, 5, 14, 16, 1, 2, 3, 4, 5, 6,   7,
		8,   0,   0, 0, 0, 0, 0,  16, 0, 0, 0, 0, 9, 'h', 'i',
	};
	uint8_t bytes[BVI_CM_PRIVATE];

	(void)state;
	assert_int_equal(BVI_CM_PRIVATE, 56);
	encode(1, "hi", bytes);
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void round_trip(void **state)
{
	struct bv_remote came[2];
	char blob[8];
	struct bv_exchange data = {
		.peer_regions = came, .max_peer_regions = 2, .peer_blob = blob, .max_peer_blob = 8
	};
	uint8_t bytes[BVI_CM_PRIVATE];
	struct bvi_cm_told told;

	(void)state;
	encode(2, "12345678", bytes);
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), 0);
	assert_int_equal(told.mtu, 4096);
	assert_int_equal(told.ack_timeout, 14);
	assert_int_equal(told.min_rnr_timer, 16);
	assert_int_equal(bvi_cm_fits(&told, &data), 0);
	bvi_cm_deliver(&told, &data);
	assert_int_equal(data.npeer_regions, 2);
	assert_int_equal(came[0].addr, regions[0].addr);
	assert_int_equal(came[1].length, 1);
	assert_int_equal(came[1].rkey, UINT32_MAX);
	assert_memory_equal(blob, "12345678", data.peer_blob_size);
	/* Nothing told, nothing written, and no room needed. */
	encode(0, "", bytes);
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), 0);
	data = (struct bv_exchange){ .npeer_regions = 9, .peer_blob_size = 9 };
	assert_int_equal(bvi_cm_fits(&told, &data), 0);
	bvi_cm_deliver(&told, &data);
	assert_int_equal(data.npeer_regions, 0);
	assert_int_equal(data.peer_blob_size, 0);
	encode(2, "12345678", bytes);
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), 0);
	data.max_peer_regions = 2;
	data.max_peer_blob = 7;
	assert_int_equal(bvi_cm_fits(&told, &data), -EMSGSIZE);
	data.max_peer_blob = 8;
	data.max_peer_regions = 1;
	assert_int_equal(bvi_cm_fits(&told, &data), -EMSGSIZE);
}

static int altered(size_t at, uint8_t value)
{
	uint8_t bytes[BVI_CM_PRIVATE];
	struct bvi_cm_told told;

	encode(1, "hi", bytes);
	bytes[at] = value;
	return bvi_cm_decode(bytes, sizeof(bytes), &told);
}

static void wrong(void **state)
{
	uint8_t bytes[BVI_CM_PRIVATE];
	struct bvi_cm_told told;

	(void)state;
	assert_int_equal(altered(0, 'b'), -EBADMSG);
	assert_int_equal(altered(2, 2), -EPROTO);
	assert_text("version 2; this library has version 1");
	assert_int_equal(altered(3, 3), -EBADMSG);
	assert_int_equal(altered(4, 29), -EBADMSG);
	assert_int_equal(altered(4, 28), 0);
	assert_int_equal(altered(5, 0), -EBADMSG);
	assert_int_equal(altered(5, 6), -EBADMSG);
	assert_int_equal(altered(6, 32), -EBADMSG);
	assert_int_equal(altered(7, 32), -EBADMSG);
	encode(2, "", bytes);
	bytes[8 + 20 + 15] = 2; /* two bytes from the last address on */
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), -EBADMSG);
	assert_text("past the end");
	encode(2, "", bytes);
	memset(bytes + 8, 0xff, 20); /* the first of two */
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), -EBADMSG);
	encode(1, "", bytes);
	memset(bytes + 8 + 8, 0, 8); /* no bytes are nowhere past the end */
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), 0);
	encode(2, "12345678", bytes);
	for (size_t size = 0; size < sizeof(bytes); size++)
		assert_int_equal(bvi_cm_decode(bytes, size, &told), -EBADMSG);
}

/* In place of the data: what was wrong, printable, as much as there is room for. */
static void rejections(void **state)
{
	uint8_t bytes[BVI_CM_HEADER + BVI_CM_REASON_MAX], longer[255];
	struct bvi_cm_told told;
	char reason[300];
	size_t size;

	(void)state;
	size = bvi_cm_encode_rejection("no\033[2J disk\n\x7f\xc3", bytes);
	assert_int_equal(bvi_cm_decode(bytes, size, &told), -ECONNABORTED);
	assert_text("the peer gave up: no?[2J disk\n??");
	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	assert_int_equal(bvi_cm_encode_rejection(reason, bytes), sizeof(bytes));
	for (size_t cut = BVI_CM_HEADER; cut <= sizeof(bytes); cut++)
		assert_int_equal(bvi_cm_decode(bytes, cut, &told), -ECONNABORTED);
	bytes[4] = 0xff;
	assert_int_equal(bvi_cm_decode(bytes, sizeof(bytes), &told), -ECONNABORTED);
	/* Longer than any of ours is read as far as ours go. */
	memset(longer, 'r', sizeof(longer));
	memcpy(longer, bytes, BVI_CM_HEADER);
	assert_int_equal(bvi_cm_decode(longer, sizeof(longer), &told), -ECONNABORTED);
	assert_int_equal(strlen(strstr(bv_last_error()->text, "rrr")), BVI_CM_REASON_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(golden),
		fake_test(round_trip),
		fake_test(wrong),
		fake_test(rejections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
