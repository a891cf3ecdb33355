/* SPDX-License-Identifier: MIT */
/*
 * An emulated device in manual mode (`mlx5emu run --manual`) does nothing until it is told to. Any
 * other device works by itself: then these calls do nothing.
 */
#ifndef BV_TOOLS_BV_STEPPER_H
#define BV_TOOLS_BV_STEPPER_H

#include <stdbool.h>

/* Whether the device must be stepped. Ask when one is open. */
bool stepper_is_manual(void);

/* Lets a manual device do all that it has been asked for. */
void stepper_settle(void);

#endif
