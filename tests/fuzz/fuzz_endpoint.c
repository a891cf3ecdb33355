/* SPDX-License-Identifier: MIT */
/*
 * Binary endpoints: what decodes is valid, and encodes to the very same bytes.
 */
#include "fuzz.h"

#include <string.h>

#include <bareverbs/bareverbs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t wire[BV_ENDPOINT_WIRE_SIZE];
	struct bv_endpoint ep;

	if (bv_endpoint_decode(data, size, &ep) == 0) {
		require(bv_endpoint_encode(&ep, wire) == 0);
		require(size == sizeof(wire) && memcmp(wire, data, size) == 0);
	}
	return 0;
}
