/* SPDX-License-Identifier: MIT */
/*
 * kill PROVIDER ROUNDS: one of four ranks, each a process, dies by SIGKILL among barriers. All others
 * learn of it long before their time-outs, and name it.
 */
#include "mesh.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANKS 4u

struct test {
	enum bv_barrier_algorithm algorithm;
	uint32_t victim;
	unsigned barriers;   /* that it lives for */
	useconds_t then;     /* and so long after, before it is in the next one */
	atomic_uint blaming; /* others that named it */
};

/* It cannot be in the barrier that the others wait in: it dies before it enters one, at any moment. */
static void part(struct rank *r)
{
	struct test *t = r->test;
	const struct bv_barrier_opts opts = { .algorithm = t->algorithm };
	struct bv_group_error error;
	int64_t start = now_ns();
	int rc = 0;

	for (unsigned i = 0; rc == 0; i++) {
		if (r->rank == t->victim && i == t->barriers) {
			usleep(t->then);
			raise(SIGKILL);
		}
		start = now_ns();
		rc = bv_barrier(r->group, &opts, LONG);
	}
	must(rc == -EIO, "a rank that died is an error");
	must(now_ns() - start < LONG / 2, "long before the time-out");
	must(bv_group_failed(r->group, &error) == 1, "the group has failed");
	if (error.rank != t->victim)
		fprintf(stderr, "rank %u blames %u: %s\n", r->rank, error.rank, error.text);
	must(error.rank == t->victim, "it names the one that died");
	must(strstr(error.text, "does not answer") || strstr(error.text, "is missing, found rank"),
	     "and how that was found out");
	atomic_fetch_add(&t->blaming, 1);
}

int main(int argc, char **argv)
{
	struct test *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mesh mesh;

	if (argc != 3)
		return 2;
	must(t != MAP_FAILED, "shared memory");
	for (unsigned i = 0; i < (unsigned)atoi(argv[2]); i++) {
		*t = (struct test){ .algorithm = i % 3,
				    .victim = i / 3 % RANKS,
				    .barriers = 1 + i * 7 % 20,
				    .then = i % 2 * 50000 };
		mesh_open(&mesh, argv[1], RANKS);
		mesh_processes(&mesh, part, t, t->victim);
		mesh_close(&mesh);
		must(atomic_load(&t->blaming) == RANKS - 1, "all others named it");
	}
	printf("%s deaths\n", argv[2]);
	return 0;
}
