/* SPDX-License-Identifier: MIT */
#include "stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t emu_stat_started(int pid)
{
	char path[32], text[1024];
	const char *at;
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "re");
	if (!in)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = '\0';
	/* The second field is a name in parentheses, which may have blanks and parentheses in it. */
	at = strrchr(text, ')');
	for (unsigned field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}
