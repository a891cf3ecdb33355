/* SPDX-License-Identifier: MIT */
/*
 * What the checks of bv doctor share: the list of findings, and the files they look at.
 *
 * All files are read below one root, so that a test can hand in a machine as a tree of files. What
 * cannot be a file (the library's view of devices, the loopback test) is left out then.
 */
#ifndef BV_TOOLS_BV_DOCTOR_H
#define BV_TOOLS_BV_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <bareverbs/device.h>

/* In order of severity. */
enum doctor_level {
	DOCTOR_OK,
	DOCTOR_SKIPPED, /* could not be looked at here */
	DOCTOR_NOTE,    /* worth knowing */
	DOCTOR_WARNING, /* works, but slower, less evenly or not in all cases */
	DOCTOR_FAILURE, /* does not work */
	DOCTOR_LEVELS,
};

#define DOCTOR_FINDINGS_MAX 256
#define DOCTOR_NAME_MAX 64

struct doctor_finding {
	enum doctor_level level;
	char check[24];               /* what was looked at: "memlock" */
	char device[DOCTOR_NAME_MAX]; /* "" if it is the host's */
	char text[1024];
	const char *remedy; /* a constant string; NULL if there is nothing to do */
};

struct doctor {
	const char *root;   /* "" or the folder that stands for "/" */
	const char *device; /* the only one to look at; NULL: all */
	int cpu;            /* the core that will poll; -1: not said */
	bool emulated;      /* some device is */
	struct bv_device_info *devices;
	int ndevices;
	struct doctor_finding *findings;
	size_t nfindings;
};

/* Adds a finding; @device may be NULL. What does not fit any more is dropped. */
__attribute__((format(printf, 6, 7))) void doctor_add(struct doctor *d, enum doctor_level level,
						      const char *check, const char *device,
						      const char *remedy, const char *format, ...);

const char *doctor_level_name(enum doctor_level level);
enum doctor_level doctor_worst(const struct doctor *d);
size_t doctor_count(const struct doctor *d, enum doctor_level level);

/*
 * The first line of a file below the root, without its end; the format makes the path, from "/" on.
 * Return: true; false if it cannot be read or is empty, and then @text is "".
 */
__attribute__((format(printf, 4, 5))) bool doctor_line(const struct doctor *d, char *text,
						       size_t size, const char *format, ...);
/* The same for all of a file, as far as it fits. */
bool doctor_text(const struct doctor *d, char *text, size_t size, const char *path);
/* All of a file, whatever it holds, as far as it fits: how many bytes. */
__attribute__((format(printf, 4, 5))) size_t doctor_bytes(const struct doctor *d, void *bytes,
							  size_t size, const char *format, ...);
/* A number that a file starts with; @fallback if there is none. */
__attribute__((format(printf, 3, 4))) long long
doctor_number(const struct doctor *d, long long fallback, const char *format, ...);
__attribute__((format(printf, 2, 3))) bool doctor_exists(const struct doctor *d, const char *format,
							 ...);

/* The entries of a folder, sorted, dots left out: how many, at most @max; 0 if there is no folder. */
__attribute__((format(printf, 4, 5))) size_t doctor_folder(const struct doctor *d,
							   char (*names)[DOCTOR_NAME_MAX],
							   size_t max, const char *format, ...);

/* Whether the kernel's release is at least that. */
bool doctor_kernel(const struct doctor *d, int major, int minor);

/* Whether a CPU is in a list as the kernel writes it: "0-3,8,10-11". */
bool doctor_in_cpulist(const char *list, unsigned cpu);

/* All checks. @d has root, device, cpu and DOCTOR_FINDINGS_MAX findings of zeros. */
void doctor_examine(struct doctor *d);

/* The checks, by file. */
void doctor_host(struct doctor *d);   /* doctor_host.c: versions, limits, memory, container */
void doctor_cpu(struct doctor *d);    /* doctor_cpu.c: what makes times uneven */
void doctor_gpu(struct doctor *d);    /* doctor_gpu.c: memory of GPUs, IOMMU */
void doctor_device(struct doctor *d); /* doctor_device.c: devices, ports, links, GIDs */
void doctor_loop(struct doctor *d);   /* doctor_loop.c: opens devices, writes and reads */
void doctor_acs(struct doctor *d);    /* doctor_pci.c: switches between GPUs and devices */
void doctor_doorbells(struct doctor *d, const char *name); /* doctor_pci.c: registers of one */

/* doctor_report.c */
void doctor_print(const struct doctor *d);
json_t *doctor_json(const struct doctor *d);

#endif
