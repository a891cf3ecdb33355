/* SPDX-License-Identifier: MIT */
/*
 * Private data of the connection manager. It is padded with zeros on its way, so what there is may be
 * more than what was sent.
 */
#include "cm_told.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "mtu.h"
#include "wire.h"

#define MAGIC 0x4256u /* "BV" */
#define OFF_VERSION 2
#define OFF_NREGIONS 3
#define OFF_BLOB_SIZE 4
#define OFF_MTU 5
#define OFF_ACK_TIMEOUT 6
#define OFF_RNR_TIMER 7
#define REJECTION 0xffu

int bvi_cm_check(const struct bv_exchange *data)
{
	const uint64_t size = (uint64_t)data->nregions * BVI_CM_REGION + data->blob_size;

	if (size > BV_EXCHANGE_CM_MAX)
		return bvi_fail(-EMSGSIZE,
				"bv_exchange_cm: %u regions and %u bytes; the messages of the "
				"connection manager have %u bytes, and a region takes %u of them: "
				"send the rest over the channel",
				data->nregions, data->blob_size, BV_EXCHANGE_CM_MAX, BVI_CM_REGION);
	return 0;
}

static void put_header(uint8_t *bytes, unsigned int nregions, size_t blob_size)
{
	bvi_put_be16(bytes, MAGIC);
	bytes[OFF_VERSION] = BV_EXCHANGE_VERSION;
	bytes[OFF_NREGIONS] = (uint8_t)nregions;
	bytes[OFF_BLOB_SIZE] = (uint8_t)blob_size;
}

void bvi_cm_encode(const struct bv_endpoint *local, const struct bv_exchange *data,
		   uint8_t bytes[BVI_CM_PRIVATE])
{
	uint8_t *at = bytes + BVI_CM_HEADER;

	memset(bytes, 0, BVI_CM_PRIVATE);
	put_header(bytes, data->nregions, data->blob_size);
	bytes[OFF_MTU] = bvi_mtu_code(local->mtu);
	bytes[OFF_ACK_TIMEOUT] = local->ack_timeout;
	bytes[OFF_RNR_TIMER] = local->min_rnr_timer;
	for (uint32_t i = 0; i < data->nregions; i++, at += BVI_CM_REGION) {
		bvi_put_be64(at, data->regions[i].addr);
		bvi_put_be64(at + 8, data->regions[i].length);
		bvi_put_be32(at + 16, data->regions[i].rkey);
	}
	if (data->blob_size > 0)
		memcpy(at, data->blob, data->blob_size);
}

static int rejected(const uint8_t *bytes, size_t size)
{
	const size_t there = size - BVI_CM_HEADER, told = bytes[OFF_BLOB_SIZE];
	char reason[BVI_CM_REASON_MAX + 1];
	size_t length = told < there ? told : there;

	if (length > BVI_CM_REASON_MAX)
		length = BVI_CM_REASON_MAX;
	memcpy(reason, bytes + BVI_CM_HEADER, length);
	reason[length] = '\0';
	/* It may end up on a terminal. */
	for (char *c = reason; *c; c++)
		if (*c != '\n' && (*c < ' ' || *c > '~'))
			*c = '?';
	return bvi_fail(-ECONNABORTED, "exchange: the peer gave up: %s", reason);
}

static int check_region(const uint8_t *at)
{
	const uint64_t addr = bvi_get_be64(at), length = bvi_get_be64(at + 8);

	if (length > 0 && length - 1 > UINT64_MAX - addr)
		return bvi_fail(-EBADMSG,
				"exchange: a region that runs past the end of the address "
				"space");
	return 0;
}

int bvi_cm_decode(const uint8_t *bytes, size_t size, struct bvi_cm_told *told)
{
	int rc = 0;

	if (size < BVI_CM_HEADER || bvi_get_be16(bytes) != MAGIC)
		return bvi_fail(-EBADMSG, "exchange: the other end is no bareverbs exchange");
	if (bytes[OFF_VERSION] != BV_EXCHANGE_VERSION)
		return bvi_fail(-EPROTO,
				"exchange of version %u; this library has version %u: run the same "
				"release on both sides",
				bytes[OFF_VERSION], BV_EXCHANGE_VERSION);
	if (bytes[OFF_NREGIONS] == REJECTION)
		return rejected(bytes, size);
	*told = (struct bvi_cm_told){
		.nregions = bytes[OFF_NREGIONS],
		.blob_size = bytes[OFF_BLOB_SIZE],
		.mtu = bvi_mtu_bytes(bytes[OFF_MTU]),
		.ack_timeout = bytes[OFF_ACK_TIMEOUT],
		.min_rnr_timer = bytes[OFF_RNR_TIMER],
		.regions = bytes + BVI_CM_HEADER,
		.blob = bytes + BVI_CM_HEADER + (size_t)bytes[OFF_NREGIONS] * BVI_CM_REGION,
	};
	if (told->nregions * BVI_CM_REGION + told->blob_size > BV_EXCHANGE_CM_MAX ||
	    told->nregions * BVI_CM_REGION + told->blob_size > size - BVI_CM_HEADER ||
	    told->mtu == 0 || told->ack_timeout > 31 || told->min_rnr_timer > 31)
		return bvi_fail(-EBADMSG, "exchange: private data with a field out of its range");
	for (uint32_t i = 0; i < told->nregions && rc == 0; i++)
		rc = check_region(told->regions + (size_t)i * BVI_CM_REGION);
	return rc;
}

int bvi_cm_fits(const struct bvi_cm_told *told, const struct bv_exchange *data)
{
	if (told->nregions > data->max_peer_regions || told->blob_size > data->max_peer_blob)
		return bvi_fail(
			-EMSGSIZE,
			"exchange: the peer tells %u regions and %u bytes, and there is room "
			"for %u and %u: raise max_peer_regions, max_peer_blob",
			told->nregions, told->blob_size, data->max_peer_regions,
			data->max_peer_blob);
	return 0;
}

void bvi_cm_deliver(const struct bvi_cm_told *told, struct bv_exchange *data)
{
	for (uint32_t i = 0; i < told->nregions; i++) {
		const uint8_t *at = told->regions + (size_t)i * BVI_CM_REGION;

		data->peer_regions[i] = (struct bv_remote){
			.addr = bvi_get_be64(at),
			.length = bvi_get_be64(at + 8),
			.rkey = bvi_get_be32(at + 16),
		};
	}
	if (told->blob_size > 0)
		memcpy(data->peer_blob, told->blob, told->blob_size);
	data->npeer_regions = told->nregions;
	data->peer_blob_size = told->blob_size;
}

size_t bvi_cm_encode_rejection(const char *reason, uint8_t *bytes)
{
	const size_t length = strnlen(reason, BVI_CM_REASON_MAX);

	memset(bytes, 0, BVI_CM_HEADER);
	put_header(bytes, REJECTION, length);
	memcpy(bytes + BVI_CM_HEADER, reason, length);
	return BVI_CM_HEADER + length;
}
