/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MLX5EMU_RELAY_RIG_H
#define TESTS_UNIT_MLX5EMU_RELAY_RIG_H

#include "xrc_rig.h"

#include "tools/mlx5emu/fabric/relay.h"

/*
 * XRC between processes (engine/relay.h), of which the test is one: the process of the rig has slot 1,
 * stepped by hand, and the test speaks and hears for slot 2.
 */

extern const struct emu_domain_key relay_domain; /* that of the rig has this key */
extern struct emu_fabric *relay_other;           /* slot 2 */

/* cmocka fixtures; _thread: the rig's device has one. */
int relay_setup(void **state);
int relay_setup_thread(void **state);
int relay_teardown(void **state);

/* The process of slot 2 ends, or is there again. */
void relay_leave(void);
void relay_join(void);

/* The next relay that the rig sent, until the next one; false when there is none. */
bool relay_hear(struct emu_relayed *m);
struct emu_relayed relay_expect(enum emu_relay_kind kind);
void relay_expect_silence(void);

/* The packet in a question. */
struct emu_packet relay_packet(const struct emu_relayed *m);

/* To the rig, which then makes a step. */
void relay_say(const struct emu_relayed *m, const void *payload);

#endif
