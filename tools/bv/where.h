/* SPDX-License-Identifier: MIT */
/* The options that say where a command runs: device, port, GID and providers. */
#ifndef BV_TOOLS_BV_WHERE_H
#define BV_TOOLS_BV_WHERE_H

#include <stddef.h>
#include <stdint.h>

#include "select.h"

struct where {
	const char *device; /* NULL is the only one there is */
	uint8_t port;
	int gid_index;
	char provider[SELECT_MAX_PROVIDERS][16];
	size_t nproviders; /* 0: all that can */
};

#define WHERE_DEFAULT ((struct where){ .port = 1, .gid_index = BV_GID_AUTO })

/* A child of a command's own; at ARGP_KEY_INIT the command points child_inputs[] to a struct where. */
extern const struct argp where_argp;

/* select_device() of them. */
int where_select(const struct where *where, struct selection *selection);

#endif
