/* SPDX-License-Identifier: MIT */
/*
 * The JSON form of a diagnosis, for logs that machines read. Jansson writes all of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "diagnosis.h"
#include "error.h"

/* Numbers of JSON end at 2^53 for most readers: addresses and keys are strings. */
static json_t *hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

/*
 * Growing an object or an array. A part without memory makes the whole fail, and not a part be
 * missing: then, or if there is none any more, NULL.
 */
static json_t *with_member(json_t *object, const char *name, json_t *member)
{
	if (json_object_set_new(object, name, member) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *with_element(json_t *array, json_t *element)
{
	if (json_array_append_new(array, element) == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *work_json(const struct bv_diagnosis *d)
{
	const struct bv_work_info *what = &d->what;
	json_t *ranges = json_array(), *work;

	for (uint32_t i = 0; i < what->nshown; i++)
		ranges = with_element(ranges,
				      json_pack("{s:o, s:I, s:o}", "addr", hex(what->range[i].addr),
						"length", (json_int_t)what->range[i].length, "lkey",
						hex(what->range[i].lkey)));
	work = json_pack("{s:s, s:b, s:I, s:I, s:b, s:o}", "operation", bvi_work_name(d), "inline",
			 what->is_inline, "bytes", (json_int_t)what->bytes, "elements",
			 (json_int_t)what->nranges, "known", what->op != BV_OP_NONE, "local",
			 ranges);
	if (what->op == BV_OP_WRITE || bvi_op_fetches(what->op))
		work = with_member(work, "remote",
				   json_pack("{s:o, s:o}", "addr", hex(what->remote_addr), "rkey",
					     hex(what->rkey)));
	return what->has_imm ? with_member(work, "imm", hex(what->imm)) : work;
}

static json_t *vendor_json(const struct bv_diagnosis *d)
{
	json_t *seen = json_array();

	for (unsigned status = 0; status < 32; status++)
		if (d->vendor_seen & 1u << status)
			seen = with_element(seen,
					    json_string(bv_status_name((enum bv_status)status)));
	return json_pack("{s:o, s:o}", "syndrome", hex(d->vendor_err), "seen_together_with", seen);
}

static json_t *peer_json(const struct bv_diagnosis *d)
{
	char gid[BV_GID_TEXT_MAX];

	if (!d->connected)
		return json_null();
	return json_pack("{s:I, s:i, s:s, s:I}", "qpn", (json_int_t)d->peer_qpn, "lid", d->peer_lid,
			 "gid", bv_gid_format(d->peer_gid, gid), "mtu", (json_int_t)d->mtu);
}

static json_t *budget_json(const struct bv_diagnosis *d)
{
	return json_pack("{s:i, s:I, s:I}", "tries", (int)d->tries, "wait_ns",
			 (json_int_t)d->wait_ns, "total_ns", (json_int_t)d->budget_ns);
}

static json_t *counters_json(const struct bv_counters *counters)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < BV_COUNTERS; i++)
		if (counters->valid & 1u << i)
			object = with_member(object, bv_counter_name((enum bv_counter)i),
					     json_integer((json_int_t)counters->value[i]));
	return object;
}

static json_t *causes_json(const struct bv_diagnosis *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->ncauses; i++)
		list = with_element(list, json_pack("{s:s, s:s}", "cause", d->causes[i].cause,
						    "remedy", d->causes[i].remedy));
	return list;
}

static json_t *root_json(const struct bv_diagnosis *d)
{
	const enum bv_error_class cls = bv_status_class(d->status);
	json_t *root = json_pack("{s:i, s:s, s:i, s:I, s:s, s:b, s:s, s:I, s:i, s:s, s:s, s:I}",
				 "version", 1, "device", d->device, "port", d->port, "qpn",
				 (json_int_t)d->qpn, "provider", d->provider, "emulated",
				 d->kind == BV_DEVICE_EMULATED, "queue",
				 d->work & BV_WORK_RECV ? "receive" : "send", "number",
				 (json_int_t)(d->work & ~BV_WORK_RECV), "status", (int)d->status,
				 "status_name", bv_status_name(d->status), "class",
				 bv_error_class_name(cls), "flushed", (json_int_t)d->flushed);

	root = with_member(root, "vendor", vendor_json(d));
	root = with_member(root, "work", work_json(d));
	root = with_member(root, "peer", peer_json(d));
	if (d->tries && d->budget_ns != BV_FOREVER)
		root = with_member(root, "budget", budget_json(d));
	root = with_member(root, "port_state",
			   d->port_valid ? json_integer(d->port_state) : json_null());
	root = with_member(root, "counters", counters_json(&d->now));
	if (d->before.valid)
		root = with_member(root, "counters_before", counters_json(&d->before));
	if (d->stopped)
		root = with_member(root, "stopped", json_string(d->stopped));
	return with_member(root, "causes", causes_json(d));
}

int bv_diagnosis_to_json(const struct bv_diagnosis *d, char *text, size_t size)
{
	char line[BV_DIAGNOSIS_JSON_MAX];
	json_t *root;
	size_t length;

	if (!d || !text)
		return bvi_fail(-EINVAL, "bv_diagnosis_to_json: an argument is NULL");
	root = root_json(d);
	length = root ? json_dumpb(root, line, sizeof(line), JSON_COMPACT) : 0;
	json_decref(root);
	if (length == 0 || length >= sizeof(line))
		return bvi_fail(-ENOMEM, "bv_diagnosis_to_json: no memory to write JSON");
	if (length >= size)
		return bvi_fail(-ENOSPC,
				"bv_diagnosis_to_json: JSON of %zu bytes and a terminator do not "
				"fit into %zu",
				length, size);
	memcpy(text, line, length);
	text[length] = '\0';
	return (int)length;
}
