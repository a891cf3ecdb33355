/* SPDX-License-Identifier: MIT */
/* Findings: kept as they come, printed in that order. */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bareverbs/version.h>

#include "json_out.h"

void doctor_add(struct doctor *d, enum doctor_level level, const char *check, const char *device,
		const char *remedy, const char *format, ...)
{
	struct doctor_finding *finding = &d->findings[d->nfindings];
	va_list args;

	if (d->nfindings == DOCTOR_FINDINGS_MAX)
		return;
	d->nfindings++;
	finding->level = level;
	snprintf(finding->check, sizeof(finding->check), "%s", check);
	snprintf(finding->device, sizeof(finding->device), "%s", device != NULL ? device : "");
	finding->remedy = remedy;
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok",           [DOCTOR_SKIPPED] = "skipped", [DOCTOR_NOTE] = "note",
		[DOCTOR_WARNING] = "warning", [DOCTOR_FAILURE] = "failure",
	};

	return names[level];
}

size_t doctor_count(const struct doctor *d, enum doctor_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < d->nfindings; i++)
		count += d->findings[i].level == level;
	return count;
}

enum doctor_level doctor_worst(const struct doctor *d)
{
	enum doctor_level worst = DOCTOR_OK;

	for (size_t i = 0; i < d->nfindings; i++)
		if (d->findings[i].level > worst)
			worst = d->findings[i].level;
	return worst;
}

/* Text of several lines stays in its column. */
static void print_indented(const char *text, const char *first)
{
	const char *end;

	printf("%s", first);
	while ((end = strchr(text, '\n')) != NULL) {
		printf("%.*s\n%26s", (int)(end - text), text, "");
		text = end + 1;
	}
	printf("%s\n", text);
}

void doctor_print(const struct doctor *d)
{
	for (size_t i = 0; i < d->nfindings; i++) {
		const struct doctor_finding *finding = &d->findings[i];

		printf("%-8s %-16s ", doctor_level_name(finding->level), finding->check);
		if (finding->device[0] != '\0')
			printf("%s: ", finding->device);
		print_indented(finding->text, "");
		if (finding->remedy != NULL)
			print_indented(finding->remedy, "                       -> ");
	}
	printf("\n%zu checks: %zu failed, %zu with a warning, %zu with a note, %zu skipped\n",
	       d->nfindings, doctor_count(d, DOCTOR_FAILURE), doctor_count(d, DOCTOR_WARNING),
	       doctor_count(d, DOCTOR_NOTE), doctor_count(d, DOCTOR_SKIPPED));
}

static json_t *finding_json(const struct doctor_finding *finding)
{
	return json_pack("{s:s, s:s?, s:s, s:s, s:s?}", "check", finding->check, "device",
			 finding->device[0] != '\0' ? finding->device : NULL, "level",
			 doctor_level_name(finding->level), "finding", finding->text, "remedy",
			 finding->remedy);
}

json_t *doctor_json(const struct doctor *d)
{
	json_t *root = json_out_root("bv doctor");
	json_t *checks = json_array();
	json_t *counts = json_object();
	int rc = 0;

	for (size_t i = 0; i < d->nfindings; i++)
		rc |= json_array_append_new(checks, finding_json(&d->findings[i]));
	for (int level = 0; level < DOCTOR_LEVELS; level++)
		rc |= json_object_set_new(
			counts, doctor_level_name((enum doctor_level)level),
			json_integer((json_int_t)doctor_count(d, (enum doctor_level)level)));
	rc |= json_object_set_new(root, "emulated", json_boolean(d->emulated));
	rc |= json_object_set_new(root, "worst", json_string(doctor_level_name(doctor_worst(d))));
	rc |= json_object_set_new(root, "counts", counts);
	rc |= json_object_set_new(root, "checks", checks);
	if (rc == 0)
		return root;
	json_decref(root);
	return NULL;
}
