/* SPDX-License-Identifier: MIT */
/*
 * Ranks of one machine, threads or processes, that become a group over socket pairs.
 */
#ifndef BV_TESTS_GROUP_MESH_H
#define BV_TESTS_GROUP_MESH_H

#include <stdatomic.h>

#include <bareverbs/bareverbs.h>

#define MESH_MAX 8
/* Far above what anything here takes, also on a busy machine; below the time-out of the test. */
#define LONG (60 * BV_SEC)

/* Ends the program with @what, and the library's text of why, when @ok is false. */
void must(bool ok, const char *what);

struct mesh {
	const char *provider;
	uint32_t size;
	bool channels;
	uint8_t ack_timeout; /* of the channels; 8 tries */
	int fd[MESH_MAX][MESH_MAX];
};

/* One rank: what it opens, and what its part of a test needs. */
struct rank {
	struct mesh *mesh;
	uint32_t rank;
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_group *group;
	uint64_t random;
	void *test;
};

void mesh_open(struct mesh *mesh, const char *provider, uint32_t size);
void mesh_close(struct mesh *mesh);

/* Opens the device, and connects with all peers; @attr NULL: rank and size of the mesh. */
void rank_open(struct rank *r);
void rank_close(struct rank *r);

/* @part for each rank in a thread of its own, between rank_open() and rank_close(). */
void mesh_threads(struct mesh *mesh, void (*part)(struct rank *r), void *test);
/* ... in a process of its own, whose exit status must be 0; @dies: that one's is not looked at. */
#define NOBODY UINT32_MAX
void mesh_processes(struct mesh *mesh, void (*part)(struct rank *r), void *test, uint32_t dies);

/* Some bits, other ones each time. */
uint64_t rank_random(struct rank *r);
int64_t now_ns(void);

/*
 * Each rank counts what it enters, where all see it. @step: 1, 2, … of a sequence of barriers that is
 * the same for all ranks.
 */
struct proof {
	atomic_uint entered[MESH_MAX];
};

/* Enters, passes, and sees that all members had entered. */
void prove(struct rank *r, struct proof *proof, unsigned step, const struct bv_barrier_opts *opts);

#endif
