/* SPDX-License-Identifier: MIT */
/* Jansson writes all of it, so that it is valid by construction. */
#include "json_out.h"

#include <errno.h>
#include <string.h>

#include <bareverbs/version.h>

#include "clock.h"
#include "cpu.h"
#include "error.h"

int json_out_open(struct json_out *out, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

	if (file == NULL)
		return fail(-errno, "cannot write %s: %s", path, strerror(errno));
	*out = (struct json_out){ .path = path, .file = file };
	return 0;
}

static int close_file(struct json_out *out)
{
	FILE *file = out->file;
	int rc;

	out->file = NULL;
	if (file == NULL)
		return 0;
	rc = fflush(file) == 0 && !ferror(file) ? 0 : -EIO;
	if (file != stdout && fclose(file) != 0)
		rc = -EIO;
	return rc;
}

int json_out_write(struct json_out *out, json_t *root)
{
	int rc = -ENOMEM;

	if (root != NULL) {
		rc = json_dumpf(root, out->file, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
		if (rc == 0 && fputc('\n', out->file) == EOF)
			rc = -EIO;
	}
	json_decref(root);
	if (close_file(out) < 0 && rc == 0)
		rc = -EIO;
	if (rc == 0)
		return 0;
	return fail(rc == -ENOMEM ? rc : -EIO, "cannot write the result to %s: %s", out->path,
		    rc == -ENOMEM ? "out of memory" : strerror(errno));
}

void json_out_close(struct json_out *out)
{
	close_file(out);
}

json_t *json_out_root(const char *tool)
{
	return json_pack("{s:i, s:s, s:s, s:s}", "schema", JSON_OUT_SCHEMA, "tool", tool, "version",
			 BV_VERSION_STRING, "library", bv_version());
}

json_t *json_out_failure(const char *tool)
{
	json_t *root = json_out_root(tool);

	if (root != NULL)
		json_object_set_new(root, "error", json_string(fail_text()));
	return root;
}

json_t *json_out_host(void)
{
	return json_pack("{s:s, s:i, s:s, s:f, s:f}", "cpu", cpu_model(), "cpus", (int)cpu_count(),
			 "clock", clock_info.source, "clock_ghz", 1 / clock_info.ns_per_tick,
			 "clock_overhead_ns", (double)clock_info.overhead * clock_info.ns_per_tick);
}
