/* SPDX-License-Identifier: MIT */
/*
 * bv cost: what its parts share.
 *
 * One process, and in it one lane for each provider, connected to itself. A batch is a number of
 * equal calls in a row, timed as a whole; before and after it, untimed, queues are filled, the
 * device works, and completions are drained, so that every batch starts from empty queues. The lanes
 * take turns after every batch.
 */
#ifndef BV_TOOLS_BV_COST_H
#define BV_TOOLS_BV_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "json_out.h"
#include "lane.h"
#include "select.h"

enum cost_call {
	COST_WRITE_INLINE,
	COST_WRITE,
	COST_SEND_INLINE,
	COST_READ,
	COST_RECV,
	COST_POLL_SEND,
	COST_POLL_RECV,
	COST_POLL_EMPTY,
	COST_NCALLS,
};

struct cost_options {
	const char *device;
	char provider[SELECT_MAX_PROVIDERS][16];
	size_t nproviders;
	uint32_t size;  /* payload of posts */
	uint32_t batch; /* calls in a row */
	uint32_t batches;
	uint32_t depth;
	uint32_t signal_every;
	int cpu; /* -1 = wherever */
	const char *json;
};

/* Of one call on one lane, in ticks per call. */
struct cost_result {
	double *sample; /* ascending when the run is over */
	uint32_t nsamples;
	uint32_t discarded; /* batches in which a completion came too late to be polled */
};

struct cost_run {
	const struct cost_options *options;
	struct selection selection;
	struct lane lanes[SELECT_MAX_PROVIDERS];
	bool manual;
	struct cost_result results[COST_NCALLS][SELECT_MAX_PROVIDERS];
};

/* "post write inline"; constant. */
const char *cost_call_name(enum cost_call call);
/* Whether payload size and signaling matter to a call. */
bool cost_call_has_payload(enum cost_call call);
/* Inline calls take no more than every lane was granted. */
bool cost_call_runs(const struct cost_run *run, enum cost_call call);

/*
 * cost_work.c: one batch. @ticks receives the time of all its calls, clock included.
 * Return: 1; 0 the batch does not count; -errno with its text.
 */
int cost_batch(struct cost_run *run, struct lane *lane, enum cost_call call, uint64_t *ticks);

/* Ticks per call at num/den of the samples; 0 without samples. */
double cost_quantile(const struct cost_result *result, unsigned num, unsigned den);

void cost_report(const struct cost_run *run);
/* NULL without memory. */
json_t *cost_json(const struct cost_run *run);

#endif
