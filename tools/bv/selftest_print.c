/* SPDX-License-Identifier: MIT */
/* On the terminal: a line for each test as it ends, and a table of the groups, providers side by side. */
#include "selftest.h"

#include <stdio.h>
#include <string.h>

#include <bareverbs/version.h>

#define GROUPS_MAX 64

const char *selftest_verdict_name(enum selftest_verdict verdict)
{
	static const char *const names[] = {
		[SELFTEST_NOT_RUN] = "not run",
		[SELFTEST_PASSED] = "pass",
		[SELFTEST_FAILED] = "FAIL",
		[SELFTEST_SKIPPED] = "skip",
	};

	return names[verdict];
}

unsigned selftest_count(const struct selftest *selftest, enum selftest_verdict verdict)
{
	unsigned n = 0;

	for (size_t i = 0; i < selftest->nruns; i++)
		n += selftest->runs[i].count[verdict];
	return n;
}

const char *selftest_outcome(const struct selftest *selftest)
{
	if (selftest_count(selftest, SELFTEST_FAILED) > 0)
		return "failed";
	return selftest_count(selftest, SELFTEST_NOT_RUN) > 0 ? "incomplete" : "passed";
}

static void print_indented(const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL) {
		printf("         %.*s\n", (int)(end - text), text);
		text = end + 1;
	}
	printf("         %s\n", text);
}

void selftest_print_head(const struct selftest *selftest)
{
	const struct selection *selection = &selftest->selection;
	const char *note = select_kind_note(selection->kind);

	printf("bv selftest %s on %s%s%s%s", BV_VERSION_STRING, selection->device,
	       note != NULL ? " (" : "", note != NULL ? note : "", note != NULL ? ")" : "");
	if (selftest->options->host != NULL)
		printf(", with the device of %s", selftest->options->host);
	printf("\n\n");
}

void selftest_print_case(const struct selftest_run *run, const struct selftest_case *c)
{
	printf("%-7s  %-6s %-9s %s: %s%s%s", selftest_verdict_name(c->verdict), run->provider,
	       run->topology, c->name, c->ids, c->ids[0] != '\0' ? " " : "", c->guarantee);
	if (c->seconds >= 1)
		printf(" (%.0f s)", c->seconds);
	printf("\n");
	if (c->text != NULL)
		print_indented(c->text);
	if (c->log != NULL)
		print_indented(c->log);
	fflush(stdout);
}

void selftest_print_left_out(const struct selftest_run *run, const struct selftest_case *first)
{
	printf("%-7s  %-6s %-9s %u tests, from %s on:\n", selftest_verdict_name(SELFTEST_NOT_RUN),
	       run->provider, run->topology, run->count[SELFTEST_NOT_RUN], first->name);
	print_indented(first->text != NULL ? first->text : "");
	fflush(stdout);
}

void selftest_print_trouble(const struct selftest_run *run)
{
	printf("%-7s  %-6s %s\n", selftest_verdict_name(SELFTEST_FAILED), run->provider,
	       run->topology);
	print_indented(run->trouble);
	fflush(stdout);
}

/* "memory_regions", of "memory_regions.odp" */
static size_t group_length(const char *name)
{
	return strcspn(name, ".");
}

static bool in_group(const struct selftest_case *c, const char *group, size_t length)
{
	return strncmp(c->name, group, length) == 0 && c->name[length] == '.';
}

/* The groups of all runs, in the order of the suite. */
static size_t groups_of(const struct selftest *selftest, const char **groups)
{
	size_t n = 0;

	for (size_t i = 0; i < selftest->nruns; i++) {
		const struct selftest_run *run = &selftest->runs[i];

		for (size_t j = 0; j < run->ncases; j++) {
			size_t k = 0;

			while (k < n &&
			       !in_group(&run->cases[j], groups[k], group_length(groups[k])))
				k++;
			if (k == n && n < GROUPS_MAX)
				groups[n++] = run->cases[j].name;
		}
	}
	return n;
}

/* "12", "10, 2 FAIL", "-": of a group in a run, or of the whole run if @group is NULL. */
static void print_cell(const struct selftest_run *run, const char *group)
{
	unsigned count[SELFTEST_VERDICTS] = { 0 }, total = 0;
	char text[64];
	size_t used;

	for (size_t i = 0; i < run->ncases; i++) {
		const struct selftest_case *c = &run->cases[i];

		if (group != NULL && !in_group(c, group, group_length(group)))
			continue;
		count[c->verdict]++;
		total++;
	}
	if (group == NULL) /* with those that belong to no test */
		count[SELFTEST_FAILED] = run->count[SELFTEST_FAILED];
	used = (size_t)snprintf(text, sizeof(text), "%u pass", count[SELFTEST_PASSED]);
	for (int v = 0; v < SELFTEST_VERDICTS; v++)
		if (v != SELFTEST_PASSED && count[v] > 0 && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, ", %u %s",
						 count[v],
						 selftest_verdict_name((enum selftest_verdict)v));
	printf("  %-26s", total + count[SELFTEST_FAILED] == 0 ? "-" : text);
}

void selftest_print_summary(const struct selftest *selftest)
{
	const char *groups[GROUPS_MAX];
	const size_t n = groups_of(selftest, groups);

	printf("\n%-16s", "");
	for (size_t i = 0; i < selftest->nruns; i++)
		printf("  %s %-*s", selftest->runs[i].provider,
		       25 - (int)strlen(selftest->runs[i].provider), selftest->runs[i].topology);
	for (size_t k = 0; k < n; k++) {
		printf("\n%-16.*s", (int)group_length(groups[k]), groups[k]);
		for (size_t i = 0; i < selftest->nruns; i++)
			print_cell(&selftest->runs[i], groups[k]);
	}
	printf("\n%-16s", "all");
	for (size_t i = 0; i < selftest->nruns; i++)
		print_cell(&selftest->runs[i], NULL);
	printf("\n\n%s: %u passed, %u failed, %u skipped, %u not run\n", selftest_outcome(selftest),
	       selftest_count(selftest, SELFTEST_PASSED), selftest_count(selftest, SELFTEST_FAILED),
	       selftest_count(selftest, SELFTEST_SKIPPED),
	       selftest_count(selftest, SELFTEST_NOT_RUN));
}
