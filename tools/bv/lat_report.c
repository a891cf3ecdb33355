/* SPDX-License-Identifier: MIT */
/*
 * The text of bv lat. Figures of rows stand under their definition; those of an emulated device
 * under the words that say so.
 */
#include "lat_side.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cpu.h"

static const char *const op_names[LAT_NOPS] = { "send", "send+imm", "write", "write+imm", "read" };

const char *lat_op_name(uint32_t op)
{
	return op < LAT_NOPS ? op_names[op] : "?";
}

const char *lat_row_name(const struct lat_row *row)
{
	static const char *const inlined[LAT_NOPS] = { "send inline", "send+imm inline",
						       "write inline", "write+imm inline", "read" };

	return row->inlined && row->op < LAT_NOPS ? inlined[row->op] : lat_op_name(row->op);
}

const char *lat_row_metric(const struct lat_row *row)
{
	return row->op == LAT_READ ? "post to completion" : "RTT/2";
}

const char *lat_row_definition(const struct lat_row *row)
{
	switch (row->op) {
	case LAT_READ:
		return "from the post to its completion: the whole round trip";
	case LAT_WRITE:
		return "half of a round trip (RTT/2), a write seen by polling memory for its "
		       "last byte";
	default:
		return "half of a round trip (RTT/2), a message seen by the completion of a "
		       "receive";
	}
}

double lat_row_ns(const struct lat_row *row, uint64_t ticks)
{
	return (double)ticks * clock_info.ns_per_tick / (row->op == LAT_READ ? 1 : 2);
}

const char *lat_signaling(const struct lat_options *options, char text[48])
{
	if (options->signal_every == 1)
		snprintf(text, 48, "every work completes");
	else
		snprintf(text, 48, "one work in %u completes", options->signal_every);
	return text;
}

const char *lat_waiting(const struct lat_run *run)
{
	if (!run->yield)
		return "waits spin";
	return run->selection.kind == BV_DEVICE_EMULATED ?
		       "waits yield (4 threads poll, 2 of them devices)" :
		       "waits yield (2 threads poll)";
}

static double quantile_us(const struct lat_row *row, const struct lat_result *result, unsigned num,
			  unsigned den)
{
	return lat_row_ns(row, hdr_quantile(result->hdr, num, den)) / 1000;
}

static void print_head(const struct lat_run *run)
{
	const struct lat_options *options = run->options;
	const struct selection *selection = &run->selection;
	const char *note = select_kind_note(selection->kind);
	char text[48];

	printf("%s (%s), port %u, GID %u, MTU %u, RC; two processes; depth %u; %s\n",
	       selection->device, select_kind_name(selection->kind), options->where.port,
	       run->paths[0].gid_index, run->paths[0].mtu, options->depth,
	       lat_signaling(options, text));
	for (uint32_t i = 0; i < selection->nproviders; i++)
		printf("  %-6s %s; inline up to %u\n", selection->provider[i],
		       run->paths[i].data_path, run->paths[i].max_inline);
	printf("%s, %u CPUs, %s", cpu_model(), cpu_count(), lat_waiting(run));
	if (options->cpu[0] >= 0)
		printf(", bound to %d and %d", options->cpu[0], options->cpu[1]);
	printf("\nclock: %s, %.3f GHz, %.0f ns a reading, not subtracted\n", clock_info.source,
	       1 / clock_info.ns_per_tick, (double)clock_info.overhead * clock_info.ns_per_tick);
	if (note != NULL)
		printf("%s\n", note);
	printf("\n");
}

/* "20100 messages", "NOT CHECKED", "3 WRONG". */
static const char *data_text(const struct lat_run *run, size_t row, char text[48])
{
	uint64_t verified = 0, wrong = 0;

	for (uint32_t i = 0; i < run->selection.nproviders; i++) {
		verified += lat_result(run, row, i)->verified;
		wrong += lat_result(run, row, i)->wrong;
	}
	if (wrong > 0)
		snprintf(text, 48, "%llu WRONG", (unsigned long long)wrong);
	else if (!run->options->check)
		snprintf(text, 48, "not checked");
	else
		snprintf(text, 48, "%llu messages", (unsigned long long)verified);
	return text;
}

static void print_summary(const struct lat_run *run)
{
	const struct selection *selection = &run->selection;
	const uint32_t n = selection->nproviders;
	char text[48];

	printf("%-16s %7s", "", "");
	for (uint32_t i = 0; i < n; i++)
		printf("  %13s%6s", selection->provider[i], "");
	if (n > 1)
		printf("  %s/%s", selection->provider[n - 1], selection->provider[0]);
	printf("\n%-16s %7s", "operation", "bytes");
	for (uint32_t i = 0; i < n; i++)
		printf("  %9s %9s", "p50 us", "p99 us");
	if (n > 1)
		printf("  %10s", "p50");
	printf("  data verified\n");
	for (size_t row = 0; row < run->nrows; row++) {
		const struct lat_row *r = &run->rows[row];

		printf("%-16s %7u", lat_row_name(r), r->size);
		for (uint32_t i = 0; i < n; i++)
			printf("  %9.2f %9.2f", quantile_us(r, lat_result(run, row, i), 50, 100),
			       quantile_us(r, lat_result(run, row, i), 99, 100));
		if (n > 1)
			printf("  %10.2f",
			       quantile_us(r, lat_result(run, row, n - 1), 50, 100) /
				       quantile_us(r, lat_result(run, row, 0), 50, 100));
		printf("  %s\n", data_text(run, row, text));
	}
	printf("p50, p99 of all samples; send, write: half of a round trip (RTT/2); read: from post "
	       "to completion\n");
}

static const struct {
	const char *name;
	unsigned num, den;
} columns[] = {
	{ "min", 0, 1000 },   { "p50", 500, 1000 },   { "p90", 900, 1000 },
	{ "p99", 990, 1000 }, { "p99.9", 999, 1000 }, { "max", 1000, 1000 },
};

#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static void print_ratio(const struct lat_run *run, size_t row)
{
	const struct lat_row *r = &run->rows[row];
	const uint32_t last = run->selection.nproviders - 1;
	char name[40];

	snprintf(name, sizeof(name), "%s/%s", run->selection.provider[last],
		 run->selection.provider[0]);
	printf("  %-12s", name);
	for (size_t c = 0; c < NCOLUMNS; c++)
		printf(" %9.2f",
		       quantile_us(r, lat_result(run, row, last), columns[c].num, columns[c].den) /
			       quantile_us(r, lat_result(run, row, 0), columns[c].num,
					   columns[c].den));
	printf("\n");
}

static void print_detail(const struct lat_run *run, size_t row)
{
	const struct lat_row *r = &run->rows[row];
	const char *note = select_kind_note(run->selection.kind);
	char text[48];

	printf("%s, %u bytes, in us: %s\n", lat_row_name(r), r->size, lat_row_definition(r));
	if (note != NULL)
		printf("%s\n", note);
	printf("  %-12s", "");
	for (size_t c = 0; c < NCOLUMNS; c++)
		printf(" %9s", columns[c].name);
	printf("   samples\n");
	for (uint32_t i = 0; i < run->selection.nproviders; i++) {
		const struct lat_result *result = lat_result(run, row, i);

		printf("  %-12s", run->selection.provider[i]);
		for (size_t c = 0; c < NCOLUMNS; c++)
			printf(" %9.2f", quantile_us(r, result, columns[c].num, columns[c].den));
		printf(" %9llu\n", (unsigned long long)result->hdr->count);
	}
	if (run->selection.nproviders > 1)
		print_ratio(run, row);
	printf("  data verified: %s\n\n", data_text(run, row, text));
}

static void print_late(const struct lat_run *run)
{
	uint64_t late = 0;

	for (size_t i = 0; i < run->nrows * run->selection.nproviders; i++)
		late += run->results[i].late;
	if (late > 0)
		printf("%llu writes showed their last byte before the rest: to poll memory is not "
		       "safe on this device.\n",
		       (unsigned long long)late);
}

void lat_report(const struct lat_run *run)
{
	const char *note = select_kind_note(run->selection.kind);

	print_head(run);
	if (run->options->detail) {
		for (size_t row = 0; row < run->nrows; row++)
			print_detail(run, row);
	}
	if (run->options->all_ops || run->nrows > 1) {
		print_summary(run);
		if (note != NULL)
			printf("%s\n", note);
	}
	print_late(run);
}
