/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_CQ_H
#define MLX5EMU_ENGINE_CQ_H

#include <stdbool.h>
#include <stdint.h>

#include "prm.h"
#include "state.h"

/*
 * A completion queue. The ring belongs to the program; the device writes entry pi, the program
 * reads entry ci and publishes ci in its doorbell record:
 *
 *	        ci (dbrec[0])        pi (here)
 *	         v                    v
 *	| free  | written, not read  | free ...    owner bit of entry i = pass number of i & 1
 *
 * An entry is valid to the program once its op_own byte carries the owner bit of the current pass,
 * so that byte is stored last, with release order. pi - ci == entries means overrun: IBA vol 1
 * section 11.2.8 makes that a CQ error, and the queue is dead; one that ignores overruns writes on.
 * pi counts what is in the open block, too, which is written when the round ends at the latest.
 */
struct emu_block;

struct emu_cq {
	struct emu_device *dev;
	struct emu_cq_attr attr;
	struct emu_uar *uar;
	struct emu_list node; /* uar->cqs */
	uint32_t cqn;
	unsigned users;
	uint8_t *ring;
	emu_be32 *dbrec;
	uint32_t pi;             /* free-running */
	struct emu_block *block; /* of a queue that compresses, else NULL */
	bool overrun;

	/*
	 * Notification. arm_record is the one last seen: sn 29:28, solicited only 24, ci 23:0. An
	 * event announces entries up to event_pi (PRM, CQ context: last_notified_index); entries
	 * announced once never raise a second event, which ib_send_lat -e needs.
	 */
	bool armed, arm_solicited;
	uint32_t arm_record, arm_ci;
	uint32_t event_pi;
	uint32_t solicited_pi; /* pi after the last solicited or failed completion */

	/*
	 * Moderation (PRM "event moderation"): an event waits until so many completions came since the
	 * last one, or for so long after the first that would raise it. Off while either is 0.
	 */
	uint16_t moderation_count, moderation_us;
	uint64_t deadline;          /* of an event that waits, 0 = none does */
	struct emu_list timed_node; /* emu.moderated, while one does */

	/* For cq_check.h. */
	uint64_t silent_since;
	uint32_t consumed; /* as last seen, 24 bits */
	bool silent_told, consumed_told;
};

struct emu_completion {
	enum emu_cqe_opcode opcode;
	enum emu_syndrome syndrome; /* with the two error opcodes */
	uint8_t vendor;
	uint8_t wqe_opcode; /* requester: of the send WQE */
	bool solicited;
	uint16_t wqe_counter;
	uint32_t qpn, uidx;
	uint32_t byte_cnt;
	uint32_t imm;        /* as in the WQE */
	uint32_t flags_rqpn; /* UD: of the datagram received */
	uint16_t slid;       /* UD on InfiniBand */
	uint8_t scatter; /* 32 or 64: byte_cnt bytes of payload go into an entry that has so many */
	uint8_t payload[EMU_CQE_SCATTER_MAX];
};

/* Completions that will be written as one, see cqe.h. */
struct emu_block {
	struct emu_list node; /* emu.blocks, while it has any */
	struct emu_cq *cq;
	unsigned n;
	struct emu_completion title; /* the first of them */
	struct emu_mini_cqe mini[EMU_BLOCK_MAX];
};

/* A word of the doorbell record, as the program last wrote it. */
static inline uint32_t emu_cq_record(const struct emu_cq *cq, unsigned word)
{
	return be32toh(__atomic_load_n(&cq->dbrec[word].be, __ATOMIC_ACQUIRE));
}

/* a - b of two 24-bit or free-running counts, as far as the low 24 bits tell. */
static inline int32_t emu_cq_distance(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

struct emu_cq *emu_cq_find(const struct emu_device *dev, uint32_t cqn);

/* 0, or -EOVERFLOW: the queue is (or just got) overrun and nothing was written. */
int emu_cq_push(struct emu_cq *cq, const struct emu_completion *c);

/* Reads the arm record after a doorbell. */
void emu_cq_arm(struct emu_cq *cq);

/* Raises the events that have waited long enough, notes when the next one will have; how many. */
unsigned emu_cqs_timeout(uint64_t now);

/* Writes all open blocks: nothing stays behind when the lock is given up. */
void emu_cqs_flush(void);

void emu_cqs_destroy(struct emu_device *dev);

#endif
