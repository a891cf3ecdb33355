/* SPDX-License-Identifier: MIT */
/* What makes times uneven: clock rates, sleep states, siblings, interrupts, page migration. */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024
/* A core that sleeps deeper than this takes longer to wake than a message takes to arrive. */
#define EXIT_LATENCY_US 10

static void governor(struct doctor *d)
{
	char name[64], first[64] = "";
	unsigned seen = 0, slow = 0;

	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!doctor_exists(d, "/sys/devices/system/cpu/cpu%u", cpu))
			break;
		if (!doctor_line(d, name, sizeof(name),
				 "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu))
			continue;
		seen++;
		if (strcmp(name, "performance") == 0)
			continue;
		if (slow++ == 0)
			memcpy(first, name, sizeof(first));
	}
	if (seen == 0)
		doctor_add(d, DOCTOR_NOTE, "governor", NULL, NULL,
			   "the kernel does not set the clock rate (virtual machine, or firmware)");
	else if (slow > 0)
		doctor_add(d, DOCTOR_WARNING, "governor", NULL,
			   "`cpupower frequency-set -g performance`",
			   "%u of %u CPUs have governor %s: the first messages after a pause are "
			   "slower",
			   slow, seen, first);
	else
		doctor_add(d, DOCTOR_OK, "governor", NULL, NULL, "performance, on all %u CPUs",
			   seen);
}

/* The sleep state of CPU 0 that takes longest to leave, of those that are not disabled. */
static void sleep_states(struct doctor *d)
{
	char states[16][DOCTOR_NAME_MAX], name[64] = "";
	const size_t n = doctor_folder(d, states, 16, "/sys/devices/system/cpu/cpu0/cpuidle");
	long long deepest = 0;

	for (size_t i = 0; i < n; i++) {
		const char *path = "/sys/devices/system/cpu/cpu0/cpuidle";
		const long long us = doctor_number(d, 0, "%s/%s/latency", path, states[i]);

		if (doctor_number(d, 0, "%s/%s/disable", path, states[i]) != 0 || us <= deepest)
			continue;
		deepest = us;
		doctor_line(d, name, sizeof(name), "%s/%s/name", path, states[i]);
	}
	if (n == 0)
		doctor_add(d, DOCTOR_NOTE, "c-states", NULL, NULL,
			   "the kernel does not choose them (virtual machine, or idle=poll)");
	else if (deepest > EXIT_LATENCY_US)
		doctor_add(d, DOCTOR_WARNING, "c-states", NULL,
			   "`cpupower idle-set -D 10` allows states of at most 10 us; or hold "
			   "/dev/cpu_dma_latency open",
			   "CPUs may sleep as deep as %s, and take %lld us to wake", name, deepest);
	else
		doctor_add(d, DOCTOR_OK, "c-states", NULL, NULL, "CPUs wake within %lld us",
			   deepest);
}

static void turbo(struct doctor *d)
{
	const long long no_turbo =
		doctor_number(d, -1, "/sys/devices/system/cpu/intel_pstate/no_turbo");
	const long long boost = doctor_number(d, -1, "/sys/devices/system/cpu/cpufreq/boost");

	if (no_turbo == 0 || boost == 1)
		doctor_add(
			d, DOCTOR_NOTE, "turbo", NULL,
			"`echo 1 >/sys/devices/system/cpu/intel_pstate/no_turbo` (or cpufreq/boost "
			"to 0) for times that repeat",
			"on: the clock rate depends on what the other cores do");
	else if (no_turbo == 1 || boost == 0)
		doctor_add(d, DOCTOR_OK, "turbo", NULL, NULL, "off");
}

static void siblings(struct doctor *d)
{
	char list[128] = "";

	if (doctor_number(d, 0, "/sys/devices/system/cpu/smt/active") != 1) {
		doctor_add(d, DOCTOR_OK, "smt", NULL, NULL, "no core is shared by two threads");
		return;
	}
	if (d->cpu >= 0)
		doctor_line(d, list, sizeof(list),
			    "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", d->cpu);
	doctor_add(d, DOCTOR_NOTE, "smt", NULL,
		   "keep the sibling of a polling core idle: isolate it, or take it offline",
		   "on: what runs on a core's other thread slows a poller%s%s",
		   list[0] != '\0' ? "; the core and its sibling are CPUs " : "", list);
}

static void isolated(struct doctor *d)
{
	char list[256];

	if (!doctor_line(d, list, sizeof(list), "/sys/devices/system/cpu/isolated")) {
		doctor_add(d, DOCTOR_NOTE, "isolcpus", NULL,
			   "boot with isolcpus=nohz,domain,managed_irq,N for the cores that poll",
			   "no CPU is isolated: the scheduler may put other work beside a poller");
		return;
	}
	if (d->cpu >= 0 && !doctor_in_cpulist(list, (unsigned)d->cpu))
		doctor_add(d, DOCTOR_WARNING, "isolcpus", NULL, "poll on one of the isolated CPUs",
			   "CPUs %s are isolated, CPU %d is not", list, d->cpu);
	else
		doctor_add(d, DOCTOR_OK, "isolcpus", NULL, NULL, "CPUs %s are isolated", list);
}

/* Interrupts that may be, or are, served by the core that polls. */
static void interrupts(struct doctor *d)
{
	static char irqs[4096][DOCTOR_NAME_MAX];
	size_t n, here = 0;

	if (d->cpu < 0) {
		doctor_add(d, DOCTOR_SKIPPED, "interrupts", NULL, "name the core with --cpu",
			   "which core will poll is not known");
		return;
	}
	n = doctor_folder(d, irqs, 4096, "/proc/irq");
	for (size_t i = 0; i < n; i++) {
		char list[256];

		if (!doctor_line(d, list, sizeof(list), "/proc/irq/%s/effective_affinity_list",
				 irqs[i]) &&
		    !doctor_line(d, list, sizeof(list), "/proc/irq/%s/smp_affinity_list", irqs[i]))
			continue;
		here += doctor_in_cpulist(list, (unsigned)d->cpu);
	}
	doctor_add(d, here > 0 ? DOCTOR_WARNING : DOCTOR_OK, "interrupts", NULL,
		   here > 0 ? "write other CPUs to /proc/irq/N/smp_affinity_list (stop irqbalance "
			      "first, or ban the core there)" :
			      NULL,
		   "%zu interrupts are served by CPU %d", here, d->cpu);
}

static void numa_balancing(struct doctor *d)
{
	const long long on = doctor_number(d, 0, "/proc/sys/kernel/numa_balancing");

	if (on > 0)
		doctor_add(d, DOCTOR_WARNING, "numa-balancing", NULL,
			   "`sysctl kernel.numa_balancing=0`",
			   "on: pages are unmapped to see who uses them, and accesses stall for "
			   "milliseconds");
	else
		doctor_add(d, DOCTOR_OK, "numa-balancing", NULL, NULL, "off");
}

void doctor_cpu(struct doctor *d)
{
	governor(d);
	sleep_states(d);
	turbo(d);
	siblings(d);
	isolated(d);
	interrupts(d);
	numa_balancing(d);
}
