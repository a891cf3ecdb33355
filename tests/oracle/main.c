/* SPDX-License-Identifier: MIT */
/*
 * Every request, at every place of the send ring, to libmlx5 and to our provider: the bytes must be
 * equal, and so must the completions that the device then writes.
 *
 * Order: wherever the rings stand, the next request that was not yet made at that place; a filler
 * when there is none. So all are made without going round for each.
 */
#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CASES_MAX = 1024,
	BLOCK = 64,
};

struct progress {
	struct twin *t;
	struct request cases[CASES_MAX];
	size_t ncases;
	size_t left;
	bool *done; /* [place][case] */
	uint32_t places;
	uint32_t place;      /* of both send rings */
	uint32_t recv_place; /* of both receive rings, in strides */
	unsigned shape;
	uint64_t fillers;
};

static void post_receive(struct progress *p, const struct request *r)
{
	const struct twin *t = p->t;
	unsigned shape = p->shape++ % CASE_RECV_SHAPES;

	/* Shape 0 takes no bytes: for what brings none, and for writes, which go elsewhere. */
	if (!shape && r->op != ORACLE_WRITE_IMM && case_bytes(r))
		shape = p->shape++ % CASE_RECV_SHAPES;
	expect_prepare_recv(t, p->recv_place);
	assert_int_equal(case_recv_theirs(t, shape), 0);
	assert_true(case_recv_ours(t, shape) >= 0);
	expect_same_recv(t, p->recv_place);
	p->recv_place = (p->recv_place + 1) % (t->ours.rq_size / t->ours.rq_stride);
}

static void post_send(struct progress *p, const struct request *r)
{
	expect_prepare_send(p->t, p->place);
	assert_int_equal(case_post_theirs(p->t, r), 0);
	assert_true(case_post_ours(p->t, r) >= 0);
	p->place = (p->place + expect_same_send(p->t, p->place, r)) % p->places;
}

static void run_one(struct progress *p, const struct request *r)
{
	const bool unsignaled = r->flags & BV_UNSIGNALED;

	if (case_consumes_receive(r))
		post_receive(p, r);
	post_send(p, r);
	twin_run();
	expect_same_completions(p->t, r, !unsignaled);
	if (!unsignaled)
		return;
	/* What is unsignaled completes with the next one. */
	post_send(p, &case_filler);
	twin_run();
	expect_same_completions(p->t, &case_filler, 1);
}

/* What is being posted, for the message of a failure. */
static char now[128];

static void run_next(struct progress *p)
{
	bool *const done = p->done + p->place * p->ncases;
	char name[96];

	for (size_t i = 0; i < p->ncases; i++) {
		if (done[i])
			continue;
		done[i] = true;
		p->left--;
		snprintf(now, sizeof(now), "at block %u: %s", p->place,
			 case_name(&p->cases[i], name, sizeof(name)));
		run_one(p, &p->cases[i]);
		return;
	}
	p->fillers++;
	run_one(p, &case_filler);
}

static void every_request_at_every_place(void **state)
{
	struct progress p = { .t = *state };

	p.ncases = cases_all(p.cases, CASES_MAX, p.t->ch->max_inline);
	p.places = p.t->ours.sq_size / BLOCK;
	p.left = p.ncases * p.places;
	p.done = calloc(p.left, sizeof(*p.done));
	assert_non_null(p.done);
	while (p.left)
		run_next(&p);
	print_message("%zu requests at each of %u blocks, %llu fillers\n", p.ncases, p.places,
		      (unsigned long long)p.fillers);
	free(p.done);
}

int main(int argc, char **argv)
{
	const char *why;
	struct twin *t;
	int failed;

	if (argc != 2 || (strcmp(argv[1], "blueflame") && strcmp(argv[1], "doorbell"))) {
		fprintf(stderr, "usage: oracle blueflame|doorbell\n");
		return 2;
	}
	/* Read by libmlx5 when the device is opened, and by our provider. */
	setenv("MLX5_SHUT_UP_BF", strcmp(argv[1], "doorbell") ? "0" : "1", 1);
	t = twin_new(&why);
	if (!t) {
		printf("skipped: %s\n", why);
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_request_at_every_place, t),
	};
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (failed)
		fprintf(stderr, "last request: %s\n", now);
	twin_free(t);
	return failed;
}
