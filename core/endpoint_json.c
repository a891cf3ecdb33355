/* SPDX-License-Identifier: MIT */
/*
 * The JSON form of endpoints.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <string.h>

#include "error.h"
#include "json.h"

static const char what[] = "endpoint";

static const char *link_layer_name(enum bv_link_layer link)
{
	return link == BV_LINK_ETHERNET ? "ethernet" : "infiniband";
}

static const char *const gid_types[] = {
	[BV_GID_IB] = "ib",
	[BV_GID_ROCE_V1] = "roce v1",
	[BV_GID_ROCE_V2] = "roce v2",
};

int bv_endpoint_to_json(const struct bv_endpoint *ep, char *text, size_t size)
{
	char gid[BV_GID_TEXT_MAX];
	json_t *object;
	int rc;

	if (!ep || !text)
		return bvi_fail(-EINVAL, "bv_endpoint_to_json: an argument is NULL");
	rc = bvi_endpoint_check(ep, -EINVAL);
	if (rc < 0)
		return rc;
	object = json_pack("{s:i, s:I, s:I, s:i, s:s, s:I, s:i, s:i, s:i, s:i, s:s, s:s}",
			   "version", BV_ENDPOINT_VERSION, "qpn", (json_int_t)ep->qpn, "psn",
			   (json_int_t)ep->psn, "lid", (int)ep->lid, "link_layer",
			   link_layer_name(ep->link_layer), "mtu", (json_int_t)ep->mtu,
			   "responder_depth", (int)ep->responder_depth, "initiator_depth",
			   (int)ep->initiator_depth, "ack_timeout", (int)ep->ack_timeout,
			   "min_rnr_timer", (int)ep->min_rnr_timer, "gid",
			   bv_gid_format(ep->gid, gid), "gid_type", gid_types[ep->gid_type]);
	return bvi_json_dump(what, object, text, size);
}

static int check_version(const json_t *object)
{
	const json_t *version = json_object_get(object, "version");

	if (!json_is_integer(version))
		return bvi_fail(-EBADMSG, "endpoint: member \"version\" is %s",
				version ? "not an integer" : "missing");
	if (json_integer_value(version) != BV_ENDPOINT_VERSION)
		return bvi_fail(-EPROTO,
				"endpoint of version %lld; this library has version %d: run "
				"the same release on both sides",
				(long long)json_integer_value(version), BV_ENDPOINT_VERSION);
	return 0;
}

static int read_numbers(const json_t *object, struct bv_endpoint *ep)
{
	uint64_t qpn, psn, lid, mtu, responder, initiator, timeout, timer;
	int rc;

	if ((rc = bvi_json_uint(what, object, "qpn", 2, 0xffffff, &qpn)) < 0 ||
	    (rc = bvi_json_uint(what, object, "psn", 0, 0xffffff, &psn)) < 0 ||
	    (rc = bvi_json_uint(what, object, "lid", 0, UINT16_MAX, &lid)) < 0 ||
	    (rc = bvi_json_uint(what, object, "mtu", 256, 4096, &mtu)) < 0 ||
	    (rc = bvi_json_uint(what, object, "responder_depth", 0, UINT8_MAX, &responder)) < 0 ||
	    (rc = bvi_json_uint(what, object, "initiator_depth", 0, UINT8_MAX, &initiator)) < 0 ||
	    (rc = bvi_json_uint(what, object, "ack_timeout", 0, 31, &timeout)) < 0 ||
	    (rc = bvi_json_uint(what, object, "min_rnr_timer", 0, 31, &timer)) < 0)
		return rc;
	ep->qpn = (uint32_t)qpn;
	ep->psn = (uint32_t)psn;
	ep->lid = (uint16_t)lid;
	ep->mtu = (uint32_t)mtu;
	ep->responder_depth = (uint8_t)responder;
	ep->initiator_depth = (uint8_t)initiator;
	ep->ack_timeout = (uint8_t)timeout;
	ep->min_rnr_timer = (uint8_t)timer;
	return 0;
}

static int read_gid_type(const json_t *object, enum bv_gid_type *type)
{
	const size_t count = sizeof(gid_types) / sizeof(gid_types[0]);
	const char *name;
	int rc;

	rc = bvi_json_string(what, object, "gid_type", &name);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, gid_types[i]) == 0) {
			*type = (enum bv_gid_type)i;
			return 0;
		}
	}
	return bvi_fail(-EBADMSG,
			"endpoint: member \"gid_type\" is \"%s\", not \"ib\", \"roce v1\" or "
			"\"roce v2\"",
			name);
}

static int read_strings(const json_t *object, struct bv_endpoint *ep)
{
	const char *link, *gid;
	int rc;

	if ((rc = bvi_json_string(what, object, "link_layer", &link)) < 0 ||
	    (rc = bvi_json_string(what, object, "gid", &gid)) < 0)
		return rc;
	if (strcmp(link, "ethernet") == 0)
		ep->link_layer = BV_LINK_ETHERNET;
	else if (strcmp(link, "infiniband") == 0)
		ep->link_layer = BV_LINK_INFINIBAND;
	else
		return bvi_fail(-EBADMSG,
				"endpoint: member \"link_layer\" is \"%s\", not \"ethernet\" "
				"or \"infiniband\"",
				link);
	if (inet_pton(AF_INET6, gid, ep->gid) != 1)
		return bvi_fail(-EBADMSG,
				"endpoint: member \"gid\" is \"%s\", not a GID in the form "
				"of an IPv6 address",
				gid);
	return read_gid_type(object, &ep->gid_type);
}

static int read_members(const json_t *object, struct bv_endpoint *ep)
{
	static const char *const names[] = { "version",
					     "qpn",
					     "psn",
					     "lid",
					     "link_layer",
					     "mtu",
					     "responder_depth",
					     "initiator_depth",
					     "ack_timeout",
					     "min_rnr_timer",
					     "gid",
					     "gid_type" };
	int rc;

	if ((rc = check_version(object)) < 0 ||
	    (rc = bvi_json_only(what, object, names, sizeof(names) / sizeof(names[0]))) < 0 ||
	    (rc = read_numbers(object, ep)) < 0 || (rc = read_strings(object, ep)) < 0)
		return rc;
	return bvi_endpoint_check(ep, -EBADMSG);
}

int bv_endpoint_from_json(const char *text, size_t length, struct bv_endpoint *ep)
{
	struct bv_endpoint decoded;
	json_t *object;
	int rc;

	rc = bvi_json_load(what, text, length, &object);
	if (rc < 0)
		return rc;
	rc = read_members(object, &decoded);
	json_decref(object);
	if (rc < 0)
		return rc;
	*ep = decoded;
	return 0;
}
