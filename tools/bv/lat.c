/* SPDX-License-Identifier: MIT */
/*
 * bv lat, the initiator: forks the responder, runs every row through every lane in rounds, and
 * makes out of whatever fails one text.
 */
#include "lat_side.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "cpu.h"
#include "error.h"
#include "exchange.h"

#define ROUNDS 10
#define ORDER_MAX 10000000
#define ANSWER_TIMEOUT (10 * BV_SEC)
#define GOODBYE_TIMEOUT (5 * BV_SEC)

/* How far one lane is in a row. */
struct pace {
	uint64_t left;
	int64_t spent_ns;
	double ns_each;
};

static bool inline_row(const struct lat_run *run, uint32_t op, uint32_t size)
{
	uint32_t limit = UINT32_MAX;

	if (op == LAT_READ || size == 0 || run->options->inlining == LAT_INLINE_OFF)
		return false;
	if (run->options->inlining == LAT_INLINE_SIZE)
		return size <= run->options->inline_size;
	for (uint32_t i = 0; i < run->selection.nproviders; i++) {
		if (run->paths[i].max_inline < limit)
			limit = run->paths[i].max_inline;
	}
	return size <= limit;
}

static void add_row(struct lat_run *run, uint32_t op, uint32_t size, bool inlined)
{
	run->rows[run->nrows++] = (struct lat_row){ .op = op, .size = size, .inlined = inlined };
}

/* Every operation without inline and, if nothing else was asked for, with it where it fits. */
static void plan_operation(struct lat_run *run, uint32_t op)
{
	const bool both = run->options->all_ops && run->options->inlining == LAT_INLINE_AUTO;

	for (size_t i = 0; i < run->options->nsizes; i++) {
		const uint32_t size = run->options->sizes[i];
		const bool inlined = inline_row(run, op, size);

		if (size == 0 && (op == LAT_WRITE || op == LAT_READ))
			continue;
		if (both || !inlined)
			add_row(run, op, size, false);
		if (inlined)
			add_row(run, op, size, true);
	}
}

static int plan(struct lat_run *run)
{
	size_t n;

	for (uint32_t op = 0; op < LAT_NOPS; op++) {
		if (run->options->all_ops || run->options->op == op)
			plan_operation(run, op);
	}
	n = run->nrows * run->selection.nproviders;
	run->results = calloc(n, sizeof(*run->results));
	if (run->results == NULL)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		run->results[i].hdr = hdr_new();
		if (run->results[i].hdr == NULL)
			return fail(-ENOMEM, "out of memory");
	}
	return 0;
}

static void account(struct lat_run *run, struct lat_result *result, const struct lat_done *done)
{
	result->verified += done->verified;
	result->wrong += done->wrong;
	result->late += done->late;
	if (done->wrong > 0 && run->wrong_text[0] == '\0')
		snprintf(run->wrong_text, sizeof(run->wrong_text), "%.*s",
			 (int)sizeof(done->wrong_text), done->wrong_text);
}

/* One order, both sides. */
static int run_order(struct lat_run *run, struct lat_side *side, const struct lat_order *order,
		     struct lat_result *result, struct hdr *hdr, int64_t *elapsed_ns)
{
	struct lat_done done;
	int64_t begin;
	int rc;

	lat_prepare(side, order);
	rc = exchange_send(side->fd, LAT_RUN, order, sizeof(*order));
	if (rc == 0)
		rc = lat_side_expect(side, ANSWER_TIMEOUT, LAT_READY, NULL, 0);
	if (rc < 0)
		return rc;
	begin = clock_ns();
	rc = lat_initiate(side, order, hdr);
	*elapsed_ns = clock_ns() - begin;
	if (rc == 0)
		rc = exchange_send(side->fd, LAT_END, NULL, 0);
	if (rc == 0)
		rc = lat_side_expect(side, ANSWER_TIMEOUT, LAT_DONE, &done, sizeof(done));
	if (rc < 0)
		return rc;
	account(run, result, &side->seen);
	account(run, result, &done);
	return 0;
}

/* How many of a lane's round trips the next round takes; 0 = it is done. */
static uint64_t next_count(const struct lat_options *options, const struct pace *pace)
{
	uint64_t count = ORDER_MAX;

	if (pace->left == 0 || (options->time_ns > 0 && pace->spent_ns >= options->time_ns))
		return 0;
	if (options->iters > 0)
		count = (options->iters + ROUNDS - 1) / ROUNDS;
	if (options->time_ns > 0) {
		const double fits = (double)options->time_ns / ROUNDS / pace->ns_each;

		if (fits < (double)count)
			count = fits > 1 ? (uint64_t)fits : 1;
	}
	if (count > ORDER_MAX)
		count = ORDER_MAX;
	return count < pace->left ? count : pace->left;
}

static int run_lane(struct lat_run *run, struct lat_side *side, size_t row, uint32_t lane,
		    uint64_t count, struct pace *pace, bool warmup)
{
	static uint64_t next_number;
	struct lat_result *result = lat_result(run, row, lane);
	const struct lat_order order = {
		.lane = lane,
		.row = run->rows[row],
		.first = next_number,
		.count = count,
	};
	int64_t elapsed;
	int rc;

	next_number += count;
	rc = run_order(run, side, &order, result, warmup ? NULL : result->hdr, &elapsed);
	if (rc < 0)
		return rc;
	pace->ns_each = (double)(elapsed > 0 ? elapsed : 1) / (double)count;
	if (!warmup) {
		pace->left -= count;
		pace->spent_ns += elapsed;
	}
	return 0;
}

static int run_row(struct lat_run *run, struct lat_side *side, size_t row)
{
	const uint64_t iters = run->options->iters;
	struct pace pace[SELECT_MAX_PROVIDERS];
	bool busy = true;
	int rc = 0;

	for (uint32_t lane = 0; lane < side->nlanes && rc == 0; lane++) {
		pace[lane] =
			(struct pace){ .left = iters > 0 ? iters : UINT64_MAX, .ns_each = BV_MSEC };
		if (run->options->warmup > 0)
			rc = run_lane(run, side, row, lane, run->options->warmup, &pace[lane],
				      true);
	}
	while (busy && rc == 0) {
		busy = false;
		for (uint32_t lane = 0; lane < side->nlanes && rc == 0; lane++) {
			const uint64_t count = next_count(run->options, &pace[lane]);

			if (count == 0)
				continue;
			busy = true;
			rc = run_lane(run, side, row, lane, count, &pace[lane], false);
		}
	}
	return rc;
}

/* An emulated device has a thread of its own in each process. */
static bool must_yield(const struct lat_run *run)
{
	const int *cpu = run->options->cpu;
	const unsigned threads = run->selection.kind == BV_DEVICE_EMULATED ? 4 : 2;

	return cpu_count() < threads || (cpu[0] >= 0 && cpu[0] == cpu[1]);
}

static void keep_paths(struct lat_run *run, const struct lat_side *side)
{
	for (uint32_t i = 0; i < side->nlanes; i++) {
		const struct bv_channel_info *info = &side->lanes[i].info;
		struct lat_path *path = &run->paths[i];

		snprintf(path->data_path, sizeof(path->data_path), "%s", info->data_path);
		path->max_inline = info->max_inline;
		path->mtu = info->mtu;
		path->gid_index = info->gid_index;
	}
}

static int run_rows(struct lat_run *run, struct lat_side *side)
{
	int rc;

	keep_paths(run, side);
	rc = plan(run);
	for (size_t row = 0; row < run->nrows && rc == 0; row++)
		rc = run_row(run, side, row);
	return rc;
}

/* The responder's own words say more than what its silence looks like from here. */
static int hear_responder(struct lat_side *side, int rc)
{
	const bool silence = rc == -ETIMEDOUT || rc == -EIO || rc == -EPIPE;
	char text[1024];

	if (!silence || !exchange_pending(side->fd))
		return rc;
	snprintf(text, sizeof(text), "%s", fail_text());
	if (lat_side_expect(side, 0, LAT_FAILED, NULL, 0) != -ESRCH)
		return fail(rc, "%s", text);
	return -ESRCH;
}

static int run_all(struct lat_run *run, int fd)
{
	struct lane lanes[SELECT_MAX_PROVIDERS] = { 0 };
	struct lat_start start;
	struct lat_side side = {
		.options = run->options,
		.peer_name = "responder",
		.fd = fd,
		.lanes = lanes,
	};
	int rc;

	memset(&start, 0, sizeof(start));
	start.selection = run->selection;
	start.yield = side.yield = run->yield = must_yield(run);
	rc = exchange_send(fd, LAT_START, &start, sizeof(start));
	if (rc == 0)
		rc = lat_side_open(&side, &run->selection);
	if (rc == 0)
		rc = run_rows(run, &side);
	if (rc < 0)
		rc = hear_responder(&side, rc);
	lat_side_close(&side);
	return rc;
}

static int status_of(pid_t pid)
{
	const int64_t end = clock_ns() + GOODBYE_TIMEOUT;
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ns() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return status;
}

/* The responder has been told to end. Its end is part of the result. */
static int end_responder(pid_t pid, int rc)
{
	const int status = status_of(pid);
	char text[2048];

	snprintf(text, sizeof(text), "%s", fail_text());
	if (status < 0)
		return rc < 0 ? rc : fail(-ETIMEDOUT, "the responder process did not end");
	if (WIFSIGNALED(status))
		return fail(-ECHILD, "the responder process was killed by signal %d (%s)%s%s",
			    WTERMSIG(status), strsignal(WTERMSIG(status)),
			    rc < 0 ? "; here this showed as: " : "", rc < 0 ? text : "");
	if (rc == 0 && WEXITSTATUS(status) != 0)
		return fail(-ECHILD, "the responder process ended with status %d",
			    WEXITSTATUS(status));
	return rc;
}

static int measure(struct lat_run *run)
{
	int fd[2];
	pid_t pid;
	int rc = exchange_pair(fd);

	if (rc < 0)
		return rc;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		rc = fail(-errno, "cannot fork: %s", strerror(errno));
		close(fd[0]);
		close(fd[1]);
		return rc;
	}
	if (pid == 0) {
		close(fd[0]);
		exit(lat_peer_main(run->options, fd[1]));
	}
	close(fd[1]);
	clock_init();
	rc = where_select(&run->options->where, &run->selection);
	if (rc == 0)
		rc = run_all(run, fd[0]);
	close(fd[0]);
	return end_responder(pid, rc);
}

/* Whoever reads the file learns of a failure, too. */
static int report(struct lat_run *run, struct json_out *json, int rc)
{
	int written = 0;

	if (rc == 0 && json->file != stdout)
		lat_report(run);
	if (rc == 0 && run->wrong_text[0] != '\0')
		rc = fail(-EBADMSG, "WRONG DATA: %s", run->wrong_text);
	if (rc < 0)
		fprintf(stderr, "bv lat: %s\n", fail_text());
	if (json->file == NULL)
		return rc;
	written = json_out_write(json, rc == 0 || run->wrong_text[0] != '\0' ?
					       lat_json(run) :
					       json_out_failure("bv lat"));
	if (written < 0)
		fprintf(stderr, "bv lat: %s\n", fail_text());
	return rc < 0 ? rc : written;
}

static void free_run(struct lat_run *run)
{
	const size_t n = run->nrows * run->selection.nproviders;

	for (size_t i = 0; run->results != NULL && i < n; i++)
		hdr_free(run->results[i].hdr);
	free(run->results);
	free(run);
}

int lat_main(int argc, char **argv)
{
	struct lat_options options;
	struct json_out json = { .file = NULL };
	struct lat_run *run;
	int rc;

	lat_options_parse(argc, argv, &options);
	if (options.json != NULL && json_out_open(&json, options.json) < 0) {
		fprintf(stderr, "bv lat: %s\n", fail_text());
		return EXIT_FAILED;
	}
	run = calloc(1, sizeof(*run));
	if (run == NULL) {
		fprintf(stderr, "bv lat: out of memory\n");
		return EXIT_FAILED;
	}
	run->options = &options;
	rc = report(run, &json, measure(run));
	free_run(run);
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}
