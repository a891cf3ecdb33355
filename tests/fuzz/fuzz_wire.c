/* SPDX-License-Identifier: MIT */
/*
 * Datagrams between the processes of a run of mlx5emu: whatever the bytes, a packet or a relay that survives another
 * trip, and the frames that a capture shows of it, or a reason.
 */
#include "fuzz.h"

#include <string.h>

#include "tools/mlx5emu/fabric/relay.h"
#include "tools/mlx5emu/fabric/wire.h"
#include "tools/mlx5emu/trace/frame.h"

/* Every link that a packet can be shown on. */
static const struct emu_route routes[] = {
	{ .link = EMU_LINK_ROCE_V2, .global = true },
	{ .link = EMU_LINK_ROCE_V2,
	  .global = true,
	  .sgid = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
	  .dgid = { [10] = 0xff, 0xff, 192, 0, 2, 2 } },
	{ .link = EMU_LINK_ROCE_V1, .global = true },
	{ .link = EMU_LINK_IB },
	{ .link = EMU_LINK_IB, .global = true },
};

static void check_frames(const struct emu_packet *p)
{
	const uint32_t count = emu_frame_count(p);
	uint8_t frame[EMU_FRAME_MAX];
	uint64_t carried = 0;

	require(count >= 1);
	for (uint32_t i = 0; i < count && p->length; i++) {
		const uint8_t *at = NULL;
		const uint32_t n = emu_frame_payload(p, i, &at);

		require(n <= emu_mtu_bytes(p->mtu));
		require(!n || (at >= p->payload && at + n <= p->payload + p->length));
		carried += n;
	}
	require(carried == (p->service == EMU_SERVICE_UD ? p->length - EMU_WIRE_GRH : p->length));
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const size_t first = emu_frame_make(&routes[i], p, 0, frame);
		const size_t last = emu_frame_make(&routes[i], p, count - 1, frame);

		require(first <= EMU_FRAME_MAX && last <= EMU_FRAME_MAX && first && last);
	}
}

static void check_packet(const uint8_t *data, size_t size)
{
	uint8_t again[EMU_WIRE_HEADER], third[EMU_WIRE_HEADER];
	struct emu_packet p;

	if (emu_wire_decode(data, size, &p))
		return;
	require(p.payload == data + EMU_WIRE_HEADER && p.length == size - EMU_WIRE_HEADER);
	emu_wire_encode(&p, again);
	check_frames(&p);
	/* The header alone says as much as before: without its payload it is refused, with it the same. */
	if (p.length == 0) {
		require(!emu_wire_decode(again, sizeof(again), &p));
		emu_wire_encode(&p, third);
		require(memcmp(again, third, sizeof(again)) == 0);
	} else {
		require(emu_wire_decode(again, sizeof(again), &p));
	}
}

static void check_relay(const uint8_t *data, size_t size)
{
	uint8_t again[EMU_RELAY_HEADER];
	struct emu_relayed m, twin;

	if (emu_relay_decode(data, size, &m))
		return;
	require(m.payload == data + EMU_RELAY_HEADER && m.length == size - EMU_RELAY_HEADER);
	emu_relay_encode(&m, again);
	require(emu_relay_is(again, sizeof(again)));
	require(!emu_relay_decode(again, sizeof(again), &twin) == !m.length);
	if (m.kind == EMU_RELAY_REQUEST || m.kind == EMU_RELAY_FETCH)
		check_packet(m.payload, m.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (emu_relay_is(data, size))
		check_relay(data, size);
	else
		check_packet(data, size);
	return 0;
}
