/* SPDX-License-Identifier: MIT */
/*
 * bv: finds the command and calls it. Exit status: 0 it worked, 1 it failed (the text is on
 * stderr), 2 the command line is wrong.
 */
#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bareverbs/version.h>

#include "command.h"
#include "error.h"

/* The C library looks for it: hidden, it would not find it. */
BV_API const char *argp_program_version = "bv " BV_VERSION_STRING;

static const struct command {
	const char *name;
	/* What argp calls the program in its texts. */
	char program[16];
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "info", "bv info", info_main, "devices, ports, GIDs, providers and why not" },
	{ "doctor", "bv doctor", doctor_main, "what is wrong with this machine, and what to do" },
	{ "lat", "bv lat", lat_main, "latency between two processes, providers beside each other" },
	{ "cost", "bv cost", cost_main, "CPU time of each post and poll, by provider" },
	{ "selftest", "bv selftest", selftest_main,
	  "every guarantee held to this machine, and a report to send us" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "Usage: bv COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`bv COMMAND --help` has the options of each; `bv --version` the version.\n"
		     "Without RDMA hardware: mlx5emu run -- bv COMMAND ...\n");
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int unknown(const char *name)
{
	fprintf(stderr, "bv: unknown command '%s'; there are:", name);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

/* A report that could not be written must not pass for one that was. */
static int flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("bv: cannot write to standard output");
	return status == EXIT_OK ? EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = EXIT_USAGE;
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (is_one_of(argv[1], "--help", "-h", "help")) {
		usage(stdout);
		return flushed(EXIT_OK);
	}
	if (is_one_of(argv[1], "--version", "-V", "version")) {
		printf("%s, libbareverbs %s\n", argp_program_version, bv_version());
		return flushed(EXIT_OK);
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		char program[sizeof(commands[i].program)];

		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		memcpy(program, commands[i].program, sizeof(program));
		argv[1] = program;
		return flushed(commands[i].run(argc - 1, argv + 1));
	}
	return unknown(argv[1]);
}
