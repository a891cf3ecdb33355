/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_SRQ_H
#define MLX5EMU_ENGINE_SRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "prm.h"
#include "state.h"

/*
 * A shared receive queue (IBA vol 1 section 10.2.9). Its ring is a linked list: each WQE begins with
 * the index of the one behind it, because its owner gets them back in whatever order the queue pairs
 * complete them (rdma-core providers/mlx5/srq.c). The device walks from index 0 and takes as many as
 * the doorbell record, a free-running count of WQEs ever posted, is ahead of those it took. A pool that
 * commands make may be cyclic instead: its WQEs are the same, but taken in the order of the ring, and
 * completions name them by a 16-bit number that is not wrapped to it (UCX rc_mlx5.inl).
 *
 *	next -> | next_seg 16 | data 16 | ... |  stride: a power of two, 32 bytes or more
 */
struct emu_srq {
	struct emu_device *dev;
	struct emu_srq_attr attr;
	uint32_t srqn;
	unsigned users; /* queue pairs */
	struct emu_pd *pd;
	struct emu_xrcd *xrcd; /* with attr.xrcdn, and then cq too */
	struct emu_cq *cq;
	const uint8_t *ring;
	emu_be32 *dbrec;
	uint8_t *owned; /* a linked list's WQEs that are the device's, by index */
	uint16_t seen;  /* the record as last seen; of a linked list, so many were walked */
	uint16_t last;  /* the last one of them */
	uint16_t next;  /* index of the WQE that the next message takes */
	uint16_t taken; /* free-running */
	uint32_t limit; /* the event is raised below so many WQEs; 0 = not armed */
	bool failed;    /* its list or record is broken: SRQ_ERR was raised */
	bool record_told;
};

/* Of any device of this process; of @dev. NULL when there is none. */
struct emu_srq *emu_srq_find_any(uint32_t srqn);
struct emu_srq *emu_srq_find(const struct emu_device *dev, uint32_t srqn);

/* How many WQEs wait: >= 0; -EPROTO when its owner broke it. */
int emu_srq_posted(struct emu_srq *srq);

/* For faults: its limit event now, if it is armed; it breaks. */
void emu_srq_limit(struct emu_srq *srq);
void emu_srq_fail(struct emu_srq *srq);

/* Takes the first of the WQEs that wait, of which there is one. 0 or -EPROTO. */
int emu_srq_take(struct emu_srq *srq, uint16_t *index);

/* WQE @index completed: it is its owner's again. */
void emu_srq_return(struct emu_srq *srq, uint16_t index);

/* Where WQE @index keeps its data segments, and their bytes. */
const uint8_t *emu_srq_segments(const struct emu_srq *srq, uint16_t index, uint32_t *size);

void emu_srqs_destroy(struct emu_device *dev);

#endif
