/* SPDX-License-Identifier: MIT */
/*
 * barriers PROVIDER threads|processes COUNT: barriers hold, for each algorithm, of all ranks and of
 * subsets that overlap. A rank that passes sees that all others had entered.
 */
#include "mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const enum bv_barrier_algorithm algorithms[] = {
	BV_BARRIER_DISSEMINATION,
	BV_BARRIER_TREE,
	BV_BARRIER_LINEAR,
};

struct test {
	unsigned count;
	struct proof proof;
};

static void all_ranks(struct rank *r)
{
	struct test *t = r->test;

	for (unsigned step = 1; step <= t->count; step++) {
		const struct bv_barrier_opts opts = { .algorithm = algorithms[step % 3] };

		prove(r, &t->proof, step, step % 16 == 0 ? NULL : &opts);
	}
}

/* The same sequence on all ranks; each runs those barriers that it is a member of. */
static void overlapping(struct rank *r)
{
	struct test *t = r->test;
	struct rank same = { .random = 0x2545f4914f6cdd1d };

	for (unsigned step = t->count + 1; step <= 2 * t->count; step++) {
		const uint32_t size = r->mesh->size;
		uint32_t ranks[MESH_MAX], n = 0;
		bool member = false;
		const uint64_t bits = rank_random(&same);

		/* In descending order at times: the order does not matter. */
		for (uint32_t i = 0; i < size; i++) {
			const uint32_t rank = bits & 1 << 20 ? size - 1 - i : i;

			if (!(bits >> rank & 1))
				continue;
			ranks[n++] = rank;
			member |= rank == r->rank;
		}
		if (member)
			prove(r, &t->proof, step,
			      &(struct bv_barrier_opts){
				      .ranks = ranks,
				      .nranks = n,
				      .algorithm = algorithms[(bits >> 30) % 3],
			      });
	}
}

static void both(struct rank *r)
{
	all_ranks(r);
	overlapping(r);
	must(bv_group_failed(r->group, NULL) == 0, "nothing failed");
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 2, 3, 5, 8 };
	struct mesh mesh;
	struct test *t;

	if (argc != 4)
		return 2;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const int64_t start = now_ns();

		t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			 0);
		must(t != MAP_FAILED, "shared memory");
		t->count = (unsigned)atoi(argv[3]);
		mesh_open(&mesh, argv[1], sizes[i]);
		if (strcmp(argv[2], "threads") == 0)
			mesh_threads(&mesh, both, t);
		else
			mesh_processes(&mesh, both, t, NOBODY);
		mesh_close(&mesh);
		munmap(t, sizeof(*t));
		printf("%u ranks: %u barriers of all, %s of subsets, in %lld ms\n", sizes[i],
		       (unsigned)atoi(argv[3]), argv[3], (long long)((now_ns() - start) / BV_MSEC));
	}
	return 0;
}
