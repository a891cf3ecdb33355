/* SPDX-License-Identifier: MIT */
/* The command line of bv lat. What can be refused without a device is refused here. */
#include "lat_side.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "parse.h"

enum {
	OPT_WARMUP = 256,
	OPT_SIGNAL_EVERY,
	OPT_DEPTH,
	OPT_CPU,
	OPT_NO_CHECK,
	OPT_DETAIL,
	OPT_JSON,
	OPT_TIME,
	OPT_TIMEOUT,
	OPT_FAULT,
};

#define DEFAULT_ITERS 10000
#define DEFAULT_TIME (BV_SEC / 2)
#define MAX_DEPTH 32768
#define MAX_ITERS UINT64_C(1000000000000)

static const struct argp_option option_list[] = {
	{ 0, 0, 0, 0, "What runs:", 1 },
	{ "op", 'o', "OP", 0, "send, send_imm, write, write_imm, read, or all (default)", 1 },
	{ "sizes", 's', "LIST", 0,
	  "Message sizes, e.g. 8,64,1K,4K (default: 8; with all operations 8,4K)", 1 },
	{ "size", 0, 0, OPTION_ALIAS, 0, 1 },
	{ "all-sizes", 'a', 0, 0, "Powers of two from 2 to 1M", 1 },
	{ "inline", 'I', "HOW", 0,
	  "Copy payloads at the post: auto (default), off, or up to that many bytes", 1 },
	{ "no-check", OPT_NO_CHECK, 0, 0, "Neither fill nor verify the data", 1 },

	{ 0, 0, 0, 0, "How much:", 2 },
	{ "iters", 'n', "N", 0,
	  "Round trips for each row and provider (default: 10000, or what fits into 0.5 s)", 2 },
	{ "time", OPT_TIME, "T", 0, "Time for each row and provider: 2, 0.5s, 300ms", 2 },
	{ "warmup", OPT_WARMUP, "N", 0, "Round trips before those that count (default: 50)", 2 },
	{ "timeout", OPT_TIMEOUT, "T", 0, "Longest wait for one message (default: 10 s)", 2 },

	{ 0, 0, 0, 0, "How:", 4 },
	{ "cpu", OPT_CPU, "A,B", 0, "Bind initiator and responder to these CPUs", 4 },
	{ "depth", OPT_DEPTH, "N", 0, "Depth of the queues (default: 256)", 4 },
	{ "signal-every", OPT_SIGNAL_EVERY, "N", 0, "Only each Nth work completes (default: 1)",
	  4 },

	{ 0, 0, 0, 0, "Output:", 5 },
	{ "detail", OPT_DETAIL, 0, 0, "All percentiles of every row (default for one operation)",
	  5 },
	{ "json", OPT_JSON, "FILE", 0, "Write the results to FILE as well; - is standard output",
	  5 },

	{ 0, 0, 0, 0, "To see that bv notices:", 6 },
	{ "fault", OPT_FAULT, "F", 0,
	  "kill@N or corrupt@N: at its Nth message the responder is killed, or flips one bit", 6 },
	{ 0 },
};

static const struct argp_child children[] = { { &where_argp, 0, "Where:", 3 }, { 0 } };

static const char doc[] =
	"Sends messages to and fro between two processes and reports how long they take, for each "
	"provider beside the others.\v"
	"send, write: the figure is half of a round trip (RTT/2). read: from post to completion. "
	"Every sample counts. Without an RDMA device: mlx5emu run -- bv lat";

static int parse_op(const char *arg, struct lat_options *options)
{
	static const char *const names[LAT_NOPS] = { "send", "send_imm", "write", "write_imm",
						     "read" };

	options->all_ops = strcmp(arg, "all") == 0;
	if (options->all_ops)
		return 0;
	for (int op = 0; op < LAT_NOPS; op++) {
		if (strcmp(arg, names[op]) == 0) {
			options->op = (enum lat_op)op;
			return 0;
		}
	}
	return fail(-1, "--op '%s': there are send, send_imm, write, write_imm, read and all", arg);
}

static int parse_inline(const char *arg, struct lat_options *options)
{
	uint64_t size;
	int rc;

	if (strcmp(arg, "auto") == 0) {
		options->inlining = LAT_INLINE_AUTO;
		return 0;
	}
	if (strcmp(arg, "off") == 0) {
		options->inlining = LAT_INLINE_OFF;
		return 0;
	}
	rc = parse_size(arg, "--inline", 65536, &size);
	if (rc < 0)
		return rc;
	options->inlining = LAT_INLINE_SIZE;
	options->inline_size = (uint32_t)size;
	return 0;
}

static int parse_cpu(const char *arg, struct lat_options *options)
{
	uint32_t list[2];
	size_t n;
	int rc = parse_sizes(arg, "--cpu", INT32_MAX, list, 2, &n);

	if (rc < 0)
		return rc;
	if (n != 2)
		return fail(-1, "--cpu '%s': two CPUs, e.g. 2,3", arg);
	options->cpu[0] = (int)list[0];
	options->cpu[1] = (int)list[1];
	return 0;
}

static int parse_fault(const char *arg, struct lat_options *options)
{
	const char *at = strchr(arg, '@');

	if (at != NULL && strncmp(arg, "kill@", 5) == 0)
		options->fault = LAT_FAULT_KILL;
	else if (at != NULL && strncmp(arg, "corrupt@", 8) == 0)
		options->fault = LAT_FAULT_CORRUPT;
	else
		return fail(-1, "--fault '%s': kill@N or corrupt@N", arg);
	return parse_count(at + 1, "--fault", 1, UINT64_MAX, &options->fault_at);
}

static int parse_number(int key, const char *arg, struct lat_options *options)
{
	uint64_t value = 0;
	int rc;

	switch (key) {
	case 'n':
		return parse_count(arg, "--iters", 1, MAX_ITERS, &options->iters);
	case OPT_WARMUP:
		return parse_count(arg, "--warmup", 0, MAX_ITERS, &options->warmup);
	case OPT_SIGNAL_EVERY:
		rc = parse_count(arg, "--signal-every", 1, MAX_DEPTH - 1, &value);
		options->signal_every = (uint32_t)value;
		return rc;
	default:
		rc = parse_count(arg, "--depth", LAT_SLOTS, MAX_DEPTH, &value);
		options->depth = (uint32_t)value;
		return rc;
	}
}

static void all_sizes(struct lat_options *options)
{
	options->nsizes = 0;
	for (uint32_t size = 2; size <= 1u << 20; size *= 2)
		options->sizes[options->nsizes++] = size;
}

static int parse_option(int key, const char *arg, struct lat_options *options)
{
	switch (key) {
	case 'o':
		return parse_op(arg, options);
	case 's':
		return parse_sizes(arg, "--sizes", LAT_MAX_SIZE, options->sizes, LAT_MAX_SIZES,
				   &options->nsizes);
	case 'I':
		return parse_inline(arg, options);
	case OPT_CPU:
		return parse_cpu(arg, options);
	case OPT_TIME:
		return parse_time(arg, "--time", &options->time_ns);
	case OPT_TIMEOUT:
		return parse_time(arg, "--timeout", &options->timeout_ns);
	case OPT_FAULT:
		return parse_fault(arg, options);
	default:
		return parse_number(key, arg, options);
	}
}

/* What an option alone cannot tell. */
static int finish(struct lat_options *options)
{
	if (options->iters == 0 && options->time_ns == 0) {
		options->iters = DEFAULT_ITERS;
		options->time_ns = DEFAULT_TIME;
	}
	if (options->nsizes == 0) {
		options->sizes[0] = 8;
		options->sizes[1] = 4096;
		options->nsizes = options->all_ops ? 2 : 1;
	}
	if (!options->all_ops)
		options->detail = true;
	if (options->signal_every >= options->depth)
		return fail(-1, "--signal-every %u must be below --depth %u", options->signal_every,
			    options->depth);
	for (size_t i = 0; i < options->nsizes; i++) {
		if (options->sizes[i] == 0 && !options->all_ops &&
		    (options->op == LAT_WRITE || options->op == LAT_READ))
			return fail(-1, "a %s of 0 bytes shows nowhere: 1 at least",
				    options->op == LAT_WRITE ? "write" : "read");
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lat_options *options = state->input;
	int rc = 0;

	switch (key) {
	case 'a':
		all_sizes(options);
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->where;
		break;
	case OPT_NO_CHECK:
		options->check = false;
		break;
	case OPT_DETAIL:
		options->detail = true;
		break;
	case OPT_JSON:
		options->json = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	case ARGP_KEY_END:
		rc = finish(options);
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

void lat_options_parse(int argc, char **argv, struct lat_options *options)
{
	static const struct argp argp = { option_list, parse, NULL, doc, children, NULL, NULL };

	*options = (struct lat_options){
		.where = WHERE_DEFAULT,
		.all_ops = true,
		.warmup = 50,
		.signal_every = 1,
		.depth = 256,
		.cpu = { -1, -1 },
		.check = true,
		.timeout_ns = 10 * BV_SEC,
	};
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
