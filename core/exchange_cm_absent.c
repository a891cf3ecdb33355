/* SPDX-License-Identifier: MIT */
/*
 * Instead of exchange_cm.c where librdmacm was not there to build with.
 */
#include <bareverbs/exchange.h>

#include "error.h"

int bv_exchange_cm(struct bv_channel *ch, const char *address, enum bv_exchange_role role,
		   struct bv_exchange *data, int64_t timeout_ns)
{
	(void)ch;
	(void)address;
	(void)role;
	(void)data;
	(void)timeout_ns;
	return bvi_fail(-EOPNOTSUPP,
			"bv_exchange_cm: this library was built without librdmacm: install "
			"librdmacm-dev and build again, or use bv_exchange_tcp()");
}
