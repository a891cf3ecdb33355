/* SPDX-License-Identifier: MIT */
/* The report as a text that can be mailed. It is made of the JSON alone. */
#include "selftest.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static bool has_verdict(const json_t *result, const char *verdict)
{
	return strcmp(text_of(result, "verdict"), verdict) == 0;
}

static const char *mark_of(const json_t *result)
{
	if (has_verdict(result, "passed"))
		return "pass";
	if (has_verdict(result, "failed"))
		return "FAIL";
	return has_verdict(result, "skipped") ? "skip" : "not run";
}

static void print_indented(FILE *out, const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL) {
		fprintf(out, "    %.*s\n", (int)(end - text), text);
		text = end + 1;
	}
	if (text[0] != '\0')
		fprintf(out, "    %s\n", text);
}

static void title(FILE *out, const char *text)
{
	fprintf(out, "\n%s\n", text);
	for (size_t i = 0; i < strlen(text); i++)
		fputc('-', out);
	fputc('\n', out);
}

static void print_head(FILE *out, const json_t *root)
{
	const json_t *options = json_object_get(root, "options");
	const json_t *counts = json_object_get(root, "counts");
	const char *match = text_of(options, "match");

	fprintf(out, "bareverbs self-test of %s: %s\n", text_of(root, "date"),
		text_of(root, "outcome"));
	fprintf(out, "%lld passed, %lld failed, %lld skipped, %lld not run%s%s%s%s\n",
		number_of(counts, "passed"), number_of(counts, "failed"),
		number_of(counts, "skipped"), number_of(counts, "not_run"),
		match[0] != '\0' ? "; only tests that match " : "", match,
		is_true(options, "quick") ? "; with --quick" : "",
		is_true(options, "two_hosts") ? "; between two hosts" : "");
	if (is_true(root, "emulated"))
		fprintf(out, "The device is EMULATED: this says nothing of a NIC.\n");
	fprintf(out, "%s\n",
		is_true(root, "hidden") ?
			"Addresses, GIDs, GUIDs and names of hosts are hidden; --full keeps them." :
			"Made with --full: addresses, GIDs, GUIDs and names of hosts are in it.");
}

static void print_facts(FILE *out, json_t *facts, const char *heading)
{
	const char *name;
	json_t *value;

	if (!json_is_object(facts))
		return;
	title(out, heading);
	json_object_foreach(facts, name, value)
	{
		fprintf(out, "%-19s %s\n", name, json_string_value(value));
	}
}

static void print_failure(FILE *out, const json_t *run, const json_t *result)
{
	fprintf(out, "%s, %s: %s (%s)\n", text_of(run, "provider"), text_of(run, "topology"),
		text_of(result, "test"), text_of(result, "guarantee"));
	print_indented(out, text_of(result, "text"));
	if (text_of(result, "log")[0] != '\0') {
		fprintf(out, "  and the device, or a library, said:\n");
		print_indented(out, text_of(result, "log"));
	}
}

static void print_failures(FILE *out, json_t *runs)
{
	json_t *run, *result;
	size_t i, j;

	json_array_foreach(runs, i, run)
	{
		if (text_of(run, "trouble")[0] != '\0') {
			fprintf(out, "%s, %s:\n", text_of(run, "provider"),
				text_of(run, "topology"));
			print_indented(out, text_of(run, "trouble"));
		}
		json_array_foreach(json_object_get(run, "results"), j, result)
		{
			if (has_verdict(result, "failed"))
				print_failure(out, run, result);
		}
	}
}

/* What was skipped, or not run, and why; a reason that repeats is told once. */
static void print_left_out(FILE *out, json_t *runs, const char *verdict)
{
	json_t *run, *result;
	size_t i, j;

	json_array_foreach(runs, i, run)
	{
		const char *before = "";

		json_array_foreach(json_object_get(run, "results"), j, result)
		{
			const char *why = text_of(result, "text");

			if (!has_verdict(result, verdict))
				continue;
			if (strcmp(why, before) != 0)
				fprintf(out, "%s, %s: %s:\n", text_of(run, "provider"),
					text_of(run, "topology"), why);
			before = why;
			fprintf(out, "    %s\n", text_of(result, "test"));
		}
	}
}

static const json_t *find_result(const json_t *run, const char *test)
{
	const json_t *results = json_object_get(run, "results");

	for (size_t i = 0; i < json_array_size(results); i++)
		if (strcmp(text_of(json_array_get(results, i), "test"), test) == 0)
			return json_array_get(results, i);
	return NULL;
}

/* Whether an earlier run has had this test's line. */
static bool is_told(const json_t *runs, size_t run, const char *test)
{
	for (size_t i = 0; i < run; i++)
		if (find_result(json_array_get(runs, i), test) != NULL)
			return true;
	return false;
}

static void print_row(FILE *out, const json_t *runs, const json_t *result)
{
	const char *test = text_of(result, "test");
	const json_t *ids = json_object_get(result, "ids");

	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *cell = find_result(json_array_get(runs, i), test);

		fprintf(out, "%-9s", cell != NULL ? mark_of(cell) : "-");
	}
	fprintf(out, "%s:", test);
	for (size_t i = 0; i < json_array_size(ids); i++)
		fprintf(out, " %s", json_string_value(json_array_get(ids, i)));
	fprintf(out, " %s\n", text_of(result, "guarantee"));
}

static void print_table(FILE *out, json_t *runs)
{
	json_t *run, *result;
	size_t i, j;

	json_array_foreach(runs, i, run)
	{
		fprintf(out, "%-9s", text_of(run, "provider"));
	}
	fprintf(out, "provider\n");
	json_array_foreach(runs, i, run)
	{
		fprintf(out, "%-9s", text_of(run, "topology"));
	}
	fprintf(out, "topology\n");
	json_array_foreach(runs, i, run)
	{
		json_array_foreach(json_object_get(run, "results"), j, result)
		{
			if (!is_told(runs, i, text_of(result, "test")))
				print_row(out, runs, result);
		}
	}
}

static void print_doctor(FILE *out, json_t *doctor)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(doctor, "checks"), i, check)
	{
		const char *device = text_of(check, "device");

		fprintf(out, "%-8s %-16s %s%s", text_of(check, "level"), text_of(check, "check"),
			device, device[0] != '\0' ? ": " : "");
		fprintf(out, "%s\n", text_of(check, "finding"));
		if (text_of(check, "remedy")[0] != '\0')
			print_indented(out, text_of(check, "remedy"));
	}
}

void selftest_report(FILE *out, const json_t *root)
{
	const json_t *counts = json_object_get(root, "counts");
	json_t *runs = json_object_get(root, "runs");

	print_head(out, root);
	print_facts(out, json_object_get(root, "host"), "This host");
	print_facts(out, json_object_get(root, "peer"), "The other host");
	if (number_of(counts, "failed") > 0) {
		title(out, "Failures");
		print_failures(out, runs);
	}
	if (number_of(counts, "not_run") > 0) {
		title(out, "Not run, and why");
		print_left_out(out, runs, "not_run");
	}
	if (number_of(counts, "skipped") > 0) {
		title(out, "Skipped, and why");
		print_left_out(out, runs, "skipped");
	}
	title(out, "Guarantees");
	print_table(out, runs);
	title(out, "bv doctor");
	print_doctor(out, json_object_get(root, "doctor"));
}
