/* SPDX-License-Identifier: MIT */
/*
 * The binary and JSON forms of remote regions. What is decoded never wraps the address space, so
 * that arithmetic on it is safe.
 */
#include <bareverbs/memory.h>

#include <inttypes.h>
#include <stdio.h>

#include "error.h"
#include "json.h"
#include "wire.h"

/* Offsets of the fields; all big-endian. */
#define OFF_RKEY 8
#define OFF_ADDR 12
#define OFF_LENGTH 20

static const char what[] = "remote region";

static const struct bvi_wire_format format = {
	.what = what,
	.magic = 0x4256524d, /* "BVRM" */
	.version = 1,
	.size = BV_REMOTE_WIRE_SIZE,
};

static int check_range(const struct bv_remote *remote)
{
	if (remote->length > 0 && remote->length - 1 > UINT64_MAX - remote->addr)
		return bvi_fail(-EBADMSG,
				"%s of %" PRIu64 " bytes at 0x%" PRIx64
				": runs past the end of the address space",
				what, remote->length, remote->addr);
	return 0;
}

void bv_remote_encode(const struct bv_remote *remote, uint8_t wire[BV_REMOTE_WIRE_SIZE])
{
	bvi_put_be32(wire + OFF_RKEY, remote->rkey);
	bvi_put_be64(wire + OFF_ADDR, remote->addr);
	bvi_put_be64(wire + OFF_LENGTH, remote->length);
	bvi_wire_seal(&format, wire);
}

int bv_remote_decode(const void *wire, size_t size, struct bv_remote *remote)
{
	const uint8_t *bytes = wire;
	struct bv_remote decoded;
	int rc;

	rc = bvi_wire_check(&format, wire, size);
	if (rc < 0)
		return rc;
	decoded.rkey = bvi_get_be32(bytes + OFF_RKEY);
	decoded.addr = bvi_get_be64(bytes + OFF_ADDR);
	decoded.length = bvi_get_be64(bytes + OFF_LENGTH);
	rc = check_range(&decoded);
	if (rc < 0)
		return rc;
	*remote = decoded;
	return 0;
}

static json_t *hex(uint64_t value)
{
	char text[19];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

/* Numbers end at INT64_MAX; a longer region is written as the address is. */
static json_t *length_value(uint64_t length)
{
	return length > INT64_MAX ? hex(length) : json_integer((json_int_t)length);
}

int bv_remote_to_json(const struct bv_remote *remote, char *text, size_t size)
{
	json_t *object = json_pack("{s:o, s:o, s:I}", "addr", hex(remote->addr), "length",
				   length_value(remote->length), "rkey", (json_int_t)remote->rkey);

	return bvi_json_dump(what, object, text, size);
}

static int read_members(const json_t *object, struct bv_remote *remote)
{
	static const char *const names[] = { "addr", "length", "rkey" };
	uint64_t rkey;
	int rc;

	rc = bvi_json_only(what, object, names, sizeof(names) / sizeof(names[0]));
	if (rc < 0)
		return rc;
	rc = bvi_json_uint64(what, object, "addr", &remote->addr);
	if (rc < 0)
		return rc;
	rc = bvi_json_uint64(what, object, "length", &remote->length);
	if (rc < 0)
		return rc;
	rc = bvi_json_uint(what, object, "rkey", 0, UINT32_MAX, &rkey);
	if (rc < 0)
		return rc;
	remote->rkey = (uint32_t)rkey;
	return check_range(remote);
}

int bv_remote_from_json(const char *text, size_t length, struct bv_remote *remote)
{
	struct bv_remote decoded;
	json_t *object;
	int rc;

	rc = bvi_json_load(what, text, length, &object);
	if (rc < 0)
		return rc;
	rc = read_members(object, &decoded);
	json_decref(object);
	if (rc < 0)
		return rc;
	*remote = decoded;
	return 0;
}
