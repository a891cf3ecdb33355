/* SPDX-License-Identifier: MIT */
/*
 * JSON endpoints: what is read is valid, and is read again from what we write of it.
 */
#include "fuzz.h"

#include <string.h>

#include <bareverbs/bareverbs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t wire[2][BV_ENDPOINT_WIRE_SIZE];
	char text[BV_ENDPOINT_JSON_MAX];
	struct bv_endpoint ep;
	int length;

	if (bv_endpoint_from_json((const char *)data, size, &ep) == 0) {
		require(bv_endpoint_encode(&ep, wire[0]) == 0);
		length = bv_endpoint_to_json(&ep, text, sizeof(text));
		require(length > 0 && strlen(text) == (size_t)length);
		require(bv_endpoint_from_json(text, (size_t)length, &ep) == 0);
		require(bv_endpoint_encode(&ep, wire[1]) == 0);
		require(memcmp(wire[0], wire[1], sizeof(wire[0])) == 0);
	}
	return 0;
}
