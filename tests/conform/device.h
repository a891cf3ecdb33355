/* SPDX-License-Identifier: MIT */
/*
 * What the suite knows of the device beyond bareverbs: whether it is mlx5emu in manual mode, found
 * at run time because the same program runs on other devices, too.
 */
#ifndef TESTS_CONFORM_DEVICE_H
#define TESTS_CONFORM_DEVICE_H

#include <stdbool.h>

bool device_is_manual(void);
void device_step(void);

#endif
