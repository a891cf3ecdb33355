/* SPDX-License-Identifier: MIT */
/* bv cost: command line, lanes, and the order in which batches run. */
#include "cost.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "cpu.h"
#include "error.h"
#include "parse.h"
#include "stepper.h"

#define WARMUP_BATCHES 20
#define BUFFER (64 << 10)

enum { OPT_BATCH = 256, OPT_DEPTH, OPT_SIGNAL_EVERY, OPT_CPU, OPT_JSON };

static const struct argp_option option_list[] = {
	{ "provider", 'p', "LIST", 0, "Providers, e.g. verbs,mlx5 (default: all that can)", 0 },
	{ "device", 'd', "NAME", 0, "Device (default: the only one)", 0 },
	{ "size", 's', "BYTES", 0, "Payload of the posts, inline included (default: 8)", 0 },
	{ "batches", 'n', "N", 0, "Batches for each call and provider (default: 400)", 0 },
	{ "batch", OPT_BATCH, "N", 0, "Calls in a row, timed as one: 16 at least (default: 128)",
	  0 },
	{ "depth", OPT_DEPTH, "N", 0, "Depth of the queues (default: 256)", 0 },
	{ "signal-every", OPT_SIGNAL_EVERY, "N", 0,
	  "Only each Nth post completes, and the last of a batch (default: 1)", 0 },
	{ "cpu", OPT_CPU, "N", 0, "Bind to this CPU", 0 },
	{ "json", OPT_JSON, "FILE", 0, "Write the results to FILE as well; - is standard output",
	  0 },
	{ 0 },
};

static const char doc[] =
	"Reports how much CPU time each post and each poll takes, for each provider beside the "
	"others.\v"
	"The device is idle or stepped by hand while the clock runs. Without an RDMA device: "
	"mlx5emu run --manual -- bv cost";

static int parse_u32(const char *arg, const char *what, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t value = 0;
	int rc = parse_count(arg, what, min, max, &value);

	*out = (uint32_t)value;
	return rc;
}

static int parse_option(int key, const char *arg, struct cost_options *options)
{
	uint64_t value = 0;
	uint32_t cpu;
	int rc;

	switch (key) {
	case 'p':
		return parse_words(arg, "--provider", options->provider, SELECT_MAX_PROVIDERS,
				   &options->nproviders);
	case 's':
		rc = parse_size(arg, "--size", BUFFER / 2, &value);
		options->size = (uint32_t)value;
		return rc < 0 || value > 0 ? rc : fail(-EINVAL, "--size: 1 byte at least");
	case 'n':
		return parse_u32(arg, "--batches", 1, 1000000, &options->batches);
	case OPT_BATCH:
		return parse_u32(arg, "--batch", 16, 32768, &options->batch);
	case OPT_DEPTH:
		return parse_u32(arg, "--depth", 16, 32768, &options->depth);
	case OPT_SIGNAL_EVERY:
		return parse_u32(arg, "--signal-every", 1, 32768, &options->signal_every);
	default:
		rc = parse_u32(arg, "--cpu", 0, INT32_MAX, &cpu);
		options->cpu = (int)cpu;
		return rc;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cost_options *options = state->input;
	int rc = 0;

	switch (key) {
	case 'd':
		options->device = arg;
		break;
	case OPT_JSON:
		options->json = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	case ARGP_KEY_END:
		if (options->batch > options->depth)
			argp_error(state, "--batch %u must not be above --depth %u", options->batch,
				   options->depth);
		break;
	default:
		if (arg == NULL)
			return ARGP_ERR_UNKNOWN;
		rc = parse_option(key, arg, options);
	}
	if (rc < 0)
		argp_error(state, "%s", fail_text());
	return 0;
}

const char *cost_call_name(enum cost_call call)
{
	static const char *const names[COST_NCALLS] = {
		"post write inline", "post write", "post send inline", "post read",
		"post receive",      "poll send",  "poll receive",     "poll, empty",
	};

	return names[call];
}

bool cost_call_has_payload(enum cost_call call)
{
	return call < COST_RECV;
}

bool cost_call_runs(const struct cost_run *run, enum cost_call call)
{
	if (call != COST_WRITE_INLINE && call != COST_SEND_INLINE)
		return true;
	for (uint32_t i = 0; i < run->selection.nproviders; i++) {
		if (run->options->size > run->lanes[i].info.max_inline)
			return false;
	}
	return true;
}

/* An emulated device that runs by itself would run in the time that is measured. */
static int check_device(struct cost_run *run)
{
	run->manual = stepper_is_manual();
	if (run->selection.kind != BV_DEVICE_EMULATED || run->manual)
		return 0;
	return fail(-EOPNOTSUPP,
		    "%s is emulated by a thread of this process, which would run on the same CPUs "
		    "while the clock runs.\n"
		    "  Step it by hand instead: mlx5emu run --manual -- bv cost ...",
		    run->selection.device);
}

static int open_lane(struct cost_run *run, uint32_t index)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct lane *lane = &run->lanes[index];
	struct lane_address own;
	int rc;

	attr.max_send = attr.max_recv = run->options->depth;
	attr.max_send_sge = attr.max_recv_sge = 1;
	rc = lane_open(lane, run->selection.device, run->selection.provider[index]);
	if (rc == 0)
		rc = check_device(run);
	if (rc == 0)
		rc = lane_channel(lane, BUFFER, &attr);
	if (rc == 0)
		rc = lane_address(lane, &own);
	if (rc == 0)
		rc = lane_connect(lane, &own);
	return rc;
}

static int run_batch(struct cost_run *run, enum cost_call call, uint32_t index, bool warmup)
{
	struct cost_result *result = &run->results[call][index];
	uint64_t ticks;
	int rc = cost_batch(run, &run->lanes[index], call, &ticks);

	if (rc < 0 || warmup)
		return rc;
	if (rc == 0) {
		result->discarded++;
		return 0;
	}
	ticks = ticks > clock_info.overhead ? ticks - clock_info.overhead : 0;
	result->sample[result->nsamples++] = (double)ticks / run->options->batch;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run_call(struct cost_run *run, enum cost_call call)
{
	const uint32_t lanes = run->selection.nproviders;
	const uint32_t total = WARMUP_BATCHES + run->options->batches;
	int rc = 0;

	for (uint32_t i = 0; i < lanes; i++) {
		run->results[call][i].sample =
			calloc(run->options->batches, sizeof(*run->results[call][i].sample));
		if (run->results[call][i].sample == NULL)
			return fail(-ENOMEM, "out of memory");
	}
	for (uint32_t batch = 0; batch < total && rc >= 0; batch++) {
		for (uint32_t i = 0; i < lanes && rc >= 0; i++)
			rc = run_batch(run, call, i, batch < WARMUP_BATCHES);
	}
	for (uint32_t i = 0; i < lanes; i++) {
		struct cost_result *result = &run->results[call][i];

		qsort(result->sample, result->nsamples, sizeof(*result->sample), compare);
	}
	return rc < 0 ? rc : 0;
}

double cost_quantile(const struct cost_result *result, unsigned num, unsigned den)
{
	const uint64_t rank = ((uint64_t)result->nsamples * num + den - 1) / den;

	if (result->nsamples == 0)
		return 0;
	return result->sample[rank > 0 ? rank - 1 : 0];
}

static int measure(struct cost_run *run)
{
	const struct cost_options *options = run->options;
	int rc = 0;

	if (options->cpu >= 0)
		rc = cpu_pin(options->cpu);
	if (rc < 0)
		return rc;
	clock_init();
	rc = select_device(options->device, run->options->provider, options->nproviders,
			   &run->selection);
	for (uint32_t i = 0; i < run->selection.nproviders && rc == 0; i++)
		rc = open_lane(run, i);
	for (int call = 0; call < COST_NCALLS && rc == 0; call++) {
		if (cost_call_runs(run, (enum cost_call)call))
			rc = run_call(run, (enum cost_call)call);
	}
	return rc;
}

static int report(struct cost_run *run, struct json_out *json, int rc)
{
	json_t *root;

	if (rc < 0)
		fprintf(stderr, "bv cost: %s\n", fail_text());
	else if (json->file != stdout)
		cost_report(run);
	if (json->file == NULL)
		return rc;
	root = rc == 0 ? cost_json(run) : json_out_failure("bv cost");
	if (json_out_write(json, root) == 0)
		return rc;
	fprintf(stderr, "bv cost: %s\n", fail_text());
	return -EIO;
}

static void free_run(struct cost_run *run)
{
	for (uint32_t i = 0; i < SELECT_MAX_PROVIDERS; i++) {
		lane_close(&run->lanes[i]);
		for (int call = 0; call < COST_NCALLS; call++)
			free(run->results[call][i].sample);
	}
}

int cost_main(int argc, char **argv)
{
	static const struct argp argp = { option_list, parse, NULL, doc, NULL, NULL, NULL };
	struct cost_options options = {
		.size = 8,
		.batch = 128,
		.batches = 400,
		.depth = 256,
		.signal_every = 1,
		.cpu = -1,
	};
	struct cost_run run = { .options = &options };
	struct json_out json = { .file = NULL };
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.json != NULL && json_out_open(&json, options.json) < 0) {
		fprintf(stderr, "bv cost: %s\n", fail_text());
		return EXIT_FAILED;
	}
	rc = report(&run, &json, measure(&run));
	free_run(&run);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}
