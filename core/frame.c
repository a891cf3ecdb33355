/* SPDX-License-Identifier: MIT */
/*
 * Frames. What is read here came from anybody: each length is held against the bytes that are
 * there before it is used.
 */
#include "frame.h"

#include <string.h>

#include "crc32c.h"
#include "error.h"
#include "wire.h"

#define MAGIC 0x42564558u /* "BVEX" */
#define OFF_VERSION 4
#define OFF_TYPE 6
#define OFF_LENGTH 8

/* Offsets in a HELLO's frame. */
#define OFF_ENDPOINT BVI_FRAME_HEADER
#define OFF_NREGIONS (OFF_ENDPOINT + BV_ENDPOINT_WIRE_SIZE)
#define OFF_BLOB_SIZE (OFF_NREGIONS + 4)
#define OFF_REGIONS (OFF_BLOB_SIZE + 4)

#define HELLO_BODY_MIN (OFF_REGIONS - BVI_FRAME_HEADER)
#define FRAME_EMPTY (BVI_FRAME_HEADER + BVI_FRAME_CRC)

static void seal(uint8_t *frame, enum bvi_frame_type type, size_t length)
{
	const size_t covered = BVI_FRAME_HEADER + length;

	bvi_put_be32(frame, MAGIC);
	bvi_put_be16(frame + OFF_VERSION, BV_EXCHANGE_VERSION);
	bvi_put_be16(frame + OFF_TYPE, (uint16_t)type);
	bvi_put_be32(frame + OFF_LENGTH, (uint32_t)length);
	bvi_put_be32(frame + covered, bvi_crc32c(frame, covered));
}

static bool length_fits(uint16_t type, uint32_t length)
{
	switch (type) {
	case BVI_FRAME_HELLO:
		return length >= HELLO_BODY_MIN && length <= BVI_FRAME_MAX - FRAME_EMPTY;
	case BVI_FRAME_READY:
		return length == 0;
	case BVI_FRAME_FAILED:
		return length >= 4 && length <= 4 + BVI_FRAME_REASON_MAX;
	default:
		return false;
	}
}

int bvi_frame_size(const uint8_t header[BVI_FRAME_HEADER])
{
	const uint32_t magic = bvi_get_be32(header), length = bvi_get_be32(header + OFF_LENGTH);
	const uint16_t version = bvi_get_be16(header + OFF_VERSION),
		       type = bvi_get_be16(header + OFF_TYPE);

	if (magic != MAGIC)
		return bvi_fail(-EBADMSG,
				"exchange: the other end is no bareverbs exchange: it began with "
				"0x%08x, not 0x%08x",
				magic, MAGIC);
	if (version != BV_EXCHANGE_VERSION)
		return bvi_fail(-EPROTO,
				"exchange of version %u; this library has version %u: run the same "
				"release on both sides",
				version, BV_EXCHANGE_VERSION);
	if (!length_fits(type, length))
		return bvi_fail(-EBADMSG,
				"exchange: a frame of type %u and %u bytes is none of version %u",
				type, length, BV_EXCHANGE_VERSION);
	return (int)(FRAME_EMPTY + length);
}

int bvi_frame_type(const uint8_t *frame, size_t size)
{
	const size_t covered = size - BVI_FRAME_CRC;

	if (bvi_get_be32(frame + covered) != bvi_crc32c(frame, covered))
		return bvi_fail(-EBADMSG, "exchange: damaged frame, the checksum does not match");
	return bvi_get_be16(frame + OFF_TYPE);
}

size_t bvi_hello_size(const struct bv_exchange *data)
{
	return OFF_REGIONS + (size_t)data->nregions * BV_REMOTE_WIRE_SIZE + data->blob_size +
	       BVI_FRAME_CRC;
}

int bvi_hello_encode(const struct bv_endpoint *endpoint, const struct bv_exchange *data,
		     uint8_t *frame)
{
	uint8_t *at = frame + OFF_REGIONS;
	int rc;

	rc = bv_endpoint_encode(endpoint, frame + OFF_ENDPOINT);
	if (rc < 0)
		return rc;
	bvi_put_be32(frame + OFF_NREGIONS, data->nregions);
	bvi_put_be32(frame + OFF_BLOB_SIZE, data->blob_size);
	for (uint32_t i = 0; i < data->nregions; i++, at += BV_REMOTE_WIRE_SIZE)
		bv_remote_encode(&data->regions[i], at);
	if (data->blob_size > 0)
		memcpy(at, data->blob, data->blob_size);
	seal(frame, BVI_FRAME_HELLO, bvi_hello_size(data) - FRAME_EMPTY);
	return 0;
}

/* Both counts are bounded before they are multiplied. */
static int check_counts(const struct bvi_hello *hello, size_t size)
{
	const size_t rest = size - OFF_REGIONS - BVI_FRAME_CRC;

	if (hello->nregions > BV_EXCHANGE_REGIONS_MAX || hello->blob_size > BV_EXCHANGE_BLOB_MAX ||
	    rest != (size_t)hello->nregions * BV_REMOTE_WIRE_SIZE + hello->blob_size)
		return bvi_fail(-EBADMSG,
				"exchange: a frame that announces %u regions and %u bytes has %zu "
				"bytes for them",
				hello->nregions, hello->blob_size, rest);
	return 0;
}

int bvi_hello_decode(const uint8_t *frame, size_t size, struct bvi_hello *hello)
{
	struct bv_remote region;
	int rc;

	rc = bv_endpoint_decode(frame + OFF_ENDPOINT, BV_ENDPOINT_WIRE_SIZE, &hello->endpoint);
	if (rc < 0)
		return rc;
	hello->nregions = bvi_get_be32(frame + OFF_NREGIONS);
	hello->blob_size = bvi_get_be32(frame + OFF_BLOB_SIZE);
	rc = check_counts(hello, size);
	if (rc < 0)
		return rc;
	hello->regions = frame + OFF_REGIONS;
	hello->blob = hello->regions + (size_t)hello->nregions * BV_REMOTE_WIRE_SIZE;
	for (uint32_t i = 0; i < hello->nregions; i++) {
		rc = bv_remote_decode(hello->regions + (size_t)i * BV_REMOTE_WIRE_SIZE,
				      BV_REMOTE_WIRE_SIZE, &region);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int bvi_hello_fits(const struct bvi_hello *hello, const struct bv_exchange *data)
{
	if (hello->nregions > data->max_peer_regions)
		return bvi_fail(-EMSGSIZE,
				"exchange: the peer tells %u regions, and there is room for %u: "
				"raise max_peer_regions",
				hello->nregions, data->max_peer_regions);
	if (hello->blob_size > data->max_peer_blob)
		return bvi_fail(
			-EMSGSIZE,
			"exchange: the peer tells a blob of %u bytes, and there is room for "
			"%u: raise max_peer_blob",
			hello->blob_size, data->max_peer_blob);
	return 0;
}

void bvi_hello_deliver(const struct bvi_hello *hello, struct bv_exchange *data)
{
	for (uint32_t i = 0; i < hello->nregions; i++) {
		/* Cannot fail: bvi_hello_decode() did the same. */
		const int rc = bv_remote_decode(hello->regions + (size_t)i * BV_REMOTE_WIRE_SIZE,
						BV_REMOTE_WIRE_SIZE, &data->peer_regions[i]);

		(void)rc;
	}
	if (hello->blob_size > 0)
		memcpy(data->peer_blob, hello->blob, hello->blob_size);
	data->npeer_regions = hello->nregions;
	data->peer_blob_size = hello->blob_size;
}

size_t bvi_ready_encode(uint8_t *frame)
{
	seal(frame, BVI_FRAME_READY, 0);
	return FRAME_EMPTY;
}

size_t bvi_failed_encode(int rc, const char *text, uint8_t *frame)
{
	const size_t length = strnlen(text, BVI_FRAME_REASON_MAX);

	bvi_put_be32(frame + BVI_FRAME_HEADER, (uint32_t)-rc);
	memcpy(frame + BVI_FRAME_HEADER + 4, text, length);
	seal(frame, BVI_FRAME_FAILED, 4 + length);
	return FRAME_EMPTY + 4 + length;
}

const char *bvi_failed_text(const uint8_t *frame, size_t size, char text[BVI_FRAME_REASON_MAX + 1])
{
	const size_t length = size - FRAME_EMPTY - 4;

	memcpy(text, frame + BVI_FRAME_HEADER + 4, length);
	text[length] = '\0';
	/* It may end up on a terminal. */
	for (char *c = text; *c; c++)
		if (*c != '\n' && (*c < ' ' || *c > '~'))
			*c = '?';
	return text;
}
