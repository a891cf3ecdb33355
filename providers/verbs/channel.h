/* SPDX-License-Identifier: MIT */
/*
 * The state of a verbs channel. Used by the channel's thread alone.
 *
 * There are two ways to use a driver. "Classic": ibv_post_send() and ibv_poll_cq(), which all have.
 * "Extended": ibv_wr_*() and ibv_start_poll(), with queues that say that one thread uses them.
 *
 * @send_wr is a template: what never changes is set once, each post fills in the rest. Receives have a
 * request at each place of the queue (posted.h).
 */
#ifndef BV_PROVIDERS_VERBS_CHANNEL_H
#define BV_PROVIDERS_VERBS_CHANNEL_H

#include <assert.h>

#include "core/provider.h"

#define VERBS_LINE 64
/* Completions taken from libibverbs at once. */
#define VERBS_BURST 16
/* Completions that polls of one take, at most, before the driver may tell the device so (poll_ex.c). */
#define VERBS_BATCH 16
/* Works that wait for one doorbell, at most. */
#define VERBS_CHAIN_MAX 64
/* The short ways of posting look at no limit for elements up to this length. */
#define VERBS_SHORT_LENGTH (1u << 30)
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
struct verbs_received;
struct verbs_recv_list;

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
 * Extended: the functions of a completion queue. Called from here, nothing but the channel has to stay in a register.
 * Those of a queue pair are taken from it each time: drivers change them when they move it (libmlx5:
 * mlx5_qp_fill_wr_complete_error() in providers/mlx5/qp.c).
 */
struct verbs_cq_functions {
	int (*start)(struct ibv_cq_ex *cq, struct ibv_poll_cq_attr *attr);
	int (*next)(struct ibv_cq_ex *cq);
	void (*end)(struct ibv_cq_ex *cq);
	uint32_t (*read_bytes)(struct ibv_cq_ex *cq);
	unsigned int (*read_flags)(struct ibv_cq_ex *cq);
	enum ibv_wc_opcode (*read_opcode)(struct ibv_cq_ex *cq);
	__be32 (*read_imm)(struct ibv_cq_ex *cq);
};

/*
 * What posts and polls of the extended way use comes first, beside the counters. A post without flags, or one with
 * BV_MORE alone, may go a short way (short_wr.c) as long as its place, @at, is below @plain_end or @more_end. One
 * of the two is NULL: the former while works wait for ibv_wr_complete(), else the latter. Both are at the end of
 * the places that are free, or at that of the ring, where @at starts anew.
 */
struct verbs_channel {
	_Alignas(VERBS_LINE) struct bv_channel base;
	struct verbs_posted *at; /* of the next work; or @posted_end, then it is the first one */
	struct verbs_posted *plain_end;
	struct verbs_posted *more_end;
	struct bv_wc *wc_out; /* of a poll: waits here, as a register would have to be saved for it */
	uint32_t bytes;       /* likewise */
	uint32_t batch;       /* VERBS_BATCH; or 1, if the queues have no room for the others */
	uint32_t send_left;   /* of a batch, which ends by ibv_end_poll(); 0: none has begun */
	uint32_t recv_left;
	size_t posted_size; /* of all places */
	uint32_t sq_room; /* max_send + 1: sq_limit after the completion of a work, less its number */
	uint32_t what_longest; /* of writes of VERBS_POSTED_SGE elements, if there may be; else 0: of none */
	struct verbs_posted *posted; /* as many as @base.max_send */
	struct verbs_posted *posted_end;
	uint64_t first_waiting;          /* number of the first of the works that wait */
	struct ibv_qp_ex *qp_ex;         /* the same as qp; NULL if the way is classic */
	struct verbs_cq_functions cq_fn; /* the same of both queues, which are made alike */
	struct ibv_cq_ex *send_cq_ex;    /* the same queues, or NULL */
	struct ibv_cq_ex *recv_cq_ex;
	struct ibv_poll_cq_attr poll; /* nothing is asked for */
	struct verbs_received *posted_recv;
	uint32_t posted_recv_mask;
	uint32_t usual_recv_sge; /* one, if receives may have elements, else none that there is */
	struct ibv_qp *qp;
	int (*post_recv)(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
	struct ibv_recv_wr *bad_recv_wr;    /* of no interest: there was one */
	struct verbs_recv_list *recv_lists; /* as many places as @posted_recv */
	struct ibv_recv_wr *recv_chain;     /* a ring of requests, one for each place */
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	struct ibv_send_wr send_wr;
	uint64_t first_posted; /* number that the first place had at first */
	bool is_numbered;      /* @first_posted is known, and all places have their numbers */
	uint32_t unsignaled;   /* works that asked for no signal: since one got it all the same */
	uint32_t chained;      /* classic: BV_MORE if works wait in @chain, else 0 */
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

static inline const struct verbs_channel *to_verbs_const(const struct bv_channel *ch)
{
	return (const struct verbs_channel *)(const void *)ch;
}

/* post.c */
extern const struct bv_channel_ops bvi_verbs_ops_ready;
int64_t bvi_verbs_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);
int bvi_verbs_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n);
#define VERBS_RECEIVES .post_recv = bvi_verbs_post_recv, .post_recv_many = bvi_verbs_post_recv_many

/* short_wr.c */
extern const struct bv_channel_ops bvi_verbs_ops_ready_wr;
/* post_wr.c: the same without short ways, which do not refuse eight bytes inline, or one element. */
extern const struct bv_channel_ops bvi_verbs_ops_ready_wr_narrow;
int bvi_verbs_flush_wr(struct bv_channel *ch);
/* Tells the device of the works that were built: the last number, or -errno, and those have not been posted. */
int64_t bvi_verbs_complete(struct verbs_channel *v);

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
void bvi_verbs_cq_functions_set(struct verbs_channel *v);
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_send_one_ex(struct bv_channel *ch, struct bv_wc *wc);
int bvi_verbs_poll_recv_one_ex(struct bv_channel *ch, struct bv_wc *wc);
/* Before anything else than polling is done with @queues (BV_WAKE_*). */
void bvi_verbs_poll_end(struct verbs_channel *v, unsigned queues);

/* posted.c */
/* Before the first work since the queue pair was made or reset. */
void bvi_verbs_number_places(struct verbs_channel *v);
/* The last works, from @number on, have not been posted. */
void bvi_verbs_withdraw(struct verbs_channel *v, uint64_t number);
int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr);
void bvi_verbs_posted_destroy(struct verbs_channel *v);
int bvi_verbs_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);
void bvi_verbs_recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc);
int bvi_verbs_poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				unsigned max);

/* What the tables of all states have. */
#define VERBS_REAPS                                                                             \
	.poll_send_one = bvi_verbs_poll_send_one, .poll_recv_one = bvi_verbs_poll_recv_one,     \
	.poll_send = bvi_verbs_poll_send, .poll_recv = bvi_verbs_poll_recv,                     \
	.poll_recv_inplace = bvi_verbs_poll_recv_inplace, .recv_result = bvi_verbs_recv_result, \
	.arm = bvi_verbs_arm
#define VERBS_REAPS_EX                                                                            \
	.poll_send_one = bvi_verbs_poll_send_one_ex, .poll_recv_one = bvi_verbs_poll_recv_one_ex, \
	.poll_send = bvi_verbs_poll_send_ex, .poll_recv = bvi_verbs_poll_recv_ex,                 \
	.poll_recv_inplace = bvi_verbs_poll_recv_inplace, .recv_result = bvi_verbs_recv_result,   \
	.arm = bvi_verbs_arm

/* reset.c */
void bvi_verbs_channel_before_reset(struct bv_channel *ch);
void bvi_verbs_channel_reset(struct bv_channel *ch);
uint32_t bvi_verbs_channel_unsignaled(const struct bv_channel *ch);

/* channel.c */
int bvi_verbs_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			     char *why, size_t size);
void bvi_verbs_channel_destroy(struct bv_channel *ch);

#endif
