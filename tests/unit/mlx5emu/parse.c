/* SPDX-License-Identifier: MIT */
/* The strict WQE reader, alone: what it accepts, and each refusal with its words. */
#include "rig.h"

#include <stdlib.h>

#include "tools/mlx5emu/engine/wqe_parse.h"

enum {
	QPN = 0x010203,
	BLOCKS = 16,
	INDEX = 5,
};

static const struct rig_qp queue = { .qpn = QPN, .pi = INDEX };
static struct emu_wqe wqe;
static struct emu_wqe_error error;
static enum emu_strict strict;

/* As posted at INDEX of a ring of BLOCKS. */
static int parse(struct rig_wqe *w, uint32_t posted)
{
	uint8_t ring[BLOCKS * 64] = { 0 };

	if (w->bytes[7] == 0)
		w->bytes[7] = (uint8_t)(w->size / 16);
	for (unsigned at = 0; at < w->size; at++)
		ring[(INDEX * 64 + at) % sizeof(ring)] = w->bytes[at];
	memset(&error, 0, sizeof(error));
	return emu_wqe_parse(&(struct emu_wqe_ring){ .bytes = ring,
						     .blocks = BLOCKS,
						     .qpn = QPN,
						     .type = EMU_QPT_RC,
						     .strict = strict },
			     INDEX, posted, &wqe, &error);
}

static void refused(struct rig_wqe *w, const char *words)
{
	assert_int_equal(parse(w, BLOCKS), -22);
	if (!strstr(error.text, words))
		print_message("got \"%s\", wanted \"%s\"\n", error.text, words);
	assert_non_null(strstr(error.text, words));
	assert_non_null(strstr(error.text, "QP 0x010203 WQE 5 "));
	assert_true(error.syndrome != 0);
}

static struct rig_wqe write_wqe(void)
{
	struct rig_wqe w = rig_begin(&queue, EMU_OP_WRITE, RIG_SIGNALED);

	rig_raddr(&w, (void *)0x1000, 0xabcdef);
	rig_data(&w, (void *)0x2000, 100, 0x123456);
	return w;
}

static struct rig_wqe atomic_wqe(void)
{
	struct rig_wqe w = rig_begin(&queue, EMU_OP_ATOMIC_CS, RIG_SIGNALED);

	rig_raddr(&w, (void *)0x1000, 0xabcdef);
	rig_atomic(&w, 0x1122334455667788, 0x99aabbccddeeff00);
	rig_data(&w, (void *)0x2000, 8, 0x123456);
	return w;
}

static void reads_a_write(void **state)
{
	struct rig_wqe w = write_wqe();

	(void)state;
	w.bytes[11] = RIG_SIGNALED | RIG_SOLICITED | RIG_FENCE;
	assert_int_equal(parse(&w, 1), 0);
	assert_int_equal(wqe.opcode, EMU_OP_WRITE);
	assert_int_equal(wqe.index, INDEX);
	assert_int_equal(wqe.blocks, 1);
	assert_true(wqe.signaled);
	assert_true(wqe.solicited);
	assert_int_equal(wqe.fence, EMU_FM_FENCE);
	assert_true(wqe.raddr == 0x1000);
	assert_int_equal(wqe.rkey, 0xabcdef);
	assert_int_equal(wqe.nseg, 1);
	assert_true(wqe.seg[0].addr == 0x2000);
	assert_int_equal(wqe.seg[0].length, 100);
	assert_int_equal(wqe.seg[0].lkey, 0x123456);
	assert_int_equal(wqe.length, 100);
}

static void reads_an_atomic(void **state)
{
	struct rig_wqe w = atomic_wqe();

	(void)state;
	assert_int_equal(parse(&w, 1), 0);
	assert_true(wqe.swap_add == 0x1122334455667788);
	assert_true(wqe.compare == 0x99aabbccddeeff00);
}

static void reads_inline_across_the_end(void **state)
{
	struct rig_wqe w = rig_begin(&queue, EMU_OP_SEND, 0);
	uint8_t data[960];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3);
	rig_inline(&w, data, sizeof(data));
	assert_int_equal(parse(&w, BLOCKS), 0);
	assert_int_equal(wqe.blocks, 16);
	assert_int_equal(wqe.length, sizeof(data));
	assert_memory_equal(wqe.bytes + wqe.seg[0].addr, data, sizeof(data));
}

static void leaves_stale_immediates_alone(void **state)
{
	struct rig_wqe w = write_wqe();

	(void)state;
	rig_imm(&w, 0x12345678); /* libmlx5's ibv_wr_* leaves the slot's old bytes there */
	assert_int_equal(parse(&w, 1), 0);
}

static void refuses_control_fields(void **state)
{
	struct rig_wqe w;

	(void)state;
	w = write_wqe(), w.bytes[3] = 0x1b;
	refused(&w, "ctrl.opcode is 0x1b, expected an opcode of the queue's transport");
	w = write_wqe(), w.bytes[0] = 1;
	refused(&w, "ctrl.opmod is 0x1, expected 0");
	w = write_wqe(), w.bytes[2] = 6;
	refused(&w, "WRITE: ctrl.wqe_index is 0x6, expected the WQE's position");
	w = write_wqe(), w.bytes[6] = 4;
	refused(&w, "ctrl.qpn is 0x10204, expected the queue's own number");
	w = write_wqe(), w.bytes[7] = 0x43;
	refused(&w, "ctrl.qpn_ds bits 7:6 is 0x1");
	w = write_wqe(), w.bytes[11] = 0x10;
	refused(&w, "ctrl.fm_ce_se is 0x10, expected bits 0 and 4 clear");
	w = write_wqe(), w.bytes[11] = 0xa0;
	refused(&w, "ctrl.fm is 0x5, expected 0..4");
	w = write_wqe(), w.bytes[11] = 0x04;
	refused(&w, "ctrl.ce is 0x1, expected 0, 2 or 3");
}

/* Faults that can be carried out, each at the four levels. */
static void takes_the_level_into_account(void **state)
{
	static const struct {
		unsigned byte, value;
		const char *words;
		bool leftover; /* of a library */
	} faults[] = {
		{ 2, 6, "ctrl.wqe_index is 0x6", false },
		{ 8, 9, "ctrl.signature is 0x9, expected 0", true },
		{ 10, 7, "ctrl.dci_stream is 0x7, expected 0", true },
		{ 11, 0x18, "ctrl.fm_ce_se is 0x18", false },
		{ 15, 5, "ctrl.imm is 0x5, expected 0", true },
		{ 31, 6, "raddr.reserved is 0x6, expected 0", true },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct rig_wqe w = write_wqe();

		w.bytes[faults[i].byte] = (uint8_t)faults[i].value;
		strict = EMU_STRICT_PEDANTIC;
		refused(&w, faults[i].words);
		strict = EMU_STRICT_OFF;
		assert_int_equal(parse(&w, 1), 0);
		assert_string_equal(error.text, "");
		strict = EMU_STRICT_WARN;
		assert_int_equal(parse(&w, 1), 0);
		assert_int_equal(!error.text[0], faults[i].leftover);
		strict = EMU_STRICT_ERROR;
		if (faults[i].leftover)
			assert_int_equal(parse(&w, 1), 0);
		else
			refused(&w, faults[i].words);
	}
}

static void refuses_sizes(void **state)
{
	struct rig_wqe w = write_wqe();
	uint8_t bytes[BLOCKS * 64] = { 0 };
	const struct emu_wqe_ring ring = {
		.bytes = bytes, .blocks = BLOCKS, .qpn = QPN, .type = EMU_QPT_RC
	};

	(void)state;
	memcpy(bytes + INDEX * 64, w.bytes, w.size);
	assert_int_equal(emu_wqe_parse(&ring, INDEX, BLOCKS, &wqe, &error), -22);
	assert_non_null(strstr(error.text, "ctrl.ds is 0x0, expected 1..63"));
	assert_int_equal(wqe.blocks, 1);

	w = write_wqe(), w.bytes[7] = 1;
	refused(&w, "ctrl.ds is 0x1, expected room for the remote address segment");
	w = atomic_wqe(), w.bytes[7] = 2;
	refused(&w, "ctrl.ds is 0x2, expected room for the atomic segment");
	w = write_wqe(), w.bytes[7] = 5;
	assert_int_equal(parse(&w, 1), -22);
	assert_non_null(strstr(error.text, "no more than the doorbell record has posted"));
}

static void refuses_segments(void **state)
{
	struct rig_wqe w;

	(void)state;
	w = write_wqe(), memset(w.bytes + 32, 0, 4);
	refused(&w, "data.byte_count is 0x0, expected 1.. (0 stands for 2^31 bytes)");
	assert_int_equal(error.syndrome, EMU_SYN_LOCAL_LENGTH);
	w = write_wqe(), w.bytes[32] = 0x7f;
	refused(&w, "sum of byte counts is 0x7f000064, expected at most 2^30");
	w = write_wqe(), w.bytes[32] = 0x80, w.bytes[35] = 13;
	refused(&w, "inline.byte_count is 0xd, expected no more than ds has room for");
	w = write_wqe(), w.bytes[32] = 0xff;
	refused(&w, "inline.byte_count is 0x7f000064");
	w = write_wqe(), w.bytes[3] = EMU_OP_READ, w.bytes[32] = 0x80, w.bytes[35] = 4;
	refused(&w, "READ: inline.byte_count is 0x4, expected a data segment");
}

static void refuses_atomic_shapes(void **state)
{
	struct rig_wqe w = atomic_wqe();

	(void)state;
	rig_data(&w, (void *)0x3000, 8, 1);
	refused(&w, "number of data segments is 0x2, expected 1");
	w = atomic_wqe(), w.bytes[51] = 16;
	refused(&w, "ATOMIC_CS: data.byte_count is 0x10, expected 8");
	assert_int_equal(error.syndrome, EMU_SYN_LOCAL_LENGTH);
	w = atomic_wqe(), w.bytes[7] = 3;
	refused(&w, "number of data segments is 0x0, expected 1");
}

static void reads_receives(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct emu_rwqe out;

	(void)state;
	bytes[3] = 100, bytes[15] = 0x40; /* 100 bytes at 0x40 */
	bytes[16 + 6] = 1;                /* the end: count 0, lkey 0x100 */
	assert_int_equal(emu_rwqe_parse(bytes, 64, 9, QPN, &out, &error), 0);
	assert_int_equal(out.nseg, 1);
	assert_int_equal(out.length, 100);

	bytes[16 + 6] = 0;
	assert_int_equal(emu_rwqe_parse(bytes, 64, 9, QPN, &out, &error), -22);
	assert_non_null(strstr(error.text, "QP 0x010203 receive WQE 9: data[1].byte_count is 0x0"));
	bytes[16] = 0x80;
	assert_int_equal(emu_rwqe_parse(bytes, 64, 9, QPN, &out, &error), -22);
	assert_non_null(strstr(error.text, "a receive cannot be inline"));
}

/* Whatever the bytes, the reader stays inside them and says something. */
static void survives_noise(void **state)
{
	uint8_t *bytes = malloc(BLOCKS * 64); /* of exact size: for the sanitizer */
	const struct emu_wqe_ring ring = {
		.bytes = bytes, .blocks = BLOCKS, .qpn = QPN, .type = EMU_QPT_RC
	};
	uint64_t x = 88172645463325252;
	struct emu_rwqe out;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct rig_wqe w = round & 1 ? write_wqe() : atomic_wqe();

		for (unsigned i = 0; i < BLOCKS * 64; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			bytes[i] = (uint8_t)x;
		}
		if (round & 2) {
			w.bytes[7] = (uint8_t)(w.size / 16);
			memcpy(bytes + INDEX * 64, w.bytes, w.size);
			bytes[INDEX * 64 + (x >> 8) % 64] = (uint8_t)x;
		}
		memset(&error, 0, sizeof(error));
		if (emu_wqe_parse(&ring, INDEX, 1 + (x >> 20) % BLOCKS, &wqe, &error))
			assert_true(strlen(error.text) > 20 && wqe.blocks >= 1);
		(void)emu_rwqe_parse(bytes, 512, 0, QPN, &out, &error);
		assert_true(emu_wqe_blocks(&ring, (uint16_t)x, NULL) >= 1);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_write),
		cmocka_unit_test(reads_an_atomic),
		cmocka_unit_test(reads_inline_across_the_end),
		cmocka_unit_test(leaves_stale_immediates_alone),
		cmocka_unit_test(refuses_control_fields),
		cmocka_unit_test(refuses_sizes),
		cmocka_unit_test(refuses_segments),
		cmocka_unit_test(refuses_atomic_shapes),
		cmocka_unit_test(reads_receives),
		cmocka_unit_test(survives_noise),
		cmocka_unit_test(takes_the_level_into_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
