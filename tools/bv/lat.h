/* SPDX-License-Identifier: MIT */
/*
 * bv lat: what its parts share.
 *
 * Two processes. The initiator is the one that was started: it measures and reports. The responder
 * is forked from it before any device is opened. Each has one lane for each provider. A row is an
 * operation and a size; for every row the lanes take turns in rounds, so that what disturbs the
 * machine disturbs all of them.
 *
 *	initiator                              responder
 *	START   device, providers        ->
 *	        <-  ADDRESS of every lane  ->          each makes its lanes, then connects
 *	        <-          READY          ->
 *	RUN     lane, row, numbers       ->            posts what must be there before
 *	                                 <-    READY
 *	        (ping-pong through the device)
 *	END                              ->
 *	                                 <-    DONE    what it has verified
 *	...                                    FAILED  a text, in place of any answer
 *	(closes)
 */
#ifndef BV_TOOLS_BV_LAT_H
#define BV_TOOLS_BV_LAT_H

#include <stdbool.h>
#include <stdint.h>

#include <bareverbs/common.h>

#include "hdr.h"
#include "json_out.h"
#include "select.h"
#include "where.h"

enum lat_op {
	LAT_SEND,
	LAT_SEND_IMM,
	LAT_WRITE,
	LAT_WRITE_IMM,
	LAT_READ,
	LAT_NOPS,
};

#define LAT_MAX_SIZES 40
#define LAT_MAX_SIZE (UINT64_C(64) << 20)
/* Operations x sizes, with and without inline. */
#define LAT_MAX_ROWS (2 * LAT_NOPS * LAT_MAX_SIZES)

struct lat_row {
	uint32_t op;
	uint32_t size;
	uint32_t inlined; /* the payload is copied at the post */
};

enum lat_inline {
	LAT_INLINE_AUTO, /* one operation: if it fits; all of them: both ways */
	LAT_INLINE_OFF,
	LAT_INLINE_SIZE, /* messages up to inline_size */
};

enum lat_fault {
	LAT_FAULT_NONE,
	LAT_FAULT_KILL,
	LAT_FAULT_CORRUPT,
};

struct lat_options {
	struct where where;
	bool all_ops;
	enum lat_op op;
	uint32_t sizes[LAT_MAX_SIZES];
	size_t nsizes;
	uint64_t iters;  /* per row and provider; 0 = until the time is up */
	int64_t time_ns; /* per row and provider; 0 = until the iterations are done */
	uint64_t warmup;
	enum lat_inline inlining;
	uint32_t inline_size;
	uint32_t signal_every;
	uint32_t depth;
	int cpu[2]; /* initiator, responder; -1 = wherever */
	bool check;
	bool detail;
	int64_t timeout_ns;
	const char *json;
	enum lat_fault fault;
	uint64_t fault_at; /* message of the responder, over the whole run */
};

/* Parses or exits. */
void lat_options_parse(int argc, char **argv, struct lat_options *options);

/* What one lane did in one row. */
struct lat_result {
	struct hdr *hdr;   /* ticks of a whole round trip */
	uint64_t verified; /* messages, those that the responder saw included */
	uint64_t wrong;
	uint64_t late; /* right in the end, but the last byte was seen before the rest */
};

/* What a lane was granted; a copy, because it is reported when the lane is closed. */
struct lat_path {
	char data_path[160];
	uint32_t max_inline;
	uint32_t mtu;
	uint32_t gid_index;
};

struct lat_run {
	const struct lat_options *options;
	struct selection selection;
	struct lat_path paths[SELECT_MAX_PROVIDERS];
	bool yield;
	size_t nrows;
	struct lat_row rows[LAT_MAX_ROWS];
	struct lat_result *results; /* row-major: rows x providers */
	char wrong_text[256];       /* the first message that was not as it must be; "" if none */
};

static inline struct lat_result *lat_result(const struct lat_run *run, size_t row, size_t lane)
{
	return &run->results[row * run->selection.nproviders + lane];
}

/* "send+imm"; the label of a row, "send+imm inline"; both constant. */
const char *lat_op_name(uint32_t op);
const char *lat_row_name(const struct lat_row *row);
/* How a row's figure is defined: a short and a long form. */
const char *lat_row_metric(const struct lat_row *row);
const char *lat_row_definition(const struct lat_row *row);
/* Nanoseconds of the figure for a round trip in ticks. */
double lat_row_ns(const struct lat_row *row, uint64_t ticks);

/* "every work completes", "each 16th work completes". */
const char *lat_signaling(const struct lat_options *options, char text[48]);
/* Why waiting threads give their CPU away, or that they do not. */
const char *lat_waiting(const struct lat_run *run);

void lat_report(const struct lat_run *run);
/* NULL without memory. */
json_t *lat_json(const struct lat_run *run);

#endif
