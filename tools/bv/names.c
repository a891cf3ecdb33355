/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <stddef.h>

const char *name_of_state(enum bv_port_state state)
{
	static const char *const names[] = { "NOP",   "DOWN",   "INIT",
					     "ARMED", "ACTIVE", "ACTIVE_DEFER" };

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *name_of_link(enum bv_link_layer link)
{
	return link == BV_LINK_ETHERNET   ? "Ethernet" :
	       link == BV_LINK_INFINIBAND ? "InfiniBand" :
					    "unknown";
}

const char *name_of_gid_type(enum bv_gid_type type)
{
	return type == BV_GID_ROCE_V2 ? "RoCE v2" : type == BV_GID_ROCE_V1 ? "RoCE v1" : "IB";
}
