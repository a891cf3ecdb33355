/* SPDX-License-Identifier: MIT */
/*
 * bv doctor: everything that users of RDMA stumble over, looked at before they do, each with what to
 * do about it. It reads, and it opens devices; it changes nothing.
 */
#include "doctor.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include <bareverbs/bareverbs.h>

#include "command.h"
#include "error.h"
#include "json_out.h"
#include "parse.h"

/* Beside those of every command: the worst finding is a warning. */
#define EXIT_WARNING 3

#define CPU_MAX 4095

enum { OPTION_ROOT = 256, OPTION_CPU };

struct options {
	const char *device;
	const char *root;
	int cpu;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	uint64_t value;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case OPTION_ROOT:
		options->root = arg;
		return 0;
	case OPTION_CPU:
		if (parse_count(arg, "--cpu", 0, CPU_MAX, &value) < 0)
			argp_error(state, "%s", fail_text());
		options->cpu = (int)value;
		return 0;
	case ARGP_KEY_ARG:
		if (options->device != NULL)
			argp_error(state, "one device at most");
		options->device = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A library that cannot list devices is a finding, not the end. */
static void list_devices(struct doctor *d)
{
	const int n = bv_device_list(&d->devices);

	if (n < 0) {
		d->devices = NULL;
		doctor_add(d, DOCTOR_FAILURE, "device", NULL, NULL, "cannot be listed: %s",
			   bv_error_text(NULL));
		return;
	}
	d->ndevices = n;
	for (int i = 0; i < n; i++)
		d->emulated = d->emulated || d->devices[i].kind == BV_DEVICE_EMULATED;
}

void doctor_examine(struct doctor *d)
{
	if (d->root[0] == '\0')
		list_devices(d);
	doctor_host(d);
	doctor_cpu(d);
	doctor_gpu(d);
	doctor_device(d);
	doctor_loop(d);
	bv_device_list_free(d->devices);
	d->devices = NULL;
	d->ndevices = 0;
}

static int report(const struct doctor *d, bool json)
{
	struct json_out out;

	if (!json) {
		doctor_print(d);
		return 0;
	}
	return json_out_open(&out, "-") < 0 ? -1 : json_out_write(&out, doctor_json(d));
}

static int status_of(enum doctor_level worst)
{
	if (worst == DOCTOR_FAILURE)
		return EXIT_FAILED;
	return worst == DOCTOR_WARNING ? EXIT_WARNING : EXIT_OK;
}

int doctor_main(int argc, char **argv)
{
	static const struct argp_option list[] = {
		{ "json", 'j', NULL, 0, "Print JSON instead of text", 0 },
		{ "cpu", OPTION_CPU, "N", 0, "The CPU that will poll", 0 },
		{ "root", OPTION_ROOT, "DIR", 0,
		  "For tests: a folder that stands for \"/\"; no device is opened", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		list,
		parse,
		"[DEVICE]",
		"Looks at this machine for what RDMA programs stumble over, "
		"and says what to do. Changes nothing.",
		NULL,
		NULL,
		NULL
	};
	struct options options = { .root = "", .cpu = -1 };
	struct doctor d = { .cpu = -1 };
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	d.root = options.root;
	d.device = options.device;
	d.cpu = options.cpu;
	d.findings = calloc(DOCTOR_FINDINGS_MAX, sizeof(*d.findings));
	if (d.findings == NULL) {
		fprintf(stderr, "bv doctor: out of memory\n");
		return EXIT_FAILED;
	}
	doctor_examine(&d);
	rc = report(&d, options.json);
	if (rc < 0)
		fprintf(stderr, "bv doctor: %s\n", fail_text());
	rc = rc < 0 ? EXIT_FAILED : status_of(doctor_worst(&d));
	free(d.findings);
	return rc;
}
