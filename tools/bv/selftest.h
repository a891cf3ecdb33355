/* SPDX-License-Identifier: MIT */
/*
 * What the parts of bv selftest share. The tests themselves are the program bv-conform, one for each
 * run: a provider in a topology. It says what it does in TAP; bv times it, ends it when it hangs, starts it
 * again behind the test that ended it, and reports. A run is written by selftest_suite.c and read by all
 * that print.
 */
#ifndef BV_TOOLS_BV_SELFTEST_H
#define BV_TOOLS_BV_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "select.h"
#include "where.h"

/* Beside those of every command: nothing failed, but not all of it could be run. */
#define EXIT_NOT_RUN 3

#define SELFTEST_TCP_PORT 18520
#define SELFTEST_RUNS_MAX (2 * SELECT_MAX_PROVIDERS)
#define SELFTEST_TEXT_MAX 8192

struct selftest_options {
	struct where where;
	const char *match; /* NULL: all */
	int64_t timeout_ns;
	bool quick;
	bool list;
	bool full; /* hide nothing in the report */
	const char *json;
	const char *report;
	bool listen;
	const char *host; /* where the other one listens; NULL: this host alone */
	uint16_t tcp_port;
};

void selftest_parse(int argc, char **argv, struct selftest_options *options);

enum selftest_verdict {
	SELFTEST_NOT_RUN,
	SELFTEST_PASSED,
	SELFTEST_FAILED,
	SELFTEST_SKIPPED,
	SELFTEST_VERDICTS,
};

struct selftest_case {
	char name[96];       /* group.test */
	char ids[64];        /* "WR-1 B4"; "" if the guarantee has none */
	char guarantee[192]; /* a sentence */
	enum selftest_verdict verdict;
	double seconds;
	char *text; /* why it failed, was skipped or not run; NULL: nothing to say */
	char *log;  /* what else was printed during a failed one; NULL: nothing */
};

struct selftest_run {
	const char *provider;
	const char *topology; /* "loopback", "process", "hosts" */
	struct selftest_case *cases;
	size_t ncases;
	unsigned count[SELFTEST_VERDICTS];
	char *trouble; /* a failure that belongs to no test; NULL: none */
};

/* All of a session: this host, and the other one. */
struct selftest {
	const struct selftest_options *options;
	struct selection selection;
	char suite[4096];        /* the path of bv-conform */
	char suite_version[256]; /* what it says of itself */
	struct selftest_run runs[SELFTEST_RUNS_MAX];
	size_t nruns;
	struct selftest_hosts *hosts; /* NULL: this host alone */
	char peer[512];               /* what bv-conform needs to reach the other host */
	json_t *peer_facts;           /* of the other host; NULL */
	bool quiet;                   /* standard output has the JSON or the report */
};

/*
 * selftest_suite.c. Each 0, or -errno with its text. Find the program and ask for its version; ask for
 * the cases of a run; run them, where -errno is of bv alone: whatever the tests do is a result.
 */
int selftest_find_suite(struct selftest *selftest);
int selftest_list(const struct selftest *selftest, struct selftest_run *run);
int selftest_run(struct selftest *selftest, struct selftest_run *run);
void selftest_run_free(struct selftest_run *run);
/* Ctrl-C ends the test in progress, and the report still comes. */
void selftest_catch_signals(void);
bool selftest_interrupted(void);

/* selftest_print.c: as it goes, and what it came to. */
void selftest_print_head(const struct selftest *selftest);
void selftest_print_case(const struct selftest_run *run, const struct selftest_case *c);
/* All from @first on are not run, for one reason. */
void selftest_print_left_out(const struct selftest_run *run, const struct selftest_case *first);
void selftest_print_trouble(const struct selftest_run *run);
void selftest_print_summary(const struct selftest *selftest);
const char *selftest_verdict_name(enum selftest_verdict verdict);
unsigned selftest_count(const struct selftest *selftest, enum selftest_verdict verdict);
/* "passed", "failed" or "incomplete". */
const char *selftest_outcome(const struct selftest *selftest);

/* selftest_facts.c: this machine and the device, an object of texts. NULL without memory. */
json_t *selftest_facts(const struct selftest *selftest);

/* selftest_json.c: all there is to report, with what names a host hidden unless asked for. */
json_t *selftest_json(const struct selftest *selftest);
/* selftest_report.c: the same as text. */
void selftest_report(FILE *out, const json_t *root);

#endif
