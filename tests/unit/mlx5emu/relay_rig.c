/* SPDX-License-Identifier: MIT */
#include "relay_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct emu_domain_key relay_domain = { .dev = 5, .ino = 77, .device = 0 };
struct emu_fabric *relay_other;

static char run_id[32];

void relay_join(void)
{
	assert_int_equal(emu_fabric_open(run_id, &relay_other), 0);
	assert_int_equal(emu_fabric_slot(relay_other), 2);
}

void relay_leave(void)
{
	emu_fabric_close(relay_other);
}

static void set_up(bool manual)
{
	const struct emu_run_config run = { .manual = manual, .run_id = run_id };
	const struct emu_xrcd_open how = {
		.fd = 0,
		.dev = relay_domain.dev,
		.ino = relay_domain.ino,
		.create = true,
	};

	snprintf(run_id, sizeof(run_id), "unit-relay-%d", (int)getpid());
	xrc_setup(&run, &how);
	relay_join();
}

int relay_setup(void **state)
{
	(void)state;
	set_up(true);
	return 0;
}

int relay_setup_thread(void **state)
{
	(void)state;
	set_up(false);
	return 0;
}

int relay_teardown(void **state)
{
	(void)state;
	xrc_teardown();
	relay_leave();
	return 0;
}

bool relay_hear(struct emu_relayed *m)
{
	static uint8_t buffer[EMU_RELAY_MAX];
	size_t size;
	unsigned slot;

	if (emu_fabric_receive(relay_other, buffer, sizeof(buffer), &size, &slot) < 0)
		return false;
	assert_int_equal(slot, 1);
	assert_null(emu_relay_decode(buffer, size, m));
	return true;
}

struct emu_relayed relay_expect(enum emu_relay_kind kind)
{
	struct emu_relayed m;

	assert_true(relay_hear(&m));
	assert_int_equal(m.kind, kind);
	return m;
}

void relay_expect_silence(void)
{
	struct emu_relayed m;

	assert_false(relay_hear(&m));
}

struct emu_packet relay_packet(const struct emu_relayed *m)
{
	struct emu_packet p;

	assert_null(emu_wire_decode(m->payload, m->length, &p));
	return p;
}

void relay_say(const struct emu_relayed *m, const void *payload)
{
	uint8_t *out = malloc(EMU_RELAY_HEADER + m->length + 1);

	assert_non_null(out);
	emu_relay_encode(m, out);
	if (m->length)
		memcpy(out + EMU_RELAY_HEADER, payload, m->length);
	assert_int_equal(emu_fabric_send(relay_other, 1, out, EMU_RELAY_HEADER + m->length, true),
			 0);
	free(out);
	mlx5emu_step();
}
