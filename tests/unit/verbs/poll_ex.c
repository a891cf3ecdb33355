/* SPDX-License-Identifier: MIT */
/* Polling by ibv_start_poll(), ibv_next_poll() and ibv_end_poll(). */
#include "polling.h"

POLLING_TESTS(true)
