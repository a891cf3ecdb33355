/* SPDX-License-Identifier: MIT */
/*
 * The JSON of bv lat, schema 1. A result stands alone: it carries its definition, provider, path
 * and kind of device, so that it can be copied out of the file without losing what it is.
 */
#include "lat.h"

#include "clock.h"

static double ns(const struct lat_row *row, const struct lat_result *result, unsigned num,
		 unsigned den)
{
	return lat_row_ns(row, hdr_quantile(result->hdr, num, den));
}

static json_t *quantiles(const struct lat_row *row, const struct lat_result *result)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "min", ns(row, result, 0, 1), "p50",
			 ns(row, result, 50, 100), "p90", ns(row, result, 90, 100), "p99",
			 ns(row, result, 99, 100), "p99.9", ns(row, result, 999, 1000), "max",
			 ns(row, result, 1, 1));
}

static json_t *result_json(const struct lat_run *run, size_t row, uint32_t lane)
{
	const struct lat_row *r = &run->rows[row];
	const struct lat_result *result = lat_result(run, row, lane);
	const char *note = select_kind_note(run->selection.kind);

	return json_pack("{s:s, s:b, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:b, s:I, s:I, s:I, "
			 "s:b, s:s?}",
			 "operation", lat_op_name(r->op), "inline", (int)r->inlined, "bytes",
			 (json_int_t)r->size, "provider", run->selection.provider[lane],
			 "data_path", run->paths[lane].data_path, "metric", lat_row_metric(r),
			 "definition", lat_row_definition(r), "unit", "ns", "samples",
			 (json_int_t)result->hdr->count, "latency", quantiles(r, result),
			 "data_checked", (int)run->options->check, "messages_verified",
			 (json_int_t)result->verified, "messages_wrong", (json_int_t)result->wrong,
			 "messages_late", (json_int_t)result->late, "emulated",
			 run->selection.kind == BV_DEVICE_EMULATED, "note", note);
}

static json_t *results_json(const struct lat_run *run)
{
	json_t *list = json_array();

	for (size_t row = 0; row < run->nrows; row++) {
		for (uint32_t lane = 0; lane < run->selection.nproviders; lane++) {
			if (json_array_append_new(list, result_json(run, row, lane)) != 0) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}

static json_t *setup_json(const struct lat_run *run)
{
	const struct lat_options *options = run->options;

	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:s, s:I, s:I, s:I, s:s, s:[i,i]}",
			 "device", run->selection.device, "kind",
			 select_kind_name(run->selection.kind), "firmware", run->selection.firmware,
			 "port", (int)options->where.port, "gid_index",
			 (json_int_t)run->paths[0].gid_index, "mtu", (json_int_t)run->paths[0].mtu,
			 "transport", "RC", "depth", (json_int_t)options->depth, "signal_every",
			 (json_int_t)options->signal_every, "warmup", (json_int_t)options->warmup,
			 "waiting", lat_waiting(run), "bound_to_cpus", options->cpu[0],
			 options->cpu[1]);
}

json_t *lat_json(const struct lat_run *run)
{
	json_t *root = json_out_root("bv lat");
	int rc = json_object_set_new(root, "host", json_out_host());

	rc |= json_object_set_new(root, "setup", setup_json(run));
	rc |= json_object_set_new(root, "results", results_json(run));
	if (run->wrong_text[0] != '\0')
		rc |= json_object_set_new(root, "error", json_string(run->wrong_text));
	if (rc == 0)
		return root;
	json_decref(root);
	return NULL;
}
