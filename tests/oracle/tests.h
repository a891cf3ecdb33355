/* SPDX-License-Identifier: MIT */
/*
 * The tests, on a twin as their state. They may run in any order.
 */
#ifndef BV_TESTS_ORACLE_TESTS_H
#define BV_TESTS_ORACLE_TESTS_H

/* What is being posted, for the message of a failure. */
extern char oracle_now[128];

void every_request_at_every_place(void **state); /* requests.c */
void every_chain_at_every_place(void **state);   /* chains.c */
void arming(void **state);                       /* arming.c */

#endif
