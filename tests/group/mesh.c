/* SPDX-License-Identifier: MIT */
#include "mesh.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "failed: %s\nlast error: %s\n", what, bv_last_error()->text);
	fflush(NULL);
	_exit(1);
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * BV_SEC + now.tv_nsec;
}

void mesh_open(struct mesh *mesh, const char *provider, uint32_t size)
{
	int pair[2];

	/* 8 times 0.27 s: a rank that does not get to run for a while is not a dead one. */
	*mesh = (struct mesh){ .provider = provider, .size = size, .ack_timeout = 16 };
	for (uint32_t i = 0; i < size; i++) {
		for (uint32_t k = i + 1; k < size; k++) {
			must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socket pair");
			mesh->fd[i][k] = pair[0];
			mesh->fd[k][i] = pair[1];
		}
	}
}

void mesh_close(struct mesh *mesh)
{
	for (uint32_t i = 0; i < mesh->size; i++)
		for (uint32_t k = 0; k < mesh->size; k++)
			if (i != k)
				close(mesh->fd[i][k]);
}

void rank_open(struct rank *r)
{
	const struct mesh *mesh = r->mesh;
	struct bv_channel_attr channel = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_group_attr attr = {
		.rank = r->rank, .size = mesh->size, .channel = &channel, .channels = mesh->channels
	};

	channel.ack_timeout = mesh->ack_timeout;
	channel.retry = 7;
	r->random = 0x9e3779b97f4a7c15 * (r->rank + 1);
	must(bv_open(NULL, &(struct bv_open_opts){ .provider = mesh->provider }, &r->dev) == 0,
	     "open the device");
	must(bv_pd_alloc(r->dev, &r->pd) == 0, "protection domain");
	must(bv_group_create(r->pd, &attr, &r->group) == 0, "create a group");
	for (uint32_t peer = 0; peer < mesh->size; peer++)
		if (peer != r->rank)
			must(bv_group_connect_fd(r->group, peer, mesh->fd[r->rank][peer], LONG) ==
				     0,
			     "connect with a peer");
}

void rank_close(struct rank *r)
{
	bv_group_destroy(r->group);
	bv_pd_free(r->pd);
	bv_close(r->dev);
}

struct job {
	struct rank rank;
	void (*part)(struct rank *r);
	pthread_t thread;
	pid_t pid;
};

static void *work(void *argument)
{
	struct job *job = argument;

	rank_open(&job->rank);
	job->part(&job->rank);
	rank_close(&job->rank);
	return NULL;
}

static struct job job_of(struct mesh *mesh, uint32_t rank, void (*part)(struct rank *r), void *test)
{
	return (struct job){ .rank = { .mesh = mesh, .rank = rank, .test = test }, .part = part };
}

void mesh_threads(struct mesh *mesh, void (*part)(struct rank *r), void *test)
{
	struct job jobs[MESH_MAX];

	for (uint32_t i = 0; i < mesh->size; i++) {
		jobs[i] = job_of(mesh, i, part, test);
		must(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) == 0, "thread");
	}
	for (uint32_t i = 0; i < mesh->size; i++)
		must(pthread_join(jobs[i].thread, NULL) == 0, "join");
}

void mesh_processes(struct mesh *mesh, void (*part)(struct rank *r), void *test, uint32_t dies)
{
	struct job jobs[MESH_MAX];
	bool well = true;
	int status;

	fflush(NULL);
	for (uint32_t i = 0; i < mesh->size; i++) {
		jobs[i] = job_of(mesh, i, part, test);
		jobs[i].pid = fork();
		must(jobs[i].pid >= 0, "fork");
		if (jobs[i].pid == 0) {
			work(&jobs[i]);
			fflush(NULL);
			_exit(0);
		}
	}
	for (uint32_t i = 0; i < mesh->size; i++) {
		must(waitpid(jobs[i].pid, &status, 0) == jobs[i].pid, "wait for a process");
		well &= i == dies || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	must(well, "all ranks end well");
}

uint64_t rank_random(struct rank *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random >> 16;
}

void prove(struct rank *r, struct proof *proof, unsigned step, const struct bv_barrier_opts *opts)
{
	const uint32_t n = opts && opts->ranks ? opts->nranks : r->mesh->size;

	/* One in eight is late, some of them by more than the others spin. */
	if (rank_random(r) % 8 == 0)
		usleep((useconds_t)(rank_random(r) % 300));
	atomic_store(&proof->entered[r->rank], step);
	must(bv_barrier(r->group, opts, LONG) == 0, "a barrier");
	for (uint32_t i = 0; i < n; i++)
		must(atomic_load(&proof->entered[opts && opts->ranks ? opts->ranks[i] : i]) >= step,
		     "nobody passes before all have entered");
}
