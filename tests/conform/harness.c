/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum outcome {
	PASSED,
	FAILED,
	SKIPPED,
};

static enum outcome outcome;
/* bv selftest then waits for what the other host says of it. */
static const char other_side_gone[] = "the other side of the tests is gone";
static jmp_buf end_of_step;

/* Each line of it a comment, so that none can be taken for a result. */
static void print_comment(const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL) {
		printf("# %.*s\n", (int)(end - text), text);
		text = end + 1;
	}
	if (text[0] != '\0')
		printf("# %s\n", text);
}

void print_message(const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_comment(text);
}

void harness_fail(const char *file, int line, const char *format, ...)
{
	char text[16384];
	int used = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	va_end(args);
	print_comment(text);
	outcome = FAILED;
	longjmp(end_of_step, 1);
}

void skip_because(const char *format, ...)
{
	va_list args;

	printf("skipped: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	outcome = SKIPPED;
	longjmp(end_of_step, 1);
}

void harness_equal(intmax_t a, intmax_t b, bool equal, const char *what, const char *file, int line)
{
	if ((a == b) != equal)
		harness_fail(file, line, "not: %s: %jd (0x%jx) and %jd (0x%jx)", what, a,
			     (uintmax_t)a, b, (uintmax_t)b);
}

void harness_range(uintmax_t value, uintmax_t least, uintmax_t most, const char *what,
		   const char *file, int line)
{
	if (value < least || value > most)
		harness_fail(file, line, "not: %s: %ju, from %ju to %ju", what, value, least, most);
}

void harness_same_text(const char *a, const char *b, bool same, const char *what, const char *file,
		       int line)
{
	if ((strcmp(a, b) == 0) != same)
		harness_fail(file, line, "not: %s: \"%s\" and \"%s\"", what, a, b);
}

/* The IDs are words of the guarantee; so a word of its sentence matches, too. */
static bool word_matches(const char *pattern, const char *text)
{
	char word[64];

	while (*text) {
		const size_t length = strcspn(text, " :,");

		if (length > 0 && length < sizeof(word)) {
			memcpy(word, text, length);
			word[length] = '\0';
			if (fnmatch(pattern, word, 0) == 0)
				return true;
		}
		text += length;
		text += strspn(text, " :,");
	}
	return false;
}

static bool matches(const struct harness *harness, const struct group *group,
		    const struct test *test)
{
	char whole[160];

	if (!harness->match)
		return true;
	snprintf(whole, sizeof(whole), "%s.%s", group->name, test->name);
	return fnmatch(harness->match, whole, 0) == 0 ||
	       fnmatch(harness->match, test->name, 0) == 0 ||
	       fnmatch(harness->match, group->name, 0) == 0 ||
	       word_matches(harness->match, test->guarantee);
}

static unsigned count_matches(const struct harness *harness, const struct group *group)
{
	unsigned n = 0;

	if (harness->world->lacks(group))
		return 0;
	for (size_t i = 0; i < group->n; i++)
		n += matches(harness, group, &group->tests[i]);
	return n;
}

void harness_list(const struct harness *harness)
{
	for (size_t i = 0; i < harness->ngroups; i++) {
		const struct group *group = harness->groups[i];

		for (size_t j = 0; !harness->world->lacks(group) && j < group->n; j++)
			if (matches(harness, group, &group->tests[j]))
				printf("%s.%s\t%s\n", group->name, group->tests[j].name,
				       group->tests[j].guarantee);
	}
}

static void run_body(const struct test *test, void **state)
{
	if (setjmp(end_of_step) == 0)
		test->run(state);
}

static void run_fixture(int (*fixture)(void **state), const char *what, void **state)
{
	if (!fixture || setjmp(end_of_step) != 0)
		return;
	if (fixture(state) == 0)
		return;
	print_message("its %s failed", what);
	outcome = FAILED;
}

static enum outcome run_test(const struct world *world, const struct group *group,
			     const struct test *test, unsigned number)
{
	void *state = test->state;

	outcome = PASSED;
	printf("# begin %u %s.%s\n", number, group->name, test->name);
	run_fixture(test->setup, "setup", &state);
	if (outcome == PASSED)
		run_body(test, &state);
	run_fixture(test->teardown, "teardown", &state);
	if (outcome == FAILED && !world->alive())
		print_message(other_side_gone);
	printf("%sok %u %s %s.%s: %s\n", outcome == FAILED ? "not " : "", number,
	       outcome == SKIPPED ? "# SKIP" : "-", group->name, test->name, test->guarantee);
	return outcome;
}

/* No further test can be run in this process. */
static bool bail_out(const char *text)
{
	printf("Bail out! %s\n", text);
	return false;
}

static bool start_world(const struct harness *harness)
{
	char text[1024];

	if (harness->world->start() == 0)
		return true;
	harness->world->cannot(text, sizeof(text));
	return bail_out(text);
}

/* The tests have passed, and yet something is wrong: bv selftest tells it by the "after". */
static bool stop_world(const struct harness *harness, const struct group *group)
{
	char text[128];

	if (harness->world->stop() == 0)
		return true;
	snprintf(text, sizeof(text), "after %s: the other side ended badly", group->name);
	return bail_out(text);
}

/* False: it was given up. @number is that of the test before the group's first. */
static bool run_group(const struct harness *harness, const struct group *group, unsigned number,
		      unsigned *failed)
{
	if (!start_world(harness))
		return false;
	for (size_t i = 0; i < group->n; i++) {
		if (!matches(harness, group, &group->tests[i]) || ++number < harness->from)
			continue;
		if (run_test(harness->world, group, &group->tests[i], number) != FAILED)
			continue;
		(*failed)++;
		if (!harness->world->alive())
			return bail_out(other_side_gone);
	}
	return stop_world(harness, group);
}

int harness_run(const struct harness *harness)
{
	unsigned total = 0, before = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < harness->ngroups; i++)
		total += count_matches(harness, harness->groups[i]);
	printf("1..%u\n", total);
	for (size_t i = 0; i < harness->ngroups; i++) {
		const struct group *group = harness->groups[i];
		const unsigned n = count_matches(harness, group);

		if (harness->world->lacks(group))
			printf("# %s: left out, it takes %s\n", group->name,
			       harness->world->lacks(group));
		if (before + n >= harness->from && n > 0 &&
		    !run_group(harness, group, before, &failed))
			return EXIT_FAILURE;
		before += n;
	}
	if (failed)
		printf("# %u of %u failed\n", failed, total);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
