/* SPDX-License-Identifier: MIT */
/*
 * Doing each of many things at each place of the send ring.
 *
 * Order: wherever the rings stand, the next thing that was not yet done at that place; a filler when
 * there is none. So all is done without going round for each.
 */
#ifndef BV_TESTS_ORACLE_PLACES_H
#define BV_TESTS_ORACLE_PLACES_H

#include "twin.h"

/* Where both send rings stand, in blocks, and both receive rings, in strides. */
uint32_t place_send(const struct twin *t);
uint32_t place_recv(const struct twin *t);

/* Calls @run with 0..n - 1 at each place; @fill moves on by one block. */
void at_every_place(const struct twin *t, size_t n, void (*run)(const struct twin *t, size_t i),
		    void (*fill)(const struct twin *t));

#endif
