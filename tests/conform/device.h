/* SPDX-License-Identifier: MIT */
/*
 * What the suite knows of the device under test, found at run time because the same program runs on
 * other devices, too: whether it is mlx5emu in manual mode, and where it departs from the
 * specification.
 */
#ifndef TESTS_CONFORM_DEVICE_H
#define TESTS_CONFORM_DEVICE_H

#include <stdbool.h>

#include <bareverbs/bareverbs.h>

bool device_is_manual(void);
bool device_is_emulated(void);
void device_step(void);
/* The device under test; @list is freed by the caller. */
const struct bv_device_info *device_info(struct bv_device_info **list);
/* The port of it that the tests use; the same. */
const struct bv_port_info *device_port(struct bv_device_info **list);
/*
 * The status that a failed work must have: @specified, or @reported where it is known that this
 * device says so instead.
 */
enum bv_status device_status(enum bv_status specified, enum bv_status reported);
/* Whether a responder raises an asynchronous event when it refuses access. */
bool device_raises_access_errors(void);

/* Puts a fault plan (mlx5emu(1)) into force, "" none. False: this device takes no plans. */
bool device_plan(const char *plan);

/* False, and why: no provider of this build can drive the device, so there is nothing to test. */
bool device_drivable(char *why, size_t size);

#endif
