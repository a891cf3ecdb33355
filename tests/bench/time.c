/* SPDX-License-Identifier: MIT */
/*
 * Nanoseconds of a call: a loop of calls is timed as one, less a reading of the clock and the loop of
 * the empty library. After each loop the next library takes its turn, so that whatever else the
 * machine does at the time hits all of them alike.
 */
#include "bench.h"

#include <stdlib.h>

enum { LOOP = 64, WARM_UP = 20 };

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int one_loop(const struct bench_entry *e, enum bench_op op, double *ns)
{
	uint64_t begin, ticks;
	unsigned done;

	if (bench_prepare(e->lib, e->side, op, LOOP) < 0)
		return -1;
	begin = bench_ticks();
	done = bench_loop(e->lib, e->side, op, LOOP);
	ticks = bench_ticks() - begin;
	if (done != LOOP)
		return bench_fail("%s: %s: %u of %u", e->lib->name, bench_op_name(op), done,
				  (unsigned)LOOP);
	ticks = ticks > bench_clock_overhead ? ticks - bench_clock_overhead : 0;
	*ns = (double)ticks * bench_ns_per_tick / LOOP;
	return bench_finish(e->lib, e->side, op, LOOP);
}

static int one_op(const struct bench *bench, enum bench_op op, double *samples, bench_rows rows)
{
	for (unsigned batch = 0; batch < WARM_UP + bench->batches; batch++) {
		for (unsigned i = 0; i < bench->n; i++) {
			const struct bench_entry *e = &bench->entry[i];
			double ns = 0;

			if (!e->side || !e->lib->run[op])
				continue;
			if (one_loop(e, op, &ns) < 0)
				return -1;
			if (batch >= WARM_UP)
				samples[i * bench->batches + batch - WARM_UP] = ns;
		}
	}
	for (unsigned i = 0; i < bench->n; i++) {
		double *sample = &samples[i * bench->batches];

		if (!bench->entry[i].side || !bench->entry[i].lib->run[op])
			continue;
		qsort(sample, bench->batches, sizeof(*sample), compare);
		rows[i][op].ns_p5 = sample[bench->batches / 20];
		rows[i][op].ns_median = sample[bench->batches / 2];
		if (i == 0)
			continue;
		rows[i][op].ns_p5 -= rows[0][op].ns_p5;
		rows[i][op].ns_median -= rows[0][op].ns_median;
	}
	return 0;
}

int bench_time(const struct bench *bench, bench_rows rows)
{
	double *samples = calloc((size_t)bench->n * bench->batches, sizeof(*samples));
	int rc = 0;

	if (!samples)
		return bench_fail("out of memory");
	bench_clock_init();
	for (int op = 0; op < BENCH_NROWS && rc == 0; op++)
		rc = one_op(bench, (enum bench_op)op, samples, rows);
	free(samples);
	return rc;
}
