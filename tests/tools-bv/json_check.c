/* SPDX-License-Identifier: MIT */
/*
 * Reads a JSON file of bv and holds it against schema 1.
 *
 *	bv_json_check info FILE
 *	bv_json_check doctor FILE
 *	bv_json_check lat FILE [RESULTS [SAMPLES]]	so many results, so many samples in each
 *	bv_json_check cost FILE [RESULTS]
 *	bv_json_check selftest FILE RUNS CASES		so many runs, at least so many cases in each
 *	bv_json_check error FILE			a run that failed
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "bv_json_check: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static json_t *get(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (value == NULL)
		die("member '%s' is missing", key);
	return value;
}

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(get(object, key));

	if (value == NULL || value[0] == '\0')
		die("member '%s' is not a text", key);
	return value;
}

static double number(json_t *object, const char *key)
{
	json_t *value = get(object, key);

	if (!json_is_number(value) || json_number_value(value) < 0)
		die("member '%s' is not a number from 0", key);
	return json_number_value(value);
}

static bool truth(json_t *object, const char *key)
{
	json_t *value = get(object, key);

	if (!json_is_boolean(value))
		die("member '%s' is neither true nor false", key);
	return json_is_true(value);
}

static size_t list(json_t *object, const char *key)
{
	json_t *value = get(object, key);

	if (!json_is_array(value) || json_array_size(value) == 0)
		die("member '%s' is not a list, or empty", key);
	return json_array_size(value);
}

static void check_host(json_t *root)
{
	json_t *host = get(root, "host");

	text(host, "cpu");
	text(host, "clock");
	if (number(host, "cpus") < 1 || number(host, "clock_ghz") <= 0)
		die("a host without CPU or clock");
	number(host, "clock_overhead_ns");
}

/* What every figure carries, whatever it measures. */
static void check_figure(json_t *result)
{
	text(result, "provider");
	text(result, "data_path");
	text(result, "definition");
	if (strcmp(text(result, "unit"), "ns") != 0)
		die("a unit that is not ns");
	if (truth(result, "emulated") && strstr(text(result, "note"), "EMULATED DEVICE") == NULL)
		die("an emulated figure that does not say so");
}

static void ascending(json_t *object, const char *const *keys, size_t n)
{
	double last = 0;

	for (size_t i = 0; i < n; i++) {
		const double value = number(object, keys[i]);

		if (value < last)
			die("%s %f is below %s %f", keys[i], value, keys[i - 1], last);
		last = value;
	}
	if (last <= 0)
		die("%s is 0", keys[n - 1]);
}

static void check_lat(json_t *root, size_t results, double samples)
{
	static const char *const keys[] = { "min", "p50", "p90", "p99", "p99.9", "max" };
	const size_t n = list(root, "results");

	check_host(root);
	text(get(root, "setup"), "device");
	if (results > 0 && n != results)
		die("%zu results, not %zu", n, results);
	for (size_t i = 0; i < n; i++) {
		json_t *result = json_array_get(get(root, "results"), i);

		check_figure(result);
		text(result, "operation");
		text(result, "metric");
		truth(result, "inline");
		ascending(get(result, "latency"), keys, sizeof(keys) / sizeof(keys[0]));
		if (number(result, "samples") < 1)
			die("a result without samples");
		if (samples > 0 && number(result, "samples") != samples)
			die("%.0f samples, not %.0f", number(result, "samples"), samples);
		if (truth(result, "data_checked") &&
		    number(result, "messages_verified") < number(result, "samples"))
			die("%.0f messages verified of %.0f samples",
			    number(result, "messages_verified"), number(result, "samples"));
		if (number(result, "messages_wrong") != 0)
			die("wrong messages");
	}
}

static void check_cost(json_t *root, size_t results)
{
	static const char *const keys[] = { "p5", "p50" };
	const size_t n = list(root, "results");

	check_host(root);
	text(get(root, "setup"), "device_state");
	if (results > 0 && n != results)
		die("%zu results, not %zu", n, results);
	for (size_t i = 0; i < n; i++) {
		json_t *result = json_array_get(get(root, "results"), i);

		check_figure(result);
		text(result, "call");
		ascending(get(result, "cost"), keys, 2);
		if (number(result, "batches") < 1)
			die("%s: no batches", text(result, "call"));
	}
}

static void check_port(json_t *port)
{
	bool chosen = false;

	number(port, "port");
	text(port, "link_layer");
	for (size_t i = 0; i < list(port, "gids"); i++) {
		json_t *gid = json_array_get(get(port, "gids"), i);

		text(gid, "gid");
		text(gid, "type");
		if (truth(gid, "chosen") && chosen)
			die("two GIDs are chosen");
		chosen = chosen || truth(gid, "chosen");
	}
	if (chosen != (strcmp(text(port, "state"), "ACTIVE") == 0))
		die("a chosen GID and an active port belong together");
}

static void check_info(json_t *root)
{
	for (size_t i = 0; i < list(root, "devices"); i++) {
		json_t *device = json_array_get(get(root, "devices"), i);

		text(device, "name");
		text(device, "kind");
		text(device, "guid");
		text(device, "firmware");
		for (size_t p = 0; p < list(device, "ports"); p++)
			check_port(json_array_get(get(device, "ports"), p));
		for (size_t p = 0; p < list(device, "providers"); p++)
			text(json_array_get(get(device, "providers"), p), "why");
	}
}

static void check_doctor(json_t *root)
{
	static const char *const levels[] = { "ok", "skipped", "note", "warning", "failure" };
	json_t *counts = get(root, "counts"), *checks = get(root, "checks"), *check;
	double sum = 0;
	size_t i;

	truth(root, "emulated");
	text(root, "worst");
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		sum += number(counts, levels[i]);
	if ((size_t)sum != list(root, "checks"))
		die("the counts do not add up");
	json_array_foreach(checks, i, check)
	{
		text(check, "check");
		text(check, "finding");
		number(counts, text(check, "level"));
		get(check, "device");
		if (strcmp(text(check, "level"), "warning") == 0)
			text(check, "remedy");
	}
}

/* The counts of @object are those of @expected. */
static void check_counts(json_t *object, const unsigned expected[4])
{
	static const char *const verdicts[] = { "not_run", "passed", "failed", "skipped" };
	json_t *counts = get(object, "counts");

	for (int v = 0; v < 4; v++)
		if (number(counts, verdicts[v]) != expected[v])
			die("%s: the counts do not add up", verdicts[v]);
}

static unsigned verdict_of(json_t *result)
{
	const char *verdict = text(result, "verdict");

	text(result, "test");
	text(result, "guarantee");
	if (!json_is_array(get(result, "ids")))
		die("ids are not a list");
	number(result, "seconds");
	get(result, "log");
	if (strcmp(verdict, "passed") == 0 && !json_is_null(get(result, "text")))
		die("a test that passed has a text");
	if (strcmp(verdict, "passed") != 0)
		text(result, "text");
	return strcmp(verdict, "not_run") == 0 ? 0 :
	       strcmp(verdict, "passed") == 0  ? 1 :
	       strcmp(verdict, "failed") == 0  ? 2 :
						 3;
}

static void check_selftest(json_t *root, size_t nruns, size_t ncases)
{
	unsigned all[4] = { 0 };
	json_t *run, *result;
	size_t i, j;

	text(root, "date");
	text(root, "outcome");
	truth(root, "emulated");
	truth(root, "hidden");
	text(get(root, "host"), "kernel");
	text(get(root, "host"), "firmware");
	get(root, "peer");
	check_doctor(get(root, "doctor"));
	if (list(root, "runs") != nruns)
		die("not %zu runs", nruns);
	json_array_foreach(get(root, "runs"), i, run)
	{
		unsigned count[4] = { 0 };

		text(run, "provider");
		text(run, "topology");
		if (!json_is_array(get(run, "results")) ||
		    json_array_size(get(run, "results")) < ncases)
			die("fewer than %zu cases", ncases);
		json_array_foreach(get(run, "results"), j, result)
		{
			count[verdict_of(result)]++;
		}
		count[2] += !json_is_null(get(run, "trouble"));
		check_counts(run, count);
		for (int v = 0; v < 4; v++)
			all[v] += count[v];
	}
	check_counts(root, all);
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *root;

	if (argc < 3)
		die("usage: bv_json_check info|doctor|lat|cost|selftest|error FILE [RESULTS [SAMPLES]]");
	root = json_load_file(argv[2], JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		die("%s:%d: %s", argv[2], error.line, error.text);
	if (number(root, "schema") != 1)
		die("another schema");
	text(root, "tool");
	text(root, "version");
	if (strcmp(argv[1], "lat") == 0)
		check_lat(root, argc > 3 ? strtoul(argv[3], NULL, 10) : 0,
			  argc > 4 ? strtod(argv[4], NULL) : 0);
	else if (strcmp(argv[1], "cost") == 0)
		check_cost(root, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	else if (strcmp(argv[1], "info") == 0)
		check_info(root);
	else if (strcmp(argv[1], "doctor") == 0)
		check_doctor(root);
	else if (strcmp(argv[1], "selftest") == 0 && argc == 5)
		check_selftest(root, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	else
		text(root, "error");
	json_decref(root);
	return 0;
}
