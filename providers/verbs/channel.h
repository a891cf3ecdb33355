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
struct verbs_result;

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

/*
 * Extended: the functions of the queues. Called from here, nothing but the channel has to stay in a register,
 * and the compiler need not copy a queue's pointer for each call. Drivers set those of a queue pair when they move
 * it: ibv_wr_complete() of libmlx5 is another one before RTS (mlx5_qp_fill_wr_complete_error() in
 * providers/mlx5/qp.c), so they are taken at the first post (post_wr.c).
 */
struct verbs_functions {
	void (*start)(struct ibv_qp_ex *qp);
	void (*write)(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr);
	void (*send)(struct ibv_qp_ex *qp);
	void (*read)(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr);
	void (*fetch_add)(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t addr, uint64_t add);
	void (*set_sge)(struct ibv_qp_ex *qp, uint32_t lkey, uint64_t addr, uint32_t length);
	void (*set_inline)(struct ibv_qp_ex *qp, void *addr, size_t length);
	void (*set_list)(struct ibv_qp_ex *qp, size_t n, const struct ibv_sge *list);
	int (*complete)(struct ibv_qp_ex *qp);
};

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
 * What posts and polls of the extended way use comes first, beside the counters. A post without flags, or
 * one with BV_MORE alone, may go a short way (short_wr.c) as long as its number is below @plain_limit or
 * @more_limit. One of the two is 0: the former while works wait for ibv_wr_complete(), else the latter.
 */
struct verbs_channel {
	_Alignas(VERBS_LINE) struct bv_channel base;
	struct ibv_qp_ex *qp_ex; /* the same as qp; NULL if the way is classic */
	struct bv_wc *wc_out;    /* of a poll: as in struct verbs_call */
	uint32_t bytes;          /* likewise */
	uint64_t plain_limit;    /* never above sq_limit */
	uint64_t more_limit;     /* likewise */
	uint64_t first_waiting;  /* the first of the works that wait */
	struct verbs_posted *posted_send;
	uint32_t posted_send_mask; /* of the bytes up to the last place */
	uint32_t unsignaled; /* of those that asked for no signal: since one got it all the same */
	struct verbs_call call;
	struct verbs_functions fn;
	struct verbs_cq_functions cq_fn; /* the same of both queues, which are made alike */
	struct ibv_cq_ex *send_cq_ex;    /* the same queues, or NULL */
	struct ibv_cq_ex *recv_cq_ex;
	struct ibv_poll_cq_attr poll; /* nothing is asked for */
	struct verbs_result *results; /* of receives, as many places as @posted_recv */
	struct verbs_received *posted_recv;
	uint32_t posted_recv_mask;
	uint32_t usual_recv_sge; /* one, if receives may have elements, else none that there is */
	struct ibv_qp *qp;
	struct ibv_recv_wr *bad_recv_wr;    /* of no interest: there was one */
	struct verbs_recv_list *recv_lists; /* as many places as @posted_recv */
	struct ibv_recv_wr *recv_chain;     /* a ring of requests, one for each place */
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	struct ibv_send_wr send_wr;
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

/*
 * Works of the send queue carry their number and their operation as wr_id, as a driver would have to
 * be asked for the latter: in three bits, of which the highest says that something is fetched. Receives
 * carry no number: a queue's complete in order.
 */
#define VERBS_FETCHES 4u
#define VERBS_FIRST_OP 7u

static inline uint64_t verbs_wr_id(uint64_t number, enum bv_op op)
{
	static_assert(BV_OP_WRITE == 8 && BV_OP_SEND == 10 && BV_OP_READ == 16 &&
			      BV_OP_COMPARE_SWAP == 17 && BV_OP_FETCH_ADD == 18,
		      "less 7, or of those that fetch less 11, it fits");
	return number * 8 + (op - VERBS_FIRST_OP - (op < BV_OP_READ ? 0 : VERBS_FETCHES));
}

static inline uint64_t verbs_number(uint64_t wr_id)
{
	return wr_id >> 3;
}

static inline bool verbs_fetches(uint64_t wr_id)
{
	return wr_id & VERBS_FETCHES;
}

static inline enum bv_op verbs_op(uint64_t wr_id)
{
	const unsigned low = (unsigned)wr_id & 7;

	return (enum bv_op)(low + (low & VERBS_FETCHES) + VERBS_FIRST_OP);
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
/* Tells the device of the works that wait, and of @more built behind them: the last number, or -errno. */
int64_t bvi_verbs_complete(struct verbs_channel *v, unsigned more);

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
