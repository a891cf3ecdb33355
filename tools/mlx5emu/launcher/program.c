/* SPDX-License-Identifier: MIT */
/*
 * The launcher blocks what it handles and takes signals one by one, so nothing runs in a handler.
 * A signal from the terminal reaches the program by itself (same process group) and is only
 * survived; one sent to the launcher is sent on. If the launcher is killed outright, the kernel
 * ends the program.
 */
#include "launcher/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static sigset_t handled, inherited;

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Looks through PATH; -ENOENT. */
static int search(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");

	if (!dirs)
		dirs = "/usr/local/bin:/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, dirs, len ? "/" : "./",
				 name);

		if (n < PATH_MAX && is_program(path))
			return 0;
		if (dirs[len] == '\0')
			return -ENOENT;
		dirs += len + 1;
	}
}

/* The dynamic loader ignores LD_PRELOAD in a program that gains rights by being executed. */
static const char *gains_rights(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (st.st_mode & S_ISUID && st.st_uid != geteuid())
		return "set-user-ID";
	if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getegid())
		return "set-group-ID";
	if (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "privileged (file capabilities)";
	return NULL;
}

int program_find(const char *name, char path[PATH_MAX])
{
	const char *privilege;
	int rc = 0;

	if (!strchr(name, '/'))
		rc = search(name, path);
	else if (strlen(name) < PATH_MAX)
		strcpy(path, name);
	else
		rc = -ENAMETOOLONG;
	if (rc < 0 || access(path, F_OK) < 0) {
		fprintf(stderr, "mlx5emu: %s: no such program%s\n", name,
			strchr(name, '/') ? "" : " in PATH; give its path, or extend PATH");
		return EXIT_NOT_FOUND;
	}
	if (!is_program(path)) {
		fprintf(stderr, "mlx5emu: %s: not an executable file\n", path);
		return EXIT_NOT_EXECUTABLE;
	}
	privilege = gains_rights(path);
	if (privilege) {
		fprintf(stderr,
			"mlx5emu: %s is %s: the dynamic loader would not load the device into it;"
			" run it as its owner, or a copy without that right\n",
			path, privilege);
		return EXIT_NOT_EXECUTABLE;
	}
	return 0;
}

/* In the child: becomes the program, or tells the parent why not. */
static void become(const char *path, char *const argv[], pid_t parent, int report)
{
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before the line above */
		_exit(EXIT_LAUNCHER);
	sigprocmask(SIG_SETMASK, &inherited, NULL);
	execv(path, argv);
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(EXIT_LAUNCHER);
	_exit(EXIT_NOT_EXECUTABLE);
}

/* The child's errno of exec, or 0 when it became the program. */
static int exec_error(int report)
{
	int err = 0;
	ssize_t n;

	do
		n = read(report, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : 0;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t child)
{
	for (;;) {
		siginfo_t info;
		int status, sig = sigwaitinfo(&handled, &info);

		if (sig == SIGCHLD) {
			pid_t pid = waitpid(child, &status, WNOHANG);

			if (pid == child)
				return exit_status(status);
			if (pid < 0)
				return EXIT_LAUNCHER;
		} else if (sig > 0 && info.si_code <= 0) {
			kill(child, sig); /* sent by a process, not by the terminal */
		}
	}
}

int program_hold_signals(void)
{
	static const int signals[] = { SIGCHLD, SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				       SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE };

	sigemptyset(&handled);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&handled, signals[i]);
	return sigprocmask(SIG_BLOCK, &handled, &inherited) < 0 ? -errno : 0;
}

int program_run(const char *path, char *const argv[])
{
	pid_t child, parent = getpid();
	int report[2], err;

	if (pipe2(report, O_CLOEXEC) < 0) {
		fprintf(stderr, "mlx5emu: cannot prepare to run %s: %m\n", path);
		return EXIT_LAUNCHER;
	}
	child = fork();
	if (child == 0)
		become(path, argv, parent, report[1]);
	close(report[1]);
	if (child < 0) {
		fprintf(stderr, "mlx5emu: cannot start a process for %s: %m\n", path);
		close(report[0]);
		return EXIT_LAUNCHER;
	}
	err = exec_error(report[0]);
	close(report[0]);
	if (err)
		fprintf(stderr, "mlx5emu: cannot run %s: %s\n", path, strerror(err));
	return wait_for(child);
}
