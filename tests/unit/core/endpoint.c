/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: golden bytes, and that nothing damaged or invalid is ever taken for one.
 */
#include "fake.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "core/crc32c.h"
#include "core/wire.h"

static struct bv_endpoint good(void)
{
	return (struct bv_endpoint){
		.qpn = 66,
		.psn = 9011,
		.link_layer = BV_LINK_ETHERNET,
		.mtu = 4096,
		.responder_depth = 16,
		.initiator_depth = 15,
		.ack_timeout = 14,
		.min_rnr_timer = 16,
		.gid_type = BV_GID_ROCE_V2,
		.gid = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 },
	};
}

static const char good_json[] =
	"{\"version\":2,\"qpn\":66,\"psn\":9011,\"lid\":0,\"link_layer\":\"ethernet\",\"mtu\":4096,"
	"\"responder_depth\":16,\"initiator_depth\":15,\"ack_timeout\":14,\"min_rnr_timer\":16,"
	"\"gid\":\"::ffff:10.0.0.1\",\"gid_type\":\"roce v2\"}";

static void assert_same(const struct bv_endpoint *a, const struct bv_endpoint *b)
{
	assert_int_equal(a->qpn, b->qpn);
	assert_int_equal(a->psn, b->psn);
	assert_int_equal(a->lid, b->lid);
	assert_int_equal(a->link_layer, b->link_layer);
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->responder_depth, b->responder_depth);
	assert_int_equal(a->initiator_depth, b->initiator_depth);
	assert_int_equal(a->ack_timeout, b->ack_timeout);
	assert_int_equal(a->min_rnr_timer, b->min_rnr_timer);
	assert_memory_equal(a->gid, b->gid, 16);
	assert_int_equal(a->gid_type, b->gid_type);
}

static void golden(void **state)
{
	static const uint8_t expected[60] = {
		'B', 'V', 'E', 'P', 0, 2, 0, 64, 0, 0, 0, 66, 0, 0,    0x23, 0x33, 0, 0, 2, 5, 16,
		15,  14,  16,  0,   0, 0, 0, 0,  0, 0, 0, 0,  0, 0xff, 0xff, 10,   0, 0, 1, 2,
	};
	const struct bv_endpoint ep = good();
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];

	(void)state;
	assert_int_equal(bv_endpoint_encode(&ep, wire), 0);
	assert_memory_equal(wire, expected, sizeof(expected));
	assert_int_equal(bvi_get_be32(wire + 60), bvi_crc32c(wire, 60));
}

static void assert_round_trip(const struct bv_endpoint *ep)
{
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	char json[BV_ENDPOINT_JSON_MAX];
	struct bv_endpoint out;
	int length;

	assert_int_equal(bv_endpoint_encode(ep, wire), 0);
	assert_int_equal(bv_endpoint_decode(wire, sizeof(wire), &out), 0);
	assert_same(ep, &out);
	length = bv_endpoint_to_json(ep, json, sizeof(json));
	assert_int_equal(length, strlen(json));
	memset(&out, 0xaa, sizeof(out));
	assert_int_equal(bv_endpoint_from_json(json, (size_t)length, &out), 0);
	assert_same(ep, &out);
}

static void round_trips(void **state)
{
	struct bv_endpoint ep = good();

	(void)state;
	assert_round_trip(&ep);
	ep = (struct bv_endpoint){
		.qpn = 2, .lid = 1, .link_layer = BV_LINK_INFINIBAND, .mtu = 256
	};
	assert_round_trip(&ep);
	ep = (struct bv_endpoint){ .qpn = 0xffffff,
				   .psn = 0xffffff,
				   .lid = 0xbfff,
				   .link_layer = BV_LINK_INFINIBAND,
				   .mtu = 2048,
				   .responder_depth = 255,
				   .initiator_depth = 255,
				   .ack_timeout = 31,
				   .min_rnr_timer = 31 };
	memset(ep.gid, 0xfe, sizeof(ep.gid));
	assert_round_trip(&ep);
}

static void every_length(void **state)
{
	const struct bv_endpoint ep = good();
	uint8_t wire[2 * BV_ENDPOINT_WIRE_SIZE] = { 0 };
	struct bv_endpoint out = { .qpn = 99 };

	(void)state;
	assert_int_equal(bv_endpoint_encode(&ep, wire), 0);
	for (size_t size = 0; size <= sizeof(wire); size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, wire, size);
		if (size != BV_ENDPOINT_WIRE_SIZE)
			assert_int_equal(bv_endpoint_decode(copy, size, &out), -EMSGSIZE);
		free(copy);
	}
	assert_int_equal(bv_endpoint_decode(NULL, BV_ENDPOINT_WIRE_SIZE, &out), -EMSGSIZE);
	assert_int_equal(out.qpn, 99);
}

static void every_bit(void **state)
{
	const struct bv_endpoint ep = good();
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	struct bv_endpoint out = { .qpn = 99 };

	(void)state;
	assert_int_equal(bv_endpoint_encode(&ep, wire), 0);
	for (unsigned int bit = 0; bit < 8 * sizeof(wire); bit++) {
		wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(bv_endpoint_decode(wire, sizeof(wire), &out), -EBADMSG);
		assert_int_equal(bv_last_error()->code, -EBADMSG);
		wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(out.qpn, 99);
}

/* With a good checksum: each byte that is wrong in itself is refused, too. */
static int decode_with(unsigned int at, uint8_t byte)
{
	const struct bv_endpoint ep = good();
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	struct bv_endpoint out;

	assert_int_equal(bv_endpoint_encode(&ep, wire), 0);
	wire[at] = byte;
	bvi_put_be32(wire + 60, bvi_crc32c(wire, 60));
	return bv_endpoint_decode(wire, sizeof(wire), &out);
}

static void sealed_but_wrong(void **state)
{
	(void)state;
	assert_int_equal(decode_with(0, 'B'), 0);
	assert_int_equal(decode_with(0, 'b'), -EBADMSG);
	assert_int_equal(decode_with(5, 1), -EPROTO);
	assert_text("version 1; this library has version 2");
	assert_int_equal(decode_with(7, 63), -EBADMSG);
	assert_int_equal(decode_with(8, 1), -EBADMSG);  /* qpn of 25 bits */
	assert_int_equal(decode_with(11, 1), -EBADMSG); /* qpn 1 */
	assert_int_equal(decode_with(12, 1), -EBADMSG); /* psn of 25 bits */
	assert_int_equal(decode_with(17, 1), -EBADMSG); /* lid on Ethernet */
	assert_int_equal(decode_with(18, 0), -EBADMSG); /* link layer */
	assert_int_equal(decode_with(18, 3), -EBADMSG);
	assert_int_equal(decode_with(19, 0), -EBADMSG); /* mtu */
	assert_int_equal(decode_with(19, 6), -EBADMSG);
	assert_int_equal(decode_with(24, 0xff), -EBADMSG); /* multicast gid */
	assert_int_equal(decode_with(22, 32), -EBADMSG);   /* ack timeout */
	assert_int_equal(decode_with(23, 32), -EBADMSG);   /* RNR timer */
	assert_int_equal(decode_with(40, 0), -EBADMSG);    /* gid type */
	assert_int_equal(decode_with(40, 3), -EBADMSG);
	for (unsigned int at = 41; at < 60; at++) /* zero bytes */
		assert_int_equal(decode_with(at, 0x80), -EBADMSG);
}

static void assert_invalid(const struct bv_endpoint *ep, const char *text)
{
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE] = { 0x55 };
	char json[BV_ENDPOINT_JSON_MAX] = "x";

	assert_int_equal(bv_endpoint_encode(ep, wire), -EINVAL);
	assert_text(text);
	assert_int_equal(wire[0], 0x55);
	assert_int_equal(bv_endpoint_to_json(ep, json, sizeof(json)), -EINVAL);
	assert_text(text);
	assert_string_equal(json, "x");
}

static void invalid_fields(void **state)
{
	struct bv_endpoint ep;

	(void)state;
#define WITH(field, value, text) \
	ep = good();             \
	ep.field = value;        \
	assert_invalid(&ep, text)
	WITH(qpn, 0, "qpn is 0");
	WITH(qpn, 1, "qpn is 1");
	WITH(qpn, 1 << 24, "qpn is 16777216");
	WITH(psn, 1 << 24, "psn is 16777216");
	WITH(mtu, 0, "mtu is 0");
	WITH(mtu, 1500, "mtu is 1500");
	WITH(mtu, 8192, "mtu is 8192");
	WITH(lid, 3, "lid is 3");
	WITH(link_layer, BV_LINK_UNKNOWN, "link layer is 0");
	WITH(link_layer, (enum bv_link_layer)77, "link layer is 77");
	WITH(gid[0], 0xff, "multicast");
	WITH(ack_timeout, 32, "ack timeout is 32");
	WITH(min_rnr_timer, 32, "RNR timer is 32");
	WITH(gid_type, BV_GID_IB, "gid type is 0");
#undef WITH
	ep = good();
	memset(ep.gid, 0, sizeof(ep.gid));
	assert_invalid(&ep, "needs a GID");
	ep.link_layer = BV_LINK_INFINIBAND;
	assert_invalid(&ep, "lid is 0");
	ep.lid = 0xc000;
	assert_invalid(&ep, "lid is 49152");
	ep.lid = 1;
	assert_invalid(&ep, "gid type is 2, not that of InfiniBand");
	assert_int_equal(bv_endpoint_encode(NULL, NULL), -EINVAL);
	assert_int_equal(bv_endpoint_to_json(NULL, NULL, 0), -EINVAL);
}

static void json_form(void **state)
{
	const struct bv_endpoint ep = good();
	char text[BV_ENDPOINT_JSON_MAX], small[BV_ENDPOINT_JSON_MAX];
	struct bv_endpoint out;

	(void)state;
	assert_int_equal(bv_endpoint_to_json(&ep, text, sizeof(text)), sizeof(good_json) - 1);
	assert_string_equal(text, good_json);
	for (size_t size = 0; size < sizeof(good_json); size++) {
		small[0] = 'x';
		assert_int_equal(bv_endpoint_to_json(&ep, small, size), -ENOSPC);
		assert_int_equal(small[0], 'x');
	}
	assert_int_equal(bv_endpoint_to_json(&ep, small, sizeof(good_json)), sizeof(good_json) - 1);
	assert_int_equal(bv_endpoint_from_json(good_json, sizeof(good_json) - 1, &out), 0);
	assert_same(&out, &ep);
}

static void json_cut_anywhere(void **state)
{
	struct bv_endpoint out;

	(void)state;
	for (size_t size = 0; size < sizeof(good_json) - 1; size++) {
		char *copy = malloc(size + 1);

		memcpy(copy, good_json, size);
		assert_int_equal(bv_endpoint_from_json(copy, size, &out), -EBADMSG);
		free(copy);
	}
}

/* One flipped bit may make another valid endpoint of text, but never anything invalid. */
static void json_every_bit(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * (sizeof(good_json) - 1); bit++) {
		char text[sizeof(good_json)];
		uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
		struct bv_endpoint out;
		int rc;

		memcpy(text, good_json, sizeof(text));
		text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
		rc = bv_endpoint_from_json(text, sizeof(text) - 1, &out);
		if (rc == 0)
			assert_int_equal(bv_endpoint_encode(&out, wire), 0);
		else
			assert_true(rc == -EBADMSG || rc == -EPROTO);
	}
}

/* The good form with @from replaced by @to. */
static int json_with(const char *from, const char *to)
{
	char text[2 * sizeof(good_json)];
	const char *at = strstr(good_json, from);
	struct bv_endpoint out;
	size_t used;

	assert_non_null(at);
	used = (size_t)(at - good_json);
	memcpy(text, good_json, used);
	strcpy(text + used, to);
	strcat(text, at + strlen(from));
	return bv_endpoint_from_json(text, strlen(text), &out);
}

static void json_members(void **state)
{
	(void)state;
	assert_int_equal(json_with("\"version\":2", "\"version\":1"), -EPROTO);
	assert_text("version 1; this library has version 2");
	assert_int_equal(json_with("\"version\":2,", ""), -EBADMSG);
	assert_int_equal(json_with("\"version\":2", "\"version\":\"2\""), -EBADMSG);
	assert_int_equal(json_with("\"qpn\":66,", ""), -EBADMSG);
	assert_text("\"qpn\" is missing");
	assert_int_equal(json_with("66", "1"), -EBADMSG);
	assert_text("\"qpn\" is 1, not in 2..16777215");
	assert_int_equal(json_with("66", "16777216"), -EBADMSG);
	assert_int_equal(json_with("66", "66.0"), -EBADMSG);
	assert_int_equal(json_with("66", "\"66\""), -EBADMSG);
	assert_int_equal(json_with("9011", "-1"), -EBADMSG);
	assert_int_equal(json_with("9011", "16777216"), -EBADMSG);
	assert_int_equal(json_with("\"lid\":0", "\"lid\":65536"), -EBADMSG);
	assert_int_equal(json_with("\"lid\":0", "\"lid\":1"), -EBADMSG);
	assert_int_equal(json_with("\"ethernet\"", "\"token ring\""), -EBADMSG);
	assert_text("token ring");
	assert_int_equal(json_with("\"ethernet\"", "2"), -EBADMSG);
	assert_int_equal(json_with("\"link_layer\":\"ethernet\",", ""), -EBADMSG);
	assert_int_equal(json_with("4096", "1500"), -EBADMSG);
	assert_int_equal(json_with("4096", "8192"), -EBADMSG);
	assert_int_equal(json_with("\"responder_depth\":16", "\"responder_depth\":256"), -EBADMSG);
	assert_int_equal(json_with("\"initiator_depth\":15", "\"initiator_depth\":256"), -EBADMSG);
	assert_int_equal(json_with("::ffff:10.0.0.1", "10.0.0.1"), -EBADMSG);
	assert_int_equal(json_with("::ffff:10.0.0.1", "::"), -EBADMSG);
	assert_int_equal(json_with("::ffff:10.0.0.1", "ff02::1"), -EBADMSG);
	assert_int_equal(json_with("\"qpn\"", "\"qpm\""), -EBADMSG);
	assert_text("unknown member \"qpm\"");
	assert_int_equal(json_with("\"psn\"", "\"qpn\""), -EBADMSG); /* twice */
	assert_int_equal(json_with("\"ack_timeout\":14", "\"ack_timeout\":32"), -EBADMSG);
	assert_int_equal(json_with("\"min_rnr_timer\":16,", ""), -EBADMSG);
	assert_int_equal(json_with("roce v2", "roce v1"), 0);
	assert_int_equal(json_with("roce v2", "ib"), -EBADMSG);
	assert_int_equal(json_with("roce v2", "roce v3"), -EBADMSG);
	assert_text("\"gid_type\" is \"roce v3\"");
	assert_int_equal(json_with("ethernet", "infiniband"), -EBADMSG);
	assert_text("not that of InfiniBand");
}

static void arguments(void **state)
{
	struct bv_endpoint ep = good();
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	char text[BV_ENDPOINT_JSON_MAX];

	(void)state;
	assert_int_equal(bv_endpoint_encode(NULL, wire), -EINVAL);
	assert_int_equal(bv_endpoint_encode(&ep, NULL), -EINVAL);
	assert_int_equal(bv_endpoint_to_json(NULL, text, sizeof(text)), -EINVAL);
	assert_int_equal(bv_endpoint_to_json(&ep, NULL, 0), -EINVAL);
	assert_int_equal(json_with("\"gid\":", "\"gib\":"), -EBADMSG);
	assert_int_equal(json_with("\"gid_type\":\"roce v2\"", "\"gid_type\":2"), -EBADMSG);
	assert_text("\"gid_type\" is not a string");
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void json_without_memory(void **state)
{
	const struct bv_endpoint ep = good();
	char text[BV_ENDPOINT_JSON_MAX];
	struct bv_endpoint out;

	(void)state;
	json_set_alloc_funcs(no_memory, free);
	assert_int_equal(bv_endpoint_to_json(&ep, text, sizeof(text)), -ENOMEM);
	assert_int_equal(bv_endpoint_from_json(good_json, sizeof(good_json) - 1, &out), -ENOMEM);
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(golden),
		fake_test(round_trips),
		fake_test(every_length),
		fake_test(every_bit),
		fake_test(invalid_fields),
		fake_test(sealed_but_wrong),
		fake_test(json_form),
		fake_test(json_members),
		fake_test(json_cut_anywhere),
		fake_test(json_every_bit),
		fake_test(arguments),
		fake_test(json_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
