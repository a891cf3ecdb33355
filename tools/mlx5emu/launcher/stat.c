/* SPDX-License-Identifier: MIT */
/*
 * Runs are found where rundir.c puts them. A file of a process that is gone (killed, or its program
 * replaced it) is not shown: number and start of the process are compared.
 */
#include "launcher/stat.h"

#include "launcher/program.h"
#include "launcher/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	SCREEN_BYTES = 1 << 18,
};

#define FIELD(member)                                           \
	{                                                       \
#member, offsetof(struct emu_stat_work, member) \
	}

const struct stat_field stat_fields[STAT_FIELDS] = {
	FIELD(doorbells),         FIELD(wqes),
	FIELD(receives),          FIELD(packets_sent),
	FIELD(packets_received),  FIELD(retransmissions),
	FIELD(timeouts),          FIELD(rnr_naks_sent),
	FIELD(rnr_naks_received), FIELD(cqes),
	FIELD(error_cqes),
};

unsigned long long stat_value(const struct emu_stat_work *work, unsigned field)
{
	uint64_t value;

	memcpy(&value, (const char *)work + stat_fields[field].offset, sizeof(value));
	return value;
}

struct emu_stat_work stat_device_sum(const struct emu_stat *stat, unsigned device)
{
	struct emu_stat_work sum = stat->device[device].gone;

	for (unsigned i = 0; i < EMU_STAT_QPS; i++) {
		const struct emu_stat_qp *qp = &stat->qp[i];

		if (!qp->qpn || qp->device != device)
			continue;
		for (unsigned f = 0; f < STAT_FIELDS; f++) {
			char *at = (char *)&sum + stat_fields[f].offset;
			const uint64_t value = stat_value(&sum, f) + stat_value(&qp->work, f);

			memcpy(at, &value, sizeof(value));
		}
	}
	return sum;
}

const char *stat_type_name(unsigned type)
{
	switch (type) {
	case 2:
		return "RC";
	case 3:
		return "UC";
	case 4:
		return "UD";
	case 9:
		return "XRC_INI";
	case 10:
		return "XRC_TGT";
	default:
		return "?";
	}
}

const char *stat_state_name(unsigned state)
{
	static const char *const names[] = { "RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

/* ---- reading ---- */

static bool whole(const struct emu_stat *stat, size_t size)
{
	return size == sizeof(*stat) &&
	       memcmp(stat->magic, emu_stat_magic, sizeof(stat->magic)) == 0 &&
	       stat->version == EMU_STAT_VERSION && stat->size == sizeof(*stat) &&
	       memchr(stat->name, '\0', sizeof(stat->name)) &&
	       emu_stat_started(stat->pid) == stat->started;
}

static int add(struct stat_table *table, struct stat_process *process)
{
	struct stat_process **grown =
		realloc(table->process, (table->n + 1) * sizeof(struct stat_process *));

	if (!grown)
		return -ENOMEM;
	table->process = grown;
	grown[table->n++] = process;
	return 0;
}

/* A file that cannot be read, or is being made or left, is as none. */
static int read_process(int dir, const char *name, const char *run, struct stat_table *table)
{
	struct stat_process *process = malloc(sizeof(*process));
	int fd, rc = -ENOENT;

	if (!process)
		return -ENOMEM;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		const ssize_t n = read(fd, &process->stat, sizeof(process->stat));

		close(fd);
		if (n > 0 && whole(&process->stat, (size_t)n)) {
			snprintf(process->run, sizeof(process->run), "%s", run);
			rc = add(table, process);
		}
	}
	if (rc < 0)
		free(process);
	return rc == -ENOMEM ? rc : 0;
}

/* -ENOENT: no run directory. */
static int read_run(const char *run, struct stat_table *table)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	int rc = 0;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/" EMU_STAT_DIR, run) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (rc == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			rc = read_process(dirfd(dir), entry->d_name, run, table);
	closedir(dir);
	return rc;
}

static int read_base(const char *base, struct stat_table *table)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	int rc = 0;
	DIR *dir;

	if (!base || base[0] != '/' || !(dir = opendir(base)))
		return 0;
	while (rc != -ENOMEM && (entry = readdir(dir)))
		if (strncmp(entry->d_name, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", base, entry->d_name) < (int)sizeof(path))
			rc = read_run(path, table);
	closedir(dir);
	return rc == -ENOMEM ? rc : 0;
}

static int by_run_and_slot(const void *a, const void *b)
{
	const struct stat_process *const *p = a, *const *q = b;
	const int order = strcmp((*p)->run, (*q)->run);

	return order ? order : (int)(*p)->stat.slot - (int)(*q)->stat.slot;
}

int stat_read(const struct stat_options *options, struct stat_table *table)
{
	int rc = 0;

	*table = (struct stat_table){ .n = 0 };
	if (options->directory) {
		rc = read_run(options->directory, table);
	} else {
		for (unsigned i = 0; i < RUNDIR_BASES && rc == 0; i++)
			if (i == 0 || !rundir_base(0) || strcmp(rundir_base(0), rundir_base(i)))
				rc = read_base(rundir_base(i), table);
	}
	if (rc < 0) {
		stat_free(table);
		return rc;
	}
	if (table->n)
		qsort(table->process, table->n, sizeof(struct stat_process *), by_run_and_slot);
	return 0;
}

void stat_free(struct stat_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->process[i]);
	free(table->process);
	*table = (struct stat_table){ .n = 0 };
}

/* ---- showing ---- */

static unsigned terminal_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row - 1u :
										 0;
}

static void wait_for(unsigned ms)
{
	const struct timespec ts = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* A screen: from its top, and cut at its right edge, or the rows that it has would not be those counted. */
static void show(const struct stat_table *table, const struct stat_table *before,
		 const struct stat_options *options)
{
	const bool screen = !options->once && isatty(STDOUT_FILENO);

	if (screen)
		printf("\033[?7l\033[H\033[J");
	stat_print_text(stdout, table, before, options->interval_ms, screen ? terminal_rows() : 0);
	if (screen)
		printf("\033[?7h");
}

int stat_main(int argc, char **argv)
{
	struct stat_table before = { .n = 0 }, table;
	struct stat_options options;
	bool first = true;
	int rc;

	stat_options_parse(argc, argv, &options);
	/* A screen in one piece: a signal in the middle would leave the terminal without its right edge. */
	(void)setvbuf(stdout, NULL, _IOFBF, SCREEN_BYTES);
	for (;; first = false) {
		rc = stat_read(&options, &table);
		if (rc < 0) {
			fprintf(stderr, "mlx5emu: no counters in %s: %s\n",
				options.directory ? options.directory : "the run directories",
				strerror(-rc));
			return EXIT_LAUNCHER;
		}
		if (options.json) {
			stat_print_json(stdout, &table);
		} else {
			show(&table, first ? NULL : &before, &options);
		}
		if (fflush(stdout) != 0)
			return EXIT_LAUNCHER;
		stat_free(&before);
		before = table;
		if (options.once)
			break;
		wait_for(options.interval_ms);
	}
	stat_free(&before);
	return 0;
}
