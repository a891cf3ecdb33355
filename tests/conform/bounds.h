/* SPDX-License-Identifier: MIT */
/* Requests that come over a network may come from anybody: what is held against bounds before. */
#ifndef TESTS_CONFORM_BOUNDS_H
#define TESTS_CONFORM_BOUNDS_H

#include "local.h"

/* Whether local_execute() can take it: no index, list or memory beyond what @local has. */
bool request_fits(const struct local *local, const struct request *req);

#endif
