/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_SOAK_RIG_H
#define TESTS_TOOLS_MLX5EMU_SOAK_RIG_H

#include "soak/stream.h"

#include <infiniband/verbs.h>

/*
 * The verbs objects of one side, and its memory: one region that the peer may do everything with.
 * What fails ends the process with its name: these are calls that have to work.
 */

enum { QPS = 6, MAX_RECEIVES = QPS * 64, GRH = 40 };

struct memory {
	uint8_t source[SOURCE];
	uint8_t window[QPS][WINDOW];
	uint64_t word[QPS][WORDS];
	uint64_t shared;
	uint8_t sink[QPS][SINK];
	uint8_t receive[]; /* slots of rig->slot bytes */
};

struct address {
	union ibv_gid gid;
	uint64_t memory;
	uint32_t rkey;
	uint32_t qpn[QPS], psn[QPS];
};

struct rig {
	const struct plan *plan;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq[2]; /* of sends, of receives; perhaps the same */
	struct ibv_srq *srq;
	struct ibv_qp *qp[QPS];
	struct ibv_qp_ex *qpx[QPS];
	struct ibv_ah *ah;
	struct memory *memory;
	size_t slot, size;
	struct address self, peer;
};

#define must(what) ((what) ? (void)0 : soak_fail("%s: %s", #what, strerror(errno)))
#define check(what, ...) ((what) ? (void)0 : soak_fail(__VA_ARGS__))
__attribute__((noreturn, format(printf, 1, 2))) void soak_fail(const char *format, ...);

void rig_open(struct rig *rig, const struct plan *plan, const char *device, unsigned side);
void rig_connect(struct rig *rig);
void rig_close(struct rig *rig);

uint8_t *rig_receive_slot(const struct rig *rig, unsigned index);

/* Receives into slot @index, of queue pair @qp, or of the shared queue. */
void rig_post_receive(struct rig *rig, unsigned qp, unsigned index, unsigned nsge);

/* In one call, all of them; each a work of queue pair @qp. */
void rig_post(struct rig *rig, unsigned qp, const struct work *works, unsigned n);

#endif
