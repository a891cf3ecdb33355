/* SPDX-License-Identifier: MIT */
/*
 * Binary remote regions: what decodes does not wrap, and encodes to the very same bytes.
 */
#include "fuzz.h"

#include <string.h>

#include <bareverbs/bareverbs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t wire[BV_REMOTE_WIRE_SIZE];
	struct bv_remote remote;

	if (bv_remote_decode(data, size, &remote) == 0) {
		require(remote.length == 0 || remote.length - 1 <= UINT64_MAX - remote.addr);
		bv_remote_encode(&remote, wire);
		require(size == sizeof(wire) && memcmp(wire, data, size) == 0);
	}
	return 0;
}
