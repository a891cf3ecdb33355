/* SPDX-License-Identifier: MIT */
/*
 * Runs bv-conform and writes down what it says. A test that ends the program, or that does not end, is a
 * failed test: the program is started again and goes on behind it. If it then gets no further, the rest is
 * not run.
 */
#include "selftest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bareverbs/bareverbs.h>

#include "child.h"
#include "clock.h"
#include "error.h"
#include "selftest_hosts.h"
#include "selftest_tap.h"

#define PROGRAM "bv-conform"
/* A comment of a test that failed. */
#define OTHER_SIDE_GONE "the other side of the tests is gone"
/* For what takes no device, and for the end of a program whose output has ended. */
#define SHORT_NS (20 * BV_SEC)

/* One start of the program. */
struct attempt {
	struct selftest *selftest;
	struct selftest_run *run;
	struct selftest_case *current; /* has begun and not ended; NULL: none */
	size_t next;                   /* the first case without a verdict */
	int64_t begun;                 /* of the current one, or of what comes before it */
	bool failed;                   /* some test has: exit status 1 is expected */
	char reason[1024];
	char text[SELFTEST_TEXT_MAX]; /* comments of the current case */
	char log[SELFTEST_TEXT_MAX];  /* other lines since it began: their last ones */
	char bail[1024];
};

struct arguments {
	const char *list[48];
	size_t n;
	char number[4][24];
};

static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

void selftest_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = note_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool selftest_interrupted(void)
{
	return caught != 0;
}

/* Appends a line; what does not fit is dropped. */
static void append(char *text, size_t size, const char *line)
{
	const size_t used = strlen(text);

	if (used < size)
		snprintf(text + used, size - used, "%s%s", used > 0 ? "\n" : "", line);
}

/* Appends a line, and drops the first ones for it. */
static void append_last(char *text, size_t size, const char *line)
{
	const size_t length = strlen(line) + 2;

	while (text[0] != '\0' && length < size && strlen(text) + length > size) {
		const char *second = strchr(text, '\n');

		if (second == NULL)
			text[0] = '\0';
		else
			memmove(text, second + 1, strlen(second));
	}
	append(text, size, line);
}

static void add(struct arguments *arguments, const char *name, const char *value)
{
	arguments->list[arguments->n++] = name;
	if (value != NULL)
		arguments->list[arguments->n++] = value;
}

static void add_number(struct arguments *arguments, unsigned place, const char *name, long value)
{
	snprintf(arguments->number[place], sizeof(arguments->number[place]), "%ld", value);
	add(arguments, name, arguments->number[place]);
}

/* All but what is to be done. */
static void common_arguments(const struct selftest *selftest, const struct selftest_run *run,
			     struct arguments *arguments)
{
	const struct selftest_options *options = selftest->options;
	const bool loopback = strcmp(run->topology, "loopback") == 0;

	*arguments = (struct arguments){ .n = 0 };
	add(arguments, selftest->suite, NULL);
	add(arguments, "--provider", run->provider);
	add(arguments, "--topology", loopback ? "loopback" : "process");
	if (selftest->selection.device[0] != '\0')
		add(arguments, "--device", selftest->selection.device);
	add_number(arguments, 0, "--port", options->where.port);
	if (options->where.gid_index != BV_GID_AUTO)
		add_number(arguments, 1, "--gid-index", options->where.gid_index);
	if (options->match != NULL)
		add(arguments, "--match", options->match);
	if (options->quick)
		add(arguments, "--reduced", NULL);
	if (selftest->peer[0] != '\0')
		add(arguments, "--peer", selftest->peer);
}

int selftest_find_suite(struct selftest *selftest)
{
	const char *const argv[] = { selftest->suite, "--version", NULL };
	const char *line;
	struct child child;
	int rc;

	child_helper_path(PROGRAM, selftest->suite, sizeof(selftest->suite));
	if (access(selftest->suite, X_OK) != 0)
		return fail(-ENOENT,
			    "%s: %s\n"
			    "  it holds the tests: build with -DBV_SELFTEST=ON (the default) and "
			    "install all of\n  bareverbs, or run bv from the build directory",
			    selftest->suite, strerror(errno));
	rc = child_start(&child, argv);
	if (rc < 0)
		return rc;
	rc = child_line(&child, clock_ns() + SHORT_NS, &line);
	if (rc == 1)
		snprintf(selftest->suite_version, sizeof(selftest->suite_version), "%s", line);
	if (child_end(&child, clock_ns() + SHORT_NS) == 0 && rc == 1)
		return 0;
	return fail(-EPROTO, "%s cannot be run: %s", selftest->suite,
		    rc == 1 ? selftest->suite_version : "it says nothing");
}

/* "group.test<tab>guarantee" */
static int add_case(struct selftest_run *run, const char *line)
{
	const char *tab = strchr(line, '\t');
	struct selftest_case *cases, *c;
	size_t ids;

	if (tab == NULL)
		return fail(-EPROTO, "%s: %s", PROGRAM, line);
	cases = realloc(run->cases, (run->ncases + 1) * sizeof(*cases));
	if (cases == NULL)
		return fail(-ENOMEM, "out of memory");
	run->cases = cases;
	c = &cases[run->ncases++];
	*c = (struct selftest_case){ .verdict = SELFTEST_NOT_RUN };
	snprintf(c->name, sizeof(c->name), "%.*s", (int)(tab - line), line);
	ids = tap_ids(tab + 1);
	snprintf(c->guarantee, sizeof(c->guarantee), "%s", tab + 1 + ids);
	while (ids > 0 && tab[ids] == ' ')
		ids--;
	snprintf(c->ids, sizeof(c->ids), "%.*s", (int)ids, tab + 1);
	return 0;
}

int selftest_list(const struct selftest *selftest, struct selftest_run *run)
{
	struct arguments arguments;
	const char *line;
	struct child child;
	int rc, got, status;

	common_arguments(selftest, run, &arguments);
	add(&arguments, "--list", NULL);
	rc = child_start(&child, arguments.list);
	if (rc < 0)
		return rc;
	while ((got = child_line(&child, clock_ns() + SHORT_NS, &line)) == 1 && rc == 0)
		rc = add_case(run, line);
	status = child_end(&child, got == 0 ? clock_ns() + SHORT_NS : 0);
	if (rc == 0 && status != 0)
		rc = fail(-EPROTO, "%s cannot name its tests", PROGRAM);
	return rc;
}

/* The verdict of a case is final. */
static void decide(struct attempt *attempt, struct selftest_case *c, enum selftest_verdict verdict,
		   const char *text)
{
	struct selftest_run *run = attempt->run;

	c->verdict = verdict;
	c->seconds = (double)(clock_ns() - attempt->begun) / 1e9;
	if (text != NULL && text[0] != '\0')
		c->text = strdup(text);
	if (verdict == SELFTEST_FAILED && attempt->log[0] != '\0')
		c->log = strdup(attempt->log);
	attempt->failed |= verdict == SELFTEST_FAILED;
	run->count[verdict]++;
	attempt->next = (size_t)(c - run->cases) + 1;
	attempt->begun = clock_ns();
	if (!attempt->selftest->quiet)
		selftest_print_case(run, c);
	attempt->current = NULL;
}

/* The current case has failed; what the other host saw of it is said with it. */
static void decide_failed(struct attempt *attempt, const char *more)
{
	const struct selftest_hosts *hosts = attempt->selftest->hosts;
	char event[1024];

	if (more != NULL)
		append(attempt->text, sizeof(attempt->text), more);
	if (hosts != NULL &&
	    selftest_hosts_event(hosts, strstr(attempt->text, OTHER_SIDE_GONE) != NULL, event,
				 sizeof(event)))
		append(attempt->text, sizeof(attempt->text), event);
	decide(attempt, attempt->current, SELFTEST_FAILED, attempt->text);
}

static void begin(struct attempt *attempt, unsigned number)
{
	if (number == 0 || number > attempt->run->ncases)
		return;
	attempt->current = &attempt->run->cases[number - 1];
	attempt->begun = clock_ns();
	attempt->reason[0] = attempt->text[0] = attempt->log[0] = '\0';
}

static void take(struct attempt *attempt, const char *line)
{
	const struct tap_line tap = tap_parse(line);

	switch (tap.kind) {
	case TAP_BEGIN:
		begin(attempt, tap.number);
		return;
	case TAP_REASON:
		snprintf(attempt->reason, sizeof(attempt->reason), "%s", tap.text);
		return;
	case TAP_COMMENT:
		append(attempt->text, sizeof(attempt->text), tap.text);
		return;
	case TAP_BAIL:
		snprintf(attempt->bail, sizeof(attempt->bail), "%s", tap.text);
		return;
	case TAP_PLAN:
		return;
	case TAP_OTHER:
		append_last(attempt->log, sizeof(attempt->log), line);
		return;
	default:
		break;
	}
	if (attempt->current == NULL)
		return;
	if (tap.kind == TAP_OK)
		decide(attempt, attempt->current, SELFTEST_PASSED, NULL);
	else if (tap.kind == TAP_SKIP)
		decide(attempt, attempt->current, SELFTEST_SKIPPED, attempt->reason);
	else
		decide_failed(attempt, NULL);
}

/* Until the program's output ends, a test takes too long, or a signal comes. */
static int take_all(struct attempt *attempt, struct child *child)
{
	const int64_t limit = attempt->selftest->options->timeout_ns;
	const char *line;
	int rc;

	attempt->begun = clock_ns();
	while ((rc = child_line(child, attempt->begun + limit, &line)) == 1)
		take(attempt, line);
	return rc;
}

static void trouble(struct attempt *attempt, const char *text)
{
	struct selftest_run *run = attempt->run;
	char all[2 * SELFTEST_TEXT_MAX];

	snprintf(all, sizeof(all), "%s%s%s%s%s", run->trouble != NULL ? run->trouble : "",
		 run->trouble != NULL ? "\n" : "", text, attempt->log[0] != '\0' ? "\n" : "",
		 attempt->log);
	free(run->trouble);
	run->trouble = strdup(all);
	run->count[SELFTEST_FAILED]++;
	if (!attempt->selftest->quiet)
		selftest_print_trouble(run);
}

static void say_why(struct attempt *attempt, int rc, int status)
{
	const double limit = (double)attempt->selftest->options->timeout_ns / 1e9;
	char ended[128], text[512];

	child_status_text(status, ended, sizeof(ended));
	if (rc == -EINTR)
		snprintf(text, sizeof(text), "interrupted by a signal");
	else if (rc == -ETIMEDOUT)
		snprintf(text, sizeof(text), "did not end within %g s (--timeout), and was killed",
			 limit);
	else
		snprintf(text, sizeof(text), "the test program %s", ended);
	if (attempt->current != NULL && rc == -EINTR)
		attempt->current = NULL;
	else if (attempt->current != NULL)
		decide_failed(attempt, text);
	else if (strncmp(attempt->bail, "after ", 6) == 0)
		trouble(attempt, attempt->bail);
	else if (rc == 0 && attempt->bail[0] == '\0' && status != 0 &&
		 !(attempt->failed && WIFEXITED(status) && WEXITSTATUS(status) == 1))
		trouble(attempt, text);
	if (attempt->bail[0] == '\0' && rc == -ETIMEDOUT)
		snprintf(attempt->bail, sizeof(attempt->bail),
			 "no test began within %g s (--timeout)", limit);
	else if (attempt->bail[0] == '\0')
		snprintf(attempt->bail, sizeof(attempt->bail), "%s", text);
}

/* From case @next on. Return: the first case without a verdict, or -errno of bv. */
static ssize_t try(struct attempt *attempt, size_t next)
{
	struct arguments arguments;
	struct child child;
	int rc, status;

	attempt->next = next;
	attempt->current = NULL;
	attempt->failed = false;
	attempt->bail[0] = attempt->text[0] = attempt->log[0] = '\0';
	common_arguments(attempt->selftest, attempt->run, &arguments);
	add_number(&arguments, 2, "--from", (long)next + 1);
	rc = child_start(&child, arguments.list);
	if (rc < 0)
		return rc;
	rc = take_all(attempt, &child);
	status = child_end(&child, rc == 0 ? clock_ns() + SHORT_NS : 0);
	say_why(attempt, rc, status);
	return (ssize_t)attempt->next;
}

/* The rest of the run, from case @first on. */
static void leave_out(struct attempt *attempt, size_t first)
{
	struct selftest_run *run = attempt->run;
	const char *why = selftest_interrupted() ? "interrupted by a signal" : attempt->bail;

	if (first == run->ncases)
		return;
	for (size_t i = first; i < run->ncases; i++) {
		run->cases[i].text = strdup(why);
		run->count[SELFTEST_NOT_RUN]++;
	}
	if (!attempt->selftest->quiet)
		selftest_print_left_out(run, &run->cases[first]);
}

int selftest_run(struct selftest *selftest, struct selftest_run *run)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	ssize_t done = 0, next = -1;

	if (attempt == NULL)
		return fail(-ENOMEM, "out of memory");
	attempt->selftest = selftest;
	attempt->run = run;
	while (done > next && (size_t)done < run->ncases && !selftest_interrupted()) {
		next = done;
		done = try(attempt, (size_t)next);
	}
	if (done >= 0)
		leave_out(attempt, (size_t)done);
	free(attempt);
	return done < 0 ? (int)done : 0;
}

void selftest_run_free(struct selftest_run *run)
{
	for (size_t i = 0; i < run->ncases; i++) {
		free(run->cases[i].text);
		free(run->cases[i].log);
	}
	free(run->cases);
	free(run->trouble);
}
