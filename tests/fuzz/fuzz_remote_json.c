/* SPDX-License-Identifier: MIT */
/*
 * JSON remote regions: what is read does not wrap, and is read again from what we write of it.
 */
#include "fuzz.h"

#include <string.h>

#include <bareverbs/bareverbs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bv_remote remote, again;
	char text[BV_REMOTE_JSON_MAX];
	int length;

	if (bv_remote_from_json((const char *)data, size, &remote) == 0) {
		require(remote.length == 0 || remote.length - 1 <= UINT64_MAX - remote.addr);
		length = bv_remote_to_json(&remote, text, sizeof(text));
		require(length > 0 && strlen(text) == (size_t)length);
		require(bv_remote_from_json(text, (size_t)length, &again) == 0);
		require(again.addr == remote.addr && again.length == remote.length &&
			again.rkey == remote.rkey);
	}
	return 0;
}
