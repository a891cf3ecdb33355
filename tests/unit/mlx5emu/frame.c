/* SPDX-License-Identifier: MIT */
/*
 * Frames for those who look: headers byte by byte, checksums that another implementation (zlib, and
 * a capture of an adapter's packets with the same code) agrees with. tshark reads whole ones in
 * tests/tools-mlx5emu/tshark.sh.
 */
#include "rig.h"

#include "tools/mlx5emu/trace/frame.h"
#include "tools/mlx5emu/trace/pcapng.h"

static const struct emu_route over_ipv4 = {
	.link = EMU_LINK_ROCE_V2,
	.smac = { 2, 0, 0, 0, 0, 1 },
	.dmac = { 2, 0, 0, 0, 0, 2 },
	.sgid = { [10] = 0xff, [11] = 0xff, 10, 77, 0, 1 },
	.dgid = { [10] = 0xff, [11] = 0xff, 10, 77, 0, 2 },
	.flow_label = 1,
	.tclass = 0x28,
	.hop_limit = 9,
};

static const struct emu_packet send = {
	.opcode = EMU_WIRE_SEND,
	.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_IMM | EMU_WIRE_SOLICITED,
	.mtu = 3,
	.pkey = 0xffff,
	.src_qpn = 0x010001,
	.dst_qpn = 0x020003,
	.psn = 0xffffff,
	.length = 3,
	.imm = 0x04030201,
	.payload = (const uint8_t *)"abc",
};

static void the_crc_is_that_of_ethernet(void **state)
{
	static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };

	(void)state;
	assert_true(~emu_crc32(UINT32_MAX, (const uint8_t *)"123456789", 9) == 0xcbf43926);
	/* What the kernel's soft-RoCE starts an ICRC with. */
	assert_true(emu_crc32(UINT32_MAX, ones, sizeof(ones)) == 0xdebb20e3);
}

static void a_send_over_ipv4(void **state)
{
	static const uint8_t wanted[] = {
		2,    0,    0,    0,    0,   2,    2,    0,    0,    0,    0,    1,
		0x08, 0x00, /* Ethernet */
		0x45, 0x28, 0,    52,   0,   0,    0x40, 0,    9,    17,   0x5d, 0x01,
		10,   77,   0,    1,    10,  77,   0,    2,    0xc0, 0x01, 0x12, 0xb7,
		0,    32,   0,    0,                                                   /* UDP */
		0x05, 0xd0, 0xff, 0xff, 0,   0x02, 0,    0x03, 0x80, 0xff, 0xff, 0xff, /* BTH */
		1,    2,    3,    4,    'a', 'b',  'c',  0,
	};
	uint8_t frame[EMU_FRAME_MAX];

	(void)state;
	assert_int_equal(emu_frame_make(&over_ipv4, &send, 0, frame), sizeof(wanted) + 4);
	assert_memory_equal(frame, wanted, 24);
	assert_memory_equal(frame + 26, wanted + 26, sizeof(wanted) - 26);
}

static void the_checksum_of_ipv4_is_right(void **state)
{
	uint8_t frame[EMU_FRAME_MAX];
	uint32_t sum = 0;

	(void)state;
	(void)emu_frame_make(&over_ipv4, &send, 0, frame);
	for (unsigned i = 14; i < 34; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

/* All that may change on the way must not change the ICRC, all else must. */
static void the_icrc_covers_what_is_invariant(void **state)
{
	static const uint8_t may_change[] = { 15, 22, 24,
					      25 }; /* type of service, hops, checksum */
	struct emu_route other = over_ipv4;
	uint8_t one[EMU_FRAME_MAX], two[EMU_FRAME_MAX];
	struct emu_packet p = send;
	size_t size;

	(void)state;
	size = emu_frame_make(&over_ipv4, &send, 0, one);
	other.tclass = 0;
	other.hop_limit = 200;
	other.dmac[5] = 77;
	assert_int_equal(emu_frame_make(&other, &send, 0, two), size);
	for (unsigned i = 0; i < sizeof(may_change); i++)
		two[may_change[i]] = one[may_change[i]];
	two[5] = one[5];
	assert_memory_equal(one, two, size);
	p.psn = 0xfffffe;
	assert_int_equal(emu_frame_make(&over_ipv4, &p, 0, two), size);
	assert_memory_not_equal(one + size - 4, two + size - 4, 4);
}

static void opcodes_by_place(void **state)
{
	static const uint8_t payload[3000];
	struct emu_packet p = {
		.opcode = EMU_WIRE_WRITE,
		.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_IMM,
		.mtu = 3,
		.length = sizeof(payload),
		.payload = payload,
	};
	const uint8_t *at = NULL;

	(void)state;
	assert_int_equal(emu_frame_count(&p), 3);
	assert_string_equal(emu_bth_name(emu_bth_opcode(&p, 0)), "RC_WRITE_FIRST");
	assert_string_equal(emu_bth_name(emu_bth_opcode(&p, 1)), "RC_WRITE_MIDDLE");
	assert_string_equal(emu_bth_name(emu_bth_opcode(&p, 2)), "RC_WRITE_LAST_IMM");
	assert_int_equal(emu_frame_payload(&p, 2, &at), 3000 - 2048);
	assert_ptr_equal(at, payload + 2048);
	p.service = EMU_SERVICE_XRC;
	p.opcode = EMU_WIRE_READ_RESPONSE;
	p.flags = EMU_WIRE_LAST;
	assert_string_equal(emu_bth_name(emu_bth_opcode(&p, 0)), "XRC_READ_RESPONSE_MIDDLE");
	assert_string_equal(emu_bth_name(emu_bth_opcode(&p, 2)), "XRC_READ_RESPONSE_LAST");
	p.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST;
	p.length = 1;
	assert_int_equal(emu_bth_opcode(&p, 0), 0xb0);
	assert_string_equal(emu_bth_name(0x40), "?");
	assert_string_equal(emu_bth_name(0xff), "?");
}

static void infiniband_has_a_local_header(void **state)
{
	struct emu_route ib = { .link = EMU_LINK_IB, .slid = 0x11, .dlid = 0x22, .sl = 3 };
	static const uint8_t lrh[8] = { 0, 0x32, 0, 0x22, 0, 8, 0, 0x11 };
	uint8_t frame[EMU_FRAME_MAX];

	(void)state;
	/* LRH, BTH, immediate, payload, ICRC: eight words; and the VCRC behind them */
	assert_int_equal(emu_frame_make(&ib, &send, 0, frame), 8 * 4 + 2);
	assert_memory_equal(frame, lrh, sizeof(lrh));
	ib.global = true;
	assert_int_equal(emu_frame_make(&ib, &send, 0, frame), (8 + 10) * 4 + 2);
	assert_int_equal(frame[1], 0x33);
	assert_int_equal(frame[8 + 6], 0x1b);
}

static void the_largest_frame_fits(void **state)
{
	static const uint8_t payload[4096];
	struct emu_packet p = {
		.opcode = EMU_WIRE_WRITE,
		.service = EMU_SERVICE_XRC,
		.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_IMM,
		.mtu = 5,
		.length = sizeof(payload),
		.payload = payload,
	};
	struct emu_route ipv6 = { .link = EMU_LINK_ROCE_V2, .sgid = { 0xfe }, .dgid = { 0xfe } };
	uint8_t frame[EMU_FRAME_MAX];

	(void)state;
	assert_int_equal(emu_frame_make(&ipv6, &p, 0, frame),
			 14 + 40 + 8 + 12 + 4 + 16 + 4 + 4096 + 4);
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void blocks_have_their_length_twice(void **state)
{
	uint8_t block[EMU_PCAPNG_HEAD_MAX];
	struct emu_pcapng_packet packet;
	char comment[200];
	size_t size;

	(void)state;
	size = emu_pcapng_section(block);
	assert_int_equal(word(block + 4), size);
	assert_int_equal(word(block + size - 4), size);
	memset(comment, 'c', sizeof(comment));
	comment[sizeof(comment) - 1] = '\0';
	size = emu_pcapng_interface(comment, true, block);
	assert_int_equal(word(block + 4), size);
	assert_int_equal(word(block + size - 4), size);
	for (size_t n = 60; n < 64; n++) {
		emu_pcapng_packet(&packet, 1, UINT64_C(0x100000002), n, comment);
		size = sizeof(packet.before) + n + packet.tail;
		assert_int_equal(size % 4, 0);
		assert_int_equal(word(packet.before + 4), size);
		assert_int_equal(word(packet.behind + packet.tail - 4), size);
		assert_int_equal(word(packet.before + 12), 1);
		assert_int_equal(word(packet.before + 16), 2);
		assert_int_equal(word(packet.before + 20), n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crc_is_that_of_ethernet),
		cmocka_unit_test(a_send_over_ipv4),
		cmocka_unit_test(the_checksum_of_ipv4_is_right),
		cmocka_unit_test(the_icrc_covers_what_is_invariant),
		cmocka_unit_test(opcodes_by_place),
		cmocka_unit_test(infiniband_has_a_local_header),
		cmocka_unit_test(the_largest_frame_fits),
		cmocka_unit_test(blocks_have_their_length_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
