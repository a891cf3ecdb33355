/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_OWNER_H
#define MLX5EMU_ENGINE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who owns a program's buffers: the device's check of itself, kept apart from the code it checks.
 *
 * A send or receive WQE's buffers are the device's from the post to the completion that gives them
 * back; a completion with wqe_counter c gives back all WQEs of its queue up to c, because an RC
 * queue completes in order. What is noted here is the completion alone, as written into the ring;
 * what is asked here is each write into program memory. A peer's buffers under RDMA WRITE are asked
 * about likewise: nothing may be stored for a PSN that was acknowledged, because the peer may have
 * its completion. A violation is an error of this device, counted, logged and not carried out.
 *
 *	free-running 16-bit WQE index
 *	| given back ... last | ... the device's ...
 *	                ^ newest completion
 */
struct emu_owner {
	bool any; /* a completion was written at all */
	uint16_t last;
};

struct emu_qp;

/* A completion with this wqe_counter is in the ring. */
static inline void emu_owner_return(struct emu_owner *owner, uint16_t wqe_counter)
{
	owner->any = true;
	owner->last = wqe_counter;
}

/* Whether the device may write into a buffer of this WQE; if not, says so. */
bool emu_owner_may_write(const struct emu_qp *qp, const struct emu_owner *owner, const char *what,
			 uint16_t index);

/* Whether a write from the peer with this PSN may still be stored. */
bool emu_owner_may_store(const struct emu_qp *qp, uint32_t psn);

#endif
