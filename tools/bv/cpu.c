/* SPDX-License-Identifier: MIT */
/* What the kernel says of the CPUs; bv binds threads only when it is told to. */
#include "cpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

unsigned cpu_count(void)
{
	static unsigned count;
	cpu_set_t set;

	if (count == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (unsigned)CPU_COUNT(&set);
	return count > 0 ? count : 1;
}

/* x86 says "model name"; aarch64 kernels give the part number only, under "CPU part". */
const char *cpu_model(void)
{
	static char model[128] = "unknown";
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (file == NULL)
		return model;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *colon = strchr(line, ':');

		if (colon == NULL ||
		    (strncmp(line, "model name", 10) != 0 && strncmp(line, "CPU part", 8) != 0))
			continue;
		snprintf(model, sizeof(model), "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	fclose(file);
	return model;
}

int cpu_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return fail(-EINVAL, "cannot run on CPU %d: 0 to %d exist", cpu, CPU_SETSIZE - 1);
	cpu_count(); /* before it becomes 1 */
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		return fail(-errno,
			    "cannot run on CPU %d: %s; `nproc` and `taskset -p $$` tell which "
			    "ones this process may use",
			    cpu, strerror(errno));
	return 0;
}
