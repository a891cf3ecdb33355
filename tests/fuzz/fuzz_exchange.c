/* SPDX-License-Identifier: MIT */
/*
 * Frames of an exchange, as a socket gives them: the size that a header announces is bounded, what
 * decodes encodes to the very same bytes, and a reason is printable. Every input is tried once more
 * with a good checksum, or nothing would ever get past it.
 */
#include "fuzz.h"

#include <string.h>

#include <bareverbs/bareverbs.h>

#include "core/crc32c.h"
#include "core/frame.h"
#include "core/wire.h"

static void read_hello(const uint8_t *frame, size_t size)
{
	static struct bv_remote regions[BV_EXCHANGE_REGIONS_MAX];
	static uint8_t blob[BV_EXCHANGE_BLOB_MAX], again[BVI_FRAME_MAX];
	struct bv_exchange data = { .peer_regions = regions,
				    .max_peer_regions = BV_EXCHANGE_REGIONS_MAX,
				    .peer_blob = blob,
				    .max_peer_blob = BV_EXCHANGE_BLOB_MAX };
	struct bvi_hello hello;

	if (bvi_hello_decode(frame, size, &hello) < 0)
		return;
	require(bvi_hello_fits(&hello, &data) == 0);
	bvi_hello_deliver(&hello, &data);
	data.regions = regions;
	data.nregions = data.npeer_regions;
	data.blob = blob;
	data.blob_size = data.peer_blob_size;
	require(bvi_hello_size(&data) == size);
	require(bvi_hello_encode(&hello.endpoint, &data, again) == 0);
	require(memcmp(again, frame, size) == 0);
	data.max_peer_blob = hello.blob_size - 1;
	require(hello.blob_size == 0 || bvi_hello_fits(&hello, &data) < 0);
}

static void read_reason(const uint8_t *frame, size_t size)
{
	char text[BVI_FRAME_REASON_MAX + 1];

	require(strlen(bvi_failed_text(frame, size, text)) <= size);
	for (const char *c = text; *c; c++)
		require(*c == '\n' || (*c >= ' ' && *c <= '~'));
}

static void read_frame(const uint8_t *frame, size_t size)
{
	switch (bvi_frame_type(frame, size)) {
	case BVI_FRAME_HELLO:
		read_hello(frame, size);
		break;
	case BVI_FRAME_FAILED:
		read_reason(frame, size);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame;
	int whole;

	if (size < BVI_FRAME_HEADER)
		return 0;
	whole = bvi_frame_size(data);
	require(whole < 0 || whole <= (int)BVI_FRAME_MAX);
	if (whole < 0 || (size_t)whole > size)
		return 0;
	/* A block of its own size: a byte too many is seen. */
	frame = malloc((size_t)whole);
	require(frame);
	memcpy(frame, data, (size_t)whole);
	read_frame(frame, (size_t)whole);
	bvi_put_be32(frame + whole - BVI_FRAME_CRC,
		     bvi_crc32c(frame, (size_t)whole - BVI_FRAME_CRC));
	read_frame(frame, (size_t)whole);
	free(frame);
	return 0;
}
