/* SPDX-License-Identifier: MIT */
/* Written by the engine (engine/report.c), one write per line, whatever the level of the log is. */
#include "launcher/reports.h"

#include "launcher/program.h"
#include "run/config.h"

#include <stdio.h>
#include <string.h>

enum { LINE = 512 };

/* The number of lines, and the first one without its end. */
static unsigned read_reports(const char *run_dir, char first[LINE])
{
	char path[PATH_MAX], line[LINE];
	unsigned n = 0;
	FILE *in;

	if (snprintf(path, sizeof(path), "%s/" EMU_RUN_REPORTS_FILE, run_dir) >= (int)sizeof(path))
		return 0;
	in = fopen(path, "re");
	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in)) {
		if (n++ == 0)
			memcpy(first, line, sizeof(line));
	}
	fclose(in);
	first[n ? strcspn(first, "\n") : 0] = '\0';
	return n;
}

int reports_judge(const char *run_dir, int status)
{
	char first[LINE];
	const unsigned n = read_reports(run_dir, first);

	if (n == 0)
		return status;
	fprintf(stderr,
		"mlx5emu: the device interface was used wrongly, %u report%s; the first, %s\n", n,
		n == 1 ? "" : "s", first);
	return status == 0 ? EXIT_REPORTS : status;
}
