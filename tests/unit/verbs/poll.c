/* SPDX-License-Identifier: MIT */
/* Polling by ibv_poll_cq(). */
#include "polling.h"

POLLING_TESTS(false)
