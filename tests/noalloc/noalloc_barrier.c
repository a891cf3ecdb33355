/* SPDX-License-Identifier: MIT */
/*
 * Barriers allocate nothing and take no lock. What they may do in the kernel is to give way
 * (sched_yield) while they wait. Rank 0 is watched, rank 1 is another thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <bareverbs/bareverbs.h>

#include "count.h"

enum {
	EXIT_SKIP = 77,
	ROUNDS = 300,
};

static struct bv_group *group[2];
static int pair[2]; /* of sockets */
static int rc[2];
static struct counts used;
static bool unwatched;

static unsigned rank_of(const void *argument)
{
	return argument == &rc[1];
}

static void *join(void *argument)
{
	const unsigned rank = rank_of(argument);

	rc[rank] = bv_group_connect_fd(group[rank], 1 - rank, pair[rank], 60 * BV_SEC);
	return NULL;
}

static void *meet(void *argument)
{
	const unsigned rank = rank_of(argument);
	void *volatile arena = malloc(16);

	free(arena);
	if (rank == 0)
		unwatched = count_begin() < 0;
	for (unsigned i = 0; i < ROUNDS && rc[rank] == 0; i++)
		rc[rank] = bv_barrier(group[rank],
				      &(struct bv_barrier_opts){
					      .algorithm = (enum bv_barrier_algorithm)(i % 3) },
				      60 * BV_SEC);
	if (rank == 1 || unwatched)
		return NULL;
	used = count_read();
	count_exit_thread();
}

static int both(void *(*part)(void *rank))
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, part, &rc[i]) != 0)
			return -1;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	return rc[0] | rc[1];
}

static int report(const char *provider)
{
	printf("%s: %d barriers: %lu allocations, %lu locks, %lu system calls\n", provider, ROUNDS,
	       used.allocations, used.locks, used.syscalls);
	if (unwatched) {
		printf("skipped: this kernel gives no seccomp filter to count system calls with\n");
		return EXIT_SKIP;
	}
	return used.allocations || used.locks ||
	       (used.syscalls && used.first_syscall != SYS_sched_yield);
}

int main(int argc, char **argv)
{
	const struct bv_open_opts opts = { .provider = argc > 1 ? argv[1] : "verbs" };
	struct bv_device *dev = NULL;
	struct bv_pd *pd = NULL;
	int status = EXIT_FAILURE;

	if (bv_open(NULL, &opts, &dev) == 0 && bv_pd_alloc(dev, &pd) == 0 &&
	    bv_group_create(pd, &(struct bv_group_attr){ .rank = 0, .size = 2 }, &group[0]) == 0 &&
	    bv_group_create(pd, &(struct bv_group_attr){ .rank = 1, .size = 2 }, &group[1]) == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && both(join) == 0 &&
	    count_prepare() == 0 && both(meet) == 0)
		status = report(opts.provider);
	else
		fprintf(stderr, "%s: %d, %d\n", opts.provider, rc[0], rc[1]);
	bv_group_destroy(group[0]);
	bv_group_destroy(group[1]);
	bv_pd_free(pd);
	bv_close(dev);
	return status;
}
