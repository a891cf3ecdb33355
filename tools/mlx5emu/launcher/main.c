/* SPDX-License-Identifier: MIT */
/*
 * mlx5emu run: makes the run directory, points the environment at it, runs the program as a child,
 * and removes the directory whatever became of the program. The devices themselves live in the
 * library that is preloaded into each process of the run.
 */
#include "launcher/capture.h"
#include "launcher/environment.h"
#include "launcher/host.h"
#include "launcher/options.h"
#include "launcher/program.h"
#include "launcher/reports.h"
#include "launcher/rundir.h"
#include "launcher/stat.h"
#include "launcher/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

static int make_id(char id[EMU_RUN_ID_SIZE])
{
	unsigned char bytes[(EMU_RUN_ID_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int complain(const char *what, int rc)
{
	fprintf(stderr, "mlx5emu: %s: %s\n", what, strerror(-rc));
	return EXIT_LAUNCHER;
}

static int complain_of(const char *what, const char *path, int rc)
{
	fprintf(stderr, "mlx5emu: cannot make %s %s: %s\n", what, path, strerror(-rc));
	return EXIT_LAUNCHER;
}

static int run_in(const struct rundir *dir, const struct host *host, const struct emu_run *run,
		  const char *path, char *const argv[])
{
	const char *looked = "";
	int rc = capture_create(run, &looked);

	if (rc < 0)
		return complain_of("the trace file", looked, rc);
	rc = tree_write(dir->path, host, run);
	if (rc < 0)
		return complain_of("the files of the run in", dir->path, rc);
	rc = environment_set(dir->path, &looked);
	if (rc == -ENOENT) {
		fprintf(stderr,
			"mlx5emu: libmlx5emu.so is not in %s, seen from this binary: "
			"install it there, or build the whole tree\n",
			looked);
		return EXIT_LAUNCHER;
	}
	if (rc == -ENXIO) {
		fprintf(stderr, "mlx5emu: /proc/self/exe cannot be read: mount /proc\n");
		return EXIT_LAUNCHER;
	}
	if (rc < 0)
		return complain("cannot set the environment", rc);
	rc = program_run(path, argv);
	return reports_judge(dir->path, rc);
}

int main(int argc, char **argv)
{
	static struct host host;
	struct emu_run run = { .ndev = 1 };
	struct rundir dir;
	char path[PATH_MAX];
	char **program;
	int rc;

	if (argc > 1 && strcmp(argv[1], "stat") == 0)
		return stat_main(argc - 1, argv + 1);
	program = options_parse(argc, argv, &run, &host);
	if (getauxval(AT_SECURE)) {
		fprintf(stderr, "mlx5emu: refuses to run set-user-ID or with capabilities of its "
				"own: it runs any program it is told to\n");
		return EXIT_LAUNCHER;
	}
	rc = program_find(program[0], path);
	if (rc)
		return rc;
	rc = make_id(run.id);
	if (rc < 0)
		return complain("no random number for the run", rc);
	rc = program_hold_signals();
	if (rc < 0)
		return complain("cannot block signals", rc);
	rc = rundir_create(&dir);
	if (rc < 0)
		return complain("cannot make a run directory: $XDG_RUNTIME_DIR, /dev/shm or /tmp "
				"must be writable, with 8 MiB free",
				rc);
	if (run.log_level >= EMU_RUN_LOG_WARN)
		host_warn(&host, &run);
	rc = run_in(&dir, &host, &run, path, program);
	rundir_remove(&dir);
	return rc;
}
