/* SPDX-License-Identifier: MIT */
/* What refusals.c has of core. */
#ifndef BV_TESTS_UNIT_REFUSALS_H
#define BV_TESTS_UNIT_REFUSALS_H

/* So many refusals a test asks for; one more fails it. */
extern unsigned refusals_wanted;

#endif
