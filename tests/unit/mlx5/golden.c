/* SPDX-License-Identifier: MIT */
/*
 * The bytes of every WQE builder, written out: ring, doorbell record, doorbell register.
 *
 * Segments in the texts below are: control (index and opcode, QPN and length, flags, immediate),
 * remote address (address, key, zero), data (length, key, address) or inline (head, payload).
 */
#include "plain.h"

#define ADDR 0x1122334455667788
#define LKEY 0x0a0b0c0d
#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })
#define RADDR "99aabbcc ddeeff00 a1b2c3d4 00000000"
#define DATA "00000040 0a0b0c0d 11223344 55667788"

static const struct bv_gather one_gather[1] = { { ADDR, 64, LKEY } };
static const struct bv_scatter one_scatter[1] = { { ADDR, 64, LKEY } };
static const uint8_t payload[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
				 "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20";

typedef int64_t (*post_fn)(struct bv_channel *ch);

static int64_t post_send(struct bv_channel *ch)
{
	return bv_post_send(ch, one_gather, 1, 0);
}

static int64_t post_send_imm(struct bv_channel *ch)
{
	return bv_post_send_imm(ch, one_gather, 1, 0xcafe0001, BV_SOLICITED);
}

static int64_t post_imm_only(struct bv_channel *ch)
{
	return bv_post_send_imm(ch, NULL, 0, 0xcafe0001, 0);
}

static int64_t post_empty(struct bv_channel *ch)
{
	return bv_post_send_inline(ch, NULL, 0, BV_UNSIGNALED);
}

static int64_t post_send_inline(struct bv_channel *ch)
{
	return bv_post_send_inline(ch, payload, 8, 0);
}

static int64_t post_send_inline_imm(struct bv_channel *ch)
{
	return bv_post_send_inline_imm(ch, payload, 3, 0xcafe0001, BV_FENCE);
}

static int64_t post_write(struct bv_channel *ch)
{
	return bv_post_write(ch, one_gather, 1, REMOTE, 0);
}

static int64_t post_write_imm(struct bv_channel *ch)
{
	return bv_post_write_imm(ch, one_gather, 1, REMOTE, 0xcafe0001,
				 BV_FENCE | BV_SOLICITED | BV_UNSIGNALED);
}

static int64_t post_write_inline(struct bv_channel *ch)
{
	return bv_post_write_inline(ch, payload, 8, REMOTE, 0);
}

static int64_t post_write_inline_imm(struct bv_channel *ch)
{
	return bv_post_write_inline_imm(ch, payload, 28, REMOTE, 0xcafe0001, 0);
}

static int64_t post_read(struct bv_channel *ch)
{
	return bv_post_read(ch, one_scatter, 1, REMOTE, BV_FENCE);
}

static const struct bv_scatter eight[1] = { { ADDR, 8, LKEY } };

static int64_t post_fetch_add(struct bv_channel *ch)
{
	return bv_post_fetch_add(ch, eight, REMOTE, 0x0102030405060708, BV_FENCE);
}

static int64_t post_compare_swap(struct bv_channel *ch)
{
	return bv_post_compare_swap(ch, eight, REMOTE, 0x1112131415161718, 0x0102030405060708, 0);
}

static int64_t post_write_empty(struct bv_channel *ch)
{
	return bv_post_write(ch, NULL, 0, REMOTE, 0);
}

/* Two elements with empty ones around them: 2 data segments. */
static int64_t post_write_list(struct bv_channel *ch)
{
	const struct bv_gather list[] = {
		{ 1, 0, 1 }, { ADDR, 64, LKEY }, { 2, 0, 2 }, { ADDR, 64, LKEY }, { 3, 0, 3 },
	};

	return bv_post_write(ch, list, 5, REMOTE, 0);
}

/* Five segments of data behind control and remote address: two blocks. */
static int64_t post_write_long(struct bv_channel *ch)
{
	const struct bv_gather list[] = {
		{ ADDR, 64, LKEY }, { ADDR, 64, LKEY }, { ADDR, 64, LKEY },
		{ ADDR, 64, LKEY }, { ADDR, 64, LKEY },
	};

	return bv_post_write(ch, list, 5, REMOTE, 0);
}

/* 32 bytes do not fit the block of a write any more: two blocks, five segments. */
static int64_t post_write_inline_long(struct bv_channel *ch)
{
	return bv_post_write_inline(ch, payload, 32, REMOTE, 0);
}

static const struct golden {
	const char *name;
	post_fn post;
	const char *wqe;
	unsigned blocks;
} goldens[] = {
	{ "send", post_send, "0000050a 12345602 00000008 00000000" DATA, 1 },
	{ "send_imm", post_send_imm, "0000050b 12345602 0000000a cafe0001" DATA, 1 },
	{ "imm_only", post_imm_only, "0000050b 12345601 00000008 cafe0001", 1 },
	{ "empty", post_empty, "0000050a 12345601 00000000 00000000", 1 },
	{ "send_inline", post_send_inline,
	  "0000050a 12345602 00000008 00000000  80000008 01020304 05060708 00000000", 1 },
	{ "send_inline_imm", post_send_inline_imm,
	  "0000050b 12345602 00000088 cafe0001  80000003 010203", 1 },
	{ "write", post_write, "00000508 12345603 00000008 00000000" RADDR DATA, 1 },
	{ "write_imm", post_write_imm, "00000509 12345603 00000082 cafe0001" RADDR DATA, 1 },
	{ "write_inline", post_write_inline,
	  "00000508 12345603 00000008 00000000" RADDR "80000008 01020304 05060708 00000000", 1 },
	{ "write_inline_imm", post_write_inline_imm,
	  "00000509 12345604 00000008 cafe0001" RADDR
	  "8000001c 01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c",
	  1 },
	{ "read", post_read, "00000510 12345603 00000088 00000000" RADDR DATA, 1 },
	{ "fetch_add", post_fetch_add,
	  "00000512 12345604 00000088 00000000" RADDR
	  "01020304 05060708 00000000 00000000 00000008 0a0b0c0d 11223344 55667788",
	  1 },
	{ "compare_swap", post_compare_swap,
	  "00000511 12345604 00000008 00000000" RADDR
	  "01020304 05060708 11121314 15161718 00000008 0a0b0c0d 11223344 55667788",
	  1 },
	{ "write_empty", post_write_empty, "00000508 12345602 00000008 00000000" RADDR, 1 },
	{ "write_list", post_write_list, "00000508 12345604 00000008 00000000" RADDR DATA DATA, 1 },
	{ "write_long", post_write_long,
	  "00000508 12345607 00000008 00000000" RADDR DATA DATA DATA DATA DATA, 2 },
	{ "write_inline_long", post_write_inline_long,
	  "00000508 12345605 00000008 00000000" RADDR
	  "80000020 01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c 1d1e1f20",
	  2 },
};

/* Segments of a WQE, from its own control segment. */
static unsigned length_of(const uint8_t *wqe)
{
	return wqe[7] & 0x3fu;
}

/* One doorbell was rung in @half, with all of @wqe or its first eight bytes. */
static void expect_doorbell(const struct plain *p, enum plain_register reg, unsigned half,
			    const uint8_t *wqe)
{
	static const uint8_t zeroes[PLAIN_BF_SIZE];
	const unsigned used = reg == PLAIN_BLUEFLAME ? length_of(wqe) * 16 : 8;
	const unsigned lines = reg == PLAIN_BLUEFLAME ? (used + 63) / 64 * 64 : 8;
	const uint8_t *const bf = p->bf + half * PLAIN_BF_SIZE;

	assert_memory_equal(bf, wqe, used);
	assert_memory_equal(bf + lines, zeroes, PLAIN_BF_SIZE - lines);
	assert_memory_equal(p->bf + (half ^ 1) * PLAIN_BF_SIZE, zeroes, PLAIN_BF_SIZE);
}

static void check(const struct golden *g, enum plain_register reg)
{
	struct plain_shape shape = plain_default;
	uint8_t wqe[256];
	struct plain *p;

	shape.reg = reg;
	p = plain_new(&shape);
	plain_seek(p, 5);
	assert_int_equal(g->post(plain_channel(p)), 0);
	plain_read_sq(p, 5, wqe, sizeof(wqe));
	EXPECT_HEX(wqe, g->wqe);
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), 5 + g->blocks);
	assert_int_equal(p->qp_dbrec[PRM_DBREC_RECV], 0);
	expect_doorbell(p, reg, 0, wqe);

	/* The next one uses the other half, if there is one, and leaves this one alone. */
	memset(p->bf, 0, PLAIN_BF_SIZE);
	assert_int_equal(g->post(plain_channel(p)), 1);
	plain_read_sq(p, (uint16_t)(5 + g->blocks), wqe, sizeof(wqe));
	expect_doorbell(p, reg, reg != PLAIN_UNCACHED, wqe);
	plain_free(p);
}

static void check_all(enum plain_register reg)
{
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		print_message("  %s\n", goldens[i].name);
		check(&goldens[i], reg);
	}
}

static void blueflame(void **state)
{
	(void)state;
	check_all(PLAIN_BLUEFLAME);
}

static void combining(void **state)
{
	(void)state;
	check_all(PLAIN_COMBINING);
}

static void uncached(void **state)
{
	(void)state;
	check_all(PLAIN_UNCACHED);
}

/* 16 segments go through BlueFlame, 17 do not fit its half. */
static void longest_blueflame(void **state)
{
	struct bv_gather list[15];
	uint8_t wqe[512];
	struct plain *p = plain_new(&plain_default);
	static const uint8_t zeroes[PLAIN_BF_SIZE];

	(void)state;
	for (unsigned i = 0; i < 15; i++)
		list[i] = (struct bv_gather){ ADDR + i, i + 1, LKEY };
	assert_int_equal(bv_post_write(plain_channel(p), list, 14, REMOTE, 0), 0);
	plain_read_sq(p, 0, wqe, sizeof(wqe));
	assert_int_equal(length_of(wqe), 16);
	assert_memory_equal(p->bf, wqe, PLAIN_BF_SIZE);
	assert_int_equal(bv_post_write(plain_channel(p), list, 15, REMOTE, 0), 1);
	plain_read_sq(p, 4, wqe, sizeof(wqe));
	assert_int_equal(length_of(wqe), 17);
	assert_memory_equal(p->bf + PLAIN_BF_SIZE, wqe, 8);
	assert_memory_equal(p->bf + PLAIN_BF_SIZE + 8, zeroes, PLAIN_BF_SIZE - 8);
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), 4 + 5);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blueflame),
		cmocka_unit_test(combining),
		cmocka_unit_test(uncached),
		cmocka_unit_test(longest_blueflame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
