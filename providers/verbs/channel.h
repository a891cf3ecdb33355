/* SPDX-License-Identifier: MIT */
/*
 * The state of a verbs channel. Used by the channel's thread alone.
 *
 * @send_wr and @recv_wr are templates: what never changes is set once, each post fills in the rest.
 * Works carry their number as wr_id.
 */
#ifndef BV_PROVIDERS_VERBS_CHANNEL_H
#define BV_PROVIDERS_VERBS_CHANNEL_H

#include <assert.h>

#include "core/provider.h"

/* Completions taken from libibverbs at once. */
#define VERBS_BURST 16
/* Elements of a work that are kept one by one. */
#define VERBS_POSTED_SGE 2
/* Works that wait for one doorbell, at most. */
#define VERBS_CHAIN_MAX 64
/* A wr_id that no work has: marks entries of @wc that hold no completion. */
#define VERBS_NO_WORK UINT64_MAX

/*
 * What was posted at one place of a queue, as libibverbs cannot be asked later. Written by each post,
 * read only for texts of errors. One cache line: two elements, and what the rest of a list sums up to.
 */
struct verbs_posted {
	uint64_t remote_addr;
	uint32_t rkey;
	uint32_t imm;  /* network order */
	uint32_t rest; /* bytes: of inline payload, or of a list behind what @sge has */
	uint32_t what; /* bits 15:0 elements, 30:16 enum ibv_wr_opcode (receives: 0), 31 inline */
	struct ibv_sge sge[VERBS_POSTED_SGE];
	uint8_t reserved[8];
};

#define VERBS_POSTED_OPCODE 16
#define VERBS_POSTED_INLINE (1u << 31)

static_assert(sizeof(struct verbs_posted) == 64, "one cache line a work");

/*
 * Works posted with BV_MORE, linked into the list that one ibv_post_send() will get. What they point
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

struct verbs_channel {
	struct bv_channel base;
	struct ibv_qp *qp;
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	struct ibv_cq_ex *send_cq_ex; /* the same queues; NULL if the driver has none such */
	struct ibv_cq_ex *recv_cq_ex;
	uint32_t unsignaled;       /* works since the last signaled one */
	uint32_t signal_every;     /* a signal comes at least once in so many works */
	uint32_t chained;          /* BV_MORE if works wait in @chain, else 0 */
	uint32_t posted_send_mask; /* places of @posted_send - 1 */
	uint32_t posted_recv_mask;
	struct verbs_posted *posted_send;
	struct verbs_posted *posted_recv;
	struct ibv_send_wr send_wr;
	struct ibv_recv_wr recv_wr;
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

/* post.c */
extern const struct bv_channel_ops bvi_verbs_ops_ready;
extern const struct bv_channel_ops bvi_verbs_ops_ready_ex;
int64_t bvi_verbs_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge);

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

/* poll_ex.c */
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);
int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max);

/* posted.c */
int bvi_verbs_posted_create(struct verbs_channel *v, const struct bv_channel_attr *attr);
void bvi_verbs_posted_destroy(struct verbs_channel *v);
int bvi_verbs_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info);

/* reset.c */
void bvi_verbs_channel_reset(struct bv_channel *ch);
uint32_t bvi_verbs_channel_unsignaled(const struct bv_channel *ch);

/* channel.c */
int bvi_verbs_channel_create(const struct bv_channel_params *params, struct bv_channel **ch,
			     char *why, size_t size);
void bvi_verbs_channel_destroy(struct bv_channel *ch);

#endif
