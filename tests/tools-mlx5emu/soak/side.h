/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_SOAK_SIDE_H
#define TESTS_TOOLS_MLX5EMU_SOAK_SIDE_H

#include "soak/rig.h"

/*
 * One process of a run: requester of its own works and responder of the peer's at the same time. The
 * two meet between rounds over a socket, so that each may look at its memory while nobody writes it.
 */

enum { MAX_WORKS = 300, RING = 128, SLOTS_OF_QP = 64, MAX_SHARED = 1 << 14 };

struct requester {
	struct stream stream;
	bool more; /* the round has works that are not posted */
	struct work ring[RING];
	unsigned posted, done; /* free-running; the works in between are in the ring */
	uint8_t *shadow;       /* what the sink has to be, SINK bytes */
};

struct responder {
	struct stream stream;
	struct work work[MAX_WORKS]; /* of this round */
	unsigned n, next;            /* works below next have arrived, or been passed over */
	bool seen[MAX_WORKS];
	unsigned receives, arrived; /* free-running: posted, taken */
};

struct side {
	struct rig rig;
	const struct plan *plan;
	unsigned index;
	int peer; /* socket */
	uint64_t random;
	struct requester requester[QPS];
	struct responder responder[QPS];
	bool slot_posted[MAX_RECEIVES]; /* of the shared receive queue */
	unsigned shared_done;           /* ADD_SHAREDs of all rounds that are done */
	bool shared_seen[MAX_SHARED];
	bool peer_done;
	uint64_t works, arrivals, bytes;
};

/* requester.c */
void requester_init(struct side *side);
void requester_round(struct side *side);
/* Posts some works of one queue pair that has room; false when there is none. */
bool requester_post(struct side *side);
bool requester_idle(const struct side *side);
void requester_complete(struct side *side, const struct ibv_wc *wc);
void requester_check_round(struct side *side);

/* responder.c */
void responder_init(struct side *side);
void responder_round(struct side *side);
void responder_arrive(struct side *side, const struct ibv_wc *wc);
void responder_check_round(struct side *side);
/* All queues to the error state: what was posted comes back, once, in order. */
void responder_check_flush(struct side *side);

void soak_describe(const struct side *side);

#endif
