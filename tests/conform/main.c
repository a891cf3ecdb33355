/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: what a channel guarantees, for one provider on one device. The same
 * source runs for every provider; device, provider and topology come from the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "remote.h"

struct options options = {
	.provider = "verbs",
	.topology = TOPOLOGY_PAIR,
	.races = 10000,
};

static const struct group *const groups[] = {
	&operations,  &stream,  &queues,   &faults,         &diagnosis, &gone,   &killed,
	&negotiation, &input,   &blocking, &lifetime,       &recovery,  &scopes, &events,
	&checks,      &endings, &seeds,    &memory_regions, &atomics,   &wakes,
};

static int usage(void)
{
	fprintf(stderr,
		"usage: conform [--device NAME] [--provider NAME] [--peer-provider NAME]\n"
		"               [--topology loopback|pair|process]\n"
		"               [--match PATTERN] [--from N] [--list] [--races N] [--reduced]\n");
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

static bool parse(int argc, char **argv, struct harness *harness, bool *list)
{
	options.program = argv[0];
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--reduced") == 0) {
			options.reduced = true;
			options.races = 500;
			continue;
		}
		if (strcmp(argv[i], "--list") == 0) {
			*list = true;
			continue;
		}
		if (!value)
			return false;
		if (strcmp(argv[i], "--device") == 0)
			options.device = value;
		else if (strcmp(argv[i], "--provider") == 0)
			options.provider = value;
		else if (strcmp(argv[i], "--peer-provider") == 0)
			options.peer_provider = value;
		else if (strcmp(argv[i], "--match") == 0)
			harness->match = value;
		else if (strcmp(argv[i], "--from") == 0)
			harness->from = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--races") == 0)
			options.races = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--topology") != 0 || !parse_topology(value))
			return false;
		i++;
	}
	if (!options.peer_provider)
		options.peer_provider = options.provider;
	return true;
}

int main(int argc, char **argv)
{
	struct harness harness = {
		.groups = groups,
		.ngroups = sizeof(groups) / sizeof(groups[0]),
		.world = &world,
		.from = 1,
	};
	bool list = false;

	if (argc == 3 && strcmp(argv[1], REMOTE_ARGUMENT) == 0)
		return side_serve(atoi(argv[2]));
	if (!parse(argc, argv, &harness, &list))
		return usage();
	if (!list)
		return harness_run(&harness);
	harness_list(&harness);
	return EXIT_SUCCESS;
}
