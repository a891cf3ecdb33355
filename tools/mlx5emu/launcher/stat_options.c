/* SPDX-License-Identifier: MIT */
#include "launcher/stat.h"

#include "launcher/program.h"

#include <argp.h>
#include <stdlib.h>

static const struct argp_option options[] = {
	{ "once", '1', NULL, 0, "Show the counters once and end", 0 },
	{ "json", 'j', NULL, 0, "One JSON object in one line, each time", 0 },
	{ "interval", 'i', "SECONDS", 0, "How often to show them, 0.1 to 3600 (default 1)", 0 },
	{ "run", 'r', "DIRECTORY", 0,
	  "Of this run alone, as MLX5EMU_RUN names it to its programs (default: of all runs found)",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stat_options *out = state->input;
	double seconds;
	char *end;

	switch (key) {
	case '1':
		out->once = true;
		return 0;
	case 'j':
		out->json = true;
		return 0;
	case 'i':
		seconds = strtod(arg, &end);
		if (*arg == '\0' || *end != '\0' || !(seconds >= 0.1 && seconds <= 3600))
			argp_error(state, "--interval=%s: a number from 0.1 to 3600 is needed",
				   arg);
		out->interval_ms = (unsigned)(seconds * 1000);
		return 0;
	case 'r':
		out->directory = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void stat_options_parse(int argc, char **argv, struct stat_options *out)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Shows what the devices of running programs do: a line per process, device and "
		       "queue pair, until it is interrupted.",
	};
	static char name[] = "mlx5emu stat";

	*out = (struct stat_options){ .interval_ms = 1000 };
	argv[0] = name;
	argp_err_exit_status = EXIT_LAUNCHER;
	argp_parse(&argp, argc, argv, 0, NULL, out);
}
