/* SPDX-License-Identifier: MIT */
/* How bv calls what the library has numbers for. */
#ifndef BV_TOOLS_BV_NAMES_H
#define BV_TOOLS_BV_NAMES_H

#include <bareverbs/device.h>

const char *name_of_state(enum bv_port_state state);
const char *name_of_link(enum bv_link_layer link);
const char *name_of_gid_type(enum bv_gid_type type);

#endif
