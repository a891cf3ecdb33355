/* SPDX-License-Identifier: MIT */
/*
 * Frames: what two sides of an exchange say to each other, as bytes. No input or output here.
 *
 *	0         4         6      8          12
 *	| magic   | version | type | length   | body, length bytes … | CRC-32C of all before |
 *
 * All big-endian. Magic and version stay where they are in every later version.
 *
 *	HELLO	endpoint (its wire form), number of regions u32, size of the blob u32, the regions
 *		(their wire form), the blob
 *	READY	nothing: this side's channel is READY
 *	FAILED	errno u32, the reason as text: this side gave up
 */
#ifndef BV_CORE_FRAME_H
#define BV_CORE_FRAME_H

#include <bareverbs/exchange.h>

#define BVI_FRAME_HEADER 12u
#define BVI_FRAME_CRC 4u
#define BVI_FRAME_REASON_MAX 512u
/* Of the whole frame, so that nobody's length makes us allocate more. */
#define BVI_FRAME_MAX                                    \
	(BVI_FRAME_HEADER + BV_ENDPOINT_WIRE_SIZE + 8u + \
	 BV_EXCHANGE_REGIONS_MAX * BV_REMOTE_WIRE_SIZE + BV_EXCHANGE_BLOB_MAX + BVI_FRAME_CRC)

enum bvi_frame_type {
	BVI_FRAME_HELLO = 1,
	BVI_FRAME_READY = 2,
	BVI_FRAME_FAILED = 3,
};

/* A HELLO that was checked: the pointers are into its frame. */
struct bvi_hello {
	struct bv_endpoint endpoint;
	uint32_t nregions;
	uint32_t blob_size;
	const uint8_t *regions;
	const uint8_t *blob;
};

/* Bytes of the whole frame that @header begins; -EBADMSG, -EPROTO with text. */
int bvi_frame_size(const uint8_t header[BVI_FRAME_HEADER]);

/*
 * The type of a whole frame whose size bvi_frame_size() gave; -EBADMSG its checksum is wrong. The
 * body begins at BVI_FRAME_HEADER.
 */
int bvi_frame_type(const uint8_t *frame, size_t size);

/* Bytes of the HELLO that tells @data, of at most BVI_FRAME_MAX. */
size_t bvi_hello_size(const struct bv_exchange *data);
/* Writes it; 0, or -errno of bv_endpoint_encode(). */
int bvi_hello_encode(const struct bv_endpoint *endpoint, const struct bv_exchange *data,
		     uint8_t *frame);
/* 0; -EBADMSG, -EPROTO. @frame is of type HELLO. */
int bvi_hello_decode(const uint8_t *frame, size_t size, struct bvi_hello *hello);
/* Into the caller's room; -EMSGSIZE it is too small, and nothing is written. */
int bvi_hello_fits(const struct bvi_hello *hello, const struct bv_exchange *data);
void bvi_hello_deliver(const struct bvi_hello *hello, struct bv_exchange *data);

/* Both return the bytes of the frame. */
size_t bvi_ready_encode(uint8_t *frame);
size_t bvi_failed_encode(int rc, const char *text, uint8_t *frame);
/* Room for either. */
#define BVI_FRAME_SMALL (BVI_FRAME_HEADER + 4u + BVI_FRAME_REASON_MAX + BVI_FRAME_CRC)

/* The reason in a FAILED, printable; returns @text. */
const char *bvi_failed_text(const uint8_t *frame, size_t size, char text[BVI_FRAME_REASON_MAX + 1]);

#endif
