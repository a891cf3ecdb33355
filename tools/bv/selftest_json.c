/* SPDX-License-Identifier: MIT */
/*
 * The report as one object; the text is made of it. So what is hidden is hidden in both, and nothing is
 * in one that the other does not have.
 */
#include "selftest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "error.h"
#include "hide.h"
#include "json_out.h"

static const char *const verdict_keys[] = {
	[SELFTEST_NOT_RUN] = "not_run",
	[SELFTEST_PASSED] = "passed",
	[SELFTEST_FAILED] = "failed",
	[SELFTEST_SKIPPED] = "skipped",
};

static json_t *counts_json(const unsigned count[SELFTEST_VERDICTS])
{
	json_t *counts = json_object();

	for (int v = 0; v < SELFTEST_VERDICTS; v++)
		json_object_set_new(counts, verdict_keys[v], json_integer(count[v]));
	return counts;
}

static json_t *ids_json(const char *ids)
{
	json_t *list = json_array();

	while (*ids != '\0') {
		const size_t length = strcspn(ids, " ");

		json_array_append_new(list, json_stringn(ids, length));
		ids += length;
		ids += strspn(ids, " ");
	}
	return list;
}

/* What a test prints may be no UTF-8; it is kept as far as it is. */
static json_t *text_json(const char *text)
{
	json_t *value = text != NULL ? json_string(text) : json_null();
	char *copy;

	if (value != NULL)
		return value;
	copy = strdup(text);
	for (char *at = copy; at != NULL && *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	value = json_string(copy != NULL ? copy : "");
	free(copy);
	return value;
}

static json_t *case_json(const struct selftest_case *c)
{
	return json_pack("{s:s, s:o, s:s, s:s, s:f, s:o, s:o}", "test", c->name, "ids",
			 ids_json(c->ids), "guarantee", c->guarantee, "verdict",
			 verdict_keys[c->verdict], "seconds", c->seconds, "text",
			 text_json(c->text), "log", text_json(c->log));
}

static json_t *run_json(const struct selftest_run *run)
{
	json_t *results = json_array();

	for (size_t i = 0; i < run->ncases; i++)
		json_array_append_new(results, case_json(&run->cases[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "provider", run->provider, "topology",
			 run->topology, "counts", counts_json(run->count), "trouble",
			 text_json(run->trouble), "results", results);
}

static json_t *runs_json(const struct selftest *selftest)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < selftest->nruns; i++)
		json_array_append_new(runs, run_json(&selftest->runs[i]));
	return runs;
}

static json_t *doctors_json(const struct selftest *selftest)
{
	struct doctor d = { .root = "", .device = selftest->selection.device, .cpu = -1 };
	json_t *root = NULL;

	d.findings = calloc(DOCTOR_FINDINGS_MAX, sizeof(*d.findings));
	if (d.findings == NULL)
		return NULL;
	doctor_examine(&d);
	root = doctor_json(&d);
	free(d.findings);
	return root;
}

static json_t *options_json(const struct selftest_options *options)
{
	return json_pack("{s:s?, s:b, s:f, s:i, s:i, s:b}", "match", options->match, "quick",
			 options->quick, "timeout_s", (double)options->timeout_ns / 1e9, "port",
			 options->where.port, "gid_index", options->where.gid_index, "two_hosts",
			 options->host != NULL);
}

static json_t *date_json(void)
{
	const time_t now = time(NULL);
	char text[32] = "";
	struct tm utc;

	if (gmtime_r(&now, &utc) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

static int hide(json_t *root, const struct selftest_options *options)
{
	char name[256] = "";
	struct hide_word words[] = {
		{ name, "<host>" },
		{ NULL, "<host>" }, /* of a name with a domain, its first part */
		{ options->host, "<other host>" },
		{ getenv("HOME"), "~" },
	};
	char first[256];

	if (gethostname(name, sizeof(name) - 1) != 0)
		name[0] = '\0';
	memcpy(first, name, sizeof(first));
	first[strcspn(first, ".")] = '\0';
	words[1].word = first;
	if (strcmp(name, "localhost") == 0)
		words[0].word = words[1].word = NULL;
	return hide_json(root, words, sizeof(words) / sizeof(words[0]));
}

json_t *selftest_json(const struct selftest *selftest)
{
	unsigned count[SELFTEST_VERDICTS];
	json_t *root = json_out_root("bv selftest");
	int rc = root != NULL ? 0 : -1;

	for (int v = 0; v < SELFTEST_VERDICTS; v++)
		count[v] = selftest_count(selftest, (enum selftest_verdict)v);
	rc |= json_object_set_new(root, "date", date_json());
	rc |= json_object_set_new(root, "outcome", json_string(selftest_outcome(selftest)));
	rc |= json_object_set_new(root, "counts", counts_json(count));
	rc |= json_object_set_new(root, "emulated",
				  json_boolean(selftest->selection.kind == BV_DEVICE_EMULATED));
	rc |= json_object_set_new(root, "hidden", json_boolean(!selftest->options->full));
	rc |= json_object_set_new(root, "options", options_json(selftest->options));
	rc |= json_object_set_new(root, "host", selftest_facts(selftest));
	rc |= json_object_set(root, "peer",
			      selftest->peer_facts != NULL ? selftest->peer_facts : json_null());
	rc |= json_object_set_new(root, "runs", runs_json(selftest));
	rc |= json_object_set_new(root, "doctor", doctors_json(selftest));
	if (rc == 0 && !selftest->options->full)
		rc = hide(root, selftest->options);
	if (rc == 0)
		return root;
	json_decref(root);
	return NULL;
}
