/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MLX5EMU_XRC_RIG_H
#define TESTS_UNIT_MLX5EMU_XRC_RIG_H

#include "rig.h"

/*
 * XRC: queue pair a is an initiator, b a target of the domain that two shared receive queues belong
 * to; their completions go to CQ b. Keys are those of the shared queue's protection domain.
 */

enum {
	XRC_WQES = 8,
	XRC_STRIDE = 32, /* a next segment and one data segment */
	XRC_PSN = 9,
};

struct xrc_queue {
	uint8_t *ring;
	emu_be32 *dbrec;
	uint32_t srqn;
	uint16_t posted;
};

extern struct xrc_queue xrc_one, xrc_two;
extern uint32_t xrc_domain;

void xrc_setup(const struct emu_run_config *run, const struct emu_xrcd_open *how);
void xrc_teardown(void);

void xrc_queue_create(struct xrc_queue *q, uint32_t pd, uint32_t domain);
/* With srqn 0: of its memory alone. */
void xrc_queue_destroy(struct xrc_queue *q);
void xrc_post(struct xrc_queue *q, void *addr, uint32_t length);

/* A request of a, with the XRC segment. */
struct rig_wqe xrc_begin(uint8_t opcode, uint32_t srqn);
void xrc_send_inline(const struct xrc_queue *q, const char *text);

#endif
