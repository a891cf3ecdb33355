/* SPDX-License-Identifier: MIT */
/* Text and JSON of bv cost. */
#include "cost.h"

#include <stdio.h>

#include "clock.h"
#include "cpu.h"

static const char definition[] =
	"CPU time of one call: equal calls in a row are timed as one, less a reading of the clock";

static double ns(const struct cost_result *result, unsigned num, unsigned den)
{
	return cost_quantile(result, num, den) * clock_info.ns_per_tick;
}

static const char *device_state(const struct cost_run *run)
{
	return run->manual ? "device stepped between batches" : "queues empty before each batch";
}

static void print_head(const struct cost_run *run)
{
	const struct cost_options *options = run->options;

	printf("%s (%s), %s; connected to itself; depth %u; payload %u bytes; ",
	       run->selection.device, select_kind_name(run->selection.kind), device_state(run),
	       options->depth, options->size);
	if (options->signal_every == 1)
		printf("every work completes\n");
	else
		printf("one work in %u completes\n", options->signal_every);
	for (uint32_t i = 0; i < run->selection.nproviders; i++)
		printf("  %-6s %s\n", run->selection.provider[i], run->lanes[i].info.data_path);
	printf("%s; %s, %.3f GHz, %.0f ns a reading\n", cpu_model(), clock_info.source,
	       1 / clock_info.ns_per_tick, (double)clock_info.overhead * clock_info.ns_per_tick);
}

static void print_title(const struct cost_run *run)
{
	const uint32_t n = run->selection.nproviders;
	const char *note = select_kind_note(run->selection.kind);

	printf("%s.\n%u batches of %u calls; p5 and median in ns%s; a poll takes one "
	       "completion\n",
	       definition, run->options->batches, run->options->batch,
	       clock_info.tsc ? ", median in TSC cycles" : "");
	if (note != NULL)
		printf("%s\n", note);
	if (run->selection.kind == BV_DEVICE_EMULATED)
		printf("Its doorbells are ordinary memory: what a NIC's cost is not in these "
		       "figures.\n");
	printf("\n%-20s", "");
	for (uint32_t i = 0; i < n; i++)
		printf("%16s%*s", run->selection.provider[i], clock_info.tsc ? 8 : 0, "");
	if (n > 1)
		printf("  %s/%s", run->selection.provider[n - 1], run->selection.provider[0]);
	printf("\n%-20s", "call");
	for (uint32_t i = 0; i < n; i++) {
		printf(" %7s %7s", "p5", "median");
		if (clock_info.tsc)
			printf(" %7s", "cycles");
	}
	if (n > 1)
		printf("  %10s", "median");
	printf("\n");
}

void cost_report(const struct cost_run *run)
{
	const uint32_t n = run->selection.nproviders;
	uint64_t discarded = 0;

	print_head(run);
	print_title(run);
	for (int call = 0; call < COST_NCALLS; call++) {
		const struct cost_result *result = run->results[call];

		printf("%-20s", cost_call_name((enum cost_call)call));
		if (!cost_call_runs(run, (enum cost_call)call)) {
			printf(" %7s   more than the %u bytes that go inline\n", "-",
			       run->lanes[0].info.max_inline);
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			printf(" %7.1f %7.1f", ns(&result[i], 5, 100), ns(&result[i], 50, 100));
			if (clock_info.tsc)
				printf(" %7.0f", cost_quantile(&result[i], 50, 100));
			discarded += result[i].discarded;
		}
		if (n > 1 && cost_quantile(&result[0], 50, 100) > 0)
			printf("  %10.2f", cost_quantile(&result[n - 1], 50, 100) /
						   cost_quantile(&result[0], 50, 100));
		printf("\n");
	}
	if (discarded > 0)
		printf("%llu batches do not count: a completion came too late to be polled\n",
		       (unsigned long long)discarded);
}

static json_t *result_json(const struct cost_run *run, enum cost_call call, uint32_t lane)
{
	const struct cost_result *result = &run->results[call][lane];
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:{s:f, s:f}, s:b, s:s?}",
				 "call", cost_call_name(call), "provider",
				 run->selection.provider[lane], "data_path",
				 run->lanes[lane].info.data_path, "definition", definition, "unit",
				 "ns", "batches", (json_int_t)result->nsamples, "batches_discarded",
				 (json_int_t)result->discarded, "cost", "p5", ns(result, 5, 100),
				 "p50", ns(result, 50, 100), "emulated",
				 run->selection.kind == BV_DEVICE_EMULATED, "note",
				 select_kind_note(run->selection.kind));

	if (json != NULL && clock_info.tsc)
		json_object_set_new(json, "tsc_cycles",
				    json_pack("{s:f, s:f}", "p5", cost_quantile(result, 5, 100),
					      "p50", cost_quantile(result, 50, 100)));
	if (json != NULL && cost_call_has_payload(call))
		json_object_set_new(json, "bytes", json_integer(run->options->size));
	return json;
}

static json_t *results_json(const struct cost_run *run)
{
	json_t *list = json_array();

	for (int call = 0; call < COST_NCALLS; call++) {
		for (uint32_t i = 0; i < run->selection.nproviders; i++) {
			if (!cost_call_runs(run, (enum cost_call)call))
				continue;
			if (json_array_append_new(list,
						  result_json(run, (enum cost_call)call, i)) != 0) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}

json_t *cost_json(const struct cost_run *run)
{
	const struct cost_options *options = run->options;
	json_t *root = json_out_root("bv cost");
	int rc = json_object_set_new(root, "host", json_out_host());

	rc |= json_object_set_new(
		root, "setup",
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i}", "device",
			  run->selection.device, "kind", select_kind_name(run->selection.kind),
			  "firmware", run->selection.firmware, "device_state", device_state(run),
			  "depth", (json_int_t)options->depth, "batch", (json_int_t)options->batch,
			  "signal_every", (json_int_t)options->signal_every, "bound_to_cpu",
			  options->cpu));
	rc |= json_object_set_new(root, "results", results_json(run));
	if (rc == 0)
		return root;
	json_decref(root);
	return NULL;
}
