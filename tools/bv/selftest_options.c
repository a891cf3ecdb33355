/* SPDX-License-Identifier: MIT */
/* The command line of bv selftest. */
#include "selftest.h"

#include <argp.h>

#include <bareverbs/bareverbs.h>

#include "error.h"
#include "parse.h"

enum {
	OPTION_MATCH = 256,
	OPTION_LIST,
	OPTION_JSON,
	OPTION_REPORT,
	OPTION_FULL,
	OPTION_QUICK,
	OPTION_TIMEOUT,
	OPTION_LISTEN,
	OPTION_TCP_PORT,
};

static const struct argp_option option_list[] = {
	{ 0, 0, 0, 0, "What runs:", 1 },
	{ "match", OPTION_MATCH, "PATTERN", 0,
	  "Only tests whose group, name, group.name or ID matches; * and ? stand for others", 1 },
	{ "quick", OPTION_QUICK, 0, 0, "Every test, with fewer repetitions", 1 },
	{ "timeout", OPTION_TIMEOUT, "T", 0, "Longest time of one test (default: 120 s)", 1 },
	{ "list", OPTION_LIST, 0, 0, "Name the tests and what they prove, and run none", 1 },

	{ 0, 0, 0, 0, "Between two hosts:", 3 },
	{ "listen", OPTION_LISTEN, 0, 0, "Be the other host of one `bv selftest HOST`", 3 },
	{ "tcp-port", OPTION_TCP_PORT, "N", 0,
	  "TCP port that the hosts speak over (default: 18520; 0 with --listen: any)", 3 },

	{ 0, 0, 0, 0, "Output:", 4 },
	{ "report", OPTION_REPORT, "FILE", 0, "Write a report to send us; - is standard output",
	  4 },
	{ "json", OPTION_JSON, "FILE", 0, "Write the same as JSON; - is standard output", 4 },
	{ "full", OPTION_FULL, 0, 0,
	  "Keep addresses, GIDs, GUIDs and host names in them, which are hidden otherwise", 4 },
	{ 0 },
};

static const struct argp_child children[] = { { &where_argp, 0, "Where:", 2 }, { 0 } };

static const char doc[] =
	"Holds this machine and its device to every guarantee of bareverbs, with each provider, and "
	"reports.\v"
	"On one host: one channel connected to itself, then two processes. Between two: `bv selftest "
	"--listen` on one, `bv selftest HOST` on the other.\n"
	"Exit status: 0 all passed or skipped, 1 a failure, 2 the command line is wrong, 3 not all "
	"of it could be run.";

static int parse_value(int key, char *arg, struct selftest_options *options)
{
	uint64_t value = 0;
	int rc;

	switch (key) {
	case OPTION_MATCH:
		options->match = arg;
		return 0;
	case OPTION_JSON:
		options->json = arg;
		return 0;
	case OPTION_REPORT:
		options->report = arg;
		return 0;
	case OPTION_TIMEOUT:
		return parse_time(arg, "--timeout", &options->timeout_ns);
	default:
		rc = parse_count(arg, "--tcp-port", 0, 65535, &value);
		options->tcp_port = (uint16_t)value;
		return rc;
	}
}

static bool is_standard_output(const char *path)
{
	return path != NULL && path[0] == '-' && path[1] == '\0';
}

/* What an option alone cannot tell. */
static int finish(const struct selftest_options *options)
{
	if (options->listen && options->host != NULL)
		return fail(-1, "--listen waits for a host, and '%s' names one: choose",
			    options->host);
	if (options->listen &&
	    (options->match != NULL || options->list || options->json != NULL ||
	     options->report != NULL || options->where.nproviders > 0 || options->quick))
		return fail(-1, "with --listen the other host chooses the tests and reports");
	if (options->tcp_port == 0 && !options->listen)
		return fail(-1, "--tcp-port 0 has a meaning with --listen only");
	if (is_standard_output(options->json) && is_standard_output(options->report))
		return fail(-1, "standard output takes --json or --report, not both");
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct selftest_options *options = state->input;
	int rc = 0;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->where;
		break;
	case OPTION_QUICK:
		options->quick = true;
		break;
	case OPTION_LIST:
		options->list = true;
		break;
	case OPTION_FULL:
		options->full = true;
		break;
	case OPTION_LISTEN:
		options->listen = true;
		break;
	case ARGP_KEY_ARG:
		if (options->host != NULL)
			argp_error(state, "one host at most");
		options->host = arg;
		break;
	case ARGP_KEY_END:
		rc = finish(options);
		break;
	default:
		if (arg == NULL)
			return ARGP_ERR_UNKNOWN;
		rc = parse_value(key, arg, options);
	}
	if (rc < 0)
		argp_error(state, "%s", fail_text());
	return 0;
}

void selftest_parse(int argc, char **argv, struct selftest_options *options)
{
	static const struct argp argp = { option_list, parse, "[HOST]", doc, children, NULL, NULL };

	*options = (struct selftest_options){
		.where = WHERE_DEFAULT,
		.timeout_ns = 120 * BV_SEC,
		.tcp_port = SELFTEST_TCP_PORT,
	};
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
