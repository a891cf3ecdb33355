/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_LINK_H
#define TESTS_FAULTS_LINK_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Two processes with one RC queue pair each, on the real libibverbs and libmlx5. The peer is made by
 * fork() before either opens the device; a pipe in each direction carries endpoints and words.
 */

enum {
	LINK_BUFFER = 4 << 20,
	LINK_DEPTH = 64,
};

struct link_end {
	uint32_t qpn, rkey;
	uint64_t addr;
	union ibv_gid gid;
};

struct link {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint8_t *buf; /* mmap()ed, LINK_BUFFER bytes */
	struct link_end own, peer;
	int in, out; /* pipes to the other process */
};

/* Ends the program with a text when @ok is false. */
void must(bool ok, const char *what);

/*
 * Starts a peer that connects and then runs @body. Connects this side with the given retry
 * parameters. Returns the peer's pid.
 */
pid_t link_start(struct link *l, void (*body)(struct link *), uint8_t timeout, uint8_t retry_cnt);

/* One byte to the other process, and one from it. */
void link_tell(struct link *l);
void link_hear(struct link *l);

/* Posts a signaled write of @length bytes at @offset on both sides. */
void link_write(struct link *l, uint32_t offset, uint32_t length);

/* The status of the next completion; ends the program when none comes within 60 s. */
enum ibv_wc_status link_wait(struct link *l);

/* The exit status of the peer, or 128 + signal. */
int link_join(pid_t pid);
void link_close(struct link *l);

#endif
