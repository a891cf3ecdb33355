/* SPDX-License-Identifier: MIT */
/* The wire between processes: headers that lie, sockets that are full, senders that are strangers. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/mlx5emu/fabric/address.h"
#include "tools/mlx5emu/fabric/relay.h"
#include "tools/mlx5emu/fabric/wire.h"

static const struct emu_packet good = {
	.opcode = EMU_WIRE_WRITE,
	.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_IMM | EMU_WIRE_SOLICITED,
	.mtu = 3,
	.pkey = 0x8001,
	.src_qpn = 0x010002,
	.dst_qpn = 0x030004,
	.psn = 0xfffffe,
	.length = 100,
	.raddr = 0x1122334455667788,
	.rkey = 0x99aabbcc,
	.dma_len = 100,
	.imm = 0xddeeff00,
	.compare = 0x0102030405060708,
	.swap_add = 0x1112131415161718,
};

static const char *decode_as(const struct emu_packet *p, struct emu_packet *out)
{
	uint8_t datagram[EMU_WIRE_HEADER + 4096] = { 0 };

	emu_wire_encode(p, datagram);
	return emu_wire_decode(datagram, EMU_WIRE_HEADER + p->length, out);
}

static void headers_survive_the_trip(void **state)
{
	struct emu_packet out;

	(void)state;
	assert_null(decode_as(&good, &out));
	assert_int_equal(out.opcode, good.opcode);
	assert_int_equal(out.flags, good.flags);
	assert_int_equal(out.mtu, good.mtu);
	assert_int_equal(out.src_qpn, good.src_qpn);
	assert_int_equal(out.dst_qpn, good.dst_qpn);
	assert_int_equal(out.pkey, good.pkey);
	assert_int_equal(out.psn, good.psn);
	assert_int_equal(out.length, good.length);
	assert_true(out.raddr == good.raddr);
	assert_int_equal(out.rkey, good.rkey);
	assert_int_equal(out.dma_len, good.dma_len);
	assert_int_equal(out.imm, good.imm);
	assert_true(out.compare == good.compare);
	assert_true(out.swap_add == good.swap_add);
}

#define REFUSED(words, ...)                          \
	do {                                         \
		struct emu_packet lie = good, out;   \
		const char *why;                     \
		__VA_ARGS__;                         \
		why = decode_as(&lie, &out);         \
		assert_non_null(why);                \
		assert_non_null(strstr(why, words)); \
	} while (0)

static void lies_are_refused(void **state)
{
	(void)state;
	REFUSED("unknown opcode", lie.opcode = 0);
	REFUSED("unknown opcode", lie.opcode = (enum emu_wire_opcode)9);
	REFUSED("flag", lie.flags = 0x10);
	REFUSED("flag", lie.opcode = EMU_WIRE_READ; lie.length = 0);
	REFUSED("MTU", lie.mtu = 0);
	REFUSED("MTU", lie.mtu = 6);
	REFUSED("24 bits", lie.psn = 1 << 24);
	REFUSED("24 bits", lie.src_qpn = 1 << 24);
	REFUSED("no partition", lie.pkey = 0x8000);
	REFUSED("24 bits", lie.dst_qpn = UINT32_MAX);
	REFUSED("DMA length", lie.dma_len = (1 << 30) + 1);
	REFUSED("wraps", lie.raddr = UINT64_MAX - 50);
	REFUSED("AETH", lie.syndrome = 1);
	REFUSED("no multiple", lie.flags = EMU_WIRE_FIRST);
	REFUSED("no multiple", lie.flags = 0; lie.length = 0);
	REFUSED("before the last", lie.flags = EMU_WIRE_IMM; lie.length = 1024);
	REFUSED("unknown transport", lie.service = (enum emu_wire_service)2);
	REFUSED("Q_Key", lie.qkey = 1);
	REFUSED("SRQ number", lie.service = EMU_SERVICE_XRC; lie.srqn = 1 << 24);
	REFUSED("message number", lie.opcode = EMU_WIRE_ACK; lie.flags = 0; lie.length = 0;
		lie.msn = 1 << 24);
	REFUSED("UC does not have", lie.service = EMU_SERVICE_UC; lie.opcode = EMU_WIRE_READ);
	REFUSED("UD does not have", lie.service = EMU_SERVICE_UD);
	REFUSED("UD does not have", lie.service = EMU_SERVICE_UD; lie.opcode = EMU_WIRE_SEND;
		lie.flags = EMU_WIRE_LAST);
	REFUSED("without GRH", lie.service = EMU_SERVICE_UD; lie.opcode = EMU_WIRE_SEND;
		lie.length = 39);
	REFUSED("longer than the MTU", lie.service = EMU_SERVICE_UD; lie.opcode = EMU_WIRE_SEND;
		lie.length = EMU_WIRE_GRH + 1025);
	REFUSED("payload where", lie.opcode = EMU_WIRE_ACK; lie.flags = 0);
}

static void datagrams_are_measured(void **state)
{
	uint8_t datagram[EMU_WIRE_HEADER + 101] = { 0 };
	struct emu_packet out;

	(void)state;
	emu_wire_encode(&good, datagram);
	for (size_t size = 0; size < EMU_WIRE_HEADER + 100; size++)
		assert_non_null(emu_wire_decode(datagram, size, &out));
	assert_non_null(emu_wire_decode(datagram, sizeof(datagram), &out));
	assert_null(emu_wire_decode(datagram, sizeof(datagram) - 1, &out));
}

/* Every bit of the header, turned: refused, or decoded to something in range. */
static void turned_bits_stay_in_range(void **state)
{
	uint8_t datagram[EMU_WIRE_HEADER + 100] = { 0 };
	struct emu_packet out;

	(void)state;
	emu_wire_encode(&good, datagram);
	for (unsigned bit = 0; bit < EMU_WIRE_HEADER * 8; bit++) {
		datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!emu_wire_decode(datagram, sizeof(datagram), &out)) {
			assert_in_range(out.mtu, 1, 5);
			assert_in_range(out.opcode, EMU_WIRE_SEND, EMU_WIRE_ATOMIC_ACK);
			assert_true(out.psn < 1 << 24 && out.dst_qpn < 1 << 24);
			assert_true(out.dma_len <= 1 << 30);
			assert_int_equal(out.length, 100);
		}
		datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* ---- relays ---- */

static uint8_t buffer[EMU_RELAY_HEADER + EMU_WIRE_MAX_PAYLOAD + 1];

static const char *decode_relay(const struct emu_relayed *m, struct emu_relayed *out)
{
	emu_relay_encode(m, buffer);
	return emu_relay_decode(buffer, EMU_RELAY_HEADER + (size_t)m->length, out);
}

static void relays_survive_the_trip(void **state)
{
	const struct emu_relayed m = {
		.kind = EMU_RELAY_DONE,
		.flags = EMU_RELAY_FATAL,
		.syndrome = 0x63,
		.qpn = 0x123456,
		.number = UINT64_MAX,
		.since = UINT64_MAX - 1,
		.value = 0x1122334455667788,
		.domain = { 1, UINT64_MAX, 3 },
		.length = 7,
	};
	struct emu_relayed out;

	(void)state;
	assert_null(decode_relay(&m, &out));
	assert_ptr_equal(out.payload, buffer + EMU_RELAY_HEADER);
	out.payload = NULL;
	assert_int_equal(out.kind, m.kind);
	assert_int_equal(out.flags, m.flags);
	assert_int_equal(out.syndrome, m.syndrome);
	assert_int_equal(out.qpn, m.qpn);
	assert_true(out.number == m.number && out.value == m.value && out.since == m.since);
	assert_true(out.domain.dev == 1 && out.domain.ino == UINT64_MAX && out.domain.device == 3);
	assert_int_equal(out.length, 7);
}

#define RELAY_REFUSED(words, ...)                                                      \
	do {                                                                           \
		struct emu_relayed lie = { .kind = EMU_RELAY_DONE, .number = 1 }, out; \
		const char *why;                                                       \
		__VA_ARGS__;                                                           \
		why = decode_relay(&lie, &out);                                        \
		assert_non_null(why);                                                  \
		assert_non_null(strstr(why, words));                                   \
	} while (0)

static void relayed_lies_are_refused(void **state)
{
	struct emu_relayed m = { .kind = EMU_RELAY_DONE, .number = 1, .length = 9 };

	(void)state;
	RELAY_REFUSED("unknown kind", lie.kind = (enum emu_relay_kind)0);
	RELAY_REFUSED("unknown kind", lie.kind = (enum emu_relay_kind)6);
	RELAY_REFUSED("24 bits", lie.qpn = 1 << 24);
	RELAY_REFUSED("flag", lie.flags = EMU_RELAY_FLUSH);
	RELAY_REFUSED("flag", lie.kind = EMU_RELAY_END; lie.number = 0;
		      lie.flags = EMU_RELAY_FATAL);
	RELAY_REFUSED("number", lie.number = 0);
	RELAY_REFUSED("number", lie.kind = EMU_RELAY_END);
	RELAY_REFUSED("without its packet", lie.kind = EMU_RELAY_REQUEST);
	RELAY_REFUSED("payload", lie.length = EMU_WIRE_MAX_PAYLOAD + 1);
	RELAY_REFUSED("payload", lie.kind = EMU_RELAY_END; lie.number = 0; lie.length = 1);
	emu_relay_encode(&m, buffer);
	for (size_t size = 0; size < EMU_RELAY_HEADER + 9; size++)
		assert_non_null(emu_relay_decode(buffer, size, &m));
	assert_null(emu_relay_decode(buffer, EMU_RELAY_HEADER + 9, &m));
	buffer[2]++;
	assert_non_null(emu_relay_decode(buffer, EMU_RELAY_HEADER + 9, &m));
}

/* ---- sockets ---- */

static char run_id[32];

static int open_pair(struct emu_fabric **one, struct emu_fabric **two)
{
	snprintf(run_id, sizeof(run_id), "unit-%d", (int)getpid());
	assert_int_equal(emu_fabric_open(run_id, one), 0);
	assert_int_equal(emu_fabric_open(run_id, two), 0);
	assert_int_equal(emu_fabric_slot(*one), 1);
	assert_int_equal(emu_fabric_slot(*two), 2);
	return 0;
}

static void expect_number(struct emu_fabric *fabric, uint32_t number)
{
	uint32_t got[16384];
	size_t size;
	unsigned slot;

	assert_int_equal(emu_fabric_receive(fabric, got, sizeof(got), &size, &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(got[0], number);
	assert_int_equal(size, sizeof(got));
}

static void full_sockets_keep_order(void **state)
{
	uint32_t data[16384] = { 0 };
	struct emu_fabric *one, *two;
	size_t size;
	unsigned slot;

	(void)state;
	open_pair(&one, &two);
	for (uint32_t i = 0; i < 500; i++) {
		data[0] = i;
		assert_int_equal(emu_fabric_send(one, 2, data, sizeof(data), true), 0);
	}
	assert_true(emu_fabric_waiting(one));
	assert_false(emu_fabric_clear(one, 2));
	assert_int_equal(emu_fabric_send(one, 2, data, sizeof(data), false), -EAGAIN);
	for (uint32_t i = 0; i < 500; i++) {
		emu_fabric_flush(one);
		expect_number(two, i);
	}
	assert_int_equal(emu_fabric_receive(two, data, sizeof(data), &size, &slot), -EAGAIN);
	emu_fabric_flush(one);
	assert_false(emu_fabric_waiting(one));
	assert_true(emu_fabric_clear(one, 2));
	emu_fabric_close(one);
	emu_fabric_close(two);
}

static void dead_slots_swallow(void **state)
{
	struct emu_fabric *one, *two;
	uint8_t data[100] = { 0 };

	(void)state;
	open_pair(&one, &two);
	for (unsigned i = 0; i < 100; i++)
		emu_fabric_send(one, 2, data, sizeof(data), true);
	assert_true(emu_fabric_waiting(one));
	emu_fabric_close(two);
	emu_fabric_flush(one);
	assert_false(emu_fabric_waiting(one));
	assert_int_equal(emu_fabric_send(one, 2, data, sizeof(data), false), 0);
	assert_int_equal(emu_fabric_send(one, 77, data, sizeof(data), false), 0);
	assert_int_equal(emu_fabric_send(one, 0, data, sizeof(data), false), 0);
	assert_int_equal(emu_fabric_send(one, 300, data, sizeof(data), false), 0);
	emu_fabric_close(one);
}

/* A datagram whose sender is no slot of this run is as good as none. */
static void strangers_are_not_heard(void **state)
{
	struct emu_fabric *one, *two;
	struct sockaddr_un name;
	uint8_t data[100] = { 0 };
	size_t size;
	unsigned slot;
	socklen_t len;
	int fd;

	(void)state;
	open_pair(&one, &two);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	len = emu_address_make(&name, run_id, 1);
	assert_int_equal(sendto(fd, data, 100, 0, (struct sockaddr *)&name, len), 100);
	assert_int_equal(emu_fabric_receive(one, data, sizeof(data), &size, &slot), -EAGAIN);
	assert_int_equal(emu_fabric_send(two, 1, data, sizeof(data), false), 0);
	assert_int_equal(emu_fabric_receive(one, data, sizeof(data) - 1, &size, &slot), -EAGAIN);
	close(fd);
	emu_fabric_close(one);
	emu_fabric_close(two);
}

static void slots_run_out(void **state)
{
	struct emu_fabric *all[EMU_SLOTS], *more;

	(void)state;
	snprintf(run_id, sizeof(run_id), "unit-%d", (int)getpid());
	for (unsigned i = 1; i < EMU_SLOTS; i++) {
		assert_int_equal(emu_fabric_open(run_id, &all[i]), 0);
		assert_int_equal(emu_fabric_slot(all[i]), i);
	}
	assert_int_equal(emu_fabric_open(run_id, &more), -EADDRINUSE);
	emu_fabric_close(all[100]);
	assert_int_equal(emu_fabric_open(run_id, &all[100]), 0);
	assert_int_equal(emu_fabric_slot(all[100]), 100);
	for (unsigned i = 1; i < EMU_SLOTS; i++)
		emu_fabric_close(all[i]);
}

static void names_are_read_strictly(void **state)
{
	struct sockaddr_un name;
	socklen_t len;

	(void)state;
	assert_true(emu_address_valid("Run-1_x"));
	assert_false(emu_address_valid("a.b"));
	assert_false(emu_address_valid("a/b"));
	len = emu_address_make(&name, "run", 254);
	assert_int_equal(emu_address_slot(&name, len, "run"), 254);
	assert_int_equal(emu_address_slot(&name, len, "ruN"), 0);
	assert_int_equal(emu_address_slot(&name, len, "ru"), 0);
	assert_int_equal(emu_address_slot(&name, len - 1, "run"), 25);
	assert_int_equal(emu_address_slot(&name, 0, "run"), 0);
	len = emu_address_make(&name, "run", 255);
	assert_int_equal(emu_address_slot(&name, len, "run"), 0);
	len = emu_address_make(&name, "run", 0);
	assert_int_equal(emu_address_slot(&name, len, "run"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_survive_the_trip),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(datagrams_are_measured),
		cmocka_unit_test(turned_bits_stay_in_range),
		cmocka_unit_test(relays_survive_the_trip),
		cmocka_unit_test(relayed_lies_are_refused),
		cmocka_unit_test(full_sockets_keep_order),
		cmocka_unit_test(dead_slots_swallow),
		cmocka_unit_test(strangers_are_not_heard),
		cmocka_unit_test(slots_run_out),
		cmocka_unit_test(names_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
