/* SPDX-License-Identifier: MIT */
/*
 * A driver under provider verbs that the test plays: it keeps what is posted, refuses on demand, and
 * completes what the test says, with garbage in every field that a real driver leaves alone.
 */
#ifndef BV_TESTS_UNIT_VERBS_DRIVER_H
#define BV_TESTS_UNIT_VERBS_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bareverbs/bareverbs.h>

#include "providers/verbs/posted.h"

enum {
	DRIVER_MAX_SEND = 64,
	DRIVER_MAX_RECV = 64,
	DRIVER_MAX_SGE = 6,
	DRIVER_CQE = 256,
	DRIVER_BROKEN = -2, /* what libmlx5 calls CQ_POLL_ERR */
};

/* One completion queue; both ways of polling read the same entries. */
struct driver_cq {
	struct ibv_cq_ex cq; /* first, as in libibverbs: also the struct ibv_cq */
	struct ibv_wc entries[DRIVER_CQE];
	unsigned head;
	unsigned tail;
	int broken_at; /* fails when it comes to this entry; -1: never */
	unsigned starts;
	unsigned ends;
	bool polling;
};

struct driver {
	struct verbs_channel v;
	struct bvi_channel_core core;
	struct ibv_context context;
	struct ibv_qp_ex qp; /* also the struct ibv_qp */
	struct driver_cq send;
	struct driver_cq recv;

	int refuse;            /* what the next post returns; 0: takes it */
	int refuse_errno;      /* and leaves in errno */
	unsigned refuse_after; /* so many of its works it takes before */
	bool mute;             /* does not tell which receive it refused */
	unsigned posts;
	unsigned chain; /* works that the last post took, and their numbers */
	uint64_t numbers[DRIVER_MAX_SEND];
	uint64_t wr_ids[DRIVER_MAX_SEND]; /* of all works, by number */
	bool started;                     /* between ibv_wr_start() and ibv_wr_complete() */
	bool built;                       /* the work has all that it needs */
	unsigned notified[2];             /* times that the send and receive queue were armed */
	int solicited_only;               /* how the last one was */
	struct ibv_send_wr wr;            /* the last one, and its list */
	struct ibv_recv_wr recv_wr;
	unsigned receives; /* that the last call took, and where their first elements are */
	uint64_t landings[DRIVER_MAX_RECV];
	struct ibv_sge list[DRIVER_MAX_SGE];
	uint8_t payload[64]; /* of an inline work */
};

/* @extended: ibv_wr_*() and ibv_start_poll(); both show up as requests and completions here. */
struct driver *driver_new(bool extended);
void driver_free(struct driver *d);
struct bv_channel *driver_channel(struct driver *d);

/* @wc's wr_id: the number of a work; it becomes what that work was posted with. Receives complete in order. */
void driver_complete(struct driver_cq *cq, struct ibv_wc wc);

#endif
