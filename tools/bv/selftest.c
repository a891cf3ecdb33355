/* SPDX-License-Identifier: MIT */
/*
 * bv selftest: the conformance suite on this machine, for each provider that can drive the device, on one
 * host or between two, and a report of it.
 */
#include "selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bareverbs/bareverbs.h>

#include "command.h"
#include "error.h"
#include "json_out.h"
#include "names.h"
#include "selftest_hosts.h"

struct outputs {
	struct json_out json; /* its file is NULL if it is not wanted */
	FILE *report;         /* NULL: not wanted, or written */
};

static bool is_standard_output(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static struct selftest_run *add_run(struct selftest *selftest, const char *provider,
				    const char *topology)
{
	struct selftest_run *run = &selftest->runs[selftest->nruns++];

	run->provider = provider;
	run->topology = topology;
	return run;
}

/* Providers take turns within a topology, so that their columns stand side by side. */
static int plan(struct selftest *selftest)
{
	static const char *const one_host[] = { "loopback", "process" };
	static const char *const two_hosts[] = { "hosts" };
	const bool two = selftest->options->host != NULL;
	size_t ncases = 0;
	int rc = 0;

	for (unsigned t = 0; t < (two ? 1 : 2); t++)
		for (uint32_t p = 0; p < selftest->selection.nproviders && rc == 0; p++) {
			struct selftest_run *run = add_run(selftest,
							   selftest->selection.provider[p],
							   two ? two_hosts[t] : one_host[t]);

			rc = selftest_list(selftest, run);
			ncases += run->ncases;
		}
	if (rc == 0 && ncases == 0)
		return fail(-ENOENT,
			    "no test matches '%s': `bv selftest --list` names them and their IDs",
			    selftest->options->match != NULL ? selftest->options->match : "*");
	return rc;
}

/* The union of what all topologies have: "process" has every test. */
static int list_tests(struct selftest *selftest)
{
	struct selftest_run *run = add_run(selftest, "verbs", "process");
	const int rc = selftest_list(selftest, run);

	for (size_t i = 0; i < run->ncases; i++)
		printf("%-40s %-14s %s\n", run->cases[i].name, run->cases[i].ids,
		       run->cases[i].guarantee);
	return rc;
}

/* What each test would fail for, if it is wrong. */
static int check_port(const struct selftest *selftest, const struct bv_port_info *port)
{
	const char *device = selftest->selection.device;
	const int row = selftest->options->where.gid_index;

	if (port == NULL)
		return fail(-ENOENT, "%s has no port %u", device, selftest->options->where.port);
	if (port->state != BV_PORT_ACTIVE)
		return fail(-ENETDOWN,
			    "port %u of %s is %s, not ACTIVE: check cable, switch port and `ip "
			    "link`; `bv doctor` tells more",
			    port->num, device, name_of_state(port->state));
	for (uint32_t i = 0; i < port->ngids; i++)
		if ((int)port->gids[i].index == row)
			return 0;
	if (row == BV_GID_AUTO)
		return 0;
	return fail(-ENOENT, "port %u of %s has no GID in row %d: `bv info %s` shows those it has",
		    port->num, device, row, device);
}

static int find_port(const struct selftest *selftest)
{
	const struct bv_port_info *port = NULL;
	struct bv_device_info *list;
	const int n = bv_device_list(&list);
	int rc;

	for (int i = 0; i < n; i++)
		for (uint32_t j = 0; j < list[i].nports; j++)
			if (strcmp(list[i].name, selftest->selection.device) == 0 &&
			    list[i].ports[j].num == selftest->options->where.port)
				port = &list[i].ports[j];
	rc = check_port(selftest, port);
	if (n > 0)
		bv_device_list_free(list);
	return rc;
}

static int prepare(struct selftest *selftest)
{
	const struct selftest_options *options = selftest->options;
	int rc = where_select(&options->where, &selftest->selection);

	if (rc == 0)
		rc = find_port(selftest);
	if (rc == 0 && options->host != NULL)
		rc = selftest_hosts_connect(selftest);
	if (rc == 0 && !options->listen)
		rc = plan(selftest);
	return rc;
}

static int run_all(struct selftest *selftest)
{
	int rc = 0;

	if (!selftest->quiet)
		selftest_print_head(selftest);
	for (size_t i = 0; i < selftest->nruns && rc == 0; i++)
		rc = selftest_run(selftest, &selftest->runs[i]);
	if (rc == 0 && !selftest->quiet)
		selftest_print_summary(selftest);
	return rc;
}

/* Files are opened before anything runs, so that a wrong path costs nothing. */
static int open_outputs(struct outputs *outputs, const struct selftest_options *options)
{
	int rc = 0;

	if (options->json != NULL)
		rc = json_out_open(&outputs->json, options->json);
	if (rc == 0 && options->report != NULL)
		outputs->report =
			is_standard_output(options->report) ? stdout : fopen(options->report, "we");
	if (rc == 0 && options->report != NULL && outputs->report == NULL)
		rc = fail(-errno, "cannot write %s: %s", options->report, strerror(errno));
	return rc;
}

static int write_report(struct outputs *outputs, const json_t *root, const char *path)
{
	FILE *out = outputs->report;
	bool well;

	outputs->report = NULL;
	selftest_report(out, root);
	well = fflush(out) == 0 && !ferror(out);
	if (out != stdout && fclose(out) != 0)
		well = false;
	return well ? 0 : fail(-EIO, "cannot write the report to %s: %s", path, strerror(errno));
}

static int write_outputs(struct outputs *outputs, const struct selftest *selftest)
{
	json_t *root;
	int rc = 0;

	if (outputs->report == NULL && outputs->json.file == NULL)
		return 0;
	root = selftest_json(selftest);
	if (root == NULL)
		return fail(-ENOMEM, "cannot make the report: out of memory");
	if (outputs->report != NULL) {
		rc = write_report(outputs, root, selftest->options->report);
		if (rc == 0 && !selftest->quiet)
			printf("The report is in %s: please mail it to us with what you "
			       "observed.\n",
			       selftest->options->report);
	}
	if (rc == 0 && outputs->json.file != NULL)
		rc = json_out_write(&outputs->json, json_incref(root));
	json_decref(root);
	return rc;
}

/* It could not be run: whoever reads the files learns of it, too. */
static void write_failure(struct outputs *outputs)
{
	fprintf(stderr, "bv selftest: %s\n", fail_text());
	if (outputs->report != NULL && outputs->report != stdout) {
		fprintf(outputs->report, "bv selftest: %s\n", fail_text());
		fclose(outputs->report);
	}
	if (outputs->json.file != NULL)
		json_out_write(&outputs->json, json_out_failure("bv selftest"));
}

static int status_of(const struct selftest *selftest)
{
	if (selftest_count(selftest, SELFTEST_FAILED) > 0)
		return EXIT_FAILED;
	return selftest_count(selftest, SELFTEST_NOT_RUN) > 0 ? EXIT_NOT_RUN : EXIT_OK;
}

/* The exit status, or -errno with its text: it could not be run at all. */
static int run_command(struct selftest *selftest, struct outputs *outputs)
{
	const struct selftest_options *options = selftest->options;
	int rc = open_outputs(outputs, options);

	if (rc == 0)
		rc = selftest_find_suite(selftest);
	if (rc == 0 && options->list)
		return list_tests(selftest);
	if (rc == 0)
		rc = prepare(selftest);
	if (rc < 0)
		return rc;
	selftest_catch_signals();
	if (options->listen)
		return selftest_listen(selftest);
	rc = run_all(selftest);
	if (rc < 0)
		return rc;
	if (write_outputs(outputs, selftest) == 0)
		return status_of(selftest);
	fprintf(stderr, "bv selftest: %s\n", fail_text());
	return EXIT_FAILED;
}

int selftest_main(int argc, char **argv)
{
	struct selftest_options options;
	struct selftest *selftest = calloc(1, sizeof(*selftest));
	struct outputs outputs = { .report = NULL };
	int rc;

	if (selftest == NULL) {
		fprintf(stderr, "bv selftest: out of memory\n");
		return EXIT_NOT_RUN;
	}
	selftest_parse(argc, argv, &options);
	selftest->options = &options;
	selftest->quiet = is_standard_output(options.json) || is_standard_output(options.report);
	rc = run_command(selftest, &outputs);
	if (rc < 0)
		write_failure(&outputs);
	selftest_hosts_end(selftest);
	for (size_t i = 0; i < selftest->nruns; i++)
		selftest_run_free(&selftest->runs[i]);
	json_decref(selftest->peer_facts);
	free(selftest);
	return rc < 0 ? EXIT_NOT_RUN : rc;
}
