/* SPDX-License-Identifier: MIT */
/*
 * failures PROVIDER: what goes wrong around a group, its ranks threads of one process. Each failure is
 * the same for every algorithm, ends in time on every rank, and names who is the cause.
 */
#include "mesh.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RANKS 4u
#define TIME_OUT (2 * BV_SEC)

struct test {
	enum bv_barrier_algorithm algorithm;
	uint32_t absent;
	atomic_uint failed; /* ranks that have seen it fail */
};

static int barrier(struct rank *r, enum bv_barrier_algorithm algorithm, int64_t timeout_ns)
{
	return bv_barrier(r->group, &(struct bv_barrier_opts){ .algorithm = algorithm },
			  timeout_ns);
}

static void expect_text(const char *part)
{
	if (!strstr(bv_last_error()->text, part))
		fprintf(stderr, "not in the text: %s\n", part);
	must(strstr(bv_last_error()->text, part) != NULL, "the text tells");
}

/* Whatever came first, later calls tell of it, wrong arguments or not. */
static void expect_over(struct rank *r, uint32_t culprit)
{
	struct bv_group_error error, later;
	const uint32_t bad = 99;

	must(bv_group_failed(r->group, &error) == 1, "the group has failed");
	if (error.rank != culprit)
		fprintf(stderr, "rank %u blames %u: %s\n", r->rank, error.rank, error.text);
	must(error.rank == culprit, "it names the right rank");
	must(bv_barrier(r->group, NULL, LONG) == -EIO, "later barriers fail");
	expect_text("failed before");
	must(bv_barrier(r->group, &(struct bv_barrier_opts){ .ranks = &bad, .nranks = 1 }, 0) ==
		     -EIO,
	     "and are not masked by wrong arguments");
	must(bv_group_failed(r->group, &later) == 1 && memcmp(&error, &later, sizeof(error)) == 0,
	     "the first cause stays");
}

/* Rank @absent comes when the others have given up. */
static void one_is_late(struct rank *r)
{
	struct test *t = r->test;
	int64_t start;
	int rc;

	must(barrier(r, t->algorithm, LONG) == 0, "all are there");
	start = now_ns();
	if (r->rank == t->absent) {
		while (atomic_load(&t->failed) < RANKS - 1)
			usleep(1000);
		/* It may have all that this one takes; but not the next one. */
		rc = barrier(r, t->algorithm, LONG);
		if (rc == 0)
			rc = barrier(r, t->algorithm, LONG);
		must(rc == -EIO, "the late one fails, too");
		expect_text("has given up waiting for this one");
		return;
	}
	rc = barrier(r, t->algorithm, TIME_OUT);
	must(rc == -ETIMEDOUT || rc == -EIO, "somebody is missing");
	must(now_ns() - start < LONG / 2, "in time");
	atomic_fetch_add(&t->failed, 1);
	expect_over(r, t->absent);
}

static void one_leaves(struct rank *r)
{
	struct test *t = r->test;
	int rc;

	must(barrier(r, t->algorithm, LONG) == 0, "all are there");
	if (r->rank == t->absent)
		return;
	rc = barrier(r, t->algorithm, LONG);
	must(rc == -EIO, "one has left");
	must(strstr(bv_last_error()->text, "has left the group") ||
		     strstr(bv_last_error()->text, "is missing, found rank"),
	     "and that is why");
	expect_over(r, t->absent);
}

/* The last barrier, and then everybody goes as fast as it can: nobody may miss its release. */
static void all_leave(struct rank *r)
{
	struct test *t = r->test;

	for (int i = 0; i < 5; i++)
		must(barrier(r, t->algorithm, LONG) == 0, "all are there");
}

/* Rank 0 alone is in another barrier. */
static void one_disagrees(struct rank *r)
{
	struct test *t = r->test;
	const enum bv_barrier_algorithm other = (t->algorithm + 1) % 3;
	int rc;

	must(barrier(r, t->algorithm, LONG) == 0, "all are there");
	rc = barrier(r, r->rank == 0 ? other : t->algorithm, TIME_OUT);
	must(rc < 0, "it is not the same barrier");
	must(rc == -EPROTO || rc == -EIO || rc == -ETIMEDOUT, "and that is the error");
	must(bv_group_failed(r->group, NULL) == 1, "the group has failed");
}

/* B10: works of the program in a full queue poisoned the barrier; and its completions are its own. */
static void b10_program_fills_its_queues(struct rank *r)
{
	struct test *t = r->test;
	struct bv_channel *ch = bv_group_channel(r->group, (r->rank + 1) % RANKS);
	struct bv_channel *from = bv_group_channel(r->group, (r->rank + RANKS - 1) % RANKS);
	const struct bv_remote nowhere = { 0 };
	unsigned posted = 0, reaped = 0;
	const int64_t got = bv_post_recv(from, NULL, 0);
	int64_t work;
	struct bv_wc wc;

	must(got >= 0, "a receive");
	while ((work = bv_post_write(ch, NULL, 0, &nowhere, 0)) >= 0)
		posted++;
	must(work == -EAGAIN && posted == 256, "the queue is full");
	for (int i = 0; i < 20; i++)
		must(barrier(r, t->algorithm, LONG) == 0, "barriers go on");
	while (reaped < posted) {
		const int n = bv_poll_send(ch, &wc, 1);

		must(n >= 0, "poll");
		if (n == 0)
			continue;
		must(wc.work == (int64_t)reaped && wc.status == BV_STATUS_SUCCESS,
		     "each completion is there for the program");
		reaped++;
	}
	/* The receives were posted before the barriers: B3 of the seed again. */
	must(bv_send_imm(ch, NULL, 0, r->rank, LONG) == 0, "send");
	must(bv_wait(from, got, LONG, &wc) == 0, "receive");
	must(wc.imm == (r->rank + RANKS - 1) % RANKS, "from the rank before");
	must(barrier(r, t->algorithm, LONG) == 0, "all are done");
}

/* The rank before the first or after the last has to wait for the others only, and can leave. */
static void with_each_algorithm(struct mesh *mesh, const char *what, void (*part)(struct rank *r))
{
	for (int i = 0; i < 3; i++) {
		/* Root, inner, leaf. */
		struct test t = { .algorithm = (enum bv_barrier_algorithm)i,
				  .absent = (uint32_t)i * (RANKS - 1) / 2 };

		mesh_threads(mesh, part, &t);
	}
	printf("%s\n", what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct mesh mesh;

	if (argc != 2)
		return 2;
	mesh_open(&mesh, argv[1], RANKS);
	mesh.ack_timeout = 18; /* 8 times 1 s: nobody dies here, but hosts are busy */
	with_each_algorithm(&mesh, "one is late", one_is_late);
	with_each_algorithm(&mesh, "one leaves", one_leaves);
	with_each_algorithm(&mesh, "all leave", all_leave);
	with_each_algorithm(&mesh, "one disagrees", one_disagrees);
	mesh.channels = true;
	with_each_algorithm(&mesh, "full queues", b10_program_fills_its_queues);
	mesh_close(&mesh);
	return 0;
}
