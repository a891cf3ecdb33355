/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: what a channel guarantees, for one provider on one device. The same
 * source runs for every provider; device, provider and topology come from the command line.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "link.h"
#include "remote.h"

struct options options = {
	.port = 1,
	.gid_index = BV_GID_AUTO,
	.provider = "verbs",
	.topology = TOPOLOGY_PAIR,
	.races = 10000,
};

static const struct group *const groups[] = {
	&operations,  &stream,  &queues,   &faults,         &diagnosis, &gone,   &killed,
	&negotiation, &input,   &blocking, &lifetime,       &recovery,  &scopes, &events,
	&checks,      &endings, &seeds,    &memory_regions, &atomics,   &wakes,  &inplace,
};

/* What the program is to do instead of running the tests. */
enum action {
	ACTION_RUN,
	ACTION_LIST,
	ACTION_SERVE,
	ACTION_VERSION,
};

struct parsed {
	struct harness harness;
	enum action action;
	int serve_fd;
};

enum {
	EXIT_SKIP = 77,
};

static int usage(void)
{
	fprintf(stderr,
		"usage: bv-conform [--device NAME] [--port N] [--gid-index N] [--provider NAME]\n"
		"                  [--peer-provider NAME] [--topology loopback|pair|process]\n"
		"                  [--peer \"HOST PORT TOKEN\"] [--match PATTERN] [--from N]\n"
		"                  [--races N] [--completions N] [--reduced] [--list]\n"
		"       bv-conform [--device NAME] [--port N] [--gid-index N] --serve FD\n"
		"       bv-conform --version\n"
		"`bv selftest` runs it, and reports.\n");
	return EXIT_FAILURE;
}

static bool parse_topology(const char *name)
{
	static const char *const names[] = {
		[TOPOLOGY_LOOPBACK] = "loopback",
		[TOPOLOGY_PAIR] = "pair",
		[TOPOLOGY_PROCESS] = "process",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			options.topology = (enum topology)i;
			return true;
		}
	}
	return false;
}

/* Options without a value. */
static bool parse_flag(const char *name, struct parsed *parsed)
{
	if (strcmp(name, "--reduced") == 0) {
		options.reduced = true;
		options.races = 500;
	} else if (strcmp(name, "--list") == 0) {
		parsed->action = ACTION_LIST;
	} else if (strcmp(name, "--version") == 0) {
		parsed->action = ACTION_VERSION;
	} else {
		return false;
	}
	return true;
}

static bool parse_text(const char *name, const char *value, struct parsed *parsed)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{ "--device", &options.device },
		{ "--provider", &options.provider },
		{ "--peer-provider", &options.peer_provider },
		{ "--peer", &options.peer },
		{ "--match", &parsed->harness.match },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		*known[i].value = value;
		return true;
	}
	return strcmp(name, "--topology") == 0 && parse_topology(value);
}

static bool parse_number(const char *name, const char *value, struct parsed *parsed)
{
	char *end;
	const long number = strtol(value, &end, 10);

	if (end == value || *end != '\0' || number < INT_MIN || number > INT_MAX)
		return false;
	if (strcmp(name, "--port") == 0)
		options.port = (uint8_t)number;
	else if (strcmp(name, "--gid-index") == 0)
		options.gid_index = (int)number;
	else if (strcmp(name, "--from") == 0)
		parsed->harness.from = (unsigned)number;
	else if (strcmp(name, "--races") == 0)
		options.races = (unsigned)number;
	else if (strcmp(name, "--completions") == 0)
		options.completions = (unsigned)number;
	else if (strcmp(name, "--serve") == 0)
		parsed->serve_fd = (int)number;
	else
		return false;
	if (strcmp(name, "--serve") == 0)
		parsed->action = ACTION_SERVE;
	return true;
}

static bool parse(int argc, char **argv, struct parsed *parsed)
{
	options.program = argv[0];
	for (int i = 1; i < argc; i++) {
		if (parse_flag(argv[i], parsed))
			continue;
		if (i + 1 == argc || (!parse_text(argv[i], argv[i + 1], parsed) &&
				      !parse_number(argv[i], argv[i + 1], parsed)))
			return false;
		i++;
	}
	if (!options.peer_provider)
		options.peer_provider = options.provider;
	return true;
}

static int run(const struct harness *harness)
{
	char why[256];

	if (device_drivable(why, sizeof(why)))
		return harness_run(harness);
	printf("1..0 # SKIP %s\nskipped: %s\n", why, why);
	return EXIT_SKIP;
}

int main(int argc, char **argv)
{
	struct parsed parsed = {
		.harness = { .groups = groups,
			     .ngroups = sizeof(groups) / sizeof(groups[0]),
			     .world = &world,
			     .from = 1 },
	};

	if (!parse(argc, argv, &parsed))
		return usage();
	switch (parsed.action) {
	case ACTION_SERVE:
		return side_serve(parsed.serve_fd);
	case ACTION_LIST:
		harness_list(&parsed.harness);
		return EXIT_SUCCESS;
	case ACTION_VERSION:
		remote_print_version();
		return EXIT_SUCCESS;
	default:
		return run(&parsed.harness);
	}
}
