/* SPDX-License-Identifier: MIT */
/*
 * The state of a verbs channel. Used by the channel's thread alone.
 *
 * There are two ways to use a driver. "Classic": ibv_post_send() and ibv_poll_cq(), which all have.
 * "Extended": ibv_wr_*() and ibv_start_poll(), with queues that say that one thread uses them.
 *
 * @send_wr and @recv_wr are templates: what never changes is set once, each post fills in the rest.
 */
#ifndef BV_PROVIDERS_VERBS_CHANNEL_H
#define BV_PROVIDERS_VERBS_CHANNEL_H

#include <assert.h>

#include "core/provider.h"

#define VERBS_LINE 64
/* Completions taken from libibverbs at once. */
#define VERBS_BURST 16
/* Works that wait for one doorbell, at most. */
#define VERBS_CHAIN_MAX 64
/* A wr_id that no work has: marks entries of @wc that hold no completion. */
#define VERBS_NO_WORK UINT64_MAX

/*
 * Classic: works posted with BV_MORE, linked into the list that one ibv_post_send() will get. What they point
 * to may be gone by then, so there are copies of it.
 */
struct verbs_chain {
	struct ibv_send_wr *wr; /* @max places */
	struct ibv_sge *sge;    /* @max_sge for each */
	uint8_t *payload;       /* @max_inline bytes for each */
	uint32_t max;
	uint32_t max_sge;
	uint32_t max_inline;
	uint32_t n;
};

struct verbs_posted;

/* Where a work goes: what a struct bv_remote starts with, and the immediate where that one has a gap. */
struct verbs_target {
	uint64_t addr;
	uint32_t rkey;
	uint32_t imm; /* network order */
};

static_assert(sizeof(struct verbs_target) == offsetof(struct bv_remote, length) &&
		      offsetof(struct verbs_target, addr) == offsetof(struct bv_remote, addr) &&
		      offsetof(struct verbs_target, rkey) == offsetof(struct bv_remote, rkey),
	      "copied in one piece");

/*
 * Extended: what must outlive calls into the driver while a work is posted, or a completion polled.
 * Here it costs a store; in a register, that one would have to be saved and restored.
 */
struct verbs_call {
	struct verbs_target to;
	struct ibv_sge sge; /* the only element */
	const void *list;   /* or the payload */
	uint64_t operand;   /* of an atomic */
	uint64_t swap;
	uint32_t nsge;
	uint32_t length; /* of the payload */
};

/* What posts and polls of the extended way use comes first, beside the counters. */
struct verbs_channel {
	_Alignas(VERBS_LINE) struct bv_channel base;
	struct ibv_qp_ex *qp_ex;      /* the same as qp; NULL if the way is classic */
	struct ibv_cq_ex *send_cq_ex; /* the same queues, or NULL */
	struct ibv_cq_ex *recv_cq_ex;
	struct verbs_posted *posted_send;
	uint32_t posted_send_mask; /* places of @posted_send - 1 */
	uint32_t waiting;          /* extended: works that were built and not completed */
	struct verbs_call call;
	struct bv_wc *wc_out;         /* likewise, of a poll */
	struct ibv_poll_cq_attr poll; /* nothing is asked for */

	struct verbs_posted *posted_recv;
	struct bv_wc *results; /* of receives, as many places as @posted_recv */
	uint32_t posted_recv_mask;
	struct ibv_qp *qp;
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	uint32_t usual_recv_sge; /* one, if receives may have elements, else none that there is */
	struct ibv_recv_wr recv_wr;      /* of one element */
	struct ibv_recv_wr *bad_recv_wr; /* always recv_wr */
	struct ibv_send_wr send_wr;
	uint32_t chained;    /* classic: BV_MORE if works wait in @chain, else 0 */
	uint32_t unsignaled; /* of those that asked for no signal: since one got it all the same */
	uint32_t signal_every; /* a signal comes at least once in so many works */
	struct ibv_wc wc[VERBS_BURST];

	struct verbs_chain chain;
	struct bvi_channel_core core;
	struct ibv_td *td;     /* NULL if the device has none */
	struct ibv_pd *domain; /* parent domain; NULL without @td */
};

static inline struct verbs_channel *to_verbs(struct bv_channel *ch)
{
	return (struct verbs_channel *)(void *)ch;
}

/*
 * Works of the send queue carry their number and their operation as wr_id, as a driver would have to
 * be asked for the latter. Receives carry their number.
 */
static inline uint64_t verbs_wr_id(uint64_t number, enum bv_op op)
{
	return number << 5 | op;
}

static inline uint64_t verbs_number(uint64_t wr_id)
{
	return wr_id >> 5;
}

static inline enum bv_op verbs_op(uint64_t wr_id)
{
	return (enum bv_op)(wr_id & 31);
}

/* post.c */
extern const struct bv_channel_ops bvi_verbs_ops_ready;
int64_t bvi_verbs_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int bvi_verbs_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n);
#define VERBS_RECEIVES .post_recv = bvi_verbs_post_recv, .post_recv_many = bvi_verbs_post_recv_many

/* post_wr.c */
extern const struct bv_channel_ops bvi_verbs_ops_ready_wr;
/* The same for channels that may have to refuse eight bytes inline, or one element. */
extern const struct bv_channel_ops bvi_verbs_ops_ready_wr_narrow;
int bvi_verbs_flush_wr(struct bv_channel *ch);

/* chain.c */
int bvi_verbs_chain_create(struct verbs_channel *v, const struct bv_channel_attr *attr);
void bvi_verbs_chain_destroy(struct verbs_channel *v);
/* Posts v->send_wr, or has it wait: 0 or -errno. */
int bvi_verbs_chain_post(struct verbs_channel *v, unsigned flags);
int bvi_verbs_flush(struct bv_channel *ch);

/* arm.c */
int bvi_verbs_arm(struct bv_channel *ch, unsigned queues);

/* poll.c */
int bvi_verbs_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_send_one(struct bv_channel *ch, struct bv_wc *wc);
int bvi_verbs_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc);

/* poll_ex.c */
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_send_one_ex(struct bv_channel *ch, struct bv_wc *wc);
int bvi_verbs_poll_recv_one_ex(struct bv_channel *ch, struct bv_wc *wc);

/* posted.c */
int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr);
void bvi_verbs_posted_destroy(struct verbs_channel *v);
int bvi_verbs_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);
void bvi_verbs_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc);

/* What the tables of all states have. */
#define VERBS_REAPS                                                                         \
	.poll_send_one = bvi_verbs_poll_send_one, .poll_recv_one = bvi_verbs_poll_recv_one, \
	.poll_send = bvi_verbs_poll_send, .poll_recv = bvi_verbs_poll_recv,                 \
	.recv_result = bvi_verbs_recv_result, .arm = bvi_verbs_arm
#define VERBS_REAPS_EX                                                                            \
	.poll_send_one = bvi_verbs_poll_send_one_ex, .poll_recv_one = bvi_verbs_poll_recv_one_ex, \
	.poll_send = bvi_verbs_poll_send_ex, .poll_recv = bvi_verbs_poll_recv_ex,                 \
	.recv_result = bvi_verbs_recv_result, .arm = bvi_verbs_arm

/* reset.c */
void bvi_verbs_channel_reset(struct bv_channel *ch);
uint32_t bvi_verbs_channel_unsignaled(const struct bv_channel *ch);

/* channel.c */
int bvi_verbs_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			     char *why, size_t size);
void bvi_verbs_channel_destroy(struct bv_channel *ch);

#endif
